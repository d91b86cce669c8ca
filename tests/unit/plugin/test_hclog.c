#include <check.h>
#include <jansson.h>
#include <string.h>

#include "lib/base/mem.h"
#include "provider/plugin/hclog.h"

#include "lib/base/banned.h"

#define STAMP "2026-11-24T18:51:32.336736Z"

static struct buf line;

static void setup(void)
{
    buf_init(&line, BUF_MAX_TEXT);
}

static void teardown(void)
{
    buf_done(&line);
}

/* The formatted line, parsed by somebody else. */
static json_t *parsed(void)
{
    json_error_t error;
    json_t *root;

    ck_assert(line.len > 0 && line.data[line.len - 1] == '\n');
    ck_assert_ptr_eq(memchr(line.data, '\n', line.len), line.data + line.len - 1);
    root = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s: %s", error.text, line.data);
    return root;
}

static const char *member(const json_t *root, const char *name)
{
    const char *s = json_string_value(json_object_get(root, name));

    ck_assert_msg(s != NULL, "%s isn't a string", name);
    return s;
}

START_TEST(exact_line)
{
    const struct log_field fields[] = {{"key", "v"}};

    hclog_format(LOG_INFO, "kube.http", "text", STAMP, fields, 1, &line);
    ck_assert_str_eq(buf_str(&line),
                     "{\"@level\":\"info\",\"@message\":\"text\",\"@module\":\"kube.http\","
                     "\"@timestamp\":\"" STAMP "\",\"key\":\"v\"}\n");
}
END_TEST

START_TEST(everything_is_escaped)
{
    const char *text = "quote \" backslash \\ newline \n tab \t bell \a del \x7F é 日 end";
    const struct log_field fields[] = {{"a\"b\n", text}, {"none", NULL}};
    json_t *root;

    hclog_format(LOG_WARN, "m\"", text, STAMP, fields, 2, &line);
    root = parsed();
    ck_assert_str_eq(member(root, "@message"), text);
    ck_assert_str_eq(member(root, "@module"), "m\"");
    ck_assert_str_eq(member(root, "a\"b\n"), text);
    ck_assert_str_eq(member(root, "none"), "");
    json_decref(root);
}
END_TEST

START_TEST(invalid_utf8_becomes_the_replacement_character)
{
    json_t *root;

    hclog_format(LOG_ERROR, NULL,
                 "a\xFF"
                 "b\xC3",
                 STAMP, NULL, 0, &line);
    root = parsed();
    ck_assert_str_eq(member(root, "@message"), "a\xEF\xBF\xBD"
                                               "b\xEF\xBF\xBD");
    ck_assert_str_eq(member(root, "@module"), "");
    json_decref(root);
}
END_TEST

/* A second @level, or one that isn't a string, would crash or confuse Terraform. */
START_TEST(fields_never_replace_hclogs_own)
{
    const struct log_field fields[] = {{"@level", "nonsense"}, {"@timestamp", "never"}};
    json_t *root;

    hclog_format(LOG_DEBUG, "m", "x", STAMP, fields, 2, &line);
    root = parsed();
    ck_assert_str_eq(member(root, "@level"), "debug");
    ck_assert_str_eq(member(root, "@timestamp"), STAMP);
    ck_assert_str_eq(member(root, "level"), "nonsense");
    json_decref(root);
}
END_TEST

/* Bytes that grow sixfold when escaped, in the message and in more fields than fit. */
START_TEST(lines_are_cut)
{
    struct log_field fields[100];
    char *text = mem_alloc(200001);
    json_t *root;

    memset(text, 1, 200000);
    text[200000] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = (struct log_field){mem_printf("k%zu", i), text};
    hclog_format(LOG_INFO, text, text, STAMP, fields, ARRAY_LEN(fields), &line);
    ck_assert_uint_le(line.len, HCLOG_MAX_LINE);
    ck_assert_uint_gt(line.len, HCLOG_MAX_LINE / 2);
    root = parsed();
    ck_assert_ptr_nonnull(strstr(member(root, "@message"), "..."));
    json_decref(root);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        free((char *)fields[i].key);
    free(text);
}
END_TEST

static const char *own, *provider, *general;

static char *env(const char *name)
{
    if (!strcmp(name, "TF_LOG_PROVIDER_MY_THING"))
        return (char *)own;
    if (!strcmp(name, "TF_LOG_PROVIDER"))
        return (char *)provider;
    return !strcmp(name, "TF_LOG") ? (char *)general : NULL;
}

START_TEST(level_from_the_environment)
{
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_OFF);
    general = "warn";
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_WARN);
    provider = "DEBUG";
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_DEBUG);
    own = "ERROR";
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_ERROR);
    own = provider = "";
    general = "JSON";
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_TRACE);
    general = "off";
    ck_assert_int_eq(hclog_level(env, "my-thing"), LOG_OFF);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hclog");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, exact_line);
    tcase_add_test(t, everything_is_escaped);
    tcase_add_test(t, invalid_utf8_becomes_the_replacement_character);
    tcase_add_test(t, fields_never_replace_hclogs_own);
    tcase_add_test(t, lines_are_cut);
    tcase_add_test(t, level_from_the_environment);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
