#include "resources/kubeflow/installation.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "lib/kube/applyset.h"
#include "lib/kube/members.h"
#include "lib/tf/codec.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/rewrite.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

const char *installation_str(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), "");
}

/* NULL for a string that isn't set: manifests_request's "not given". */
const char *installation_str_or_null(const struct tf_value *v, const char *name)
{
    return tf_str(tf_get(v, name), NULL);
}

const char *installation_id(const struct installation *kind, struct arena *a,
                            const struct tf_value *v)
{
    return arena_printf(a, APPLYSET_NAMESPACE "/%s", kind->set_name(a, v));
}

json_t *installation_objects(const struct tf_value *state, const struct install_memory *memory)
{
    json_t *out = tfjson_of(tf_get(state, "objects")), *entry;
    const char *key;

    if (out)
        return out;
    out = json_object();
    json_object_foreach (memory->record, key, entry)
        json_object_set(out, key, json_object_get(entry, "c"));
    return out;
}

json_t *installation_fingerprint(const json_t *hashes)
{
    char *text CLEANUP(mem_cleanup) = krm_canonical_json(hashes);
    char hex[HASH_HEX_SIZE];

    hash_sha256_hex(text, strlen(text), hex);
    return json_string(hex);
}

json_t *installation_ignored(const struct tf_value *v, const json_t *objects)
{
    json_auto_t *ignore = tfjson_of(tf_get(v, "ignore_fields"));

    return rewrite_ignored(objects, ignore);
}

void installation_validate_tree(struct tf_context *ctx, const struct tf_value *tree,
                                const struct tf_value *url)
{
    if (!tf_is_known(tree))
        return;
    if (!tf_is_null(tf_get(tree, "path")) && !tf_is_null(tf_get(tree, "url")))
        tf_error(ctx->diags, TF_ATTR("manifests"), "Conflicting attributes",
                 "manifests.path and manifests.url can't be set together; remove one of them.");
    if (tf_is_null(tf_get(tree, "digest")) &&
        (tf_is_known(tf_get(tree, "url")) || tf_is_known(url)))
        tf_error(
            ctx->diags, TF_ATTR("manifests"), "Missing digest",
            "Manifests from a URL need manifests.digest, so that what is installed can't change "
            "behind your back.");
}

/* --- rendering ---------------------------------------------------------------------------------- */

bool installation_inputs_known(const struct installation *kind, const struct tf_value *v)
{
    for (size_t i = 0; kind->inputs[i]; i++)
        if (!tf_wholly_known(tf_get(v, kind->inputs[i])))
            return false;
    return true;
}

/* Reports errors; false after one. */
bool installation_render(const struct installation *kind, struct tf_context *ctx,
                         const struct tf_value *v, struct manifests *ret)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;

    if (!kind->render(ctx, v, ret, &attribute, &err))
        return true;
    tf_error_from(ctx->diags, attribute ? TF_ATTR(attribute) : NULL, "Manifests can't be rendered",
                  &err);
    return false;
}

json_t *installation_applied(const struct installation *kind, struct tf_context *ctx,
                             const struct tf_value *state, const json_t *wanted)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *hashes = NULL;
    json_t *out = json_object(), *object;
    const char *attribute;
    size_t i;

    if (!installation_inputs_known(kind, state) || kind->render(ctx, state, &m, &attribute, &err)) {
        log_debug("kubeflow", "what was applied can't be rendered again: %s", err_msg(&err));
        return out;
    }
    hashes = install_hashes(m.objects);
    json_array_foreach (m.objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (json_equal(json_object_get(hashes, key), json_object_get(wanted, key)))
            json_object_set(out, key, object);
    }
    manifests_done(&m);
    return out;
}

/* An object that was applied before, changes, and isn't in memory. */
static bool misses_content(const json_t *before, const json_t *hashes, const json_t *content)
{
    const char *key;
    json_t *hash;

    json_object_foreach ((json_t *)hashes, key, hash) {
        const json_t *old = json_object_get(before, key);

        if (old && !json_equal(old, hash) && !json_object_get(content, key))
            return true;
    }
    return false;
}

void installation_complete(const struct installation *kind, struct tf_context *ctx,
                           const struct tf_value *state, const json_t *hashes,
                           struct install_memory *memory)
{
    json_auto_t *before = installation_objects(state, memory), *applied = NULL;

    if (!misses_content(before, hashes, memory->content))
        return;
    applied = installation_applied(kind, ctx, state, before);
    if (memory->content)
        json_object_update_missing(memory->content, applied);
    else
        memory->content = json_incref(applied);
}

