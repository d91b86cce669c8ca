#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/mergekeys.h"
#include "lib/krm/patch.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

static const struct {
    const char *name, *target, *patch, *want;
} cases[] = {
#define SMP_CASE(name, target, patch, want) {name, target, patch, want},
#include "tests/unit/krm/smp_cases.def"
#undef SMP_CASE
};

static json_t *parse(const char *text)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_t *value = NULL;

    ck_assert_msg(!yaml_parse(text, strlen(text), "in", &value, &err), "%s", err_msg(&err));
    return value;
}

START_TEST(merges_as_kustomize)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *target = parse(cases[_i].target);
    json_auto_t *before = json_deep_copy(target);
    json_auto_t *patch = parse(cases[_i].patch);
    json_auto_t *patch_before = json_deep_copy(patch);
    json_auto_t *want = parse(cases[_i].want);
    bool deleted = false;
    int rc = krm_strategic_merge(target, patch, &deleted, &err);

    ck_assert_msg(json_equal(patch, patch_before), "%s: patch has changed", cases[_i].name);
    if (json_is_string(want)) {
        ck_assert_msg(rc == (strcmp(json_string_value(want), "error") ? 0 : ERR_INVALID), "%s",
                      cases[_i].name);
        ck_assert_msg(rc || deleted, "%s", cases[_i].name);
        ck_assert_msg(json_equal(target, before), "%s: target has changed", cases[_i].name);
        return;
    }
    ck_assert_msg(!rc, "%s: %s", cases[_i].name, err_msg(&err));
    ck_assert_msg(!deleted && json_equal(target, want), "%s", cases[_i].name);
}
END_TEST

/* kustomize keeps a null that the target has in words, and drops a value left blank. */
START_TEST(drops_blanks_of_the_target)
{
    static const char text[] = "a:\nb: null\nc: {d: , e: 1}\n";
    json_auto_t *documents = NULL;
    json_auto_t *patch = parse("{x: 1}");
    json_auto_t *want = parse("{b: null, c: {e: 1}, x: 1}");
    bool deleted;

    ck_assert_int_eq(yaml_parse_blanks(text, strlen(text), "in", &documents, NULL), 0);
    ck_assert_int_eq(krm_strategic_merge(json_array_get(documents, 0), patch, &deleted, NULL), 0);
    ck_assert(json_equal(json_array_get(documents, 0), want));
}
END_TEST

START_TEST(says_where)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *target = parse("{spec: {a: {b: 1}}}");
    json_auto_t *patch = parse("{spec: {a: [1]}}");
    bool deleted;

    ck_assert_int_eq(krm_strategic_merge(target, patch, &deleted, &err), ERR_INVALID);
    ck_assert_str_eq(err_msg(&err), "spec: a: patch and target differ in kind of value");
    ck_assert_int_eq(krm_strategic_merge(target, json_null(), &deleted, &err), ERR_INVALID);
}
END_TEST

START_TEST(limits_merged_lists)
{
    json_auto_t *target = parse("{apiVersion: v1, kind: Pod, metadata: {finalizers: []}}");
    json_t *list = json_object_get(json_object_get(target, "metadata"), "finalizers");
    json_auto_t *patch = parse("{metadata: {finalizers: [a]}}");
    bool deleted;

    for (int i = 0; i < 20000; i++)
        json_array_append_new(list, json_string("a"));
    ck_assert_int_eq(krm_strategic_merge(target, patch, &deleted, NULL), ERR_LIMIT);
}
END_TEST

START_TEST(finds_merge_keys)
{
    const char *deployment = mergekeys_root("apps/v1", "Deployment");
    const struct merge_field *f = mergekeys_field(deployment, "spec");

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_null(f->keys);
    ck_assert_str_eq(mergekeys_field("core.v1.PodSpec", "containers")->keys, "name");
    ck_assert_str_eq(mergekeys_field("core.v1.Container", "ports")->keys, "containerPort,protocol");
    ck_assert_str_eq(mergekeys_field("meta.v1.ObjectMeta", "finalizers")->keys, "");
    ck_assert_ptr_null(mergekeys_field("core.v1.PodSpec", "tolerations"));
    ck_assert_ptr_null(mergekeys_field(NULL, "spec"));
    ck_assert_ptr_null(mergekeys_root("apps/v9", "Deployment"));
}
END_TEST

/* The tables are searched, so they must be sorted; every type that is named has fields. */
START_TEST(merge_tables_are_sorted)
{
    static const char *const roots[][2] = {
#define MERGE_ROOT(api_version, kind, type) {api_version, kind},
#include "lib/krm/mergekeys.def"
#undef MERGE_ROOT
    };
    static const char *const fields[][3] = {
#define MERGE_FIELD(type, field, child, keys) {type, field, child},
#include "lib/krm/mergekeys.def"
#undef MERGE_FIELD
    };

    for (size_t i = 1; i < ARRAY_LEN(roots); i++) {
        int c = strcmp(roots[i - 1][0], roots[i][0]);

        ck_assert(c < 0 || (!c && strcmp(roots[i - 1][1], roots[i][1]) < 0));
    }
    for (size_t i = 1; i < ARRAY_LEN(fields); i++) {
        int c = strcmp(fields[i - 1][0], fields[i][0]);

        ck_assert(c < 0 || (!c && strcmp(fields[i - 1][1], fields[i][1]) < 0));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("smp");
    TCase *t = tcase_create("smp");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, merges_as_kustomize, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(t, drops_blanks_of_the_target);
    tcase_add_test(t, says_where);
    tcase_add_test(t, limits_merged_lists);
    tcase_add_test(t, finds_merge_keys);
    tcase_add_test(t, merge_tables_are_sorted);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
