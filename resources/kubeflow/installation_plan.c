#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

void installation_set_operation(struct tf_plan *plan, const char *op, const char *id)
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
           strcmp(uid, installation_str(plan->prior, "cluster_uid")) != 0;
}

/* What an import found was in this very cluster, though nothing has recorded its uid yet: what
 * changes can be said. */
static bool read_by_import(const struct tf_context *ctx, const struct tf_plan *plan)
{
    return session_connection(ctx->session) != SESSION_UNKNOWN &&
           !installation_str(plan->prior, "cluster_uid")[0];
}

static void put_cluster_unknown(struct tf_context *ctx, struct tf_plan *plan)
{
    installation_put_unknown(ctx, &plan->planned, "cluster_uid");
    installation_put_unknown(ctx, &plan->planned, "install_id");
    if (!read_by_import(ctx, plan))
        installation_put_unknown(ctx, &plan->planned, "changes");
}

/* Nothing of the objects can be said yet. */
static void plan_unknown(const struct installation *kind, struct tf_context *ctx,
                         struct tf_plan *plan)
{
    static const char *const outputs[] = {"manifests_digest", "objects", "changes", "retained"};

    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        installation_put_unknown(ctx, &plan->planned, outputs[i]);
    for (size_t i = 0; kind->outputs[i]; i++)
        installation_put_unknown(ctx, &plan->planned, kind->outputs[i]);
    if (cluster_may_change(ctx, plan))
        put_cluster_unknown(ctx, plan);
}

/* A create of which only values of fields aren't known: what is made can be said. */
static void plan_partly(const struct installation *kind, struct tf_context *ctx,
                        struct tf_plan *plan)
{
    const struct tf_value *v = kind->stand_in ? kind->stand_in(ctx->arena, plan->planned) : NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *changes = NULL;
    const char *attribute = NULL;

    plan_unknown(kind, ctx, plan);
    if (plan->action != TF_CREATE || !v || !installation_inputs_known(kind, v))
        return;
    if (kind->render(ctx, v, &m, &attribute, &err)) {
        tf_error_from(ctx->diags, attribute ? TF_ATTR(attribute) : NULL,
                      "Manifests can't be rendered", &err);
        return;
    }
    changes = kind->announce(kind->title(ctx->arena, v, m.version), &m);
    installation_put_json(ctx, &plan->planned, "changes", changes);
    manifests_done(&m);
}

/* Whether an update has anything to do besides values that config changed. */
static bool needs_apply(const struct tf_plan *plan, const json_t *hashes,
                        const struct install_memory *memory)
{
    json_auto_t *before = installation_objects(plan->prior, memory);

    return !json_equal(before, (json_t *)hashes) || tf_len(tf_get(plan->prior, "drift")) ||
           memory->unfinished || memory->imported ||
           !tf_bool_or(tf_get(plan->prior, "installed"), false);
}

/* key -> object as the state that an import made renders it. New reference. */
static json_t *read_back(const struct installation *kind, struct tf_context *ctx,
                         const struct tf_value *prior)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *out = json_object(), *object;
    struct manifests m = {0};
    const char *attribute;
    size_t i;

    if (!installation_inputs_known(kind, prior) || kind->render(ctx, prior, &m, &attribute, &err)) {
        log_debug("kubeflow", "what was imported can't be rendered: %s", err_msg(&err));
        return out;
    }
    json_array_foreach (m.objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        json_object_set(out, key, object);
    }
    manifests_done(&m);
    return out;
}

/* What the adopting apply changes. */
static json_t *adoption_changes(const struct installation *kind, struct tf_context *ctx,
                                const struct tf_plan *plan, const struct manifests *m,
                                const struct install_memory *memory)
{
    json_auto_t *existing = installation_objects(plan->prior, memory);
    json_auto_t *read = read_back(kind, ctx, plan->prior);
    json_auto_t *left = installation_ignored(plan->planned, m->objects);
    struct install_adoption a = {
        .existing = existing,
        .read = read,
        .goes = json_object_get(memory->found, INSTALL_FOUND_GOES),
        .live = memory->content,
        .left = left,
    };

    return install_adoption_changes(&a, m->objects);
}

