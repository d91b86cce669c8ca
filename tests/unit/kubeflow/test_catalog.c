#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/graph.h"
#include "resources/kubeflow/catalog.h"
#include "resources/kubeflow/components.h"
#include "resources/kubeflow/source.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

START_TEST(finds_releases)
{
    static const char *const names[] = {"1.9.1", "1.10.2", "1.11.0", "26.03"};
    size_t len;
    const struct catalog_release *releases = catalog_releases(&len);

    ck_assert_uint_eq(len, ARRAY_LEN(names));
    for (size_t i = 0; i < len; i++) {
        ck_assert_str_eq(releases[i].name, names[i]);
        ck_assert_ptr_eq(catalog_release(names[i]), &releases[i]);
        ck_assert_ptr_eq(catalog_release(releases[i].tag), &releases[i]);
    }
    ck_assert_str_eq(catalog_release("1.10.2")->url,
                     "https://github.com/kubeflow/manifests/archive/refs/tags/v1.10.2.tar.gz");
    ck_assert_str_eq(catalog_release("26.03")->url,
                     "https://github.com/kubeflow/manifests/archive/refs/tags/26.03.tar.gz");
    ck_assert_ptr_null(catalog_release("v26.03"));
    ck_assert_ptr_null(catalog_release("1.10"));
    ck_assert_ptr_null(catalog_release(""));
    ck_assert_ptr_null(catalog_release(NULL));
}
END_TEST

START_TEST(finds_components)
{
    const struct catalog_release *r = catalog_release("1.10.2");
    const struct catalog_component *katib = catalog_component(r, "katib");

    ck_assert_ptr_nonnull(katib);
    ck_assert_str_eq(katib->version, "0.18.0");
    ck_assert_str_eq(katib->group, "app");
    ck_assert(katib->by_default);
    ck_assert_str_eq(katib->path[CATALOG_GENERIC],
                     "applications/katib/upstream/installs/katib-with-kubeflow");
    ck_assert_str_eq(katib->needs[0], "cert-manager");
    ck_assert_ptr_null(catalog_component(r, "trainer"));
    ck_assert_ptr_nonnull(catalog_component(catalog_release("26.03"), "trainer"));
    ck_assert_ptr_null(catalog_component(r, NULL));
    ck_assert(!catalog_component(r, "ray")->by_default);
}
END_TEST

START_TEST(targets)
{
    const struct catalog_component *istio =
        catalog_component(catalog_release("26.03"), "istio-install");
    const struct catalog_component *login =
        catalog_component(catalog_release("1.9.1"), "oauth2-proxy");

    ck_assert_int_eq(catalog_target("generic"), CATALOG_GENERIC);
    ck_assert_int_eq(catalog_target(NULL), CATALOG_GENERIC);
    ck_assert_int_eq(catalog_target("gke"), CATALOG_GKE);
    ck_assert_int_eq(catalog_target("eks"), CATALOG_EKS);
    ck_assert_int_eq(catalog_target("aks"), -1);
    ck_assert_str_eq(istio->path[CATALOG_GKE], "common/istio/istio-install/overlays/gke");
    ck_assert_str_eq(istio->path[CATALOG_EKS], istio->path[CATALOG_GENERIC]);
    ck_assert_str_eq(login->path[CATALOG_EKS], "common/oauth2-proxy/overlays/m2m-dex-and-eks");
    ck_assert_ptr_nonnull(catalog_patch(catalog_release("1.10.2"), "istio-install", CATALOG_GKE));
    ck_assert_ptr_null(catalog_patch(catalog_release("1.10.2"), "istio-install", CATALOG_EKS));
    ck_assert_ptr_null(catalog_patch(catalog_release("1.11.0"), "istio-install", CATALOG_GKE));
}
END_TEST

/* Position of a component in its release, or -1. */
static int position(const struct catalog_release *r, const char *name)
{
    const struct catalog_component *c = catalog_component(r, name);

    return c ? (int)(c - r->components) : -1;
}

START_TEST(rows_are_consistent)
{
    size_t len;
    const struct catalog_release *releases = catalog_releases(&len);

    for (size_t i = 0; i < len; i++) {
        const struct catalog_release *r = &releases[i];

        for (size_t k = 0; k < r->ncomponents; k++) {
            const struct catalog_component *c = &r->components[k];

            ck_assert_msg(position(r, c->name) == (int)k, "%s occurs twice", c->name);
            ck_assert_msg(*catalog_title(c->name), "%s has no title", c->name);
            for (int t = 0; t < CATALOG_TARGETS; t++)
                ck_assert_msg(c->path[t] && *c->path[t] && *c->path[t] != '/', "%s", c->name);
            for (size_t n = 0; c->needs[n]; n++) {
                int at = position(r, c->needs[n]);

                ck_assert_msg(at >= 0 && at < (int)k, "%s needs %s", c->name, c->needs[n]);
                ck_assert_msg(!c->by_default || r->components[at].by_default, "%s needs %s",
                              c->name, c->needs[n]);
            }
            for (size_t n = 0; c->runs_with[n]; n++)
                ck_assert_msg(position(r, c->runs_with[n]) >= 0, "%s runs with %s", c->name,
                              c->runs_with[n]);
        }
    }
    ck_assert_str_eq(catalog_title("nonsense"), "");
    ck_assert_str_eq(catalog_namespace("model-registry"), "kubeflow");
    ck_assert_ptr_null(catalog_namespace("katib"));
}
END_TEST

