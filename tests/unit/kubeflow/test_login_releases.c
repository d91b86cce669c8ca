/* Logins and the address in the releases themselves, rendered as a platform is. What must come out is
 * what Dex (v2.39.1 to v2.45.0), oauth2-proxy (v7.6.0 to v7.14.3) and Istio document. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/settings_parts.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

static const struct catalog_release *release;
static bool whole; /* all components are rendered, which takes longer */

/* Whether the _i-th release is at hand. */
static bool open_release(int i)
{
    release = releases_at(i);
    return release != NULL;
}

/* What has to do with logins, or all that is installed by default. */
static json_t *components_of(void)
{
    json_t *names = json_array();

    for (size_t i = 0; i < release->ncomponents; i++) {
        const struct catalog_component *c = &release->components[i];

        if (whole ? c->by_default
                  : !strcmp(c->name, "oauth2-proxy") || !strcmp(c->name, "dex") ||
                        !strcmp(c->name, "profiles") || !strcmp(c->name, "user-namespace"))
            json_array_append_new(names, json_string(c->name));
    }
    return names;
}

/* The objects of the platform with these values, and users' patches or NULL. Takes values. */
static json_t *render_patched(json_t *values, const json_t *patches)
{
    json_auto_t *components = components_of();
    struct settings s = {release, CATALOG_GENERIC, components, values};
    struct manifests_request r = {.settings = &s, .patches = patches};
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *attribute = NULL;
    json_t *objects;

    ck_assert_ptr_nonnull(values);
    ck_assert_msg(!settings_check(&s, &attribute, &err), "%s", err_msg(&err));
    objects = releases_render_request(&r);
    json_decref(values);
    return objects;
}

static json_t *render(json_t *values)
{
    return render_patched(values, NULL);
}

/* As the release has it. */
static json_t *render_plain(const char *component)
{
    return releases_render_request(
        &(struct manifests_request){.component = component, .release = release->name});
}

/* An object by kind and name; names that end in "-" are followed by a hash. */
static json_t *find(const json_t *objects, const char *kind, const char *namespace,
                    const char *name)
{
    size_t len = strlen(name), i;
    json_t *object;

    if (name[len - 1] != '-')
        return settings_find(objects, kind, namespace, name);
    json_array_foreach (objects, i, object) {
        const char *full = krm_str(object, "metadata", "name", NULL);

        if (!strcmp(gvk_of(object).kind, kind) && !strncmp(full, name, len) &&
            strlen(full) == len + 10)
            return object;
    }
    return NULL;
}

static json_t *need(const json_t *objects, const char *kind, const char *namespace,
                    const char *name)
{
    json_t *object = find(objects, kind, namespace, name);

    ck_assert_msg(object != NULL, "%s: no %s %s/%s", release->name, kind, namespace, name);
    return object;
}

static void check_json(const json_t *got, const char *wanted)
{
    json_auto_t *w = json_loads(wanted, JSON_DECODE_ANY, NULL);
    char *text CLEANUP(mem_cleanup) =
        got ? json_dumps(got, JSON_ENCODE_ANY) : mem_strdup("nothing");

    ck_assert_msg(w != NULL, "%s", wanted);
    ck_assert_msg(json_equal(got, w), "%s: %s\n  instead of %s", release->name, text, wanted);
}

static void check_marks(const json_t *object, const char *wanted)
{
    json_auto_t *marks = secret_marks_of(object);

    check_json(marks, wanted);
}

static json_t *pods(const json_t *objects, const char *namespace, const char *name)
{
    return krm_get(need(objects, "Deployment", namespace, name), "spec", "template", NULL);
}

static json_t *container(const json_t *objects, const char *namespace, const char *name)
{
    json_t *list = krm_get(pods(objects, namespace, name), "spec", "containers", NULL);

    return json_array_get(list, 0);
}

static const char *config_text(const json_t *objects)
{
    return krm_str(need(objects, "ConfigMap", "auth", "dex"), "data", "config.yaml", NULL);
}

