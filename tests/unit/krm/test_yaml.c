/* Expected values are what kustomize 5.5.0 makes of the same text. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static json_t *parse_all(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *documents = NULL;

    ck_assert_msg(!yaml_parse_all(text, strlen(text), "in", &documents, &err), "%s: %s", text,
                  err_msg(&err));
    return documents;
}

/* The stream as a JSON array of documents. */
static void expect(const char *text, const char *json)
{
    json_auto_t *documents = parse_all(text);
    json_auto_t *wanted = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *got CLEANUP(mem_cleanup) = json_dumps(documents, JSON_COMPACT | JSON_ENCODE_ANY);

    ck_assert_ptr_nonnull(wanted);
    ck_assert_msg(json_equal(documents, wanted), "%s\n gives  %s\n not    %s", text, got, json);
}

static void expect_error(const char *text, size_t len, int code, const char *message)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *documents = NULL;

    ck_assert_msg(yaml_parse_all(text, len, "in", &documents, &err) == code, "%s", text);
    ck_assert_ptr_null(documents);
    ck_assert_str_eq(err_msg(&err), message);
}

static const char *const scalars[][2] = {
    {"", "null"},
    {"~", "null"},
    {"null", "null"},
    {"NULL", "null"},
    {"nUll", "\"nUll\""},
    {"true", "true"},
    {"False", "false"},
    {"tRUE", "\"tRUE\""},
    {"yes", "\"yes\""},
    {"on", "\"on\""},
    {"n", "\"n\""},
    {"0", "0"},
    {"-0", "0"},
    {"+1", "1"},
    {"007", "7"},
    {"0777", "511"},
    {"-007", "-7"},
    {"08", "8"},
    {"0o17", "15"},
    {"-0o17", "-15"},
    {"0o8", "\"0o8\""},
    {"0x1F", "31"},
    {"-0x1F", "-31"},
    {"0x", "\"0x\""},
    {"0b11", "3"},
    {"0xFFFFFFFFFFFFFFFFF", "\"0xFFFFFFFFFFFFFFFFF\""},
    {"1_000", "1000"},
    {"1_", "1"},
    {"_1", "\"_1\""},
    {"0x_1F", "31"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "9223372036854775808.0"},
    {"18446744073709551615", "18446744073709551615.0"},
    {"123456789012345678901234567890", "1.2345678901234568e+29"},
    {"1.0", "1"},
    {"1.", "1"},
    {"1e3", "1000"},
    {"1E3", "1000"},
    {"1e+3", "1000"},
    {"1e", "\"1e\""},
    {".5", "0.5"},
    {"-.5", "-0.5"},
    {"+1.5", "1.5"},
    {".5e3", "500"},
    {".1_0", "0.1"},
    {"._5", "\"._5\""},
    {"1_000.5", "1000.5"},
    {"09.5", "9.5"},
    {"1e21", "1e21"},
    {"1e400", "\"1e400\""},
    {"1e-400", "0"},
    {"0x1.8p1", "\"0x1.8p1\""},
    {"1.2.3", "\"1.2.3\""},
    {"12:30:45", "\"12:30:45\""},
    {"2024-01-01", "\"2024-01-01T00:00:00Z\""},
    {"2024-1-1", "\"2024-01-01T00:00:00Z\""},
    {"2024-01-01 10:00:00", "\"2024-01-01T10:00:00Z\""},
    {"2001-12-14t21:59:43.10-05:00", "\"2001-12-14T21:59:43.1-05:00\""},
    {"2024-13-01", "\"2024-13-01\""},
    {"2024-02-30", "\"2024-02-30\""},
    {"=", "\"=\""},
    {"<<", "\"<<\""},
    {"Infinity", "\"Infinity\""},
    {"a#b", "\"a#b\""},
    {"b #c", "\"b\""},
    {"http://x", "\"http://x\""},
    {"'1'", "\"1\""},
    {"\"true\"", "\"true\""},
    {"\"\\x41\\u00e9\\n\"", "\"A\xC3\xA9\\n\""},
    {"!!int \"5\"", "5"},
    {"!!str 5", "\"5\""},
    {"!!str", "\"\""},
    {"!!float 1", "1"},
    {"!!null null", "null"},
    {"!!int 0x1F", "31"},
    {"!!binary aGVsbG8=", "\"hello\""},
    {"!!binary /w==", "\"\xEF\xBF\xBD\""},
    {"!!timestamp \"2024-01-01\"", "\"2024-01-01T00:00:00Z\""},
    {"!own 5", "\"5\""},
    {"!own {a: 1}", "{\"a\": 1}"},
};

