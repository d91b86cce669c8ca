/* A workspace is a handful of objects that are all named after it, and most of what matters about it
 * is made by controllers. So it isn't an installation (installation.h) with an ApplySet: there is
 * nothing to render and nothing that could be orphaned, since whoever knows the name finds all of
 * it. It is read into its attributes instead, so that what was changed in the cluster (an owner, a
 * limit, a contributor removed in the dashboard) is an ordinary difference of an attribute in the
 * plan.
 *
 * Private state: "people", the names of the contributors' objects that were applied (what is left of
 * one of them is no contributor any more, what is left of another one is); and, as in
 * installation.h, "op" and "id" of the planned operation, by which the delete half of a replacement
 * of something unfinished is known. */
#include "resources/kubeflow/profile.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/members.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/profile_cluster.h"
#include "resources/kubeflow/profile_objects.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

#define PROFILE_TIMEOUT_MS (10 * 60 * 1000)

#define PEOPLE "people"

/* --- sessions ------------------------------------------------------------------------------------ */

/* false after an error that was reported. */
static bool connect(struct tf_context *ctx, const struct tf_value *v, const char *operation,
                    struct profile_cluster *ret)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_client *client;

    if (session_client(ctx->session, &client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return false;
    }
    *ret = (struct profile_cluster){
        .client = client,
        .manager = session_field_manager(ctx->session),
        .name = installation_str(v, "name"),
        .deadline = clock_deadline(tf_timeout_ms(v, operation, PROFILE_TIMEOUT_MS)),
        .cancel = ctx->cancel,
    };
    return true;
}

/* The same for a plan or a refresh, whose user waits. */
static bool connect_to_read(struct tf_context *ctx, const struct tf_value *v,
                            struct profile_cluster *ret)
{
    bool connected = connect(ctx, v, "create", ret);

    ret->retry_ms = INSTALL_READ_RETRY_MS;
    return connected;
}

/* Whether v was made in this cluster; what has no uid yet was just imported from it. */
static int is_here(const struct profile_cluster *c, const struct tf_value *v, bool *ret_here,
                   char **ret_uid, struct err *err)
{
    const char *known = installation_str(v, "cluster_uid");
    int rc = kube_cluster_uid(c->client, c->retry_ms, c->cancel, ret_uid, err);

    if (!rc)
        *ret_here = !known[0] || !strcmp(known, *ret_uid);
    return rc;
}

/* --- validation ---------------------------------------------------------------------------------- */

/* Two contributors whose objects would have one name: kfam makes it of letters and digits only. */
static void check_contributors(struct tf_context *ctx, const struct tf_value *contributors)
{
    json_auto_t *seen = json_object();

    for (size_t i = 0; i < tf_len(contributors); i++) {
        const struct tf_value *contributor = contributors->items.at[i];
        const char *user = tf_str(tf_get(contributor, "user"), "");
        const char *role = tf_str(tf_get(contributor, "role"), "");
        char *name CLEANUP(mem_cleanup) = profile_contributor_name(user, role);
        const char *other = krm_str(seen, name, NULL);

        if (user[0] && role[0] && other[0])
            tf_error(
                ctx->diags, TF_ATTR("contributors"), "Contributors that can't be told apart",
                "Kubeflow names a contributor's objects by the letters and digits of the user: "
                "\"%s\" and \"%s\" with role \"%s\" would both be %s. Only one of them can be "
                "a contributor with that role.",
                other, user, role, name);
        json_object_set_new(seen, name, json_string(user));
    }
}

static void validate(struct tf_context *ctx, const struct tf_value *config)
{
    if (tf_is_known(tf_get(config, "contributors")))
        check_contributors(ctx, tf_get(config, "contributors"));
}

/* --- planning ------------------------------------------------------------------------------------ */

static const char *data_policy(const struct tf_value *v)
{
    return tf_str(tf_dig(v, "on_destroy", "user_data", NULL), "refuse");
}

static void report_user_data(struct tf_context *ctx, const char *name, const json_t *found)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *thing;
    size_t i;

    if (!json_array_size(found))
        return;
    json_array_foreach (found, i, thing)
        buf_printf(&text, "  - %s\n", json_string_value(thing));
    tf_error(
        ctx->diags, TF_ATTR("on_destroy"), "Users' data is in the way",
        "Destroying profile %s would take along what is in its namespace:\n%s%s\nTo delete it, "
        "or to keep the workspace and only take it out of Terraform, set on_destroy = { "
        "user_data = \"delete\" } or \"keep\", apply, and then destroy: Terraform hands a "
        "destroy the values of the last apply.",
        name, buf_str(&text),
        json_array_size(found) == PROFILE_MAX_USER_DATA ? "  - and perhaps more\n" : "");
}

