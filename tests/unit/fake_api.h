/* A small API server for tests of what deletes and releases: it has objects, serves their kinds, and
 * tells what was done to them in which order. Objects come as YAML.
 *
 * An object with the annotation `lingers: "n"` stays for n more looks (lists and reads) after its
 * deletion, as if a controller worked on it; with "-1" for ever. Patches of one with the annotation
 * `refuses` are forbidden. Namespaces go after the object that
 * they belong to (by its uid), as the garbage collector has it. Every object's uid is its name. */
#ifndef TESTS_FAKE_API_H
#define TESTS_FAKE_API_H

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/applyset.h"
#include "lib/kube/client.h"
#include "lib/kube/members.h"
#include "unit/fake_client.h"

struct fake_kind {
    const char *group, *version, *kind, *plural;
    bool namespaced;
};

struct fake_api {
    pthread_mutex_t lock;
    const struct fake_kind *kinds; /* ends with a NULL kind */
    json_t *objects;
    struct buf log; /* "delete Kind/ns/name\n", "gone ...", "release ..." */
    struct fake_server *server;
    struct kube_client *client;
};

static inline char *fake_api_base(const struct fake_kind *k)
{
    return k->group[0] ? mem_printf("/apis/%s/%s", k->group, k->version)
                       : mem_printf("/api/%s", k->version);
}

static inline const char *fake_api_meta(const json_t *object, const char *name)
{
    return krm_str(object, "metadata", name, NULL);
}

static inline void fake_api_say(struct fake_api *a, const char *what, const json_t *object)
{
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    buf_printf(&a->log, "%s %s\n", what, key);
}

/* Takes it out, and gives the namespaces that belong to it a deletion of their own. */
static inline void fake_api_drop(struct fake_api *a, size_t i)
{
    json_t *object = json_incref(json_array_get(a->objects, i)), *other;
    size_t k;

    json_array_remove(a->objects, i);
    fake_api_say(a, "gone", object);
    json_array_foreach (a->objects, k, other) {
        const json_t *owner =
            json_array_get(krm_get(other, "metadata", "ownerReferences", NULL), 0);

        if (!strcmp(gvk_of(other).kind, "Namespace") &&
            !strcmp(krm_str(owner, "uid", NULL), fake_api_meta(object, "uid")))
            json_object_set_new(json_object_get(other, "metadata"), "deletionTimestamp",
                                json_string("2026-01-01T00:00:00Z"));
    }
    json_decref(object);
}

/* A look of somebody: controllers have worked meanwhile. */
static inline void fake_api_work(struct fake_api *a)
{
    for (size_t i = json_array_size(a->objects); i-- > 0;) {
        json_t *object = json_array_get(a->objects, i);
        json_t *annotations = krm_get(object, "metadata", "annotations", NULL);
        long left = strtol(krm_str(annotations, "lingers", NULL), NULL, 10);

        if (!krm_get(object, "metadata", "deletionTimestamp", NULL) || left < 0)
            continue;
        if (left == 0)
            fake_api_drop(a, i);
        else
            json_object_set_new(annotations, "lingers", json_sprintf("%ld", left - 1));
    }
}

static inline char *fake_api_discovery(const struct fake_api *a)
{
    json_auto_t *list = json_pack("{s:s, s:[]}", "kind", "APIGroupDiscoveryList", "items");

    for (const struct fake_kind *k = a->kinds; k->kind; k++) {
        if (k->group[0])
            json_array_append_new(json_object_get(list, "items"),
                                  json_pack("{s:{s:s}, s:[{s:s, s:[{s:s, s:{s:s}, s:s}]}]}",
                                            "metadata", "name", k->group, "versions", "version",
                                            k->version, "resources", "resource", k->plural,
                                            "responseKind", "kind", k->kind, "scope",
                                            k->namespaced ? "Namespaced" : "Cluster"));
    }
    return json_dumps(list, JSON_COMPACT);
}

/* Which kind a path is about, with the namespace ("" for all) and the name ("" for a list). */
static inline const struct fake_kind *fake_api_route(const struct fake_api *a, const char *path,
                                                     char *ns, char *name, size_t size)
{
    for (const struct fake_kind *k = a->kinds; k->kind; k++) {
        char *base CLEANUP(mem_cleanup) = fake_api_base(k);
        const char *rest = path + strlen(base), *end;
        size_t n = strlen(k->plural);

        *ns = *name = '\0';
        if (strncmp(path, base, strlen(base)) != 0 || *rest++ != '/')
            continue;
        if (k->namespaced && !strncmp(rest, "namespaces/", 11) && (end = strchr(rest + 11, '/'))) {
            snprintf(ns, size, "%.*s", (int)(end - rest - 11), rest + 11);
            rest = end + 1;
        }
        if (strncmp(rest, k->plural, n) != 0 || (rest[n] && rest[n] != '/') ||
            (rest[n] && strchr(rest + n + 1, '/')))
            continue;
        if (rest[n])
            snprintf(name, size, "%s", rest + n + 1);
        return k;
    }
    return NULL;
}

