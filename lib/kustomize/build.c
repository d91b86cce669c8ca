/* kustomize_build: accumulate, then what needs the whole: hashes into names, references to names,
 * vars, order, and the removal of what was only for the render. */
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/accumulate.h"
#include "lib/kustomize/ahead.h"
#include "lib/kustomize/kustomize.h"
#include "lib/kustomize/nameref.h"
#include "lib/kustomize/openapi.h"
#include "lib/kustomize/order.h"
#include "lib/kustomize/origin.h"
#include "lib/kustomize/shape.h"
#include "lib/kustomize/transform.h"
#include "lib/kustomize/vars.h"

#include "lib/base/banned.h"

#define LOCAL_CONFIG "config.kubernetes.io/local-config"

/* Annotations that kustomize and its libraries keep their own books in: never part of a result. */
static const char *const build_annotations[] = {
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "config.kubernetes.io/origin",
    "alpha.config.kubernetes.io/transformations",
};

void context_warn(const struct context *ctx, const char *fmt, ...)
{
    va_list ap;
    char *message CLEANUP(mem_cleanup) = NULL;

    if (!ctx->options->warn)
        return;
    va_start(ap, fmt);
    message = mem_vprintf(fmt, ap);
    va_end(ap);
    ctx->options->warn(ctx->options->warn_arg, message);
}

int context_copies(struct context *ctx, const json_t *value, size_t depth, struct err *err)
{
    if (krm_measure(value, YAML_MAX_DEPTH - depth, KUSTOMIZE_MAX_COPIED, &ctx->copied))
        return 0;
    if (ctx->copied > KUSTOMIZE_MAX_COPIED)
        return err_set(err, ERR_LIMIT, "replacements and vars copy more than %zu values",
                       KUSTOMIZE_MAX_COPIED);
    return err_set(err, ERR_LIMIT, "values would be nested more than %d deep", YAML_MAX_DEPTH);
}

/* Annotations are strings, and an empty set of them isn't written. */
static void clean_annotations(json_t *object)
{
    json_t *meta = json_object_get(object, "metadata"), *old = json_object_get(meta, "annotations");
    json_t *clean, *value;
    const char *key;

    if (!old)
        return;
    clean = json_object();
    json_object_foreach (old, key, value) {
        char *text CLEANUP(mem_cleanup) = shape_scalar_text(value);

        json_object_set_new(clean, key, json_string(text ? text : ""));
    }
    for (size_t i = 0; i < ARRAY_LEN(build_annotations); i++)
        json_object_del(clean, build_annotations[i]);
    if (json_object_size(clean))
        json_object_set(meta, "annotations", clean);
    else
        json_object_del(meta, "annotations");
    json_decref(clean);
}

/* Objects that are only input to the render. */
static void drop_local(struct resmap *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->len; i++) {
        const json_t *local =
            krm_get(m->at[i]->object, "metadata", "annotations", LOCAL_CONFIG, NULL);
        char *text CLEANUP(mem_cleanup) = local ? shape_scalar_text(local) : NULL;

        if (!local || (text && strcmp(text, "false") == 0))
            m->at[n++] = m->at[i];
    }
    m->len = n;
}

static int add_hashes(struct target *t, struct resmap *m, struct err *err)
{
    struct transform x = {.target = t, .m = m};

    return transform_hash(&x, err);
}

static int finish(struct target *t, struct accumulator *acc, struct err *err)
{
    struct context *ctx = t->ctx;
    int rc;

    if ((rc = add_hashes(t, &acc->m, err)) || (rc = nameref_fix(ctx, &acc->m, acc->config, err)) ||
        (rc = vars_resolve(ctx, &acc->m, acc->vars, acc->config->lists[CONFIG_VAR_REFERENCE], err)))
        return rc;
    drop_local(&acc->m);
    if ((rc = order_sort(ctx, &acc->m, target_get(t, "sortOptions"), err)))
        return err_wrap(err, "%s", t->file);
    for (size_t i = 0; i < acc->m.len; i++) {
        clean_annotations(acc->m.at[i]->object);
        yaml_fill_blanks(acc->m.at[i]->object);
    }
    return origin_write(ctx, &acc->m, err);
}

static int build(struct target *t, struct accumulator *acc, struct err *err)
{
    const json_t *metadata = target_get(t, "buildMetadata");
    int rc;

    if ((rc = openapi_use(t, err)))
        return rc;
    if ((rc = origin_read_options(metadata, &t->ctx->metadata, err)))
        return err_wrap(err, "%s", t->file);
    if (json_array_size(metadata))
        t->origin = json_object();
    rc = accumulate_target(t, acc, err);
    return rc ? rc : finish(t, acc, err);
}

static int build_target(struct target *t, json_t **ret_objects, struct err *err)
{
    struct accumulator acc CLEANUP(accumulator_done);
    json_t *objects;
    int rc;

    accumulator_init(&acc);
    if ((rc = build(t, &acc, err)))
        return rc;
    objects = json_array();
    for (size_t i = 0; i < acc.m.len; i++)
        json_array_append(objects, acc.m.at[i]->object);
    *ret_objects = objects;
    return 0;
}

int kustomize_build(const struct kustomize_options *options, json_t **ret_objects, struct err *err)
{
    struct err own CLEANUP(err_done) =
        ERR_INIT; /* wrapping keeps the code only where there is one */
    struct arena *arena CLEANUP(arena_cleanup) = arena_new();
    struct context ctx = {.arena = arena, .options = options};
    struct target t;
    int rc;

    if (!err)
        err = &own;
    ctx.strings = intern_new(arena);
    ctx.defaults = config_make_default(&ctx);
    ctx.ahead = ahead_read(options);
    rc = target_open(&ctx, NULL, options->loader, options->path, &t, err);
    if (!rc) {
        rc = build_target(&t, ret_objects, err);
        target_done(&t);
    }
    for (size_t i = 0; i < ctx.resources.len; i++)
        resource_done(ctx.resources.at[i]);
    vec_done(&ctx.resources);
    openapi_done(&ctx);
    ahead_free(ctx.ahead);
    return rc;
}
