/* Requests of the Kubernetes API as method, URL, headers and body. Pure. */
#ifndef KUBE_REQUEST_H
#define KUBE_REQUEST_H

#include "lib/base/buf.h"
#include "lib/kube/client.h"

struct kube_prepared {
    const char *method, *content_type, *accept; /* static, except an accept that was asked for */
    char *url, *body, *own_accept;
    size_t body_len;
    char *what; /* "PATCH Deployment kubeflow/katib-ui" */
    bool is_list;
};
void kube_prepared_done(struct kube_prepared *p);

/* A watch is a LIST with these. */
struct kube_watch_params {
    const char *resource_version;
    int timeout_s; /* after which the server ends the stream */
};

/* server: kube_config_server. watch may be NULL. 0, or ERR_INVALID for a request that can't be (no
 * resource, a name where none may be, a "/" in a name). */
int kube_prepare(const char *server, const struct kube_request *req,
                 const struct kube_watch_params *watch, struct kube_prepared *ret, struct err *err)
    WARN_UNUSED;

#endif
