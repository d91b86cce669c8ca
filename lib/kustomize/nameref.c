/* A field holds the name that its target had some time ago. The target is found among the resources
 * that ever had that name under a kind that the field may refer to, narrowed down until one is left:
 * what the referrer may see by its namespace, what went through the same prefixes and suffixes.
 *
 * Candidates come from an index by former name, and the specs of a referrer from its kind, so that the
 * work is in the number of references, not in objects times specs. Names don't change meanwhile. */
#include "lib/kustomize/nameref.h"

#include <stdint.h>

#include "lib/krm/path.h"

#include "lib/base/banned.h"

/* What is asked of a resource again and again. */
struct known {
    struct resource *r;
    struct rid id, first;
    size_t next; /* in the chain of the index, from 1; 0 ends it */
};

struct former {
    const char *name; /* interned */
    size_t known;     /* index of the resource */
    size_t next;      /* from 1 */
};

struct refs {
    struct context *ctx;
    struct known *all;
    size_t n;
    VEC(struct former) formers;
    size_t *buckets; /* by address of the name; from 1 */
    size_t nbuckets;
};

static size_t bucket_of(const struct refs *refs, const char *name)
{
    uintptr_t h = (uintptr_t)name;

    return (size_t)((h >> 4) ^ (h >> 13)) & (refs->nbuckets - 1);
}

/* One entry for each distinct former name of a resource, in the order of resources. */
static void index_names(struct refs *refs)
{
    for (size_t i = refs->n; i-- > 0;) {
        const struct resource *r = refs->all[i].r;

        for (size_t j = 0; j < r->previous.len; j++) {
            const char *name = r->previous.at[j].name;
            size_t k = 0, *bucket = &refs->buckets[bucket_of(refs, name)];

            while (k < j && r->previous.at[k].name != name)
                k++;
            if (k < j)
                continue;
            vec_push(&refs->formers, ((struct former){.name = name, .known = i, .next = *bucket}));
            *bucket = refs->formers.len;
        }
    }
}

static void refs_init(struct refs *refs, struct context *ctx, const struct resmap *m)
{
    *refs = (struct refs){.ctx = ctx, .n = m->len, .nbuckets = 64};
    while (refs->nbuckets < 4 * m->len)
        refs->nbuckets *= 2;
    refs->all = arena_calloc(ctx->arena, m->len, sizeof(*refs->all));
    refs->buckets = arena_calloc(ctx->arena, refs->nbuckets, sizeof(*refs->buckets));
    for (size_t i = 0; i < m->len; i++) {
        refs->all[i].r = m->at[i];
        refs->all[i].id = resource_id(ctx, m->at[i]);
        refs->all[i].first = resource_original_id(ctx, m->at[i]);
    }
    index_names(refs);
}

/* --- choosing ------------------------------------------------------------------------------------ */

struct lookup {
    struct refs *refs;
    const struct known *referrer;
    const struct gvk_match *target;
    bool is_role; /* the field is a roleRef: its own group and kind count too */
    struct gvk_match role;
    const json_t
        *namespaces; /* of the referrer's service account subjects, when it is a RoleBinding */
    const char *wanted_space; /* NULL, or the namespace that the reference itself names */
    bool wanted_first;        /* and whether it names a former one */
};

static bool had_kind(const struct known *k, const struct gvk_match *match)
{
    for (size_t i = 0; i < k->r->previous.len; i++) {
        struct rid id = k->r->previous.at[i];

        id.group = k->id.group;
        id.version = k->id.version;
        if (rid_matches(&id, match))
            return true;
    }
    return false;
}

/* What a namespaced referrer may see at all: a RoleBinding looks into its subjects' namespaces. */
static bool in_sight(const struct lookup *l, const struct known *k)
{
    const struct rid *from = &l->referrer->id;

    return from->cluster || k->id.cluster || k->id.space == from->space ||
           json_object_get(l->namespaces, k->id.namespace) != NULL;
}

/* And what it can refer to: of another namespace, only service accounts. */
static bool visible(const struct lookup *l, const struct known *k)
{
    const struct rid *from = &l->referrer->id;

    return in_sight(l, k) && (from->cluster || k->id.cluster || k->id.space == from->space ||
                              strcmp(k->id.kind, "ServiceAccount") == 0);
}

