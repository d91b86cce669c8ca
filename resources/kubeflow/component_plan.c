#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/component_parts.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

/* planned_private: the memory goes along, because apply gets no other private state. */
static void set_operation(struct tf_plan *plan, const char *op, const char *id)
{
    if (!plan->private_state)
        plan->private_state = json_object();
    json_object_set_new(plan->private_state, "op", json_string(op));
    json_object_set_new(plan->private_state, "id", json_string(id));
}

/* Whether an update may meet another cluster than the one in state: always while the connection
 * isn't known; else only when the plan that Terraform makes again during apply finds one. (Before a
 * plan, the refresh has found it and the object counts as gone.) */
static bool cluster_may_change(const struct tf_context *ctx, const struct tf_plan *plan)
{
    struct kube_client *client;
    char *uid CLEANUP(mem_cleanup) = NULL;

    if (plan->action == TF_CREATE)
        return false;
    if (session_connection(ctx->session) == SESSION_UNKNOWN)
        return true;
    return !session_client(ctx->session, &client, NULL) &&
           !kube_cluster_uid(client, -1, ctx->cancel, &uid, NULL) &&
           strcmp(uid, component_str(plan->prior, "cluster_uid")) != 0;
}

/* What an import found was in this very cluster, though nothing has recorded its uid yet: what
 * changes can be said. */
static bool read_by_import(const struct tf_context *ctx, const struct tf_plan *plan)
{
    return session_connection(ctx->session) != SESSION_UNKNOWN &&
           !component_str(plan->prior, "cluster_uid")[0];
}

static void put_cluster_unknown(struct tf_context *ctx, struct tf_plan *plan)
{
    component_put_unknown(ctx, &plan->planned, "cluster_uid");
    component_put_unknown(ctx, &plan->planned, "install_id");
    if (!read_by_import(ctx, plan))
        component_put_unknown(ctx, &plan->planned, "changes");
}

/* Nothing of the objects can be said yet. */
static void plan_unknown(struct tf_context *ctx, struct tf_plan *plan)
{
    static const char *const outputs[] = {"version", "manifests_digest", "objects",
                                          "changes", "retained",         "webhook_ports"};

    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        component_put_unknown(ctx, &plan->planned, outputs[i]);
    if (cluster_may_change(ctx, plan))
        put_cluster_unknown(ctx, plan);
}

/* Whether an update has anything to do besides values that config changed. */
static bool needs_apply(const struct tf_plan *plan, const json_t *hashes,
                        const struct install_memory *memory)
{
    json_auto_t *before = tfjson_of(tf_get(plan->prior, "objects"));

    return !json_equal(before, (json_t *)hashes) || tf_len(tf_get(plan->prior, "drift")) ||
           memory->unfinished || memory->imported ||
           !tf_bool_or(tf_get(plan->prior, "installed"), false);
}

static json_t *changes_of(struct tf_context *ctx, const struct tf_plan *plan,
                          const struct manifests *m, const struct install_memory *memory)
{
    json_auto_t *before = tfjson_of(tf_get(plan->prior, "objects"));
    json_auto_t *drift = tfjson_of(tf_get(plan->prior, "drift"));
    const char *title = component_title(ctx->arena, plan->planned, m->version);
    json_t *out = install_changes(title, plan->action == TF_CREATE ? NULL : before, memory->content,
                                  m->objects, drift);

    if (memory->unfinished && plan->action != TF_CREATE)
        json_array_append_new(out, json_string("the last apply was left unfinished: continues it"));
    return out;
}

