/* Aggregated ClusterRoles that come back after they were deleted.
 *
 * Their controller writes rules by server-side apply and without looking whether the role still is
 * there: a deletion of one of its sources that it sees first makes it create a role that was deleted
 * a moment ago, without aggregationRule and with nobody's labels. Where roles aggregate others that
 * are aggregated themselves (kubeflow-admin, -edit, -view), no order of deletion avoids it. */
#ifndef KUBE_REBORN_H
#define KUBE_REBORN_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* Whether the controller has written into this object (metadata suffices). */
bool kube_is_aggregated(const json_t *metadata_object);

/* Deletes what came back of the targets (key -> metadata as it was before the deletion), and of what an
 * earlier run deleted before it was cut short (wanted: keys of all that the set was to have; or
 * NULL). What else has been written into is nobody's leftover. */
int kube_delete_reborn(struct kube_client *c, const json_t *targets, const json_t *wanted,
                       struct cancel *cancel, struct err *err) WARN_UNUSED;

#endif
