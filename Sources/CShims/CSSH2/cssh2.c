#include "cssh2.h"

#include <dlfcn.h>
#include <pthread.h>

// The loaded functions, each of its declared type and under its own name without the prefix.
#define SLOT(name) __typeof__(libssh2_##name) *name
static struct {
    SLOT(init);
    SLOT(session_init_ex);
    SLOT(session_free);
    SLOT(session_handshake);
    SLOT(session_disconnect_ex);
    SLOT(session_hostkey);
    SLOT(session_method_pref);
    SLOT(session_set_blocking);
    SLOT(session_block_directions);
    SLOT(session_last_errno);
    SLOT(session_callback_set);
    SLOT(userauth_list);
    SLOT(userauth_authenticated);
    SLOT(userauth_publickey_fromfile_ex);
    SLOT(userauth_publickey);
    SLOT(channel_open_ex);
    SLOT(channel_process_startup);
    SLOT(channel_read_ex);
    SLOT(channel_write_ex);
    SLOT(channel_send_eof);
    SLOT(channel_eof);
    SLOT(channel_free);
    SLOT(channel_handle_extended_data2);
    SLOT(scp_send64);
    SLOT(sftp_init);
    SLOT(sftp_last_error);
    SLOT(sftp_open_ex);
    SLOT(sftp_read);
    SLOT(sftp_write);
    SLOT(sftp_fsync);
    SLOT(sftp_close_handle);
    SLOT(sftp_seek64);
    SLOT(sftp_stat_ex);
    SLOT(sftp_rename_ex);
    SLOT(sftp_unlink_ex);
    SLOT(sftp_statvfs);
    SLOT(sftp_shutdown);
} loaded;

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function == NULL && problem == NULL) problem = "it is too old, or no libssh2";
    return function;
}

// A function pointer and an object pointer are different types to the language and the same thing to dlsym.
#define FIND(name) (*(void **)&loaded.name = find(library, "libssh2_" #name))

static void load(void) {
    void *library = dlopen("libssh2.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        problem = dlerror();
        return;
    }
    FIND(init);
    FIND(session_init_ex);
    FIND(session_free);
    FIND(session_handshake);
    FIND(session_disconnect_ex);
    FIND(session_hostkey);
    FIND(session_method_pref);
    FIND(session_set_blocking);
    FIND(session_block_directions);
    FIND(session_last_errno);
    FIND(session_callback_set);
    FIND(userauth_list);
    FIND(userauth_authenticated);
    FIND(userauth_publickey_fromfile_ex);
    FIND(userauth_publickey);
    FIND(channel_open_ex);
    FIND(channel_process_startup);
    FIND(channel_read_ex);
    FIND(channel_write_ex);
    FIND(channel_send_eof);
    FIND(channel_eof);
    FIND(channel_free);
    FIND(channel_handle_extended_data2);
    FIND(scp_send64);
    FIND(sftp_init);
    FIND(sftp_last_error);
    FIND(sftp_open_ex);
    FIND(sftp_read);
    FIND(sftp_write);
    FIND(sftp_fsync);
    FIND(sftp_close_handle);
    FIND(sftp_seek64);
    FIND(sftp_stat_ex);
    FIND(sftp_rename_ex);
    FIND(sftp_unlink_ex);
    FIND(sftp_statvfs);
    FIND(sftp_shutdown);
    if (problem == NULL && loaded.init(0) != 0) problem = "it cannot be initialised";
}

const char *tibet_ssh2_load(void) {
    pthread_once(&once, load);
    return problem;
}

LIBSSH2_SESSION *tibet_ssh2_session(void *abstract) { return loaded.session_init_ex(NULL, NULL, NULL, abstract); }

void tibet_ssh2_set_wire(LIBSSH2_SESSION *session, tibet_ssh2_send send, tibet_ssh2_receive receive) {
    loaded.session_callback_set(session, LIBSSH2_CALLBACK_SEND, *(void **)&send);
    loaded.session_callback_set(session, LIBSSH2_CALLBACK_RECV, *(void **)&receive);
}

