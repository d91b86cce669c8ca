/* What gateway, storage and namespace_labels make of releases, and what is changed always. (Images:
 * test_settings_images.c.) */
#include "lib/kube/applyset.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

/* --- gateway ------------------------------------------------------------------------------------ */

static void check_service(const json_t *objects)
{
    const json_t *service =
        releases_find(objects, "Service", "istio-system", "istio-ingressgateway");

    ck_assert_str_eq(krm_str(service, "spec", "type", NULL), "LoadBalancer");
    ck_assert_str_eq(krm_str(service, "spec", "loadBalancerIP", NULL), "10.0.0.9");
    ck_assert_str_eq(krm_str(service, "metadata", "annotations", "a", NULL), "b");
    ck_assert_str_eq(
        krm_str(service, "metadata", "annotations", "networking.gke.io/load-balancer-type", NULL),
        "Internal");
    ck_assert_uint_eq(json_array_size(krm_get(service, "spec", "ports", NULL)), 3);
}

#define SERVERS(secret)                                                                            \
    "[{'hosts': ['*'], 'port': {'name': 'http', 'number': 80, 'protocol': 'HTTP'}, 'tls': "        \
    "{'httpsRedirect': true}}, {'hosts': ['*'], 'port': {'name': 'https', 'number': 443, "         \
    "'protocol': 'HTTPS'}, 'tls': {'mode': 'SIMPLE', 'credentialName': '" secret "'}}]"

static void check_issued(const json_t *objects)
{
    const json_t *certificate =
        releases_find(objects, "Certificate", "istio-system", "kubeflow-gateway");

    settings_assert_same(krm_get(releases_find(objects, "Gateway", "kubeflow", "kubeflow-gateway"),
                                 "spec", "servers", NULL),
                         SERVERS("kubeflow-gateway-tls"));
    settings_assert_same(
        json_object_get(certificate, "spec"),
        "{'secretName': 'kubeflow-gateway-tls', 'dnsNames': ['kubeflow.example.com'], "
        "'issuerRef': {'group': 'cert-manager.io', 'kind': 'ClusterIssuer', 'name': "
        "'letsencrypt'}}");
    ck_assert_str_eq(krm_str(certificate, "apiVersion", NULL), "cert-manager.io/v1");
    ck_assert_str_eq(krm_str(certificate, "metadata", "annotations", APPLYSET_WAIT, NULL), "never");
}

/* The variable's value in the app's container; NULL when it has none. */
static const char *variable(const json_t *objects, const char *deployment, const char *name)
{
    const json_t *containers = krm_get(releases_find(objects, "Deployment", "kubeflow", deployment),
                                       "spec", "template", "spec", "containers", NULL);
    const json_t *value;
    const char *found = NULL;
    size_t i, n = 0;

    json_array_foreach (json_object_get(json_array_get(containers, 0), "env"), i, value) {
        if (!strcmp(krm_str(value, "name", NULL), name)) {
            found = krm_str(value, "value", NULL);
            n++;
        }
    }
    ck_assert_uint_le(n, 1);
    return found;
}

static void check_cookies(const json_t *objects, const char *releases_own, const char *kserves)
{
    static const char *const apps[] = {"jupyter-web-app-deployment", "volumes-web-app-deployment",
                                       "tensorboards-web-app-deployment"};
    const char *value = variable(objects, "kserve-models-web-app", "APP_SECURE_COOKIES");

    for (size_t i = 0; i < ARRAY_LEN(apps); i++)
        ck_assert_str_eq(variable(objects, apps[i], "APP_SECURE_COOKIES"), releases_own);
    ck_assert(kserves ? value && !strcmp(value, kserves) : !value);
}

/* --- storage and namespaces --------------------------------------------------------------------- */

/* The catalog's claims are the release's, all of them have the class, and one another size than the
 * catalog says. */
static void check_claims(const struct catalog_release *r, const json_t *objects)
{
    size_t len, of_release = 0, found = 0, i;
    const struct catalog_claim *claims = catalog_claims(&len);
    const json_t *object;

    for (size_t c = 0; c < len; c++) {
        if (strcmp(claims[c].release, r->name) != 0)
            continue;
        object = releases_find(objects, "PersistentVolumeClaim", "kubeflow", claims[c].name);
        ck_assert_str_eq(applyset_component(object), claims[c].component);
        ck_assert_str_eq(krm_str(object, "spec", "storageClassName", NULL), "fast");
        ck_assert_str_eq(krm_str(object, "spec", "resources", "requests", "storage", NULL),
                         strcmp(claims[c].name, "mysql-pv-claim") ? claims[c].size : "55Gi");
        of_release++;
    }
    json_array_foreach (objects, i, object)
        found += !strcmp(gvk_of(object).kind, "PersistentVolumeClaim") ||
                 json_array_size(krm_get(object, "spec", "volumeClaimTemplates", NULL));
    ck_assert_uint_eq(found, of_release);
}

static void check_namespaces(const json_t *objects)
{
    const json_t *object;
    size_t i, n = 0;

    json_array_foreach (objects, i, object) {
        bool is = !strcmp(gvk_of(object).kind, "Namespace");

        n += is;
        ck_assert_str_eq(krm_str(object, "metadata", "labels", "team", NULL), is ? "ml" : "");
    }
    ck_assert_uint_ge(n, 6);
    ck_assert_str_eq(krm_str(releases_find(objects, "Namespace", "", "kubeflow"), "metadata",
                             "labels", "istio-injection", NULL),
                     "enabled");
}