static bool in_wanted_space(const struct lookup *l, const struct known *k)
{
    if (!l->wanted_space)
        return true;
    return (l->wanted_first ? k->first.space : k->id.space) == l->wanted_space &&
           !(l->wanted_first ? k->first.cluster : k->id.cluster);
}

/* Whether the shorter list is the end of the longer one; an empty one only equals an empty one. */
static bool same_ending(const struct strings *a, const struct strings *b)
{
    const struct strings *shorter = a->len < b->len ? a : b, *longer = shorter == a ? b : a;
    size_t skip = longer->len - shorter->len;

    if (!shorter->len)
        return !longer->len;
    for (size_t i = 0; i < shorter->len; i++)
        if (shorter->at[i] != longer->at[skip + i])
            return false;
    return true;
}

static bool same_affixes(const struct resource *a, const struct resource *b, bool allow_empty)
{
    bool no_prefix = !a->prefixes.len || !b->prefixes.len;
    bool no_suffix = !a->suffixes.len || !b->suffixes.len;

    return ((allow_empty && no_prefix) || same_ending(&a->prefixes, &b->prefixes)) &&
           ((allow_empty && no_suffix) || same_ending(&a->suffixes, &b->suffixes));
}

struct candidates {
    const struct known **at;
    size_t len, cap;
};

static void candidates_done(struct candidates *c)
{
    vec_done(c);
}

static void keep_same_affixes(const struct lookup *l, struct candidates *c, bool allow_empty)
{
    size_t n = 0;

    for (size_t i = 0; i < c->len; i++)
        if (same_affixes(c->at[i]->r, l->referrer->r, allow_empty))
            c->at[n++] = c->at[i];
    c->len = n;
}

static bool interchangeable(const struct candidates *c, bool with_namespace)
{
    for (size_t i = 1; i < c->len; i++)
        if (c->at[i]->id.name != c->at[0]->id.name ||
            (with_namespace && c->at[i]->id.namespace != c->at[0]->id.namespace))
            return false;
    return true;
}

/* The resource that a reference by this name means; NULL for none. */
static int choose(const struct lookup *l, const char *name, bool with_namespace,
                  const struct known **ret, struct err *err)
{
    struct refs *refs = l->refs;
    struct candidates c CLEANUP(candidates_done) = {NULL, 0, 0};

    *ret = NULL;
    name = intern(refs->ctx->strings, name);
    for (size_t i = refs->buckets[bucket_of(refs, name)]; i; i = refs->formers.at[i - 1].next) {
        const struct known *k = &refs->all[refs->formers.at[i - 1].known];

        if (refs->formers.at[i - 1].name == name && had_kind(k, l->target) &&
            (!l->is_role || had_kind(k, &l->role)) && visible(l, k) && in_wanted_space(l, k))
            vec_push(&c, k);
    }
    if (c.len != 1) {
        keep_same_affixes(l, &c, true);
        if (c.len > 1)
            keep_same_affixes(l, &c, false);
    }
    if (c.len > 1 && !interchangeable(&c, with_namespace))
        return err_set(err, ERR_INVALID, "\"%s\" could mean %s or %s", name,
                       rid_label(refs->ctx, &c.at[0]->id), rid_label(refs->ctx, &c.at[1]->id));
    if (c.len)
        *ret = c.at[0];
    return 0;
}

/* --- fields ------------------------------------------------------------------------------------- */

static int fix_scalar(const struct lookup *l, struct slot *slot, struct err *err)
{
    const struct known *k;
    int rc;

    if (!json_is_string(slot->value))
        return 0;
    rc = choose(l, json_string_value(slot->value), false, &k, err);
    if (!rc && k && strcmp(k->id.name, json_string_value(slot->value)) != 0)
        slot_set(slot, json_string(k->id.name));
    return rc;
}

/* A reference with a namespace is looked for among those that were there, or else are there now. */
static bool any_first(const struct lookup *l, const char *space)
{
    const struct refs *refs = l->refs;

    for (size_t i = 0; i < refs->n; i++)
        if (refs->all[i].first.space == space && !refs->all[i].first.cluster &&
            in_sight(l, &refs->all[i]))
            return true;
    return false;
}

