#include <check.h>
#include <signal.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

START_TEST(empty_is_readable)
{
    struct buf b = BUF_INIT;
    char *taken;

    ck_assert_str_eq(buf_str(&b), "");
    taken = buf_take(&b);
    ck_assert_str_eq(taken, "");
    free(taken);
    buf_done(&b);
}
END_TEST

START_TEST(grows)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT;

    for (int i = 0; i < 1000; i++) {
        buf_printf(&b, "%d,", i);
        ck_assert_uint_eq(strlen(buf_str(&b)), b.len);
    }
    buf_putc(&b, '!');
    buf_puts(&b, "end");
    buf_putn(&b, "xyz", 2);
    ck_assert(!strncmp(buf_str(&b), "0,1,2,", 6));
    ck_assert_str_eq(buf_str(&b) + b.len - 6, "!endxy");
    buf_clear(&b);
    ck_assert_str_eq(buf_str(&b), "");
}
END_TEST

START_TEST(holds_any_bytes)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT;

    ck_assert_int_eq(buf_add(&b, "a\0b", 3), 0);
    ck_assert_int_eq(buf_add(&b, NULL, 0), 0);
    ck_assert_uint_eq(b.len, 3);
    ck_assert_mem_eq(b.data, "a\0b\0", 4);
}
END_TEST

START_TEST(ceiling)
{
    struct buf b CLEANUP(buf_done);

    buf_init(&b, 10);
    ck_assert_int_eq(buf_add(&b, "0123456789", 10), 0);
    ck_assert_int_eq(buf_add(&b, "x", 1), ERR_LIMIT);
    ck_assert_int_eq(buf_add(&b, "x", (size_t)-1), ERR_LIMIT);
    ck_assert_str_eq(buf_str(&b), "0123456789");
    buf_clear(&b);
    ck_assert_int_eq(buf_add(&b, "x", 1), 0);
}
END_TEST

START_TEST(own_text_beyond_the_ceiling_aborts)
{
    struct buf b;

    buf_init(&b, 3);
    buf_puts(&b, "four");
}
END_TEST

START_TEST(take_empties)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT;
    char *taken;

    buf_puts(&b, "one");
    taken = buf_take(&b);
    ck_assert_str_eq(taken, "one");
    free(taken);
    buf_puts(&b, "two");
    ck_assert_str_eq(buf_str(&b), "two");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/buf");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, empty_is_readable);
    tcase_add_test(t, grows);
    tcase_add_test(t, holds_any_bytes);
    tcase_add_test(t, ceiling);
    tcase_add_test_raise_signal(t, own_text_beyond_the_ceiling_aborts, SIGABRT);
    tcase_add_test(t, take_empties);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