START_TEST(reads_scalars_as_kustomize)
{
    char *text CLEANUP(mem_cleanup) = mem_printf("v: %s\n", scalars[_i][0]);
    char *json CLEANUP(mem_cleanup) = mem_printf("[{\"v\": %s}]", scalars[_i][1]);

    expect(text, json);
}
END_TEST

START_TEST(reads_collections)
{
    expect("a:\n- 1\n- 2\nb: {c: [d], e: {}}\n", "[{\"a\":[1,2],\"b\":{\"c\":[\"d\"],\"e\":{}}}]");
    expect("{\"a\":[1,{\"b\":null}]}", "[{\"a\":[1,{\"b\":null}]}]");
    expect("a: [1,2,]\n", "[{\"a\":[1,2]}]");
    expect("1: a\ntrue: b\n", "[{\"1\":\"a\",\"true\":\"b\"}]");
    expect("a: |+\n  x\n\n\nb: |-\n  y\nc: >\n  p\n  q\n\n  r\nd: |2\n    z\n",
           "[{\"a\":\"x\\n\\n\\n\",\"b\":\"y\",\"c\":\"p q\\nr\\n\",\"d\":\"  z\\n\"}]");
    expect("\xEF\xBB\xBF"
           "a: |\r\n  x\r\n  y\r\nb: \"p\r\n  q\"\r\n",
           "[{\"a\":\"x\\ny\\n\",\"b\":\"p q\"}]");
}
END_TEST

START_TEST(keeps_the_order_of_keys)
{
    json_auto_t *documents = parse_all("z: 1\na: 2\nm: 3\n");
    char *json CLEANUP(mem_cleanup) = json_dumps(documents, JSON_COMPACT);

    ck_assert_str_eq(json, "[{\"z\":1,\"a\":2,\"m\":3}]");
}
END_TEST

START_TEST(leaves_out_empty_documents)
{
    expect("", "[]");
    expect("# only a comment\n", "[]");
    expect("---\n---\n# c\n---\na: 1\n---\n", "[{\"a\":1}]");
    expect("null\n---\na: 1\n...\n---\n- b\n", "[{\"a\":1},[\"b\"]]");
}
END_TEST

START_TEST(keeps_annotations_as_text)
{
    expect("metadata:\n"
           "  annotations: {a: 1.0, b: true, c: 0x1F, d: ~, e: 2024-01-01, f: , g: 'q'}\n"
           "  labels: {a: 1.0}\n"
           "spec: {template: {metadata: {annotations: {a: 1.0}}}}\n",
           "[{\"metadata\":{\"annotations\":{\"a\":\"1.0\",\"b\":\"true\",\"c\":\"0x1F\","
           "\"d\":\"~\",\"e\":\"2024-01-01\",\"f\":\"\",\"g\":\"q\"},\"labels\":{\"a\":1}},"
           "\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"a\":1}}}}}]");
    expect("kind: List\nitems:\n- metadata: {annotations: {a: 1.0}}\n",
           "[{\"kind\":\"List\",\"items\":[{\"metadata\":{\"annotations\":{\"a\":\"1.0\"}}}]}]");
    expect("annotations: {a: 1.0}\n", "[{\"annotations\":{\"a\":1}}]");
}
END_TEST

START_TEST(expands_aliases)
{
    expect("a: &a [1, {b: 2}]\nb: *a\n", "[{\"a\":[1,{\"b\":2}],\"b\":[1,{\"b\":2}]}]");
    expect("a: &a 0x1F\nb: *a\n", "[{\"a\":31,\"b\":31}]");
    expect("a: &a foo\n*a : bar\n", "[{\"a\":\"foo\",\"foo\":\"bar\"}]");
    expect("a: &a 1\nb: &a 2\nc: *a\n", "[{\"a\":1,\"b\":2,\"c\":2}]");
    expect("a: &x\nb: *x\n", "[{\"a\":null,\"b\":null}]");
}
END_TEST

