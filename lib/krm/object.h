/* What is done to every object before it is sent or hashed. */
#ifndef KRM_OBJECT_H
#define KRM_OBJECT_H

#include <jansson.h>

#include "lib/base/hash.h"

/* Server-side-apply hygiene (facts: fields that others own), in place: drops metadata.namespace on
 * cluster-scoped kinds (krm_scope_of), `creationTimestamp: null` anywhere in metadata and pod
 * template metadata, top-level `status`, placeholders for webhooks' caBundles, the rules of aggregated ClusterRoles (aggregationRule
 * present), empty labels/annotations; turns a Secret's stringData into data. */
void krm_normalize(json_t *object);

/* "v1:" + the first 32 hex digits of the SHA-256 of the canonical JSON. Annotations and labels that
 * applying puts on (content hash, ApplySet) are not part of it. */
#define KRM_CONTENT_HASH_SIZE 36
void krm_content_hash(const json_t *object, char out[KRM_CONTENT_HASH_SIZE]);

/* Sets an annotation of an object, or of a pod template; metadata and its map are made if need be. */
void krm_set_annotation(json_t *object, const char *key, const char *value);

#endif
