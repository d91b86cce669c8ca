/* Images of releases: what is found of them, what is gone, what moves to mirrors. Which words are images
 * at all: test_image_refs.c. */
#include "lib/kube/applyset.h"
#include "resources/kubeflow/image_refs.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

/* All registries that the releases pull from; the last part of a mirror says which it is for. */
static const char *const registries[] = {
    "docker.io/", "gcr.io/",         "ghcr.io/",         "mcr.microsoft.com/",          "nvcr.io/",
    "quay.io/",   "public.ecr.aws/", "registry.k8s.io/", "us-central1-docker.pkg.dev/",
};

static json_t *all_mirrors(void)
{
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(registries); i++)
        json_object_set_new(out, registries[i], json_sprintf("mirror.test/%s", registries[i]));
    return out;
}

/* Images that each release names in places where kustomize's `images` doesn't look. */
static const struct {
    const char *release; /* NULL = all */
    const char *beginning;
} hidden[] = {
    {NULL, "quay.io/jetstack/cert-manager-acmesolver:v1."},
    {NULL, "docker.io/library/busybox:1.28"},
    {NULL, "gcr.io/knative-releases/knative.dev/serving/cmd/queue@sha256:"},
    {NULL, "gcr.io/knative-releases/knative.dev/eventing/cmd/apiserver_receive_adapter@sha256:"},
    {NULL, "docker.io/kserve/agent:v0."},
    {NULL, "docker.io/kserve/router:v0."},
    {NULL, "docker.io/kserve/storage-initializer:v0."},
    {NULL, "docker.io/kserve/art-explainer"},
    {NULL, "docker.io/kserve/sklearnserver:v0."},
    {NULL, "docker.io/tensorflow/tensorflow:2.5.1"},
    {NULL, "docker.io/filebrowser/filebrowser:v2.25.0"},
    {"1.9.1", "docker.io/istio/proxyv2:1.22.1"},
    {"1.10.2", "gcr.io/istio-release/proxyv2:1.26.1"},
    {"1.11.0", "gcr.io/istio-release/proxyv2:1.28.0"},
    {"26.03", "gcr.io/istio-release/proxyv2:1.29.0"},
    {"1.9.1", "docker.io/kubeflownotebookswg/jupyter-scipy:v1.9.2"},
    {"26.03", "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0"},
    {"1.9.1", "docker.io/kubeflowkatib/suggestion-optuna:v0.17.0"},
    {"26.03", "ghcr.io/kubeflow/katib/suggestion-optuna:v0.19.0"},
    {"26.03", "ghcr.io/kubeflow/katib/enas-cnn-cifar10-cpu:v0.19.0"},
    {"1.9.1", "gcr.io/ml-pipeline/argoexec:v3.4.17-license-compliance"},
    {"1.10.2", "quay.io/argoproj/argoexec:v3.5.14"},
    {"26.03", "quay.io/argoproj/argoexec:v3.7.3"},
    {"1.9.1", "gcr.io/google-containers/busybox"},
    {"26.03", "ghcr.io/containerd/busybox"},
    {"1.10.2", "ghcr.io/kubeflow/kfp-launcher:2.5.0"},
    {"26.03", "ghcr.io/kubeflow/kfp-driver:2.16.0"},
    {"26.03", "pytorch/pytorch"},
    {"26.03", "gcr.io/knative-releases/aws-s3-source@sha256:"},
};

/* What was gone is replaced: no release without. */
static const struct {
    const char *release, *gone, *instead;
} gone[] = {
    {"1.9.1", "gcr.io/ml-pipeline/minio", "docker.io/minio/minio:RELEASE.2019-08-14T20-37-41Z"},
    {"1.9.1", "gcr.io/kubebuilder/", "quay.io/brancz/kube-rbac-proxy:v0.8.0"},
    {"1.9.1", "gcr.io/kubebuilder/", "quay.io/brancz/kube-rbac-proxy:v0.13.1"},
    {"1.10.2", "gcr.io/ml-pipeline/minio", "docker.io/minio/minio:RELEASE.2019-08-14T20-37-41Z"},
    {"1.11.0", "us-central1-docker.pkg.dev/", "registry.k8s.io/jobset/jobset:v0.10.1"},
    {"26.03", "us-central1-docker.pkg.dev/", "registry.k8s.io/jobset/jobset:v0.10.1"},
};

static bool is_listed(const json_t *images, const char *beginning)
{
    const json_t *image;
    size_t i;

    json_array_foreach (images, i, image) {
        if (strstr(json_string_value(image), beginning))
            return true;
    }
    return false;
}

