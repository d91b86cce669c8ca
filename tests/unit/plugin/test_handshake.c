#include <check.h>

#include "provider/plugin/handshake.h"

#include "lib/base/banned.h"

/* What a stand-in for getenv sees: set by each test. */
static const char *const (*environment)[2];

static char *env(const char *name)
{
    for (size_t i = 0; environment[i][0]; i++)
        if (!strcmp(environment[i][0], name))
            return (char *)environment[i][1];
    return NULL;
}

static struct handshake read_from(const char *const (*variables)[2])
{
    struct handshake h;

    environment = variables;
    handshake_read(&h, env);
    return h;
}

#define COOKIE                                                                                     \
    {                                                                                              \
        "TF_PLUGIN_MAGIC_COOKIE",                                                                  \
            "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"                     \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

START_TEST(a_person_has_no_cookie)
{
    const char *const none[][2] = {END};
    const char *const wrong[][2] = {{"TF_PLUGIN_MAGIC_COOKIE", "d602"}, END};

    ck_assert(!read_from(none).by_host);
    ck_assert(!read_from(wrong).by_host);
}
END_TEST

START_TEST(terraform_has)
{
    const char *const vars[][2] = {
        COOKIE, {"PLUGIN_PROTOCOL_VERSIONS", "5,6"}, {"PLUGIN_CLIENT_CERT", "PEM"}, END};
    struct handshake h = read_from(vars);

    ck_assert(h.by_host);
    ck_assert(h.speaks_protocol);
    ck_assert_str_eq(h.client_cert, "PEM");
    ck_assert_ptr_null(h.socket_dir);
    ck_assert(!h.multiplex_field);
}
END_TEST

START_TEST(versions_are_a_set)
{
    static const struct {
        const char *versions;
        bool spoken;
    } cases[] = {
        {"6", true}, {"6,5", true},  {"5,6", true}, {"5", false},  {"5,66", false},
        {"", true},  {"4,5", false}, {"x,6", true}, {"6x", false}, {",", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const vars[][2] = {{"PLUGIN_PROTOCOL_VERSIONS", cases[i].versions}, END};

        ck_assert_msg(read_from(vars).speaks_protocol == cases[i].spoken, "%s", cases[i].versions);
    }
}
END_TEST

START_TEST(empty_is_unset)
{
    const char *const vars[][2] = {{"PLUGIN_CLIENT_CERT", ""},
                                   {"PLUGIN_UNIX_SOCKET_DIR", ""},
                                   {"PLUGIN_MULTIPLEX_GRPC", ""},
                                   END};
    struct handshake h = read_from(vars);

    ck_assert_ptr_null(h.client_cert);
    ck_assert_ptr_null(h.socket_dir);
    ck_assert(!h.multiplex_field);
}
END_TEST

START_TEST(lines)
{
    struct handshake_address path = {"unix", "/tmp/x/plugin.sock"}, abstract = {"unix", "@name"};
    struct handshake plain = {.by_host = true}, multiplex = {.multiplex_field = true};
    struct buf out = BUF_INIT;

    handshake_line(&plain, &path, "MIIB", &out);
    ck_assert_str_eq(buf_str(&out), "1|6|unix|/tmp/x/plugin.sock|grpc|MIIB\n");
    buf_clear(&out);
    handshake_line(&plain, &abstract, NULL, &out);
    ck_assert_str_eq(buf_str(&out), "1|6|unix|@name|grpc|\n");
    buf_clear(&out);
    handshake_line(&multiplex, &path, "MIIB", &out);
    ck_assert_str_eq(buf_str(&out), "1|6|unix|/tmp/x/plugin.sock|grpc|MIIB|false\n");
    buf_done(&out);
}
END_TEST

START_TEST(reattach_line_is_for_a_shell)
{
    struct handshake_address path = {"unix", "/tmp/it's/s"};
    struct buf out = BUF_INIT;

    handshake_reattach_line("registry.terraform.io/a/b", &path, 42, &out);
    ck_assert_str_eq(
        buf_str(&out),
        "TF_REATTACH_PROVIDERS='{\"registry.terraform.io/a/b\":{\"Protocol\":\"grpc\","
        "\"ProtocolVersion\":6,\"Pid\":42,\"Test\":true,\"Addr\":{\"Network\":\"unix\","
        "\"String\":\"/tmp/it'\\''s/s\"}}}'\n");
    buf_done(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handshake");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, a_person_has_no_cookie);
    tcase_add_test(t, terraform_has);
    tcase_add_test(t, versions_are_a_set);
    tcase_add_test(t, empty_is_unset);
    tcase_add_test(t, lines);
    tcase_add_test(t, reattach_line_is_for_a_shell);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
