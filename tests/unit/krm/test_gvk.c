#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"

#include "lib/base/banned.h"

static json_t *object(const char *api_version, const char *kind, const char *namespace,
                      const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s*, s:s}}", "apiVersion", api_version, "kind", kind,
                     "metadata", "namespace", namespace, "name", name);
}

START_TEST(splits_api_versions)
{
    const char *group, *version, *again;

    gvk_parse_api_version("apps/v1", &group, &version);
    ck_assert_str_eq(group, "apps");
    ck_assert_str_eq(version, "v1");
    gvk_parse_api_version("apps/v1", &again, &version);
    ck_assert_ptr_eq(group, again);
    gvk_parse_api_version("v1", &group, &version);
    ck_assert_str_eq(group, "");
    ck_assert_str_eq(version, "v1");
    gvk_parse_api_version("", &group, &version);
    ck_assert_str_eq(group, "");
    ck_assert_str_eq(version, "");
}
END_TEST

START_TEST(reads_objects)
{
    json_auto_t *deployment = object("apps/v1", "Deployment", "kubeflow", "x");
    json_auto_t *nothing = json_pack("{s:i, s:n}", "kind", 1, "apiVersion");
    struct gvk gvk = gvk_of(deployment);

    ck_assert_str_eq(gvk.group, "apps");
    ck_assert_str_eq(gvk.version, "v1");
    ck_assert_str_eq(gvk.kind, "Deployment");
    gvk = gvk_of(nothing);
    ck_assert_str_eq(gvk.group, "");
    ck_assert_str_eq(gvk.version, "");
    ck_assert_str_eq(gvk.kind, "");
    ck_assert_str_eq(gvk_of(NULL).kind, "");
}
END_TEST

static const struct {
    const char *api_version, *kind, *namespace, *name, *key;
} keys[] = {
    {"apps/v1", "Deployment", "kubeflow", "katib-ui", "apps/Deployment/kubeflow/katib-ui"},
    {"v1", "Namespace", NULL, "kubeflow", "Namespace/kubeflow"},
    {"v1", "Namespace", "stray", "kubeflow", "Namespace/kubeflow"},
    {"v1", "ConfigMap", "kubeflow", "x", "ConfigMap/kubeflow/x"},
    {"rbac.authorization.k8s.io/v1", "ClusterRole", "stray", "x",
     "rbac.authorization.k8s.io/ClusterRole/x"},
    {"own.io/v1", "Thing", NULL, "x", "own.io/Thing/x"},
};

START_TEST(writes_keys)
{
    json_auto_t *o = object(keys[_i].api_version, keys[_i].kind, keys[_i].namespace, keys[_i].name);
    struct resid id = resid_of(o);
    struct buf out = BUF_INIT;

    resid_key(&id, &out);
    ck_assert_str_eq(buf_str(&out), keys[_i].key);
    buf_done(&out);
}
END_TEST

START_TEST(compares_identities)
{
    struct resid a = {"apps", "Deployment", "a", "x"}, b = a;

    ck_assert_int_eq(resid_cmp(&a, &b), 0);
    b.name = "y";
    ck_assert_int_lt(resid_cmp(&a, &b), 0);
    b.namespace = "A";
    ck_assert_int_gt(resid_cmp(&a, &b), 0);
    b.kind = "E";
    ck_assert_int_lt(resid_cmp(&a, &b), 0);
    b.group = "";
    ck_assert_int_gt(resid_cmp(&a, &b), 0);
}
END_TEST

START_TEST(knows_scopes)
{
    ck_assert_int_eq(krm_scope_of("", "Namespace"), KRM_SCOPE_CLUSTER);
    ck_assert_int_eq(krm_scope_of("", "Pod"), KRM_SCOPE_NAMESPACED);
    ck_assert_int_eq(krm_scope_of("apps", "Deployment"), KRM_SCOPE_NAMESPACED);
    ck_assert_int_eq(krm_scope_of("cert-manager.io", "ClusterIssuer"), KRM_SCOPE_CLUSTER);
    ck_assert_int_eq(krm_scope_of("kubeflow.org", "Profile"), KRM_SCOPE_CLUSTER);
    ck_assert_int_eq(krm_scope_of("kubeflow.org", "Notebook"), KRM_SCOPE_NAMESPACED);
    ck_assert_int_eq(krm_scope_of("storage.k8s.io", "VolumeAttributesClass"), KRM_SCOPE_CLUSTER);
    ck_assert_int_eq(krm_scope_of("own.io", "Thing"), KRM_SCOPE_UNKNOWN);
}
END_TEST

/* The table is searched, so it must be sorted. */
START_TEST(scope_table_is_sorted)
{
    static const char *const rows[][2] = {
#define KIND(group, kind, scope) {group, kind},
#include "lib/krm/scope.def"
#undef KIND
    };

    for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
        int c = strcmp(rows[i - 1][0], rows[i][0]);

        ck_assert_msg(c < 0 || (!c && strcmp(rows[i - 1][1], rows[i][1]) < 0), "%s/%s", rows[i][0],
                      rows[i][1]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gvk");
    TCase *t = tcase_create("gvk");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, splits_api_versions);
    tcase_add_test(t, reads_objects);
    tcase_add_loop_test(t, writes_keys, 0, (int)ARRAY_LEN(keys));
    tcase_add_test(t, compares_identities);
    tcase_add_test(t, knows_scopes);
    tcase_add_test(t, scope_table_is_sorted);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
