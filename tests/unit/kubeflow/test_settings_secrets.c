/* Values with public defaults: that none is left in what the four releases render to, that everything
 * which uses one is found, and what `rotate` takes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/secret_recipes.h"
#include "resources/kubeflow/settings_parts.h"
#include "tests/unit/kubeflow/settings_releases.h"

#include "lib/base/banned.h"

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

static struct settings settings_of(const char *release, const json_t *values)
{
    return (struct settings){.release = catalog_release(release), .values = values};
}

/* A platform of one component, NULL when the release isn't at hand. */
static json_t *render(struct settings s, const char *component)
{
    json_auto_t *components = json_pack("[s]", component);

    if (!releases_named(s.release->name))
        return NULL;
    return releases_render(s.release, CATALOG_GENERIC, components, s.values);
}

/* --- what the releases render to ---------------------------------------------------------------- */

/* Who reads a value: found by reading the manifests of the releases. */
static const struct {
    const char *release, *component, *secret, *key, *value;
    const char *readers; /* names of workloads, sorted */
} facts[] = {
    {"1.9.1", "pipelines", "mlpipeline-minio-artifact", "accesskey", "object_store_access_key",
     "kubeflow-pipelines-profile-controller minio ml-pipeline ml-pipeline-ui "},
    {"1.9.1", "pipelines", "mlpipeline-minio-artifact", "secretkey", "object_store_secret_key",
     "kubeflow-pipelines-profile-controller minio ml-pipeline ml-pipeline-ui "},
    {"1.9.1", "pipelines", "mysql-secret", "password", "database_password",
     "cache-server metadata-grpc-deployment ml-pipeline mysql "},
    {"1.10.2", "pipelines", "mlpipeline-minio-artifact", "secretkey", "object_store_secret_key",
     "kubeflow-pipelines-profile-controller minio ml-pipeline ml-pipeline-ui "},
    {"1.10.2", "pipelines", "mysql-secret", "password", "database_password",
     "cache-server metadata-grpc-deployment ml-pipeline mysql "},
    {"1.11.0", "pipelines", "mlpipeline-minio-artifact", "secretkey", "object_store_secret_key",
     "kubeflow-pipelines-profile-controller ml-pipeline ml-pipeline-ui seaweedfs "},
    {"1.11.0", "pipelines", "mysql-secret", "password", "database_password",
     "cache-server metadata-grpc-deployment ml-pipeline mysql "},
    {"26.03", "pipelines", "mlpipeline-minio-artifact", "accesskey", "object_store_access_key",
     "kubeflow-pipelines-profile-controller ml-pipeline ml-pipeline-ui seaweedfs "},
    {"26.03", "pipelines", "mysql-secret", "password", "database_password",
     "cache-server metadata-grpc-deployment ml-pipeline mysql "},
    {"1.9.1", "katib", "katib-mysql-secrets", "MYSQL_ROOT_PASSWORD", "katib_database_password",
     "katib-db-manager katib-mysql "},
    {"26.03", "katib", "katib-mysql-secrets", "MYSQL_ROOT_PASSWORD", "katib_database_password",
     "katib-db-manager katib-mysql "},
    {"1.9.1", "model-registry", "model-registry-db-secrets", "MYSQL_ROOT_PASSWORD",
     "model_registry_database_password", "model-registry-db model-registry-deployment "},
    {"26.03", "model-registry", "model-registry-db-secrets", "MYSQL_ROOT_PASSWORD",
     "model_registry_database_password", "model-registry-db model-registry-deployment "},
};

static json_t *marks_of_pods(const json_t *workload)
{
    const char *text =
        krm_str(workload, "spec", "template", "metadata", "annotations", APPLYSET_VALUES, NULL);

    return text[0] ? json_loads(text, 0, NULL) : NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a b c ", sorted. */
static void readers_of(const json_t *objects, const char *value, const char *version,
                       struct buf *out)
{
    const char *names[16];
    const json_t *object;
    size_t i, n = 0;

    json_array_foreach (objects, i, object) {
        json_auto_t *marks = marks_of_pods(object);

        if (!json_object_get(marks, value))
            continue;
        ck_assert_str_eq(krm_str(marks, value, NULL), version);
        ck_assert_uint_lt(n, ARRAY_LEN(names));
        names[n++] = krm_str(object, "metadata", "name", NULL);
    }
    qsort(names, n, sizeof(*names), by_text);
    for (i = 0; i < n; i++)
        buf_printf(out, "%s ", names[i]);
}

static const json_t *secret_of(const json_t *objects, const char *name)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "Secret") &&
            !strcmp(krm_str(object, "metadata", "name", NULL), name))
            return object;
    }
    return NULL;
}

