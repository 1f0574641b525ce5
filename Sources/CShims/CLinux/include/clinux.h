#ifndef TIBET_CLINUX_H
#define TIBET_CLINUX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Linux calls that Swift's Glibc module does not show, because they need _GNU_SOURCE. Each returns what the call of
// the same name returns and leaves its reason in errno.

/// renameat2(2) with RENAME_NOREPLACE: EEXIST when the new name is taken.
int tibet_rename_noreplace(int old_directory, const char *old_name, int new_directory, const char *new_name);

/// openat2(2) for a folder at a path of any depth below `directory`, following no link on the way: ENOSYS on Linux
/// before 5.6, and EPERM in some containers.
int tibet_open_folder_beneath(int directory, const char *path);

/// fallocate(2) without flags: reserves `length` bytes from `offset`.
int tibet_reserve(int descriptor, off_t offset, off_t length);

/// sync_file_range(2): starts write-back of a range without waiting for it.
int tibet_start_writeback(int descriptor, off_t offset, off_t length);

/// syncfs(2): waits until the file system that holds `descriptor` has stored everything.
int tibet_sync_file_system(int descriptor);

/// posix_fadvise(2) with POSIX_FADV_SEQUENTIAL for the whole file.
int tibet_read_sequentially(int descriptor);

/// utimensat(2) for a name that may be a symbolic link, which is not followed.
int tibet_set_times(int directory, const char *name, int64_t seconds, long nanoseconds);

/// futimens(3).
int tibet_set_file_times(int descriptor, int64_t seconds, long nanoseconds);

/// The bytes free to an unprivileged user on the file system that holds `descriptor`, or -1.
int64_t tibet_free_bytes(int descriptor);

/// The peak resident size of this process so far, in bytes.
int64_t tibet_peak_resident_bytes(void);

bool tibet_is_regular(mode_t mode);
bool tibet_is_directory(mode_t mode);
bool tibet_is_symlink(mode_t mode);
bool tibet_is_pipe(mode_t mode);

/// Whether all of `count` bytes, at least one, are 0.
bool tibet_is_zero(const void *bytes, size_t count);

#endif
