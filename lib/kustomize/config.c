#include "lib/kustomize/config.h"

#include "lib/krm/path.h"
#include "lib/kustomize/order.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

const struct config config_empty;

static const char *const list_names[CONFIG_NLISTS] = {
    [CONFIG_NAME_PREFIX] = "namePrefix",
    [CONFIG_NAME_SUFFIX] = "nameSuffix",
    [CONFIG_NAMESPACE] = "namespace",
    [CONFIG_COMMON_LABELS] = "commonLabels",
    [CONFIG_LABELS] = "labels",
    [CONFIG_TEMPLATE_LABELS] = "templateLabels",
    [CONFIG_COMMON_ANNOTATIONS] = "commonAnnotations",
    [CONFIG_VAR_REFERENCE] = "varReference",
    [CONFIG_IMAGES] = "images",
    [CONFIG_REPLICAS] = "replicas",
};

static const struct shape_field backref_fields[] = {
    {"group", &shape_string},
    {"version", &shape_string},
    {"kind", &shape_string},
    {"fieldSpecs", &shape_fieldspecs},
    {NULL, NULL},
};
static const struct shape shape_backref = {.type = SHAPE_OBJECT, .fields = backref_fields};
static const struct shape shape_backrefs = {.type = SHAPE_LIST, .item = &shape_backref};

static const struct shape_field config_fields[] = {
    {"namePrefix", &shape_fieldspecs},
    {"nameSuffix", &shape_fieldspecs},
    {"namespace", &shape_fieldspecs},
    {"commonLabels", &shape_fieldspecs},
    {"labels", &shape_fieldspecs},
    {"templateLabels", &shape_fieldspecs},
    {"commonAnnotations", &shape_fieldspecs},
    {"nameReference", &shape_backrefs},
    {"varReference", &shape_fieldspecs},
    {"images", &shape_fieldspecs},
    {"replicas", &shape_fieldspecs},
    {NULL, NULL},
};
static const struct shape shape_config = {.type = SHAPE_OBJECT, .fields = config_fields};

/* Whether existing is at least as narrow as wanted in each part that wanted names. */
static bool selected(const struct gvk_match *existing, const struct gvk_match *wanted)
{
    return (!*wanted->group || wanted->group == existing->group) &&
           (!*wanted->version || wanted->version == existing->version) &&
           (!*wanted->kind || wanted->kind == existing->kind);
}

static int sort_cmp(int order_a, const char *key_a, int order_b, const char *key_b)
{
    return order_a != order_b ? (order_a < order_b ? -1 : 1) : strcmp(key_a, key_b);
}

/* Insertion: the lists arrive all but sorted, and equal keys must keep their places. */
static void sort_specs(struct fieldspec *specs, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct fieldspec x = specs[i];
        size_t j = i;

        for (; j && sort_cmp(specs[j - 1].order, specs[j - 1].sort_key, x.order, x.sort_key) > 0;
             j--)
            specs[j] = specs[j - 1];
        specs[j] = x;
    }
}

static void sort_backrefs(struct backref *refs, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct backref x = refs[i];
        size_t j = i;

        for (; j && sort_cmp(refs[j - 1].order, refs[j - 1].sort_key, x.order, x.sort_key) > 0; j--)
            refs[j] = refs[j - 1];
        refs[j] = x;
    }
}

static const struct fieldspec *find_spec(const struct fieldspec *specs, size_t n,
                                         const struct fieldspec *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (specs[i].path->text == wanted->path->text && selected(&specs[i].match, &wanted->match))
            return &specs[i];
    return NULL;
}

int fieldspecs_merge(struct context *ctx, struct fieldspecs a, struct fieldspecs b,
                     struct fieldspecs *ret_specs, struct err *err)
{
    struct fieldspec *out = NULL;
    size_t n = a.len;