static json_t *config(const json_t *objects)
{
    const char *text = config_text(objects);
    json_t *parsed = NULL;

    ck_assert_int_eq(yaml_parse(text, strlen(text), "config.yaml", &parsed, NULL), 0);
    return parsed;
}

static const char *config_hash(const json_t *objects)
{
    const char *hash = krm_str(pods(objects, "auth", "dex"), "metadata", "annotations",
                               APPLYSET_ANNOTATION("config"), NULL);

    ck_assert_uint_eq(strlen(hash), 64);
    return hash;
}

/* --- local users under an outside address ------------------------------------------------------- */

static json_t *two_users(void)
{
    return json_pack("{s:{s:{s:s, s:s, s:b}, s:{s:s, s:n}}, s:{s:s}, s:{s:i}}", "users",
                     "ml@example.com", "password", "7", "profile", "ml", "cluster_admin", 1,
                     "ann@example.com", "password", "v2", "profile", "gateway", "external_url",
                     "https://kubeflow.example.com", "rotate", "cookie_secret", 3);
}

/* What sha256sum says of the two addresses begins with these. */
#define ML  "7196167ca09abf96"
#define ANN "71d4f55f72fa128d"

static void check_dex_config(const json_t *objects, const json_t *plain)
{
    json_auto_t *got = config(objects), *wanted = config(plain);

    json_object_set_new(wanted, "issuer", json_string("https://kubeflow.example.com/dex"));
    json_object_set_new(wanted, "staticPasswords",
                        json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]", "email",
                                  "ml@example.com", "hashFromEnv", "DEX_PASSWORD_" ML, "username",
                                  "ml", "userID", ML "eee1b6bc77580170", "email", "ann@example.com",
                                  "hashFromEnv", "DEX_PASSWORD_" ANN, "username", "ann", "userID",
                                  ANN "fb468a1a3901507c"));
    ck_assert(json_is_true(json_object_get(got, "enablePasswordDB")));
    ck_assert(json_equal(got, wanted));
}

static void check_dex(const json_t *objects, const json_t *plain)
{
    json_t *passwords = need(objects, "Secret", "auth", "dex-passwords");
    json_t *client = need(objects, "Secret", "auth", "dex-oidc-client");

    check_dex_config(objects, plain);
    ck_assert_ptr_null(json_object_get(passwords, "data"));
    ck_assert_ptr_null(json_object_get(passwords, "stringData"));
    check_marks(passwords, "{\"DEX_PASSWORD_" ML "\": \"user_password/ml@example.com#7\","
                           "\"DEX_PASSWORD_" ANN "\": \"user_password/ann@example.com#v2\"}");
    check_json(json_object_get(client, "data"),
               "{\"OIDC_CLIENT_ID\": \"a3ViZWZsb3ctb2lkYy1hdXRoc2VydmljZQ==\"}");
    check_marks(client, "{\"OIDC_CLIENT_SECRET\": \"oidc_client_secret#1\"}");
    check_marks(
        pods(objects, "auth", "dex"),
        "{\"user_password/ml@example.com\": \"7\", \"user_password/ann@example.com\": \"v2\","
        "\"oidc_client_secret\": \"1\"}");
    check_json(krm_get(container(objects, "auth", "dex"), "envFrom", NULL),
               "[{\"secretRef\": {\"name\": \"dex-oidc-client\"}},"
               "{\"secretRef\": {\"name\": \"dex-passwords\"}}]");
}