/* Readers roll for a second value; the first is the one that they started with. */
START_TEST(all_readers_are_found)
{
    json_auto_t *values = json_pack("{s:{s:i}}", "rotate", facts[_i].value, 2);
    struct settings s = settings_of(facts[_i].release, values);
    json_auto_t *objects = render(s, facts[_i].component), *marks = NULL;
    char *mark CLEANUP(mem_cleanup) = mem_printf("%s#2", facts[_i].value);
    struct buf readers CLEANUP(buf_done) = BUF_INIT;
    const json_t *secret;

    if (!objects)
        return;
    secret = secret_of(objects, facts[_i].secret);
    ck_assert_ptr_nonnull(secret);
    marks = secret_marks_of(secret);
    ck_assert_str_eq(krm_str(marks, facts[_i].key, NULL), mark);
    ck_assert_ptr_null(krm_get(secret, "data", facts[_i].key, NULL));
    ck_assert_ptr_null(krm_get(secret, "stringData", facts[_i].key, NULL));
    readers_of(objects, facts[_i].value, "2", &readers);
    ck_assert_str_eq(buf_str(&readers), facts[_i].readers);
}
END_TEST

/* Else whatever was installed by other means would roll when it is adopted. */
START_TEST(a_first_value_rolls_nothing)
{
    json_auto_t *values = json_object();
    struct settings s = settings_of("1.10.2", values);
    json_auto_t *objects = render(s, "katib");
    struct buf readers CLEANUP(buf_done) = BUF_INIT;

    if (!objects)
        return;
    readers_of(objects, "katib_database_password", "1", &readers);
    ck_assert_str_eq(buf_str(&readers), "");
}
END_TEST

/* No value of the release, in clear or in base64, and no leave for an empty password. */
START_TEST(no_default_is_left)
{
    static const char *const components[] = {"pipelines", "katib", "model-registry"};
    static const char *const gone[] = {"minio123", "bWluaW8xMjM=", "\"bWluaW8=\"", "\"dGVzdA==\"",
                                       "MYSQL_ALLOW_EMPTY_PASSWORD"};
    size_t len;
    const struct catalog_release *r = &catalog_releases(&len)[_i];
    json_auto_t *values = json_object();
    struct settings s = settings_of(r->name, values);

    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        json_auto_t *objects = render(s, components[i]);
        char *text CLEANUP(mem_cleanup) = objects ? json_dumps(objects, JSON_COMPACT) : NULL;

        for (size_t k = 0; text && k < ARRAY_LEN(gone); k++)
            ck_assert_msg(!strstr(text, gone[k]), "%s: %s has %s", r->name, components[i], gone[k]);
    }
}
END_TEST

START_TEST(the_server_of_mysql_reads_its_password)
{
    size_t len, i;
    const struct catalog_release *r = &catalog_releases(&len)[_i];
    json_auto_t *values = json_object(), *expected = NULL;
    struct settings s = settings_of(r->name, values);
    json_auto_t *objects = render(s, "pipelines");
    const json_t *object, *env = NULL;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "Deployment") &&
            !strcmp(krm_str(object, "metadata", "name", NULL), "mysql"))
            env = json_object_get(
                json_array_get(krm_get(object, "spec", "template", "spec", "containers", NULL), 0),
                "env");
    }
    expected = yaml("[{name: MYSQL_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: mysql-secret, "
                    "key: password}}}]");
    ck_assert(!objects || json_equal(env, expected));
}
END_TEST

/* A new number changes the Secret's mark and the pods of all readers, nothing else. */
START_TEST(rotation_rolls_readers)
{
    json_auto_t *none = json_object(), *values = yaml("{rotate: {object_store_secret_key: 3}}");
    struct settings before = settings_of("26.03", none), after = settings_of("26.03", values);
    json_auto_t *a = render(before, "pipelines");
    json_auto_t *b = render(after, "pipelines"), *marks = NULL;
    struct buf readers CLEANUP(buf_done) = BUF_INIT;
    size_t i, changed = 0;
    const json_t *object;

    if (!a)
        return;
    marks = secret_marks_of(secret_of(b, "mlpipeline-minio-artifact"));
    ck_assert_str_eq(krm_str(marks, "secretkey", NULL), "object_store_secret_key#3");
    ck_assert_str_eq(krm_str(marks, "accesskey", NULL), "object_store_access_key#1");
    readers_of(b, "object_store_secret_key", "3", &readers);
    ck_assert_str_eq(buf_str(&readers),
                     "kubeflow-pipelines-profile-controller ml-pipeline ml-pipeline-ui seaweedfs ");
    ck_assert_uint_eq(json_array_size(a), json_array_size(b));
    json_array_foreach (a, i, object)
        changed += !json_equal(object, json_array_get(b, i));
    ck_assert_uint_eq(changed, 5);
}
END_TEST

/* --- rotate ------------------------------------------------------------------------------------- */

