#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml_fold.h"

#include "lib/base/banned.h"

/* Found by printing such texts with kustomize. */
static const struct {
    const char *text, *want;
} cases[] = {
    {"", ""},
    {"a b", "a b"},
    {"a\nb\n", "a\nb\n"},
    {"a\n\nb", "a\n\nb"},
    {"a\n  b\n", "a\n\n  b\n"},
    {"a\n  b\nc\n", "a\n\n  b\nc\n"},
    {"a\n\n  b", "a\n\n\n  b"},
    {"a\n\n", "a\n\n\n"},
    {"  a\nb\nc\n", "  a\nb c\n"},
    {"  a\nb\n\nc\n", "  a\nb\nc\n"},
    {"\na\nb\n", "\na\nb\n"},
    {"\n a\nb\nc", "\n a\nb c"},
    {"\n\n", "\n\n"},
    {"a \n  b", "a \n  b"},       /* quoted by the writer */
    {"a\n  b ", "a\n  b "},       /* quoted */
    {"a\n  b\001", "a\n  b\001"}, /* quoted */
};

START_TEST(folds_as_kustomize)
{
    size_t len;
    char *got CLEANUP(mem_cleanup) = yaml_fold_again(cases[_i].text, strlen(cases[_i].text), &len);

    ck_assert_str_eq(got, cases[_i].want);
    ck_assert_uint_eq(len, strlen(cases[_i].want));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml_fold");
    TCase *tcase = tcase_create("yaml_fold");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, folds_as_kustomize, 0, ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