START_TEST(claims_and_images)
{
    static const char staging[] =
        "us-central1-docker.pkg.dev/k8s-staging-images/jobset/jobset:v0.10.1";
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        const struct catalog_release *r = catalog_release(claims[i].release);

        ck_assert_ptr_nonnull(r);
        ck_assert_msg(position(r, claims[i].component) >= 0, "%s", claims[i].component);
    }
    ck_assert_str_eq(catalog_image(catalog_release("26.03"), staging),
                     "registry.k8s.io/jobset/jobset:v0.10.1");
    ck_assert_ptr_null(catalog_image(catalog_release("1.10.2"), staging));
    ck_assert_str_eq(
        catalog_image(catalog_release("1.10.2"), "gcr.io/kubebuilder/kube-rbac-proxy:v0.13.1"),
        "quay.io/brancz/kube-rbac-proxy:v0.13.1");
    ck_assert_ptr_null(catalog_image(catalog_release("26.03"), "docker.io/library/mysql:8.4"));
}
END_TEST

START_TEST(what_is_no_name_is_no_component)
{
    struct err err CLEANUP(err_done) = ERR_INIT, again CLEANUP(err_done) = ERR_INIT;
    const struct catalog_release *r = catalog_release("26.03");
    json_auto_t *nulls = json_pack("[n]"), *one = json_pack("[s]", "katib");
    const char *attribute = NULL;
    json_t *components = NULL;

    ck_assert_int_eq(components_resolve(r, one, nulls, &components, &attribute, &err), ERR_INVALID);
    ck_assert_str_eq(attribute, "existing");
    ck_assert_int_eq(components_resolve(r, nulls, NULL, &components, &attribute, &again),
                     ERR_INVALID);
    ck_assert_str_eq(attribute, "components");
    ck_assert_ptr_null(components);
}
END_TEST

START_TEST(suggestions)
{
    static const struct {
        const char *wrong, *right;
    } cases[] = {
        {"katlib", "katib"},
        {"Katib", "katib"},
        {"pipeline", "pipelines"},
        {"dashboard", "central-dashboard"},
        {"certmanager", "cert-manager"},
        {"kserv", "kserve"},
        {"istio-instal", "istio-install"},
        {"zebra", NULL},
        {"", NULL},
    };
    const struct catalog_release *r = catalog_release("26.03");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = catalog_nearest_component(r, cases[i].wrong);

        ck_assert_msg(got ? cases[i].right && !strcmp(got, cases[i].right) : !cases[i].right,
                      "%s: %s", cases[i].wrong, got ? got : "none");
    }
    ck_assert_str_eq(catalog_nearest_release("1.10.1"), "1.10.2");
    ck_assert_str_eq(catalog_nearest_release("1.11"), "1.11.0");
    ck_assert_str_eq(catalog_nearest_release("26.3"), "26.03");
    ck_assert_ptr_null(catalog_nearest_release("latest"));
    ck_assert_ptr_null(catalog_nearest_release(NULL));
}
END_TEST

/* --- against the releases themselves ------------------------------------------------------------ */

static struct source_cache *cache;
static int cycles; /* that the graph had to break */

static void count_cycles(enum log_level level, const char *module, const char *message,
                         const struct log_field *fields, size_t nfields)
{
    (void)message;
    (void)fields;
    (void)nfields;
    cycles += level == LOG_WARN && !strcmp(module, "kube.graph");
}

static const struct source *source_of(const struct catalog_release *r)
{
    struct source_spec spec = {.release = r->name};
    const struct source *s = NULL;

    return source_open(cache, &spec, NULL, &s, NULL) ? NULL : s;
}

/* The objects of a directory; NULL and the reason on stderr when it can't be rendered. */
static json_t *render(const struct source *s, const char *path)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct source_resolver resolver;
    struct kustomize_options o = {
        .loader = s->loader, .path = path, .resolver = &resolver.resolver};
    json_t *objects = NULL;

    source_resolver_init(&resolver, cache, NULL);
    if (kustomize_build(&o, &objects, &err))
        fprintf(stderr, "%s: %s\n", path, err_msg(&err));
    source_resolver_done(&resolver);
    return objects;
}

