/* Why something isn't ready, asked from the cluster, in words a person can act on.
 *
 * For workloads: their ReplicaSet's or own conditions, the pods behind the selector, each
 * container's state, and the last warning events of pod, ReplicaSet and workload ("FailedMount",
 * "FailedScheduling", "FailedCreate ... violates PodSecurity"). For CRDs: conditions. For the rest:
 * the Ready condition and events. Used when a wait ends in failure, so it must never fail itself:
 * what can't be read is left out. At most EXPLAIN_MAX_PODS pods and EXPLAIN_MAX_EVENTS events. */
#ifndef KUBE_EXPLAIN_H
#define KUBE_EXPLAIN_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/cancel.h"
#include "lib/kube/client.h"

#define EXPLAIN_MAX_PODS   3
#define EXPLAIN_MAX_EVENTS 3
#define EXPLAIN_TIMEOUT_MS 10000

/* object: the last known state (at least apiVersion, kind, metadata; status where known). Appends
 * lines, each starting with two spaces:
 *   "  pod katib-ui-7d9: container katib-ui: ImagePullBackOff: Back-off pulling image \"...\""
 *   "  event FailedMount (x12): MountVolume.SetUp failed ...: secret \"x\" not found"
 *   "  look further: kubectl -n kubeflow describe deployment katib-ui" */
void kube_explain(struct kube_client *c, const json_t *object, struct cancel *cancel, struct buf *out);

#endif
