/* Components of real releases, where they are at hand, rendered with settings: for tests. */
#ifndef TESTS_RELEASES_H
#define TESTS_RELEASES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resources/kubeflow/catalog.h"
#include "resources/kubeflow/settings.h"
#include "resources/kubeflow/source.h"

/* Beside the repository, then where the environment says. */
static inline const char *releases_neighbour(const char *name)
{
    static const char neighbour[] = "../shared/manifests";

    if (strcmp(name, "KUBEFLOW_MANIFESTS_MIRROR") != 0)
        return NULL;
    return !access(neighbour, R_OK) ? neighbour : getenv(name);
}

struct releases_run {
    const struct settings *settings;
    const char *component;
};

static inline int releases_adjust(void *arg, json_t *objects, struct err *err)
{
    const struct releases_run *r = arg;
    const char *attribute;

    return settings_adjust(r->settings, r->component, objects, &attribute, err);
}

/* The objects of a component with the settings, NULL when the release isn't at hand. */
static inline json_t *releases_render(const struct settings *s, const char *component)
{
    struct source_cache_options options = {"", true, NULL, releases_neighbour};
    struct source_spec spec = {.release = s->release->name};
    struct source_cache *cache = source_cache_new(&options, NULL);
    struct releases_run run = {s, component};
    struct kustomize_options o = {.adjust = releases_adjust, .adjust_arg = &run};
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct source_resolver resolver;
    const struct source *source = NULL;
    const char *attribute;
    json_t *objects = NULL;
    int rc;

    ck_assert_ptr_nonnull(cache);
    if (source_open(cache, &spec, NULL, &source, NULL)) {
        printf("release %s isn't at hand: %s isn't checked\n", s->release->name, component);
        source_cache_free(cache);
        return NULL;
    }
    source_resolver_init(&resolver, cache, NULL);
    o.loader = source->loader;
    o.path = catalog_component(s->release, component)->path[s->target];
    o.resolver = &resolver.resolver;
    rc = kustomize_build(&o, &objects, &err);
    if (!rc)
        rc = settings_finish(s, component, objects, &attribute, &err);
    ck_assert_msg(!rc, "%s: %s: %s", s->release->name, component, err_msg(&err));
    source_resolver_done(&resolver);
    source_cache_free(cache);
    return objects;
}

#endif
