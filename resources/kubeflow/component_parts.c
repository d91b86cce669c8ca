#include "resources/kubeflow/component_parts.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/kube/applyset.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

#define SET_PREFIX    "component-"
#define PATH_NAME_MAX 40

/* Everything that decides which objects there are. */
static const char *const inputs[] = {
    "name",   "release", "path",          "url",           "manifests",
    "target", "patches", "ignore_fields", "image_mirrors",
};

const char *component_str(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), "");
}

/* NULL for a string that isn't set: manifests_request's "not given". */
const char *component_str_or_null(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), NULL);
}

/* --- names -------------------------------------------------------------------------------------- */

/* A name for a kustomization that has none: the end of its path, and a piece of its hash, because
 * two kustomizations may both end in "base". */
const char *component_name_of_path(struct arena *a, const char *path)
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

const char *component_set_name(struct arena *a, const struct tf_value *v)
{
    return arena_printf(a, SET_PREFIX "%s", component_str(v, "name"));
}

const char *component_id(struct arena *a, const struct tf_value *v)
{
    return arena_printf(a, APPLYSET_NAMESPACE "/" SET_PREFIX "%s", component_str(v, "name"));
}

const char *component_title(struct arena *a, const struct tf_value *v, const char *version)
{
    return version[0] ? arena_printf(a, "%s %s", component_str(v, "name"), version)
                      : arena_strdup(a, component_str(v, "name"));
}

/* --- rendering ---------------------------------------------------------------------------------- */

bool component_inputs_known(const struct tf_value *v)
{
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        if (!tf_wholly_known(tf_get(v, inputs[i])))
            return false;
    return true;
}

/* The objects that the inputs in v stand for. 0, or the error's code with *ret_attribute to blame. */
int component_render_quietly(struct tf_context *ctx, const struct tf_value *v,
                             struct manifests *ret, const char **ret_attribute, struct err *err)
{
    json_auto_t *patches = tfjson_of(tf_get(v, "patches"));
    json_auto_t *mirrors = tfjson_of(tf_get(v, "image_mirrors"));
    json_auto_t *ignore = tfjson_of(tf_get(v, "ignore_fields"));
    const struct tf_value *tree = tf_get(v, "manifests");
    struct manifests_request r = {
        .release = component_str_or_null(v, "release"),
        .target = component_str_or_null(v, "target"),
        .path = component_str_or_null(v, "path"),
        .url = component_str_or_null(v, "url"),
        .tree_path = component_str_or_null(tree, "path"),
        .tree_url = component_str_or_null(tree, "url"),
        .tree_digest = component_str_or_null(tree, "digest"),
        .patches = patches,
        .image_mirrors = mirrors,
        .ignore_fields = ignore,
    };

    if (!r.path && !r.url)
        r.component = component_str_or_null(v, "name");
    return manifests_render(session_sources(ctx->session), &r, ctx->cancel, ret, ret_attribute,
                            err);
}

/* Reports errors; false after one. */
bool component_render(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;

    if (!component_render_quietly(ctx, v, ret, &attribute, &err))
        return true;
    tf_error_from(ctx->diags, attribute ? TF_ATTR(attribute) : NULL, "Manifests can't be rendered",
                  &err);
    return false;
}

/* --- values -------------------------------------------------------------------------------------- */

void component_put(struct tf_context *ctx, const struct tf_value **v, const char *name,
                   const struct tf_value *member)
{
    *v = tf_with(ctx->arena, *v, name, member);
}

void component_put_str(struct tf_context *ctx, const struct tf_value **v, const char *name,
                       const char *text)
{
    component_put(ctx, v, name, tf_string(ctx->arena, text));
}

void component_put_json(struct tf_context *ctx, const struct tf_value **v, const char *name,
                        const json_t *json)
{
    component_put(ctx, v, name, tfjson_value(ctx->arena, json, tf_get(*v, name)->type));
}

void component_put_unknown(struct tf_context *ctx, const struct tf_value **v, const char *name)
{
    component_put(ctx, v, name, tf_unknown(ctx->arena, tf_get(*v, name)->type));
}

/* --- removal ------------------------------------------------------------------------------------- */

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
struct install_removal component_removal(struct tf_context *ctx, const struct tf_value *prior,
                                         struct kube_client *client, json_t **ret_wanted)
{
    struct session *s = ctx->session;

    *ret_wanted = tfjson_of(tf_get(prior, "objects"));
    return (struct install_removal){
        .client = client,
        .manager = session_field_manager(s),
        .set_name = component_set_name(ctx->arena, prior),
        .what = component_title(ctx->arena, prior, component_str(prior, "version")),
        .cluster_uid = component_str(prior, "cluster_uid"),
        .install_id = component_str(prior, "install_id"),
        .wanted = *ret_wanted,
        .crds = crd_policy(prior),
        .user_data = data_policy(prior),
        .delete_adopted =
            !strcmp(tf_str(tf_dig(prior, "on_destroy", "adopted", NULL), ""), "delete"),
        .deadline = clock_deadline(tf_timeout_ms(prior, "delete", COMPONENT_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };
}

void component_report_user_data(struct tf_context *ctx, const json_t *found)
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

void component_report_problems(struct tf_context *ctx, const char *what,
                               const struct kube_problems *problems)
{
    for (size_t i = 0; i < problems->len; i++)
        tf_error(ctx->diags, NULL, problems->at[i].key[0] ? problems->at[i].key : what, "%s",
                 problems->at[i].text);
}