START_TEST(copies_aliases)
{
    json_auto_t *documents = parse_all("a: &a {x: 1}\nb: *a\n");
    json_t *document = json_array_get(documents, 0);

    json_object_set_new(json_object_get(document, "b"), "x", json_integer(2));
    ck_assert_int_eq(json_integer_value(krm_get(document, "a", "x", NULL)), 1);
}
END_TEST

START_TEST(applies_merge_keys)
{
    expect("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n",
           "[{\"a\":{\"x\":1,\"y\":2},\"b\":{\"x\":1,\"y\":3}}]");
    expect("a: &a {x: 1}\nc: &c {x: 5, w: 6}\nb:\n  z: 4\n  <<: [*a, *c]\n",
           "[{\"a\":{\"x\":1},\"c\":{\"x\":5,\"w\":6},\"b\":{\"z\":4,\"x\":1,\"w\":6}}]");
    expect("a: &a {x: {p: 1}}\nb: {x: {q: 2}, <<: *a}\n",
           "[{\"a\":{\"x\":{\"p\":1}},\"b\":{\"x\":{\"q\":2}}}]");
    expect("b: {<<: {x: 1}, y: 2}\n", "[{\"b\":{\"x\":1,\"y\":2}}]");
}
END_TEST

static const struct {
    const char *text, *message;
} broken[] = {
    {"a: 1\na: 2\n", "in: line 2, column 1: duplicate key \"a\""},
    {"a: {b: 1,\n  \"b\": 2}\n", "in: line 2, column 3: duplicate key \"b\""},
    {"a: .inf\n", "in: line 1, column 4: JSON has no such number"},
    {"a: .nan\n", "in: line 1, column 4: JSON has no such number"},
    {"a: !!int x\n", "in: line 1, column 4: value doesn't fit its tag"},
    {"a: !!int 1.5\n", "in: line 1, column 4: value doesn't fit its tag"},
    {"a: !!int \"\"\n", "in: line 1, column 4: value doesn't fit its tag"},
    {"a: !!bool yes\n", "in: line 1, column 4: value doesn't fit its tag"},
    {"a: !!null x\n", "in: line 1, column 4: value doesn't fit its tag"},
    {"a: !!binary '*'\n", "in: line 1, column 4: !!binary isn't valid base64"},
    {"? [a]\n: 1\n", "in: line 1, column 3: a key must be a scalar"},
    {"{a: 1}: b\n", "in: line 1, column 1: a key must be a scalar"},
    {"a: &a [1]\n*a : b\n", "in: line 2, column 1: a key must be a scalar"},
    {"a: *b\n", "in: line 1, column 4: unknown anchor"},
    {"a: &a 1\n---\nb: *a\n", "in: line 3, column 4: unknown anchor"},
    {"a: &a [*a]\n", "in: line 1, column 8: anchor's value contains itself"},
    {"b: {<<: 5}\n", "in: line 1, column 10: << needs a mapping or a list of mappings"},
    {"b: {<<: {x: 1}, <<: {y: 2}}\n", "in: line 1, column 17: duplicate merge key"},
    {"a:\n\tb: 1\n", "in: line 2, column 1: found character that cannot start any token"},
    {"a: b: c\n", "in: line 1, column 5: mapping values are not allowed in this context"},
    {"a: \"\\ud83d\\ude00\"\n",
     "in: line 1, column 7: found invalid Unicode character escape code"},
    {"a: \"\xFF\"\n", "in: byte 4: invalid leading UTF-8 octet"},
    {"a: \x01\n", "in: byte 3: control characters are not allowed"},
};

START_TEST(says_where_and_why)
{
    expect_error(broken[_i].text, strlen(broken[_i].text), ERR_INVALID, broken[_i].message);
}
END_TEST

START_TEST(limits_depth)
{
    char text[2 * YAML_MAX_DEPTH + 2];
    json_t *v = NULL;

    memset(text, '[', YAML_MAX_DEPTH);
    memset(text + YAML_MAX_DEPTH, ']', YAML_MAX_DEPTH);
    ck_assert_int_eq(yaml_parse_all(text, 2 * (size_t)YAML_MAX_DEPTH, "in", &v, NULL), 0);
    json_decref(v);
    memset(text, '[', sizeof(text));
    expect_error(text, sizeof(text), ERR_LIMIT,
                 "in: line 1, column 257: nested deeper than is accepted");
}
END_TEST

