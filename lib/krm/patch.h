/* Patches on objects: strategic merge (kustomize's reading of it) and JSON 6902. */
#ifndef KRM_PATCH_H
#define KRM_PATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

/* Strategic merge as kyaml's merge2 does it: maps merged; null deletes; lists of known merge keys
 * (schema of built-in kinds, in mergekeys.def) merged by key, others replaced; $patch:
 * delete|replace|merge, $setElementOrder/x, $deleteFromPrimitiveList/x, $retainKeys. The merge
 * keys are looked up by the target's own GVK; unknown kinds replace lists, except where the field
 * is a list of associative keys that kyaml infers (infer_associative: merge keys "mountPath",
 * "devicePath", "ip", "type", "topologyKey", "name", "containerPort" in elements).
 *
 * target is changed in place and stays the caller's. *ret_deleted is true when the patch says
 * `$patch: delete` at its root: then target is to be dropped. 0 or ERR_INVALID. */
int krm_strategic_merge(json_t *target, const json_t *patch, bool *ret_deleted,
                        struct err *err) WARN_UNUSED;

/* RFC 6902 with the leniencies of evanphx/json-patch as kustomize calls it: `replace` of a missing
 * object member adds it only where kustomize accepts it too. `patch` is a JSON array of
 * operations. Applies all or nothing: on error target is unchanged. `*target` may be replaced
 * (operations on the root): the caller's reference moves. */
int krm_json_patch(json_t **target, const json_t *patch, struct err *err) WARN_UNUSED;

/* RFC 7386. */
void krm_merge_patch(json_t *target, const json_t *patch);

#endif
