/* What is found of the run-time objects of workloads that are gone, and facts about removal that must
 * fit the releases. */
#include "resources/kubeflow/leftovers.h"

#include "resources/kubeflow/removal_facts.h"
#include "unit/fake_api.h"

#include "lib/base/banned.h"

static const struct fake_kind kinds[] = {
    {"", "v1", "ConfigMap", "configmaps", true},
    {"", "v1", "Secret", "secrets", true},
    {"coordination.k8s.io", "v1", "Lease", "leases", true},
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false},
    {NULL, NULL, NULL, NULL, false},
};

#define CONTROLLED "{manager: clusterrole-aggregation-controller}"
#define ROLE(name, managers)                                                                       \
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " name         \
    ", managedFields: [" managers "]}}\n---\n"

static const char objects[] = ROLE("again", CONTROLLED)
    ROLE("written",
         CONTROLLED ", {manager: kubectl}") "{apiVersion: apiextensions.k8s.io/v1, kind: "
                                            "CustomResourceDefinition, metadata: {name: "
                                            "refreshtokens.dex.coreos.com}}\n---\n"
                                            "{apiVersion: apiextensions.k8s.io/v1, kind: "
                                            "CustomResourceDefinition, metadata: {name: "
                                            "dex.coreos.com.example.com}}\n---\n"
                                            "{apiVersion: v1, kind: ConfigMap, metadata: {name: "
                                            "istio-ca-root-cert, namespace: a}}\n---\n"
                                            "{apiVersion: v1, kind: ConfigMap, metadata: {name: "
                                            "istio-ca-root-cert, namespace: b}}\n---\n"
                                            "{apiVersion: v1, kind: ConfigMap, metadata: {name: "
                                            "mine, namespace: b}}\n---\n"
                                            "{apiVersion: coordination.k8s.io/v1, kind: Lease, "
                                            "metadata: {name: cert-manager-controller, "
                                            "namespace: kube-system}}\n---\n"
                                            "{apiVersion: coordination.k8s.io/v1, kind: Lease, "
                                            "metadata: {name: kube-scheduler, namespace: "
                                            "kube-system}}\n---\n"
                                            "{apiVersion: v1, kind: Secret, metadata: {name: tls, "
                                            "namespace: a, annotations: "
                                            "{cert-manager.io/certificate-name: cert}}}\n---\n"
                                            "{apiVersion: v1, kind: Secret, metadata: {name: tls, "
                                            "namespace: b, annotations: "
                                            "{cert-manager.io/certificate-name: cert}}}\n---\n"
                                            "{apiVersion: v1, kind: Secret, metadata: {name: "
                                            "users, namespace: a, annotations: "
                                            "{cert-manager.io/certificate-name: users}}}\n---\n"
                                            "{apiVersion: v1, kind: Secret, metadata: {name: "
                                            "plain, namespace: a}}\n";

