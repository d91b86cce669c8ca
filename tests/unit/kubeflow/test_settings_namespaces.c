#include <stdlib.h>

#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define L(x) "{'namespace_labels': {" x "}}"

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", L(""), NULL},
    {NULL, "[]", L("'team': 'ml', 'example.com/cost-center': '4.2_a'"), NULL},
    {NULL, "[]", L("'team': ''"), NULL},
    {NULL, "[]", L("'pod-security.kubernetes.io/enforce': 'privileged'"), NULL},
    {NULL, "[]", L("'': 'x'"), "isn't a label"},
    {NULL, "[]", L("'a b': 'x'"), "isn't a label"},
    {NULL, "[]", L("'-a': 'x'"), "isn't a label"},
    {NULL, "[]", L("'a/b/c': 'x'"), "isn't a label"},
    {NULL, "[]", L("'/b': 'x'"), "isn't a label"},
    {NULL, "[]", L("'EXAMPLE.com/b': 'x'"), "isn't a label"},
    {NULL, "[]", L("'a': 'x y'"), "isn't a label"},
    {NULL, "[]", L("'a': '-x'"), "isn't a label"},
    {NULL, "[]", L("'a': 'a123456789b123456789c123456789d123456789e123456789f123456789abcd'"),
     "isn't a label"},
    {NULL, "[]", L("'kubernetes.io/metadata.name': 'x'"), "can't be set"},
    {NULL, "[]", L("'istio-injection': 'disabled'"), "which namespaces are in the mesh"},
    {NULL, "[]", L("'istio.io/rev': 'x'"), "can't be set"},
    {NULL, "[]", L("'control-plane': 'x'"), "KServe"},
    {NULL, "[]", L("'app.kubernetes.io/part-of': 'x'"), "can't be set"},
    {NULL, "[]", L("'katib.kubeflow.org/metrics-collector-injection': 'enabled'"), "can't be set"},
    {NULL, "[]", L("'applyset.kubernetes.io/part-of': 'x'"), "can't be set"},
    {NULL, "[]", L("'terraform-provider-kubeflow/x': 'x'"), "this provider's own"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", namespaces_check);
}
END_TEST

START_TEST(namespaces_alone_are_changed)
{
    json_auto_t *values = settings_json(L("'a': 'mine', 'b': 'c'"));
    json_auto_t *objects =
        settings_json("[{'kind': 'Namespace', 'metadata': {'name': 'x', 'labels': {'a': 'theirs', "
                      "'istio-injection': 'enabled'}}},"
                      " {'kind': 'Namespace', 'metadata': {'name': 'y'}},"
                      " {'kind': 'ConfigMap', 'metadata': {'name': 'z'}}]");
    json_auto_t *want =
        settings_json("[{'kind': 'Namespace', 'metadata': {'name': 'x', 'labels': {'a': 'mine', "
                      "'b': 'c', 'istio-injection': 'enabled'}}},"
                      " {'kind': 'Namespace', 'metadata': {'name': 'y', 'labels': {'a': 'mine', "
                      "'b': 'c'}}},"
                      " {'kind': 'ConfigMap', 'metadata': {'name': 'z'}}]");
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(namespaces_adjust(&s, objects, NULL), 0);
    ck_assert(json_equal(objects, want));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_namespaces");
    TCase *t = tcase_create("namespace_labels");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, namespaces_alone_are_changed);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
