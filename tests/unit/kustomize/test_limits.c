/* What a render does with files that somebody made to hurt it: an error that names what is wrong,
 * soon, in little memory, with nothing secret in it. */
#include <check.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/krm/path.h"
#include "lib/kustomize/kustomize.h"

#include "lib/base/banned.h"

#define CONFIG_MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"

static struct loader *files;

static void start(void)
{
    files = loader_new_memory();
}

static void stop(void)
{
    loader_free(files);
}

static void add(const char *path, const char *text)
{
    ck_assert_int_eq(loader_add(files, path, text, strlen(text), NULL), 0);
}

static int build(json_t **ret_objects, struct err *err)
{
    struct kustomize_options options = {.loader = files, .path = ""};

    return kustomize_build(&options, ret_objects, err);
}

static UNUSED void refused(int code, const char *message)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *objects = NULL;
    int rc = build(&objects, &err);

    ck_assert_msg(rc == code, "%d: %s", rc, err_msg(&err));
    ck_assert_msg(strstr(err_msg(&err), message), "%s", err_msg(&err));
    ck_assert_ptr_null(objects);
}

/* --- schemas ------------------------------------------------------------------------------------- */

/* "#7" is what the renderer calls a type itself. */
START_TEST(schemas_have_no_types_of_strange_names)
{
    json_auto_t *objects = NULL;
    struct err err CLEANUP(err_done) = ERR_INIT;

    add("one.yaml", CONFIG_MAP);
    add("kustomization.yaml", "resources: [one.yaml, sub]\n");
    add("sub/schema.json",
        "{\"definitions\": {\"x\": {\n"
        "  \"x-kubernetes-group-version-kind\": [{\"group\": \"e\", \"version\": \"v1\", \"kind\": "
        "\"X\"}],\n"
        "  \"properties\": {\"spec\": {\"$ref\": "
        "\"#/definitions/io.k8s.api.#4000000000000\"}}}}}\n");
    add("sub/x.yaml", "apiVersion: e/v1\nkind: X\nmetadata: {name: x}\nspec: {a: {b: 1}}\n");
    add("sub/kustomization.yaml", "openapi: {path: schema.json}\n"
                                  "resources: [x.yaml]\n"
                                  "patches:\n"
                                  "- patch: |\n"
                                  "    apiVersion: e/v1\n"
                                  "    kind: X\n"
                                  "    metadata: {name: x}\n"
                                  "    spec: {a: {b: 2}}\n");
    ck_assert_msg(!build(&objects, &err), "%s", err_msg(&err));
    ck_assert_int_eq(
        json_integer_value(krm_get(json_array_get(objects, 1), "spec", "a", "b", NULL)), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, schemas_have_no_types_of_strange_names);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