    for (size_t i = 0; i < b.len; i++) {
        const struct fieldspec *same = find_spec(out ? out : a.at, n, &b.at[i]);

        if (same && same->create != b.at[i].create)
            return err_set(err, ERR_INVALID, "two field specs of %s %s disagree on \"create\"",
                           *b.at[i].match.kind ? b.at[i].match.kind : "any kind",
                           b.at[i].path->text);
        if (same)
            continue;
        if (!out) {
            out = arena_calloc(ctx->arena, a.len + b.len - i, sizeof(*out));
            if (a.len)
                memcpy(out, a.at, a.len * sizeof(*out));
        }
        out[n++] = b.at[i];
    }
    *ret_specs = out ? (struct fieldspecs){.at = out, .len = n} : a;
    return 0;
}

static int merge_backrefs(struct context *ctx, const struct config *a, const struct config *b,
                          struct config *out, struct err *err)
{
    struct backref *refs = arena_calloc(ctx->arena, a->nbackrefs + b->nbackrefs, sizeof(*refs));
    size_t n = a->nbackrefs;
    int rc;

    if (n)
        memcpy(refs, a->backrefs, n * sizeof(*refs));
    for (size_t i = 0; i < b->nbackrefs; i++) {
        const struct backref *x = &b->backrefs[i];
        bool found = false;

        for (size_t j = 0; j < n; j++) {
            if (refs[j].target.group != x->target.group ||
                refs[j].target.version != x->target.version ||
                refs[j].target.kind != x->target.kind)
                continue;
            found = true;
            if ((rc = fieldspecs_merge(ctx, refs[j].referrers, x->referrers, &refs[j].referrers,
                                       err)))
                return err_wrap(err, "nameReference of %s", x->target.kind);
        }
        if (!found)
            refs[n++] = *x;
    }
    sort_backrefs(refs, n);
    out->backrefs = refs;
    out->nbackrefs = n;
    return 0;
}

int config_merge(struct context *ctx, const struct config *a, const struct config *b,
                 const struct config **ret_config, struct err *err)
{
    struct config *out = arena_calloc(ctx->arena, 1, sizeof(*out));
    int rc;

    for (int i = 0; i < CONFIG_NLISTS; i++) {
        rc = fieldspecs_merge(ctx, a->lists[i], b->lists[i], &out->lists[i], err);
        if (rc)
            return err_wrap(err, "%s", list_names[i]);
        if (out->lists[i].at != a->lists[i].at)
            sort_specs((struct fieldspec *)out->lists[i].at, out->lists[i].len);
    }
    if ((rc = merge_backrefs(ctx, a, b, out, err)))
        return rc;
    *ret_config = out;
    return 0;
}

static struct backref make_backref(struct context *ctx, const char *group, const char *version,
                                   const char *kind)
{
    struct backref ref = {.order = order_of_kind(kind)};

    ref.target.group = intern(ctx->strings, group);
    ref.target.version = intern(ctx->strings, version);
    ref.target.kind = intern(ctx->strings, kind);
    ref.sort_key = order_gvk_key(ctx->strings, &ref.target);
    return ref;
}

struct builtin_spec {
    enum config_list list;
    const char *group, *version, *kind, *path;
    bool create;
};

static const struct builtin_spec builtin_specs[] = {
#define SPEC(list, group, version, kind, path, create)                                             \
    {CONFIG_##list, group, version, kind, path, create},
#include "lib/kustomize/fieldspecs.def"
#undef SPEC
};

/* A row without a path opens a new target. */
static const struct builtin_spec builtin_references[] = {
#define TARGET(group, version, kind)         {CONFIG_NLISTS, group, version, kind, NULL, false},
#define REFERRER(group, version, kind, path) {CONFIG_NLISTS, group, version, kind, path, false},
#include "lib/kustomize/name_references.def"
#undef TARGET
#undef REFERRER
};

static void add_builtin_references(struct context *ctx, struct config *out)
{
    struct backref *refs = arena_calloc(ctx->arena, ARRAY_LEN(builtin_references), sizeof(*refs));
    struct fieldspec *specs =
        arena_calloc(ctx->arena, ARRAY_LEN(builtin_references), sizeof(*specs));
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(builtin_references); i++) {
        const struct builtin_spec *b = &builtin_references[i];

        if (!b->path) {
            refs[n] = make_backref(ctx, b->group, b->version, b->kind);
            refs[n++].referrers.at = specs;
            continue;
        }
        fieldspec_make(ctx, b->group, b->version, b->kind, b->path, b->create, specs++);
        refs[n - 1].referrers.len++;
    }
    sort_backrefs(refs, n);
    out->backrefs = refs;
    out->nbackrefs = n;
}

