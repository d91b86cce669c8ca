/* HTTP: one engine on libcurl's multi interface, with one I/O thread.
 *
 * Any thread starts requests; HTTP/2 multiplexes those for one server over one connection, and
 * connections are reused for the engine's life. A finished request, and each event of a streamed
 * one, arrives on the queue it was started with; a caller that wants just one answer uses http_do.
 * Nothing here retries: that is a matter of meaning, which callers know.
 *
 *     caller --http_start--> engine thread --event--> http_queue --http_queue_next--> caller
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/cancel.h"
#include "lib/base/err.h"

#define HTTP_MAX_HEADER_BYTES   ((size_t)256 << 10)
#define HTTP_CONNECT_TIMEOUT_MS 10000

#define HTTP_MAX_REDIRECTS 20
#define HTTP_MAX_STREAMS   1000 /* concurrent requests on one HTTP/2 connection */

struct http;
struct http_queue;
struct http_call;
struct http_limit;

/* Trust and identity of a server. All optional. */
struct http_tls {
    const char *ca_pem; /* trusted roots; NULL = the system's (SSL_CERT_FILE, then known paths) */
    const char *cert_pem, *key_pem;
    const char *server_name; /* expected instead of the URL's host (also sent as SNI) */
    bool insecure;           /* no verification at all: only when the user said so in words */
};

struct http_request {
    const char *method;         /* "GET", ... */
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value", NULL-ended; or NULL. Never logged */
    const void *body;
    size_t body_len;
    const struct http_tls *tls; /* or NULL */
    const char *proxy;  /* http, https, socks5 URL; NULL = HTTPS_PROXY, HTTP_PROXY, NO_PROXY as Go
                           reads them; "" = none */
    int64_t timeout_ms; /* whole request, 0 = none (streams) */
    int64_t idle_timeout_ms; /* no byte received for so long; 0 = none */
    size_t max_response;     /* bytes of the decoded body; 0 = BUF_MAX_DOCUMENT */
    bool http2;              /* ask for HTTP/2 by ALPN and wait to share a connection */
    bool stream;             /* body arrives as HTTP_DATA events instead of in the result */
    bool compressed;         /* ask for gzip (costs CPU on both sides, saves bytes) */
    int max_redirects; /* of GET and HEAD; 0 = a 3xx is the answer. To another origin go only Accept
                          and User-Agent; never from https to http */
    struct http_limit *limit; /* or NULL; must outlive the call */
    void *user;               /* the caller's */
};

/* Why a call got no complete answer: what a caller may branch on. */
enum http_failure {
    HTTP_FAIL_NONE,
    HTTP_FAIL_REQUEST,     /* URL, proxy URL or scheme can't be used */
    HTTP_FAIL_DNS,         /* no such host */
    HTTP_FAIL_CONNECT,     /* refused, unreachable, or no answer in HTTP_CONNECT_TIMEOUT_MS */
    HTTP_FAIL_PROXY,       /* the proxy can't be reached, or refused */
    HTTP_FAIL_CA_FILE,     /* ca_pem holds no certificate */
    HTTP_FAIL_CLIENT_CERT, /* cert_pem and key_pem can't be used */
    HTTP_FAIL_EXPIRED,     /* certificate out of its time (either end of it) */
    HTTP_FAIL_UNKNOWN_CA,
    HTTP_FAIL_WRONG_HOST, /* certificate is for another name */
    HTTP_FAIL_TLS,        /* any other failure of the handshake */
    HTTP_FAIL_LOST,       /* connection ended before the answer was complete */
    HTTP_FAIL_TIMEOUT,
    HTTP_FAIL_LIMIT,   /* max_response, header bytes, redirects */
    HTTP_FAIL_ABORTED, /* http_free, http_queue_drop_waiting */
};

struct http *http_new(struct err *err); /* NULL on failure */
void http_free(struct http *h);         /* aborts what is in flight; accepts NULL */

/* At most max calls that name the limit are in flight at a time; the others wait in their order.
 * May be shared by any number of threads and queues. */
struct http_limit *http_limit_new(int max);
void http_limit_free(struct http_limit *l); /* after its calls; accepts NULL */

struct http_queue *http_queue_new(void);
void http_queue_free(struct http_queue *q); /* aborts its calls; accepts NULL */

/* Copies what it needs of the request. Never fails by itself: failures arrive as the event. */
struct http_call *http_start(struct http *h, struct http_queue *q, const struct http_request *req);

/* Ends a call early; its memory is released and no event of it arrives any more. */
void http_abort(struct http_call *call);

enum http_event { HTTP_NONE, HTTP_HEAD, HTTP_DATA, HTTP_DONE };

/* Waits for the next event of any call of the queue until the deadline (clock.h) or the token
 * fires. 0 with *ret_event HTTP_NONE at the deadline; ERR_CANCELLED; otherwise the event's call
 * stays valid until http_call_free (after HTTP_DONE) or http_abort. HTTP_HEAD and HTTP_DATA occur
 * for streams only. */
int http_queue_next(struct http_queue *q, int64_t deadline, struct cancel *cancel,
                    enum http_event *ret_event, struct http_call **ret_call);

/* Makes http_queue_next return HTTP_NONE at once, from another thread. */
void http_queue_wake(struct http_queue *q);

/* Calls that still wait for a place under their limit end with ERR_CANCELLED; what is in flight
 * goes on. */
void http_queue_drop_waiting(struct http_queue *q);

/* After HTTP_DONE (status and headers also after HTTP_HEAD). */
void *http_call_user(const struct http_call *c);
int http_call_status(const struct http_call *c); /* 0 when no answer came */
const char *http_call_header(const struct http_call *c, const char *name); /* or NULL */
const char *http_call_body(const struct http_call *c, size_t *ret_len);    /* borrowed */
/* For HTTP_DATA: the bytes that have come since; the caller takes them. */
void http_call_take(struct http_call *c, struct buf *out);
/* 0 when a complete answer came, else ERR_UNREACHABLE, ERR_TIMEOUT, ERR_LIMIT, ERR_CANCELLED,
 * ERR_INVALID (URL, certificates) with a text that names host and reason: "connecting to
 * 10.0.0.1:6443: Connection refused", "certificate of 10.0.0.1:6443: certificate has expired". */
int http_call_error(const struct http_call *c, struct err *err);
enum http_failure http_call_failure(const struct http_call *c);
void http_call_free(struct http_call *c);

/* One request, waited for. On success *ret_call is to be freed. */
int http_do(struct http *h, const struct http_request *req, struct cancel *cancel,
            struct http_call **ret_call, struct err *err) WARN_UNUSED;

#endif
