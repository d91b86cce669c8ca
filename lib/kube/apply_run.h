/* One run of kube_apply, shared by its loop (apply.c), the wait for kinds (apply_served.c), the values
 * (apply_fill.c) and the words (apply_report.c); private. */
#ifndef KUBE_APPLY_RUN_H
#define KUBE_APPLY_RUN_H

#include "lib/krm/object.h"
#include "lib/kube/apply.h"
#include "lib/kube/graph.h"
#include "lib/kube/watch.h"

#define APPLY_MODULE      "kube.apply" /* in the log */
#define APPLY_PROGRESS_MS 5000         /* between two lines about progress */
#define APPLY_METADATA_ANSWER                                                                      \
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

enum node_state {
    NODE_WAITING,     /* its needs aren't met yet */
    NODE_TAKING_OVER, /* the patch of managedFields is in flight */
    NODE_LOOKING,     /* it changed under that patch: read anew */
    NODE_APPLYING,
    NODE_FILLING, /* its values are in flight */
    NODE_LEAVING, /* what was applied to is being deleted: again when it is gone */
    NODE_SERVING, /* a CRD: asking whether its kind is served */
    NODE_APPLIED, /* waiting for readiness */
    NODE_DONE,    /* ready, or readiness doesn't matter */
    NODE_FAILED,
};

struct node {
    int index;
    enum node_state state;
    json_t *object; /* borrowed from the options */
    char *key;
    const struct kube_resource *resource;
    char content[KRM_CONTENT_HASH_SIZE];
    int64_t generation; /* that our apply made: older watch events don't count */
    bool forced;
    bool adopted;
    const json_t *fill; /* borrowed from the options, NULL without one */
    bool made;          /* nothing stood under its name before */
    bool sent;          /* applied, or as it should be */
    bool filled;
    int looks, remade;
    int64_t look_at;   /* NODE_LEAVING, NODE_SERVING: when to look again; INT64_MAX: in flight */
    int64_t pause_ms;  /* NODE_SERVING: before the next look */
    json_t *last_seen; /* newest watch event, for explanations */
    char *why;         /* why it isn't ready */
};

struct run {
    const struct kube_apply_options *o;
    struct kube_apply_result *result;
    struct kube_graph *graph;
    struct kube_queue *queue;
    struct kube_watcher *watcher;
    char *selector;
    struct node *nodes;
    size_t nnodes;
    json_t *index;   /* key -> node number */
    json_t *watched; /* "plural.group" that a subscription exists for */
    json_t *remade;  /* namespaces made anew: what was seen in them before is gone */
    size_t failed;
    int64_t next_progress;
};

void apply_node_ready(struct run *r, struct node *n);
void apply_node_failed(struct run *r, struct node *n, int code, char *text); /* takes text */

/* The CRD was applied: waits until its kind is served, or is ready at once if none is meant to be. */
void apply_await_served(struct run *r, struct node *n);

/* Asks whether it is by now. One question for a document is in flight at a time, and its answer is for
 * all CRDs that wait for one. */
void apply_ask_served(struct run *r, struct node *n);
void apply_on_discovery(struct run *r, struct node *n, const struct kube_result *res);
/* The question failed for good: nobody else asks it for those that wait for its answer. */
void apply_discovery_failed(struct run *r, struct node *n, const struct kube_result *res);

/* Values (apply_fill.c). Whether they are to be written still, sending them, and what to say when
 * that fails (heap string, without a word of theirs). */
bool apply_lacks_values(const struct node *n);
void apply_send_values(struct run *r, struct node *n);
char *apply_values_failure(const struct kube_result *res);

size_t apply_count(const struct run *r, enum node_state state);

/* A line about how far it is, not more often than APPLY_PROGRESS_MS. */
void apply_say_progress(struct run *r);

/* That line: phase and counts, by component where objects have one, then what is waited for, workloads
 * first and each with what its pods say:
 *   "kubeflow 26.03: all 675 objects applied, 558 ready (21 of 29 components, cert-manager 48/49,
 *    istio 12/37); waiting for apps/Deployment/istio-system/istiod (0 of 1 replicas are available;
 *    pod istiod-5d8: container discovery: ImagePullBackOff: ...) and 12 more" */
void apply_put_progress(struct run *r, struct buf *out);

/* "component katib" and why a node isn't ready, as kube_explain says it. */
void apply_explain(struct run *r, const struct node *n, struct buf *out);

/* After an early end: one problem for each object that didn't get ready, workloads first, the first
 * few with what the cluster says. how: "timed out". */
void apply_report_unready(struct run *r, const char *how);

/* Decides result->complete; one problem for what wasn't sent because of something else. */
void apply_report_unsent(struct run *r);

#endif