const struct config *config_make_default(struct context *ctx)
{
    struct config *out = arena_calloc(ctx->arena, 1, sizeof(*out));

    for (int list = 0; list < CONFIG_NLISTS; list++) {
        struct fieldspec *specs =
            arena_calloc(ctx->arena, ARRAY_LEN(builtin_specs), sizeof(*specs));
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_LEN(builtin_specs); i++) {
            const struct builtin_spec *b = &builtin_specs[i];

            if ((int)b->list == list)
                fieldspec_make(ctx, b->group, b->version, b->kind, b->path, b->create, &specs[n++]);
        }
        sort_specs(specs, n);
        out->lists[list] = (struct fieldspecs){.at = specs, .len = n};
    }
    add_builtin_references(ctx, out);
    return out;
}

int config_from_json(struct context *ctx, const json_t *doc, const struct config **ret_config,
                     struct err *err)
{
    struct config *out = arena_calloc(ctx->arena, 1, sizeof(*out));
    json_auto_t *normal = NULL;
    const json_t *list;
    struct backref *refs;
    size_t i;
    json_t *item;
    int rc;

    if (json_is_null(doc)) {
        *ret_config = out;
        return 0;
    }
    if ((rc = shape_read(&shape_config, doc, SHAPE_STRICT | SHAPE_COERCE, &normal, err)))
        return rc;
    for (int l = 0; l < CONFIG_NLISTS; l++) {
        out->lists[l] = fieldspecs_from_json(ctx, json_object_get(normal, list_names[l]));
        sort_specs((struct fieldspec *)out->lists[l].at, out->lists[l].len);
    }
    list = json_object_get(normal, "nameReference");
    refs = arena_calloc(ctx->arena, json_array_size(list), sizeof(*refs));
    json_array_foreach (list, i, item) {
        refs[i] = make_backref(ctx, krm_str(item, "group", NULL), krm_str(item, "version", NULL),
                               krm_str(item, "kind", NULL));
        refs[i].referrers = fieldspecs_from_json(ctx, json_object_get(item, "fieldSpecs"));
    }
    sort_backrefs(refs, i);
    out->backrefs = refs;
    out->nbackrefs = i;
    *ret_config = out;
    return 0;
}

/* --- crds --------------------------------------------------------------------------------------- */

struct crd_walk {
    struct context *ctx;
    const json_t *definitions;
    const char *kind;
    const struct config *config;
};

static int crd_merge(struct crd_walk *w, const struct config *one, struct err *err)
{
    if (w->ctx->crd_fields++ >= CRD_MAX_FIELDS)
        return err_set(err, ERR_LIMIT, "definitions name more than %d fields", CRD_MAX_FIELDS);
    return config_merge(w->ctx, w->config, one, &w->config, err);
}

static int crd_add(struct crd_walk *w, enum config_list list, const char *path, struct err *err)
{
    struct config one = config_empty;
    struct fieldspec spec;

    fieldspec_make(w->ctx, "", "", w->kind, path, false, &spec);
    one.lists[list] = (struct fieldspecs){.at = &spec, .len = 1};
    return crd_merge(w, &one, err);
}

