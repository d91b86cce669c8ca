#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

/* After an import: which objects are there, and how they differ. Reading writes nothing. */
static void read_imported(const struct installation *kind, struct tf_context *ctx,
                          struct tf_read *op, struct kube_client *client)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    json_auto_t *existing = NULL, *drift = NULL;

    if (!installation_render(kind, ctx, op->state, &m))
        return;
    if (install_survey(client, session_field_manager(ctx->session), m.objects, ctx->cancel,
                       &existing, &drift, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't read what is installed", &err);
    } else if (!json_object_size(existing)) {
        op->state = NULL; /* Terraform says "non-existent remote object" */
    } else {
        installation_put_json(ctx, &op->state, "objects", existing);
        installation_put_json(ctx, &op->state, "drift", drift);
    }
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
        read_imported(kind, ctx, op, client);
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
