/* What of users, oidc, allow_default_login and the address can't be, and what is done with objects that
 * aren't as releases have them. What is done with releases: test_login_releases.c. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/settings_parts.h"
#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define ALL "['oauth2-proxy','dex','profiles','user-namespace']"

/* --- checks ------------------------------------------------------------------------------------- */

struct check_case {
    const char *components, *values;
    const char *attribute, *message; /* what it must say; NULL when nothing is wrong */
};

#define ADDRESS  "'gateway': {'external_url': 'https://kubeflow.example.com'}"
#define OIDC     "'issuer': 'https://id.example.com/', 'client_id': 'kubeflow'"
#define WITH(x)  "{" ADDRESS ", 'oidc': {" OIDC ", " x "}}"
#define USERS(x) "{'users': {" x "}}"

static const struct check_case cases[] = {
    /* somebody must be able to log in */
    {ALL, "{}", "allow_default_login", "nobody could log in"},
    {ALL, "{'users': {}, 'oidc': null}", "allow_default_login", "nobody could log in"},
    {"['katib']", "{}", NULL, NULL},
    {ALL, "{'allow_default_login': true}", NULL, NULL},
    {ALL, "{'allow_default_login': false}", "allow_default_login", "users = {"},
    {ALL, USERS("'a@b.c': {'password': '1'}"), NULL, NULL},
    {ALL, "{'allow_default_login': true, 'users': {'a@b.c': {'password': '1'}}}",
     "allow_default_login", "one of the two"},

    /* users */
    {"['profiles']", USERS("'a@b.c': {'password': '1'}"), "users", "component dex"},
    {ALL, USERS("'a@b.c': {}"), "users", "users[\"a@b.c\"] can't log in"},
    {ALL, USERS("'ann': {'password': '1'}"), "users", "\"ann\" isn't an e-mail address"},
    {ALL, USERS("'@b.c': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'a@b@c': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'a@b..c': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'*@b.c': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'$(X)@b.c': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'a b@c.d': {'password': '1'}"), "users", "isn't an e-mail address"},
    {ALL, USERS("'a.b+c_d-e%f@g-h.example': {'password': '1'}"), NULL, NULL},
    {ALL, USERS("'Ann@b.c': {'password': '1'}"), "users", "in lower case"},
    {ALL, USERS("'a@b.c': {'password': '1', 'profile': 'A'}"), "users", "name of a namespace"},
    {ALL, USERS("'a@b.c': {'password': '1', 'profile': ''}"), "users", "name of a namespace"},
    {ALL, USERS("'a@b.c': {'password': '1', 'profile': 'kubeflow'}"), "users", "of the system"},
    {ALL, USERS("'a@b.c': {'password': '1', 'profile': null}"), NULL, NULL},
    {"['dex']", USERS("'a@b.c': {'password': '1', 'profile': 'a'}"), "users", "user-namespace"},
    {ALL,
     USERS("'a@b.c': {'password': '1', 'profile': 'x'}, 'd@b.c': {'password': '1', 'profile': "
           "'x'}"),
     "users", "users[\"a@b.c\"] and users[\"d@b.c\"] have the profile \"x\""},
    {ALL,
     USERS("'a@b.c': {'password': '1', 'cluster_admin': true}, 'd@b.c': {'password': '1', "
           "'cluster_admin': false}"),
     NULL, NULL},
    {ALL,
     USERS("'a@b.c': {'password': '1', 'cluster_admin': true}, 'd@b.c': {'password': '1', "
           "'cluster_admin': true}"),
     "users", "cluster_admin both"},
    {"['dex']", USERS("'a@b.c': {'password': '1', 'cluster_admin': true}"), "users",
     "component profiles"},
    {ALL,
     "{" ADDRESS ", 'oidc': {" OIDC ", 'client_secret': '1'}, 'users': {'Ann@B.c': {'profile': "
     "'a'}}}",
     NULL, NULL},
    {ALL,
     "{" ADDRESS ", 'oidc': {" OIDC ", 'client_secret': '1'}, 'users': {'Ann@b.c': {}, 'ann@b.c': "
     "{}}}",
     "users", "one address"},

    /* oidc */
    {ALL, WITH("'client_secret': '1'"), NULL, NULL},
    {ALL, WITH("'client_secret_ref': {'name': 'idp', 'namespace': 'auth', 'key': 'k'}"), NULL,
     NULL},
    {ALL, WITH("'client_secret_ref': {'name': 'idp', 'namespace': 'kubeflow', 'key': 'k'}"), "oidc",
     "\"kubeflow\", but Dex's pods can read Secrets of namespace auth"},
    {ALL, WITH("'client_secret_ref': {'name': 'idp', 'namespace': 'auth'}"), "oidc",
     "the key in it"},
    {ALL, WITH("'name': 'x'"), "oidc", "either client_secret_wo, or client_secret_ref"},
    {ALL, WITH("'client_secret': '1', 'client_secret_ref': {'name': 'a', 'key': 'b'}"), "oidc",
     "not both"},
    {ALL, WITH("'client_secret': '1', 'scopes': ['email', 'a b']"), "oidc", "oidc.scopes[1]"},
    {ALL, WITH("'client_secret': '1', 'email_claim': '$HOME'"), "oidc", "oidc.email_claim"},
    {ALL, WITH("'client_secret': '1', 'ca_pem': '/etc/ssl/ca.pem'"), "oidc", "oidc.ca_pem"},
    {ALL, "{" ADDRESS ", 'oidc': {'client_id': 'x', 'client_secret': '1'}}", "oidc",
     "oidc.issuer is missing"},
    {ALL, "{" ADDRESS ", 'oidc': {'issuer': 'https://i', 'client_secret': '1'}}", "oidc",
     "oidc.client_id is missing"},
    {ALL,
     "{" ADDRESS ", 'oidc': {'issuer': 'id.example.com', 'client_id': 'x', 'client_secret': "
     "'1'}}",
     "oidc", "oidc.issuer isn't an address"},
    {ALL, "{'oidc': {" OIDC ", 'client_secret': '1'}}", "oidc", "gateway.hostname"},
    {"['profiles']", WITH("'client_secret': '1'"), "oidc", "component dex"},

    /* address */
    {"[]", "{'gateway': {'external_url': 'https://h.example:8443/'}}", NULL, NULL},
    {"[]", "{'gateway': {'external_url': 'http://[::1]:8080', 'allow_plain_http': true}}", NULL,
     NULL},
    {"[]", "{'gateway': {'external_url': 'https://h.example/kubeflow'}}", "gateway",
     "without a path"},
    {"[]", "{'gateway': {'external_url': 'h.example'}}", "gateway", "external_url"},
    {"[]", "{'gateway': {'external_url': 'https://me@h.example'}}", "gateway", "external_url"},
    {"[]", "{'gateway': {'external_url': 'https://h\\nevil = 1'}}", "gateway", "external_url"},
    {"[]", "{'gateway': {'hostname': 'https://h.example'}}", "gateway", "gateway.hostname"},
    {"[]", "{'gateway': {'hostname': 'h.example', 'allow_plain_http': true}}", NULL, NULL},
    {"[]", "{'gateway': {'hostname': 'h.example'}}", "gateway", "allow_plain_http"},
    {"[]", "{'gateway': {'external_url': ''}}", "gateway", "external_url is empty"},
};

