/* What goes when an object that kubectl made is taken over. managedFields are as Kubernetes 1.34 writes
 * them for `kubectl apply`, with and without --server-side. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "lib/kube/drift.h"
#include "lib/kube/take_over.h"

#include "lib/base/banned.h"

#define US "terraform-provider-kubeflow"

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static void assert_json(const json_t *v, const char *expected)
{
    char *text CLEANUP(mem_cleanup) = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);

    ck_assert_str_eq(text, expected);
}

static void assert_goes(const char *wanted, const char *live, const char *expected)
{
    json_auto_t *w = yaml(wanted), *l = yaml(live), *goes = kube_fields_that_go(w, l, US);

    assert_json(goes, expected);
}

#define HEAD "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n"

START_TEST(server_side_fields_go_unless_somebody_else_has_them)
{
    static const char live[] = HEAD
        "  uid: x\n"
        "  managedFields:\n"
        "  - {manager: kubectl, operation: Apply, fieldsV1: {'f:spec': {'f:type': {}, "
        "'f:externalName': {}, 'f:selector': {'f:a': {}}}}}\n"
        "  - {manager: cloud, operation: Update, fieldsV1: {'f:spec': {'f:externalName': {}}}}\n"
        "spec: {type: LoadBalancer, externalName: x, selector: {a: b}, sessionAffinity: None}\n"
        "status: {loadBalancer: {}}\n";

    assert_goes(HEAD "spec: {selector: {a: b}}\n", live,
                "{\".spec.type\":\".spec.type: \\\"LoadBalancer\\\" -> (none)\"}");
    assert_goes(HEAD "spec: {selector: {a: c}, type: ClusterIP}\n", live, "{}");
}
END_TEST

/* Client-side apply owns what the API server filled in, too: its annotation says what was written. */
START_TEST(client_side_fields_are_those_of_the_annotation)
{
    assert_goes(HEAD "spec: {}\n",
                HEAD
                "  annotations: {kubectl.kubernetes.io/last-applied-configuration: "
                "'{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"annotations\":{},"
                "\"name\":\"s\"},\"spec\":{\"type\":\"NodePort\"}}'}\n"
                "  managedFields:\n"
                "  - {manager: kubectl-client-side-apply, operation: Update, fieldsV1: "
                "{'f:metadata': {'f:annotations': {'.': {}}}, 'f:spec': {'f:type': {}, "
                "'f:sessionAffinity': {}}}}\n"
                "  - {manager: kubectl-edit, operation: Update, fieldsV1: {'f:spec': "
                "{'f:externalName': {}}}}\n"
                "spec: {type: NodePort, sessionAffinity: None, externalName: x}\n",
                "{\".spec.externalName\":\".spec.externalName: \\\"x\\\" -> (none)\","
                "\".spec.type\":\".spec.type: \\\"NodePort\\\" -> (none)\"}");
}
END_TEST

START_TEST(values_that_are_put_in_stay)
{
    assert_goes(
        "{kind: Secret, metadata: {name: s, annotations: {terraform-provider-kubeflow/values: "
        "'{\"password\":\"x#1\"}'}}}",
        "{kind: Secret, metadata: {name: s, managedFields: [{manager: kubectl, operation: "
        "Apply, fieldsV1: {'f:data': {'f:password': {}}}}]}, data: {password: c2VjcmV0}}",
        "{}");
    assert_goes("{kind: Secret, metadata: {name: s}, data: {a: YQ==}}",
                "{kind: Secret, metadata: {name: s, managedFields: [{manager: kubectl, operation: "
                "Apply, fieldsV1: {'f:data': {'f:password': {}}}}]}, data: {a: YQ==, password: "
                "c2VjcmV0}}",
                "{\".data.password\":\".data.password: (sensitive) -> (none)\"}");
}
END_TEST

START_TEST(our_own_marks_are_no_difference)
{
    json_auto_t *wanted =
        yaml("{kind: A, metadata: {annotations: {terraform-provider-kubeflow/component: "
             "x, mine: y}, labels: {l: ''}}, spec: {env: [{name: P, value: ''}]}}");
    json_auto_t *live =
        yaml("{kind: A, metadata: {annotations: {other: z}}, spec: {env: [{name: P}]}}");
    json_auto_t *lines = kube_differences(wanted, live);

    assert_json(lines, "[\".metadata.annotations.mine: (none) -> \\\"y\\\"\","
                       "\".metadata.labels: (none) -> {\\\"l\\\":\\\"\\\"}\"]");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("take_over");
    TCase *t = tcase_create("take_over");
    SRunner *r;
    int failed;

    tcase_add_test(t, server_side_fields_go_unless_somebody_else_has_them);
    tcase_add_test(t, client_side_fields_are_those_of_the_annotation);
    tcase_add_test(t, values_that_are_put_in_stay);
    tcase_add_test(t, our_own_marks_are_no_difference);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
