#include "ccurl.h"

#include <dlfcn.h>
#include <pthread.h>

CURLcode (*tibet_curl_easy_setopt)(CURL *handle, CURLoption option, ...);
CURLcode (*tibet_curl_easy_getinfo)(CURL *handle, CURLINFO info, ...);
CURLMcode (*tibet_curl_multi_setopt)(CURLM *handle, CURLMoption option, ...);

// The loaded functions, each under its own name without the prefix.
static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *handle);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *handle);
    CURLMcode (*multi_perform)(CURLM *multi, int *running);
    CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd extra[], unsigned int count, int timeout, int *ready);
    CURLMcode (*multi_wakeup)(CURLM *multi);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} loaded;

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function == NULL && problem == NULL) problem = "it is too old, or no libcurl";
    return function;
}

// A function pointer and an object pointer are different types to the language and the same thing to dlsym.
#define FIND(target, name) (*(void **)&(target) = find(library, name))

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        problem = dlerror();
        return;
    }
    FIND(tibet_curl_easy_setopt, "curl_easy_setopt");
    FIND(tibet_curl_easy_getinfo, "curl_easy_getinfo");
    FIND(tibet_curl_multi_setopt, "curl_multi_setopt");
    FIND(loaded.global_init, "curl_global_init");
    FIND(loaded.easy_init, "curl_easy_init");
    FIND(loaded.easy_cleanup, "curl_easy_cleanup");
    FIND(loaded.multi_init, "curl_multi_init");
    FIND(loaded.multi_cleanup, "curl_multi_cleanup");
    FIND(loaded.multi_add_handle, "curl_multi_add_handle");
    FIND(loaded.multi_remove_handle, "curl_multi_remove_handle");
    FIND(loaded.multi_perform, "curl_multi_perform");
    FIND(loaded.multi_poll, "curl_multi_poll");
    FIND(loaded.multi_wakeup, "curl_multi_wakeup");
    FIND(loaded.multi_info_read, "curl_multi_info_read");
    FIND(loaded.slist_append, "curl_slist_append");
    FIND(loaded.slist_free_all, "curl_slist_free_all");
}

const char *tibet_curl_load(void) {
    pthread_once(&once, load);
    return problem;
}

CURLcode curl_global_init(long flags) { return loaded.global_init(flags); }
CURL *curl_easy_init(void) { return loaded.easy_init(); }
void curl_easy_cleanup(CURL *handle) { loaded.easy_cleanup(handle); }
CURLM *curl_multi_init(void) { return loaded.multi_init(); }
CURLMcode curl_multi_cleanup(CURLM *multi) { return loaded.multi_cleanup(multi); }
CURLMcode curl_multi_add_handle(CURLM *multi, CURL *handle) { return loaded.multi_add_handle(multi, handle); }
CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *handle) { return loaded.multi_remove_handle(multi, handle); }
CURLMcode curl_multi_perform(CURLM *multi, int *running) { return loaded.multi_perform(multi, running); }
CURLMcode curl_multi_poll(
    CURLM *multi, struct curl_waitfd extra[], unsigned int count, int timeout, int *ready) {
    return loaded.multi_poll(multi, extra, count, timeout, ready);
}
CURLMcode curl_multi_wakeup(CURLM *multi) { return loaded.multi_wakeup(multi); }
CURLMsg *curl_multi_info_read(CURLM *multi, int *left) { return loaded.multi_info_read(multi, left); }
struct curl_slist *curl_slist_append(
    struct curl_slist *list, const char *text) {
    return loaded.slist_append(list, text);
}
void curl_slist_free_all(struct curl_slist *list) { loaded.slist_free_all(list); }