/* What webhooks and policies select namespaces by can't be a label of users'. */
static void check_selector(const json_t *labels, const json_t *expressions)
{
    json_auto_t *keys = json_object();
    const json_t *expression;
    const char *key;
    json_t *unused;
    size_t i;

    json_object_foreach ((json_t *)labels, key, unused)
        json_object_set_new(keys, key, json_null());
    json_array_foreach (expressions, i, expression)
        json_object_set_new(keys, krm_str(expression, "key", NULL), json_null());
    json_object_foreach (keys, key, unused) {
        json_auto_t *values = json_pack("{s:{s:s}}", "namespace_labels", key, "x");
        struct settings s = {.values = values};

        ck_assert_msg(namespaces_check(&s, NULL), "%s", key);
    }
}

static void check_selected(json_t *node)
{
    const char *key;
    json_t *member;
    size_t i;

    json_array_foreach (node, i, member)
        check_selected(member);
    json_object_foreach (node, key, member) {
        if (!strcmp(key, "namespaceSelector"))
            check_selector(json_object_get(member, "matchLabels"),
                           json_object_get(member, "matchExpressions"));
        check_selected(member);
    }
}

static void check_selectors(const json_t *objects)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (strstr(gvk_of(object).kind, "WebhookConfiguration") ||
            !strcmp(gvk_of(object).kind, "NetworkPolicy"))
            check_selected(object);
    }
}

/* --- hygiene ------------------------------------------------------------------------------------ */

static void check_hygiene(const json_t *objects)
{
    const json_t *object, *webhook;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        ck_assert_str_ne(krm_str(object, "metadata", "namespace", NULL), "default");
        ck_assert_ptr_null(json_object_get(object, "status"));
        json_array_foreach (json_object_get(object, "webhooks"), k, webhook)
            ck_assert_ptr_null(krm_get(webhook, "clientConfig", "caBundle", NULL));
    }
    webhook =
        json_array_get(json_object_get(releases_find(objects, "ValidatingWebhookConfiguration", "",
                                                     "istio-validator-istio-system"),
                                       "webhooks"),
                       0);
    ck_assert_ptr_nonnull(webhook);
    ck_assert_ptr_null(json_object_get(webhook, "failurePolicy"));
}

/* --- all of it ---------------------------------------------------------------------------------- */

static const char everything_set[] =
    "{'gateway': {'service_type': 'LoadBalancer', 'internal': true, 'annotations': {'a': 'b'}, "
    "'load_balancer_ip': '10.0.0.9', 'hostname': 'kubeflow.example.com', 'tls': {'issuer': "
    "'letsencrypt'}}, 'storage': {'class_name': 'fast', 'sizes': {'mysql-pv-claim': '55Gi'}}, "
    "'namespace_labels': {'team': 'ml'}}";

START_TEST(all_components)
{
    const struct catalog_release *r = releases_at(_i);
    json_auto_t *components = r ? releases_components(r) : NULL, *none = json_object();
    json_auto_t *values = settings_json(everything_set);
    json_auto_t *before = NULL, *after = NULL;

    if (!r)
        return;
    before = releases_render(r, CATALOG_GKE, components, none);
    check_hygiene(before);
    check_selectors(before);
    check_cookies(before, "true", NULL);

    after = releases_render(r, CATALOG_GKE, components, values);
    check_service(after);
    check_issued(after);
    check_cookies(after, "true", NULL);
    check_claims(r, after);
    check_namespaces(after);
}
END_TEST

START_TEST(gateways_of_all_kinds)
{
    static const struct {
        const char *gateway, *servers, *cookies, *kserves;
    } gateways[] = {
        {"'tls': {'secret_name': 'mine'}, 'allow_plain_http': true", SERVERS("mine"), "true", NULL},
        {"'external_url': 'https://a.example', 'allow_plain_http': true", NULL, "true", NULL},
        {"'external_url': 'http://a.example', 'allow_plain_http': true", NULL, "false", "false"},
        {"'service_type': 'LoadBalancer', 'allow_plain_http': true", NULL, "false", "false"},
        {"'hostname': 'a.example'", NULL, "true", NULL},
    };
    static const char http[] =
        "[{'hosts': ['*'], 'port': {'name': 'http', 'number': 80, 'protocol': 'HTTP'}}]";
    const struct catalog_release *r = releases_at(_i);
    json_auto_t *components =
        settings_json("['kubeflow-istio-resources', 'istio-install', 'jupyter-web-app', "
                      "'volumes-web-app', 'tensorboards-web-app', 'kserve-models-web-app']");

    for (size_t g = 0; r && g < ARRAY_LEN(gateways); g++) {
        char *text CLEANUP(mem_cleanup) = mem_printf("{'gateway': {%s}}", gateways[g].gateway);
        json_auto_t *values = settings_json(text);
        json_auto_t *objects = releases_render(r, CATALOG_GENERIC, components, values);

        settings_assert_same(
            krm_get(releases_find(objects, "Gateway", "kubeflow", "kubeflow-gateway"), "spec",
                    "servers", NULL),
            gateways[g].servers ? gateways[g].servers : http);
        check_cookies(objects, gateways[g].cookies, gateways[g].kserves);
        ck_assert_ptr_null(settings_find(objects, "Certificate", NULL, "kubeflow-gateway"));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings");
    TCase *t = tcase_create("releases");
    SRunner *r = srunner_create(s);
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_set_timeout(t, 600);
    tcase_add_checked_fixture(t, releases_setup, releases_teardown);
    tcase_add_loop_test(t, all_components, 0, (int)len);
    tcase_add_loop_test(t, gateways_of_all_kinds, 0, (int)len);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