/* Says what a destroy would refuse already in its plan, where the cluster can be asked. */
static void plan_destroy(struct tf_context *ctx, struct tf_plan *p)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *uid CLEANUP(mem_cleanup) = NULL;
    json_auto_t *found = NULL;
    struct kube_client *client;
    struct profile_cluster c;
    bool here = false;

    installation_set_operation(p, "destroy", installation_str(p->prior, "id"));
    if (strcmp(data_policy(p->prior), "refuse") != 0 ||
        session_connection(ctx->session) == SESSION_UNKNOWN ||
        session_client(ctx->session, &client, NULL) || !connect_to_read(ctx, p->prior, &c))
        return;
    if (is_here(&c, p->prior, &here, &uid, &err) || (here && profile_user_data(&c, &found, &err)))
        log_warn("kubeflow", "what a destroy would take along can't be said: %s", err_msg(&err));
    else
        report_user_data(ctx, c.name, found);
}

static void plan(struct tf_context *ctx, struct tf_plan *p)
{
    bool update = p->action != TF_CREATE;

    if (p->action == TF_DELETE) {
        plan_destroy(ctx, p);
        return;
    }
    installation_put(ctx, &p->planned, "id", tf_get(p->planned, "name"));
    installation_put(ctx, &p->planned, "installed", tf_bool(ctx->arena, true));
    if (update && session_connection(ctx->session) == SESSION_UNKNOWN)
        installation_put_unknown(ctx, &p->planned, "cluster_uid");
    if (update && tf_is_known(tf_get(p->prior, "contributors")) &&
        tf_is_null(tf_get(p->planned, "contributors")))
        tf_warning(ctx->diags, TF_ATTR("contributors"), "Contributors are no longer managed",
                   "Those of profile %s keep their access, and the dashboard decides from now on. "
                   "To take it from them, set contributors = [] instead.",
                   installation_str(p->planned, "name"));
    installation_set_operation(p, update ? "update" : "create", installation_str(p->planned, "id"));
}

/* --- create and update --------------------------------------------------------------------------- */

static void put_state(struct tf_context *ctx, struct tf_apply *op, const json_t *wanted,
                      const char *uid, bool finished)
{
    op->state = op->planned;
    installation_put(ctx, &op->state, "id", tf_get(op->planned, "name"));
    installation_put_str(ctx, &op->state, "cluster_uid", uid);
    installation_put(ctx, &op->state, "installed", tf_bool(ctx->arena, finished));
    op->private_state = json_pack("{s:o}", PEOPLE, profile_people(wanted));
}

static void apply(struct tf_context *ctx, struct tf_apply *op, const char *operation)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *wanted = tfjson_of(op->planned), *prior = tfjson_of(op->prior);
    char *uid CLEANUP(mem_cleanup) = NULL;
    struct profile_request r = {
        .wanted = wanted,
        .unfinished = !tf_bool_or(tf_get(op->prior, "installed"), true),
        .adopt = tf_bool_or(tf_get(op->planned, "adopt"), false),
        .force_conflicts = tf_bool_or(tf_get(op->planned, "force_conflicts"), false),
        .wait = tf_bool_or(tf_get(op->planned, "wait"), true),
    };
    struct profile_cluster c;
    bool here = true, started = false;
    int rc;

    if (!connect(ctx, op->planned, operation, &c))
        return;
    rc = is_here(&c, op->prior, &here, &uid, &err);
    if (!rc) {
        r.prior = here ? prior : NULL; /* in another cluster it is made anew */
        rc = profile_apply(&c, &r, &started, &err);
    }
    if (rc)
        tf_error_from(ctx->diags, NULL,
                      arena_printf(ctx->arena, "Profile %s isn't as it should be", c.name), &err);
    /* An update that fails leaves the prior state: the next refresh sees how far it came. */
    if (!rc || (started && !r.prior))
        put_state(ctx, op, wanted, uid, !rc);
}

static void create(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, "create");
    installation_keep_unfinished(ctx, op);
}

static void update(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, "update");
}

/* --- refresh and import -------------------------------------------------------------------------- */

