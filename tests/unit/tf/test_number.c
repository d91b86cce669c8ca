/* Expected texts: what cty 1.16 compares and prints (big.Float, 512 bits, format 'f'). */
#include "tests/unit/tf/support.h"

#include <math.h>

#include "lib/tf/number.h"

#include "lib/base/banned.h"

START_TEST(canonical_text_is_unique)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"0e999999", "0"},
        {"007", "7"},
        {"+5", "5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"-12", "-12"},
        {"1.50", "1.5"},
        {"0.1", "0.1"},
        {"1e-1", "0.1"},
        {"10E-2", "0.1"},
        {"100e-3", "0.1"},
        {"18446744073709551615", "18446744073709551615"},
        {"1e20", "100000000000000000000"},
        {"1e21", "1e21"},
        {"1000000000000000000000", "1e21"},
        {"1e30", "1e30"},
        {"1.0e+30", "1e30"},
        {"-1.25e40", "-1.25e40"},
        {"1e-21", "0.000000000000000000001"},
        {"1e-22", "1e-22"},
        {"12e-30", "1.2e-29"},
        {"340282366920938463463374607431768211456", "340282366920938463463374607431768211456"},
        {"inf", "inf"},
        {"+Inf", "inf"},
        {"-Inf", "-inf"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = NULL;

        ck_assert_msg(!tf_number_canonical(arena, cases[i].text, &got), "%s", cases[i].text);
        ck_assert_str_eq(got, cases[i].canonical);
        ck_assert_int_eq(tf_number_canonical(arena, got, &got), 0);
        ck_assert_str_eq(got, cases[i].canonical);
    }
}
END_TEST

START_TEST(other_text_is_refused)
{
    static const char *const cases[] = {
        "",
        "-",
        ".",
        "e5",
        "1e",
        "1e+",
        "1.2.3",
        "0x10",
        "1_000",
        "NaN",
        " 1",
        "1 ",
        "--1",
        "infinity",
        "1p3",
        "1e2000",
        "1e-2000",
        "1,5",
        "1e99999999999999999999",
        "inf1",
    };
    char longest[TF_NUMBER_MAX_CHARS + 2];
    const char *got;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(tf_number_canonical(arena, cases[i], &got) == ERR_INVALID, "%s", cases[i]);
    memset(longest, '9', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ck_assert_int_eq(tf_number_canonical(arena, longest, &got), ERR_INVALID);
    longest[sizeof(longest) - 2] = '\0';
    ck_assert_int_eq(tf_number_canonical(arena, longest, &got), 0);
}
END_TEST

START_TEST(plain_text_has_no_exponent)
{
    static const struct {
        const char *canonical, *plain;
    } cases[] = {
        {"0", "0"},
        {"1e30", "1000000000000000000000000000000"},
        {"-1.25e22", "-12500000000000000000000"},
        {"1.2e-29", "0.000000000000000000000000000012"},
        {"123.5", "123.5"},
    };
    char plain[TF_NUMBER_PLAIN_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tf_number_plain(cases[i].canonical, plain);
        ck_assert_str_eq(plain, cases[i].plain);
    }
}
END_TEST

START_TEST(order_is_that_of_the_numbers)
{
    static const char *const ascending[] = {
        "-inf",
        "-1e30",
        "-100",
        "-99",
        "-1.5",
        "-1",
        "-0.1",
        "-1e-30",
        "0",
        "1e-30",
        "0.05",
        "0.1",
        "0.11",
        "1",
        "1.5",
        "2",
        "9",
        "10",
        "99.99",
        "100",
        "9223372036854775807",
        "18446744073709551615",
        "1e21",
        "1.1e21",
        "inf",
    };

    for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
        for (size_t j = 0; j < ARRAY_LEN(ascending); j++)
            ck_assert_msg(tf_number_compare(ascending[i], ascending[j]) == (i < j ? -1 : i > j),
                          "%s, %s", ascending[i], ascending[j]);
}
END_TEST

START_TEST(integers)
{
    static const struct {
        const char *text;
        int64_t value;
        bool fits;
    } cases[] = {
        {"0", 0, true},
        {"-1", -1, true},
        {"9223372036854775807", INT64_MAX, true},
        {"-9223372036854775808", INT64_MIN, true},
        {"1000000000000000000", 1000000000000000000, true},
        {"9223372036854775808", 0, false},
        {"-9223372036854775809", 0, false},
        {"0.5", 0, false},
        {"1e21", 0, false},
        {"inf", 0, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t n = 0;

        ck_assert_msg(tf_number_int64(cases[i].text, &n) == cases[i].fits, "%s", cases[i].text);
        ck_assert_int_eq(n, cases[i].value);
    }
}
END_TEST

START_TEST(only_exact_fractions_are_doubles)
{
    static const struct {
        const char *text;
        double value;
        bool exact;
    } cases[] = {
        {"3.5", 3.5, true},
        {"0.25", 0.25, true},
        {"-0.125", -0.125, true},
        {"1000000000000000.5", 1000000000000000.5, true},
        {"85080825812.515625", 0, false}, /* the shortest text has one digit less */
        {"0.1", 0, false},
        {"0.15", 0, false},
        {"0.05", 0, false},
        {"10000000000000000.5", 0, false}, /* 54 bits */
        {"1.00000000000000000000000000000000000005", 0, false},
        {"3", 0, false},
        {"1e30", 0, false},
        {"inf", INFINITY, true},
        {"-inf", -INFINITY, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double d = 0;

        ck_assert_msg(tf_number_double(cases[i].text, &d) == cases[i].exact, "%s", cases[i].text);
        ck_assert(d == cases[i].value);
    }
}
END_TEST

START_TEST(doubles_become_the_shortest_text)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {-0.0, "0"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
        {3.5, "3.5"},
        {85080825812.515625, "85080825812.515625"},
        {1e22, "1e22"},
        {1e15 + 0.5, "1000000000000000.5"},
        {18446744073709551616.0, "18446744073709551616"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(tf_number_from_double(arena, cases[i].value), cases[i].text);
    ck_assert_ptr_null(tf_number_from_double(arena, NAN));
}
END_TEST

RUN("tf/number", TEST(canonical_text_is_unique), TEST(other_text_is_refused),
    TEST(plain_text_has_no_exponent), TEST(order_is_that_of_the_numbers), TEST(integers),
    TEST(only_exact_fractions_are_doubles), TEST(doubles_become_the_shortest_text))
