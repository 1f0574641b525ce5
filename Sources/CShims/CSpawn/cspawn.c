#define _GNU_SOURCE
#include "cspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int tibet_spawn(pid_t *id, const char *path, char *const arguments[], char *const environment[], int input, int output,
                int errors, int envelope) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (code == 0) code = posix_spawnattr_setpgroup(&attributes, 0);
    if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &none);
    if (code == 0) code = posix_spawnattr_setsigdefault(&attributes, &all);
    if (code == 0) code = posix_spawnattr_setflags(&attributes, flags);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, errors, 2);
    if (code == 0 && envelope >= 0) code = posix_spawn_file_actions_adddup2(&actions, envelope, 3);
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, envelope >= 0 ? 4 : 3);
    if (code == 0) code = posix_spawn(id, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

// What the child does between fork and exec: nothing here may allocate or lock. Tells `report` what went wrong.
static void become(const char *path, char *const arguments[], char *const environment[], const char *folder,
                   const int streams[3], pid_t parent, int report) {
    int reason = 0;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) reason = errno;
    // The parent may have ended before that was asked for.
    if (getppid() != parent) _exit(127);
    if (reason == 0 && folder != NULL && chdir(folder) != 0) reason = errno;
    // All of them are above 2, so that none is overwritten before it is copied.
    for (int stream = 0; reason == 0 && stream < 3; stream++)
        if (dup2(streams[stream], stream) < 0) reason = errno;
    if (reason == 0 && report > 3 && close_range(3, (unsigned)report - 1, 0) != 0) reason = errno;
    if (reason == 0 && close_range((unsigned)report + 1, ~0U, 0) != 0) reason = errno;
    if (reason == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(path, arguments, environment);
        reason = errno;
    }
    (void)!write(report, &reason, sizeof reason);
    _exit(127);
}

int tibet_spawn_bound(pid_t *id, const char *path, char *const arguments[], char *const environment[],
                      const char *folder, int input, int output, int errors) {
    int ends[2];
    if (tibet_pipe(ends) != 0) return errno;
    const int streams[3] = {input, output, errors};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) become(path, arguments, environment, folder, streams, parent, ends[1]);
    int reason = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child > 0) {
        int told = 0;
        ssize_t count;
        // The other end is closed by a successful exec.
        while ((count = read(ends[0], &told, sizeof told)) < 0 && errno == EINTR) {}
        if (count == sizeof told) {
            reason = told;
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        } else {
            *id = child;
        }
    }
    close(ends[0]);
    return reason;
}

int tibet_open_process(pid_t id) { return pidfd_open(id, 0); }

int tibet_pipe(int ends[2]) {
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0) return -1;
    // Above what a child's own descriptors are, so that none is overwritten before it is copied.
    ends[0] = fcntl(made[0], F_DUPFD_CLOEXEC, 10);
    ends[1] = fcntl(made[1], F_DUPFD_CLOEXEC, 10);
    int reason = errno;
    close(made[0]);
    close(made[1]);
    if (ends[0] >= 0 && ends[1] >= 0) return 0;
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    errno = reason;
    return -1;
}

void tibet_widen_pipe(int descriptor) { (void)fcntl(descriptor, F_SETPIPE_SZ, 1 << 20); }

int tibet_never_block(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

ssize_t tibet_write_quietly(int descriptor, const void *bytes, size_t count) {
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t written = write(descriptor, bytes, count);
    int reason = errno;
    if (written < 0 && reason == EPIPE) {
        // The signal is this thread's, and nobody else may get it.
        struct timespec now = {0, 0};
        sigtimedwait(&pipe, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return written;
}

int64_t tibet_unread_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : -1;
}
