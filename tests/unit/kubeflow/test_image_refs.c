/* Which words are images, and what moves to mirrors. What of it is in releases: test_settings.c. */
#include <stdlib.h>

#include "resources/kubeflow/image_refs.h"
#include "resources/kubeflow/rewrite.h"
#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define DIGEST "sha256:89e6f90141f1b63405883fbb4de0d3b6d80f8b77e530904c4d29bdcd1dc5a167"

/* With docker.io/ at h/d/, gcr.io/ at h/g/ and gcr.io/istio-release/ at h/i/. */
static const struct {
    const char *name, *from, *to; /* the name says what the string is a member as */
} texts[] = {
    /* fields */
    {"image", "mysql", "h/d/library/mysql"},
    {"image", "mysql:8.0", "h/d/library/mysql:8.0"},
    {"image", "kserve/agent", "h/d/kserve/agent"},
    {"image", "gcr.io/x/y:1", "h/g/x/y:1"},
    {"image", "quay.io/x/y:1", "quay.io/x/y:1"},
    {"image", "localhost/x:1", "localhost/x:1"},
    {"image", "gcr.iox/y:1", "gcr.iox/y:1"},

    /* whole forms, anywhere */
    {"x", "kserve/agent:v0.15.2", "h/d/kserve/agent:v0.15.2"},
    {"x", "gcr.io/a.b/c/d@" DIGEST, "h/g/a.b/c/d@" DIGEST},
    {"x", "gcr.io/a/b:1@" DIGEST, "h/g/a/b:1@" DIGEST},
    {"x", "- a/b:1\n- 'c/d:2',\"e/f:3\"\n", "- h/d/a/b:1\n- 'h/d/c/d:2',\"h/d/e/f:3\"\n"},
    {"x", "a/b", "a/b"},
    {"x", "A/b:1", "A/b:1"},
    {"x", "a/b:", "a/b:"},
    {"x", "a//b:1", "a//b:1"},
    {"x", "/a/b:1", "/a/b:1"},
    {"x", "a/b:1:2", "a/b:1:2"},
    {"x", "a/b@sha256:12", "a/b@sha256:12"},
    {"x", "mysql:3306", "mysql:3306"},
    {"x", "https://gcr.io/x/y:1", "https://gcr.io/x/y:1"},
    {"x", "http://minio/x:9000", "http://minio/x:9000"},

    /* after a name that says so */
    {"cacheImage", "busybox:1", "h/d/library/busybox:1"},
    {"TENSORBOARD_IMAGE", "tensorflow/tensorflow", "h/d/tensorflow/tensorflow"},
    {"cacheImage", "busybox", "busybox"},
    {"cacheImages", "a/b", "a/b"},
    {"x", "--solver-image=a/b", "--solver-image=h/d/a/b"},
    {"x", "{\"image\" : \"a/b\", \"tag\": \"c/d\"}", "{\"image\" : \"h/d/a/b\", \"tag\": \"c/d\"}"},
    {"x", "image: busybox:1.28 # x", "image: h/d/library/busybox:1.28 # x"},
    {"x", "image:\n  a/b", "image:\n  a/b"},
    {"x", "image: \"{{ .ProxyImage }}\"", "image: \"{{ .ProxyImage }}\""},
    {"x", "\"image\": \"proxyv2\"", "\"image\": \"proxyv2\""},
    {"x", "os.environ.get(\"FRONTEND_IMAGE\", \"gcr.io/a/b\")",
     "os.environ.get(\"FRONTEND_IMAGE\", \"h/g/a/b\")"},

    /* what begins as one */
    {"x", "\"hub\": \"gcr.io/istio-release\",", "\"hub\": \"h/i\","},
    {"x", "gcr.io/istio-releases", "h/g/istio-releases"},
    {"x", "f\"gcr.io/a/b:{tag}\"", "f\"h/g/a/b:{tag}\""},
    {"x", "gcr.io", "gcr.io"},
    {"x", "docker.io/", "h/d/"},
    {"x", "networking.istio.io/v1", "networking.istio.io/v1"},
};

static json_t *mirrors(void)
{
    return settings_json(
        "{'docker.io/': 'h/d/', 'gcr.io/': 'h/g/', 'gcr.io/istio-release/': 'h/i/'}");
}

START_TEST(moves_what_is_an_image)
{
    json_auto_t *all = mirrors();
    json_auto_t *object =
        json_pack("{s:s, s:{s:s}}", "kind", "ConfigMap", "data", texts[_i].name, texts[_i].from);
    const char *got;

    rewrite_images(object, all);
    got = json_string_value(json_object_get(json_object_get(object, "data"), texts[_i].name));
    ck_assert_msg(!strcmp(got, texts[_i].to), "%s: %s", texts[_i].from, got);
}
END_TEST

/* Whether prefixes end in a slash is a matter of taste. */
START_TEST(one_slash_stays_one)
{
    static const char *const pairs[] = {"{'docker.io/': 'h/d/'}", "{'docker.io/': 'h/d'}",
                                        "{'docker.io': 'h/d/'}", "{'docker.io': 'h/d'}"};
    json_auto_t *pair = settings_json(pairs[_i]);
    json_auto_t *object =
        settings_json("{'kind': 'Pod', 'spec': [{'image': 'a/b:1'}, 'docker.io/a']}");
    json_auto_t *want = settings_json("{'kind': 'Pod', 'spec': [{'image': 'h/d/a/b:1'}, 'h/d/a']}");

    rewrite_images(object, pair);
    ck_assert(json_equal(object, want));
}
END_TEST

