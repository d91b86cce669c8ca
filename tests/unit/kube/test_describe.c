/* Differences in words. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/describe.h"

#include "lib/base/banned.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(value);
    return value;
}

static void expect(const char *before_text, const char *after_text, const char *want_text)
{
    json_auto_t *before = parse(before_text), *after = parse(after_text), *want = parse(want_text);
    json_auto_t *got = kube_describe_update(before, after);
    char *text CLEANUP(mem_cleanup) = json_dumps(got, 0);

    ck_assert_msg(json_equal(got, want), "%s", text);
}

START_TEST(names_each_field)
{
    expect("{\"spec\": {\"a\": 1, \"b\": 2, \"c\": 3}}",
           "{\"spec\": {\"a\": 1, \"b\": 3, \"d\": 4}}",
           "[\".spec.b: 2 -> 3\", \".spec.c: 3 -> (none)\", \".spec.d: (none) -> 4\"]");
}
END_TEST

START_TEST(says_the_same_change_once)
{
    expect("{\"spec\": {\"a\": \"x-1\", \"b\": \"x-1\", \"c\": \"x-1\", \"d\": 1, \"e\": 1}}",
           "{\"spec\": {\"a\": \"x-2\", \"b\": \"x-2\", \"c\": \"x-2\", \"d\": 2, \"e\": 2}}",
           "[\".spec.a: \\\"x-1\\\" -> \\\"x-2\\\" (and in 2 more places)\","
           " \".spec.d: 1 -> 2 (and in 1 more place)\"]");
}
END_TEST

/* Values that aren't shown aren't the same. */
START_TEST(names_each_field_of_a_secret)
{
    expect("{\"kind\": \"Secret\", \"data\": {\"a\": \"MQ==\", \"b\": \"MQ==\"}}",
           "{\"kind\": \"Secret\", \"data\": {\"a\": \"Mg==\", \"b\": \"Mg==\"}}",
           "[\".data.a: (sensitive) -> (sensitive)\", \".data.b: (sensitive) -> (sensitive)\"]");
}
END_TEST

START_TEST(counts_what_is_too_much)
{
    json_auto_t *before = json_object(), *after = json_object(), *got = NULL;

    for (int i = 0; i < DESCRIBE_MAX_LINES + 3; i++) {
        char *key CLEANUP(mem_cleanup) = mem_printf("k%02d", i);

        json_object_set_new(before, key, json_integer(i));
        json_object_set_new(after, key, json_integer(i + 100));
    }
    got = kube_describe_update(before, after);
    ck_assert_uint_eq(json_array_size(got), DESCRIBE_MAX_LINES + 1);
    ck_assert_str_eq(json_string_value(json_array_get(got, DESCRIBE_MAX_LINES)),
                     "and 3 more fields");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("describe");
    TCase *t = tcase_create("describe");
    SRunner *r;
    int failed;

    tcase_add_test(t, names_each_field);
    tcase_add_test(t, says_the_same_change_once);
    tcase_add_test(t, names_each_field_of_a_secret);
    tcase_add_test(t, counts_what_is_too_much);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
