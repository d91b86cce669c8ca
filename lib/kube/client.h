/* Kubernetes API requests: typed paths, retries by class, Status errors in words.
 *
 * A client is shared by all operations of a session; its requests are multiplexed over HTTP/2 and
 * limited to `parallelism` in flight, urgent ones aside. A kube_queue belongs to one thread, which starts calls and
 * takes their results; while it waits, calls that failed with something that heals are sent again
 * with exponential back-off and jitter, within the limits of their class:
 *
 *     class                    what                                             until
 *     connection               refused, reset, lost, DNS                        retry_ms
 *     server                   429 (Retry-After heeded), 500, 502, 503, 504     retry_ms
 *     webhook                  500 "failed calling webhook", conversion webhook webhook_ms
 *     not served yet           404 on a resource path whose CRD was just made,  webhook_ms
 *                              namespace not found right after its creation
 *     conflict on our own      409 "AlreadyExists" races, optimistic locks      a few times
 *
 * Anything else (400, 401 after one renewal of the credentials, 403, 404, 409 conflict, 422) is the
 * answer at once. A request is never repeated after an answer that might hide a success, except
 * where it is idempotent (all of ours are: GET, apply, delete with uid precondition). */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/kube/config.h"

#define KUBE_MAX_RESPONSE       ((size_t)256 << 20)
#define KUBE_LIST_PAGE          500
#define KUBE_MAX_LIST_PAGES     1000
#define KUBE_MAX_LIST_RESTARTS  3 /* of a list that expires between two of its pages */
#define KUBE_PARALLELISM        32
#define KUBE_REQUEST_TIMEOUT_MS 60000
#define KUBE_RETRY_MS           60000
#define KUBE_WEBHOOK_RETRY_MS   300000

struct kube_client;

struct kube_client_options {
    struct kube_config *config; /* the client takes it */
    int parallelism;            /* 0 = KUBE_PARALLELISM */
    const char *user_agent;
};
struct kube_client *kube_client_new(const struct kube_client_options *o, struct err *err);
void kube_client_free(struct kube_client *c); /* accepts NULL */

/* A served resource, from discovery (discovery.h). */
struct kube_resource {
    const char *group, *version, *kind, *plural;
    bool namespaced;
};

enum kube_verb {
    KUBE_GET,
    KUBE_LIST,   /* one page; see kube_list for all */
    KUBE_CREATE, /* POST */
    KUBE_UPDATE, /* PUT */
    KUBE_APPLY,  /* PATCH application/apply-patch+yaml (the body is JSON), fieldManager required */
    KUBE_MERGE_PATCH,
    KUBE_JSON_PATCH,
    KUBE_DELETE,  /* body: DeleteOptions or NULL */
    KUBE_RAW_GET, /* path instead of resource */
};

struct kube_request {
    enum kube_verb verb;
    const struct kube_resource *resource;
    const char *path;        /* KUBE_RAW_GET: "/version" */
    const char *accept;      /* NULL = application/json */
    const char *namespace;   /* NULL or "" for cluster scope, or LIST over all namespaces */
    const char *name;        /* NULL for LIST and CREATE */
    const char *subresource; /* "status", or NULL */
    const char *label_selector, *field_selector, *continue_token; /* LIST; percent-encoded here */
    const char *field_manager;                                    /* writes */
    bool force;                                                   /* APPLY */
    bool dry_run;
    bool metadata_only; /* the answer is a PartialObjectMetadata(List): reads, and writes too */
    json_t *body;       /* borrowed; serialised by kube_start */
    int64_t timeout_ms; /* one try; 0 = KUBE_REQUEST_TIMEOUT_MS */
    int64_t retry_ms;   /* connection and server classes; 0 = KUBE_RETRY_MS, -1 = no retry */
    int64_t
        webhook_ms; /* webhook and not-served-yet classes; 0 = KUBE_WEBHOOK_RETRY_MS, -1 = none */
    bool not_served_retry; /* 404 of the resource path heals (its CRD was just made) */
    bool urgent; /* goes at once, however many are in flight: for the few that keep a lock */
    void *user;
};

/* Of a failed request: what the API server said. All borrowed from the result. */
struct kube_status {
    int http;             /* 0 when no answer came */
    const char *reason;   /* "NotFound", "Conflict", ...; "" */
    const char *message;  /* "" */
    const json_t *causes; /* details.causes: array of {reason, message, field}, or NULL */
};

struct kube_result {
    int code;     /* 0, or an err_code: ERR_NOT_FOUND, ERR_CONFLICT, ERR_DENIED, ... */
    json_t *body; /* parsed answer; owned by the result */
    struct kube_status status;
    struct err
        err; /* "PATCH Deployment kubeflow/katib-ui: <message>": names verb, object, reason */
    void *user;
    int tries;
    char retry_after_reason[160]; /* why it was sent again the last time, "" */
};
void kube_result_done(struct kube_result *r);

struct kube_queue;
struct kube_queue *kube_queue_new(struct kube_client *c);
void kube_queue_free(struct kube_queue *q); /* aborts what is in flight; accepts NULL */
DEFINE_CLEANUP(kube_queue_cleanup, struct kube_queue *, kube_queue_free)

void kube_start(struct kube_queue *q, const struct kube_request *req);
size_t kube_pending(const struct kube_queue *q); /* started and not yet returned by kube_next */

/* The next finished call. 0 with ret_result->user set; ERR_TIMEOUT at the deadline (calls go on);
 * ERR_CANCELLED when the token fires: no new tries are sent, what is in flight still can be waited
 * for with a NULL token. ERR_NOT_FOUND when nothing is pending. */
int kube_next(struct kube_queue *q, int64_t deadline, struct cancel *cancel,
              struct kube_result *ret_result) WARN_UNUSED;

/* One call, waited for. Returns result.code; the result is filled in both cases. */
int kube_do(struct kube_client *c, const struct kube_request *req, struct cancel *cancel,
            struct kube_result *ret_result);

/* All pages of a LIST as one array of items (apiVersion and kind filled in per item).
 * ret_resource_version may be NULL; caller frees it. A 410 Gone restarts the list. */
int kube_list(struct kube_client *c, const struct kube_request *req, struct cancel *cancel,
              json_t **ret_items, char **ret_resource_version, struct err *err) WARN_UNUSED;

/* Requests that were sent since the client was made (for the log and the tests). */
uint64_t kube_request_count(const struct kube_client *c);

#endif