static const struct {
    const char *values;
    const char *message; /* part of it; NULL: it is fine */
} rotations[] = {
    {"{}", NULL},
    {"{rotate: }", NULL},
    {"{rotate: {cookie_secret: 2, oidc_client_secret: 1, object_store_secret_key: 7}}", NULL},
    {"{rotate: {database_password: 1}}", NULL},
    {"{rotate: {cookie_secret: }}", "a whole one from 1 to"},
    {"{rotate: {database_password: 2}}", "kubeflow/mysql-pv-claim"},
    {"{rotate: {katib_database_password: 2}}", "ALTER USER"},
    {"{rotate: {model_registry_database_password: 2}}", "kubeflow/model-registry-db-secrets"},
    {"{rotate: {object_store_access_key: 2}}", "Renew object_store_secret_key"},
    {"{rotate: {cookie: 2}}",
     "no secret is called \"cookie\"; there are cookie_secret, oidc_client_secret, "
     "object_store_secret_key"},
    {"{rotate: {user_password/a@example.com: 2}}", "no secret is called"},
    {"{rotate: {cookie_secret: 0}}", "a whole one from 1 to"},
    {"{rotate: {cookie_secret: 1.5}}", "a whole one from 1 to"},
    {"{rotate: {cookie_secret: -1}}", "a whole one from 1 to"},
    {"{rotate: {cookie_secret: 1e300}}", "a whole one from 1 to"},
    {"{rotate: {cookie_secret: two}}", "a whole one from 1 to"},
};

/* Each value's component, without which its number would change nothing. */
static const char *const owners[][2] = {
    {"cookie_secret", "oauth2-proxy"},
    {"oidc_client_secret", "dex"},
    {"object_store_access_key", "pipelines"},
    {"object_store_secret_key", "pipelines"},
    {"database_password", "pipelines"},
    {"katib_database_password", "katib"},
    {"model_registry_database_password", "model-registry"},
};

START_TEST(what_is_rotated_is_installed)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *components = json_array();
    json_auto_t *values = json_pack("{s:{s:i}}", "rotate", owners[_i][0], 1);
    struct settings s = settings_of("26.03", values);
    char *message CLEANUP(mem_cleanup) = mem_printf(
        "%s belongs to the component %s, which isn't among", owners[_i][0], owners[_i][1]);

    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        if (strcmp(owners[i][1], owners[_i][1]) != 0)
            json_array_append_new(components, json_string(owners[i][1]));
    }
    s.components = components;
    ck_assert_int_eq(secrets_check_rotate(&s, &err), ERR_INVALID);
    ck_assert_msg(strstr(err_msg(&err), message), "%s", err_msg(&err));
    json_array_append_new(components, json_string(owners[_i][1]));
    ck_assert_int_eq(secrets_check_rotate(&s, NULL), 0);
}
END_TEST

START_TEST(rotate_is_checked)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *values = yaml(rotations[_i].values);
    json_auto_t *components = yaml("[oauth2-proxy, dex, pipelines, katib, model-registry]");
    struct settings s = settings_of("26.03", values);
    const char *attribute = NULL;
    int rc;

    json_object_set_new(values, "allow_default_login", json_true());
    s.components = components;
    rc = settings_check(&s, &attribute, &err);
    if (!rotations[_i].message) {
        ck_assert_msg(!rc, "%s", err_msg(&err));
        return;
    }
    ck_assert_int_eq(rc, ERR_INVALID);
    ck_assert_str_eq(attribute, "rotate");
    ck_assert_msg(strstr(err_msg(&err), rotations[_i].message), "%s", err_msg(&err));
}
END_TEST

/* A fork without what is to be changed. */
START_TEST(what_is_missing_is_named)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *values = json_object();
    json_auto_t *objects = yaml("[{apiVersion: apps/v1, kind: Deployment, metadata: {name: "
                                "katib-mysql}, spec: {template: {spec: {containers: [{}]}}}}]");
    struct settings s = settings_of("26.03", values);
    const char *attribute = NULL;

    ck_assert_int_eq(settings_finish(&s, "katib", objects, &attribute, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "Secret katib-mysql-secrets"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/settings_secrets");
    TCase *t = tcase_create("core"), *whole = tcase_create("releases");
    SRunner *r = srunner_create(s);
    size_t len;
    int failed;

    catalog_releases(&len);
    tcase_add_loop_test(t, rotate_is_checked, 0, (int)ARRAY_LEN(rotations));
    tcase_add_loop_test(t, what_is_rotated_is_installed, 0, (int)ARRAY_LEN(owners));
    tcase_add_test(t, what_is_missing_is_named);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(whole, releases_setup, releases_teardown);
    tcase_set_timeout(whole, 120);
    tcase_add_test(whole, a_first_value_rolls_nothing);
    tcase_add_loop_test(whole, all_readers_are_found, 0, (int)ARRAY_LEN(facts));
    tcase_add_loop_test(whole, no_default_is_left, 0, (int)len);
    tcase_add_loop_test(whole, the_server_of_mysql_reads_its_password, 0, (int)len);
    tcase_add_test(whole, rotation_rolls_readers);
    suite_add_tcase(s, whole);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
