/* Which value a marked Secret gets: kept, copied, given or made; and that live ones are read. */
#include <check.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bcrypt.h"
#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/secret_recipes.h"
#include "resources/kubeflow/secret_values.h"
#include "unit/fake_client.h"

#include "lib/base/banned.h"

#define MANAGER "m-values"

static json_t *yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *v;

    ck_assert_msg(!yaml_parse(text, strlen(text), "test", &v, &err), "%s", err_msg(&err));
    return v;
}

/* An array of one or two marked Secrets; the second may be NULL. */
static json_t *wanted(const char *name, const char *marks, const char *name2, const char *marks2)
{
    const char *const names[] = {name, name2}, *const texts[] = {marks, marks2};
    json_t *out = json_array();

    for (size_t i = 0; i < 2 && names[i]; i++)
        json_array_append_new(out,
                              json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}}", "apiVersion", "v1",
                                        "kind", "Secret", "metadata", "namespace", "ns", "name",
                                        names[i], "annotations", APPLYSET_VALUES, texts[i]));
    return out;
}

/* Adds a Secret as it is in the cluster. filled NULL: not by us; owned: keys that our manager has. */
static void there(json_t *live, const char *name, const char *data, const char *filled,
                  const char *owned)
{
    char *key CLEANUP(mem_cleanup) = mem_printf("Secret/ns/%s", name);
    char *text CLEANUP(mem_cleanup) =
        mem_printf("{apiVersion: v1, kind: Secret, metadata: {namespace: ns, name: %s, annotations:"
                   " {}, managedFields: [{manager: " MANAGER ", operation: Apply, fieldsV1: "
                   "{'f:data': {%s}}}]}, data: {%s}}",
                   name, owned, data);
    json_t *secret = yaml(text);

    if (filled)
        json_object_set_new(krm_get(secret, "metadata", "annotations", NULL), APPLYSET_FILLED,
                            json_string(filled));
    json_object_set_new(live, key, secret);
}

static json_t *decide(const json_t *objects, const json_t *live, const json_t *given)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *fills = NULL;

    ck_assert_msg(!secret_values_decide(objects, live, MANAGER, given, &fills, &err), "%s",
                  err_msg(&err));
    return fills;
}

static const char *value_of(const json_t *fills, const char *name, const char *key)
{
    char *id CLEANUP(mem_cleanup) = mem_printf("Secret/ns/%s", name);

    return krm_str(fills, id, "data", key, NULL);
}

static bool is_there(const json_t *fills, const char *name)
{
    char *id CLEANUP(mem_cleanup) = mem_printf("Secret/ns/%s", name);
    json_t *flag = krm_get(fills, id, "there", NULL);

    ck_assert(json_is_boolean(flag));
    return json_is_true(flag);
}

static char *plain(const char *base64)
{
    uint8_t *data;
    size_t len;

    ck_assert_int_eq(hash_base64_decode(base64, strlen(base64), &data, &len), 0);
    return (char *)data;
}

/* --- made --------------------------------------------------------------------------------------- */