void tibet_tune_socket(int socket) {
    int yes = 1;
    int unsent = 256 << 10;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

int libssh2_session_free(LIBSSH2_SESSION *session) { return loaded.session_free(session); }
int libssh2_session_handshake(LIBSSH2_SESSION *session, libssh2_socket_t socket) {
    return loaded.session_handshake(session, socket);
}
int libssh2_session_disconnect_ex(LIBSSH2_SESSION *session, int reason, const char *text, const char *language) {
    return loaded.session_disconnect_ex(session, reason, text, language);
}
const char *libssh2_session_hostkey(LIBSSH2_SESSION *session, size_t *length, int *type) {
    return loaded.session_hostkey(session, length, type);
}
int libssh2_session_method_pref(LIBSSH2_SESSION *session, int method, const char *preference) {
    return loaded.session_method_pref(session, method, preference);
}
void libssh2_session_set_blocking(LIBSSH2_SESSION *session, int blocking) {
    loaded.session_set_blocking(session, blocking);
}
int libssh2_session_block_directions(LIBSSH2_SESSION *session) { return loaded.session_block_directions(session); }
int libssh2_session_last_errno(LIBSSH2_SESSION *session) { return loaded.session_last_errno(session); }
char *libssh2_userauth_list(LIBSSH2_SESSION *session, const char *user, unsigned int length) {
    return loaded.userauth_list(session, user, length);
}
int libssh2_userauth_authenticated(LIBSSH2_SESSION *session) { return loaded.userauth_authenticated(session); }
int libssh2_userauth_publickey_fromfile_ex(
    LIBSSH2_SESSION *session, const char *user, unsigned int length, const char *publicKey, const char *privateKey,
    const char *passphrase) {
    return loaded.userauth_publickey_fromfile_ex(session, user, length, publicKey, privateKey, passphrase);
}
int libssh2_userauth_publickey(
    LIBSSH2_SESSION *session, const char *user, const unsigned char *key, size_t length,
    LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*sign)), void **abstract) {
    return loaded.userauth_publickey(session, user, key, length, sign, abstract);
}
LIBSSH2_CHANNEL *libssh2_channel_open_ex(
    LIBSSH2_SESSION *session, const char *type, unsigned int typeLength, unsigned int window, unsigned int packet,
    const char *message, unsigned int length) {
    return loaded.channel_open_ex(session, type, typeLength, window, packet, message, length);
}
int libssh2_channel_process_startup(
    LIBSSH2_CHANNEL *channel, const char *request, unsigned int requestLength, const char *message,
    unsigned int length) {
    return loaded.channel_process_startup(channel, request, requestLength, message, length);
}
ssize_t libssh2_channel_read_ex(LIBSSH2_CHANNEL *channel, int stream, char *bytes, size_t count) {
    return loaded.channel_read_ex(channel, stream, bytes, count);
}
ssize_t libssh2_channel_write_ex(LIBSSH2_CHANNEL *channel, int stream, const char *bytes, size_t count) {
    return loaded.channel_write_ex(channel, stream, bytes, count);
}
int libssh2_channel_send_eof(LIBSSH2_CHANNEL *channel) { return loaded.channel_send_eof(channel); }
int libssh2_channel_eof(LIBSSH2_CHANNEL *channel) { return loaded.channel_eof(channel); }
int libssh2_channel_free(LIBSSH2_CHANNEL *channel) { return loaded.channel_free(channel); }
int libssh2_channel_handle_extended_data2(LIBSSH2_CHANNEL *channel, int mode) {
    return loaded.channel_handle_extended_data2(channel, mode);
}
LIBSSH2_CHANNEL *libssh2_scp_send64(
    LIBSSH2_SESSION *session, const char *path, int mode, libssh2_int64_t size, time_t modified, time_t accessed) {
    return loaded.scp_send64(session, path, mode, size, modified, accessed);
}
LIBSSH2_SFTP *libssh2_sftp_init(LIBSSH2_SESSION *session) { return loaded.sftp_init(session); }
unsigned long libssh2_sftp_last_error(LIBSSH2_SFTP *sftp) { return loaded.sftp_last_error(sftp); }
LIBSSH2_SFTP_HANDLE *libssh2_sftp_open_ex(
    LIBSSH2_SFTP *sftp, const char *path, unsigned int length, unsigned long flags, long mode, int type) {
    return loaded.sftp_open_ex(sftp, path, length, flags, mode, type);
}
ssize_t libssh2_sftp_read(LIBSSH2_SFTP_HANDLE *handle, char *bytes, size_t count) {
    return loaded.sftp_read(handle, bytes, count);
}
ssize_t libssh2_sftp_write(LIBSSH2_SFTP_HANDLE *handle, const char *bytes, size_t count) {
    return loaded.sftp_write(handle, bytes, count);
}
int libssh2_sftp_fsync(LIBSSH2_SFTP_HANDLE *handle) { return loaded.sftp_fsync(handle); }
int libssh2_sftp_close_handle(LIBSSH2_SFTP_HANDLE *handle) { return loaded.sftp_close_handle(handle); }
void libssh2_sftp_seek64(LIBSSH2_SFTP_HANDLE *handle, libssh2_uint64_t offset) { loaded.sftp_seek64(handle, offset); }
int libssh2_sftp_stat_ex(
    LIBSSH2_SFTP *sftp, const char *path, unsigned int length, int kind, LIBSSH2_SFTP_ATTRIBUTES *attributes) {
    return loaded.sftp_stat_ex(sftp, path, length, kind, attributes);
}
int libssh2_sftp_rename_ex(
    LIBSSH2_SFTP *sftp, const char *from, unsigned int fromLength, const char *to, unsigned int toLength,
    long flags) {
    return loaded.sftp_rename_ex(sftp, from, fromLength, to, toLength, flags);
}
int libssh2_sftp_unlink_ex(LIBSSH2_SFTP *sftp, const char *path, unsigned int length) {
    return loaded.sftp_unlink_ex(sftp, path, length);
}
int libssh2_sftp_statvfs(LIBSSH2_SFTP *sftp, const char *path, size_t length, LIBSSH2_SFTP_STATVFS *info) {
    return loaded.sftp_statvfs(sftp, path, length, info);
}
int libssh2_sftp_shutdown(LIBSSH2_SFTP *sftp) { return loaded.sftp_shutdown(sftp); }