static void put_values(struct tf_context *ctx, struct tf_read *op, const struct profile_live *live,
                       bool imported)
{
    static const char *const names[] = {"owner", "resource_quota", "labels", "plugins"};
    json_auto_t *before = tfjson_of(op->state), *shown = NULL;
    json_auto_t *now = profile_value(live->profile, live->namespace, before, imported);
    const json_t *people = json_object_get(op->private_state, PEOPLE);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        installation_put_json(ctx, &op->state, names[i], json_object_get(now, names[i]));
    if (!live->bindings)
        return;
    shown = profile_shown_contributors(live->bindings, live->policies, people);
    if (!imported || json_array_size(shown))
        installation_put_json(ctx, &op->state, "contributors", shown);
}

static void read(struct tf_context *ctx, struct tf_read *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct profile_live live CLEANUP(profile_live_done) = {0};
    char *uid CLEANUP(mem_cleanup) = NULL;
    bool imported = !installation_str(op->state, "owner")[0], here = false;
    bool people = imported || tf_is_known(tf_get(op->state, "contributors"));
    struct profile_cluster c;

    if (session_connection(ctx->session) == SESSION_UNKNOWN)
        return;
    if (!connect_to_read(ctx, op->state, &c))
        return;
    if (is_here(&c, op->state, &here, &uid, &err) ||
        (here && profile_look(&c, people, &live, &err))) {
        tf_error_from(ctx->diags, NULL, arena_printf(ctx->arena, "Can't read profile %s", c.name),
                      &err);
        return;
    }
    if (!live.profile || krm_get(live.profile, "metadata", "deletionTimestamp", NULL)) {
        op->state = NULL;
        return;
    }
    installation_put_str(ctx, &op->state, "cluster_uid", uid);
    put_values(ctx, op, &live, imported);
}

/* Takes the attributes that no cluster knows from their defaults; the refresh that follows reads the
 * others, and writes nothing. */
static void import(struct tf_context *ctx, struct tf_import *op)
{
    json_auto_t *on_destroy = json_pack("{s:s}", "user_data", "refuse");

    if (session_connection(ctx->session) == SESSION_UNKNOWN) {
        tf_error(ctx->diags, NULL, "No connection to a cluster",
                 "An import reads the cluster, so the provider's connection must be known.");
        return;
    }
    installation_put_str(ctx, &op->state, "id", op->id);
    installation_put_str(ctx, &op->state, "name", op->id);
    installation_put(ctx, &op->state, "wait", tf_bool(ctx->arena, true));
    installation_put(ctx, &op->state, "adopt", tf_bool(ctx->arena, false));
    installation_put(ctx, &op->state, "force_conflicts", tf_bool(ctx->arena, false));
    installation_put(ctx, &op->state, "installed", tf_bool(ctx->arena, true));
    installation_put_json(ctx, &op->state, "on_destroy", on_destroy);
}

/* --- delete -------------------------------------------------------------------------------------- */

static void remove_it(struct tf_context *ctx, struct tf_apply *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    char *uid CLEANUP(mem_cleanup) = NULL;
    const char *policy = data_policy(op->prior);
    json_auto_t *found = NULL;
    struct profile_cluster c;
    bool continues = installation_continues(op), here = false;
    int rc;

    if (continues)
        installation_leave_unfinished(ctx, op);
    if (continues || !strcmp(policy, "keep")) {
        log_info("kubeflow", "profile %s is left in the cluster",
                 installation_str(op->prior, "id"));
        return;
    }
    if (!connect(ctx, op->prior, "delete", &c))
        return;
    rc = is_here(&c, op->prior, &here, &uid, &err);
    if (!rc && !here)
        return; /* the cluster that it was in is gone */
    if (!rc && !strcmp(policy, "refuse"))
        rc = profile_user_data(&c, &found, &err);
    report_user_data(ctx, c.name, found);
    if (!rc && !tf_failed(ctx->diags))
        rc = profile_remove(&c, &err);
    if (rc)
        tf_error_from(ctx->diags, NULL,
                      arena_printf(ctx->arena, "Profile %s isn't removed", c.name), &err);
}

const struct tf_resource profile_resource = {
    .type_name = "kubeflow_profile",
    .schema = &profile_schema,
    .validate = validate,
    .plan = plan,
    .create = create,
    .read = read,
    .update = update,
    .remove = remove_it,
    .import = import,
};
