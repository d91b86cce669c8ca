#include "lib/kustomize/plugins.h"

#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/generate.h"
#include "lib/kustomize/origin.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

#define BUILTIN_API_VERSION "builtin"
#define VALIDATED_BY        "validated-by" /* a label that validators may set */

/* --- plugin configurations ------------------------------------------------------------------------ */

/* The resources that a field lists: as text, or in files and directories. Those given as text come
 * first. */
static int load_plugins(struct target *t, const char *field, struct accumulator *out,
                        struct err *err)
{
    json_auto_t *paths = json_array();
    json_t *entry;
    size_t i;
    int rc;

    json_array_foreach (target_get(t, field), i, entry) {
        struct resmap m CLEANUP(resmap_done) = RESMAP_INIT;
        json_auto_t *documents = NULL;
        const char *text = json_string_value(entry);

        if (yaml_parse_all(text, strlen(text), t->file, &documents, NULL) ||
            resmap_from_documents(t->ctx, documents, t->file, &m, NULL)) {
            json_array_append(paths, entry);
            continue;
        }
        if (t->origin)
            for (size_t j = 0; j < m.len; j++)
                m.at[j]->origin = origin_append(
                    t->origin, strrchr(t->file, '/') ? strrchr(t->file, '/') + 1 : t->file);
        if ((rc = resmap_append_all(t->ctx, &out->m, &m, err)))
            return err_wrap(err, "%s: %s[%zu]", t->file, field, i);
    }
    return accumulate_resources(t, out, paths, field, err);
}

static int not_builtin(struct context *ctx, const struct resource *plugin, struct err *err)
{
    struct rid id = resource_id(ctx, plugin);

    return err_set(err, ERR_UNSUPPORTED,
                   "%s of %s%s%s would run a program or a container, which this renderer never "
                   "does; only builtin plugins (apiVersion: builtin) work",
                   rid_label(ctx, &id), id.group, *id.group ? "/" : "", id.version);
}

static bool is_builtin(const struct resource *plugin)
{
    return strcmp(krm_str(plugin->object, "apiVersion", NULL), BUILTIN_API_VERSION) == 0;
}

static int read_plugin(const struct resource *plugin, const struct shape *shape, json_t **ret_args,
                       struct err *err)
{
    int rc = shape_read(shape, plugin->object, SHAPE_COERCE, ret_args, err);

    return rc ? err_wrap(err, "%s: %s", plugin->source, krm_str(plugin->object, "kind", NULL)) : 0;
}

/* --- generators ----------------------------------------------------------------------------------- */

static int run_generator(struct target *t, struct accumulator *acc, const struct generator *g,
                         const json_t *args, json_t *origin, struct err *err)
{
    struct resource *r = NULL;
    int rc;

    if (t->ctx->generated++ >= GENERATE_MAX_OBJECTS)
        return err_set(err, ERR_LIMIT, "more than %d generated objects", GENERATE_MAX_OBJECTS);
    if ((rc = g->run(t, args, &r, err)))
        return rc;
    r->origin = json_incref(origin);
    return generator_absorb(t->ctx, &acc->m, r, err);
}

static int generate_builtins(struct target *t, struct accumulator *acc, struct err *err)
{
    for (const struct generator *g = generators; g->kind; g++) {
        json_auto_t *origin = NULL;
        json_t *entry;
        size_t i;

        if (!g->field)
            continue;
        origin = origin_of_builtin(t, g->kind);
        json_array_foreach (target_get(t, g->field), i, entry) {
            json_auto_t *args = generator_with_options(entry, target_get(t, "generatorOptions"));
            int rc = run_generator(t, acc, g, args, origin, err);

            if (rc)
                return err_wrap(err, "%s: %s[%zu]", t->file, g->field, i);
        }
    }
    return 0;
}

static int generate_plugins(struct target *t, struct accumulator *acc, const struct resmap *plugins,
                            struct err *err)
{
    for (size_t i = 0; i < plugins->len; i++) {
        struct resource *plugin = plugins->at[i];
        const char *kind = krm_str(plugin->object, "kind", NULL);
        const struct generator *g = generator_find(kind);
        json_auto_t *args = NULL, *origin = origin_of_plugin(plugin);
        int rc;

        if (!is_builtin(plugin))
            return not_builtin(t->ctx, plugin, err);
        if (strcmp(kind, "HelmChartInflationGenerator") == 0)
            return err_set(err, ERR_UNSUPPORTED, "%s: %s would run the helm program", t->file,
                           kind);
        if (!g)
            return err_set(err, ERR_INVALID, "%s: there is no builtin generator %s", t->file, kind);
        if ((rc = read_plugin(plugin, g->shape, &args, err)))
            return rc;
        if ((rc = run_generator(t, acc, g, args, origin, err)))
            return err_wrap(err, "%s: generator %s", t->file, resource_label(t->ctx, plugin));
    }
    return 0;
}

int plugins_generate(struct target *t, struct accumulator *acc, struct err *err)
{
    struct accumulator plugins CLEANUP(accumulator_done);
    int rc = generate_builtins(t, acc, err);

    accumulator_init(&plugins);
    if (rc || !target_get(t, "generators"))
        return rc;
    if ((rc = load_plugins(t, "generators", &plugins, err)))
        return rc;
    return generate_plugins(t, acc, &plugins.m, err);
}

