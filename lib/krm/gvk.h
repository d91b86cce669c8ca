/* Group, version, kind and resource identity, and what is known of built-in kinds. */
#ifndef KRM_GVK_H
#define KRM_GVK_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct gvk {
    const char *group, *version, *kind; /* borrowed; "" never NULL ("" is the core group) */
};

/* The identity of an object in the cluster: never its version. Borrowed strings. */
struct resid {
    const char *group, *kind, *namespace, *name; /* namespace "" for cluster-scoped kinds */
};

/* Reads apiVersion and kind; missing or non-string members give "". Borrowed from object. */
struct gvk gvk_of(const json_t *object);

/* Splits "apps/v1" or "v1". The strings are copied into bytes owned by the process-wide intern
 * table of this module (thread-safe, never freed; the set of API versions is small and bounded). */
void gvk_parse_api_version(const char *api_version, const char **ret_group,
                           const char **ret_version);

struct resid resid_of(const json_t *object);

/* "group/Kind/namespace/name" as users see it in `objects`: "apps/Deployment/kubeflow/katib-ui",
 * "/Namespace//kubeflow" is written "Namespace/kubeflow": empty group and namespace are left out
 * with their slash. Appends to out. */
void resid_key(const struct resid *id, struct buf *out);

/* <0, 0, >0 by group, kind, namespace, name. */
int resid_cmp(const struct resid *a, const struct resid *b);

/* Whether the kind is known to be cluster-scoped without asking a cluster: a built-in kind, or
 * one of those that the releases bring (scope table in scope.def). */
enum krm_scope { KRM_SCOPE_UNKNOWN, KRM_SCOPE_CLUSTER, KRM_SCOPE_NAMESPACED };
enum krm_scope krm_scope_of(const char *group, const char *kind);

#endif
