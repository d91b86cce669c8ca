/* Aggregated ClusterRoles, whose rules a controller of Kubernetes' writes.
 *
 * It writes them by server-side apply and without looking whether the role still is there: a deletion
 * of one of its sources that it sees first makes it create a role that was deleted a moment ago, without
 * aggregationRule and with nobody's labels. Where roles aggregate others that are aggregated
 * themselves (kubeflow-admin, -edit, -view), no order of deletion avoids it. Metadata suffices for
 * both questions. */
#ifndef KUBE_AGGREGATION_H
#define KUBE_AGGREGATION_H

#include <jansson.h>
#include <stdbool.h>

/* Whether the controller has written into this object. */
bool kube_is_aggregated(const json_t *metadata_object);

/* Whether nobody else has: what it made again of a role that was deleted. */
bool kube_is_only_aggregated(const json_t *metadata_object);

#endif
