/* Work that many threads share. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/parallel.h"

#include "lib/base/banned.h"

#define MANY 10000

static void count(void *arg, size_t i)
{
    atomic_int *calls = arg;

    atomic_fetch_add(&calls[i], 1);
}

START_TEST(calls_once_for_each)
{
    static atomic_int calls[MANY + 1];

    parallel_for(MANY, count, calls);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(calls[i], 1);
    ck_assert_int_eq(calls[MANY], 0);
}
END_TEST

START_TEST(of_nothing_calls_nothing)
{
    parallel_for(0, count, NULL);
}
END_TEST

static void count_nested(void *arg, size_t i)
{
    (void)i;
    parallel_for(3, count, arg);
}

START_TEST(may_be_nested)
{
    static atomic_int calls[3];

    parallel_for(100, count_nested, calls);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(calls[i], 100);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("core");
    Suite *s = suite_create("parallel");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(tc, calls_once_for_each);
    tcase_add_test(tc, of_nothing_calls_nothing);
    tcase_add_test(tc, may_be_nested);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