START_TEST(says_what_can_not_be)
{
    const struct check_case *c = &cases[_i];
    json_auto_t *components = settings_json(c->components), *values = settings_json(c->values);
    struct settings s = {catalog_release("26.03"), CATALOG_GENERIC, components, values};
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;
    int rc = settings_check(&s, &attribute, &err);

    if (!c->message) {
        ck_assert_msg(rc == 0, "%s: %s", c->values, err_msg(&err));
        return;
    }
    ck_assert_msg(rc == ERR_INVALID, "%s: %d", c->values, rc);
    ck_assert_str_eq(attribute, c->attribute);
    ck_assert_msg(strstr(err_msg(&err), c->message), "%s: %s", c->values, err_msg(&err));
}
END_TEST

#define MOST_USERS      400
#define LONGEST_VERSION "-9223372036854775808"

/* What is wanted in the Secret of passwords stands in its annotations twice, once it is filled. */
static void assert_marks_fit(const struct settings *s)
{
    json_auto_t *objects = settings_json(
        "[{'kind': 'ConfigMap', 'metadata': {'namespace': 'auth', 'name': 'dex'}, 'data': "
        "{'config.yaml': 'issuer: x'}}, {'kind': 'Deployment', 'metadata': {'namespace': 'auth', "
        "'name': 'dex'}, 'spec': {'template': {}}}, {'kind': 'Secret', 'metadata': {'namespace': "
        "'auth', 'name': 'dex-passwords'}}]");
    size_t size;

    ck_assert_int_eq(login_adjust_dex_users(s, objects, NULL), 0);
    size = strlen(
        krm_str(json_array_get(objects, 2), "metadata", "annotations", APPLYSET_VALUES, NULL));
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_lt(2 * size + 1024 /* the other annotations */, 256 << 10);
}

