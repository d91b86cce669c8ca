/* What users would lose: claims, content of namespaces, instances of CRDs. */
#ifndef KUBE_USER_DATA_H
#define KUBE_USER_DATA_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* What counts as somebody else's. */
enum kube_strangers {
    KUBE_NOT_OF_SET, /* all that isn't a member of set_id */
    KUBE_NOT_OF_ANY, /* only what is a member of no set at all: for a plan, in which other
                        installations may be about to go as well */
    KUBE_ANYBODYS,   /* members too: for a prune, once all that goes before is gone */
};

/* The first two give a new array of metadata objects (kube_metadata_object), at most `limit`. */

/* Custom resources of the CRD named "<plural>.<group>" that aren't members of set_id, in one namespace
 * (NULL = everywhere; cluster-wide kinds have none in a namespace); none when the kind isn't served. */
int kube_crd_instances(struct kube_client *c, const char *crd_name, const char *namespace,
                       const char *set_id, enum kube_strangers which, size_t limit,
                       struct cancel *cancel, json_t **ret_found, struct err *err) WARN_UNUSED;

/* What others keep in a namespace: claims and workloads that aren't members of set_id, nor made for
 * every such namespace (owned by it). Custom resources count by the workloads and claims that they
 * lead to. With KUBE_ANYBODYS also Secrets, except tokens: what goes without being asked for
 * mustn't take somebody's certificate along. */
int kube_namespace_content(struct kube_client *c, const char *namespace, const char *set_id,
                           enum kube_strangers which, size_t limit, struct cancel *cancel,
                           json_t **ret_found, struct err *err) WARN_UNUSED;

/* Namespaces that belong to other objects and go with them: owner's uid -> key -> metadata. New
 * object. */
int kube_owned_namespaces(struct kube_client *c, struct cancel *cancel, json_t **ret_owned,
                          struct err *err) WARN_UNUSED;

#endif
