#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "provider/plugin/endpoint.h"

#include "lib/base/banned.h"

static char parent[64];

static void setup(void)
{
    snprintf(parent, sizeof(parent), "/tmp/endpoint-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(parent));
}

static void teardown(void)
{
    ck_assert_int_eq(rmdir(parent), 0); /* nothing was left in it */
}

START_TEST(private_directory)
{
    const char *dirs[] = {NULL, parent};
    struct endpoint e;
    struct stat st;

    ck_assert_int_eq(endpoint_new(&e, dirs, 2, false, NULL), 0);
    ck_assert_int_eq(strncmp(e.dir, parent, strlen(parent)), 0);
    ck_assert_int_eq(strncmp(e.name, e.dir, strlen(e.dir)), 0);
    ck_assert_int_eq(stat(e.dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(strncmp(e.listen, "unix:/", 6), 0);
    endpoint_unlink(&e);
    endpoint_done(&e);
}
END_TEST

START_TEST(next_directory_if_one_cant_be_used)
{
    char *long_one = mem_printf("%s/%0100d", parent, 0);
    char *bar = mem_printf("%s/a|b", parent);
    const char *dirs[] = {"/nonexistent", "relative", long_one, bar, parent};
    struct endpoint e;

    ck_assert_int_eq(mkdir(long_one, 0700), 0);
    ck_assert_int_eq(mkdir(bar, 0700), 0);
    ck_assert_int_eq(endpoint_new(&e, dirs, ARRAY_LEN(dirs), false, NULL), 0);
    ck_assert_uint_lt(strlen(e.name), 108);
    ck_assert_int_eq(strncmp(e.dir, parent, strlen(parent)), 0);
    ck_assert_ptr_null(strchr(e.name, '|'));
    endpoint_done(&e);
    ck_assert_int_eq(rmdir(long_one), 0);
    ck_assert_int_eq(rmdir(bar), 0);
    free(long_one);
    free(bar);
}
END_TEST

/* gRPC takes the address apart as a URI. */
START_TEST(odd_characters_are_escaped)
{
    char *odd = mem_printf("%s/a b%%c", parent);
    const char *dirs[] = {odd};
    struct endpoint e;

    ck_assert_int_eq(mkdir(odd, 0700), 0);
    ck_assert_int_eq(endpoint_new(&e, dirs, 1, false, NULL), 0);
    ck_assert_ptr_nonnull(strstr(e.name, "/a b%c/"));
    ck_assert_ptr_nonnull(strstr(e.listen, "/a%20b%25c/"));
    endpoint_done(&e);
    ck_assert_int_eq(rmdir(odd), 0);
    free(odd);
}
END_TEST

START_TEST(abstract_only_where_allowed)
{
    const char *dirs[] = {"/nonexistent"};
    struct err err = ERR_INIT;
    struct endpoint e, other;

    ck_assert_int_eq(endpoint_new(&e, dirs, 1, false, &err), ERR_FAIL);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "/nonexistent"));
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "TMPDIR"));
    err_done(&err);
    ck_assert_int_eq(endpoint_new(&e, dirs, 1, true, NULL), 0);
    ck_assert_int_eq(endpoint_new(&other, dirs, 1, true, NULL), 0);
    ck_assert_ptr_null(e.dir);
    ck_assert_int_eq(e.name[0], '@');
    ck_assert_int_eq(strncmp(e.listen, "unix-abstract:", 14), 0);
    ck_assert_str_eq(e.listen + 14, e.name + 1);
    ck_assert_str_ne(e.name, other.name);
    endpoint_done(&e);
    endpoint_done(&other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("endpoint");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, private_directory);
    tcase_add_test(t, next_directory_if_one_cant_be_used);
    tcase_add_test(t, odd_characters_are_escaped);
    tcase_add_test(t, abstract_only_where_allowed);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
