#include <stdlib.h>

#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define S(x)     "{'storage': {" x "}}"
#define SIZES(x) S("'sizes': {" x "}")
#define SOME     "['pipelines','katib']"

static const struct settings_case cases[] = {
    {NULL, SOME, "{}", NULL},
    {NULL, SOME, S(""), NULL},
    {NULL, SOME, S("'class_name': 'premium-rwo'"), NULL},
    {NULL, SOME, S("'class_name': ''"), "storage.class_name \"\""},
    {NULL, SOME, S("'class_name': 'Premium'"), "isn't the name of a StorageClass"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '50Gi', 'katib-mysql': '1.5Ti'"), NULL},
    {NULL, SOME, SIZES("'mysql-pv-claim': '0.5Gi'"), NULL},
    {NULL, SOME, SIZES("'mysql-pv-claim': '50000000000'"), NULL},
    {NULL, SOME, SIZES("'mysql-pv-claim': '50GiB'"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '50 Gi'"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '-1Gi'"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '0Gi'"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '0.0Gi'"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': ''"), "isn't a size"},
    {NULL, SOME, SIZES("'mysql-pv-claim': '1m'"), "isn't a size"},
    /* of another release, of a component that isn't chosen */
    {NULL, SOME, SIZES("'minio-pvc': '50Gi'"),
     "they have mysql-pv-claim, seaweedfs-pvc, katib-mysql"},
    {NULL, "['katib']", SIZES("'mysql-pv-claim': '50Gi'"), "they have katib-mysql"},
    {NULL, "['dex']", SIZES("'mysql-pv-claim': '50Gi'"), "they have none"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", storage_check);
}
END_TEST

START_TEST(claims_and_templates_are_changed)
{
    json_auto_t *values = settings_json(S("'class_name': 'c', 'sizes': {'a': '2Gi', 'b': '3Gi'}"));
    json_auto_t *objects = settings_json(
        "[{'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'a'}, 'spec': {'accessModes': "
        "['x'], 'resources': {'requests': {'storage': '1Gi'}}}},"
        " {'kind': 'StatefulSet', 'metadata': {'name': 'a'}, 'spec': {'volumeClaimTemplates': "
        "[{'metadata': {'name': 'b'}}]}},"
        " {'kind': 'StatefulSet', 'metadata': {'name': 'c'}, 'spec': {'volumeClaimTemplates': []}},"
        " {'kind': 'Deployment', 'metadata': {'name': 'a'}, 'spec': {}}]");
    json_auto_t *want = settings_json(
        "[{'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'a'}, 'spec': {'accessModes': "
        "['x'], 'storageClassName': 'c', 'resources': {'requests': {'storage': '2Gi'}}}},"
        " {'kind': 'StatefulSet', 'metadata': {'name': 'a'}, 'spec': {'volumeClaimTemplates': "
        "[{'metadata': {'name': 'b'}, 'spec': {'storageClassName': 'c', 'resources': {'requests': "
        "{'storage': '3Gi'}}}}]}},"
        " {'kind': 'StatefulSet', 'metadata': {'name': 'c'}, 'spec': {'volumeClaimTemplates': []}},"
        " {'kind': 'Deployment', 'metadata': {'name': 'a'}, 'spec': {}}]");
    struct settings s = {.release = catalog_release("26.03"), .values = values};

    ck_assert_int_eq(storage_adjust(&s, objects, NULL), 0);
    ck_assert(json_equal(objects, want));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_storage");
    TCase *t = tcase_create("storage");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, claims_and_templates_are_changed);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
