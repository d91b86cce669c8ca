#include "lib/base/utf8.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* RFC 3629, section 3 and its examples of what is not UTF-8. */
START_TEST(valid)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc2\xa2 \xe2\x82\xac \xf0\x90\x8d\x88", true},
        {"\xed\x9f\xbf \xee\x80\x80", true}, /* beside the surrogates */
        {"\xf4\x8f\xbf\xbf", true},          /* U+10FFFF */
        {"\xc0\x80", false},                 /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogate */
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\x80", false},
        {"\xe2\x82", false}, /* cut */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(utf8_valid(cases[i].text, strlen(cases[i].text)) == cases[i].valid,
                      "case %zu", i);
}
END_TEST

START_TEST(sanitize)
{
    char *s CLEANUP(mem_cleanup) = utf8_sanitize("a\xff\xe2\x82z\xe2\x82\xac", 8);

    ck_assert_str_eq(s, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xe2\x82\xac");
}
END_TEST

START_TEST(put_line)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } cases[] = {
        {"plain", 10, "plain"},
        {"two\nlines\tand\x7f more.\n", 100, "two lines and  more"},
        {"a\xc2\x9b[2J\x1b[31mb \xc2\xa0", 100, "a  [2J [31mb \xc2\xa0"}, /* no escape sequences */
        {"...", 10, ""},
        {"", 10, ""},
        {"0123456789", 10, "0123456789"},
        {"0123456789a", 10, "0123456789..."},
        {"a\xe2\x82\xac", 3, "a..."}, /* never in the middle of a character */
        {"a\xe2\x82\xac", 4, "a\xe2\x82\xac"},
        {"\xff", 10, "\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out CLEANUP(buf_done) = BUF_INIT;

        buf_puts(&out, ">");
        utf8_put_line(&out, cases[i].text, cases[i].max);
        ck_assert_str_eq(buf_str(&out) + 1, cases[i].want);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *t = tcase_create("utf8");
    SRunner *runner;
    int failed;

    tcase_add_test(t, valid);
    tcase_add_test(t, sanitize);
    tcase_add_test(t, put_line);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