/* Each line as the release has it, but one. */
static void check_cfg(const json_t *objects, const json_t *plain)
{
    static const char old[] =
        "\noidc_issuer_url = \"http://dex.auth.svc.cluster.local:5556/dex\"\n";
    static const char new[] = "\noidc_issuer_url = \"https://kubeflow.example.com/dex\"\n";
    const json_t *got = need(objects, "ConfigMap", "oauth2-proxy", "oauth2-proxy-");
    const json_t *was = need(plain, "ConfigMap", "oauth2-proxy", "oauth2-proxy-");
    const char *text = krm_str(was, "data", "oauth2_proxy.cfg", NULL), *at = strstr(text, old);
    char *wanted CLEANUP(mem_cleanup) = NULL;

    ck_assert_ptr_nonnull(at);
    wanted = mem_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    ck_assert_str_eq(krm_str(got, "data", "oauth2_proxy.cfg", NULL), wanted);
    ck_assert_ptr_nonnull(strstr(wanted, "\nlogin_url = \"/dex/auth\"\n"));
    ck_assert_ptr_nonnull(strstr(wanted, "\nrelative_redirect_url = true"));
    ck_assert_str_ne(krm_str(got, "metadata", "name", NULL),
                     krm_str(was, "metadata", "name", NULL));
}

/* Where the pods get a variable from: the name of the ConfigMap or Secret. */
static const char *source_of(const json_t *c, const char *variable)
{
    json_t *env;
    size_t i;

    json_array_foreach (krm_get(c, "env", NULL), i, env) {
        const char *map = krm_str(env, "valueFrom", "configMapKeyRef", "name", NULL);

        if (!strcmp(krm_str(env, "name", NULL), variable))
            return *map ? map : krm_str(env, "valueFrom", "secretKeyRef", "name", NULL);
    }
    return "";
}

static void check_proxy(const json_t *objects)
{
    json_t *secret = need(objects, "Secret", "oauth2-proxy", "oauth2-proxy");
    json_t *parameters = need(objects, "ConfigMap", "oauth2-proxy", "oauth2-proxy-parameters-");
    json_t *c = container(objects, "oauth2-proxy", "oauth2-proxy");
    json_t *cfg = need(objects, "ConfigMap", "oauth2-proxy", "oauth2-proxy-");
    json_t *volumes =
        krm_get(pods(objects, "oauth2-proxy", "oauth2-proxy"), "spec", "volumes", NULL);

    check_json(json_object_get(secret, "data"),
               "{\"client-id\": \"a3ViZWZsb3ctb2lkYy1hdXRoc2VydmljZQ==\"}");
    check_marks(secret, "{\"client-secret\": \"oidc_client_secret#1\","
                        "\"cookie-secret\": \"cookie_secret#3\"}");
    check_marks(pods(objects, "oauth2-proxy", "oauth2-proxy"),
                "{\"oidc_client_secret\": \"1\", \"cookie_secret\": \"3\"}");
    ck_assert_str_eq(source_of(c, "OAUTH2_PROXY_CLIENT_SECRET"), "oauth2-proxy");
    ck_assert_str_eq(source_of(c, "OAUTH2_PROXY_COOKIE_SECRET"), "oauth2-proxy");
    ck_assert_str_eq(krm_str(parameters, "data", "FORCE_HTTPS", NULL), "true");
    ck_assert_str_eq(source_of(c, "OAUTH2_PROXY_COOKIE_SECURE"),
                     krm_str(parameters, "metadata", "name", NULL));
    ck_assert_str_eq(krm_str(json_array_get(volumes, 0), "configMap", "name", NULL),
                     krm_str(cfg, "metadata", "name", NULL));
}

static void check_tokens(const json_t *objects, const json_t *plain)
{
    json_t *got = need(objects, "RequestAuthentication", "istio-system", "dex-jwt");
    json_t *was = need(plain, "RequestAuthentication", "istio-system", "dex-jwt");
    json_auto_t *wanted = json_deep_copy(json_object_get(was, "spec"));
    json_t *rule = json_array_get(json_object_get(wanted, "jwtRules"), 0);

    json_object_set_new(rule, "issuer", json_string("https://kubeflow.example.com/dex"));
    json_object_set_new(rule, "jwksUri",
                        json_string("http://dex.auth.svc.cluster.local:5556/dex/keys"));
    ck_assert(json_equal(json_object_get(got, "spec"), wanted));
}