static void add_ids(json_t *ids, const json_t *objects)
{
    const json_t *o;
    size_t i;

    json_array_foreach (objects, i, o) {
        struct buf key CLEANUP(buf_done) = BUF_INIT;
        struct resid id = resid_of(o);

        resid_key(&id, &key);
        json_object_set_new(ids, buf_str(&key), json_true());
    }
}

static void check_subset(const char *release, const char *what, const json_t *part, json_t *whole)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)part, key, value)
        ck_assert_msg(json_object_get(whole, key) != NULL, "%s: %s %s", release, key, what);
}

/* "Namespace/x" and "group/Kind" that objects bring, or use. */
static void add_brought(json_t *out, const json_t *objects)
{
    const json_t *o;
    size_t i;

    json_array_foreach (objects, i, o) {
        char *key CLEANUP(mem_cleanup) = NULL;
        const char *kind = gvk_of(o).kind;

        if (!strcmp(kind, "Namespace"))
            key = mem_printf("Namespace/%s", krm_str(o, "metadata", "name", NULL));
        else if (!strcmp(kind, "CustomResourceDefinition"))
            key = mem_printf("%s/%s", krm_str(o, "spec", "group", NULL),
                             krm_str(o, "spec", "names", "kind", NULL));
        if (key)
            json_object_set_new(out, key, json_true());
    }
}

static void check_used(const struct catalog_release *r, const struct catalog_component *c,
                       const json_t *objects, const json_t *brought)
{
    const json_t *o;
    size_t i;

    json_array_foreach (objects, i, o) {
        const char *ns = krm_str(o, "metadata", "namespace", NULL);
        char *space CLEANUP(mem_cleanup) = mem_printf("Namespace/%s", ns);
        char *kind CLEANUP(mem_cleanup) = mem_printf("%s/%s", gvk_of(o).group, gvk_of(o).kind);
        bool cluster = krm_scope_of(gvk_of(o).group, gvk_of(o).kind) == KRM_SCOPE_CLUSTER;

        ck_assert_msg(!*ns || cluster || !strcmp(ns, "kube-system") ||
                          json_object_get(brought, space),
                      "%s: %s uses %s", r->name, c->name, space);
        ck_assert_msg(kube_graph_phase(o) < 5 || json_object_get(brought, kind), "%s: %s uses %s",
                      r->name, c->name, kind);
    }
}

struct rendered {
    json_t *objects[64]; /* by component */
};

/* What a component and all that it needs bring. */
static void add_needed(const struct catalog_release *r, const struct rendered *all, int component,
                       json_t *brought)
{
    const struct catalog_component *c = &r->components[component];

    add_brought(brought, all->objects[component]);
    for (size_t n = 0; c->needs[n]; n++)
        add_needed(r, all, position(r, c->needs[n]), brought);
}

static void check_release(const struct catalog_release *r, const struct source *s)
{
    struct rendered all = {{NULL}};
    json_auto_t *example = render(s, "example"), *example_ids = json_object(), *ids = json_object();

    ck_assert_ptr_nonnull(example);
    ck_assert_uint_le(r->ncomponents, ARRAY_LEN(all.objects));
    for (size_t i = 0; i < r->ncomponents; i++) {
        const struct catalog_component *c = &r->components[i];
        json_auto_t *brought = json_object();

        all.objects[i] = render(s, c->path[CATALOG_GENERIC]);
        ck_assert_msg(json_array_size(all.objects[i]) > 0, "%s: %s is empty", r->name, c->name);
        for (int t = CATALOG_GKE; t < CATALOG_TARGETS; t++) {
            json_t *other = strcmp(c->path[t], c->path[CATALOG_GENERIC])
                                ? render(s, c->path[t])
                                : json_incref(all.objects[i]);

            ck_assert_uint_ge(json_array_size(other), json_array_size(all.objects[i]));
            json_decref(other);
        }
        add_needed(r, &all, (int)i, brought);
        check_used(r, c, all.objects[i], brought);
        if (c->by_default)
            add_ids(ids, all.objects[i]);
    }
    add_ids(example_ids, example);
    check_subset(r->name, "isn't in the example", ids, example_ids);
    check_subset(r->name, "of the example is in no component", example_ids, ids);
    for (size_t i = 0; i < r->ncomponents; i++)
        json_decref(all.objects[i]);
}