static void plan_known(struct tf_context *ctx, struct tf_plan *plan, const struct manifests *m)
{
    bool create = plan->action == TF_CREATE, elsewhere = cluster_may_change(ctx, plan);
    json_auto_t *hashes = install_hashes(m->objects), *ports = manifests_webhook_ports(m->objects);
    json_auto_t *changes = NULL, *empty = json_object();
    struct install_memory memory;

    install_memory_load(plan->private_state, &memory);
    if (!create && !elsewhere && tf_equal(plan->planned, plan->prior) &&
        !needs_apply(plan, hashes, &memory)) {
        install_memory_done(&memory);
        return;
    }
    changes = changes_of(ctx, plan, m, &memory);
    component_put_str(ctx, &plan->planned, "version", m->version);
    component_put_str(ctx, &plan->planned, "manifests_digest", m->digest);
    component_put_json(ctx, &plan->planned, "objects", hashes);
    component_put_json(ctx, &plan->planned, "changes", changes);
    component_put_json(ctx, &plan->planned, "drift", empty);
    component_put_json(ctx, &plan->planned, "webhook_ports", ports);
    component_put(ctx, &plan->planned, "installed", tf_bool(ctx->arena, true));
    component_put_unknown(ctx, &plan->planned, "retained"); /* pruning finds out */
    if (elsewhere)
        put_cluster_unknown(ctx, plan);
    install_memory_done(&memory);
}

/* Says what a destroy would refuse already in its plan, where the cluster can be asked. */
static void plan_destroy(struct tf_context *ctx, struct tf_plan *plan)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_client *client;
    json_t *wanted = NULL;
    json_auto_t *found = NULL;
    struct install_removal r;

    json_decref(plan->private_state);
    plan->private_state = NULL;
    set_operation(plan, "destroy", component_str(plan->prior, "id"));
    if (session_connection(ctx->session) == SESSION_UNKNOWN ||
        session_client(ctx->session, &client, &err))
        return;
    r = component_removal(ctx, plan->prior, client, &wanted);
    if (!install_removal_check(&r, KUBE_NOT_OF_ANY, &found, &err))
        component_report_user_data(ctx, found);
    else
        log_warn("component", "what a destroy would take along can't be said: %s", err_msg(&err));
    json_decref(wanted);
}

/* As far as can be said without manifests. */
static bool nothing_to_do(const struct tf_plan *p)
{
    struct install_memory memory;
    bool idle;

    install_memory_load(p->private_state, &memory);
    idle = p->action != TF_CREATE && tf_equal(p->planned, p->prior) && !memory.unfinished &&
           !memory.imported && !tf_len(tf_get(p->prior, "drift"));
    install_memory_done(&memory);
    return idle;
}

void component_plan(struct tf_context *ctx, struct tf_plan *p)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    const char *attribute = NULL;
    int rc;

    if (p->action == TF_DELETE) {
        plan_destroy(ctx, p);
        return;
    }
    if (tf_is_null(tf_get(p->config, "name"))) {
        const char *where =
            component_str(p->config, tf_is_null(tf_get(p->config, "path")) ? "url" : "path");

        if (where[0])
            component_put_str(ctx, &p->planned, "name", component_name_of_path(ctx->arena, where));
        else
            component_put_unknown(ctx, &p->planned, "name");
        if (p->action == TF_UPDATE &&
            !tf_equal(tf_get(p->planned, "name"), tf_get(p->prior, "name")))
            tf_plan_requires_replace(ctx, p, TF_ATTR("name"));
    }
    if (!tf_is_known(tf_get(p->planned, "name")))
        component_put_unknown(ctx, &p->planned, "id");
    else
        component_put_str(ctx, &p->planned, "id", component_id(ctx->arena, p->planned));
    set_operation(p, p->action == TF_CREATE ? "create" : "update", component_str(p->planned, "id"));
    if (!component_inputs_known(p->planned)) {
        plan_unknown(ctx, p);
        return;
    }
    rc = component_render_quietly(ctx, p->planned, &m, &attribute, &err);
    if (!rc) {
        plan_known(ctx, p, &m);
        manifests_done(&m);
    } else if (rc == ERR_UNREACHABLE && nothing_to_do(p)) {
        /* A destroy's refresh comes by here too: it needs no manifests. */
        tf_warning(
            ctx->diags, TF_ATTR(attribute), "Manifests can't be had",
            "Nothing was changed since the last apply, so the plan goes on without them: %s.",
            err_msg(&err));
    } else {
        tf_error_from(ctx->diags, attribute ? TF_ATTR(attribute) : NULL,
                      "Manifests can't be rendered", &err);
    }
}
