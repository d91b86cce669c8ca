/* Identity checks go through a set of hashes made for the occasion: transformers change identities
 * at will, so an index that lives longer would have to be told of each change. */
#include "lib/kustomize/resmap.h"

#include <stdint.h>

#include "lib/krm/path.h"
#include "lib/kustomize/openapi.h"

#include "lib/base/banned.h"

#define NO_NAMESPACE      "_non_namespaceable_"
#define DEFAULT_NAMESPACE "default"

static bool cluster_scoped(const struct context *ctx, const char *api_version, const char *kind)
{
    static const struct {
        const char *api_version, *kind;
    } kinds[] = {
#define CLUSTER_SCOPED(api_version, kind) {api_version, kind},
#include "lib/kustomize/cluster_scoped.def"
#undef CLUSTER_SCOPED
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0 && strcmp(kinds[i].api_version, api_version) == 0)
            return true;
    return openapi_cluster_scoped(ctx, api_version, kind);
}

static const char *effective_space(struct context *ctx, bool cluster, const char *namespace)
{
    if (cluster)
        return intern(ctx->strings, NO_NAMESPACE);
    return *namespace ? namespace : intern(ctx->strings, DEFAULT_NAMESPACE);
}

struct rid rid_make(struct context *ctx, const char *group, const char *version, const char *kind,
                    const char *name, const char *namespace)
{
    char *api_version CLEANUP(mem_cleanup) =
        mem_printf("%s%s%s", group, *group ? "/" : "", version);
    struct rid id = {.cluster = cluster_scoped(ctx, api_version, kind)};

    id.group = intern(ctx->strings, group);
    id.version = intern(ctx->strings, version);
    id.kind = intern(ctx->strings, kind);
    id.name = intern(ctx->strings, name);
    id.namespace = intern(ctx->strings, namespace);
    id.space = effective_space(ctx, id.cluster, id.namespace);
    return id;
}

/* A scalar that should be a string: its text, whatever its type. */
static const char *meta_string(struct context *ctx, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value))
        return intern(ctx->strings, json_string_value(value));
    if (json_is_integer(value)) {
        char *text CLEANUP(mem_cleanup) =
            mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));

        return intern(ctx->strings, text);
    }
    return intern(ctx->strings, "");
}

struct rid resource_id(struct context *ctx, const struct resource *r)
{
    const json_t *meta = json_object_get(r->object, "metadata");
    const char *api_version = krm_str(r->object, "apiVersion", NULL);
    const char *slash = strchr(api_version, '/');
    struct rid id = {.kind = intern(ctx->strings, krm_str(r->object, "kind", NULL))};

    id.group = intern_n(ctx->strings, api_version, slash ? (size_t)(slash - api_version) : 0);
    id.version = intern(ctx->strings, slash ? slash + 1 : api_version);
    id.name = meta_string(ctx, meta, "name");
    id.namespace = meta_string(ctx, meta, "namespace");
    id.cluster = cluster_scoped(ctx, api_version, id.kind);
    id.space = effective_space(ctx, id.cluster, id.namespace);
    return id;
}

struct rid resource_original_id(struct context *ctx, const struct resource *r)
{
    struct rid id = resource_id(ctx, r), first;

    if (!r->previous.len)
        return id;
    first = r->previous.at[0];
    first.group = id.group;
    first.version = id.version;
    return first;
}

void resource_store_id(struct context *ctx, struct resource *r)
{
    struct rid id = resource_id(ctx, r);

    id.namespace = id.space;
    id.cluster = false;
    vec_push(&r->previous, id);
}

bool rid_equal(const struct rid *a, const struct rid *b)
{
    return a->name == b->name && a->kind == b->kind && a->group == b->group &&
           a->version == b->version && a->space == b->space;
}

bool rid_matches(const struct rid *id, const struct gvk_match *match)
{
    return (!*match->kind || match->kind == id->kind) &&
           (!*match->group || match->group == id->group) &&
           (!*match->version || match->version == id->version);
}

const char *rid_label(struct context *ctx, const struct rid *id)
{
    bool plain = !*id->namespace || id->cluster;

    return arena_printf(ctx->arena, "%s %s%s%s", id->kind, plain ? "" : id->namespace,
                        plain ? "" : "/", id->name);
}

const char *resource_label(struct context *ctx, const struct resource *r)
{
    struct rid id = resource_id(ctx, r);

    return rid_label(ctx, &id);
}

/* --- resources ---------------------------------------------------------------------------------- */