START_TEST(new_values_are_random_letters)
{
    json_auto_t *objects = wanted("a", "{\"x\":\"cookie_secret#1\",\"y\":\"oidc_client_secret#1\"}",
                                  "b", "{\"z\":\"oidc_client_secret#1\"}");
    json_auto_t *one = decide(objects, NULL, NULL), *two = decide(objects, NULL, NULL);
    char *cookie CLEANUP(mem_cleanup) = plain(value_of(one, "a", "x"));
    char *client CLEANUP(mem_cleanup) = plain(value_of(one, "a", "y"));

    ck_assert_uint_eq(strlen(cookie), 32);
    ck_assert_uint_eq(strlen(client), 40);
    ck_assert_uint_eq(
        strspn(client, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 40);
    /* the same in both Secrets, another one each time */
    ck_assert_str_eq(value_of(one, "a", "y"), value_of(one, "b", "z"));
    ck_assert_str_ne(value_of(one, "a", "y"), value_of(two, "a", "y"));
    ck_assert(!is_there(one, "a"));
    ck_assert_str_eq(krm_str(one, "Secret/ns/b", "annotations", APPLYSET_FILLED, NULL),
                     "{\"z\":\"oidc_client_secret#1\"}");
}
END_TEST

/* --- kept --------------------------------------------------------------------------------------- */

#define COOKIE   "{\"x\":\"cookie_secret#1\"}"
#define DATABASE "{\"x\":\"database_password#1\"}"

/* Live Secret "a" with key x, whose data is b2xk ("old"). */
static const struct {
    const char *mark, *data, *filled, *owned;
    bool kept, there;
} cases[] = {
    {COOKIE, "x: b2xk", COOKIE, "'f:x': {}", true, true},
    /* somebody changed it: so it is, and ours again */
    {COOKIE, "x: b2xk", COOKIE, "", true, false},
    /* another version */
    {"{\"x\":\"cookie_secret#2\"}", "x: b2xk", COOKIE, "'f:x': {}", false, false},
    /* taken away */
    {COOKIE, "", COOKIE, "", false, false},
    /* there before us: data was made with it */
    {DATABASE, "x: b2xk", NULL, "", true, false},
    {"{\"x\":\"object_store_secret_key#1\"}", "x: b2xk", NULL, "", true, false},
    {DATABASE, "x: b2xk", "{\"y\":\"oidc_client_secret#1\"}", "'f:y': {}", true, false},
    {DATABASE, "y: b2xk", NULL, "", false, false},
    /* there before us: what everybody knows from the release */
    {COOKIE, "x: b2xk", NULL, "", false, false},
    {"{\"x\":\"oidc_client_secret#1\"}", "x: b2xk", NULL, "", false, false},
    {COOKIE, "x: b2xk", "{\"y\":\"oidc_client_secret#1\"}", "'f:y': {}", false, false},
    /* there before us, but renewed at once */
    {"{\"x\":\"object_store_secret_key#2\"}", "x: b2xk", NULL, "", false, false},
    /* what it was filled with is no list of ours */
    {DATABASE, "x: b2xk", "[1]", "", true, false},
    /* a key that isn't wanted any more goes with the next fill */
    {COOKIE, "x: b2xk, y: b2xk", "{\"x\":\"cookie_secret#1\",\"y\":\"user_password/a#1\"}",
     "'f:x': {}, 'f:y': {}", true, false},
};

START_TEST(live_values_count)
{
    json_auto_t *objects = wanted("a", cases[_i].mark, NULL, NULL), *live = json_object();
    json_auto_t *fills = NULL;

    there(live, "a", cases[_i].data, cases[_i].filled, cases[_i].owned);
    fills = decide(objects, live, NULL);
    ck_assert_int_eq(!strcmp(value_of(fills, "a", "x"), "b2xk"), cases[_i].kept);
    ck_assert_uint_gt(strlen(value_of(fills, "a", "x")), 0);
    ck_assert_str_eq(value_of(fills, "a", "y"), "");
    ck_assert_int_eq(is_there(fills, "a"), cases[_i].there);
}
END_TEST

/* What is going away has to be made anew with its values. */
START_TEST(a_secret_being_deleted_is_filled_again)
{
    json_auto_t *objects = wanted("a", COOKIE, NULL, NULL), *live = json_object(), *fills = NULL;

    there(live, "a", "x: b2xk", COOKIE, "'f:x': {}");
    json_object_set_new(krm_get(live, "Secret/ns/a", "metadata", NULL), "deletionTimestamp",
                        json_string("2026-01-02T03:04:05Z"));
    fills = decide(objects, live, NULL);
    ck_assert_str_eq(value_of(fills, "a", "x"), "b2xk");
    ck_assert(!is_there(fills, "a"));
}
END_TEST

/* Of two Secrets that hold one value, that which nobody touched decides. */
START_TEST(one_value_for_all_its_secrets)
{
    json_auto_t *objects = wanted("a", COOKIE, "b", COOKIE), *live = json_object(), *fills = NULL;
    json_auto_t *again = NULL;

    there(live, "a", "x: Y2hhbmdlZA==", COOKIE, "");
    there(live, "b", "x: b2xk", COOKIE, "'f:x': {}");
    fills = decide(objects, live, NULL);
    ck_assert_str_eq(value_of(fills, "a", "x"), "b2xk");
    ck_assert_str_eq(value_of(fills, "b", "x"), "b2xk");
    ck_assert(!is_there(fills, "a"));
    ck_assert(is_there(fills, "b"));
    /* one of them is new */
    json_object_del(live, "Secret/ns/b");
    again = decide(objects, live, NULL);
    ck_assert_str_eq(value_of(again, "b", "x"), "Y2hhbmdlZA==");
}
END_TEST

/* --- given -------------------------------------------------------------------------------------- */

#define USER "{\"h\":\"user_password/ml@example.com#1\"}"

START_TEST(a_password_is_hashed)
{
    json_auto_t *objects = wanted("a", USER, NULL, NULL);
    json_auto_t *given = yaml("{user_password/ml@example.com: correct horse}");
    json_auto_t *fills = decide(objects, NULL, given);
    char *hash CLEANUP(mem_cleanup) = plain(value_of(fills, "a", "h"));
    struct crypt_data *data = mem_calloc(1, sizeof(*data));

    ck_assert(bcrypt_is_hash(hash));
    ck_assert_str_eq(crypt_rn("correct horse", hash, data, sizeof(*data)), hash);
    free(data);
}
END_TEST

START_TEST(a_hash_is_taken_for_what_it_is)
{
    static const char hash[] = "$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72";
    json_auto_t *objects = wanted("a", USER, NULL, NULL);
    json_auto_t *given = json_pack("{s:s}", "user_password/ml@example.com", hash);
    json_auto_t *fills = decide(objects, NULL, given);
    char *got CLEANUP(mem_cleanup) = plain(value_of(fills, "a", "h"));

    ck_assert_str_eq(got, hash);
}
END_TEST

/* In each apply the configuration gives it again: only another version makes it count. */
START_TEST(what_is_given_again_changes_nothing)
{
    json_auto_t *objects = wanted("a", USER, NULL, NULL), *live = json_object();
    json_auto_t *given = yaml("{user_password/ml@example.com: correct horse}"), *fills = NULL;

    there(live, "a", "h: b2xk", USER, "'f:h': {}");
    fills = decide(objects, live, given);
    ck_assert_str_eq(value_of(fills, "a", "h"), "b2xk");
    ck_assert(is_there(fills, "a"));
}
END_TEST

/* A user's password isn't what somebody else put there before; nor is a given client secret. */
START_TEST(given_values_win_over_foreign_ones)
{
    json_auto_t *objects = wanted("a", USER, "b", "{\"c\":\"oidc_client_secret#1\"}");
    json_auto_t *live = json_object(), *fills = NULL;
    json_auto_t *given =
        yaml("{user_password/ml@example.com: correct horse, oidc_client_secret: mine}");
    char *client CLEANUP(mem_cleanup) = NULL;

    there(live, "a", "h: b2xk", NULL, "");
    there(live, "b", "c: b2xk", NULL, "");
    fills = decide(objects, live, given);
    ck_assert_str_ne(value_of(fills, "a", "h"), "b2xk");
    client = plain(value_of(fills, "b", "c"));
    ck_assert_str_eq(client, "mine");
}
END_TEST

static const struct {
    const char *marks, *given;
    const char *message; /* parts of it */
} refusals[] = {
    {USER, "{}", "users[\"ml@example.com\"].password_wo is needed"},
    {USER, "{user_password/other: x}", "Secret Secret/ns/a: users[\"ml@example.com\"].password_wo"},
    {USER, "{user_password/ml@example.com: ''}", "the password is empty"},
    {USER,
     "{user_password/ml@example.com: $2y$04$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLi"
     "N9Df72}",
     "cost 4"},
    {"{\"c\":\"oidc_connector_secret#1\"}", "{}", "oidc.client_secret_wo is needed"},
    /* any manifest may have the annotation */
    {"{\"c\":\"no_such_value#1\"}", "{}", "names no value that is known"},
    {"{\"c\":\"cookie_secret\"}", "{}", "names no value that is known"},
    {"{\"c\":\"\"}", "{}", "names no value that is known"},
    {"{\"c\":7}", "{}", "names no value that is known"},
};

START_TEST(refused)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects = wanted("a", refusals[_i].marks, NULL, NULL);
    json_auto_t *given = yaml(refusals[_i].given);
    json_t *fills = NULL;

    ck_assert_int_eq(secret_values_decide(objects, NULL, MANAGER, given, &fills, &err),
                     ERR_INVALID);
    ck_assert_ptr_null(fills);
    ck_assert_msg(strstr(err_msg(&err), refusals[_i].message), "%s", err_msg(&err));
    ck_assert_ptr_null(strstr(err_msg(&err), "4K/Vkm"));
}
END_TEST

