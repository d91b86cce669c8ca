/* kubeflow_platform and import.h: an import's answer as state, and its warnings. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/import.h"
#include "resources/kubeflow/install.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/platform.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

static void warn_of_notes(struct tf_context *ctx, const json_t *notes)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *note;
    size_t i;

    json_array_foreach (notes, i, note)
        buf_printf(&text, "%s- %s.", i ? "\n" : "", json_string_value(note));
    if (text.len)
        tf_warning(ctx->diags, NULL, "What was found in the cluster", "%s", buf_str(&text));
}

static void put_found(struct tf_context *ctx, struct tf_import *op, const struct import_found *f)
{
    struct install_memory memory = {.imported = true, .found = f->facts};
    const char *name;
    json_t *value;

    json_object_foreach (f->values, name, value)
        installation_put_json(ctx, &op->state, name, value);
    installation_put_str(ctx, &op->state, "id", APPLYSET_NAMESPACE "/" PLATFORM_SET_NAME);
    installation_put(ctx, &op->state, "installed", tf_bool(ctx->arena, true));
    op->private_state = install_memory_save(&memory);
}

void platform_import(struct tf_context *ctx, struct tf_import *op)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct import_request r = {.sources = session_sources(ctx->session),
                               .manager = session_field_manager(ctx->session),
                               .id = op->id,
                               .cancel = ctx->cancel};
    struct import_found found;

    if (session_connection(ctx->session) == SESSION_UNKNOWN) {
        tf_error(ctx->diags, NULL, "No connection to a cluster",
                 "An import reads the cluster, so the provider's connection must be known.");
        return;
    }
    if (session_client(ctx->session, &r.client, &err)) {
        tf_error_from(ctx->diags, NULL, "No connection to a cluster", &err);
        return;
    }
    if (import_look(&r, &found, &err)) {
        tf_error_from(ctx->diags, NULL, "Can't import the platform", &err);
        return;
    }
    put_found(ctx, op, &found);
    warn_of_notes(ctx, found.notes);
    import_found_done(&found);
}

/* The attributes of a value that are known, as JSON. */
static json_t *values_of(const struct tf_value *v, const char *const *names)
{
    json_t *out = json_object();

    for (; *names; names++) {
        json_t *value = tfjson_of(tf_get(v, *names));

        if (value)
            json_object_set_new(out, *names, value);
    }
    return out;
}

void platform_check_import(struct tf_context *ctx, const struct tf_plan *p,
                           const struct settings *s)
{
    static const char *const names[] = {"gateway",       "users", "oidc", "patches",
                                        "ignore_fields", "adopt", NULL};
    struct install_memory memory;
    const json_t *problem;
    size_t i;

    install_memory_load(p->private_state, &memory);
    if (p->action == TF_UPDATE && memory.imported) {
        json_auto_t *before = values_of(p->prior, names), *planned = values_of(p->planned, names);
        json_auto_t *problems = import_check(before, planned, s->components, memory.found);

        json_array_foreach (problems, i, problem)
            tf_error(ctx->diags, TF_ATTR(json_string_value(json_object_get(problem, "attribute"))),
                     "The cluster has it otherwise", "%s.",
                     json_string_value(json_object_get(problem, "text")));
    }
    install_memory_done(&memory);
}