struct resource *resource_new(struct context *ctx, json_t *object, const char *source)
{
    struct resource *r = arena_calloc(ctx->arena, 1, sizeof(*r));

    r->object = object;
    r->source = source;
    vec_push(&ctx->resources, r);
    return r;
}

void resource_done(struct resource *r)
{
    json_decref(r->object);
    json_decref(r->origin);
    json_decref(r->transformations);
    vec_done(&r->previous);
    vec_done(&r->prefixes);
    vec_done(&r->suffixes);
    vec_done(&r->vars);
}

void strings_add(struct strings *list, const char *interned)
{
    vec_push(list, interned);
}

static void strings_copy(struct strings *to, const struct strings *from)
{
    for (size_t i = 0; i < from->len; i++)
        strings_add(to, from->at[i]);
}

struct resource *resource_copy(struct context *ctx, const struct resource *r)
{
    struct resource *copy = resource_new(ctx, json_deep_copy(r->object), r->source);

    for (size_t i = 0; i < r->previous.len; i++)
        vec_push(&copy->previous, r->previous.at[i]);
    strings_copy(&copy->prefixes, &r->prefixes);
    strings_copy(&copy->suffixes, &r->suffixes);
    strings_copy(&copy->vars, &r->vars);
    copy->behavior = r->behavior;
    copy->needs_hash = r->needs_hash;
    copy->allow_name_change = r->allow_name_change;
    copy->allow_kind_change = r->allow_kind_change;
    copy->origin = json_deep_copy(r->origin);
    copy->transformations = json_deep_copy(r->transformations);
    return copy;
}

bool resource_empty(const struct resource *r)
{
    return !json_object_size(r->object);
}

/* --- the list ----------------------------------------------------------------------------------- */

void resmap_done(struct resmap *m)
{
    vec_done(m);
}

void resmap_push(struct resmap *m, struct resource *r)
{
    vec_push(m, r);
}

struct idset {
    struct rid *slots; /* name NULL: free */
    size_t nslots;
};

static size_t rid_hash(const struct rid *id)
{
    uintptr_t h = (uintptr_t)id->name;

    h = h * 31 + (uintptr_t)id->kind;
    h = h * 31 + (uintptr_t)id->group;
    h = h * 31 + (uintptr_t)id->space;
    return (size_t)(h ^ (h >> 17));
}

static void idset_init(struct idset *set, size_t n)
{
    set->nslots = 16;
    while (set->nslots < 2 * n)
        set->nslots *= 2;
    set->slots = mem_calloc(set->nslots, sizeof(*set->slots));
}

/* Whether it was new. */
static bool idset_add(struct idset *set, const struct rid *id)
{
    size_t at = rid_hash(id) & (set->nslots - 1);

    for (; set->slots[at].name; at = (at + 1) & (set->nslots - 1))
        if (rid_equal(&set->slots[at], id))
            return false;
    set->slots[at] = *id;
    return true;
}

static int taken(struct context *ctx, const struct resmap *m, const struct resource *r,
                 struct err *err)
{
    struct rid id = resource_id(ctx, r);

    for (size_t i = 0; i < m->len; i++) {
        struct rid other = resource_id(ctx, m->at[i]);

        if (m->at[i] != r && rid_equal(&id, &other))
            return err_set(err, ERR_INVALID, "%s is there twice: from %s and from %s",
                           rid_label(ctx, &id), m->at[i]->source, r->source);
    }
    return 0;
}

int resmap_append(struct context *ctx, struct resmap *m, struct resource *r, struct err *err)
{
    int rc = taken(ctx, m, r, err);

    if (!rc)
        resmap_push(m, r);
    return rc;
}

int resmap_check(struct context *ctx, const struct resmap *m, struct err *err)
{
    struct idset set;
    int rc = 0;

    idset_init(&set, m->len);
    for (size_t i = 0; i < m->len && !rc; i++) {
        struct rid id = resource_id(ctx, m->at[i]);

        if (!idset_add(&set, &id))
            rc = taken(ctx, m, m->at[i], err);
    }
    free(set.slots);
    return rc;
}

int resmap_append_all(struct context *ctx, struct resmap *m, const struct resmap *other,
                      struct err *err)
{
    if (m->len + other->len > KUSTOMIZE_MAX_OBJECTS)
        return err_set(err, ERR_LIMIT, "more than %d objects", KUSTOMIZE_MAX_OBJECTS);
    for (size_t i = 0; i < other->len; i++)
        resmap_push(m, other->at[i]);
    return resmap_check(ctx, m, err);
}

