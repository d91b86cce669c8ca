/* Which kinds a cluster serves: aggregated discovery (one request for /api, one for /apis;
 * v2, v2beta1), falling back on the per-group documents of older servers. Thread-safe; owned by a
 * client and shared by its operations. */
#ifndef KUBE_DISCOVERY_H
#define KUBE_DISCOVERY_H

#include "lib/kube/client.h"

/* The served resource for group and kind, in the asked version ("" = the group's preferred one).
 * Loads on first use. When the kind isn't known, discovery is read again, at most once per second.
 * Borrowed for the client's life. ERR_NOT_FOUND when the cluster doesn't serve it. */
int kube_discover(struct kube_client *c, const char *group, const char *version, const char *kind,
                  struct cancel *cancel, const struct kube_resource **ret_resource, struct err *err)
    WARN_UNUSED;

/* Makes the kinds of a CustomResourceDefinition known without asking (its spec says all). */
void kube_discovery_add_crd(struct kube_client *c, const json_t *crd);

/* Makes the next look-up read again. */
void kube_discovery_invalidate(struct kube_client *c);

/* A built-in kind that every supported cluster serves (v1 Namespace, apps/v1 Deployment, CRDs,
 * RBAC, ...), or NULL: needs no request, so the first writes of an apply don't wait for discovery. */
const struct kube_resource *kube_builtin_resource(const char *group, const char *version,
                                                  const char *kind);

#endif
