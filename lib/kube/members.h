/* Reading many objects' metadata with few requests.
 *
 * Unless it says otherwise, what is here asks for PartialObjectMetadata lists only (the CRDs of a
 * release cost 0.2 MB instead of 12 MB), all lists at the same time, over one connection. Results are JSON objects from
 * key (resid_key) to metadata object {"apiVersion", "kind", "metadata": {...}}. */
#ifndef KUBE_MEMBERS_H
#define KUBE_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* Everything that carries the set's label, of the kinds given ("Kind.group"). Kinds that the
 * cluster doesn't serve have no members. 403 is an error, never "none". */
int kube_members(struct kube_client *c, const char *set_id, const json_t *group_kinds,
                 struct cancel *cancel, json_t **ret_members, struct err *err) WARN_UNUSED;

/* The same, with the whole objects of the kinds for which full says so. */
typedef bool kube_full_fn(const char *group, const char *kind);
int kube_members_full(struct kube_client *c, const char *set_id, const json_t *group_kinds,
                      kube_full_fn *full, struct cancel *cancel, json_t **ret_members,
                      struct err *err) WARN_UNUSED;

/* What exists under the names of the objects (whoever owns it). */
int kube_existing(struct kube_client *c, const json_t *objects, struct cancel *cancel,
                  json_t **ret_existing, struct err *err) WARN_UNUSED;

/* The resource of a kind: built in, else discovered. "" = any version. */
int kube_resource_for(struct kube_client *c, const char *group, const char *version,
                      const char *kind, struct cancel *cancel,
                      const struct kube_resource **ret_resource, struct err *err) WARN_UNUSED;

/* The uid of namespace kube-system, which names the cluster. Heap string. retry_ms as in
 * kube_request: how long an API server that doesn't answer is tried. */
int kube_cluster_uid(struct kube_client *c, int64_t retry_ms, struct cancel *cancel, char **ret_uid,
                     struct err *err) WARN_UNUSED;

/* {"apiVersion", "kind", "metadata"} of a list's item, which doesn't carry its own kind. New
 * reference; NULL when it has no metadata. */
json_t *kube_metadata_object(const struct kube_resource *r, const json_t *item);

/* Key of an object; heap string. */
char *kube_key(const json_t *object) WARN_UNUSED;

#endif