static const struct {
    const char *gone, *retained; /* one key each */
    const char *left;            /* keys, sorted */
} cases[] = {
    {"apps/Deployment/auth/dex", "",
     "apiextensions.k8s.io/CustomResourceDefinition/refreshtokens.dex.coreos.com "},
    {"apps/Deployment/auth/dex", "apps/Deployment/auth/dex", ""},
    {"apps/Deployment/istio-system/istiod", "",
     "ConfigMap/a/istio-ca-root-cert ConfigMap/b/istio-ca-root-cert "},
    {"apps/Deployment/cert-manager/cert-manager", "",
     "coordination.k8s.io/Lease/kube-system/cert-manager-controller "},
    {"cert-manager.io/Certificate/a/cert", "", "Secret/a/tls "},
    {"cert-manager.io/Certificate/a/cert", "cert-manager.io/Certificate/a/cert", ""},
    {"apps/Deployment/kubeflow/katib-ui", "", ""},
    {"rbac.authorization.k8s.io/ClusterRole/again", "",
     "rbac.authorization.k8s.io/ClusterRole/again "},
    {"rbac.authorization.k8s.io/ClusterRole/again", "rbac.authorization.k8s.io/ClusterRole/again",
     ""},
    {"rbac.authorization.k8s.io/ClusterRole/written", "", ""},
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

START_TEST(only_what_is_left_of_the_gone)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct fake_api *api = fake_api_new(kinds, objects);
    json_auto_t *gone = json_pack("{s:b}", cases[_i].gone, 1), *left = NULL;
    json_auto_t *retained = json_pack("[s]", cases[_i].retained);
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const char *keys[16], *key;
    json_t *unused;
    size_t n = 0;

    ck_assert_msg(!leftovers_find(api->client, gone, retained, NULL, &left, &err), "%s",
                  err_msg(&err));
    json_object_foreach (left, key, unused)
        keys[n++] = key;
    qsort(keys, n, sizeof(*keys), by_text);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s ", keys[i]);
    ck_assert_str_eq(buf_str(&text), cases[_i].left);
    ck_assert_uint_eq(api->log.len, 0);
    fake_api_free(api);
}
END_TEST

/* --- facts ---------------------------------------------------------------------------------------- */

START_TEST(waves_are_in_order)
{
    int (*wave)(const char *) = removal_facts.wave_of;

    ck_assert_int_eq(wave("profiles.kubeflow.org"), removal_facts.nwaves);
    ck_assert_int_lt(wave("scheduledworkflows.kubeflow.org"), wave("workflows.argoproj.io"));
    ck_assert_int_lt(wave("experiments.kubeflow.org"), wave("trials.kubeflow.org"));
    ck_assert_int_lt(wave("inferenceservices.serving.kserve.io"),
                     wave("services.serving.knative.dev"));
    ck_assert_int_lt(wave("trainjobs.trainer.kubeflow.org"),
                     wave("trainingruntimes.trainer.kubeflow.org"));
    ck_assert_int_lt(wave("notebooks.kubeflow.org"), wave("profiles.kubeflow.org"));
    ck_assert_int_eq(wave("certificates.cert-manager.io"), 0);
    ck_assert_int_eq(wave("virtualservices.networking.istio.io"), 0);
}
END_TEST

static const struct {
    const char *kind, *marks;
    bool stays;
} secrets[] = {
    {"Secret", "{\"password\":\"database_password#1\"}", true},
    {"Secret", "{\"a\":\"cookie_secret#1\",\"b\":\"object_store_secret_key#3\"}", true},
    {"Secret", "{\"a\":\"katib_database_password#1\"}", true},
    {"Secret", "{\"a\":\"cookie_secret#1\"}", false},
    {"Secret", "{\"a\":\"database_password\"}", false},
    {"Secret", "{\"a\":7}", false},
    {"Secret", "no marks", false},
    {"ConfigMap", "{\"password\":\"database_password#1\"}", false},
};

START_TEST(secrets_of_databases_stay_with_them)
{
    json_auto_t *meta =
        json_pack("{s:s, s:s, s:{s:{s:s}}}", "apiVersion", "v1", "kind", secrets[_i].kind,
                  "metadata", "annotations", APPLYSET_VALUES, secrets[_i].marks);

    ck_assert_int_eq(removal_facts.stays_with_data(meta), secrets[_i].stays);
}
END_TEST

START_TEST(finalizers_have_their_controllers)
{
    ck_assert_str_eq(removal_facts.clears("profile-finalizer"),
                     "Deployment kubeflow/profiles-deployment");
    ck_assert_ptr_null(removal_facts.clears("example.com/x"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/leftovers");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, only_what_is_left_of_the_gone, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, waves_are_in_order);
    tcase_add_loop_test(t, secrets_of_databases_stay_with_them, 0, (int)ARRAY_LEN(secrets));
    tcase_add_test(t, finalizers_have_their_controllers);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
