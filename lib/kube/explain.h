/* Why something isn't ready, or doesn't go, asked from the cluster, in words a person can act on.
 *
 * Said are: a deletion and the finalizers that hold it up; conditions that are bad news (a table
 * of those that are when they are true); for workloads the newest pods behind the selector that
 * aren't ready, each with its containers' states, and their claims that aren't bound; and the last
 * warnings of object, ReplicaSets, these pods and claims, as far as they say more ("FailedMount",
 * "FailedCreate ... exceeded quota"); for webhooks, a Service behind which nobody answers. A condition
 * whose message out holds already isn't repeated. Used when a wait ends in
 * failure, so it must never fail itself: what can't be read is left out. */
#ifndef KUBE_EXPLAIN_H
#define KUBE_EXPLAIN_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/cancel.h"
#include "lib/kube/client.h"

#define EXPLAIN_MAX_PODS   3
#define EXPLAIN_MAX_EVENTS 3
#define EXPLAIN_TIMEOUT_MS 10000

/* object: the last known state (at least apiVersion, kind, metadata; status where known; it is read
 * again). Appends lines, each starting with two spaces:
 *   "  condition ReplicaFailure: FailedCreate: pods \"x\" is forbidden: violates PodSecurity ..."
 *   "  pod katib-ui-7d9: container katib-ui: ImagePullBackOff: Back-off pulling image \"...\""
 *   "  event FailedMount (x12): MountVolume.SetUp failed ...: secret \"x\" not found"
 *   "  look further: kubectl -n kubeflow describe deployment katib-ui"
 * Takes EXPLAIN_TIMEOUT_MS at most, beside discovery of the kind if that wasn't looked up before;
 * with a token that has fired nothing is asked. */
void kube_explain(struct kube_client *c, const json_t *object, struct cancel *cancel,
                  struct buf *out);

#endif
