#include "resources/kubeflow/component.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

#define SET_PREFIX    "component-"
#define PATH_NAME_MAX 40

static const char *const inputs[] = {
    "name",   "release", "path",          "url",           "manifests",
    "target", "patches", "ignore_fields", "image_mirrors", NULL,
};
static const char *const outputs[] = {"version", "webhook_ports", NULL};

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

static const char *set_name(struct arena *a, const struct tf_value *v)
{
    return arena_printf(a, SET_PREFIX "%s", installation_str(v, "name"));
}

static const char *title_of(struct arena *a, const struct tf_value *v, const char *version)
{
    return version[0] ? arena_printf(a, "%s %s", installation_str(v, "name"), version)
                      : arena_strdup(a, installation_str(v, "name"));
}

/* --- rendering ---------------------------------------------------------------------------------- */

/* The objects that the inputs in v stand for. 0, or the error's code with *ret_attribute to blame. */
static int render(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret,
                  const char **ret_attribute, struct err *err)
{
    json_auto_t *patches = tfjson_of(tf_get(v, "patches"));
    json_auto_t *mirrors = tfjson_of(tf_get(v, "image_mirrors"));
    json_auto_t *ignore = tfjson_of(tf_get(v, "ignore_fields"));
    const struct tf_value *tree = tf_get(v, "manifests");
    struct manifests_request r = {
        .release = installation_str_or_null(v, "release"),
        .target = installation_str_or_null(v, "target"),
        .path = installation_str_or_null(v, "path"),
        .url = installation_str_or_null(v, "url"),
        .tree_path = installation_str_or_null(tree, "path"),
        .tree_url = installation_str_or_null(tree, "url"),
        .tree_digest = installation_str_or_null(tree, "digest"),
        .patches = patches,
        .image_mirrors = mirrors,
        .ignore_fields = ignore,
    };

    if (!r.path && !r.url)
        r.component = installation_str_or_null(v, "name");
    return manifests_render(session_sources(ctx->session), &r, ctx->cancel, ret, ret_attribute,
                            err);
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
    installation_validate_tree(ctx, tree, url);
}

/* --- planning ----------------------------------------------------------------------------------- */

static void prepare(struct tf_context *ctx, struct tf_plan *p)
{
    if (tf_is_null(tf_get(p->config, "name"))) {
        const char *where =
            installation_str(p->config, tf_is_null(tf_get(p->config, "path")) ? "url" : "path");

        if (where[0])
            installation_put_str(ctx, &p->planned, "name", name_of_path(ctx->arena, where));
        else
            installation_put_unknown(ctx, &p->planned, "name");
        if (p->action == TF_UPDATE &&
            !tf_equal(tf_get(p->planned, "name"), tf_get(p->prior, "name")))
            tf_plan_requires_replace(ctx, p, TF_ATTR("name"));
    }
    if (!tf_is_known(tf_get(p->planned, "name")))
        installation_put_unknown(ctx, &p->planned, "id");
    else
        installation_put_str(
            ctx, &p->planned, "id",
            arena_printf(ctx->arena, APPLYSET_NAMESPACE "/%s", set_name(ctx->arena, p->planned)));
}

static void describe(struct tf_context *ctx, const struct tf_value **v, const struct manifests *m,
                     const json_t *hashes)
{
    json_auto_t *ports = manifests_webhook_ports(m->objects);

    installation_put_str(ctx, v, "version", m->version);
    installation_put_json(ctx, v, "objects", hashes);
    installation_put_json(ctx, v, "webhook_ports", ports);
}

static json_t *info(const struct tf_value *v, const struct manifests *m)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "component", installation_str(v, "name"), "release",
                     installation_str(v, "release"), "version", m->version, "manifests_digest",
                     m->digest);
}

static json_t *announce(const char *title, const struct manifests *m)
{
    size_t n = json_array_size(m->objects);

    return json_pack("[o]", json_sprintf("+ %s: %zu object%s", title, n, n == 1 ? "" : "s"));
}

static const struct installation kind = {
    .retake = "import it (if it is one of a release) or create it with adopt = true",
    .inputs = inputs,
    .outputs = outputs,
    .set_name = set_name,
    .title = title_of,
    .prepare = prepare,
    .render = render,
    .describe = describe,
    .info = info,
    .announce = announce,
};

static void plan(struct tf_context *ctx, struct tf_plan *p)
{
    installation_plan(&kind, ctx, p);
}

static void create(struct tf_context *ctx, struct tf_apply *op)
{
    installation_create(&kind, ctx, op);
}

static void read(struct tf_context *ctx, struct tf_read *op)
{
    installation_read(&kind, ctx, op);
}

static void update(struct tf_context *ctx, struct tf_apply *op)
{
    installation_update(&kind, ctx, op);
}

static void remove_it(struct tf_context *ctx, struct tf_apply *op)
{
    installation_remove(&kind, ctx, op);
}

/* --- import ------------------------------------------------------------------------------------- */

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
    installation_put(ctx, &op->state, "name",
                     tf_stringn(ctx->arena, op->id, (size_t)(at - op->id)));
    installation_put_str(ctx, &op->state, "release", at + 1);
    installation_put_str(ctx, &op->state, "id", installation_id(&kind, ctx->arena, op->state));
    installation_put(ctx, &op->state, "installed", tf_bool(ctx->arena, true));
    installation_put_json(ctx, &op->state, "objects", empty);
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
    .remove = remove_it,
    .import = import,
};
