/* Who owns which field: metadata.managedFields of server-side apply.
 *
 * The hash of our own Apply entry, together with the object's uid, tells from metadata alone
 * whether any field that we own was changed or taken since we last looked: an Update of a value
 * takes it out of our entry, a forced Apply too (tried on Kubernetes 1.34).
 *
 * Format: sigs.k8s.io/structured-merge-diff, fieldsV1: "f:name", "k:{json keys}", "v:json value",
 * "i:index", "." for the item itself. Entries of a subresource (status, scale) count as owners and
 * writers only. Pure; no cluster. */
#ifndef KUBE_MANAGED_FIELDS_H
#define KUBE_MANAGED_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define MANAGED_FIELDS_HASH_SIZE   36 /* "v1:" + 32 hex digits + NUL */
#define MANAGED_FIELDS_MAX_DEPTH   64
#define MANAGED_FIELDS_MAX_ENTRIES 256 /* of one object; the rest is not looked at for owners */

/* Hash over the canonical fieldsV1 of manager's Apply entry; "" when it has none. */
void managed_fields_hash(const json_t *object, const char *manager,
                         char out[MANAGED_FIELDS_HASH_SIZE]);

/* Whether manager has an Apply entry. */
bool managed_fields_applied_by(const json_t *object, const char *manager);

/* Whether manager's Apply entry owns a member of a map of the object ("data", "password"). */
bool managed_fields_owns_member(const json_t *object, const char *manager, const char *map,
                                const char *member);

/* Appends the names of the managers that own the field at a path as krm_diff writes it
 * (".spec.replicas", ".spec.template.spec.containers[name=manager].image", ".data[\"a.b\"]") or any
 * of its children, newest entry first, separated by ", "; where there is none, of those that own a
 * map or list around it as a whole. Nothing is appended when nobody does. except = our own
 * manager, which is skipped; or NULL. */
void managed_fields_owners(const json_t *object, const char *path, const char *except,
                           struct buf *out);

/* The manager that touched the object last (by the entries' time), except one; "" if none.
 * Borrowed. except may be NULL. */
const char *managed_fields_last_writer(const json_t *object, const char *except);

/* Whether the field would go when manager takes the object over (managed_fields_take_over) and then
 * applies it without the field: only entries that are taken own it, and they hold what somebody wrote,
 * not what the API server filled in (client-side apply owns defaults too; its last-applied annotation
 * says what was written). path as for managed_fields_owners. */
bool managed_fields_would_go(const json_t *object, const char *path, const char *manager);

/* A conflict that the API server reported: one of status.details.causes with reason
 * FieldManagerConflict, field ".spec.replicas" and message `conflict with "kubectl-edit" using
 * apps/v1`, `conflict with "x" with subresource "scale" using apps/v1 at <time>` or
 * `conflict with "argocd"` (an Apply entry). */
struct managed_fields_conflict {
    char *manager, *field; /* heap */
};
void managed_fields_conflict_done(struct managed_fields_conflict *c);
int managed_fields_parse_conflict(const json_t *cause, struct managed_fields_conflict *ret,
                                  struct err *err) WARN_UNUSED;

/* Whether object has a value at a field path as the API server writes it in conflicts
 * (`.spec.template.spec.containers[name="manager"].image`, `[=value]`, `[0]`, keys with dots). Object
 * may be as it was sent, without what the API server fills in: `.spec.ports[port=80,protocol="TCP"]`
 * is in {"spec": {"ports": [{"port": 80}]}}. */
bool managed_fields_object_has(const json_t *object, const char *field);

/* Taking an object over from kubectl: the managedFields array in which the entries that kubectl
 * makes from whole manifests (a table: client-side and server-side apply, create, replace, edit,
 * patch), "before-first-apply" and those of the managers in `others` (NULL-ended, or NULL) are
 * merged into manager's Apply entry, except for fields that are to stay with whom they belong to
 * (left: array of paths as for managed_fields_owners, or NULL). New reference, or NULL when there is
 * nothing to take.
 *
 * It is sent as a JSON patch that also replaces metadata.resourceVersion by the one that was read,
 * so that a change in between is a conflict. The last-applied annotation is then ours too and goes
 * with the next apply. */
json_t *managed_fields_take_over(const json_t *object, const char *manager,
                                 const char *const *others, const json_t *left);

#endif
