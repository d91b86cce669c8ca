#include "lib/krm/gvk.h"

#include <pthread.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* --- interning --------------------------------------------------------------------------------
 * "apps/v1" is cut once into two strings that live as long as the process, so that a struct gvk
 * can borrow them without owning anything. */

#define INTERN_BUCKETS 256

struct api_version {
    struct api_version *next;
    const char *group, *version;
    char text[]; /* the whole text, then its parts, each with its NUL */
};

static struct {
    pthread_mutex_t mutex;
    struct api_version *buckets[INTERN_BUCKETS];
} interned = {PTHREAD_MUTEX_INITIALIZER, {NULL}};

static size_t bucket_of(const char *s)
{
    size_t h = 5381;

    for (; *s; s++)
        h = h * 33 + (unsigned char)*s;
    return h % INTERN_BUCKETS;
}

static struct api_version *api_version_new(const char *s)
{
    size_t len = strlen(s), group_len;
    struct api_version *v = mem_alloc(sizeof(*v) + 2 * (len + 1));
    char *parts = v->text + len + 1;
    const char *slash = strchr(s, '/');

    memcpy(v->text, s, len + 1);
    memcpy(parts, s, len + 1);
    group_len = slash ? (size_t)(slash - s) : 0;
    v->group = slash ? parts : "";
    v->version = slash ? parts + group_len + 1 : parts;
    if (slash)
        parts[group_len] = '\0';
    return v;
}

void gvk_parse_api_version(const char *api_version, const char **ret_group,
                           const char **ret_version)
{
    struct api_version **head = &interned.buckets[bucket_of(api_version)];
    struct api_version *v;

    pthread_mutex_lock(&interned.mutex);
    for (v = *head; v && strcmp(v->text, api_version) != 0;)
        v = v->next;
    if (!v) {
        v = api_version_new(api_version);
        v->next = *head;
        *head = v;
    }
    pthread_mutex_unlock(&interned.mutex);
    *ret_group = v->group;
    *ret_version = v->version;
}

/* --- identity --------------------------------------------------------------------------------- */

static const char *member(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

struct gvk gvk_of(const json_t *object)
{
    struct gvk gvk = {"", "", member(object, "kind")};

    gvk_parse_api_version(member(object, "apiVersion"), &gvk.group, &gvk.version);
    return gvk;
}

struct resid resid_of(const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    struct gvk gvk = gvk_of(object);
    struct resid id = {gvk.group, gvk.kind, member(metadata, "namespace"),
                       member(metadata, "name")};

    if (krm_scope_of(id.group, id.kind) == KRM_SCOPE_CLUSTER)
        id.namespace = "";
    return id;
}

void resid_key(const struct resid *id, struct buf *out)
{
    if (*id->group)
        buf_printf(out, "%s/", id->group);
    buf_printf(out, "%s/", id->kind);
    if (*id->namespace)
        buf_printf(out, "%s/", id->namespace);
    buf_puts(out, id->name);
}

int resid_cmp(const struct resid *a, const struct resid *b)
{
    int c = strcmp(a->group, b->group);

    if (!c)
        c = strcmp(a->kind, b->kind);
    if (!c)
        c = strcmp(a->namespace, b->namespace);
    return c ? c : strcmp(a->name, b->name);
}

/* --- scopes ----------------------------------------------------------------------------------- */

struct scope_row {
    const char *group, *kind;
    enum krm_scope scope;
};

static const struct scope_row scopes[] = {
#define KIND(group, kind, scope) {group, kind, KRM_SCOPE_##scope},
#include "lib/krm/scope.def"
#undef KIND
};

static int scope_cmp(const void *a, const void *b)
{
    const struct scope_row *x = a, *y = b;
    int c = strcmp(x->group, y->group);

    return c ? c : strcmp(x->kind, y->kind);
}

enum krm_scope krm_scope_of(const char *group, const char *kind)
{
    struct scope_row key = {group, kind, KRM_SCOPE_UNKNOWN};
    const struct scope_row *row =
        bsearch(&key, scopes, ARRAY_LEN(scopes), sizeof(*scopes), scope_cmp);

    return row ? row->scope : KRM_SCOPE_UNKNOWN;
}
