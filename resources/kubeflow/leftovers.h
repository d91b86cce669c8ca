/* What is left of objects that were removed and is in no manifest and in no set: what workloads of the
 * releases have made at run time, and aggregated roles that their controller has made again
 * (lib/kube/aggregation.h). */
#ifndef KUBEFLOW_LEFTOVERS_H
#define KUBEFLOW_LEFTOVERS_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* What is left of objects that were removed (keys of gone, without those in the array retained): key
 * -> metadata, as kube_remove takes it. New object. */
int leftovers_find(struct kube_client *c, const json_t *gone, const json_t *retained,
                   struct cancel *cancel, json_t **ret_left, struct err *err) WARN_UNUSED;

#endif