static inline bool fake_api_is(const json_t *object, const struct fake_kind *k, const char *ns,
                               const char *name)
{
    return !strcmp(gvk_of(object).kind, k->kind) && !strcmp(gvk_of(object).group, k->group) &&
           (!*ns || !strcmp(fake_api_meta(object, "namespace"), ns)) &&
           (!*name || !strcmp(fake_api_meta(object, "name"), name));
}

static inline void fake_api_delete(struct fake_api *a, size_t i)
{
    json_t *object = json_array_get(a->objects, i);

    fake_api_say(a, "delete", object);
    json_object_set_new(json_object_get(object, "metadata"), "deletionTimestamp",
                        json_string("2026-01-01T00:00:00Z"));
    if (!krm_str(object, "metadata", "annotations", "lingers", NULL)[0])
        fake_api_drop(a, i);
}

/* The only patch that is understood. */
static inline void fake_api_release(struct fake_api *a, json_t *object)
{
    fake_api_say(a, "release", object);
    json_object_del(krm_get(object, "metadata", "labels", NULL), APPLYSET_MEMBER_LABEL);
}

static inline char *fake_api_failure(const char *reason)
{
    return mem_printf("{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"%s\"}", reason);
}

static inline bool fake_api_refuses(const char *method, const json_t *object)
{
    return !strcmp(method, "PATCH") &&
           krm_get(object, "metadata", "annotations", "refuses", NULL) != NULL;
}

/* The answer to a request about one kind, with its status. */
static inline char *fake_api_do(struct fake_api *a, const char *method, const struct fake_kind *k,
                                const char *ns, const char *name, int *status)
{
    json_auto_t *list = json_pack("{s:s, s:{s:s}, s:[]}", "kind", "List", "metadata",
                                  "resourceVersion", "1", "items");
    json_t *object;
    size_t i;

    if (!strcmp(method, "GET"))
        fake_api_work(a);
    json_array_foreach (a->objects, i, object) {
        if (!fake_api_is(object, k, ns, name))
            continue;
        if (!*name) {
            json_array_append(json_object_get(list, "items"), object);
            continue;
        }
        if (fake_api_refuses(method, object)) {
            *status = 403;
            return fake_api_failure("Forbidden");
        }
        json_incref(object);
        json_array_append_new(json_object_get(list, "items"), object);
        if (!strcmp(method, "DELETE"))
            fake_api_delete(a, i);
        else if (!strcmp(method, "PATCH"))
            fake_api_release(a, object);
        return json_dumps(object, JSON_COMPACT);
    }
    if (!*name)
        return json_dumps(list, JSON_COMPACT);
    *status = 404;
    return fake_api_failure("NotFound");
}

static inline void fake_api_serve(struct fake_conn *c, const struct fake_request *req, void *user)
{
    struct fake_api *a = user;
    char *path CLEANUP(mem_cleanup) = mem_strndup(req->path, strcspn(req->path, "?"));
    char *answer CLEANUP(mem_cleanup) = NULL;
    char ns[128], name[128];
    int status = 200;
    const struct fake_kind *k = fake_api_route(a, path, ns, name, sizeof(ns));

    pthread_mutex_lock(&a->lock);
    if (!strcmp(path, "/apis"))
        answer = fake_api_discovery(a);
    else if (!strcmp(path, "/api"))
        answer = mem_strdup("{\"kind\":\"APIGroupDiscoveryList\",\"items\":[]}");
    else if (k)
        answer = fake_api_do(a, req->method, k, ns, name, &status);
    else
        status = 404;
    pthread_mutex_unlock(&a->lock);
    if (!answer)
        answer = fake_api_failure("NotFound");
    fake_reply(c, status, "Content-Type: application/json\r\n", answer);
}

/* kinds must live as long; objects: YAML documents. */
static inline struct fake_api *fake_api_new(const struct fake_kind *kinds, const char *objects)
{
    struct fake_api *a = mem_calloc(1, sizeof(*a));
    struct err err = ERR_INIT;
    json_t *object;
    size_t i;

    pthread_mutex_init(&a->lock, NULL);
    buf_init(&a->log, BUF_MAX_TEXT);
    a->kinds = kinds;
    ck_assert_msg(!yaml_parse_all(objects, strlen(objects), "objects", &a->objects, &err), "%s",
                  err_msg(&err));
    json_array_foreach (a->objects, i, object)
        json_object_set_new(json_object_get(object, "metadata"), "uid",
                            json_string(fake_api_meta(object, "name")));
    a->server = fake_server_new(fake_api_serve, a, NULL, NULL, 0);
    a->client = fake_client_new(a->server, 0);
    return a;
}

static inline void fake_api_free(struct fake_api *a)
{
    kube_client_free(a->client);
    fake_server_free(a->server);
    json_decref(a->objects);
    buf_done(&a->log);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Members of a set, key -> metadata, as kube_remove takes them. New reference. */
static inline json_t *fake_api_members(struct fake_api *a, const char *set_id)
{
    json_t *out = json_object(), *object;
    size_t i;

    json_array_foreach (a->objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (!strcmp(krm_str(object, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL), set_id))
            json_object_set_new(out, key, json_deep_copy(object));
    }
    return out;
}

#endif
