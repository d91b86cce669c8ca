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

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/component_parts.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

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

/* --- read and import ---------------------------------------------------------------------------- */

/* After an import: which objects are there, and how they differ. Reading writes nothing. */
static void read_imported(struct tf_context *ctx, struct tf_read *op, struct kube_client *client)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *existing = NULL, *drift = NULL;

    if (!component_render(ctx, op->state, &m))
        return;
    if (install_survey(client, session_field_manager(ctx->session), m.objects, ctx->cancel,
                       &existing, &drift, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (!json_object_size(existing)) {
        op->state = NULL; /* Terraform says "non-existent remote object" */
    } else {
        component_put_json(ctx, &op->state, "objects", existing);
        component_put_json(ctx, &op->state, "drift", drift);
    }
    manifests_done(&m);
}

/* What memory doesn't hold of the objects as applied (CRDs, Secrets): rendered again, once, and only
 * believed where it is what state has the hash of. */
struct rerender {
    struct tf_context *ctx;
    const struct tf_value *state;
    const json_t *wanted; /* key -> hash */
    json_t *objects;      /* key -> object; NULL = not rendered yet */
};

static void render_again(struct rerender *r)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *hashes = NULL;
    const char *attribute;
    json_t *object;
    size_t i;

    r->objects = json_object();
    if (component_render_quietly(r->ctx, r->state, &m, &attribute, &err)) {
        log_debug("component", "what was applied can't be rendered again: %s", err_msg(&err));
        return;
    }
    hashes = install_hashes(m.objects);
    json_array_foreach (m.objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (json_equal(json_object_get(hashes, key), json_object_get(r->wanted, key)))
            json_object_set(r->objects, key, object);
    }
    manifests_done(&m);
}

static const json_t *find_content(void *arg, const char *key)
{
    struct rerender *r = arg;

    if (!r->objects)
        render_again(r);
    return json_object_get(r->objects, key);
}

static void read(struct tf_context *ctx, struct tf_read *op)
{
    struct session *s = ctx->session;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct install_refreshed found = {0};
    struct install_memory memory;
    struct kube_client *client;
    json_auto_t *wanted = tfjson_of(tf_get(op->state, "objects"));
    struct rerender again = {.ctx = ctx, .state = op->state, .wanted = wanted};
    struct install_refresh_request r = {.manager = session_field_manager(s),
                                        .set_name = component_set_name(ctx->arena, op->state),
                                        .cluster_uid = component_str(op->state, "cluster_uid"),
                                        .wanted = wanted,
                                        .memory = &memory,
                                        .find_content = find_content,
                                        .find_arg = &again};

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
    if (install_refresh(client, &r, ctx->cancel, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (found.gone) {
        op->state = NULL;
    } else {
        component_put_json(ctx, &op->state, "drift", found.drift);
        json_decref(op->private_state);
        op->private_state = install_memory_save(&found.memory);
    }
    json_decref(again.objects);
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
    component_put(ctx, &op->state, "name", tf_stringn(ctx->arena, op->id, (size_t)(at - op->id)));
    component_put_str(ctx, &op->state, "release", at + 1);
    component_put_str(ctx, &op->state, "id", component_id(ctx->arena, op->state));
    component_put(ctx, &op->state, "installed", tf_bool(ctx->arena, true));
    component_put_json(ctx, &op->state, "objects", empty);
    op->private_state = install_memory_save(&memory);
}

const struct tf_resource component_resource = {
    .type_name = "kubeflow_component",
    .schema = &component_schema,
    .validate = validate,
    .plan = component_plan,
    .create = component_create,
    .read = read,
    .update = component_update,
    .remove = component_remove,
    .import = import,
};