START_TEST(knows_variables_and_arguments)
{
    json_auto_t *all = mirrors();
    json_auto_t *object = settings_json(
        "{'kind': 'Deployment', 'metadata': {'annotations': {'a': 'gcr.io/x/y:1'}}, 'spec': "
        "{'env': [{'name': 'A_IMAGE', 'value': 'a/b'}, {'name': 'B', 'value': 'a/b'}], 'args': "
        "['--image', 'a/b', '--path', 'a/b'], 'template': {'metadata': {'annotations': "
        "{'sidecar.istio.io/proxyImage': 'gcr.io/x/y:1'}}}}}");
    json_auto_t *want = settings_json(
        "{'kind': 'Deployment', 'metadata': {'annotations': {'a': 'gcr.io/x/y:1'}}, 'spec': "
        "{'env': [{'name': 'A_IMAGE', 'value': 'h/d/a/b'}, {'name': 'B', 'value': 'a/b'}], 'args': "
        "['--image', 'h/d/a/b', '--path', 'a/b'], 'template': {'metadata': {'annotations': "
        "{'sidecar.istio.io/proxyImage': 'h/g/x/y:1'}}}}}");

    rewrite_images(object, all);
    ck_assert(json_equal(object, want));
}
END_TEST

START_TEST(leaves_alone_what_it_must)
{
    static const char *const objects[] = {
        "{'kind': 'Secret', 'stringData': {'image': 'gcr.io/x/y:1'}}",
        "{'kind': 'CustomResourceDefinition', 'spec': {'image': 'gcr.io/x/y:1'}}",
        "{'kind': 'ConfigMap', 'data': {'_example': 'gcr.io/x/y:1'}}",
    };
    json_auto_t *object = settings_json(objects[_i]), *before = json_deep_copy(object);
    json_auto_t *all = mirrors(), *list = json_pack("[O]", object), *images = images_of(list);

    rewrite_images(object, all);
    ck_assert(json_equal(object, before));
    ck_assert_uint_eq(json_array_size(images), 0);
}
END_TEST

START_TEST(too_long_words_are_no_images)
{
    char *word CLEANUP(mem_cleanup) = mem_alloc(IMAGE_REF_MAX + 2);
    json_auto_t *object = NULL, *before = NULL, *all = mirrors();

    memset(word, 'a', IMAGE_REF_MAX + 1);
    memcpy(word, "gcr.io/", strlen("gcr.io/"));
    word[IMAGE_REF_MAX + 1] = '\0';
    object = json_pack("{s:s, s:[s]}", "kind", "X", "x", word);
    before = json_deep_copy(object);
    rewrite_images(object, all);
    ck_assert(json_equal(object, before));
    word[IMAGE_REF_MAX] = '\0';
    json_array_set_new(json_object_get(object, "x"), 0, json_string(word));
    rewrite_images(object, all);
    ck_assert(!strncmp(json_string_value(json_array_get(json_object_get(object, "x"), 0)), "h/g/",
                       strlen("h/g/")));
}
END_TEST

START_TEST(lists_images)
{
    json_auto_t *objects = settings_json(
        "[{'kind': 'Pod', 'spec': {'containers': [{'image': 'mysql'}, {'image': 'a/b:1'}]}},"
        " {'kind': 'ConfigMap', 'data': {'x': 'docker.io/a/b:1 gcr.io/hub quay.io/c/d:2'}},"
        " {'kind': 'ConfigMap', 'metadata': {'name': 'istio-sidecar-injector'}, 'data': {'values': "
        "'{\\'global\\': {\\'hub\\': \\'gcr.io/istio\\', \\'tag\\': \\'1.2\\', \\'proxy\\': "
        "{\\'image\\': \\'proxyv2\\'}}}'}}]");
    json_auto_t *want = settings_json("['docker.io/a/b:1', 'docker.io/library/mysql', "
                                      "'gcr.io/istio/proxyv2:1.2', 'quay.io/c/d:2']");
    json_auto_t *images = images_of(objects);
    char *got CLEANUP(mem_cleanup) = json_dumps(images, 0);

    ck_assert_msg(json_equal(images, want), "%s", got);
}
END_TEST

/* --- image_mirrors ------------------------------------------------------------------------------ */

#define M(x) "{'image_mirrors': {" x "}}"

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", M("'docker.io/': 'r.example.com:5000/hub/', 'ghcr.io/kubeflow': 'r/kf'"), NULL},
    {NULL, "[]", M("'': 'r/'"), "isn't a pair of image prefixes"},
    {NULL, "[]", M("'docker.io/': ''"), "isn't a pair of image prefixes"},
    {NULL, "[]", M("'docker.io/': 'https://r/'"), "without https://"},
    {NULL, "[]", M("'https://docker.io/': 'r/'"), "without https://"},
    {NULL, "[]", M("'docker.io/': 'r x/'"), "isn't a pair of image prefixes"},
    {NULL, "[]", M("'docker.io/': 'r.example', 'docker.io': 'r.example/'"), NULL},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", images_check);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/image_refs");
    TCase *t = tcase_create("images");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, moves_what_is_an_image, 0, (int)ARRAY_LEN(texts));
    tcase_add_loop_test(t, one_slash_stays_one, 0, 4);
    tcase_add_test(t, knows_variables_and_arguments);
    tcase_add_loop_test(t, leaves_alone_what_it_must, 0, 3);
    tcase_add_test(t, too_long_words_are_no_images);
    tcase_add_test(t, lists_images);
    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
