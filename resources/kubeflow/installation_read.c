#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

/* What the plan needs of a survey goes into memory; the plan says how things differ in `changes`. */
static void keep_survey(struct tf_context *ctx, struct tf_read *op, struct install_memory *memory,
                        const struct install_survey *found)
{
    json_auto_t *none = json_object();
    const char *key;
    json_t *mark;

    installation_put_json(ctx, &op->state, "drift", none);
    if (!tf_is_null(tf_get(op->state, "objects")))
        installation_put_json(ctx, &op->state, "objects", found->existing);
    json_decref(memory->record);
    memory->record = json_object();
    json_object_foreach (found->existing, key, mark)
        json_object_set_new(memory->record, key, json_pack("{s:O}", "c", mark));
    json_decref(memory->content);
    memory->content = json_incref(found->differs.live);
    if (!memory->found)
        memory->found = json_object();
    json_object_set(memory->found, INSTALL_FOUND_GOES, found->differs.goes);
    json_decref(op->private_state);
    op->private_state = install_memory_save(memory);
}

/* After an import, until its first apply is through: which objects are there, and how they differ.
 * Reading writes nothing. */
static void read_imported(const struct installation *kind, struct tf_context *ctx,
                          struct tf_read *op, struct kube_client *client,
                          struct install_memory *memory)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct install_survey found = {0};
    struct manifests m = {0};

    if (!installation_render(kind, ctx, op->state, &m))
        return;
    if (install_survey(client, session_field_manager(ctx->session), m.objects, ctx->cancel, &found,
                       &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (!json_object_size(found.existing)) {
        op->state = NULL; /* Terraform says "non-existent remote object" */
    } else {
        keep_survey(ctx, op, memory, &found);
        if (kind->observe)
            kind->observe(ctx, client, false, &op->state);
    }
    install_survey_done(&found);
    manifests_done(&m);
}

/* What memory doesn't hold of the objects as applied: rendered again, once. */
struct rerender {
    const struct installation *kind;
    struct tf_context *ctx;
    const struct tf_value *state;
    const json_t *wanted; /* key -> hash */
    json_t *objects;      /* key -> object; NULL = not rendered yet */
};

static const json_t *find_content(void *arg, const char *key)
{
    struct rerender *r = arg;

    if (!r->objects)
        r->objects = installation_applied(r->kind, r->ctx, r->state, r->wanted);
    return json_object_get(r->objects, key);
}

void installation_read(const struct installation *kind, struct tf_context *ctx, struct tf_read *op)
{
    struct session *s = ctx->session;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct install_refreshed found = {0};
    struct install_memory memory;
    struct kube_client *client;
    json_auto_t *wanted = NULL;
    struct rerender again = {.kind = kind, .ctx = ctx, .state = op->state};
    struct install_refresh_request r = {.manager = session_field_manager(s),
                                        .set_name = kind->set_name(ctx->arena, op->state),
                                        .cluster_uid = installation_str(op->state, "cluster_uid"),
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
        read_imported(kind, ctx, op, client, &memory);
        install_memory_done(&memory);
        return;
    }
    wanted = installation_objects(op->state, &memory);
    r.wanted = again.wanted = wanted;
    if (install_refresh(client, &r, ctx->cancel, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (found.gone) {
        op->state = NULL;
    } else {
        installation_put_json(ctx, &op->state, "drift", found.drift);
        if (kind->observe)
            kind->observe(ctx, client, false, &op->state);
        json_decref(op->private_state);
        op->private_state = install_memory_save(&found.memory);
    }
    json_decref(again.objects);
    install_refreshed_done(&found);
    install_memory_done(&memory);
}
