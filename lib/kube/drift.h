/* Refresh: what has become of an installation since we last looked, from metadata alone as far as
 * possible.
 *
 * One metadata-only LIST per kind finds every member. A member whose uid, content annotation and
 * hash of our own field entry are the recorded ones has not been touched in any field that we own.
 * Only the others are read in full, to say which field changed and who changed it; a value that was
 * changed and changed back is no drift. An object that the LIST lacks is gone only when a second
 * look without the label says so; 403 is an error. */
#ifndef KUBE_DRIFT_H
#define KUBE_DRIFT_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* How the line begins that says so of a Secret's values (kube_apply_options.fills). */
#define KUBE_DRIFT_VALUES "values that we put in were changed or taken away"

struct kube_refresh_options {
    struct kube_client *client;
    const char *manager;
    const char *set_id;
    const json_t *group_kinds; /* where members may be: state's kinds and the parent's */
    const json_t *wanted;      /* key -> content hash, as state has it */
    const json_t *record;      /* as kube_apply made it, or NULL when it was lost */
    const json_t *content;     /* key -> the object as applied, or NULL where not known */
    /* Asked for what content lacks, when it is needed: the object as applied, borrowed until the
     * refresh is done, or NULL. */
    const json_t *(*find_content)(void *arg, const char *key);
    void *find_arg;
    struct cancel *cancel;
};

struct kube_refresh_result {
    json_t *drift;   /* key -> array of lines; {} when all is as it should be */
    json_t *record;  /* brought up to date */
    json_t *members; /* key -> metadata of every member */
};

int kube_refresh(const struct kube_refresh_options *o, struct kube_refresh_result *ret,
                 struct err *err) WARN_UNUSED;
void kube_refresh_result_done(struct kube_refresh_result *r);

/* How objects differ from what the cluster has under their names. */
struct kube_comparison {
    json_t *drift; /* key -> lines, as in kube_refresh_result, and those of what goes */
    json_t
        *goes; /* key -> path -> line: fields that go when the object is taken over (take_over.h) */
    json_t
        *live; /* key -> plain object as it is, of those that differ; without values of Secrets */
};
void kube_comparison_done(struct kube_comparison *c);

/* Compares objects with what the cluster has under their names (existing: key -> metadata), whoever
 * made it: for an import. */
int kube_compare_all(struct kube_client *c, const char *manager, const json_t *objects,
                     const json_t *existing, struct cancel *cancel, struct kube_comparison *ret,
                     struct err *err) WARN_UNUSED;

/* The fields that wanted has and live hasn't, or has otherwise, as lines "<path>: <live> -> <wanted>":
 * defaults and what others added are none of our business. New array. */
json_t *kube_differences(const json_t *wanted, const json_t *live);

/* The object that a key names, without content: apiVersion "<group>/any" (or "v1"), kind, metadata.
 */
json_t *kube_stub_of_key(const char *key);

#endif
