#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static json_t *parse(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *value = NULL;

    ck_assert_msg(!yaml_parse(text, strlen(text), "in", &value, &err), "%s", err_msg(&err));
    return value;
}

START_TEST(gets_members)
{
    json_auto_t *o = parse("{a: {b: {c: text, d: 5}}, e: null}");

    ck_assert_str_eq(krm_str(o, "a", "b", "c", NULL), "text");
    ck_assert_int_eq(json_integer_value(krm_get(o, "a", "b", "d", NULL)), 5);
    ck_assert_ptr_eq(krm_get(o, NULL), o);
    ck_assert(json_is_null(krm_get(o, "e", NULL)));
    ck_assert_ptr_null(krm_get(o, "a", "x", "c", NULL));
    ck_assert_ptr_null(krm_get(o, "a", "b", "c", "d", NULL));
    ck_assert_ptr_null(krm_get(NULL, "a", NULL));
    ck_assert_str_eq(krm_str(o, "a", "b", "d", NULL), "");
    ck_assert_str_eq(krm_str(o, "x", NULL), "");
}
END_TEST

START_TEST(measures)
{
    json_auto_t *o = parse("{a: [1, 2], b: {c: {}}}");
    size_t cost = 0;

    ck_assert(krm_measure(o, 3, 6, &cost));
    ck_assert_uint_eq(cost, 6);
    ck_assert(!krm_measure(o, 3, 11, &cost));
    cost = 0;
    ck_assert(!krm_measure(o, 2, 6, &cost));
    cost = 0;
    ck_assert(krm_measure(json_null(), 0, 1, &cost));
}
END_TEST

/* --- differences ------------------------------------------------------------------------------ */

static void add_value(struct buf *out, const json_t *v)
{
    char *text CLEANUP(mem_cleanup) =
        v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : mem_strdup("-");

    buf_puts(out, text);
}

/* "path: old => new" lines. */
static int add_line(const char *path, const json_t *a, const json_t *b, void *arg)
{
    struct buf *out = arg;

    buf_printf(out, "%s: ", path);
    add_value(out, a);
    buf_puts(out, " => ");
    add_value(out, b);
    buf_putc(out, '\n');
    return 0;
}

static const struct {
    const char *a, *b, *lines;
} diffs[] = {
    {"{a: 1, b: {c: [1]}}", "{b: {c: [1]}, a: 1}", ""},
    {"{spec: {replicas: 1}}", "{spec: {replicas: 2}}", ".spec.replicas: 1 => 2\n"},
    {"{a: 1}", "{a: '1'}", ".a: 1 => \"1\"\n"},
    {"{a: 1}", "{}", ".a: 1 => -\n"},
    {"{}", "{a: {b: {c: 1}}}", ".a: - => {\"b\":{\"c\":1}}\n"},
    {"{}", "{a: null}", ".a: - => null\n"},
    {"{a: {}}", "{a: []}", ".a: {} => []\n"},
    {"{b: 1, a: 1}", "{c: 1, a: 2}", ".a: 1 => 2\n.b: 1 => -\n.c: - => 1\n"},
    {"{data: {a.b: 1, \"c\\\"\\\\\": 1}}", "{data: {a.b: 2, \"c\\\"\\\\\": 2}}",
     ".data[\"a.b\"]: 1 => 2\n.data[\"c\\\"\\\\\"]: 1 => 2\n"},
    {"{'': 1}", "{'': 2}", "[\"\"]: 1 => 2\n"},
    {"{a: [1, 2]}", "{a: [1, 3, 4]}", ".a[1]: 2 => 3\n.a[2]: - => 4\n"},
    {"{c: [{name: x, i: 1}, {name: y}]}", "{c: [{name: y}, {name: z}, {name: x, i: 2}]}",
     ".c[name=x].i: 1 => 2\n.c[name=z]: - => {\"name\":\"z\"}\n"
     ".c: [{\"name\":\"x\",\"i\":1},{\"name\":\"y\"}] => "
     "[{\"name\":\"y\"},{\"name\":\"z\"},{\"name\":\"x\",\"i\":2}]\n"},
    {"{c: [{name: x}, {name: y}]}", "{c: [{name: y}]}", ".c[name=x]: {\"name\":\"x\"} => -\n"},
    {"{c: [{name: x, i: 1}, {name: x, i: 2}]}", "{c: [{name: x, i: 1}, {name: x, i: 3}]}",
     ".c[1].i: 2 => 3\n"},
    {"{m: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]}",
     "{m: [{name: v, mountPath: /a}, {name: w, mountPath: /b}]}",
     ".m[mountPath=/b].name: \"v\" => \"w\"\n"},
    {"{p: [{containerPort: 80}]}", "{p: [{containerPort: 80, protocol: TCP}]}",
     ".p[containerPort=80].protocol: - => \"TCP\"\n"},
    {"{c: [{name: 'a b]', i: 1}]}", "{c: [{name: 'a b]', i: 2}]}", ".c[name=\"a b]\"].i: 1 => 2\n"},
    {"{c: [{name: x}, 1]}", "{c: [{name: y}, 1]}", ".c[0].name: \"x\" => \"y\"\n"},
    {"{c: []}", "{c: [{name: x}]}", ".c[name=x]: - => {\"name\":\"x\"}\n"},
    {"5", "6", ": 5 => 6\n"},
};

START_TEST(finds_differences)
{
    json_auto_t *a = parse(diffs[_i].a);
    json_auto_t *b = parse(diffs[_i].b);
    struct buf got = BUF_INIT;

    ck_assert_int_eq(krm_diff(a, b, add_line, &got), 0);
    ck_assert_str_eq(buf_str(&got), diffs[_i].lines);
    buf_clear(&got);
    krm_diff(a, a, add_line, &got);
    ck_assert_str_eq(buf_str(&got), "");
    buf_done(&got);
}
END_TEST

START_TEST(takes_missing_trees)
{
    json_auto_t *a = parse("{a: 1}");
    struct buf got = BUF_INIT;

    krm_diff(NULL, NULL, add_line, &got);
    krm_diff(a, NULL, add_line, &got);
    krm_diff(NULL, a, add_line, &got);
    ck_assert_str_eq(buf_str(&got), ": {\"a\":1} => -\n: - => {\"a\":1}\n");
    buf_done(&got);
}
END_TEST

START_TEST(compares_numbers_by_value)
{
    json_auto_t *a = json_pack("[i, i]", 1, 2);
    json_auto_t *b = json_pack("[f, f]", 1.0, 2.5);
    struct buf got = BUF_INIT;

    krm_diff(a, b, add_line, &got);
    ck_assert_str_eq(buf_str(&got), "[1]: 2 => 2.5\n");
    buf_done(&got);
}
END_TEST

static int stop(const char *path, const json_t *a, const json_t *b, void *arg)
{
    (void)path, (void)a, (void)b;
    return --*(int *)arg ? 0 : 7;
}

START_TEST(stops_when_told)
{
    json_auto_t *a = parse("{a: 1, b: [1, {c: 1}], d: 1}");
    json_auto_t *b = parse("{a: 2, b: [2, {c: 2}], d: 2}");

    for (int left = 1; left <= 4; left++) {
        int n = left;

        ck_assert_int_eq(krm_diff(a, b, stop, &n), 7);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("path");
    TCase *t = tcase_create("path");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, gets_members);
    tcase_add_test(t, measures);
    tcase_add_loop_test(t, finds_differences, 0, (int)ARRAY_LEN(diffs));
    tcase_add_test(t, takes_missing_trees);
    tcase_add_test(t, compares_numbers_by_value);
    tcase_add_test(t, stops_when_told);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
