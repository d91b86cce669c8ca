#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static json_t *parse(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *value = NULL;

    ck_assert_msg(!yaml_parse(text, strlen(text), "in", &value, &err), "%s", err_msg(&err));
    return value;
}

static const struct {
    const char *name, *given, *want;
} cases[] = {
    {"namespace of a cluster-scoped kind",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a, namespace: "
     "b}}",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}"},
    {"namespace of a custom cluster-scoped kind",
     "{apiVersion: trainer.kubeflow.org/v1alpha1, kind: ClusterTrainingRuntime,"
     " metadata: {name: a, namespace: b}}",
     "{apiVersion: trainer.kubeflow.org/v1alpha1, kind: ClusterTrainingRuntime, metadata: {name: "
     "a}}"},
    {"namespace of other kinds stays",
     "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a, namespace: b}}",
     "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a, namespace: b}}"},
    {"null timestamps",
     "{apiVersion: apps/v1, kind: StatefulSet, metadata: {creationTimestamp: null}, spec: "
     "{template:"
     " {metadata: {creationTimestamp: null, labels: {}}}, volumeClaimTemplates:"
     " [{metadata: {creationTimestamp: null, name: x}}]}}",
     "{apiVersion: apps/v1, kind: StatefulSet, metadata: {}, spec: {template: {metadata: {labels: "
     "{}}},"
     " volumeClaimTemplates: [{metadata: {name: x}}]}}"},
    {"a timestamp that is set stays",
     "{kind: X, metadata: {creationTimestamp: \"2024-01-01T00:00:00Z\"}}",
     "{kind: X, metadata: {creationTimestamp: \"2024-01-01T00:00:00Z\"}}"},
    {"status", "{kind: X, status: {a: 1}, spec: {status: 1}}", "{kind: X, spec: {status: 1}}"},
    {"rules of an aggregated ClusterRole",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, aggregationRule: {}, rules: "
     "[]}",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, aggregationRule: {}}"},
    {"rules of other ClusterRoles stay",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, rules: []}",
     "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, rules: []}"},
    {"empty labels and annotations",
     "{kind: X, metadata: {labels: {}, annotations: null}, spec: {labels: {}}}",
     "{kind: X, metadata: {}, spec: {labels: {}}}"},
    {"stringData of a Secret",
     "{apiVersion: v1, kind: Secret, data: {a: b2xk, c: Yw==}, stringData: {a: new, b: ''}}",
     "{apiVersion: v1, kind: Secret, data: {a: bmV3, c: Yw==, b: ''}}"},
    {"stringData that is no text stays", "{apiVersion: v1, kind: Secret, stringData: {a: 1}}",
     "{apiVersion: v1, kind: Secret, data: {}, stringData: {a: 1}}"},
    {"stringData of other kinds stays", "{apiVersion: v1, kind: ConfigMap, stringData: {a: b}}",
     "{apiVersion: v1, kind: ConfigMap, stringData: {a: b}}"},
    {"places of CA certificates",
     "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: "
     "[{clientConfig: {caBundle: ''}}, {clientConfig: {caBundle: Cg==, url: x}}, {clientConfig: "
     "{caBundle: LS0t}}, {clientConfig: {caBundle: '?'}}, {}]}",
     "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: "
     "[{clientConfig: {}}, {clientConfig: {url: x}}, {clientConfig: {caBundle: LS0t}}, "
     "{clientConfig: {caBundle: '?'}}, {}]}"},
    {"the place of a converter's CA certificate",
     "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {conversion: "
     "{webhook: {clientConfig: {caBundle: Cg==}}}}}",
     "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {conversion: "
     "{webhook: {clientConfig: {}}}}}"},
    {"an object without metadata", "{}", "{}"},
};

START_TEST(normalizes)
{
    json_auto_t *object = parse(cases[_i].given);
    json_auto_t *want = parse(cases[_i].want);

    krm_normalize(object);
    ck_assert_msg(json_equal(object, want), "%s", cases[_i].name);
    krm_normalize(object);
    ck_assert_msg(json_equal(object, want), "%s, again", cases[_i].name);
}
END_TEST

START_TEST(hashes_content)
{
    json_auto_t *object = parse("{kind: X, apiVersion: v1}");
    char hash[KRM_CONTENT_HASH_SIZE];

    krm_content_hash(object, hash);
    /* printf '{"apiVersion":"v1","kind":"X"}' | sha256sum */
    ck_assert_str_eq(hash, "v1:f375db9a2ab95ea5d1fd3a4f7e08b8bb");
}
END_TEST

static void expect_same(const char *a, const char *b, bool same)
{
    json_auto_t *x = parse(a);
    json_auto_t *y = parse(b);
    json_auto_t *before = json_deep_copy(x);
    char hx[KRM_CONTENT_HASH_SIZE], hy[KRM_CONTENT_HASH_SIZE];

    krm_content_hash(x, hx);
    krm_content_hash(y, hy);
    ck_assert_msg(!strcmp(hx, hy) == same, "%s and %s", a, b);
    ck_assert(json_equal(x, before));
}

START_TEST(hashes_only_content)
{
    expect_same("{a: 1, b: 2}", "{b: 2, a: 1}", true);
    expect_same("{a: 1}", "{a: '1'}", false);
    expect_same("{metadata: {name: a}}",
                "{metadata: {name: a, labels: {applyset.kubernetes.io/part-of: x}, annotations:"
                " {terraform-provider-kubeflow/content: y}}}",
                true);
    /* which values a Secret holds is wanted content, that they are there isn't */
    expect_same("{metadata: {annotations: {terraform-provider-kubeflow/values: x}}}",
                "{metadata: {annotations: {terraform-provider-kubeflow/values: y}}}", false);
    expect_same("{metadata: {}}",
                "{metadata: {annotations: {terraform-provider-kubeflow/filled: y}}}", true);
    expect_same("{metadata: {labels: {a: b}}}",
                "{metadata: {labels: {applyset.kubernetes.io/part-of: x, a: b}}}", true);
    expect_same("{metadata: {labels: {a: b}}}", "{metadata: {labels: {a: c}}}", false);
    expect_same("{metadata: {labels: {}}}", "{metadata: {}}", true);
    expect_same("{spec: {annotations: {terraform-provider-kubeflow/content: y}}}",
                "{spec: {annotations: {}}}", false);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("object");
    TCase *t = tcase_create("object");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, normalizes, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, hashes_content);
    tcase_add_test(t, hashes_only_content);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
