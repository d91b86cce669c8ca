#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/dynload.h"

#include "lib/base/banned.h"

/* A library that is on every system, and isn't one of ours. */
#define SOME_LIBRARY "libresolv.so.2"
#define ITS_FUNCTION "ns_get16"

static unsigned (*get16)(const unsigned char *);
static void (*missing)(void);

static const struct dynload_function there[] = {{ITS_FUNCTION, (void **)&get16}};
static const struct dynload_function not_all_there[] = {
    {ITS_FUNCTION, (void **)&get16},
    {"no_such_function", (void **)&missing},
};

static struct dynload library(const char *soname, const struct dynload_function *functions,
                              size_t n)
{
    struct dynload lib = {soname, "the package x", functions, n, PTHREAD_MUTEX_INITIALIZER, false};

    return lib;
}

START_TEST(functions_are_found)
{
    struct dynload lib = library(SOME_LIBRARY, there, ARRAY_LEN(there));
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(dynload_open(&lib, &err), 0);
    ck_assert_uint_eq(get16((const unsigned char *)"\x12\x34"), 0x1234);
    ck_assert_int_eq(dynload_open(&lib, &err), 0);
}
END_TEST

START_TEST(a_missing_library_says_what_to_install)
{
    struct dynload lib = library("libnot-there.so.4", there, ARRAY_LEN(there));
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_int_eq(dynload_open(&lib, &err), ERR_FAIL);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "libnot-there.so.4 can't be loaded"));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "install the package x"));
    lib.soname = SOME_LIBRARY;
    ck_assert_int_eq(dynload_open(&lib, NULL), 0);
}
END_TEST

START_TEST(a_missing_function_says_that_the_library_is_too_old)
{
    struct dynload lib = library(SOME_LIBRARY, not_all_there, ARRAY_LEN(not_all_there));
    struct err err CLEANUP(err_done) = ERR_INIT;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(dynload_open(&lib, &err), ERR_FAIL);
        ck_assert_ptr_nonnull(strstr(err_msg(&err), SOME_LIBRARY " is too old"));
        ck_assert_ptr_nonnull(strstr(err_msg(&err), "no_such_function"));
        ck_assert_ptr_nonnull(strstr(err_msg(&err), "a newer one: the package x"));
    }
}
END_TEST

static void *open_and_call(void *arg)
{
    if (dynload_open(arg, NULL) || get16((const unsigned char *)"\x01\x02") != 0x0102)
        return "failed";
    return NULL;
}

START_TEST(threads_may_open_at_once)
{
    struct dynload lib = library(SOME_LIBRARY, there, ARRAY_LEN(there));
    pthread_t threads[8];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_call, &lib), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failure;

        pthread_join(threads[i], &failure);
        ck_assert_ptr_null(failure);
    }
}
END_TEST

/* The names that were written down at build time, and all functions that we use. */
START_TEST(ours_can_be_opened)
{
    struct err err CLEANUP(err_done) = ERR_INIT;

    ck_assert_msg(!dynload_curl(&err), "%s", err_msg(&err));
    ck_assert_msg(!dynload_archive(&err), "%s", err_msg(&err));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/dynload");
    TCase *tc = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(tc, functions_are_found);
    tcase_add_test(tc, a_missing_library_says_what_to_install);
    tcase_add_test(tc, a_missing_function_says_that_the_library_is_too_old);
    tcase_add_test(tc, threads_may_open_at_once);
    tcase_add_test(tc, ours_can_be_opened);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
