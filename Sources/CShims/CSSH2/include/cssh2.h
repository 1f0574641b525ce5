#ifndef TIBET_CSSH2_H
#define TIBET_CSSH2_H

#include <libssh2.h>
#include <libssh2_sftp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

// libssh2 and what it needs take longer to load than most commands take to run, so it is not linked but loaded when it
// is first used. The functions that libssh2's headers declare and this carrier calls are defined in cssh2.c, which
// passes each call on. Before any of them, tibet_ssh2_load() must have succeeded.

/// Loads and initialises libssh2 unless that is done. Returns NULL, or why it cannot be had. Safe from any thread.
const char *tibet_ssh2_load(void);

typedef ssize_t (*tibet_ssh2_send)(int socket, const void *bytes, size_t count, int flags, void **abstract);
typedef ssize_t (*tibet_ssh2_receive)(int socket, void *bytes, size_t count, int flags, void **abstract);

/// Makes the session send and receive through these functions. They return a negated errno where they fail.
/// libssh2 takes them as object pointers, which Swift cannot make of functions.
void tibet_ssh2_set_wire(LIBSSH2_SESSION *session, tibet_ssh2_send send, tibet_ssh2_receive receive);

/// A new session whose callbacks are given `abstract`, with the allocators of C.
LIBSSH2_SESSION *tibet_ssh2_session(void *abstract);

/// Makes the socket send at once what it is given, and take no more than is in flight and a little beyond: whoever
/// counts what the kernel took as sent is otherwise megabytes ahead of the truth.
void tibet_tune_socket(int socket);

#endif