/* As many users as may be, with addresses as long as may be. */
START_TEST(has_limits)
{
    json_auto_t *components = settings_json(ALL), *values = json_object();
    json_t *users = json_object();
    struct settings s = {catalog_release("26.03"), CATALOG_GENERIC, components, values};
    const char *attribute;
    char *email;

    json_object_set_new(values, "users", users);
    for (int n = 0; n < MOST_USERS; n++) {
        email = mem_printf("%0242d@example.com", n);
        json_object_set_new(users, email, json_pack("{s:s}", "password", LONGEST_VERSION));
        free(email);
    }
    ck_assert_int_eq(settings_check(&s, &attribute, NULL), 0);
    assert_marks_fit(&s);
    json_object_set_new(users, "one@example.com", json_pack("{s:s}", "password", "1"));
    ck_assert_int_eq(settings_check(&s, &attribute, NULL), ERR_LIMIT);
}
END_TEST

/* --- the address -------------------------------------------------------------------------------- */

static const struct {
    const char *gateway, *url;
    bool https;
} addresses[] = {
    {"null", NULL, false},
    {"{}", NULL, false},
    {"{'hostname': 'h.example'}", NULL, false},
    {"{'hostname': 'h.example', 'tls': {'secret_name': 's'}}", "https://h.example", true},
    {"{'hostname': 'h.example', 'allow_plain_http': true}", "http://h.example", false},
    {"{'hostname': 'h.example', 'internal': true}", "http://h.example", false},
    {"{'hostname': 'h.example', 'tls': {}, 'external_url': 'https://out.example'}",
     "https://out.example", true},
    {"{'external_url': 'https://out.example:8443//'}", "https://out.example:8443", true},
    {"{'external_url': 'http://localhost:8080', 'tls': {}}", "http://localhost:8080", false},
    {"{'tls': {'secret_name': 's'}}", NULL, true},
};

START_TEST(knows_the_address)
{
    json_auto_t *gateway = settings_json(addresses[_i].gateway),
                *values = json_pack("{s:O}", "gateway", gateway);
    struct settings s = {catalog_release("26.03"), CATALOG_GENERIC, NULL, values};
    char *url CLEANUP(mem_cleanup) = settings_url(&s);

    ck_assert_pstr_eq(url, addresses[_i].url);
    ck_assert_int_eq(settings_https(&s), addresses[_i].https);
}
END_TEST

/* --- manifests that aren't as releases have them ------------------------------------------------ */

#define DEX_MAP(text)                                                                              \
    "{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'dex', 'namespace': 'auth'}, " \
    "'data': {'config.yaml': '" text "'}}"
#define DEX_PODS(spec)                                                                             \
    "{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'dex', 'namespace': "    \
    "'auth'}, 'spec': {'template': {'spec': {" spec "}}}}"
#define PROXY_MAP(name, key, text)                                                                 \
    "{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': '" name "', 'namespace': "     \
    "'oauth2-proxy'}, 'data': {'" key "': '" text "'}}"
#define PARAMETERS PROXY_MAP("oauth2-proxy-parameters", "FORCE_HTTPS", "false")
#define PROXY_CFG  PROXY_MAP("oauth2-proxy", "oauth2_proxy.cfg", "oidc_issuer_url = 1")
#define TOKEN_RULES(x)                                                                             \
    "{'apiVersion': 'security.istio.io/v1beta1', 'kind': 'RequestAuthentication', 'metadata': "    \
    "{'name': 'dex-jwt', 'namespace': 'istio-system'}, 'spec': {'jwtRules': [" x "]}}"
