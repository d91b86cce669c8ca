#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/patch.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static const char target_text[] = "{'a': {'b': [1, 2, 3]}, 'x/y': 1, 'm~n': 2, 'n': null}";

static const struct {
    const char *name, *patch, *want;
} cases[] = {
#define PATCH_CASE(name, patch, want) {name, patch, want},
#include "tests/unit/krm/json_patch_cases.def"
#undef PATCH_CASE
};

static json_t *parse(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *value = NULL;

    ck_assert_msg(!yaml_parse(text, strlen(text), "in", &value, &err), "%s", err_msg(&err));
    return value;
}

START_TEST(patches_as_kustomize)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *target = parse(target_text);
    json_auto_t *before = json_deep_copy(target);
    json_auto_t *patch = parse(cases[_i].patch);
    json_auto_t *want = parse(cases[_i].want);
    int rc = krm_json_patch(&target, patch, &err);

    if (json_is_string(want)) {
        ck_assert_msg(rc == ERR_INVALID, "%s", cases[_i].name);
        ck_assert_msg(json_equal(target, before), "%s: target has changed", cases[_i].name);
        return;
    }
    ck_assert_msg(!rc, "%s: %s", cases[_i].name, err_msg(&err));
    ck_assert_msg(json_equal(target, want), "%s", cases[_i].name);
}
END_TEST

START_TEST(keeps_the_object_s_identity)
{
    json_auto_t *target = parse(target_text);
    json_auto_t *patch = parse("[{op: replace, path: '', value: {z: 1}}]");
    const json_t *same = target;

    ck_assert_int_eq(krm_json_patch(&target, patch, NULL), 0);
    ck_assert_ptr_eq(target, same);
    ck_assert_int_eq(json_integer_value(json_object_get(target, "z")), 1);
}
END_TEST

START_TEST(may_make_the_root_a_list)
{
    json_auto_t *target = parse(target_text);
    json_auto_t *patch =
        parse("[{op: replace, path: '', value: [1]}, {op: add, path: /-, value: 2}]");

    ck_assert_int_eq(krm_json_patch(&target, patch, NULL), 0);
    ck_assert_uint_eq(json_array_size(target), 2);
}
END_TEST

static const struct {
    const char *patch, *message;
} broken[] = {
    {"{}", "a JSON patch must be a list of operations"},
    {"[5]", "operation 1: unknown operation \"\""},
    {"[{op: add, path: a/b}]", "operation 1: path \"a/b\" doesn't begin with a slash"},
    {"[{op: remove, path: /a/b/7}]", "operation 1: \"7\" is no index of the list"},
    {"[{op: remove, path: /x~1y}, {op: remove, path: /x~1y}]",
     "operation 2: there is no \"x/y\" to remove"},
    {"[{op: add, path: /q/r/s}]", "operation 1: the object has no path /q/r/s"},
    {"[{op: move, path: /a}]", "operation 1: the operation has no from"},
    {"[{op: test, path: /x~1y, value: 2}]", "operation 1: test of /x~1y failed"},
    {"[{op: replace, path: '', value: 1}]", "operation 1: the root must be an object or a list"},
};

START_TEST(says_what_is_wrong)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *target = parse(target_text);
    json_auto_t *patch = parse(broken[_i].patch);

    ck_assert_int_eq(krm_json_patch(&target, patch, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), broken[_i].message);
}
END_TEST

/* Each copy into itself doubles the tree. */
START_TEST(limits_copies)
{
    json_auto_t *target = parse("{a: [1]}");
    json_auto_t *patch = json_array();

    for (int i = 0; i < 40; i++)
        json_array_append_new(
            patch, json_pack("{s:s, s:s, s:s}", "op", "copy", "from", "/a", "path", "/a/-"));
    ck_assert_int_eq(krm_json_patch(&target, patch, NULL), ERR_LIMIT);
}
END_TEST

/* RFC 7386, appendix A. */
static const char *const merges[][3] = {
    {"{a: b}", "{a: c}", "{a: c}"},
    {"{a: b}", "{b: c}", "{a: b, b: c}"},
    {"{a: b}", "{a: null}", "{}"},
    {"{a: b, b: c}", "{a: null}", "{b: c}"},
    {"{a: [b]}", "{a: c}", "{a: c}"},
    {"{a: c}", "{a: [b]}", "{a: [b]}"},
    {"{a: {b: c}}", "{a: {b: d, c: null}}", "{a: {b: d}}"},
    {"{a: [{b: c}]}", "{a: [1]}", "{a: [1]}"},
    {"{e: null}", "{a: 1}", "{e: null, a: 1}"},
    {"{}", "{a: {bb: {ccc: null}}}", "{a: {bb: {}}}"},
};

START_TEST(merges_as_the_rfc)
{
    json_auto_t *target = parse(merges[_i][0]);
    json_auto_t *patch = parse(merges[_i][1]);
    json_auto_t *want = parse(merges[_i][2]);

    krm_merge_patch(target, patch);
    ck_assert(json_equal(target, want));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json_patch");
    TCase *t = tcase_create("json_patch");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, patches_as_kustomize, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, keeps_the_object_s_identity);
    tcase_add_test(t, may_make_the_root_a_list);
    tcase_add_loop_test(t, says_what_is_wrong, 0, (int)ARRAY_LEN(broken));
    tcase_add_test(t, limits_copies);
    tcase_add_loop_test(t, merges_as_the_rfc, 0, (int)ARRAY_LEN(merges));
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
