#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/secret_values.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

/* --- create and update -------------------------------------------------------------------------- */

/* What was planned must be what is applied: manifests may have changed since. */
static bool as_planned(struct tf_context *ctx, const struct tf_apply *op, const struct manifests *m,
                       const json_t *hashes)
{
    const json_t *planned = json_object_get(op->planned_private, "objects");
    json_auto_t *now = installation_fingerprint(hashes);

    if (!planned || json_equal(planned, now))
        return true;
    tf_error(
        ctx->diags, TF_ATTR("manifests_digest"), "Manifests changed since the plan",
        "The plan was made of manifests with digest %s, but what is there now has %s and renders "
        "to other objects. Nothing was changed; plan again.",
        installation_str(op->planned, "manifests_digest"), m->digest);
    return false;
}

/* What earlier updates and this one left in the cluster, without what is part of the installation
 * again. */
static json_t *all_retained(const struct tf_value *prior, const json_t *now, const json_t *hashes)
{
    json_auto_t *before = tfjson_of(tf_get(prior, "retained")), *seen = json_object();
    json_auto_t *both = json_array();
    json_t *all = json_array(), *key;
    size_t i;

    json_array_extend(both, before);
    json_array_extend(both, (json_t *)now);
    json_array_foreach (both, i, key) {
        const char *text = json_string_value(key);

        if (json_object_get(hashes, text) || json_object_get(seen, text))
            continue;
        json_object_set_new(seen, text, json_true());
        json_array_append(all, key);
    }
    return all;
}

static const struct tf_value *state_after(const struct installation *kind, struct tf_context *ctx,
                                          const struct tf_apply *op, const struct manifests *m,
                                          const json_t *hashes, const struct install_outcome *out)
{
    const struct tf_value *v = op->planned;
    json_auto_t *empty = json_object();
    json_auto_t *retained = all_retained(op->prior, out->retained, hashes);

    if (!tf_is_known(tf_get(v, "changes"))) {
        json_auto_t *changes = kind->announce(kind->title(ctx->arena, v, m->version), m);

        installation_put_json(ctx, &v, "changes", changes);
    }
    kind->describe(ctx, &v, m, out->finished ? hashes : out->objects);
    installation_put_str(ctx, &v, "id", installation_id(kind, ctx->arena, v));
    installation_put_str(ctx, &v, "manifests_digest", m->digest);
    installation_put_str(ctx, &v, "cluster_uid", out->cluster_uid);
    installation_put_str(ctx, &v, "install_id", out->install_id);
    installation_put(ctx, &v, "installed",
                     tf_bool(ctx->arena, out->finished || op->prior->state == TF_KNOWN));
    installation_put_json(ctx, &v, "drift", empty);
    installation_put_json(ctx, &v, "retained", retained);
    return v;
}