#define ONE_USER USERS("'a@b.c': {'password': '1', 'cluster_admin': true}")

static const struct {
    const char *component, *values, *objects, *attribute, *message;
} strange[] = {
    {"dex", ONE_USER, "[]", "users", "no ConfigMap auth/dex"},
    {"dex", ONE_USER, "[" DEX_MAP("a: 1") "]", "users", "no Deployment auth/dex"},
    {"dex", ONE_USER, "[" DEX_MAP("a: 1") "," DEX_PODS("") "]", "users",
     "no Secret auth/dex-passwords"},
    {"dex", ONE_USER, "[" DEX_MAP("a: [1") "," DEX_PODS("") "]", "users",
     "ConfigMap auth/dex, config.yaml: line"},
    {"dex", ONE_USER, "[" DEX_MAP("text") "," DEX_PODS("") "]", "users",
     "no configuration in ConfigMap auth/dex"},
    {"dex", "{" ADDRESS ", 'allow_default_login': true, 'oidc': {" OIDC ", 'client_secret': '1'}}",
     "[" DEX_MAP("a: 1") "," DEX_PODS("'containers': [{'name': 'x', 'env': []}]") "]", "oidc",
     "container dex"},
    {"dex",
     "{" ADDRESS ", 'allow_default_login': true, 'oidc': {" OIDC
     ", 'client_secret': '1', 'ca_pem': '-----BEGIN CERTIFICATE-----'}}",
     "[" DEX_MAP("a: 1") "," DEX_PODS("'containers': [{'name': 'dex', 'env': []}]") "]", "oidc",
     "ca_pem"},
    {"dex", "{'allow_default_login': true}", "[]", "rotate", "no Secret auth/dex-oidc-client"},
    {"oauth2-proxy", "{}", "[]", "gateway", "oauth2-proxy-parameters"},
    {"oauth2-proxy", "{}", "[" PARAMETERS "]", "rotate", "no Secret oauth2-proxy/oauth2-proxy"},
    {"oauth2-proxy", "{" ADDRESS "}", "[" PARAMETERS "]", "gateway",
     "no ConfigMap oauth2-proxy/oauth2-proxy"},
    {"oauth2-proxy", "{" ADDRESS "}",
     "[" PARAMETERS "," PROXY_MAP("oauth2-proxy", "oauth2_proxy.cfg",
                                  "#oidc_issuer_url = 1\\noidc_issuer_urls = 2") "]",
     "gateway", "no line \"oidc_issuer_url"},
    {"oauth2-proxy", "{" ADDRESS "}", "[" PARAMETERS "," PROXY_CFG "," TOKEN_RULES("") "]",
     "gateway", "names no issuer"},
    {"profiles", ONE_USER, "[]", "users", "no ConfigMap kubeflow/profiles-config"},
    {"user-namespace", ONE_USER, "[]", "users", "no Profile"},
};

START_TEST(says_what_is_missing)
{
    json_auto_t *components = settings_json(ALL), *values = settings_json(strange[_i].values),
                *objects = settings_json(strange[_i].objects);
    struct settings s = {catalog_release("26.03"), CATALOG_GENERIC, components, values};
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;

    ck_assert_int_eq(settings_adjust(&s, strange[_i].component, objects, &attribute, &err),
                     ERR_INVALID);
    ck_assert_str_eq(attribute, strange[_i].attribute);
    ck_assert_msg(strstr(err_msg(&err), strange[_i].message), "%s", err_msg(&err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings_login");
    TCase *tcase = tcase_create("settings_login");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60); /* hundreds of users, under the sanitizers */
    tcase_add_loop_test(tcase, says_what_can_not_be, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, has_limits);
    tcase_add_loop_test(tcase, knows_the_address, 0, (int)ARRAY_LEN(addresses));
    tcase_add_loop_test(tcase, says_what_is_missing, 0, (int)ARRAY_LEN(strange));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
