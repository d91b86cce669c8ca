#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"

#include "lib/base/banned.h"

START_TEST(deadlines)
{
    int64_t now = clock_now_ms();

    ck_assert_int_ge(clock_deadline(1000), now + 1000);
    ck_assert_int_eq(clock_deadline(-1), INT64_MAX);
    ck_assert_int_eq(clock_deadline(INT64_MAX), INT64_MAX);
    ck_assert_int_eq(clock_left_ms(now - 5), 0);
    ck_assert_int_le(clock_left_ms(now + 1000), 1000);
    ck_assert_int_gt(clock_left_ms(INT64_MAX), 0);
}
END_TEST

START_TEST(timespecs)
{
    struct timespec ts = clock_timespec(12345);

    ck_assert_int_eq(ts.tv_sec, 12);
    ck_assert_int_eq(ts.tv_nsec, 345000000);
    ts = clock_timespec(INT64_MAX); /* must still be a time that the kernel takes */
    ck_assert_int_gt(ts.tv_sec, 3000000000);
    ck_assert_int_lt(ts.tv_sec, INT64_C(1) << 40);
}
END_TEST

START_TEST(stamp_is_rfc3339_in_utc)
{
    char stamp[CLOCK_STAMP_SIZE];
    int64_t before = clock_wall_ms(), read = 0;

    clock_stamp(stamp);
    ck_assert_uint_eq(strlen(stamp), strlen("2026-01-02T03:04:05.123456Z"));
    ck_assert_int_eq(clock_parse_stamp(stamp, &read), 0);
    ck_assert_int_ge(read, before);
    ck_assert_int_le(read, clock_wall_ms());
}
END_TEST

/* Expected values: date -ud ... +%s */
START_TEST(parses_rfc3339)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-24T20:15:30Z", INT64_C(1795551330000)},
        {"2026-11-24T20:15:30.5Z", INT64_C(1795551330500)},
        {"2026-11-24T20:15:30.123456789Z", INT64_C(1795551330123)},
        {"2026-11-24t20:15:30z", INT64_C(1795551330000)},
        {"2026-11-24T22:15:30+02:00", INT64_C(1795551330000)},
        {"2026-11-24T14:45:30-05:30", INT64_C(1795551330000)},
        {"2024-02-29T12:00:00Z", INT64_C(1709208000000)},
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-24",
        "2026-11-24 20:15:30Z",
        "2026-11-24T20:15:30",
        "2026-13-24T20:15:30Z",
        "2026-11-32T20:15:30Z",
        "2026-11-24T24:15:30Z",
        "2026-11-24T20:60:30Z",
        "2026-11-24T20:15:30.Z",
        "2026-11-24T20:15:30Zx",
        "2026-11-24T20:15:30+2:00",
        "2026-11-24T20:15:30+25:00",
        "x026-11-24T20:15:30Z",
        "-026-11-24T20:15:30Z",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -1;

        ck_assert_msg(!clock_parse_stamp(good[i].text, &ms), "%s", good[i].text);
        ck_assert_msg(ms == good[i].ms, "%s is %lld", good[i].text, (long long)ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = 42;

        ck_assert_msg(clock_parse_stamp(bad[i], &ms), "%s", bad[i]);
        ck_assert_int_eq(ms, 42);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/clock");
    TCase *t = tcase_create("core");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, deadlines);
    tcase_add_test(t, timespecs);
    tcase_add_test(t, stamp_is_rfc3339_in_utc);
    tcase_add_test(t, parses_rfc3339);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