void resmap_drop_empty(struct resmap *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->len; i++)
        if (!resource_empty(m->at[i]))
            m->at[n++] = m->at[i];
    m->len = n;
}

/* Whether the resource has or had the name: cheaper to tell than the whole identity. */
static bool had_name(const struct resource *r, const char *interned)
{
    const json_t *name = json_object_get(json_object_get(r->object, "metadata"), "name");

    if (!json_is_string(name) || strcmp(json_string_value(name), interned) == 0)
        return true;
    for (size_t i = 0; i < r->previous.len; i++)
        if (r->previous.at[i].name == interned)
            return true;
    return false;
}

static bool had_id(struct context *ctx, const struct resource *r, const struct rid *id)
{
    struct rid current;

    if (!had_name(r, id->name))
        return false;
    current = resource_id(ctx, r);
    if (rid_equal(id, &current))
        return true;
    for (size_t i = 0; i < r->previous.len; i++) {
        struct rid previous = r->previous.at[i];

        previous.group = current.group;
        previous.version = current.version;
        if (rid_equal(id, &previous))
            return true;
    }
    return false;
}

size_t resmap_find_any(struct context *ctx, const struct resmap *m, const struct rid *id,
                       struct resource **ret_first)
{
    size_t found = 0;

    for (size_t i = 0; i < m->len && found < 2; i++) {
        if (resource_empty(m->at[i]) || !had_id(ctx, m->at[i], id))
            continue;
        if (!found++)
            *ret_first = m->at[i];
    }
    return found;
}

/* --- from documents ------------------------------------------------------------------------------ */

static bool ends_with_list(const char *kind)
{
    size_t n = strlen(kind);

    return n >= 4 && strcmp(kind + n - 4, "List") == 0;
}

static int check_object(const json_t *doc, struct err *err)
{
    const char *kind = krm_str(doc, "kind", NULL);
    const json_t *name = krm_get(doc, "metadata", "name", NULL);

    if (!json_is_object(doc))
        return err_set(err, ERR_INVALID, "not an object with kind and metadata.name");
    if (!*kind)
        return err_set(err, ERR_INVALID, "an object without kind (metadata.name \"%s\")",
                       krm_str(doc, "metadata", "name", NULL));
    if (ends_with_list(kind))
        return 0;
    if (!name || json_is_null(name) || (json_is_string(name) && !json_string_length(name)))
        return err_set(err, ERR_INVALID, "%s without metadata.name", kind);
    return 0;
}

static bool empty_document(const json_t *doc)
{
    return json_is_null(doc) || (json_is_object(doc) && !json_object_size(doc)) ||
           (json_is_array(doc) && !json_array_size(doc));
}

/* The items of a List kind; the kinds that merely end so and have no items are objects. */
static int add_document(struct context *ctx, json_t *doc, const char *source, json_t *queue,
                        struct resmap *m, struct err *err)
{
    const char *kind = krm_str(doc, "kind", NULL);
    json_t *items = json_object_get(doc, "items"), *item;
    size_t i;
    int rc;

    if (empty_document(doc))
        return 0;
    if ((rc = check_object(doc, err)))
        return rc;
    if (!ends_with_list(kind) || !items) {
        if (ctx->resources.len >= KUSTOMIZE_MAX_OBJECTS)
            return err_set(err, ERR_LIMIT, "more than %d objects", KUSTOMIZE_MAX_OBJECTS);
        resmap_push(m, resource_new(ctx, json_incref(doc), source));
        return 0;
    }
    if (!json_is_array(items) && !json_is_null(items))
        return err_set(err, ERR_INVALID, "%s: items is not a list", kind);
    json_array_foreach (items, i, item) {
        json_array_append(queue, item);
    }
    return 0;
}

int resmap_from_documents(struct context *ctx, const json_t *documents, const char *source,
                          struct resmap *ret_map, struct err *err)
{
    json_auto_t *queue = json_copy((json_t *)documents);
    struct resmap m CLEANUP(resmap_done) = RESMAP_INIT;
    int rc = 0;

    for (size_t i = 0; i < json_array_size(queue) && !rc; i++)
        rc = add_document(ctx, json_array_get(queue, i), source, queue, &m, err);
    if (rc)
        return err_wrap(err, "%s", source);
    *ret_map = m;
    m = (struct resmap)RESMAP_INIT;
    return 0;
}
