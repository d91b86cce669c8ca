/* Inside of the HTTP engine: what http.c, http_setup.c and http_fail.c share. */
#ifndef BASE_HTTP_CALL_H
#define BASE_HTTP_CALL_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/http.h"
#include "lib/base/vec.h"

enum http_call_state {
    CALL_NEW,     /* in the inbox; the engine thread hasn't seen it */
    CALL_WAITING, /* for a place under its limit */
    CALL_ACTIVE,  /* libcurl has it */
    CALL_FINISHED,
};

struct http_call {
    struct http *http;
    struct http_queue *queue;
    void *user;

    /* Set by http_start, then the engine thread's alone. */
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct http_limit *limit;
    char *url;
    char *origin; /* "host:port", for messages */
    int64_t idle_timeout_ms;
    int redirects_left;
    bool stream, proxy_from_env, follows;
    size_t max_response;
    char curl_error[CURL_ERROR_SIZE];

    /* The engine thread's. */
    enum http_call_state state;
    size_t active_index;
    int64_t activated, last_byte; /* clock.h */
    bool sent;                    /* known to have got a connection */
    bool in_body, redirecting, over_limit, idled_out, header_limit;
    struct http_call *next;       /* inbox, then the waiting list */
    struct http_call *abort_next; /* list of what was aborted */

    /* Under the queue's lock; of a call that isn't a stream, status, header and body are the engine
     * thread's until done. */
    int status;
    struct buf header; /* "Name: value" NUL ... of the last answer */
    struct buf body;
    bool head_news, data_news, done_news; /* events that weren't reported yet */
    bool ready, done, detached, drop;
    struct http_call *ready_next, *all_prev, *all_next;
    enum http_failure failure;
    struct err err;
};

/* http_setup.c: makes the easy handle. 0, or a code with call->failure and call->err set. */
int http_setup(struct http_call *c, const struct http_request *req, const char *ca_file,
               const char *ca_dir);

/* Turns a finished 3xx answer into the next request. 0 when there is one to be sent; 1 when the
 * answer stands (no redirect, or one that can't be followed); a negative code, with failure and
 * err set, when the redirect isn't allowed. */
int http_setup_redirect(struct http_call *c);

/* The body arrived so far is forgotten, as before the first byte. */
void http_call_restart(struct http_call *c);

/* http_fail.c: sets failure and err of a call from what libcurl says. */
void http_fail_curl(struct http_call *c, CURLcode code);
int http_fail(struct http_call *c, enum http_failure failure, const char *fmt, ...)
    PRINTF_FMT(3, 4);

/* http_proxy.c: the proxy for a URL, from the environment; NULL = none; caller frees. */
char *http_proxy_from_env(const char *scheme, const char *host, const char *port,
                          char *(*getenv_fn)(const char *));

#endif
