/* What becomes of a platform's value before anything is rendered: secrets out and versions in, values
 * that are handed over, stand-ins for what isn't known yet. */
#include "resources/kubeflow/platform.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "resources/kubeflow/tfjson.h"
#include "tests/unit/kubeflow/settings_cases.h"

#include "lib/base/banned.h"

#define HASH "$2y$12$4K/VkmDd1q1Orb3xAt82zu8gk7Ad6ReFR4LCP9UeYE90NLiN9Df72"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

/* A value of the resource; text as in settings_json. */
static const struct tf_value *value_of(const char *text)
{
    json_auto_t *json = settings_json(text);

    return tfjson_value(arena, json, tf_schema_type(arena, &platform_schema));
}

/* --- versions instead of secrets ---------------------------------------------------------------- */

static const struct {
    const char *value, *holder, *want; /* want: of the holder, as settings see it */
} versions[] = {
    {"{'release': '26.03', 'users': {'a@b.example': {'password_wo': 'x', 'password_wo_version': 7, "
     "'profile': 'p'}}}",
     "users", "{'a@b.example': {'password': '7', 'profile': 'p'}}"},
    /* the first digits of the hash's own SHA-256 */
    {"{'release': '26.03', 'users': {'a@b.example': {'password_hash': '" HASH "'}}}", "users",
     "{'a@b.example': {'password': 'hc1543769'}}"},
    {"{'release': '26.03', 'users': {'a@b.example': {'profile': 'p'}}}", "users",
     "{'a@b.example': {'profile': 'p'}}"},
    {"{'release': '26.03', 'oidc': {'issuer': 'https://i.example', 'client_id': 'c', "
     "'client_secret_wo': 's', 'client_secret_wo_version': 2}}",
     "oidc", "{'issuer': 'https://i.example', 'client_id': 'c', 'client_secret': '2'}"},
};

START_TEST(secrets_are_no_settings)
{
    struct platform_settings s;
    const char *attribute;
    json_auto_t *want = settings_json(versions[_i].want);
    char *all CLEANUP(mem_cleanup) = NULL;

    ck_assert_int_eq(platform_settings_of(value_of(versions[_i].value), &s, &attribute, NULL), 0);
    all = json_dumps(s.values, 0);
    ck_assert_msg(json_equal(json_object_get(s.values, versions[_i].holder), want), "%s", all);
    ck_assert_ptr_null(strstr(all, "$2y$"));
    platform_settings_done(&s);
}
END_TEST

START_TEST(errors_name_the_attribute)
{
    static const struct {
        const char *value, *attribute, *message;
    } wrong[] = {
        {"{'release': '26.04'}", "release", "did you mean \"26.03\""},
        {"{'release': 'seven'}", "release", "there are \"1.9.1\""},
        {"{'release': '26.03', 'target': 'aks'}", "target", "\"eks\""},
        {"{'release': '26.03', 'components': ['x']}", "components", "no component \"x\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err err CLEANUP(err_done) = ERR_INIT;
        struct platform_settings s;
        const char *attribute = NULL;

        ck_assert_int_eq(platform_settings_of(value_of(wrong[i].value), &s, &attribute, &err),
                         ERR_INVALID);
        ck_assert_str_eq(attribute, wrong[i].attribute);
        ck_assert_msg(strstr(err_msg(&err), wrong[i].message) != NULL, "%s", err_msg(&err));
        platform_settings_done(&s);
    }
}
END_TEST

/* --- what is handed over ------------------------------------------------------------------------ */

START_TEST(given_values_have_names)
{
    json_auto_t *given = platform_given_values(
        value_of("{'users': {'a@b.example': {'password_wo': 'x'}, 'h@b.example': {'password_hash': "
                 "'" HASH "'}, 'n@b.example': {}}, 'oidc': {'client_secret_wo': 's'}}"));
    json_auto_t *want =
        settings_json("{'user_password/a@b.example': 'x', 'user_password/h@b.example': '" HASH
                      "', 'oidc_connector_secret': 's'}");

    ck_assert(json_equal(given, want));
}
END_TEST

/* --- stand-ins ---------------------------------------------------------------------------------- */

/* A gateway with one member unknown; whether a stand-in takes its place, and is then no null. */
static bool is_stood_in(const char *member)
{
    const struct tf_value *v = value_of("{'release': '26.03', 'gateway': {'tls': {}}}");
    const struct tf_value *gateway = tf_get(v, "gateway");
    const struct tf_value *filled;

    gateway = tf_with(arena, gateway, member, tf_unknown(arena, tf_get(gateway, member)->type));
    v = platform_stand_in(arena, tf_with(arena, v, "gateway", gateway));
    filled = tf_dig(v, "gateway", member, NULL);
    ck_assert(!tf_is_null(filled));
    return tf_wholly_known(filled);
}

START_TEST(only_texts_of_fields_have_stand_ins)
{
    ck_assert(is_stood_in("hostname"));
    ck_assert(is_stood_in("external_url"));
    ck_assert(is_stood_in("load_balancer_ip"));
    /* decides which objects there are, or isn't text */
    ck_assert(!is_stood_in("tls"));
    ck_assert(!is_stood_in("internal"));
}
END_TEST

START_TEST(known_values_stay)
{
    const struct tf_value *v = value_of("{'release': '26.03', 'gateway': {'hostname': 'a.example', "
                                        "'annotations': {'k': 'v'}}, 'storage': {'sizes': {'c': "
                                        "'1Gi'}}}");

    ck_assert(tf_equal(platform_stand_in(arena, v), v));
}
END_TEST

/* A profile is a namespace: which one there is, isn't known. */
START_TEST(profiles_have_none)
{
    const struct tf_value *v =
        value_of("{'users': {'a@b.example': {'profile': 'p', 'password_hash': 'h'}}}");
    const struct tf_value *users = tf_get(v, "users"), *user = tf_get(users, "a@b.example");
    const struct tf_value *unknown = tf_unknown(arena, &tf_type_string);
    const char *keys[] = {"a@b.example"};
    const struct tf_value *items[1];

    items[0] = tf_with(arena, tf_with(arena, user, "profile", unknown), "password_hash", unknown);
    users = tf_map(arena, users->type, keys, items, 1);
    v = platform_stand_in(arena, tf_with(arena, v, "users", users));
    ck_assert(tf_is_unknown(tf_dig(v, "users", "a@b.example", "profile", NULL)));
    ck_assert(!tf_is_unknown(tf_dig(v, "users", "a@b.example", "password_hash", NULL)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kubeflow/platform_settings");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, secrets_are_no_settings, 0, (int)ARRAY_LEN(versions));
    tcase_add_test(t, errors_name_the_attribute);
    tcase_add_test(t, given_values_have_names);
    tcase_add_test(t, only_texts_of_fields_have_stand_ins);
    tcase_add_test(t, known_values_stay);
    tcase_add_test(t, profiles_have_none);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
