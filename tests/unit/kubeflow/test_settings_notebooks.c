#include <stdlib.h>

#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define C(x)  "{'culling': {" x "}}"
#define NEEDS "['notebook-controller']"

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", "{'culling': null}", NULL},
    {NULL, NEEDS, C("'enabled': true"), NULL},
    {NULL, NEEDS, C("'enabled': false, 'idle_minutes': null"), NULL},
    {NULL, NEEDS, C("'enabled': true, 'idle_minutes': 60, 'check_minutes': 5"), NULL},
    {NULL, NEEDS, C("'enabled': true, 'idle_minutes': 5, 'check_minutes': 5"), NULL},
    {NULL, "['pipelines']", C("'enabled': true"), "add it, or leave culling out"},
    {NULL, NEEDS, C("'enabled': true, 'idle_minutes': 0"), "culling.idle_minutes must be"},
    {NULL, NEEDS, C("'enabled': true, 'idle_minutes': 1.5"), "leave it out for 1440"},
    {NULL, NEEDS, C("'enabled': true, 'check_minutes': -1"), "culling.check_minutes must be"},
    {NULL, NEEDS, C("'enabled': true, 'check_minutes': 1e300"), "culling.check_minutes must be"},
    {NULL, NEEDS, C("'enabled': true, 'idle_minutes': 5, 'check_minutes': 6"),
     "check_minutes (6) is longer than culling.idle_minutes (5)"},
    {NULL, NEEDS, C("'enabled': true, 'check_minutes': 1441"), "is longer than"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", culling_check);
}
END_TEST

#define MAP(data)                                                                                  \
    "[{'kind': 'ConfigMap', 'metadata': {'name': 'notebook-controller-config'}, 'data': {" data    \
    "}}]"

static const struct {
    const char *values, *want;
} changes[] = {
    {"{}", MAP("'ENABLE_CULLING': 'x', 'CLUSTER_DOMAIN': 'cluster.local'")},
    {C("'enabled': true, 'idle_minutes': 60, 'check_minutes': 5"),
     MAP("'ENABLE_CULLING': 'true', 'CULL_IDLE_TIME': '60', 'IDLENESS_CHECK_PERIOD': '5', "
         "'CLUSTER_DOMAIN': 'cluster.local'")},
    {C("'enabled': false"), MAP("'ENABLE_CULLING': 'false', 'CULL_IDLE_TIME': '1440', "
                                "'IDLENESS_CHECK_PERIOD': '1', 'CLUSTER_DOMAIN': 'cluster.local'")},
};

START_TEST(the_controller_is_told)
{
    json_auto_t *values = settings_json(changes[_i].values),
                *want = settings_json(changes[_i].want);
    json_auto_t *objects =
        settings_json(MAP("'ENABLE_CULLING': 'x', 'CLUSTER_DOMAIN': 'cluster.local'"));
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(culling_adjust(&s, objects, NULL), 0);
    ck_assert(json_equal(objects, want));
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *values = settings_json(C("'enabled': true")), *objects = json_array();
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(culling_adjust(&s, objects, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "ConfigMap notebook-controller-config"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_notebooks");
    TCase *t = tcase_create("culling");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(t, the_controller_is_told, 0, (int)ARRAY_LEN(changes));
    tcase_add_test(t, what_is_missing_is_named);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
