#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

int tibet_rename_noreplace(int old_directory, const char *old_name, int new_directory, const char *new_name) {
    return renameat2(old_directory, old_name, new_directory, new_name, RENAME_NOREPLACE);
}

int tibet_open_folder_beneath(int directory, const char *path) {
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int tibet_reserve(int descriptor, off_t offset, off_t length) { return fallocate(descriptor, 0, offset, length); }

int tibet_start_writeback(int descriptor, off_t offset, off_t length) {
    return sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE);
}

int tibet_sync_file_system(int descriptor) { return syncfs(descriptor); }

int tibet_read_sequentially(int descriptor) { return posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL); }

int tibet_set_times(int directory, const char *name, int64_t seconds, long nanoseconds) {
    struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
}

int tibet_set_file_times(int descriptor, int64_t seconds, long nanoseconds) {
    struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    return futimens(descriptor, times);
}

int64_t tibet_free_bytes(int descriptor) {
    struct statvfs info;
    if (fstatvfs(descriptor, &info) != 0) return -1;
    int64_t bytes;
    // A file system in user space can say anything.
    if (__builtin_mul_overflow(info.f_bavail, info.f_frsize, &bytes)) return INT64_MAX;
    return bytes;
}

int64_t tibet_peak_resident_bytes(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return -1;
    return (int64_t)usage.ru_maxrss * 1024;
}

bool tibet_is_regular(mode_t mode) { return S_ISREG(mode); }
bool tibet_is_directory(mode_t mode) { return S_ISDIR(mode); }
bool tibet_is_symlink(mode_t mode) { return S_ISLNK(mode); }
bool tibet_is_pipe(mode_t mode) { return S_ISFIFO(mode); }

bool tibet_is_zero(const void *bytes, size_t count) {
    const char *first = bytes;
    return *first == 0 && memcmp(first, first + 1, count - 1) == 0;
}
