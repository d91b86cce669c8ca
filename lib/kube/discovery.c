/* What a cluster serves, as a growing list of resources.
 *
 * Resources are handed out by reference for the client's life, so an entry is never freed nor
 * changed; it is `served` or not. Reading discovery again marks anew which entries are served and
 * adds what wasn't known. Kinds of a CRD that was just written are `pinned`: served although the
 * discovery documents, which lag behind, may not say so yet. One thread reads at a time, without
 * the lock; others wait for it. */
#include "lib/kube/discovery.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kube/client_parts.h"

#include "lib/base/banned.h"

#define MODULE             "kube.discovery"
#define MIN_PERIOD_MS      1000
#define MAX_GROUP_VERSIONS 1000
#define ROOT               SIZE_MAX /* in place of a rank: one of the two requests that must succeed */

#define AGGREGATED                                                                                 \
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"                        \
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"                   \
    "application/json"

struct entry {
    struct kube_resource resource;
    size_t rank; /* of its version within the group; 0 is preferred */
    bool served, pinned;
};

struct kube_discovery {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool busy, loaded;
    int64_t loaded_at;
    struct arena *arena;
    VEC(struct entry *) entries;
};

struct kube_discovery *kube_discovery_new(void)
{
    struct kube_discovery *d = mem_calloc(1, sizeof(*d));

    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->cond, NULL);
    d->arena = arena_new();
    return d;
}

