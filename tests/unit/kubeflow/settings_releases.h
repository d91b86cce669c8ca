/* Releases rendered with settings, where they can be had. Header-only because each test is one
 * program. */
#ifndef TESTS_SETTINGS_RELEASES_H
#define TESTS_SETTINGS_RELEASES_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/manifests.h"
#include "tests/unit/kubeflow/settings_cases.h"

static struct source_cache *releases_cache;

/* Beside the repository, then where the environment says. */
static inline const char *releases_with_neighbour(const char *name)
{
    static const char neighbour[] = "../shared/manifests";

    if (strcmp(name, "KUBEFLOW_MANIFESTS_MIRROR") != 0)
        return NULL;
    return !access(neighbour, R_OK) ? neighbour : getenv(name);
}

static inline void releases_setup(void)
{
    struct source_cache_options o = {"", true, NULL, releases_with_neighbour};

    releases_cache = source_cache_new(&o, NULL);
    ck_assert_ptr_nonnull(releases_cache);
}

static inline void releases_teardown(void)
{
    source_cache_free(releases_cache);
}

static inline const struct catalog_release *releases_at(int i)
{
    size_t len;
    const struct catalog_release *r = &catalog_releases(&len)[i];
    struct source_spec spec = {.release = r->name};
    const struct source *s;

    if (!source_open(releases_cache, &spec, NULL, &s, NULL))
        return r;
    ck_assert_msg(!getenv("CI"), "release %s isn't at hand", r->name);
    printf("release %s isn't at hand: what settings make of it isn't checked\n", r->name);
    return NULL;
}

/* The release of that name. */
static inline const struct catalog_release *releases_named(const char *name)
{
    size_t len;

    return releases_at((int)(catalog_release(name) - catalog_releases(&len)));
}

/* All components of a release that go together. */
static inline json_t *releases_components(const struct catalog_release *r)
{
    json_t *out = json_array();

    for (size_t i = 0; i < r->ncomponents; i++) {
        if (strcmp(r->components[i].name, "trainer-v2-preview") != 0)
            json_array_append_new(out, json_string(r->components[i].name));
    }
    return out;
}

/* The objects of what the request says. */
static inline json_t *releases_render_request(const struct manifests_request *request)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct manifests m = {0};
    const char *attribute = NULL;
    json_t *objects;

    ck_assert_msg(!manifests_render(releases_cache, request, NULL, &m, &attribute, &err), "%s: %s",
                  attribute ? attribute : "", err_msg(&err));
    objects = json_incref(m.objects);
    manifests_done(&m);
    return objects;
}

static inline json_t *releases_render(const struct catalog_release *r, enum catalog_target target,
                                      const json_t *components, const json_t *values)
{
    struct settings s = {
        .release = r, .target = target, .components = components, .values = values};

    return releases_render_request(&(struct manifests_request){.settings = &s});
}

static inline json_t *releases_find(const json_t *objects, const char *kind, const char *namespace,
                                    const char *name)
{
    json_t *object = settings_find(objects, kind, namespace, name);

    ck_assert_msg(object != NULL, "%s %s", kind, name);
    return object;
}

/* The first whose name begins so: those of a generator end in a hash. */
static inline json_t *releases_find_generated(const json_t *objects, const char *kind,
                                              const char *beginning)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, kind) &&
            !strncmp(krm_str(object, "metadata", "name", NULL), beginning, strlen(beginning)))
            return object;
    }
    ck_abort_msg("no %s %s", kind, beginning);
    return NULL;
}

static inline void settings_assert_same(const json_t *got, const char *want)
{
    json_auto_t *wanted = settings_json(want);
    char *text CLEANUP(mem_cleanup) = json_dumps(got, JSON_ENCODE_ANY);

    ck_assert_msg(json_equal(got, wanted), "%s isn't %s", text ? text : "nothing", want);
}

#endif