/* In a time that isn't quadratic: the test case's limit is seconds. */
START_TEST(finds_one_of_many_anchors)
{
    struct buf text CLEANUP(buf_done);
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *documents = NULL;

    buf_init(&text, BUF_MAX_DOCUMENT);
    for (int i = 0; i < 60000; i++)
        buf_printf(&text, "- &a%d x\n- *a0\n", i);
    ck_assert_msg(!yaml_parse_all(buf_str(&text), text.len, "in", &documents, &err), "%s",
                  err_msg(&err));
    ck_assert_uint_eq(json_array_size(json_array_get(documents, 0)), 120000);
}
END_TEST

START_TEST(a_name_with_a_nul_is_one)
{
    static const char text[] = "\"k\\0x\":\nk: 1\n";
    json_auto_t *documents = NULL;

    ck_assert_int_eq(yaml_parse_blanks(text, strlen(text), "in", &documents, NULL), 0);
    yaml_fill_blanks(json_array_get(documents, 0));
    ck_assert_uint_eq(json_object_size(json_array_get(documents, 0)), 2);
    ck_assert(json_is_integer(json_object_get(json_array_get(documents, 0), "k")));
}
END_TEST

START_TEST(limits_what_aliases_expand_to)
{
    struct buf text = BUF_INIT;
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *v = NULL;

    buf_puts(&text, "a0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++)
        buf_printf(&text, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    ck_assert_int_eq(yaml_parse_all(text.data, text.len, "in", &v, &err), ERR_LIMIT);
    buf_clear(&text);
    buf_puts(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 300; i++)
        buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    ck_assert_int_eq(yaml_parse_all(text.data, text.len, "in", &v, &err), ERR_LIMIT);
    buf_done(&text);
}
END_TEST

START_TEST(reads_one_document)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *v = NULL;

    ck_assert_int_eq(yaml_parse("# nothing\n", 10, "in", &v, &err), 0);
    ck_assert(json_is_null(v));
    ck_assert_int_eq(yaml_parse("5", 1, "in", &v, &err), 0);
    ck_assert_int_eq(json_integer_value(v), 5);
    json_decref(v);
    ck_assert_int_eq(yaml_parse("a\n--- b", 7, "in", &v, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "in: more than one document");
}
END_TEST

START_TEST(tells_blanks_from_nulls)
{
    static const char text[] = "a:\nb: null\nc: [~, ]\nd: {e: }\nf: ''\n";
    json_auto_t *documents = NULL;
    json_t *d;

    ck_assert_int_eq(yaml_parse_blanks(text, sizeof(text) - 1, "in", &documents, NULL), 0);
    d = json_array_get(documents, 0);
    ck_assert_ptr_eq(json_object_get(d, "a"), yaml_blank());
    ck_assert_ptr_eq(json_object_get(d, "b"), json_null());
    ck_assert_ptr_eq(json_array_get(json_object_get(d, "c"), 0), json_null());
    ck_assert_ptr_eq(krm_get(d, "d", "e", NULL), yaml_blank());
    ck_assert_str_eq(krm_str(d, "f", NULL), "");
    ck_assert(json_is_null(yaml_blank()));
    yaml_fill_blanks(d);
    ck_assert_ptr_eq(json_object_get(d, "a"), json_null());
    ck_assert_ptr_eq(krm_get(d, "d", "e", NULL), json_null());
}
END_TEST

/* --- writing ---------------------------------------------------------------------------------- */

static char *write(const json_t *value, enum yaml_order order)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf out = BUF_INIT;

    ck_assert_int_eq(yaml_write(value, order, &out, &err), 0);
    return buf_take(&out);
}

START_TEST(writes_as_kustomize)
{
    static const char text[] =
        "a: \"yes\"\n"
        "b: \"1\"\n"
        "c: |\n"
        "  x\n"
        "  y\n"
        "d: |-\n"
        "  x\n"
        "    y\n"
        "e: {}\n"
        "f: []\n"
        "g:\n"
        "- - 1\n"
        "  - 2\n"
        "- h: null\n"
        "  i: true\n"
        "j: 'a: b'\n"
        "k: \"2024-01-01\"\n"
        "l: \"12:30:45\"\n"
        "m: \"\"\n"
        "\"n\": 1.5\n"
        "o: 1e+21\n"
        "p: http://x/?q#r\n"
        "q: '# c'\n"
        "v2: a long text that has no need of quotes at all but of two lines since"
        " it is longer\n"
        "  than eighty columns\n"
        "v10: \"\\ttab\\0\"\n";
    json_auto_t *documents = parse_all(text);
    char *got CLEANUP(mem_cleanup) = write(json_array_get(documents, 0), YAML_SORT_KEYS);

    ck_assert_str_eq(got, text);
}
END_TEST

START_TEST(writes_in_the_tree_s_order)
{
    json_auto_t *documents = parse_all("z: 1\na: {c: 1, b: 2}\n");
    char *kept CLEANUP(mem_cleanup) = write(json_array_get(documents, 0), YAML_KEEP_ORDER);
    char *sorted CLEANUP(mem_cleanup) = write(json_array_get(documents, 0), YAML_SORT_KEYS);

    ck_assert_str_eq(kept, "z: 1\na:\n  c: 1\n  b: 2\n");
    ck_assert_str_eq(sorted, "a:\n  b: 2\n  c: 1\nz: 1\n");
}
END_TEST

START_TEST(quotes_what_others_would_misread)
{
    static const char *const texts[] = {
        "",   "~",    "null",  "True", "y",     "off",   "0777",     "0o17", "1e3",
        ".5", "=",    "<<",    "1_0",  "-.inf", "1:30",  "- a",      "a: b", "#",
        "*a", "&a",   "!a",    "%a",   "@a",    "`a",    " a",       "a ",   "a\n",
        "\n", "\n a", "a\n\n", "\t",   "?",     "\"a\"", "2024-1-1", "{a"};
    json_auto_t *array = json_array();
    json_t *again = NULL;
    char *got CLEANUP(mem_cleanup) = NULL;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_array_append_new(array, json_string(texts[i]));
    got = write(array, YAML_KEEP_ORDER);
    ck_assert_int_eq(yaml_parse(got, strlen(got), "out", &again, NULL), 0);
    ck_assert(json_equal(array, again));
    json_decref(again);
    for (size_t i = 0; i < 16; i++) {
        char *plain CLEANUP(mem_cleanup) = mem_printf("\n- %s\n", texts[i]);

        ck_assert_ptr_null(strstr(got, plain));
    }
}
END_TEST

START_TEST(stops_at_the_buffer_s_ceiling)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *value = json_pack("{s:s}", "key", "a value that is longer than it may be");
    struct buf out;

    buf_init(&out, 16);
    ck_assert_int_eq(yaml_write(value, YAML_KEEP_ORDER, &out, &err), ERR_LIMIT);
    buf_done(&out);
}
END_TEST