static int crd_add_reference(struct crd_walk *w, const json_t *property, const char *path,
                             struct err *err)
{
    const char *kind = krm_str(property, "x-kubernetes-object-ref-kind", NULL);
    const char *version = krm_str(property, "x-kubernetes-object-ref-api-version", NULL);
    const char *key = krm_str(property, "x-kubernetes-object-ref-name-key", NULL);
    char *full CLEANUP(mem_cleanup) = mem_printf("%s/%s", path, *key ? key : "name");
    struct config one = config_empty;
    struct backref *ref;
    struct fieldspec *spec;

    if (!*kind || !*version)
        return 0;
    ref = arena_calloc(w->ctx->arena, 1, sizeof(*ref));
    spec = arena_calloc(w->ctx->arena, 1, sizeof(*spec));
    fieldspec_make(w->ctx, "", "", w->kind, full, false, spec);
    *ref = make_backref(w->ctx, "", version, kind);
    ref->referrers = (struct fieldspecs){.at = spec, .len = 1};
    one.backrefs = ref;
    one.nbackrefs = 1;
    return crd_merge(w, &one, err);
}

static const struct {
    const char *extension;
    enum config_list list;
} crd_extensions[] = {
    {"x-kubernetes-annotation", CONFIG_COMMON_ANNOTATIONS},
    {"x-kubernetes-label-selector", CONFIG_COMMON_LABELS},
    {"x-kubernetes-identity", CONFIG_NAME_PREFIX},
};

static const json_t *crd_properties(const json_t *definition)
{
    const json_t *properties = krm_get(definition, "Schema", "properties", NULL);

    return properties ? properties : krm_get(definition, "schema", "properties", NULL);
}

static int crd_walk_type(struct crd_walk *w, const char *type, const char *path, int depth,
                         struct err *err)
{
    const json_t *properties = crd_properties(json_object_get(w->definitions, type));
    const char *name;
    json_t *property;
    int rc = 0;

    if (depth > CRD_MAX_DEPTH)
        return err_set(err, ERR_LIMIT, "definition %s refers to itself", type);
    json_object_foreach ((json_t *)properties, name, property) {
        char *at CLEANUP(mem_cleanup) = mem_printf("%s%s%s", path, *path ? "/" : "", name);
        const char *ref = krm_str(property, "$ref", NULL);

        if (w->ctx->crd_properties++ >= CRD_MAX_PROPERTIES)
            return err_set(err, ERR_LIMIT, "at %s: paths through more than %d properties", type,
                           CRD_MAX_PROPERTIES);
        for (size_t i = 0; i < ARRAY_LEN(crd_extensions) && !rc; i++)
            if (json_is_string(json_object_get(property, crd_extensions[i].extension)))
                rc = crd_add(w, crd_extensions[i].list, at, err);
        if (!rc)
            rc = crd_add_reference(w, property, at, err);
        if (!rc && *ref)
            rc = crd_walk_type(w, ref, at, depth + 1, err);
        if (rc)
            return rc;
    }
    return 0;
}

int config_from_crds(struct context *ctx, const json_t *definitions,
                     const struct config **ret_config, struct err *err)
{
    struct crd_walk w = {.ctx = ctx, .definitions = definitions, .config = &config_empty};
    const char *type;
    json_t *definition;
    int rc;

    if (!json_is_object(definitions))
        return err_set(err, ERR_INVALID, "must map type names to OpenAPI definitions");
    json_object_foreach ((json_t *)definitions, type, definition) {
        const json_t *properties = crd_properties(definition);
        const char *dot = strrchr(type, '.');

        if (!json_object_get(properties, "kind") || !json_object_get(properties, "apiVersion") ||
            !json_object_get(properties, "metadata"))
            continue;
        w.kind = dot ? dot + 1 : type;
        if ((rc = crd_walk_type(&w, type, "", 0, err)))
            return err_wrap(err, "definition %s", type);
    }
    *ret_config = w.config;
    return 0;
}