/* The request, as far as values and session say it. */
static struct install_request request_of(const struct installation *kind, struct tf_context *ctx,
                                         const struct tf_apply *op, bool create)
{
    struct session *s = ctx->session;

    return (struct install_request){
        .manager = session_field_manager(s),
        .set_name = kind->set_name(ctx->arena, op->planned),
        .cluster_uid = installation_str(op->prior, "cluster_uid"),
        .cluster_may_change = tf_is_unknown(tf_get(op->planned, "cluster_uid")),
        .install_id = installation_str(op->prior, "install_id"),
        .target = installation_str(op->planned, "target"),
        .capacity =
            preflight_capacity(tf_str(tf_dig(op->planned, "preflight", "capacity", NULL), "")),
        .create = create,
        .adopt = tf_bool_or(tf_get(op->planned, "adopt"), false),
        .force_conflicts = tf_bool_or(tf_get(op->planned, "force_conflicts"), false),
        .wait = tf_bool_or(tf_get(op->planned, "wait"), true),
        .deadline = clock_deadline(
            tf_timeout_ms(op->planned, create ? "create" : "update", INSTALLATION_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };
}

static void report_warnings(struct tf_context *ctx, const char *what, const json_t *warnings)
{
    const json_t *warning;
    size_t i;

    json_array_foreach (warnings, i, warning)
        tf_warning(ctx->diags, NULL, what, "%s.", json_string_value(warning));
}

static void apply_rendered(const struct installation *kind, struct tf_context *ctx,
                           struct tf_apply *op, struct install_request r, struct manifests *m,
                           const json_t *hashes)
{
    json_auto_t *info = kind->info(op->planned, m);
    json_auto_t *left = installation_ignored(op->planned, m->objects);
    json_t *given CLEANUP(secret_values_cleanup) = kind->given ? kind->given(op->config) : NULL;
    struct install_memory memory;
    struct install_outcome out;

    install_memory_load(op->planned_private, &memory);
    if (!r.create && !memory.imported)
        installation_complete(kind, ctx, op->prior, hashes, &memory);
    r.memory = r.create ? NULL : &memory;
    /* A create that replaces what was imported gets its memory too, but takes nothing over. */
    r.adopt = r.adopt || (!r.create && memory.imported);
    r.what = kind->title(ctx->arena, op->planned, m->version);
    r.objects = m->objects;
    r.needs = m->needs;
    r.left = left;
    r.info = info;
    r.given = given;
    install_apply(&r, &out);
    report_warnings(ctx, r.what, out.warnings);
    installation_report_problems(ctx,
                                 arena_printf(ctx->arena,
                                              out.started ? "%s isn't fully installed"
                                              : r.create  ? "%s can't be installed"
                                                          : "%s can't be updated",
                                              r.what),
                                 &out.problems);
    if (out.started) {
        op->state = state_after(kind, ctx, op, m, hashes, &out);
        if (kind->observe)
            kind->observe(ctx, r.client, true, &op->state);
        /* An adoption that isn't through goes on as one. */
        out.memory.imported = memory.imported && !r.create && !out.finished;
        out.memory.found = out.memory.imported ? json_incref(memory.found) : NULL;
        op->private_state = install_memory_save(&out.memory);
    }
    install_outcome_done(&out);
    install_memory_done(&memory);
}

static void apply(const struct installation *kind, struct tf_context *ctx, struct tf_apply *op,
                  bool create)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct install_request r = request_of(kind, ctx, op, create);
    struct manifests m = {0};
    json_auto_t *hashes = NULL;

    if (session_client(ctx->session, &r.client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    if (!installation_render(kind, ctx, op->planned, &m))
        return;
    hashes = install_hashes(m.objects);
    if (as_planned(ctx, op, &m, hashes))
        apply_rendered(kind, ctx, op, r, &m, hashes);
    manifests_done(&m);
}

void installation_create(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op)
{
    apply(kind, ctx, op, true);
    installation_keep_unfinished(ctx, op);
}

void installation_update(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op)
{
    apply(kind, ctx, op, false);
}

/* --- delete ------------------------------------------------------------------------------------- */

/* Whether this is the delete half of a replacement. */
static bool is_replaced(const struct tf_apply *op)
{
    return !strcmp(krm_str(op->planned_private, "op", NULL), "create") &&
           !strcmp(krm_str(op->planned_private, "id", NULL), installation_str(op->prior, "id"));
}

bool installation_continues(const struct tf_apply *op)
{
    return is_replaced(op) && !tf_bool_or(tf_get(op->prior, "installed"), true);
}

void installation_remove(const struct installation *kind, struct tf_context *ctx,
                         struct tf_apply *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_remove_result result;
    struct install_memory memory;
    struct kube_client *client;
    struct install_removal r;
    struct install_removal_findings found CLEANUP(install_removal_findings_done) = {0};
    json_t *wanted;

    if (installation_continues(op)) {
        installation_leave_unfinished(ctx, op);
        log_info("kubeflow", "%s is unfinished: the create continues it, nothing is deleted",
                 installation_str(op->prior, "id"));
        return;
    }
    if (session_client(ctx->session, &client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    install_memory_load(op->planned_private, &memory);
    r = installation_removal(kind, ctx, op->prior, &memory, client, &wanted);
    install_memory_done(&memory);
    if (install_removal_check(&r, KUBE_NOT_OF_SET, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't look for users' data", &err);
    } else {
        found.taken_over &= !is_replaced(op); /* its own create came first */
        installation_report_findings(kind, ctx, &r, &found);
        if (!tf_failed(ctx->diags)) {
            install_remove(&r, &result);
            installation_report_problems(
                ctx, arena_printf(ctx->arena, "%s isn't fully removed", r.what), &result.problems);
            kube_remove_result_done(&result);
        }
    }
    json_decref(wanted);
}
