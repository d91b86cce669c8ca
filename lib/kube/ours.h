/* Is it ours, and is it still what we made? Told from metadata alone, without a cluster. */
#ifndef KUBE_OURS_H
#define KUBE_OURS_H

#include <jansson.h>
#include <stdbool.h>

/* The second field manager, which owns the values of Secrets alone (kube_apply_options.fills). Heap
 * string. */
char *kube_values_manager(const char *manager);

/* The record entry of an object as the cluster has it. New reference. */
json_t *kube_record_entry(const json_t *metadata_object, const char *manager);

/* Whether a member is as recorded: same uid and hashes of both managers' entries, not being deleted,
 * and its content is `content`. Metadata suffices. */
bool kube_unchanged(const json_t *metadata_object, const json_t *record_entry, const char *content,
                    const char *manager);

/* Whether somebody changed a Secret's values, or took them away, since it was recorded. */
bool kube_values_changed(const json_t *metadata_object, const json_t *record_entry,
                         const char *manager);

/* Whether an existing object is one of ours: a member of the set, or, when it lost the label without
 * getting another set's, the very object (uid) that the record knows. */
bool kube_is_ours(const json_t *metadata_object, const char *set_id, const json_t *record_entry);

/* Objects of the set that exist and belong to somebody else, a line for each of the first
 * KUBE_FOREIGN_NAMED, with who it seems to be ("Helm release x", "Argo CD application y", ...).
 * Heap string; NULL when there are none. Nothing is written. */
#define KUBE_FOREIGN_NAMED 10
char *kube_foreign_text(const json_t *objects, const json_t *existing, const json_t *record,
                        const char *set_id, const char *manager);

#endif