/* The old issuer stands nowhere any more; its address is used for keys and tokens only. */
static void check_no_old_issuer(const json_t *objects)
{
    static const char old[] = "dex.auth.svc.cluster.local:5556/dex";
    char *text CLEANUP(mem_cleanup) = json_dumps(objects, 0);
    int uses = 0;

    for (const char *at = text; (at = strstr(at, old)); uses++) {
        at += strlen(old);
        ck_assert_msg(!strncmp(at, "/keys", 5) || !strncmp(at, "/token", 6), "%s: %.60s",
                      release->name, at);
    }
    ck_assert_int_eq(uses, 3);
    ck_assert_ptr_null(strstr(text, "user@example.com"));
}

static void check_profiles(const json_t *objects)
{
    json_t *admin = need(objects, "ConfigMap", "kubeflow", "profiles-config-"), *object,
           *profile = NULL;
    json_t *list =
        krm_get(pods(objects, "kubeflow", "profiles-deployment"), "spec", "containers", NULL);
    size_t i;

    json_array_foreach (objects, i, object) {
        if (strcmp(gvk_of(object).kind, "Profile") != 0)
            continue;
        ck_assert_ptr_null(profile);
        profile = object;
    }
    ck_assert_str_eq(krm_str(profile, "apiVersion", NULL), "kubeflow.org/v1beta1");
    ck_assert_str_eq(krm_str(profile, "metadata", "name", NULL), "ml");
    check_json(json_object_get(profile, "spec"),
               "{\"owner\": {\"kind\": \"User\", \"name\": \"ml@example.com\"}}");
    ck_assert_ptr_null(find(objects, "ConfigMap", NULL, "default-install-config-"));
    ck_assert_str_eq(krm_str(admin, "data", "ADMIN", NULL), "ml@example.com");
    json_array_foreach (list, i, object) {
        json_t *from = json_array_get(krm_get(object, "envFrom", NULL), 0);

        ck_assert_str_eq(krm_str(from, "configMapRef", "name", NULL),
                         krm_str(admin, "metadata", "name", NULL));
    }
}

START_TEST(local_users)
{
    json_auto_t *objects = NULL, *dex = NULL, *proxy = NULL;

    if (!open_release(_i))
        return;
    whole = true;
    objects = render(two_users());
    dex = render_plain("dex");
    proxy = render_plain("oauth2-proxy");
    check_dex(objects, dex);
    check_cfg(objects, proxy);
    check_proxy(objects);
    check_tokens(objects, proxy);
    check_no_old_issuer(objects);
    check_profiles(objects);
}
END_TEST

/* --- the release's own user --------------------------------------------------------------------- */

START_TEST(default_login)
{
    json_auto_t *objects = NULL, *dex = NULL, *proxy = NULL;
    json_t *secret, *was;

    if (!open_release(_i))
        return;
    objects = render(json_pack("{s:b}", "allow_default_login", 1));
    dex = render_plain("dex");
    proxy = render_plain("oauth2-proxy");
    ck_assert_str_eq(config_text(objects), config_text(dex));
    secret = need(objects, "Secret", "auth", "dex-passwords");
    was = need(dex, "Secret", "auth", "dex-passwords");
    ck_assert(json_equal(json_object_get(secret, "data"), json_object_get(was, "data")));
    check_marks(pods(objects, "auth", "dex"), "{\"oidc_client_secret\": \"1\"}");
    check_marks(
        need(objects, "Secret", "oauth2-proxy", "oauth2-proxy"),
        "{\"client-secret\": \"oidc_client_secret#1\", \"cookie-secret\": \"cookie_secret#1\"}");
    ck_assert_ptr_nonnull(find(objects, "Profile", NULL, "kubeflow-user-example-com"));
    ck_assert_str_eq(krm_str(need(objects, "ConfigMap", "oauth2-proxy", "oauth2-proxy-"),
                             "metadata", "name", NULL),
                     krm_str(need(proxy, "ConfigMap", "oauth2-proxy", "oauth2-proxy-"), "metadata",
                             "name", NULL));
    config_hash(objects);
}
END_TEST