START_TEST(unmarked_objects_are_left_alone)
{
    json_auto_t *objects =
        yaml("[{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: ns}}, {apiVersion: v1,"
             " kind: ConfigMap, metadata: {name: b, namespace: ns, annotations: {" APPLYSET_VALUES
             ": '{\"x\":\"cookie_secret#1\"}'}}}]");
    json_auto_t *fills = decide(objects, NULL, NULL);

    ck_assert_uint_eq(json_object_size(fills), 0);
}
END_TEST

/* Else a user who comes back with the same version and another password would have the old one. */
START_TEST(what_nobody_wants_any_more_goes)
{
    json_auto_t *objects =
        yaml("[{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: ns}}, {apiVersion: v1,"
             " kind: Secret, metadata: {name: b, namespace: ns}}, {apiVersion: v1, kind: Secret, "
             "metadata: {name: c, namespace: ns}}]");
    json_auto_t *live = json_object(), *fills = NULL, *expected = NULL;

    there(live, "a", "h: b2xk", USER, "'f:h': {}");
    there(live, "b", "h: b2xk", NULL, "");
    /* copied from another cluster: what it says isn't ours to take away */
    there(live, "c", "h: b2xk", USER, "'f:h': {}");
    json_array_clear(krm_get(live, "Secret/ns/c", "metadata", "managedFields", NULL));
    fills = decide(objects, live, NULL);
    expected = yaml("{Secret/ns/a: {there: false}}");
    ck_assert(json_equal(fills, expected));
}
END_TEST

