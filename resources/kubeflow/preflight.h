/* What must be there before the first object is sent. */
#ifndef KUBEFLOW_PREFLIGHT_H
#define KUBEFLOW_PREFLIGHT_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* Every kind is served or comes with the objects, every namespace exists or comes with them.
 * ERR_NOT_FOUND lists what is missing; needs (names of catalog components, may be NULL) says where it
 * would come from. */
int preflight_needs(struct kube_client *c, const json_t *objects, const json_t *needs,
                    struct cancel *cancel, struct err *err) WARN_UNUSED;

#endif
