#ifndef TIBET_CSPAWN_H
#define TIBET_CSPAWN_H

#include <stdint.h>
#include <sys/types.h>

// What starting and feeding a child process needs and Swift's Glibc module does not show.

/// Starts the program at `path` in a process group of its own, with signals as a fresh shell has them, and no descriptor
/// but 0 to 2 and, unless `envelope` is -1, 3. Returns 0 or an error number, and sets `id`.
int tibet_spawn(pid_t *id, const char *path, char *const arguments[], char *const environment[], int input, int output,
                int errors, int envelope);

/// Starts the program at `path` in `folder` (NULL for where this process is), in a process group of its own, with signals
/// as a fresh shell has them and no descriptor but 0 to 2. The kernel kills it when the calling thread ends, however that
/// comes about, so whoever calls must wait for it. Returns 0 or an error number, and sets `id`.
int tibet_spawn_bound(pid_t *id, const char *path, char *const arguments[], char *const environment[],
                      const char *folder, int input, int output, int errors);

/// pidfd_open(2): readable once the child has ended. -1 with `errno`.
int tibet_open_process(pid_t id);

/// pipe2(2) with O_CLOEXEC, both ends above descriptor 9. `ends[0]` is for reading. -1 with `errno`.
int tibet_pipe(int ends[2]);

/// Lets a pipe hold a mebibyte, where the system allows that.
void tibet_widen_pipe(int descriptor);

/// Makes reads and writes return at once.
int tibet_never_block(int descriptor);

/// write(2) that never raises SIGPIPE.
ssize_t tibet_write_quietly(int descriptor, const void *bytes, size_t count);

/// The number of bytes in a pipe that nobody has read, or -1.
int64_t tibet_unread_bytes(int descriptor);

#endif
