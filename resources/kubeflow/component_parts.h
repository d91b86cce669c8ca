/* What the files of kubeflow_component share; nobody else includes this.
 *
 *     component.c         the resource: validation, read, import
 *     component_schema.c  what users can write
 *     component_plan.c    planning
 *     component_apply.c   create, update, delete
 */
#ifndef KUBEFLOW_COMPONENT_PARTS_H
#define KUBEFLOW_COMPONENT_PARTS_H

#include "lib/tf/resource.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/manifests.h"

#define COMPONENT_TIMEOUT_MS (30 * 60 * 1000)

/* --- the operations ------------------------------------------------------------------------------ */
void component_plan(struct tf_context *ctx, struct tf_plan *p);
void component_create(struct tf_context *ctx, struct tf_apply *op);
void component_update(struct tf_context *ctx, struct tf_apply *op);
void component_remove(struct tf_context *ctx, struct tf_apply *op);

/* --- reading and changing the resource's value --------------------------------------------------- */
/* A string attribute: "" (or NULL) when it isn't set. */
const char *component_str(const struct tf_value *v, const char *name);
const char *component_str_or_null(const struct tf_value *v, const char *name);

/* *v with one attribute replaced. */
void component_put(struct tf_context *ctx, const struct tf_value **v, const char *name,
                   const struct tf_value *member);
void component_put_str(struct tf_context *ctx, const struct tf_value **v, const char *name,
                       const char *text);
void component_put_json(struct tf_context *ctx, const struct tf_value **v, const char *name,
                        const json_t *json);
void component_put_unknown(struct tf_context *ctx, const struct tf_value **v, const char *name);

/* --- names; all in the arena --------------------------------------------------------------------- */
const char *component_name_of_path(struct arena *a, const char *path);
const char *component_set_name(struct arena *a,
                               const struct tf_value *v); /* of the ApplySet's parent */
const char *component_id(struct arena *a, const struct tf_value *v);
const char *component_title(struct arena *a, const struct tf_value *v, const char *version);

/* --- rendering ----------------------------------------------------------------------------------- */
/* Whether everything that decides which objects there are is known. */
bool component_inputs_known(const struct tf_value *v);
/* The objects that the inputs in v stand for. 0, or the error's code with *ret_attribute to blame. */
int component_render_quietly(struct tf_context *ctx, const struct tf_value *v,
                             struct manifests *ret, const char **ret_attribute, struct err *err)
    WARN_UNUSED;
/* The same, reporting errors; false after one. */
bool component_render(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret)
    WARN_UNUSED;

/* --- removal ------------------------------------------------------------------------------------- */
/* What state says of a removal; *ret_wanted is to be released by the caller. */
struct install_removal component_removal(struct tf_context *ctx, const struct tf_value *prior,
                                         struct kube_client *client, json_t **ret_wanted);
/* An error that names users' data, if there is any. */
void component_report_user_data(struct tf_context *ctx, const json_t *found);

/* Every problem as an error; `what` is the summary of those that concern no single object. */
void component_report_problems(struct tf_context *ctx, const char *what,
                               const struct kube_problems *problems);

#endif
