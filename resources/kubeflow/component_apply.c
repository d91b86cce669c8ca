#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/component_parts.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

/* --- create and update -------------------------------------------------------------------------- */

/* What was planned must be what is applied: manifests may have changed since. */
static bool as_planned(struct tf_context *ctx, const struct tf_value *planned,
                       const struct manifests *m)
{
    json_auto_t *hashes = install_hashes(m->objects);
    json_auto_t *before = tfjson_of(tf_get(planned, "objects"));

    if (!tf_is_known(tf_get(planned, "objects")) || json_equal(before, hashes))
        return true;
    tf_error(
        ctx->diags, TF_ATTR("manifests_digest"), "Manifests changed since the plan",
        "The plan was made of manifests with digest %s, but what is there now has %s and renders "
        "to other objects. Nothing was changed; plan again.",
        component_str(planned, "manifests_digest"), m->digest);
    return false;
}

static const struct tf_value *state_after(struct tf_context *ctx, const struct tf_apply *op,
                                          const struct manifests *m,
                                          const struct install_outcome *out)
{
    const struct tf_value *v = op->planned;
    json_auto_t *hashes = install_hashes(m->objects), *ports = manifests_webhook_ports(m->objects);
    json_auto_t *empty = json_object(), *retained = tfjson_of(tf_get(op->prior, "retained"));

    if (!json_is_array(retained)) {
        json_decref(retained);
        retained = json_array();
    }
    json_array_extend(retained, out->retained);
    if (!tf_is_known(tf_get(v, "changes"))) {
        json_auto_t *changes = install_changes(component_title(ctx->arena, v, m->version), NULL,
                                               NULL, m->objects, NULL);

        component_put_json(ctx, &v, "changes", changes);
    }
    component_put_str(ctx, &v, "id", component_id(ctx->arena, v));
    component_put_str(ctx, &v, "version", m->version);
    component_put_str(ctx, &v, "manifests_digest", m->digest);
    component_put_str(ctx, &v, "cluster_uid", out->cluster_uid);
    component_put_str(ctx, &v, "install_id", out->install_id);
    component_put(ctx, &v, "installed",
                  tf_bool(ctx->arena, out->finished || op->prior->state == TF_KNOWN));
    component_put_json(ctx, &v, "objects", out->finished ? hashes : out->objects);
    component_put_json(ctx, &v, "drift", empty);
    component_put_json(ctx, &v, "retained", retained);
    component_put_json(ctx, &v, "webhook_ports", ports);
    return v;
}

static json_t *info_of(const struct tf_value *v, const struct manifests *m)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "component", component_str(v, "name"), "release",
                     component_str(v, "release"), "version", m->version, "manifests_digest",
                     m->digest);
}

static void apply(struct tf_context *ctx, struct tf_apply *op, bool create)
{
    struct session *s = ctx->session;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    struct install_memory memory;
    struct install_outcome out;
    struct install_request r = {
        .manager = session_field_manager(s),
        .set_name = component_set_name(ctx->arena, op->planned),
        .memory = create ? NULL : &memory,
        .cluster_uid = component_str(op->prior, "cluster_uid"),
        .cluster_may_change = tf_is_unknown(tf_get(op->planned, "cluster_uid")),
        .install_id = component_str(op->prior, "install_id"),
        .create = create,
        .adopt = tf_bool_or(tf_get(op->planned, "adopt"), false),
        .force_conflicts = tf_bool_or(tf_get(op->planned, "force_conflicts"), false),
        .wait = tf_bool_or(tf_get(op->planned, "wait"), true),
        .deadline = clock_deadline(
            tf_timeout_ms(op->planned, create ? "create" : "update", COMPONENT_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };

    if (session_client(s, &r.client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    if (!component_render(ctx, op->planned, &m))
        return;
    if (as_planned(ctx, op->planned, &m)) {
        install_memory_load(op->planned_private, &memory);
        /* A create that replaces what was imported gets its memory too, but takes nothing over. */
        r.adopt = r.adopt || (!create && memory.imported);
        r.what = component_title(ctx->arena, op->planned, m.version);
        r.objects = m.objects;
        r.needs = m.needs;
        r.info = info_of(op->planned, &m);
        install_apply(&r, &out);
        component_report_problems(ctx,
                                  arena_printf(ctx->arena,
                                               out.started ? "%s isn't fully installed"
                                               : create    ? "%s can't be installed"
                                                           : "%s can't be updated",
                                               r.what),
                                  &out.problems);
        if (out.started) {
            op->state = state_after(ctx, op, &m, &out);
            op->private_state = install_memory_save(&out.memory);
        }
        json_decref(r.info);
        install_outcome_done(&out);
        install_memory_done(&memory);
    }
    manifests_done(&m);
}

void component_create(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, true);
}

void component_update(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, false);
}

/* --- delete ------------------------------------------------------------------------------------- */

/* Whether this is the delete half of a replacement of something unfinished, which the create that
 * follows continues. */
static bool continues(const struct tf_apply *op)
{
    return !strcmp(krm_str(op->planned_private, "op", NULL), "create") &&
           !strcmp(krm_str(op->planned_private, "id", NULL), component_str(op->prior, "id")) &&
           !tf_bool_or(tf_get(op->prior, "installed"), true);
}

void component_remove(struct tf_context *ctx, struct tf_apply *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_remove_result result;
    struct kube_client *client;
    struct install_removal r;
    json_auto_t *found = NULL;
    json_t *wanted;

    if (continues(op)) {
        log_info("component", "%s is unfinished: the create continues it, nothing is deleted",
                 component_str(op->prior, "id"));
        return;
    }
    if (session_client(ctx->session, &client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    r = component_removal(ctx, op->prior, client, &wanted);
    if (install_removal_check(&r, KUBE_NOT_OF_SET, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't look for users' data", &err);
    } else {
        component_report_user_data(ctx, found);
        if (!tf_failed(ctx->diags)) {
            install_remove(&r, &result);
            component_report_problems(
                ctx, arena_printf(ctx->arena, "%s isn't fully removed", r.what), &result.problems);
            kube_remove_result_done(&result);
        }
    }
    json_decref(wanted);
}
