#ifndef TIBET_CCURL_H
#define TIBET_CCURL_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

// libcurl and the libraries behind it take longer to load than most commands take to run, so it is not linked but loaded
// when it is first used. The functions below have libcurl's own names and are defined in ccurl.c, which passes each
// call on. Before any of them, tibet_curl_load() must have succeeded.

/// Loads libcurl unless it is loaded already. Returns NULL, or why it cannot be loaded. Safe from any thread.
const char *tibet_curl_load(void);

// curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift cannot call:
// one wrapper per type of argument. The bodies drop curl's type-checking macros with the parentheses.

extern CURLcode (*tibet_curl_easy_setopt)(CURL *handle, CURLoption option, ...);
extern CURLcode (*tibet_curl_easy_getinfo)(CURL *handle, CURLINFO info, ...);
extern CURLMcode (*tibet_curl_multi_setopt)(CURLM *handle, CURLMoption option, ...);

static inline CURLcode tibet_curl_set_long(CURL *handle, CURLoption option, long value) {
    return tibet_curl_easy_setopt(handle, option, value);
}

static inline CURLcode tibet_curl_set_off_t(CURL *handle, CURLoption option, curl_off_t value) {
    return tibet_curl_easy_setopt(handle, option, value);
}

static inline CURLcode tibet_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return tibet_curl_easy_setopt(handle, option, value);
}

static inline CURLcode tibet_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return tibet_curl_easy_setopt(handle, option, value);
}

static inline CURLcode tibet_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return tibet_curl_easy_setopt(handle, option, value);
}

typedef size_t (*tibet_curl_data_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode tibet_curl_set_data_callback(
    CURL *handle, CURLoption option, tibet_curl_data_callback callback) {
    return tibet_curl_easy_setopt(handle, option, callback);
}

typedef int (*tibet_curl_seek_callback)(void *context, curl_off_t offset, int origin);

static inline CURLcode tibet_curl_set_seek_callback(CURL *handle, tibet_curl_seek_callback callback) {
    return tibet_curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, callback);
}

typedef int (*tibet_curl_progress_callback)(
    void *context, curl_off_t downloadTotal, curl_off_t downloaded, curl_off_t uploadTotal, curl_off_t uploaded);

static inline CURLcode tibet_curl_set_progress_callback(CURL *handle, tibet_curl_progress_callback callback) {
    return tibet_curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, callback);
}

static inline CURLcode tibet_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return tibet_curl_easy_getinfo(handle, info, value);
}

static inline CURLcode tibet_curl_get_off_t(CURL *handle, CURLINFO info, curl_off_t *value) {
    return tibet_curl_easy_getinfo(handle, info, value);
}

// A socket takes up to megabytes that the network has not even seen, and whoever counts them as sent is far ahead of
// the truth. With this limit the kernel takes what is in flight and a little more, and is no slower for it.
static inline int tibet_curl_limit_unsent(void *context, curl_socket_t descriptor, curlsocktype purpose) {
    (void)context;
    (void)purpose;
    int unsent = 128 << 10;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    return CURL_SOCKOPT_OK;
}

static inline CURLcode tibet_curl_set_unsent_limit(CURL *handle) {
    return tibet_curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, tibet_curl_limit_unsent);
}

static inline CURLMcode tibet_curl_multi_set_long(CURLM *handle, CURLMoption option, long value) {
    return tibet_curl_multi_setopt(handle, option, value);
}

// CURLMsg keeps the result in a union, which Swift imports without names.
static inline CURLcode tibet_curl_message_result(const CURLMsg *message) { return message->data.result; }

#endif