/* --- the log ------------------------------------------------------------------------------------ */

static struct buf logged = BUF_INIT;

static void keep_log(enum log_level level, const char *module, const char *message,
                     const struct log_field *fields, size_t nfields)
{
    (void)level;
    (void)module;
    (void)fields;
    (void)nfields;
    buf_printf(&logged, "%s\n", message);
}

START_TEST(values_are_not_logged)
{
    json_auto_t *objects = wanted("a", "{\"x\":\"cookie_secret#1\",\"h\":\"user_password/ml#1\"}",
                                  "b", "{\"d\":\"database_password#1\"}");
    json_auto_t *live = json_object(), *given = yaml("{user_password/ml: correct horse}");
    json_auto_t *fills = NULL;
    char *cookie CLEANUP(mem_cleanup) = NULL;

    log_setup(LOG_TRACE, keep_log);
    there(live, "b", "d: b2xk", NULL, "");
    fills = decide(objects, live, given);
    cookie = plain(value_of(fills, "a", "x"));
    ck_assert_ptr_nonnull(strstr(buf_str(&logged), "cookie_secret is a new one"));
    ck_assert_ptr_nonnull(strstr(buf_str(&logged), "database_password was there before"));
    ck_assert_ptr_null(strstr(buf_str(&logged), cookie));
    ck_assert_ptr_null(strstr(buf_str(&logged), value_of(fills, "a", "x")));
    ck_assert_ptr_null(strstr(buf_str(&logged), "horse"));
    ck_assert_ptr_null(strstr(buf_str(&logged), "b2xk"));
    log_setup(LOG_OFF, NULL);
    buf_done(&logged);
}
END_TEST

/* --- reading ------------------------------------------------------------------------------------ */

static int status_of_b;
static const char *const metadata_of_c =
    "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"PartialObjectMetadata\",\"metadata\":{"
    "\"namespace\":\"ns\",\"name\":\"c\",\"annotations\":{\"" APPLYSET_FILLED "\":\"{}\"},"
    "\"managedFields\":[{\"manager\":\"" MANAGER "\",\"operation\":\"Apply\",\"fieldsV1\":{"
    "\"f:data\":{\"f:x\":{}}}}]}}";

