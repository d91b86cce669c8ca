/* What gateway can't be, and changes of objects that aren't as releases have them. What is done with
 * releases: test_settings.c. */
#include <stdlib.h>

#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define BOTH  "['istio-install','kubeflow-istio-resources']"
#define ALL   "['cert-manager','istio-install','kubeflow-istio-resources']"
#define G(x)  "{'gateway': {" x "}}"
#define LB    "'service_type': 'LoadBalancer'"
#define TLS   "'tls': {'secret_name': 'cert'}"
#define PLAIN "'allow_plain_http': true"

static const struct settings_case cases[] = {
    {NULL, "[]", "{}", NULL},
    {NULL, "[]", "{'gateway': null}", NULL},
    {NULL, BOTH, G(""), NULL},

    /* components */
    {NULL, "[]", G("'service_type': 'NodePort'"),
     "gateway.service_type changes component istio-in"},
    {NULL, "[]", G("'annotations': {'a': 'b'}"), "gateway.annotations"},
    {NULL, "[]", G("'internal': true"), "gateway.internal"},
    {NULL, "[]", G("'load_balancer_ip': '10.0.0.1'"), "gateway.load_balancer_ip"},
    {NULL, "[]", G("'hostname': 'a.example', 'allow_plain_http': true"), NULL},
    {NULL, "['kubeflow-istio-resources']", G(TLS), "gateway.tls changes component istio-install"},
    {NULL, "['istio-install']", G(TLS), "gateway.tls changes component kubeflow-istio-resources"},
    {NULL, "[]", G("'external_url': 'https://a.example'"), NULL},
    {NULL, "[]", G("'service_type': 'ClusterIP', 'internal': false, 'annotations': {}"), NULL},

    /* service */
    {NULL, BOTH, G("'service_type': 'ClusterIP'"), NULL},
    {NULL, BOTH, G("'service_type': 'NodePort'"), NULL},
    {NULL, BOTH, G("'service_type': 'Loadbalancer'"), "isn't \"ClusterIP\""},
    {NULL, BOTH, G(LB ", " TLS ", 'load_balancer_ip': '10.0.0.1'"), NULL},
    {NULL, BOTH, G(LB ", " TLS ", 'load_balancer_ip': 'fd00::1'"), NULL},
    {NULL, BOTH, G(LB ", " TLS ", 'load_balancer_ip': '10.0.0.256'"), "isn't an IP address"},
    {NULL, BOTH, G("'load_balancer_ip': '10.0.0.1'"), "needs gateway.service_type"},
    {"eks", BOTH, G(LB ", " TLS ", 'load_balancer_ip': '10.0.0.1'"), "eip-allocations"},

    /* internal */
    {"gke", BOTH, G("'internal': true"), "gateway.internal needs gateway.service_type"},
    {"gke", BOTH, G(LB ", 'internal': true"), NULL},
    {"eks", BOTH, G(LB ", 'internal': true"), NULL},
    {NULL, BOTH, G(LB ", 'internal': true"), "target = \"generic\" doesn't say"},
    {NULL, BOTH, G(LB ", 'internal': true, 'annotations': {'pool': 'private'}"), NULL},
    {"gke", BOTH,
     G(LB ", 'internal': true, 'annotations': {'networking.gke.io/load-balancer-type': "
          "'External'}"),
     "contradicts gateway.internal"},
    {"gke", BOTH,
     G(LB ", 'internal': true, 'annotations': {'networking.gke.io/load-balancer-type': "
          "'Internal'}"),
     NULL},

    /* address */
    {NULL, BOTH, G("'hostname': 'kubeflow.example.com', 'allow_plain_http': true"), NULL},
    {NULL, BOTH, G("'hostname': 'kubeflow', 'allow_plain_http': true"), NULL},
    {NULL, BOTH, G("'hostname': 'kubeflow'"), "how people come"},
    {"gke", BOTH, G(LB ", 'internal': true, 'hostname': 'kubeflow'"), NULL},
    {NULL, BOTH, G("'hostname': 'Kubeflow.example.com'"), "in lower case"},
    {NULL, BOTH, G("'hostname': 'https://kubeflow.example.com'"), "isn't a DNS name"},
    {NULL, BOTH, G("'hostname': 'kubeflow.example.com:8443'"), "isn't a DNS name"},
    {NULL, BOTH, G("'hostname': 'a..b'"), "isn't a DNS name"},
    {NULL, BOTH, G("'hostname': '*.example.com'"), "isn't a DNS name"},
    {NULL, BOTH, G("'hostname': '10.0.0.1'"), "isn't a DNS name"},
    {NULL, BOTH,
     G("'hostname': 'a123456789b123456789c123456789d123456789e123456789f123456789abcd.example'"),
     "isn't a DNS name"},
    {NULL, BOTH, G("'external_url': 'https://kubeflow.example.com'"), NULL},
    {NULL, BOTH, G("'external_url': 'https://kubeflow.example.com:8443/'"), NULL},
    {NULL, BOTH, G("'external_url': 'https://[fd00::1]:8443'"), NULL},
    {NULL, BOTH, G("'external_url': 'kubeflow.example.com'"), "isn't the root of a site"},
    {NULL, BOTH, G("'external_url': 'ftp://kubeflow.example.com'"), "isn't the root of a site"},
    {NULL, BOTH, G("'external_url': 'https://example.com/kubeflow'"), "without a path"},
    {NULL, BOTH, G("'external_url': 'https://a@example.com'"), "isn't the root of a site"},
    {NULL, BOTH, G("'external_url': 'http://a.example'"), "allow_plain_http = true"},
    {NULL, BOTH, G("'external_url': 'http://a.example', " PLAIN), NULL},
    {NULL, BOTH, G("'external_url': 'https://A.example:8443', 'hostname': 'a.example'"), NULL},
    {NULL, BOTH, G("'external_url': 'https://a.example', 'hostname': 'b.example'"),
     "name different hosts"},
    {NULL, BOTH, G("'external_url': 'https://a.example.com', 'hostname': 'a.example'"),
     "name different hosts"},

    /* tls */
    {NULL, BOTH, G(TLS), NULL},
    {NULL, BOTH, G("'tls': {}"), "exactly one of secret_name"},
    {NULL, BOTH, G("'tls': {'secret_name': null, 'issuer': null}"), "exactly one of secret_name"},
    {NULL, ALL, G("'hostname': 'a.example', 'tls': {'secret_name': 'a', 'issuer': 'b'}"),
     "exactly one of secret_name"},
    {NULL, BOTH, G("'tls': {'secret_name': 'A b'}"), "gateway.tls.secret_name \"A b\""},
    {NULL, BOTH, G(TLS ", 'external_url': 'https://a.example'"), "remove one of them"},
    {NULL, ALL, G("'hostname': 'a.example', 'tls': {'issuer': 'letsencrypt'}"), NULL},
    {NULL, ALL, G("'hostname': 'a.example', 'tls': {'issuer': 'Lets'}"), "gateway.tls.issuer"},
    {NULL, ALL, G("'tls': {'issuer': 'letsencrypt'}"), "for gateway.hostname"},
    {NULL, BOTH, G("'hostname': 'a.example', 'tls': {'issuer': 'letsencrypt'}"),
     "needs component cert-manager"},
    {NULL, BOTH,
     "{'existing': ['cert-manager'], 'gateway': {'hostname': 'a.example', 'tls': {'issuer': 'x'}}}",
     NULL},

    /* plain HTTP */
    {NULL, BOTH, G(LB), "allow it with gateway.allow_plain_http = true"},
    {NULL, BOTH, G(LB ", 'hostname': 'a.example'"), "unencrypted"},
    {NULL, BOTH, G(LB ", 'allow_plain_http': false"), "unencrypted"},
    {NULL, BOTH, G(LB ", " PLAIN), NULL},
    {NULL, BOTH, G(LB ", " TLS), NULL},
    {NULL, BOTH, G(LB ", 'external_url': 'https://a.example'"), NULL},
    {NULL, BOTH, G(LB ", 'external_url': 'http://a.example'"), "unencrypted"},
    {"eks", BOTH,
     G(LB ", 'annotations': {'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal'}"),
     NULL},
    {"eks", BOTH,
     G(LB ", 'annotations': {'service.beta.kubernetes.io/aws-load-balancer-scheme': "
          "'internet-facing'}"),
     "unencrypted"},
    {"gke", BOTH,
     G(LB ", 'annotations': {'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal'}"),
     "unencrypted"},
};

