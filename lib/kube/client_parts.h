/* Inside of a client: what client.c shares with discovery.c and watch.c. */
#ifndef KUBE_CLIENT_PARTS_H
#define KUBE_CLIENT_PARTS_H

#include "lib/base/http.h"
#include "lib/kube/client.h"
#include "lib/kube/config_parts.h"
#include "lib/kube/request.h"

struct kube_discovery;

struct kube_client {
    struct kube_config *config;
    struct http *http;
    struct http_limit *limit;
    struct kube_discovery *discovery;
    char *user_agent;
    bool compress; /* big answers, when the network is slower than gzip */
    uint64_t requests;
};

struct kube_send_options {
    int64_t timeout_ms, idle_timeout_ms;
    bool stream; /* a watch: not counted against the limit */
    bool urgent; /* not counted either */
    void *user;
};

/* Sends one try. */
struct http_call *kube_client_send(struct kube_client *c, struct http_queue *q,
                                   const struct kube_prepared *p, const struct kube_identity *id,
                                   const struct kube_send_options *o);

/* The failure of a call that got no answer, in words with what to do about it; returns its code. */
int kube_client_failure(const struct http_call *call, struct err *err);

/* --- sharing a queue ------------------------------------------------------------------------------
 * A watcher's streams and lists run on a kube_queue, so that one wait serves both. */

/* First member of what http_request.user points to on a kube_queue. */
struct kube_ticket {
    /* An event of a stream; the call is freed here after HTTP_DONE. */
    void (*on_event)(struct kube_ticket *t, enum http_event event, struct http_call *call);
    /* The result of a call that kube_queue_start started; to be released here. */
    void (*on_result)(struct kube_ticket *t, struct kube_result *result);
};

/* What else wants to be done while a queue waits. */
struct kube_attachment {
    /* Does what is due; returns when the next thing is (clock.h). */
    int64_t (*tick)(struct kube_attachment *a, struct cancel *cancel);
    bool news; /* something is there to be taken: kube_next returns ERR_TIMEOUT early */
};

void kube_queue_attach(struct kube_queue *q, struct kube_attachment *a); /* one; NULL ends it */
struct kube_client *kube_queue_client(struct kube_queue *q);
struct http_queue *kube_queue_http(struct kube_queue *q);
uint32_t kube_queue_random(struct kube_queue *q);
void kube_queue_start(struct kube_queue *q, const struct kube_request *req, struct kube_ticket *t);
/* Aborts the calls that t was to get the results of. */
void kube_queue_abort(struct kube_queue *q, struct kube_ticket *t);

/* Waits for one thing to happen and handles it. 0, ERR_TIMEOUT, ERR_CANCELLED. */
int kube_queue_step(struct kube_queue *q, int64_t deadline, struct cancel *cancel) WARN_UNUSED;

/* discovery.c */
struct kube_discovery *kube_discovery_new(void);
void kube_discovery_free(struct kube_discovery *d);

#endif
