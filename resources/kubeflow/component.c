/* What Terraform asks, and how a component answers.
 *
 * The value of the resource holds what users see; private state holds install_memory and, while an
 * operation is planned, what kind it is:
 *
 *     "op": "create"  the create's plan; also what the delete half of a replacement carries
 *     "op": "update"
 *     "op": "destroy" a real destroy, or the removal of an object that a create_before_destroy
 *                     replacement has left
 *
 * A create that returned with an error is tainted by Terraform, whose next apply sends the delete
 * half of a replacement and then a create. For something unfinished that delete removes nothing,
 * and the create continues what the ApplySet says was begun. */
#include "resources/kubeflow/component.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/members.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/manifests.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

#define DEFAULT_TIMEOUT_MS (30 * 60 * 1000)
#define SET_PREFIX         "component-"
#define PATH_NAME_MAX      40

/* Everything that decides which objects there are. */
static const char *const inputs[] = {
    "name",   "release", "path",          "url",           "manifests",
    "target", "patches", "ignore_fields", "image_mirrors",
};

static const char *str(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), "");
}

/* NULL for a string that isn't set: manifests_request's "not given". */
static const char *str_or_null(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), NULL);
}

/* --- names -------------------------------------------------------------------------------------- */

/* A name for a kustomization that has none: the end of its path, and a piece of its hash, because
 * two kustomizations may both end in "base". */