START_TEST(writes_canonical_json)
{
    json_auto_t *value = json_pack("{s:i, s:[b,n], s:f}", "b", 1, "a", 1, "c", 0.1);
    char *json CLEANUP(mem_cleanup) = krm_canonical_json(value);

    ck_assert_str_eq(json, "{\"a\":[true,null],\"b\":1,\"c\":0.10000000000000001}");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("yaml");
    TCase *read = tcase_create("read"), *out = tcase_create("write");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(read, reads_scalars_as_kustomize, 0, (int)ARRAY_LEN(scalars));
    tcase_add_test(read, reads_collections);
    tcase_add_test(read, keeps_the_order_of_keys);
    tcase_add_test(read, leaves_out_empty_documents);
    tcase_add_test(read, keeps_annotations_as_text);
    tcase_add_test(read, expands_aliases);
    tcase_add_test(read, copies_aliases);
    tcase_add_test(read, applies_merge_keys);
    tcase_add_loop_test(read, says_where_and_why, 0, (int)ARRAY_LEN(broken));
    tcase_add_test(read, limits_depth);
    tcase_add_test(read, finds_one_of_many_anchors);
    tcase_add_test(read, a_name_with_a_nul_is_one);
    tcase_add_test(read, limits_what_aliases_expand_to);
    tcase_add_test(read, reads_one_document);
    tcase_add_test(read, tells_blanks_from_nulls);
    tcase_add_test(out, writes_as_kustomize);
    tcase_add_test(out, writes_in_the_tree_s_order);
    tcase_add_test(out, quotes_what_others_would_misread);
    tcase_add_test(out, stops_at_the_buffer_s_ceiling);
    tcase_add_test(out, writes_canonical_json);
    suite_add_tcase(s, read);
    suite_add_tcase(s, out);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
