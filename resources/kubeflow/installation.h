/* What kubeflow_component and kubeflow_platform are to Terraform: an installation (install.h) that is
 * planned, applied, read and removed. What differs between them is a struct installation.
 *
 * The value of the resource holds what users see; private state holds install_memory and, while an
 * operation is planned, what it is ("op") and of what ("id"), and what it renders to ("objects"):
 *
 *     "op": "create"  the create's plan; also what the delete half of a replacement carries
 *     "op": "update"
 *     "op": "destroy" a real destroy, or the removal of an object that a create_before_destroy
 *                     replacement has left
 *
 * A create that returned with an error is tainted by Terraform, whose next apply sends the delete
 * half of a replacement and then a create. For something unfinished that delete removes nothing,
 * and the create continues what the ApplySet says was begun.
 *
 *     installation.c         values, rendering, what the others share
 *     installation_plan.c    planning
 *     installation_apply.c   create, update, delete
 *     installation_read.c    refresh, and the first read after an import
 */
#ifndef KUBEFLOW_INSTALLATION_H
#define KUBEFLOW_INSTALLATION_H

#include "lib/tf/resource.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/manifests.h"

#define INSTALLATION_TIMEOUT_MS (30 * 60 * 1000)

/* A resource type. Both have the attributes id, manifests, manifests_digest, cluster_uid, install_id,
 * installed, objects, changes, drift, retained, adopt, force_conflicts, wait, on_destroy and the
 * block timeouts. */
struct installation {
    const char *retake;         /* in messages: what to do with one that isn't the state's */
    const char *const *inputs;  /* attributes that decide which objects there are; NULL-ended */
    const char *const *outputs; /* computed ones that follow from the objects; NULL-ended */
    const char *(*set_name)(struct arena *a,
                            const struct tf_value *v); /* of the ApplySet's parent */
    /* For people: "katib 0.18.0". version may be "". */
    const char *(*title)(struct arena *a, const struct tf_value *v, const char *version);
    /* Fills in what is decided at plan before anything is rendered (names, defaults that depend on
     * others), and reports what can't be; not called for a destroy. */
    void (*prepare)(struct tf_context *ctx, struct tf_plan *p);
    /* What the inputs in v stand for; with unknown ones not called. 0, or the error's code with
     * *ret_attribute to blame. */
    int (*render)(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret,
                  const char **ret_attribute, struct err *err);
    /* v with stand-ins for unknown values that don't decide which objects there are; or NULL: there
     * are none. */
    const struct tf_value *(*stand_in)(struct arena *a, const struct tf_value *v);
    /* Puts the outputs into the value. hashes: key -> content hash of what is there. */
    void (*describe)(struct tf_context *ctx, const struct tf_value **v, const struct manifests *m,
                     const json_t *hashes);
    /* Values of Secrets that the configuration hands over: name -> string. New reference, wiped
     * afterwards; or NULL: it has none. */
    json_t *(*given)(const struct tf_value *config);
    /* What is kept on the parent: object of strings. New reference. */
    json_t *(*info)(const struct tf_value *v, const struct manifests *m);
    /* The lines of `changes` for a create. New reference. */
    json_t *(*announce)(const char *title, const struct manifests *m);
    /* Puts what only the cluster knows (addresses) into the value: at a refresh all of it, after an
     * apply what isn't known yet; or NULL. */
    void (*observe)(struct tf_context *ctx, struct kube_client *client, bool applied,
                    const struct tf_value **v);
};

/* Checks the attribute `manifests`. url: the attribute of that name, or NULL. */
void installation_validate_tree(struct tf_context *ctx, const struct tf_value *tree,
                                const struct tf_value *url);

void installation_plan(const struct installation *kind, struct tf_context *ctx, struct tf_plan *p);
void installation_create(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op);
void installation_update(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op);
void installation_remove(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op);
void installation_read(const struct installation *kind, struct tf_context *ctx, struct tf_read *op);

/* --- reading and changing the resource's value --------------------------------------------------- */
/* A string attribute: "" (or NULL) when it isn't set. */
const char *installation_str(const struct tf_value *v, const char *name);
const char *installation_str_or_null(const struct tf_value *v, const char *name);

/* *v with one attribute replaced. */
void installation_put(struct tf_context *ctx, const struct tf_value **v, const char *name,
                      const struct tf_value *member);
void installation_put_str(struct tf_context *ctx, const struct tf_value **v, const char *name,
                          const char *text);
void installation_put_json(struct tf_context *ctx, const struct tf_value **v, const char *name,
                           const json_t *json);
void installation_put_unknown(struct tf_context *ctx, const struct tf_value **v, const char *name);

const char *installation_id(const struct installation *kind, struct arena *a,
                            const struct tf_value *v);

/* What is there as applied by us, key -> content hash: the attribute `objects`, or what memory has
 * where the attribute isn't shown. New reference. */
json_t *installation_objects(const struct tf_value *state, const struct install_memory *memory);

/* One string for all of them, to compare an apply with its plan. New reference. */
json_t *installation_fingerprint(const json_t *hashes);

/* Fields that the value's ignore_fields leaves to others: key -> array of paths. New reference. */
json_t *installation_ignored(const struct tf_value *v, const json_t *objects);

/* --- rendering ----------------------------------------------------------------------------------- */
/* Renders, reporting errors; false after one. */
bool installation_render(const struct installation *kind, struct tf_context *ctx,
                         const struct tf_value *v, struct manifests *ret) WARN_UNUSED;

/* What state's inputs render to now, key -> object, as far as it is what was applied (wanted: key ->
 * hash). Empty when it can't be rendered. New reference. */
json_t *installation_applied(const struct installation *kind, struct tf_context *ctx,
                             const struct tf_value *state, const json_t *wanted);

/* Before an update to objects with these hashes: what memory lacks of the content of those that
 * change is rendered again from state. */
void installation_complete(const struct installation *kind, struct tf_context *ctx,
                           const struct tf_value *state, const json_t *hashes,
                           struct install_memory *memory);

bool installation_inputs_known(const struct installation *kind, const struct tf_value *v);

/* Notes in planned private state what is planned ("create", "update", "destroy") of which id; the
 * memory goes along, because apply gets no other private state. */
void installation_set_operation(struct tf_plan *plan, const char *op, const char *id);

/* --- what is unfinished --------------------------------------------------------------------------- */
/* Terraform drops something unfinished from state when its delete half was answered, which leaves it to
 * the create that follows. Should that fail before it has begun, it hands the object back, or nobody
 * would know of it any more: called by the delete half, and at the end of every create. For resources
 * with an attribute id that both halves know. */
bool installation_continues(const struct tf_apply *op); /* whether a delete is that half */
void installation_leave_unfinished(struct tf_context *ctx, const struct tf_apply *op);
void installation_keep_unfinished(struct tf_context *ctx, struct tf_apply *op);

/* --- removal ------------------------------------------------------------------------------------- */
/* What state says of a removal; *ret_wanted is to be released by the caller. */
struct install_removal installation_removal(const struct installation *kind, struct tf_context *ctx,
                                            const struct tf_value *prior,
                                            const struct install_memory *memory,
                                            struct kube_client *client, json_t **ret_wanted);
/* An error that names users' data, if there is any; a warning when nothing will be removed. */
void installation_report_findings(const struct installation *kind, struct tf_context *ctx,
                                  const struct install_removal *r,
                                  const struct install_removal_findings *found);

/* Every problem as an error; `what` is the summary of those that concern no single object. */
void installation_report_problems(struct tf_context *ctx, const char *what,
                                  const struct kube_problems *problems);

#endif