START_TEST(checks)
{
    settings_run_case(&cases[_i], "26.03", gateway_check);
}
END_TEST

/* --- objects that aren't as they should be ------------------------------------------------------ */

START_TEST(what_is_missing_is_named)
{
    static const struct {
        setting_adjust *adjust;
        const char *objects, *message;
    } missing[] = {
        {gateway_adjust_service, "[]", "no Service istio-system/istio-ingressgateway"},
        {gateway_adjust_gateway, "[]", "no Gateway kubeflow/kubeflow-gateway"},
        {gateway_adjust_gateway,
         "[{'kind': 'Gateway', 'metadata': {'name': 'kubeflow-gateway', 'namespace': 'kubeflow'}}]",
         "without servers"},
    };
    json_auto_t *values = settings_json(G(TLS ", 'service_type': 'NodePort'"));
    json_auto_t *objects = settings_json(missing[_i].objects);
    struct settings s = {.release = catalog_release("26.03"), .values = values};
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(missing[_i].adjust(&s, objects, &err), ERR_INVALID);
    ck_assert_msg(strstr(err_msg(&err), missing[_i].message) != NULL, "%s", err_msg(&err));
}
END_TEST

/* The annotations that each target's load balancer is made private by. */
START_TEST(internal_is_said_as_the_target_wants_it)
{
    static const struct {
        enum catalog_target target;
        const char *annotations;
    } targets[] = {
        {CATALOG_GENERIC, "{'a': 'b'}"},
        {CATALOG_GKE, "{'a': 'b', 'networking.gke.io/load-balancer-type': 'Internal'}"},
        {CATALOG_EKS,
         "{'a': 'b', 'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',"
         " 'service.beta.kubernetes.io/aws-load-balancer-internal': 'true'}"},
    };
    json_auto_t *values = settings_json(G(LB ", 'internal': true, 'annotations': {'a': 'b'}"));
    json_auto_t *objects = settings_json("[{'kind': 'Service', 'metadata': {'name': "
                                         "'istio-ingressgateway', 'namespace': 'istio-system'}}]");
    json_auto_t *want = settings_json(targets[_i].annotations);
    struct settings s = {
        .release = catalog_release("26.03"), .target = targets[_i].target, .values = values};

    ck_assert_int_eq(gateway_adjust_service(&s, objects, NULL), 0);
    ck_assert(json_equal(
        json_object_get(json_object_get(json_array_get(objects, 0), "metadata"), "annotations"),
        want));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_gateway");
    TCase *t = tcase_create("gateway");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, checks, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(t, what_is_missing_is_named, 0, 3);
    tcase_add_loop_test(t, internal_is_said_as_the_target_wants_it, 0, 3);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
