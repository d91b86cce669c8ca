/* Patches on objects: strategic merge (kustomize's reading of it) and JSON 6902. */
#ifndef KRM_PATCH_H
#define KRM_PATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

/* Strategic merge as kustomize does it (kyaml's merge2): objects are merged, null deletes, lists
 * that the schema of the target's kind calls merged (mergekeys.def, built-in kinds; embedded
 * objects by their own apiVersion and kind) are joined by their keys with the patch's elements
 * first, all other lists are replaced. `$patch: merge|replace|delete` works in objects and, as an
 * element of its own, in merged lists; other directives of kubectl ($setElementOrder, $retainKeys,
 * $deleteFromPrimitiveList) mean nothing to kustomize and are members like any other. `replace` at
 * the root does nothing, as there.
 *
 * apiVersion, kind and metadata are merged like the rest: which of them a patch may change is the
 * caller's to say. target is changed in place and stays the caller's; on error it is unchanged.
 * *ret_deleted is true when nothing is left of it (`$patch: delete` at the root): then it is to be
 * dropped and is itself unchanged. 0, ERR_INVALID or ERR_LIMIT. */
int krm_strategic_merge(json_t *target, const json_t *patch, bool *ret_deleted, struct err *err)
    WARN_UNUSED;

/* The same with the merge keys of another schema (mergekeys.h). */
struct merge_schema;
int krm_strategic_merge_with(json_t *target, const json_t *patch, const struct merge_schema *schema,
                             bool *ret_deleted, struct err *err) WARN_UNUSED;

/* RFC 6902 with the leniencies of the library that kustomize uses: `replace` adds a missing member,
 * `add` without a value and `copy` of a missing member give null, `test` takes a missing member for
 * null, negative indices count from the end; only `replace` and `test` may name the root. `patch` is
 * a JSON array of operations. Applies all or nothing: on error target is unchanged. *target stays
 * the same object, with new content, unless the root becomes a list or was none: then the caller's
 * reference moves. 0, ERR_INVALID ("operation 2: ..."), or ERR_LIMIT. */
int krm_json_patch(json_t **target, const json_t *patch, struct err *err) WARN_UNUSED;

/* RFC 7386, for two objects. */
void krm_merge_patch(json_t *target, const json_t *patch);

#endif
