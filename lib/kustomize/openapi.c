#include "lib/kustomize/openapi.h"

#include "lib/krm/path.h"

#include "lib/base/banned.h"

#define BUILTIN_VERSION "v1.21.2" /* the one that the reference has built in */
#define REF_PREFIX      "#/definitions/"
#define BUILTIN_PREFIX                                                                             \
    "#/definitions/io.k8s.api." /* what mergekeys leaves out of its types' names */
#define GVK_KEY  "x-kubernetes-group-version-kind"
#define MAX_REFS 32 /* definitions that only refer to others */

struct openapi {
    struct context *ctx;
    json_t *root;
    bool with_builtin;
    struct merge_schema schema;
    VEC(const json_t *) types; /* schema nodes; the type "#7" is the one at 7 */
};

/* --- types -------------------------------------------------------------------------------------- */

/* Follows "$ref" to the schema that is meant; NULL when it leads nowhere. */
static const json_t *resolve(const struct openapi *o, const json_t *node)
{
    for (int i = 0; node && i < MAX_REFS; i++) {
        const char *ref = krm_str(node, "$ref", NULL);

        if (!*ref)
            return node;
        if (strncmp(ref, REF_PREFIX, strlen(REF_PREFIX)) != 0)
            return NULL;
        node = krm_get(o->root, "definitions", ref + strlen(REF_PREFIX), NULL);
    }
    return NULL;
}

static const char *type_of(struct openapi *o, const json_t *node)
{
    size_t i;

    if (!node)
        return NULL;
    for (i = 0; i < o->types.len; i++)
        if (o->types.at[i] == node)
            break;
    if (i == o->types.len)
        vec_push(&o->types, node);
    return arena_printf(o->ctx->arena, "#%zu", i);
}

static bool is_of(const json_t *gvk, const char *api_version, const char *kind)
{
    const char *group = krm_str(gvk, "group", NULL);
    char *own CLEANUP(mem_cleanup) =
        mem_printf("%s%s%s", group, *group ? "/" : "", krm_str(gvk, "version", NULL));

    return strcmp(krm_str(gvk, "kind", NULL), kind) == 0 && strcmp(own, api_version) == 0;
}

static const char *find_root(void *arg, const char *api_version, const char *kind)
{
    struct openapi *o = arg;
    const char *name;
    json_t *definition;

    json_object_foreach (json_object_get(o->root, "definitions"), name, definition) {
        json_t *gvk;
        size_t i;

        json_array_foreach (json_object_get(definition, GVK_KEY), i, gvk)
            if (is_of(gvk, api_version, kind))
                return type_of(o, definition);
    }
    return o->with_builtin ? mergekeys_root(api_version, kind) : NULL;
}

/* "key", "key,key", "" for plain values, NULL when the list isn't merged. */
static const char *list_keys(struct openapi *o, const json_t *node)
{
    const json_t *list = json_object_get(node, "x-kubernetes-list-map-keys");
    const char *strategy = krm_str(node, "x-kubernetes-patch-strategy", NULL);

    if (!strstr(strategy, "merge"))
        return NULL;
    if (json_array_size(list) > 1)
        return arena_printf(o->ctx->arena, "%s,%s", json_string_value(json_array_get(list, 0)),
                            json_string_value(json_array_get(list, 1)));
    if (json_array_size(list))
        return json_string_value(json_array_get(list, 0));
    return krm_str(node, "x-kubernetes-patch-merge-key", NULL);
}

/* The built-in type that a reference means when the schema itself doesn't define it. None begins
 * like the names that type_of gives. */
static const char *builtin_type(const struct openapi *o, const json_t *node)
{
    const char *ref = krm_str(node, "$ref", NULL);

    if (strncmp(ref, BUILTIN_PREFIX, strlen(BUILTIN_PREFIX)) != 0 || resolve(o, node))
        return NULL;
    ref += strlen(BUILTIN_PREFIX);
    return *ref == '#' ? NULL : ref;
}

