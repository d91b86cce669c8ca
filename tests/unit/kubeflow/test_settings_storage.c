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

/* --- a platform that is installed ---------------------------------------------------------------- */

#define CLASS(x) S("'class_name': " x)

static const struct {
    const char *release, *components, *before; /* what is there, */
    const char *now_release, *chosen, *now;    /* and what is wanted; NULL: as it was */
    const char *message;
} changes[] = {
    {"26.03", SOME, "{}", NULL, NULL, "{}", NULL},
    {"26.03", SOME, CLASS("'a'"), NULL, NULL, CLASS("'a'"), NULL},
    {"26.03", SOME, CLASS("'a'"), NULL, NULL, CLASS("'b'"), "storage.class_name was \"a\""},
    {"26.03", SOME, CLASS("'a'"), NULL, NULL, CLASS("'b'"),
     "mysql-pv-claim (pipelines), seaweedfs-pvc (pipelines), katib-mysql (katib)"},
    {"26.03", SOME, "{}", NULL, NULL, CLASS("'b'"), "storage.class_name was not set"},
    {"26.03", SOME, CLASS("'a'"), NULL, NULL, "{'storage': null}", "storage.class_name was \"a\""},
    {"26.03", SOME, CLASS("null"), NULL, NULL, "{}", NULL},
    /* no claim, no claim that stays, only the one that stays */
    {"26.03", "['dex']", CLASS("'a'"), NULL, NULL, CLASS("'b'"), NULL},
    {"26.03", "['pipelines']", CLASS("'a'"), NULL, "['katib']", CLASS("'b'"), NULL},
    {"26.03", "['katib']", CLASS("'a'"), NULL, SOME, CLASS("'b'"), ": katib-mysql (katib). "},
    /* a size grows, also from what the release asks for */
    {"26.03", SOME, SIZES("'katib-mysql': '10Gi'"), NULL, NULL, SIZES("'katib-mysql': '11Gi'"),
     NULL},
    {"26.03", SOME, "{}", NULL, NULL, SIZES("'katib-mysql': '10Gi'"), NULL},
    {"26.03", SOME, SIZES("'katib-mysql': '1Gi'"), NULL, NULL, "{}", NULL},
    {"26.03", SOME, SIZES("'katib-mysql': '1Gi'"), NULL, NULL, SIZES("'katib-mysql': '1024Mi'"),
     NULL},
    /* or shrinks */
    {"26.03", SOME, SIZES("'katib-mysql': '50Gi'"), NULL, NULL, SIZES("'katib-mysql': '40Gi'"),
     "katib-mysql (katib): 50Gi to 40Gi. "},
    {"26.03", SOME, SIZES("'katib-mysql': '50Gi'"), NULL, NULL, SIZES("'katib-mysql': '50G'"),
     "50Gi to 50G. "},
    {"26.03", SOME, SIZES("'katib-mysql': '50Gi'"), NULL, NULL, "{}", "50Gi to 10Gi"},
    {"26.03", SOME, "{}", NULL, NULL, SIZES("'katib-mysql': '5Gi'"), "10Gi to 5Gi"},
    {"26.03", "['pipelines']", "{}", NULL, SOME, SIZES("'katib-mysql': '5Gi'"), NULL},
    /* the object store of another release is another claim */
    {"1.10.2", "['pipelines']", SIZES("'minio-pvc': '90Gi'"), "26.03", NULL, "{}", NULL},
    {"1.10.2", "['pipelines']", SIZES("'mysql-pv-claim': '90Gi'"), "26.03", NULL, "{}",
     "mysql-pv-claim (pipelines): 90Gi to 20Gi"},
};

START_TEST(claims_that_stay_keep_class_and_size)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *chosen = changes[_i].chosen, *release = changes[_i].now_release;
    json_auto_t *before_components = settings_json(changes[_i].components);
    json_auto_t *now_components = settings_json(chosen ? chosen : changes[_i].components);
    json_auto_t *before_values = settings_json(changes[_i].before);
    json_auto_t *now_values = settings_json(changes[_i].now);
    struct settings before = {.release = catalog_release(changes[_i].release),
                              .components = before_components,
                              .values = before_values};
    struct settings now = {.release = catalog_release(release ? release : changes[_i].release),
                           .components = now_components,
                           .values = now_values};
    const char *message = changes[_i].message;

    ck_assert_int_eq(storage_check_change(&before, &now, NULL, &err), message ? ERR_INVALID : 0);
    ck_assert_msg(!message || (strstr(err_msg(&err), message) &&
                               strstr(err_msg(&err), "delete the claims with kubectl")),
                  "%s", err_msg(&err));
}
END_TEST

/* An update that the cluster refused has changed the state, not the claim. */
START_TEST(a_claim_is_as_big_as_it_was_applied)
{
    json_auto_t *components = settings_json("['katib']");
    json_auto_t *before_values = settings_json(SIZES("'katib-mysql': '20Gi'"));
    json_auto_t *now_values = settings_json(SIZES("'katib-mysql': '10Gi'"));
    json_auto_t *applied = settings_json(
        "{'PersistentVolumeClaim/kubeflow/katib-mysql': {'kind': 'PersistentVolumeClaim', "
        "'metadata': {'name': 'katib-mysql'}, "
        "'spec': {'resources': {'requests': {'storage': '10Gi'}}}}}");
    struct settings before = {
        .release = catalog_release("26.03"), .components = components, .values = before_values};
    struct settings now = {
        .release = before.release, .components = components, .values = now_values};

    ck_assert_int_eq(storage_check_change(&before, &now, applied, NULL), 0);
    ck_assert_int_eq(storage_check_change(&before, &now, NULL, NULL), ERR_INVALID);
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
    tcase_add_loop_test(t, claims_that_stay_keep_class_and_size, 0, (int)ARRAY_LEN(changes));
    tcase_add_test(t, a_claim_is_as_big_as_it_was_applied);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