static const char *name_of_path(struct arena *a, const char *path)
{
    char hash[HASH_HEX_SIZE], slug[PATH_NAME_MAX + 1];
    size_t n = 0, end = strlen(path), start;

    while (end && path[end - 1] == '/')
        end--;
    start = end;
    while (start && path[start - 1] != '/')
        start--;
    for (size_t i = start; i < end && n < PATH_NAME_MAX; i++) {
        char c = path[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 'a' - 'A');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            slug[n++] = c;
        else if (n && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    while (n && slug[n - 1] == '-')
        n--;
    slug[n] = '\0';
    hash_sha256_hex(path, strlen(path), hash);
    return arena_printf(a, "%s%s%.8s", slug, n ? "-" : "", hash);
}

static const char *set_name_of(struct arena *a, const struct tf_value *v)
{
    return arena_printf(a, SET_PREFIX "%s", str(v, "name"));
}

static const char *id_of(struct arena *a, const struct tf_value *v)
{
    return arena_printf(a, APPLYSET_NAMESPACE "/" SET_PREFIX "%s", str(v, "name"));
}

static const char *title_of(struct arena *a, const struct tf_value *v, const char *version)
{
    return version[0] ? arena_printf(a, "%s %s", str(v, "name"), version)
                      : arena_strdup(a, str(v, "name"));
}

/* --- validation --------------------------------------------------------------------------------- */

static void validate(struct tf_context *ctx, const struct tf_value *config)
{
    const struct tf_value *name = tf_get(config, "name"), *release = tf_get(config, "release"),
                          *path = tf_get(config, "path"), *url = tf_get(config, "url"),
                          *tree = tf_get(config, "manifests");
    bool custom = !tf_is_null(path) || !tf_is_null(url);

    if (!tf_is_null(path) && !tf_is_null(url))
        tf_error(ctx->diags, TF_ATTR("url"), "Conflicting attributes",
                 "path and url can't be set together; remove one of them.");
    if (custom && !tf_is_null(release))
        tf_error(
            ctx->diags, TF_ATTR("release"), "Conflicting attributes",
            "release belongs to a component of the catalog; a kustomization given by path or url "
            "has none. Remove one of them.");
    if (!custom && tf_is_null(name))
        tf_error(ctx->diags, NULL, "Missing component",
                 "Set name and release for a component of the catalog, or path or url for a "
                 "kustomization.");
    if (!custom && !tf_is_null(name) && tf_is_null(release))
        tf_error(ctx->diags, TF_ATTR("name"), "Missing release",
                 "A component of the catalog needs release, such as \"1.10.2\". A newer release is "
                 "never chosen by itself.");
    if (tf_is_known(tree) && !tf_is_null(tf_get(tree, "path")) && !tf_is_null(tf_get(tree, "url")))
        tf_error(ctx->diags, TF_ATTR("manifests"), "Conflicting attributes",
                 "manifests.path and manifests.url can't be set together; remove one of them.");
    if (tf_is_known(tree) && tf_is_null(tf_get(tree, "digest")) &&
        (tf_is_known(tf_get(tree, "url")) || tf_is_known(url)))
        tf_error(
            ctx->diags, TF_ATTR("manifests"), "Missing digest",
            "Manifests from a URL need manifests.digest, so that what is installed can't change "
            "behind your back.");
}

/* --- rendering ---------------------------------------------------------------------------------- */

static bool inputs_known(const struct tf_value *v)
{
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        if (!tf_wholly_known(tf_get(v, inputs[i])))
            return false;
    return true;
}

/* The objects that the inputs in v stand for. 0, or the error's code with *ret_attribute to blame. */
static int render_quietly(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret,
                          const char **ret_attribute, struct err *err)
{
    json_auto_t *patches = tfjson_of(tf_get(v, "patches"));
    json_auto_t *mirrors = tfjson_of(tf_get(v, "image_mirrors"));
    json_auto_t *ignore = tfjson_of(tf_get(v, "ignore_fields"));
    const struct tf_value *tree = tf_get(v, "manifests");
    struct manifests_request r = {
        .release = str_or_null(v, "release"),
        .target = str_or_null(v, "target"),
        .path = str_or_null(v, "path"),
        .url = str_or_null(v, "url"),
        .tree_path = str_or_null(tree, "path"),
        .tree_url = str_or_null(tree, "url"),
        .tree_digest = str_or_null(tree, "digest"),
        .patches = patches,
        .image_mirrors = mirrors,
        .ignore_fields = ignore,
    };

    if (!r.path && !r.url)
        r.component = str_or_null(v, "name");
    return manifests_render(session_sources(ctx->session), &r, ctx->cancel, ret, ret_attribute,
                            err);
}

/* Reports errors; false after one. */
static bool render(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;

    if (!render_quietly(ctx, v, ret, &attribute, &err))
        return true;
    tf_error_from(ctx->diags, attribute ? TF_ATTR(attribute) : NULL, "Manifests can't be rendered",
                  &err);
    return false;
}

/* --- planning ----------------------------------------------------------------------------------- */

static void put(struct tf_context *ctx, const struct tf_value **v, const char *name,
                const struct tf_value *member)
{
    *v = tf_with(ctx->arena, *v, name, member);
}

static void put_str(struct tf_context *ctx, const struct tf_value **v, const char *name,
                    const char *text)
{
    put(ctx, v, name, tf_string(ctx->arena, text));
}

static void put_json(struct tf_context *ctx, const struct tf_value **v, const char *name,
                     const json_t *json)
{
    put(ctx, v, name, tfjson_value(ctx->arena, json, tf_get(*v, name)->type));
}

static void put_unknown(struct tf_context *ctx, const struct tf_value **v, const char *name)
{
    put(ctx, v, name, tf_unknown(ctx->arena, tf_get(*v, name)->type));
}

/* planned_private: the memory goes along, because apply gets no other private state. */
static void set_operation(struct tf_plan *plan, const char *op, const char *id)
{
    if (!plan->private_state)
        plan->private_state = json_object();
    json_object_set_new(plan->private_state, "op", json_string(op));
    json_object_set_new(plan->private_state, "id", json_string(id));
}

/* Nothing of the objects can be said yet. */
static void plan_unknown(struct tf_context *ctx, struct tf_plan *plan)
{
    static const char *const outputs[] = {"version", "manifests_digest", "objects",
                                          "changes", "retained",         "webhook_ports"};

    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        put_unknown(ctx, &plan->planned, outputs[i]);
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
           strcmp(uid, str(plan->prior, "cluster_uid")) != 0;
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
    const char *title = title_of(ctx->arena, plan->planned, m->version);
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
    put_str(ctx, &plan->planned, "version", m->version);
    put_str(ctx, &plan->planned, "manifests_digest", m->digest);
    put_json(ctx, &plan->planned, "objects", hashes);
    put_json(ctx, &plan->planned, "changes", changes);
    put_json(ctx, &plan->planned, "drift", empty);
    put_json(ctx, &plan->planned, "webhook_ports", ports);
    put(ctx, &plan->planned, "installed", tf_bool(ctx->arena, true));
    put_unknown(ctx, &plan->planned, "retained"); /* pruning finds out */
    if (elsewhere) {
        put_unknown(ctx, &plan->planned, "cluster_uid");
        put_unknown(ctx, &plan->planned, "install_id");
        put_unknown(ctx, &plan->planned, "changes");
    }
    install_memory_done(&memory);
}

static enum kube_crd_policy crd_policy(const struct tf_value *v)
{
    const char *text = tf_str(tf_dig(v, "on_destroy", "crds", NULL), "if_unused");

    return !strcmp(text, "delete") ? KUBE_CRDS_DELETE
           : !strcmp(text, "keep") ? KUBE_CRDS_KEEP
                                   : KUBE_CRDS_IF_UNUSED;
}

static enum kube_data_policy data_policy(const struct tf_value *v)
{
    const char *text = tf_str(tf_dig(v, "on_destroy", "user_data", NULL), "refuse");

    return !strcmp(text, "delete") ? KUBE_DATA_DELETE
           : !strcmp(text, "keep") ? KUBE_DATA_KEEP
                                   : KUBE_DATA_REFUSE;
}

/* wanted is to be released by the caller. */
static struct install_removal removal_of(struct tf_context *ctx, const struct tf_value *prior,
                                         struct kube_client *client, json_t **ret_wanted)
{
    struct session *s = ctx->session;

    *ret_wanted = tfjson_of(tf_get(prior, "objects"));
    return (struct install_removal){
        .client = client,
        .manager = session_field_manager(s),
        .set_name = set_name_of(ctx->arena, prior),
        .what = title_of(ctx->arena, prior, str(prior, "version")),
        .cluster_uid = str(prior, "cluster_uid"),
        .install_id = str(prior, "install_id"),
        .wanted = *ret_wanted,
        .crds = crd_policy(prior),
        .user_data = data_policy(prior),
        .delete_adopted =
            !strcmp(tf_str(tf_dig(prior, "on_destroy", "adopted", NULL), ""), "delete"),
        .deadline = clock_deadline(tf_timeout_ms(prior, "delete", DEFAULT_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };
}

static void report_user_data(struct tf_context *ctx, const json_t *found)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *sentence;
    size_t i;

    if (!json_array_size(found))
        return;
    json_array_foreach (found, i, sentence)
        buf_printf(&text, "  - %s\n", json_string_value(sentence));
    tf_error(
        ctx->diags, TF_ATTR("on_destroy"), "Users' data is in the way",
        "Destroying this would take along:\n%s\nTo keep or delete it, set "
        "on_destroy = { user_data = \"keep\" } or \"delete\", apply, and then destroy: Terraform "
        "hands a destroy the values of the last apply.",
        buf_str(&text));
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
    set_operation(plan, "destroy", str(plan->prior, "id"));
    if (session_connection(ctx->session) == SESSION_UNKNOWN ||
        session_client(ctx->session, &client, &err))
        return;
    r = removal_of(ctx, plan->prior, client, &wanted);
    if (!install_removal_check(&r, KUBE_NOT_OF_ANY, &found, &err))
        report_user_data(ctx, found);
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

static void plan(struct tf_context *ctx, struct tf_plan *p)
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
        const char *where = str(p->config, tf_is_null(tf_get(p->config, "path")) ? "url" : "path");

        if (where[0])
            put_str(ctx, &p->planned, "name", name_of_path(ctx->arena, where));
        else
            put_unknown(ctx, &p->planned, "name");
        if (p->action == TF_UPDATE &&
            !tf_equal(tf_get(p->planned, "name"), tf_get(p->prior, "name")))
            tf_plan_requires_replace(ctx, p, TF_ATTR("name"));
    }
    if (!tf_is_known(tf_get(p->planned, "name")))
        put_unknown(ctx, &p->planned, "id");
    else
        put_str(ctx, &p->planned, "id", id_of(ctx->arena, p->planned));
    set_operation(p, p->action == TF_CREATE ? "create" : "update", str(p->planned, "id"));
    if (!inputs_known(p->planned)) {
        plan_unknown(ctx, p);
        return;
    }
    rc = render_quietly(ctx, p->planned, &m, &attribute, &err);
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

/* --- create and update -------------------------------------------------------------------------- */

static void report_problems(struct tf_context *ctx, const char *what,
                            const struct kube_problem *problems, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tf_error(ctx->diags, NULL, problems[i].key[0] ? problems[i].key : what, "%s",
                 problems[i].text);
}

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
        str(planned, "manifests_digest"), m->digest);
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
        json_auto_t *changes =
            install_changes(title_of(ctx->arena, v, m->version), NULL, NULL, m->objects, NULL);

        put_json(ctx, &v, "changes", changes);
    }
    put_str(ctx, &v, "id", id_of(ctx->arena, v));
    put_str(ctx, &v, "version", m->version);
    put_str(ctx, &v, "manifests_digest", m->digest);
    put_str(ctx, &v, "cluster_uid", out->cluster_uid);
    put_str(ctx, &v, "install_id", out->install_id);
    put(ctx, &v, "installed", tf_bool(ctx->arena, out->finished || op->prior->state == TF_KNOWN));
    put_json(ctx, &v, "objects", out->finished ? hashes : out->objects);
    put_json(ctx, &v, "drift", empty);
    put_json(ctx, &v, "retained", retained);
    put_json(ctx, &v, "webhook_ports", ports);
    return v;
}