/* The schema node that type_of named. */
static const json_t *node_of(const struct openapi *o, const char *type)
{
    size_t i = strtoul(type + 1, NULL, 10);

    return i < o->types.len ? o->types.at[i] : NULL;
}

static const struct merge_field *find_field(void *arg, const char *type, const char *name)
{
    struct openapi *o = arg;
    const json_t *parent, *node, *child;
    struct merge_field *field;

    if (!type || *type != '#')
        return o->with_builtin ? mergekeys_field(type, name) : NULL;
    parent = node_of(o, type);
    node = krm_get(parent, "properties", name, NULL);
    if (!node)
        node = json_object_get(parent, "additionalProperties");
    if (!node)
        return NULL;
    field = arena_calloc(o->ctx->arena, 1, sizeof(*field));
    field->type = type;
    field->name = name;
    if (o->with_builtin)
        field->child = builtin_type(o, node);
    node = field->child ? NULL : resolve(o, node);
    if (!node)
        return field;
    child = json_object_get(node, "items");
    field->child = type_of(o, child ? resolve(o, child) : node);
    field->keys = child ? list_keys(o, node) : NULL;
    return field;
}

const struct merge_schema *openapi_merge_schema(const struct context *ctx)
{
    return ctx->openapi ? &ctx->openapi->schema : NULL;
}

/* --- scopes ------------------------------------------------------------------------------------- */

bool openapi_cluster_scoped(const struct context *ctx, const char *api_version, const char *kind)
{
    bool found = false;
    const char *path;
    json_t *item;

    if (!ctx->openapi)
        return false;
    json_object_foreach (json_object_get(ctx->openapi->root, "paths"), path, item) {
        if (!is_of(krm_get(item, "get", GVK_KEY, NULL), api_version, kind))
            continue;
        if (strstr(path, "namespaces/{namespace}"))
            return false;
        found = true;
    }
    return found;
}

/* --- choosing ------------------------------------------------------------------------------------ */

static int read_schema(const struct target *t, const char *path, json_t **ret_root, struct err *err)
{
    json_auto_t *documents = NULL;
    const char *name;
    int rc = target_read_config(t, path, &documents, &name, err);

    if (rc)
        return rc;
    if (!json_is_object(json_array_get(documents, 0)))
        return err_set(err, ERR_INVALID, "%s: not an OpenAPI document", name);
    *ret_root = json_incref(json_array_get(documents, 0));
    return 0;
}

static void set(struct context *ctx, json_t *root)
{
    struct openapi *o = mem_calloc(1, sizeof(*o));

    o->ctx = ctx;
    o->root = json_incref(root);
    o->with_builtin = ctx->resources.len > 0 || !root;
    o->schema = (struct merge_schema){.root = find_root, .field = find_field, .arg = o};
    ctx->openapi = o;
}

static int use(const struct target *t, const json_t *field, struct err *err)
{
    const char *path = krm_str(field, "path", NULL), *version = krm_str(field, "version", NULL);
    json_auto_t *root = NULL;
    int rc;

    if (json_object_get(field, "path") && (rc = read_schema(t, path, &root, err)))
        return rc;
    if (t->ctx->openapi)
        return 0;
    if (root && json_object_get(field, "version"))
        return err_set(err, ERR_INVALID, "path and version exclude each other");
    if (*version && strcmp(version, BUILTIN_VERSION) != 0)
        return err_set(err, ERR_INVALID, "version %s is not built in, only %s is", version,
                       BUILTIN_VERSION);
    if (root || *version)
        set(t->ctx, root);
    return 0;
}

int openapi_use(const struct target *t, struct err *err)
{
    const json_t *field = target_get(t, "openapi");
    int rc = field ? use(t, field, err) : 0;

    return rc ? err_wrap(err, "%s: openapi", t->file) : 0;
}

void openapi_done(struct context *ctx)
{
    if (!ctx->openapi)
        return;
    json_decref(ctx->openapi->root);
    vec_done(&ctx->openapi->types);
    free(ctx->openapi);
    ctx->openapi = NULL;
}