static void serve(struct fake_conn *c, const struct fake_request *req, void *user)
{
    static const char secret[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"ns\",\"name\":"
        "\"a\"},\"data\":{\"x\":\"b2xk\"}}";
    static const char status[] = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":"
                                 "\"Failure\",\"reason\":\"X\",\"message\":\"no\"}";
    bool is_a = !strcmp(req->path, "/api/v1/namespaces/ns/secrets/a");

    (void)user;
    if (!strcmp(req->path, "/api/v1/namespaces/ns/secrets/c")) {
        ck_assert_ptr_nonnull(strstr(req->head, "as=PartialObjectMetadata"));
        fake_reply(c, 200, "Content-Type: application/json\r\n", metadata_of_c);
        return;
    }
    fake_reply(c, is_a ? 200 : status_of_b, "Content-Type: application/json\r\n",
               is_a ? secret : status);
}

static int resolve(const json_t *objects, json_t **ret_fills, struct err *err)
{
    struct fake_server *server = fake_server_new(serve, NULL, NULL, NULL, 0);
    struct kube_client *client;
    int rc;

    client = fake_client_new(server, 0);
    rc = secret_values_resolve(client, "m", objects, NULL, NULL, ret_fills, err);
    kube_client_free(client);
    fake_server_free(server);
    return rc;
}

START_TEST(live_secrets_are_read)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects = wanted("a", DATABASE, "b", DATABASE);
    json_t *fills CLEANUP(secret_values_cleanup) = NULL;

    status_of_b = 404;
    ck_assert_msg(!resolve(objects, &fills, &err), "%s", err_msg(&err));
    ck_assert_str_eq(value_of(fills, "a", "x"), "b2xk");
    ck_assert_str_eq(value_of(fills, "b", "x"), "b2xk");
}
END_TEST

/* Their values needn't come. */
START_TEST(who_filled_the_unmarked_ones_is_read)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects =
        yaml("[{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: ns}}]");
    json_auto_t *expected = yaml("{Secret/ns/c: {there: false}}");
    json_t *fills CLEANUP(secret_values_cleanup) = NULL;

    ck_assert_msg(!resolve(objects, &fills, &err), "%s", err_msg(&err));
    ck_assert(json_equal(fills, expected));
}
END_TEST

/* Not being allowed to look isn't "there is none": a new password would lock a database. */
START_TEST(not_allowed_is_not_absent)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *objects = wanted("a", COOKIE, "b", COOKIE);
    json_t *fills = NULL;

    status_of_b = 403;
    ck_assert_int_eq(resolve(objects, &fills, &err), ERR_DENIED);
    ck_assert_ptr_null(fills);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "Secret ns/b"));
}
END_TEST

START_TEST(recipes_are_consistent)
{
    ck_assert_ptr_null(secret_recipe("nonsense"));
    ck_assert_ptr_null(secret_recipe(""));
    ck_assert_ptr_null(secret_recipe("user_passwor"));
    ck_assert(secret_recipe("user_password/x")->password);
    /* oauth2-proxy takes 16, 24 and 32 bytes */
    ck_assert_uint_eq(secret_recipe("cookie_secret")->length, 32);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/secret_values");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, recipes_are_consistent);
    tcase_add_test(t, new_values_are_random_letters);
    tcase_add_loop_test(t, live_values_count, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, a_secret_being_deleted_is_filled_again);
    tcase_add_test(t, one_value_for_all_its_secrets);
    tcase_add_test(t, a_password_is_hashed);
    tcase_add_test(t, a_hash_is_taken_for_what_it_is);
    tcase_add_test(t, what_is_given_again_changes_nothing);
    tcase_add_test(t, given_values_win_over_foreign_ones);
    tcase_add_loop_test(t, refused, 0, (int)ARRAY_LEN(refusals));
    tcase_add_test(t, unmarked_objects_are_left_alone);
    tcase_add_test(t, what_nobody_wants_any_more_goes);
    tcase_add_test(t, values_are_not_logged);
    tcase_add_test(t, live_secrets_are_read);
    tcase_add_test(t, who_filled_the_unmarked_ones_is_read);
    tcase_add_test(t, not_allowed_is_not_absent);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
