#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/base/err.h"

#include "lib/base/banned.h"

START_TEST(set_returns_the_code)
{
    struct err e CLEANUP(err_done) = ERR_INIT;

    ck_assert_str_eq(err_msg(&e), "no error text");
    ck_assert_int_eq(err_set(&e, ERR_NOT_FOUND, "no %s", "thing"), ERR_NOT_FOUND);
    ck_assert_int_eq(e.code, ERR_NOT_FOUND);
    ck_assert_str_eq(err_msg(&e), "no thing");
}
END_TEST

START_TEST(wrap_puts_context_in_front)
{
    struct err e CLEANUP(err_done) = ERR_INIT;

    err_set(&e, ERR_LIMIT, "too long");
    ck_assert_int_eq(err_wrap(&e, "line %d", 3), ERR_LIMIT);
    ck_assert_int_eq(err_wrap(&e, "file"), ERR_LIMIT);
    ck_assert_str_eq(err_msg(&e), "file: line 3: too long");
}
END_TEST

/* A message may be made of the one that it replaces. */
START_TEST(set_from_itself)
{
    struct err e CLEANUP(err_done) = ERR_INIT;

    err_set(&e, ERR_FAIL, "inner");
    err_set(&e, ERR_INVALID, "outer (%s)", err_msg(&e));
    ck_assert_str_eq(err_msg(&e), "outer (inner)");
    ck_assert_int_eq(e.code, ERR_INVALID);
}
END_TEST

START_TEST(errno_is_told)
{
    struct err e CLEANUP(err_done) = ERR_INIT;

    errno = ENOENT;
    ck_assert_int_eq(err_errno(&e, ERR_NOT_FOUND, "open %s", "x"), ERR_NOT_FOUND);
    ck_assert_str_eq(err_msg(&e), "open x: No such file or directory");
}
END_TEST

START_TEST(move_leaves_the_source_empty)
{
    struct err a = ERR_INIT, b CLEANUP(err_done) = ERR_INIT;

    err_set(&b, ERR_FAIL, "old");
    err_set(&a, ERR_TIMEOUT, "new");
    ck_assert_int_eq(err_move(&b, &a), ERR_TIMEOUT);
    ck_assert_str_eq(err_msg(&b), "new");
    ck_assert_int_eq(a.code, 0);
    ck_assert_ptr_null(a.msg);
    ck_assert_int_eq(err_move(&b, &b), ERR_TIMEOUT);
    ck_assert_str_eq(err_msg(&b), "new");
    ck_assert_int_eq(err_move(NULL, &b), ERR_TIMEOUT);
    ck_assert_ptr_null(b.msg);
}
END_TEST

START_TEST(no_err_is_fine)
{
    errno = ENOENT;
    ck_assert_int_eq(err_set(NULL, ERR_DENIED, "x"), ERR_DENIED);
    ck_assert_int_eq(err_errno(NULL, ERR_DENIED, "x"), ERR_DENIED);
    ck_assert_int_lt(err_wrap(NULL, "x"), 0);
    ck_assert_str_eq(err_msg(NULL), "no error text");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/err");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, set_returns_the_code);
    tcase_add_test(t, wrap_puts_context_in_front);
    tcase_add_test(t, set_from_itself);
    tcase_add_test(t, errno_is_told);
    tcase_add_test(t, move_leaves_the_source_empty);
    tcase_add_test(t, no_err_is_fine);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