static void check_plain(const struct catalog_release *r, const json_t *images)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        ck_assert_msg((hidden[i].release && strcmp(hidden[i].release, r->name) != 0) ||
                          is_listed(images, hidden[i].beginning),
                      "%s: %s", r->name, hidden[i].beginning);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        if (strcmp(gone[i].release, r->name) != 0)
            continue;
        ck_assert_msg(!is_listed(images, gone[i].gone), "%s: %s", r->name, gone[i].gone);
        ck_assert_msg(is_listed(images, gone[i].instead), "%s: %s", r->name, gone[i].instead);
    }
}

/* Each image of before is now at its mirror, and there is no other. */
static void check_moved(const json_t *before, const json_t *after)
{
    json_auto_t *want = json_array(), *sorted = NULL;
    const json_t *image;
    char *got CLEANUP(mem_cleanup) = json_dumps(after, JSON_INDENT(1));
    char *wanted CLEANUP(mem_cleanup) = NULL;
    size_t i;

    json_array_foreach (before, i, image)
        json_array_append_new(want, json_sprintf("mirror.test/%s", json_string_value(image)));
    sorted = applyset_union(want, NULL);
    wanted = json_dumps(sorted, JSON_INDENT(1));
    ck_assert_str_eq(got, wanted);
}

/* Whether a text names a registry where its mirror should stand; an address of a page doesn't. */
static bool names_registry(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(registries); i++) {
        const char *at = text;

        while ((at = strstr(at, registries[i]))) {
            char *before CLEANUP(mem_cleanup) = mem_strndup(text, (size_t)(at - text));
            size_t n = strlen(before);
            bool inside = n && (before[n - 1] == '.' || before[n - 1] == '-');

            if (!inside && (n < 2 || strcmp(before + n - 2, "//") != 0) &&
                (n < 12 || strcmp(before + n - 12, "mirror.test/") != 0))
                return true;
            at++;
        }
    }
    return false;
}

/* By another way than the one that is tested: every string, whatever it is. */
static void check_strings(const json_t *object, json_t *node, const char *key)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_string(node))
        ck_assert_msg(!names_registry(json_string_value(node)), "%s %s, %s: %s",
                      gvk_of(object).kind, krm_str(object, "metadata", "name", NULL), key,
                      json_string_value(node));
    json_array_foreach (node, i, member)
        check_strings(object, member, key);
    json_object_foreach (node, name, member) {
        if (strcmp(name, "_example") != 0)
            check_strings(object, member, name);
    }
}

static void check_nothing_left(const json_t *objects)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (strcmp(gvk_of(object).kind, "CustomResourceDefinition") != 0)
            check_strings(object, object, "");
    }
}

/* A ConfigMap with other images has another name, and who reads it follows. */
static void check_followed(const json_t *before, const json_t *after)
{
    const char *was =
        krm_str(releases_find_generated(before, "ConfigMap", "jupyter-web-app-config-"), "metadata",
                "name", NULL);
    const char *is = krm_str(releases_find_generated(after, "ConfigMap", "jupyter-web-app-config-"),
                             "metadata", "name", NULL);
    char *deployment CLEANUP(mem_cleanup) =
        json_dumps(releases_find(after, "Deployment", "kubeflow", "jupyter-web-app-deployment"), 0);

    ck_assert_str_ne(was, is);
    ck_assert(strstr(deployment, is) && !strstr(deployment, was));
}

/* Knative refuses a ConfigMap whose example isn't the one that its annotation is about. */
static void check_example(const json_t *before, const json_t *after)
{
    const json_t *a = releases_find(before, "ConfigMap", "knative-serving", "config-deployment");
    const json_t *b = releases_find(after, "ConfigMap", "knative-serving", "config-deployment");

    ck_assert_str_eq(krm_str(a, "data", "_example", NULL), krm_str(b, "data", "_example", NULL));
    ck_assert_str_ne(krm_str(a, "data", "queue-sidecar-image", NULL),
                     krm_str(b, "data", "queue-sidecar-image", NULL));
}

START_TEST(every_image_moves)
{
    const struct catalog_release *r = releases_at(_i);
    json_auto_t *components = r ? releases_components(r) : NULL, *none = json_object();
    json_auto_t *values = json_pack("{s:o}", "image_mirrors", all_mirrors());
    json_auto_t *before = NULL, *after = NULL, *images = NULL, *moved = NULL;

    if (!r)
        return;
    before = releases_render(r, CATALOG_GKE, components, none);
    after = releases_render(r, CATALOG_GKE, components, values);
    images = images_of(before);
    moved = images_of(after);
    check_plain(r, images);
    check_moved(images, moved);
    check_nothing_left(after);
    check_followed(before, after);
    check_example(before, after);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_images");
    TCase *t = tcase_create("releases");
    SRunner *r = srunner_create(s);
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_set_timeout(t, 600);
    tcase_add_checked_fixture(t, releases_setup, releases_teardown);
    tcase_add_loop_test(t, every_image_moves, 0, (int)len);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