void kube_discovery_free(struct kube_discovery *d)
{
    if (!d)
        return;
    vec_done(&d->entries);
    arena_free(d->arena);
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* --- entries (all with the lock) ------------------------------------------------------------------ */

static struct entry *find_exact(struct kube_discovery *d, const struct kube_resource *r)
{
    for (size_t i = 0; i < d->entries.len; i++) {
        const struct kube_resource *k = &d->entries.at[i]->resource;

        if (!strcmp(k->kind, r->kind) && !strcmp(k->group, r->group) &&
            !strcmp(k->version, r->version) && !strcmp(k->plural, r->plural) &&
            k->namespaced == r->namespaced)
            return d->entries.at[i];
    }
    return NULL;
}

static void add(struct kube_discovery *d, const struct kube_resource *r, size_t rank, bool pinned)
{
    struct entry *e = find_exact(d, r);

    if (!e) {
        e = arena_calloc(d->arena, 1, sizeof(*e));
        e->resource.group = arena_strdup(d->arena, r->group);
        e->resource.version = arena_strdup(d->arena, r->version);
        e->resource.kind = arena_strdup(d->arena, r->kind);
        e->resource.plural = arena_strdup(d->arena, r->plural);
        e->resource.namespaced = r->namespaced;
        vec_push(&d->entries, e);
    }
    e->rank = rank;
    e->served = true;
    e->pinned = e->pinned || pinned;
}

static const struct kube_resource *find(struct kube_discovery *d, const char *group,
                                        const char *version, const char *kind)
{
    const struct entry *best = NULL;

    for (size_t i = 0; i < d->entries.len; i++) {
        const struct entry *e = d->entries.at[i];

        if (e->served && !strcmp(e->resource.kind, kind) && !strcmp(e->resource.group, group) &&
            (!*version || !strcmp(e->resource.version, version)) && (!best || e->rank < best->rank))
            best = e;
    }
    return best ? &best->resource : NULL;
}

/* --- documents ---------------------------------------------------------------------------------- */

/* What one reading found; the strings are borrowed from the answers, which it keeps. */
struct found {
    struct kube_resource resource;
    size_t rank;
};

struct reading {
    struct kube_queue *queue;
    json_t *answers;
    VEC(struct found) found;
    size_t requests;
};

static void reading_done(struct reading *r)
{
    kube_queue_free(r->queue);
    json_decref(r->answers);
    vec_done(&r->found);
}

static const char *str(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static void note(struct reading *r, const char *group, const char *version, const char *kind,
                 const char *plural, bool namespaced, size_t rank)
{
    struct found f = {{group, version, kind, plural, namespaced}, rank};

    if (*version && *kind && *plural && !strchr(plural, '/'))
        vec_push(&r->found, f);
}

/* APIGroupDiscoveryList */
static void read_aggregated(struct reading *r, const json_t *body)
{
    json_t *group, *version, *resource;
    size_t g, v, n;

    json_array_foreach (json_object_get(body, "items"), g, group) {
        const char *name = str(json_object_get(group, "metadata"), "name");

        json_array_foreach (json_object_get(group, "versions"), v, version)
            json_array_foreach (json_object_get(version, "resources"), n, resource)
                note(r, name, str(version, "version"),
                     str(json_object_get(resource, "responseKind"), "kind"),
                     str(resource, "resource"), !strcmp(str(resource, "scope"), "Namespaced"), v);
    }
}

static void ask(struct reading *r, const char *path, const char *accept, size_t rank)
{
    struct kube_request req = {
        .verb = KUBE_RAW_GET, .path = path, .accept = accept, .user = (void *)(uintptr_t)rank};

    if (r->requests++ < MAX_GROUP_VERSIONS)
        kube_start(r->queue, &req);
}

/* APIVersions and APIGroupList of servers without the aggregated form: one more request for each
 * version. */
static void ask_core_versions(struct reading *r, const json_t *body)
{
    json_t *version;
    size_t i;

    json_array_foreach (json_object_get(body, "versions"), i, version) {
        char *path CLEANUP(mem_cleanup) = mem_printf("/api/%s", json_string_value(version));

        ask(r, path, NULL, i);
    }
}

static void ask_group_versions(struct reading *r, const json_t *body)
{
    json_t *group, *version;
    size_t g, v;

    json_array_foreach (json_object_get(body, "groups"), g, group) {
        const char *preferred = str(json_object_get(group, "preferredVersion"), "version");

        json_array_foreach (json_object_get(group, "versions"), v, version) {
            char *path CLEANUP(mem_cleanup) = mem_printf("/apis/%s", str(version, "groupVersion"));

            ask(r, path, NULL, strcmp(str(version, "version"), preferred) ? v + 1 : 0);
        }
    }
}

/* APIResourceList */
static void read_resources(struct reading *r, const json_t *body, size_t rank)
{
    const char *gv = str(body, "groupVersion"), *slash = strchr(gv, '/');
    json_t *resource;
    size_t i;

    /* The group as a string of its own, kept with the answers. */
    json_t *group = json_stringn(gv, slash ? (size_t)(slash - gv) : 0);

    json_array_append_new(r->answers, group);
    json_array_foreach (json_object_get(body, "resources"), i, resource)
        note(r, json_string_value(group), slash ? slash + 1 : gv, str(resource, "kind"),
             str(resource, "name"), json_is_true(json_object_get(resource, "namespaced")), rank);
}

static void read_answer(struct reading *r, json_t *body, size_t rank)
{
    const char *kind = str(body, "kind");

    json_array_append(r->answers, body);
    if (!strcmp(kind, "APIGroupDiscoveryList"))
        read_aggregated(r, body);
    else if (!strcmp(kind, "APIVersions"))
        ask_core_versions(r, body);
    else if (!strcmp(kind, "APIGroupList"))
        ask_group_versions(r, body);
    else if (!strcmp(kind, "APIResourceList"))
        read_resources(r, body, rank);
}

/* Reads everything. The two roots must answer; a group behind an aggregated API that is down is
 * left out. */
static int read_documents(struct reading *r, struct cancel *cancel, struct err *err)
{
    struct kube_result res;
    int rc;

    ask(r, "/api", AGGREGATED, ROOT);
    ask(r, "/apis", AGGREGATED, ROOT);
    while (kube_pending(r->queue)) {
        size_t rank;

        rc = kube_next(r->queue, INT64_MAX, cancel, &res);
        if (rc)
            return err_set(err, rc, "cancelled while reading what the cluster serves");
        rank = (size_t)(uintptr_t)res.user;
        if (!res.code) {
            read_answer(r, res.body, rank);
        } else if (rank == ROOT) {
            rc = err_move(err, &res.err);
            kube_result_done(&res);
            return rc;
        } else {
            log_warn(MODULE, "%s", err_msg(&res.err));
        }
        kube_result_done(&res);
    }
    return 0;
}

/* --- look-up ------------------------------------------------------------------------------------ */

static void adopt(struct kube_discovery *d, const struct reading *r)
{
    for (size_t i = 0; i < d->entries.len; i++)
        d->entries.at[i]->served = d->entries.at[i]->pinned;
    for (size_t i = 0; i < r->found.len; i++)
        add(d, &r->found.at[i].resource, r->found.at[i].rank, false);
    d->loaded = true;
    d->loaded_at = clock_now_ms();
}

/* With the lock, which is given up meanwhile. */
static int load(struct kube_client *c, struct cancel *cancel, struct err *err)
{
    struct kube_discovery *d = c->discovery;
    struct reading r CLEANUP(reading_done) = {.queue = NULL};
    int rc;

    d->busy = true;
    pthread_mutex_unlock(&d->lock);
    r.queue = kube_queue_new(c);
    r.answers = json_array();
    rc = read_documents(&r, cancel, err);
    pthread_mutex_lock(&d->lock);
    d->busy = false;
    pthread_cond_broadcast(&d->cond);
    if (!rc)
        adopt(d, &r);
    return rc;
}

static void wake_waiters(void *arg)
{
    struct kube_discovery *d = arg;

    pthread_mutex_lock(&d->lock);
    pthread_cond_broadcast(&d->cond);
    pthread_mutex_unlock(&d->lock);
}

static int look_up(struct kube_client *c, const char *group, const char *version, const char *kind,
                   struct cancel *cancel, const struct kube_resource **ret_resource,
                   struct err *err)
{
    struct kube_discovery *d = c->discovery;

    for (;;) {
        int rc;

        *ret_resource = find(d, group, version, kind);
        if (*ret_resource)
            return 0;
        if (cancel_fired(cancel))
            return err_set(err, ERR_CANCELLED, "cancelled");
        if (d->busy) {
            pthread_cond_wait(&d->cond, &d->lock);
            continue;
        }
        if (d->loaded && clock_now_ms() - d->loaded_at < MIN_PERIOD_MS)
            return err_set(err, ERR_NOT_FOUND, "the cluster doesn't serve %s%s%s%s%s", kind,
                           *group || *version ? " of " : "", group, *group && *version ? "/" : "",
                           version);
        rc = load(c, cancel, err);
        if (rc)
            return rc;
    }
}

int kube_discover(struct kube_client *c, const char *group, const char *version, const char *kind,
                  struct cancel *cancel, const struct kube_resource **ret_resource, struct err *err)
{
    const struct kube_resource *resource = NULL;
    uint64_t watch = 0;
    int rc;

    if (cancel)
        watch = cancel_watch(cancel, wake_waiters, c->discovery);
    pthread_mutex_lock(&c->discovery->lock);
    rc = look_up(c, group, version ? version : "", kind, cancel, &resource, err);
    pthread_mutex_unlock(&c->discovery->lock);
    if (cancel)
        cancel_unwatch(cancel, watch);
    if (!rc)
        *ret_resource = resource;
    return rc;
}

void kube_discovery_invalidate(struct kube_client *c)
{
    struct kube_discovery *d = c->discovery;

    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->entries.len; i++)
        d->entries.at[i]->served = d->entries.at[i]->pinned = false;
    d->loaded = false;
    pthread_mutex_unlock(&d->lock);
}

/* --- custom resource definitions ------------------------------------------------------------------ */

struct api_version {
    const char *name;
    int stability; /* 2 = v1, 1 = v1beta1, 0 = v1alpha1, -1 = anything else */
    unsigned long major, minor;
};

static struct api_version parse_version(const char *name)
{
    struct api_version v = {.name = name, .stability = -1};
    char *end;

    if (name[0] != 'v' || !isdigit((unsigned char)name[1]))
        return v;
    v.major = strtoul(name + 1, &end, 10);
    if (!*end) {
        v.stability = 2;
    } else if (!strncmp(end, "beta", 4) && isdigit((unsigned char)end[4])) {
        v.minor = strtoul(end + 4, &end, 10);
        v.stability = *end ? -1 : 1;
    } else if (!strncmp(end, "alpha", 5) && isdigit((unsigned char)end[5])) {
        v.minor = strtoul(end + 5, &end, 10);
        v.stability = *end ? -1 : 0;
    }
    return v;
}

/* Kubernetes' version priority: stable before beta before alpha, newer before older, then names. */
static int compare_versions(const void *a, const void *b)
{
    const struct api_version *x = a, *y = b;

    if (x->stability != y->stability)
        return y->stability - x->stability;
    if (x->stability >= 0 && x->major != y->major)
        return x->major > y->major ? -1 : 1;
    if (x->stability >= 0 && x->minor != y->minor)
        return x->minor > y->minor ? -1 : 1;
    return strcmp(x->name, y->name);
}

void kube_discovery_add_crd(struct kube_client *c, const json_t *crd)
{
    const json_t *spec = json_object_get(crd, "spec"), *names = json_object_get(spec, "names");
    struct kube_resource r = {.group = str(spec, "group"),
                              .kind = str(names, "kind"),
                              .plural = str(names, "plural"),
                              .namespaced = !strcmp(str(spec, "scope"), "Namespaced")};
    VEC(struct api_version) versions = VEC_INIT;
    json_t *version;
    size_t i;

    json_array_foreach (json_object_get(spec, "versions"), i, version)
        if (json_is_true(json_object_get(version, "served")) && *str(version, "name"))
            vec_push(&versions, parse_version(str(version, "name")));
    if (versions.len && *r.kind && *r.plural) {
        qsort(versions.at, versions.len, sizeof(*versions.at), compare_versions);
        pthread_mutex_lock(&c->discovery->lock);
        for (i = 0; i < versions.len; i++) {
            r.version = versions.at[i].name;
            add(c->discovery, &r, i, true);
        }
        pthread_mutex_unlock(&c->discovery->lock);
    }
    vec_done(&versions);
}

/* --- built-in kinds ------------------------------------------------------------------------------ */

#define BUILTIN(group, version, kind, plural, namespaced)                                          \
    {group, version, kind, plural, namespaced},
static const struct kube_resource builtins[] = {
#include "lib/kube/builtin.def"
};
#undef BUILTIN

const struct kube_resource *kube_builtin_resource(const char *group, const char *version,
                                                  const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        const struct kube_resource *r = &builtins[i];

        if (!strcmp(r->kind, kind) && !strcmp(r->group, group) &&
            (!*version || !strcmp(r->version, version)))
            return r;
    }
    return NULL;
}