/* --- an identity provider ----------------------------------------------------------------------- */

#define CA "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

static json_t *connectors(const json_t *objects)
{
    json_auto_t *c = config(objects);

    return json_incref(json_object_get(c, "connectors"));
}

/* Members as in Dex's connector/oidc/oidc.go. */
static void check_connector(const json_t *objects)
{
    json_auto_t *got = connectors(objects), *c = config(objects);

    check_json(got, "[{\"type\": \"oidc\", \"id\": \"oidc\", \"name\": \"Example\", \"config\": {"
                    "\"issuer\": \"https://id.example.com/\", \"clientID\": \"kubeflow\","
                    "\"clientSecret\": \"$OIDC_CONNECTOR_SECRET\","
                    "\"redirectURI\": \"http://kubeflow.example.com/dex/callback\","
                    "\"scopes\": [\"email\", \"groups\"], \"userNameKey\": \"nick\","
                    "\"insecureSkipEmailVerified\": true, \"overrideClaimMapping\": true,"
                    "\"claimMapping\": {\"email\": \"upn\", \"groups\": \"roles\"},"
                    "\"insecureEnableGroups\": true,"
                    "\"rootCAs\": [\"/etc/dex/cfg/oidc-ca.pem\"]}}]");
    check_json(json_object_get(c, "issuer"), "\"http://kubeflow.example.com/dex\"");
    check_json(json_object_get(c, "enablePasswordDB"), "false");
    ck_assert_ptr_null(json_object_get(c, "staticPasswords"));
}

/* Its variable and its certificates are in the pods. */
static void check_connector_pods(const json_t *objects)
{
    json_t *template = pods(objects, "auth", "dex");
    json_t *volume = json_array_get(krm_get(template, "spec", "volumes", NULL), 0);
    json_t *env = krm_get(container(objects, "auth", "dex"), "env", NULL);
    json_t *map = need(objects, "ConfigMap", "auth", "dex");

    check_json(json_array_get(env, json_array_size(env) - 1),
               "{\"name\": \"OIDC_CONNECTOR_SECRET\", \"valueFrom\": {\"secretKeyRef\": {"
               "\"name\": \"dex-oidc-connector\", \"key\": \"OIDC_CONNECTOR_SECRET\"}}}");
    ck_assert_uint_eq(json_array_size(env), 2);
    check_json(
        json_object_get(volume, "configMap"),
        "{\"name\": \"dex\", \"items\": [{\"key\": \"config.yaml\", \"path\": \"config.yaml\"},"
        "{\"key\": \"oidc-ca.pem\", \"path\": \"oidc-ca.pem\"}]}");
    ck_assert_str_eq(krm_str(map, "data", "oidc-ca.pem", NULL), CA);
    check_marks(template, "{\"oidc_client_secret\": \"1\", \"oidc_connector_secret\": \"4\"}");
}

START_TEST(identity_provider)
{
    json_auto_t *objects = NULL;
    json_t *secret;

    if (!open_release(_i))
        return;
    objects = render(json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:[s, s, s], s:s, s:s, s:s, s:b, s:s}, s:{s:s, s:b}}", "oidc",
        "issuer", "https://id.example.com/", "client_id", "kubeflow", "client_secret", "4", "name",
        "Example", "scopes", "openid", "email", "groups", "username_claim", "nick", "email_claim",
        "upn", "groups_claim", "roles", "insecure_skip_email_verified", 1, "ca_pem", CA, "gateway",
        "hostname", "kubeflow.example.com", "allow_plain_http", 1));
    check_connector(objects);
    check_connector_pods(objects);
    secret = need(objects, "Secret", "auth", "dex-oidc-connector");
    check_marks(secret, "{\"OIDC_CONNECTOR_SECRET\": \"oidc_connector_secret#4\"}");
    ck_assert_ptr_null(json_object_get(secret, "data"));
    ck_assert_ptr_null(secret_marks_of(need(objects, "Secret", "auth", "dex-passwords")));
    ck_assert_ptr_null(find(objects, "Profile", NULL, "kubeflow-user-example-com"));
    ck_assert_str_eq(krm_str(need(objects, "ConfigMap", "oauth2-proxy", "oauth2-proxy-parameters-"),
                             "data", "FORCE_HTTPS", NULL),
                     "false");
}
END_TEST