/* --- transformers --------------------------------------------------------------------------------- */

static int run_transformer(struct target *t, struct accumulator *acc, const char *kind,
                           const json_t *args, struct fieldspecs specs, json_t *mark,
                           struct err *err)
{
    struct transform x = {.target = t, .m = &acc->m, .args = args, .specs = specs};
    int rc = transformer_find(kind)->run(&x, err);

    if (rc)
        return rc;
    if (mark)
        origin_mark_all(&acc->m, mark);
    resmap_drop_empty(&acc->m);
    return 0;
}

/* How a field of a kustomization becomes the configuration of a transformer. */
enum field_form {
    FORM_WHOLE,  /* {member: value} */
    FORM_EACH,   /* {member: element} for each element, or the element itself without member */
    FORM_LABELS, /* labels with field specs of their own, then commonLabels */
    FORM_NAMESPACE,
    FORM_JSON_PATCH,
};

static const struct field_transformer {
    const char *field, *kind, *member;
    enum field_form form;
    int list; /* enum config_list, or -1 */
} field_transformers[] = {
    {"patchesStrategicMerge", "PatchStrategicMergeTransformer", "paths", FORM_WHOLE, -1},
    {"patches", "PatchTransformer", NULL, FORM_EACH, -1},
    {"namespace", "NamespaceTransformer", NULL, FORM_NAMESPACE, CONFIG_NAMESPACE},
    {"namePrefix", "PrefixTransformer", "prefix", FORM_WHOLE, CONFIG_NAME_PREFIX},
    {"nameSuffix", "SuffixTransformer", "suffix", FORM_WHOLE, CONFIG_NAME_SUFFIX},
    {"labels", "LabelTransformer", "labels", FORM_LABELS, CONFIG_COMMON_LABELS},
    {"commonAnnotations", "AnnotationsTransformer", "annotations", FORM_WHOLE,
     CONFIG_COMMON_ANNOTATIONS},
    {"patchesJson6902", "PatchJson6902Transformer", NULL, FORM_JSON_PATCH, -1},
    {"replicas", "ReplicaCountTransformer", "replica", FORM_EACH, CONFIG_REPLICAS},
    {"images", "ImageTagTransformer", "imageTag", FORM_EACH, CONFIG_IMAGES},
    {"replacements", "ReplacementTransformer", "replacements", FORM_WHOLE, -1},
};

static json_t *wrapped(const char *member, json_t *value)
{
    json_t *args;

    if (!member)
        return json_incref(value);
    args = json_object();
    json_object_set(args, member, value);
    return args;
}

static json_t *json_patch_args(const json_t *entry)
{
    json_t *args = json_copy((json_t *)entry), *text = json_object_get(args, "patch");

    if (text)
        json_object_set(args, "jsonOp", text);
    return args;
}

/* The fields that an entry of `labels` is written to. */
static int label_specs(struct target *t, const struct config *config, const json_t *entry,
                       struct fieldspecs *ret_specs, struct err *err)
{
    struct context *ctx = t->ctx;
    struct fieldspecs specs = fieldspecs_from_json(ctx, json_object_get(entry, "fields"));
    struct fieldspec *meta = arena_calloc(ctx->arena, 1, sizeof(*meta));
    int rc = fieldspecs_merge(ctx, specs, config->lists[CONFIG_LABELS], &specs, err);

    if (!rc && json_is_true(json_object_get(entry, "includeSelectors"))) {
        rc = fieldspecs_merge(ctx, specs, config->lists[CONFIG_COMMON_LABELS], &specs, err);
    } else if (!rc) {
        if (json_is_true(json_object_get(entry, "includeTemplates")))
            rc = fieldspecs_merge(ctx, specs, config->lists[CONFIG_TEMPLATE_LABELS], &specs, err);
        fieldspec_make(ctx, "", "", "", "metadata/labels", true, meta);
        if (!rc)
            rc = fieldspecs_merge(ctx, specs, (struct fieldspecs){.at = meta, .len = 1}, &specs,
                                  err);
    }
    *ret_specs = specs;
    return rc;
}

static int run_labels(struct target *t, struct accumulator *acc, const struct config *config,
                      json_t *mark, struct err *err)
{
    json_t *labels = target_get(t, "labels"), *common = target_get(t, "commonLabels"), *entry;
    json_auto_t *args = NULL;
    size_t i;
    int rc;

    if (!json_array_size(labels) && !json_object_size(common))
        return 0;
    json_array_foreach (labels, i, entry) {
        json_auto_t *own = json_object();
        struct fieldspecs specs;

        json_object_set(own, "labels", json_object_get(entry, "pairs"));
        rc = label_specs(t, config, entry, &specs, err);
        if (!rc)
            rc = run_transformer(t, acc, "LabelTransformer", own, specs, mark, err);
        if (rc)
            return err_wrap(err, "%s: labels[%zu]", t->file, i);
    }
    args = json_object();
    if (common)
        json_object_set(args, "labels", common);
    rc = run_transformer(t, acc, "LabelTransformer", args, config->lists[CONFIG_COMMON_LABELS],
                         mark, err);
    return rc ? err_wrap(err, "%s: commonLabels", t->file) : 0;
}

