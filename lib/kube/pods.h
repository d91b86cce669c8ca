/* The pods behind a workload, and what keeps them. Pure but for kube_pods_ask. */
#ifndef KUBE_PODS_H
#define KUBE_PODS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/kube/client.h"

/* Whether a kind has pods behind a selector: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job. */
bool kube_has_pods(const char *group, const char *kind);

/* Whether ReplicaSets stand between it and its pods. */
bool kube_has_replica_sets(const char *group, const char *kind);

/* "a=b,c=d" of a selector's matchLabels, for a LIST; the answer may hold more than the selector
 * means (matchExpressions are looked at by kube_unready_pods). Heap string, "" for none. */
char *kube_pods_selector(const json_t *workload) WARN_UNUSED;

/* Starts a LIST of the workload's pods; nothing is tried twice. False when it selects none. */
bool kube_pods_ask(struct kube_queue *q, const json_t *workload, int64_t timeout_ms, void *user);

/* The newest of the pods that are the workload's and aren't ready, newest first, max at most, into
 * ret (borrowed from pods, an array of objects). Returns how many there are in all. */
size_t kube_unready_pods(const json_t *workload, const json_t *pods, const json_t **ret,
                         size_t max);

/* Appends before and "pod katib-ui-7d9: container katib-ui: ImagePullBackOff: ..." of the newest
 * of them that has something to say; nothing when none has. */
void kube_put_pod(const json_t *workload, const json_t *pods, const char *before, struct buf *out);

#endif