/* A user whom only the provider knows, a client secret that is in the cluster. */
START_TEST(identity_provider_with_reference)
{
    json_auto_t *objects = NULL, *got = NULL;
    json_t *env;

    if (!open_release(_i))
        return;
    objects = render(json_pack("{s:{s:s, s:s, s:{s:s, s:s, s:s}}, s:{s:{s:s}}, s:{s:s}}", "oidc",
                               "issuer", "https://id.example.com", "client_id", "kubeflow",
                               "client_secret_ref", "name", "idp", "namespace", "auth", "key",
                               "secret", "users", "Ann@example.com", "profile", "ann", "gateway",
                               "external_url", "https://kubeflow.example.com"));
    env = krm_get(container(objects, "auth", "dex"), "env", NULL);
    check_json(json_array_get(env, 1),
               "{\"name\": \"OIDC_CONNECTOR_SECRET\", \"valueFrom\": {\"secretKeyRef\": {"
               "\"name\": \"idp\", \"key\": \"secret\"}}}");
    ck_assert_ptr_null(find(objects, "Secret", "auth", "dex-oidc-connector"));
    got = connectors(objects);
    check_json(got, "[{\"type\": \"oidc\", \"id\": \"oidc\", \"name\": \"OIDC\", \"config\": {"
                    "\"issuer\": \"https://id.example.com\", \"clientID\": \"kubeflow\","
                    "\"clientSecret\": \"$OIDC_CONNECTOR_SECRET\","
                    "\"redirectURI\": \"https://kubeflow.example.com/dex/callback\"}}]");
    check_json(json_object_get(need(objects, "Profile", NULL, "ann"), "spec"),
               "{\"owner\": {\"kind\": \"User\", \"name\": \"Ann@example.com\"}}");
}
END_TEST

/* --- rolling ------------------------------------------------------------------------------------ */

/* Dex's pods roll when its configuration is another one, also by a patch of the user's, and only
 * then. */
START_TEST(rolls_dex)
{
    json_auto_t *a = NULL, *again = NULL, *other = NULL, *patched = NULL;
    json_auto_t *patches = json_pack(
        "[{s:s}]", "patch",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: dex, namespace: auth}, data: {x: y}}");
    json_t *values = two_users();

    if (!open_release(_i)) {
        json_decref(values);
        return;
    }
    json_object_set_new(values, "gateway", json_pack("{s:s}", "external_url", "https://b.example"));
    a = render(two_users());
    again = render(two_users());
    other = render(values);
    patched = render_patched(two_users(), patches);
    ck_assert_str_eq(config_hash(a), config_hash(again));
    ck_assert_str_ne(config_hash(a), config_hash(other));
    ck_assert_str_ne(config_hash(a), config_hash(patched));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login_releases");
    TCase *tcase = tcase_create("login_releases");
    SRunner *runner;
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_add_checked_fixture(tcase, releases_setup, releases_teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, local_users, 0, (int)len);
    tcase_add_loop_test(tcase, default_login, 0, (int)len);
    tcase_add_loop_test(tcase, identity_provider, 0, (int)len);
    tcase_add_loop_test(tcase, identity_provider_with_reference, 0, (int)len);
    tcase_add_loop_test(tcase, rolls_dex, 0, (int)len);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