static int run_each(struct target *t, struct accumulator *acc, const struct field_transformer *f,
                    struct fieldspecs specs, json_t *mark, struct err *err)
{
    json_t *entry;
    size_t i;

    json_array_foreach (target_get(t, f->field), i, entry) {
        json_auto_t *args =
            f->form == FORM_JSON_PATCH ? json_patch_args(entry) : wrapped(f->member, entry);
        int rc = run_transformer(t, acc, f->kind, args, specs, mark, err);

        if (rc)
            return err_wrap(err, "%s: %s[%zu]", t->file, f->field, i);
    }
    return 0;
}

static bool says_something(const json_t *value)
{
    return json_string_length(value) || json_array_size(value) || json_object_size(value);
}

static int run_field(struct target *t, struct accumulator *acc, const struct config *config,
                     const struct field_transformer *f, struct err *err)
{
    json_t *value = target_get(t, f->field);
    struct fieldspecs specs = {0};
    json_auto_t *mark = NULL, *args = NULL;
    int rc;

    if (f->form != FORM_LABELS && !says_something(value))
        return 0;
    mark = origin_of_builtin(t, f->kind);
    if (f->list >= 0)
        specs = config->lists[f->list];
    if (f->form == FORM_LABELS)
        return run_labels(t, acc, config, mark, err);
    if (f->form == FORM_EACH || f->form == FORM_JSON_PATCH)
        return run_each(t, acc, f, specs, mark, err);
    if (f->form == FORM_NAMESPACE)
        args = json_pack("{s:{s:O}}", "metadata", "namespace", value);
    else
        args = wrapped(f->member, value);
    rc = run_transformer(t, acc, f->kind, args, specs, mark, err);
    return rc ? err_wrap(err, "%s: %s", t->file, f->field) : 0;
}

static int transform_plugins(struct target *t, struct accumulator *acc,
                             const struct resmap *plugins, struct err *err)
{
    for (size_t i = 0; i < plugins->len; i++) {
        struct resource *plugin = plugins->at[i];
        const char *kind = krm_str(plugin->object, "kind", NULL);
        const struct transformer *tr = transformer_find(kind);
        json_auto_t *args = NULL, *mark = origin_of_plugin(plugin);
        int rc;

        if (!is_builtin(plugin))
            return not_builtin(t->ctx, plugin, err);
        if (!tr)
            return err_set(err, ERR_INVALID, "%s: there is no builtin transformer %s", t->file,
                           kind);
        if ((rc = read_plugin(plugin, tr->shape, &args, err)))
            return rc;
        rc = run_transformer(t, acc, kind, args,
                             fieldspecs_from_json(t->ctx, json_object_get(args, "fieldSpecs")),
                             mark, err);
        if (rc)
            return err_wrap(err, "%s: transformer %s", t->file, resource_label(t->ctx, plugin));
    }
    return 0;
}

static int run_plugins(struct target *t, struct accumulator *acc, const char *field,
                       struct err *err)
{
    struct accumulator plugins CLEANUP(accumulator_done);
    int rc;

    accumulator_init(&plugins);
    if (!target_get(t, field))
        return 0;
    rc = load_plugins(t, field, &plugins, err);
    return rc ? rc : transform_plugins(t, acc, &plugins.m, err);
}

int plugins_transform(struct target *t, struct accumulator *acc, struct err *err)
{
    const struct config *config = acc->config;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(field_transformers); i++)
        if ((rc = run_field(t, acc, config, &field_transformers[i], err)))
            return rc;
    return run_plugins(t, acc, "transformers", err);
}

/* --- validators ----------------------------------------------------------------------------------- */

static json_t *without_mark(const json_t *object)
{
    json_t *copy = json_deep_copy(object), *meta = json_object_get(copy, "metadata");
    json_t *labels = json_object_get(meta, "labels");

    if (json_object_del(labels, VALIDATED_BY) == 0 && !json_object_size(labels))
        json_object_del(meta, "labels");
    return copy;
}

int plugins_validate(struct target *t, struct accumulator *acc, struct err *err)
{
    json_auto_t *before = json_array();
    int rc;

    if (!json_array_size(target_get(t, "validators")))
        return 0;
    for (size_t i = 0; i < acc->m.len; i++)
        json_array_append_new(before, json_deep_copy(acc->m.at[i]->object));
    if ((rc = run_plugins(t, acc, "validators", err)))
        return rc;
    for (size_t i = 0; i < json_array_size(before); i++) {
        json_auto_t *after = i < acc->m.len ? without_mark(acc->m.at[i]->object) : NULL;

        if (!after || !json_equal(after, json_array_get(before, i)))
            return err_set(err, ERR_INVALID, "%s: validators: a validator changed %s %s", t->file,
                           krm_str(json_array_get(before, i), "kind", NULL),
                           krm_str(json_array_get(before, i), "metadata", "name", NULL));
    }
    return 0;
}