static int fix_map(const struct lookup *general, json_t *map, struct err *err)
{
    struct lookup l = *general;
    json_t *name = json_object_get(map, "name"), *namespace = json_object_get(map, "namespace");
    const struct known *k;
    int rc;

    if (!name)
        return err_set(err, ERR_INVALID, "refers to an object by a map without \"name\"");
    if (!json_is_string(name))
        return 0;
    if (namespace) {
        l.wanted_space = intern(l.refs->ctx->strings,
                                json_is_string(namespace) ? json_string_value(namespace) : "");
        l.wanted_first = any_first(&l, l.wanted_space);
    }
    if ((rc = choose(&l, json_string_value(name), true, &k, err)) || !k)
        return rc;
    json_object_set_new(map, "name", json_string(k->id.name));
    if (*k->id.namespace)
        json_object_set_new(map, "namespace", json_string(k->id.namespace));
    return 0;
}

static int fix_list(const struct lookup *l, json_t *list, struct err *err)
{
    json_t *item;
    size_t i;
    int rc = 0;

    json_array_foreach (list, i, item) {
        struct slot slot = {.parent = list, .index = i, .value = item};

        if (json_is_array(item))
            rc = err_set(err, ERR_INVALID, "refers to objects by a list in a list");
        else if (json_is_object(item))
            rc = fix_map(l, item, err);
        else
            rc = fix_scalar(l, &slot, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int fix_slot(struct slot *slot, void *arg, struct err *err)
{
    const struct lookup *l = arg;

    if (json_is_array(slot->value))
        return fix_list(l, slot->value, err);
    if (json_is_object(slot->value))
        return fix_map(l, slot->value, err);
    return fix_scalar(l, slot, err);
}

/* --- referrers ---------------------------------------------------------------------------------- */

/* The namespaces of a RoleBinding's service accounts, as the members of an object. */
static int subject_namespaces(struct context *ctx, const struct known *k, json_t *out,
                              struct err *err)
{
    json_t *subject;
    size_t i;

    if (strcmp(k->id.kind, "RoleBinding") != 0)
        return 0;
    json_array_foreach (json_object_get(k->r->object, "subjects"), i, subject) {
        json_t *namespace = json_object_get(subject, "namespace");

        if (strcmp(krm_str(subject, "kind", NULL), "ServiceAccount") != 0 || !namespace)
            continue;
        if (!json_is_string(namespace))
            return err_set(err, ERR_INVALID, "%s: subjects[%zu] has a namespace that is no string",
                           rid_label(ctx, &k->id), i);
        json_object_set_new(out, json_string_value(namespace), json_true());
    }
    return 0;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static void set_role(struct lookup *l, const char *path)
{
    const json_t *role = json_object_get(l->referrer->r->object, "roleRef");

    l->is_role = ends_with(path, "roleRef/name") && json_object_get(role, "apiGroup") &&
                 json_object_get(role, "kind");
    if (!l->is_role)
        return;
    l->role.group = intern(l->refs->ctx->strings, krm_str(role, "apiGroup", NULL));
    l->role.version = intern(l->refs->ctx->strings, "");
    l->role.kind = intern(l->refs->ctx->strings, krm_str(role, "kind", NULL));
}

static int fix_referrer(struct refs *refs, const struct known *k, const struct config *config,
                        struct err *err)
{
    json_auto_t *namespaces = json_object();
    struct lookup l = {.refs = refs, .referrer = k, .namespaces = namespaces};
    int rc = subject_namespaces(refs->ctx, k, namespaces, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < config->nbackrefs; i++) {
        const struct fieldspecs *specs = &config->backrefs[i].referrers;

        l.target = &config->backrefs[i].target;
        for (size_t j = 0; j < specs->len; j++) {
            if (!rid_matches(&k->first, &specs->at[j].match))
                continue;
            set_role(&l, specs->at[j].path->text);
            rc = fieldspec_walk(k->r->object, &specs->at[j], FIELDSPEC_FIND, fix_slot, &l, err);
            if (rc)
                return err_wrap(err, "%s", rid_label(refs->ctx, &k->id));
        }
    }
    return 0;
}

int nameref_fix(struct context *ctx, struct resmap *m, const struct config *config, struct err *err)
{
    struct refs refs;
    int rc = 0;

    refs_init(&refs, ctx, m);
    for (size_t i = 0; i < refs.n && !rc; i++)
        rc = fix_referrer(&refs, &refs.all[i], config, err);
    vec_done(&refs.formers);
    return rc;
}