/* --- values -------------------------------------------------------------------------------------- */

void installation_put(struct tf_context *ctx, const struct tf_value **v, const char *name,
                      const struct tf_value *member)
{
    *v = tf_with(ctx->arena, *v, name, member);
}

void installation_put_str(struct tf_context *ctx, const struct tf_value **v, const char *name,
                          const char *text)
{
    installation_put(ctx, v, name, tf_string(ctx->arena, text));
}

void installation_put_json(struct tf_context *ctx, const struct tf_value **v, const char *name,
                           const json_t *json)
{
    installation_put(ctx, v, name, tfjson_value(ctx->arena, json, tf_get(*v, name)->type));
}

void installation_put_unknown(struct tf_context *ctx, const struct tf_value **v, const char *name)
{
    installation_put(ctx, v, name, tf_unknown(ctx->arena, tf_get(*v, name)->type));
}

/* --- what is unfinished --------------------------------------------------------------------------- */

void installation_leave_unfinished(struct tf_context *ctx, const struct tf_apply *op)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    tf_json_encode(op->prior, op->prior->type, &text);
    session_leave(ctx->session, installation_str(op->prior, "id"), buf_str(&text));
}

void installation_keep_unfinished(struct tf_context *ctx, struct tf_apply *op)
{
    char *left = session_take(ctx->session, installation_str(op->planned, "id"));
    struct install_memory memory = {.unfinished = true};
    struct err err CLEANUP(err_done) = ERR_INIT;

    if (left && tf_failed(ctx->diags) && !op->state) {
        if (tf_json_decode(ctx->arena, left, strlen(left), op->planned->type, false, &op->state,
                           &err))
            bug("what is unfinished can't be read again: %s", err_msg(&err));
        op->private_state = install_memory_save(&memory);
    }
    mem_free_secret(left);
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
struct install_removal installation_removal(const struct installation *kind, struct tf_context *ctx,
                                            const struct tf_value *prior,
                                            const struct install_memory *memory,
                                            struct kube_client *client, json_t **ret_wanted)
{
    struct session *s = ctx->session;

    *ret_wanted = installation_objects(prior, memory);
    return (struct install_removal){
        .client = client,
        .manager = session_field_manager(s),
        .set_name = kind->set_name(ctx->arena, prior),
        .what = kind->title(ctx->arena, prior, installation_str(prior, "version")),
        .cluster_uid = installation_str(prior, "cluster_uid"),
        .install_id = installation_str(prior, "install_id"),
        .unfinished = !tf_bool_or(tf_get(prior, "installed"), true),
        .wanted = *ret_wanted,
        .crds = crd_policy(prior),
        .user_data = data_policy(prior),
        .delete_adopted =
            !strcmp(tf_str(tf_dig(prior, "on_destroy", "adopted", NULL), ""), "delete"),
        .deadline = clock_deadline(tf_timeout_ms(prior, "delete", INSTALLATION_TIMEOUT_MS)),
        .lock_timeout_ms = session_lock_timeout_ms(s),
        .cancel = ctx->cancel,
    };
}

void installation_report_findings(const struct installation *kind, struct tf_context *ctx,
                                  const struct install_removal *r,
                                  const struct install_removal_findings *found)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *sentence;
    size_t i;

    if (found->taken_over)
        tf_warning(
            ctx->diags, TF_ATTR("install_id"), "Nothing is removed from the cluster",
            "%s/%s in the cluster was made by another create than the one in state "
            "(install_id \"%s\"): by somebody else's run, or state was restored or edited. A "
            "destroy only takes it out of state. To remove the installation, %s and destroy "
            "that.",
            APPLYSET_NAMESPACE, r->set_name, r->install_id, kind->retake);
    if (!json_array_size(found->user_data))
        return;
    json_array_foreach (found->user_data, i, sentence)
        buf_printf(&text, "  - %s\n", json_string_value(sentence));
    tf_error(
        ctx->diags, TF_ATTR("on_destroy"), "Users' data is in the way",
        "Destroying this would take along:\n%s\nTo keep or delete it, set "
        "on_destroy = { user_data = \"keep\" } or \"delete\", apply, and then destroy: Terraform "
        "hands a destroy the values of the last apply.",
        buf_str(&text));
}

void installation_report_problems(struct tf_context *ctx, const char *what,
                                  const struct kube_problems *problems)
{
    for (size_t i = 0; i < problems->len; i++)
        tf_error(ctx->diags, NULL, problems->at[i].key[0] ? problems->at[i].key : what, "%s",
                 problems->at[i].text);
}