static json_t *info_of(const struct tf_value *v, const struct manifests *m)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "component", str(v, "name"), "release",
                     str(v, "release"), "version", m->version, "manifests_digest", m->digest);
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
        .set_name = set_name_of(ctx->arena, op->planned),
        .memory = create ? NULL : &memory,
        .cluster_uid = str(op->prior, "cluster_uid"),
        .cluster_may_change = tf_is_unknown(tf_get(op->planned, "cluster_uid")),
        .install_id = str(op->prior, "install_id"),
        .create = create,
        .adopt = tf_bool_or(tf_get(op->planned, "adopt"), false),
        .force_conflicts = tf_bool_or(tf_get(op->planned, "force_conflicts"), false),
        .wait = tf_bool_or(tf_get(op->planned, "wait"), true),
        .deadline = clock_deadline(
            tf_timeout_ms(op->planned, create ? "create" : "update", DEFAULT_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };

    if (session_client(s, &r.client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    if (!render(ctx, op->planned, &m))
        return;
    if (as_planned(ctx, op->planned, &m)) {
        install_memory_load(op->planned_private, &memory);
        r.adopt = r.adopt || memory.imported;
        r.what = title_of(ctx->arena, op->planned, m.version);
        r.objects = m.objects;
        r.needs = m.needs;
        r.info = info_of(op->planned, &m);
        install_apply(&r, &out);
        report_problems(ctx, arena_printf(ctx->arena, "%s isn't fully installed", r.what),
                        out.problems, out.nproblems);
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

static void create(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, true);
}

static void update(struct tf_context *ctx, struct tf_apply *op)
{
    apply(ctx, op, false);
}

/* --- delete ------------------------------------------------------------------------------------- */

/* Whether this is the delete half of a replacement of something unfinished, which the create that
 * follows continues. */
static bool continues(const struct tf_apply *op)
{
    return !strcmp(krm_str(op->planned_private, "op", NULL), "create") &&
           !strcmp(krm_str(op->planned_private, "id", NULL), str(op->prior, "id")) &&
           !tf_bool_or(tf_get(op->prior, "installed"), true);
}

static void remove_component(struct tf_context *ctx, struct tf_apply *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_remove_result result;
    struct kube_client *client;
    struct install_removal r;
    json_auto_t *found = NULL;
    json_t *wanted;

    if (continues(op)) {
        log_info("component", "%s is unfinished: the create continues it, nothing is deleted",
                 str(op->prior, "id"));
        return;
    }
    if (session_client(ctx->session, &client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    r = removal_of(ctx, op->prior, client, &wanted);
    if (install_removal_check(&r, KUBE_NOT_OF_SET, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't look for users' data", &err);
    } else {
        report_user_data(ctx, found);
        if (!tf_failed(ctx->diags)) {
            install_remove(&r, &result);
            report_problems(ctx, arena_printf(ctx->arena, "%s isn't fully removed", r.what),
                            result.problems, result.nproblems);
            kube_remove_result_done(&result);
        }
    }
    json_decref(wanted);
}

/* --- read and import ---------------------------------------------------------------------------- */

/* After an import: which objects are there, and how they differ. Reading writes nothing. */
static void read_imported(struct tf_context *ctx, struct tf_read *op, struct kube_client *client)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *existing = NULL, *drift = NULL;

    if (!render(ctx, op->state, &m))
        return;
    if (install_survey(client, session_field_manager(ctx->session), m.objects, ctx->cancel,
                       &existing, &drift, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (!json_object_size(existing)) {
        op->state = NULL; /* Terraform says "non-existent remote object" */
    } else {
        put_json(ctx, &op->state, "objects", existing);
        put_json(ctx, &op->state, "drift", drift);
    }
    manifests_done(&m);
}

static void read(struct tf_context *ctx, struct tf_read *op)
{
    struct session *s = ctx->session;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct install_refreshed found = {0};
    struct install_memory memory;
    struct kube_client *client;
    json_auto_t *wanted = NULL;

    if (session_connection(s) == SESSION_UNKNOWN)
        return;
    if (session_client(s, &client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    install_memory_load(op->private_state, &memory);
    if (memory.imported) {
        read_imported(ctx, op, client);
        install_memory_done(&memory);
        return;
    }
    wanted = tfjson_of(tf_get(op->state, "objects"));
    if (install_refresh(client, session_field_manager(s), set_name_of(ctx->arena, op->state),
                        str(op->state, "cluster_uid"), wanted, &memory, ctx->cancel, &found,
                        &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (found.gone) {
        op->state = NULL;
    } else {
        put_json(ctx, &op->state, "drift", found.drift);
        json_decref(op->private_state);
        op->private_state = install_memory_save(&found.memory);
    }
    install_refreshed_done(&found);
    install_memory_done(&memory);
}

static void import(struct tf_context *ctx, struct tf_import *op)
{
    const char *at = strchr(op->id, '@');
    struct install_memory memory = {.imported = true};
    json_auto_t *empty = json_object();

    if (!at || at == op->id || !at[1]) {
        tf_error(ctx->diags, NULL, "Invalid import ID",
                 "The ID of a component is name@release, such as katib@1.10.2; got \"%s\".",
                 op->id);
        return;
    }
    if (session_connection(ctx->session) == SESSION_UNKNOWN) {
        tf_error(ctx->diags, NULL, "No connection to a cluster",
                 "An import reads the cluster, so the provider's connection must be known.");
        return;
    }
    put(ctx, &op->state, "name", tf_stringn(ctx->arena, op->id, (size_t)(at - op->id)));
    put_str(ctx, &op->state, "release", at + 1);
    put_str(ctx, &op->state, "id", id_of(ctx->arena, op->state));
    put(ctx, &op->state, "installed", tf_bool(ctx->arena, true));
    put_json(ctx, &op->state, "objects", empty);
    op->private_state = install_memory_save(&memory);
}

const struct tf_resource component_resource = {
    .type_name = "kubeflow_component",
    .schema = &component_schema,
    .validate = validate,
    .plan = plan,
    .create = create,
    .read = read,
    .update = update,
    .remove = remove_component,
    .import = import,
};
