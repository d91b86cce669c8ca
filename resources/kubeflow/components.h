/* Which components of a release are installed: what users pick, and what that needs. Pure. */
#ifndef KUBEFLOW_COMPONENTS_H
#define KUBEFLOW_COMPONENTS_H

#include <jansson.h>

#include "lib/base/err.h"
#include "resources/kubeflow/catalog.h"

/* chosen: array of names, NULL for the release's own choice; existing: array of names that the cluster
 * has already (also "istio" and "knative" for all of their components), or NULL. What the chosen ones
 * need to be applied and to work is added, unless it exists. New array of names, needed ones first.
 * ERR_INVALID for an unknown name, for one in both lists, and when nothing is left, with
 * *ret_attribute ("components", "existing") to blame. */
int components_resolve(const struct catalog_release *r, const json_t *chosen,
                       const json_t *existing, json_t **ret_components, const char **ret_attribute,
                       struct err *err) WARN_UNUSED;

#endif