/* The patch that a release lacks for a target fits its objects: they render with it. */
static void check_patches(const struct catalog_release *r, const struct source *s)
{
    for (size_t i = 0; i < r->ncomponents * CATALOG_TARGETS; i++) {
        const struct catalog_component *c = &r->components[i / CATALOG_TARGETS];
        enum catalog_target target = (enum catalog_target)(i % CATALOG_TARGETS);
        const char *patch = catalog_patch(r, c->name, target);
        struct loader *memory CLEANUP(loader_cleanup) = loader_new_memory();
        struct loader *both CLEANUP(loader_cleanup) = loader_new_overlay(s->loader, memory);
        struct source over = {both, "", ""};
        char *overlay CLEANUP(mem_cleanup) =
            mem_printf("resources: ['../%s']\npatches: [{path: patch.yaml}]\n", c->path[target]);
        json_auto_t *patched = NULL, *plain = NULL;

        if (!patch)
            continue;
        ck_assert_int_eq(loader_add(memory, "o/kustomization.yaml", overlay, strlen(overlay), NULL),
                         0);
        ck_assert_int_eq(loader_add(memory, "o/patch.yaml", patch, strlen(patch), NULL), 0);
        patched = render(&over, "o");
        plain = render(s, c->path[target]);
        ck_assert_ptr_nonnull(patched);
        ck_assert_uint_eq(json_array_size(patched), json_array_size(plain));
        ck_assert_int_eq(json_equal(patched, plain), 0);
    }
}

/* Everything of the example can be sent in an order that the graph finds, when what was sent becomes
 * ready some time. */
static void check_graph(const struct catalog_release *r, const struct source *s)
{
    json_auto_t *example = render(s, "example");
    struct kube_graph *graph = kube_graph_new(example);
    int *taken = mem_calloc(json_array_size(example), sizeof(*taken));

    while (!kube_graph_all_applied(graph)) {
        int node, len = 0;

        while ((node = kube_graph_take(graph)) >= 0) {
            kube_graph_applied(graph, node);
            taken[len++] = node;
        }
        ck_assert_msg(len > 0, "%s: nothing can go on", r->name);
        while (len)
            kube_graph_ready(graph, taken[--len]);
    }
    free(taken);
    kube_graph_free(graph);
}

START_TEST(holds_for_the_release)
{
    size_t len;
    const struct catalog_release *r = &catalog_releases(&len)[_i];
    struct source_cache_options o = {"", true, NULL, releases_with_neighbour};
    const struct source *s;

    log_setup(LOG_WARN, count_cycles);
    cache = source_cache_new(&o, NULL);
    ck_assert_ptr_nonnull(cache);
    s = source_of(r);
    if (s) {
        check_release(r, s);
        check_patches(r, s);
        check_graph(r, s);
        ck_assert_int_eq(cycles, 0);
    } else {
        ck_assert_msg(!getenv("CI"), "release %s isn't at hand", r->name);
        printf("release %s isn't at hand: its catalog isn't checked\n", r->name);
    }
    source_cache_free(cache);
}
END_TEST

/* examples/sample, as kubectl kustomize renders it; its object comes after kind and webhook. */
START_TEST(holds_for_the_sample)
{
    struct source_cache_options o = {"", true, NULL, releases_with_neighbour};
    struct source_spec spec = {.path = "examples/sample"};
    json_auto_t *objects = NULL, *ids = json_object();
    struct kube_graph *graph;
    const struct source *s = NULL;
    int node, last = -1;

    log_setup(LOG_WARN, count_cycles);
    cache = source_cache_new(&o, NULL);
    ck_assert_int_eq(source_open(cache, &spec, NULL, &s, NULL), 0);
    objects = render(s, "example");
    ck_assert_uint_eq(json_array_size(objects), 14);
    add_ids(ids, objects);
    ck_assert_ptr_nonnull(
        json_object_get(ids, "ConfigMap/sample-system/widgets-config-9gcmktgb58"));
    graph = kube_graph_new(objects);
    for (int round = 0; !kube_graph_all_applied(graph) && round < 2; round++) {
        int taken[16], len = 0;

        while ((node = kube_graph_take(graph)) >= 0) {
            kube_graph_applied(graph, node);
            taken[len++] = last = node;
        }
        while (len)
            kube_graph_ready(graph, taken[--len]);
    }
    ck_assert(kube_graph_all_applied(graph));
    ck_assert_str_eq(gvk_of(json_array_get(objects, (size_t)last)).kind, "Widget");
    ck_assert_int_eq(cycles, 0);
    kube_graph_free(graph);
    source_cache_free(cache);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/catalog");
    TCase *t = tcase_create("core"), *whole = tcase_create("releases");
    SRunner *r = srunner_create(s);
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_add_test(t, finds_releases);
    tcase_add_test(t, finds_components);
    tcase_add_test(t, targets);
    tcase_add_test(t, rows_are_consistent);
    tcase_add_test(t, claims_and_images);
    tcase_add_test(t, what_is_no_name_is_no_component);
    tcase_add_test(t, suggestions);
    suite_add_tcase(s, t);
    tcase_set_timeout(whole, 300);
    tcase_add_test(whole, holds_for_the_sample);
    tcase_add_loop_test(whole, holds_for_the_release, 0, (int)len);
    suite_add_tcase(s, whole);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