static json_t *changes_of(const struct installation *kind, struct tf_context *ctx,
                          const struct tf_plan *plan, const struct manifests *m,
                          const struct install_memory *memory)
{
    const char *title = kind->title(ctx->arena, plan->planned, m->version);
    json_auto_t *before = NULL, *drift = NULL;
    json_t *out;

    if (plan->action == TF_CREATE)
        return kind->announce(title, m);
    if (memory->imported)
        return adoption_changes(kind, ctx, plan, m, memory);
    before = installation_objects(plan->prior, memory);
    drift = tfjson_of(tf_get(plan->prior, "drift"));
    out = install_changes(before, memory->content, m->objects, drift);
    if (memory->unfinished)
        json_array_append_new(out, json_string("the last apply was left unfinished: continues it"));
    return out;
}

static void plan_known(const struct installation *kind, struct tf_context *ctx,
                       struct tf_plan *plan, const struct manifests *m)
{
    bool create = plan->action == TF_CREATE, elsewhere = cluster_may_change(ctx, plan);
    json_auto_t *hashes = install_hashes(m->objects), *changes = NULL, *empty = json_object();
    struct install_memory memory;

    install_memory_load(plan->private_state, &memory);
    if (!create && !elsewhere && tf_equal(plan->planned, plan->prior) &&
        !needs_apply(plan, hashes, &memory)) {
        install_memory_done(&memory);
        return;
    }
    if (!create && !memory.imported)
        installation_complete(kind, ctx, plan->prior, hashes, &memory);
    changes = changes_of(kind, ctx, plan, m, &memory);
    kind->describe(ctx, &plan->planned, m, hashes);
    installation_put_str(ctx, &plan->planned, "manifests_digest", m->digest);
    installation_put_json(ctx, &plan->planned, "changes", changes);
    installation_put_json(ctx, &plan->planned, "drift", empty);
    installation_put(ctx, &plan->planned, "installed", tf_bool(ctx->arena, true));
    installation_put_unknown(ctx, &plan->planned, "retained"); /* pruning finds out */
    if (elsewhere)
        put_cluster_unknown(ctx, plan);
    json_object_set_new(plan->private_state, "objects", installation_fingerprint(hashes));
    install_memory_done(&memory);
}

/* Says what a destroy would refuse already in its plan, where the cluster can be asked. */
static void plan_destroy(const struct installation *kind, struct tf_context *ctx,
                         struct tf_plan *plan)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_client *client;
    json_t *wanted = NULL;
    struct install_removal_findings found CLEANUP(install_removal_findings_done) = {0};
    struct install_memory memory;
    struct install_removal r;

    install_memory_load(plan->private_state, &memory);
    installation_set_operation(plan, "destroy", installation_str(plan->prior, "id"));
    if (session_connection(ctx->session) == SESSION_UNKNOWN ||
        session_client(ctx->session, &client, &err)) {
        install_memory_done(&memory);
        return;
    }
    r = installation_removal(kind, ctx, plan->prior, &memory, client, &wanted);
    if (!install_removal_check(&r, KUBE_NOT_OF_ANY, &found, &err))
        installation_report_findings(kind, ctx, &r, &found);
    else
        log_warn("kubeflow", "what a destroy would take along can't be said: %s", err_msg(&err));
    json_decref(wanted);
    install_memory_done(&memory);
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

void installation_plan(const struct installation *kind, struct tf_context *ctx, struct tf_plan *p)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    const char *attribute = NULL;
    int rc;

    if (p->action == TF_DELETE) {
        plan_destroy(kind, ctx, p);
        return;
    }
    kind->prepare(ctx, p);
    if (tf_failed(ctx->diags))
        return;
    installation_set_operation(p, p->action == TF_CREATE ? "create" : "update",
                               installation_str(p->planned, "id"));
    if (!installation_inputs_known(kind, p->planned)) {
        plan_partly(kind, ctx, p);
        return;
    }
    rc = kind->render(ctx, p->planned, &m, &attribute, &err);
    if (!rc) {
        plan_known(kind, ctx, p, &m);
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
