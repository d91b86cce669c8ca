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
    void *user;
};

/* Sends one try. */
struct http_call *kube_client_send(struct kube_client *c, struct http_queue *q,
                                   const struct kube_prepared *p, const struct kube_identity *id,
                                   const struct kube_send_options *o);

/* The failure of a call that got no answer, in words with what to do about it; returns its code. */
int kube_client_failure(const struct http_call *call, struct err *err);

/* discovery.c */
struct kube_discovery *kube_discovery_new(void);
void kube_discovery_free(struct kube_discovery *d);

#endif
