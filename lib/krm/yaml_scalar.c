/* Resolving plain scalars.
 *
 * The first character says what a text can be (null, boolean, number, date) and nearly every text
 * of a manifest is settled by it. Numbers follow Go's literals: 0x, 0o, 0b and a leading 0 choose
 * the base, underscores are skipped; what then isn't an integer may be a decimal float. Dates are
 * rewritten in RFC 3339 form, because that is what kustomize prints for them. */
#include "lib/krm/yaml_scalar.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"

#include "lib/base/banned.h"

#define NUMBER_MAX 256

/* 2^63: doubles below it in magnitude fit int64. */
#define INT64_BOUND 9223372036854775808.0

struct word {
    const char *text;
    enum yaml_kind kind;
    bool boolean;
    double real;
};

static const struct word words[] = {
    {"", YAML_NULL, false, 0},
    {"~", YAML_NULL, false, 0},
    {"null", YAML_NULL, false, 0},
    {"Null", YAML_NULL, false, 0},
    {"NULL", YAML_NULL, false, 0},
    {"true", YAML_BOOL, true, 0},
    {"True", YAML_BOOL, true, 0},
    {"TRUE", YAML_BOOL, true, 0},
    {"false", YAML_BOOL, false, 0},
    {"False", YAML_BOOL, false, 0},
    {"FALSE", YAML_BOOL, false, 0},
    {".nan", YAML_FLOAT, false, NAN},
    {".NaN", YAML_FLOAT, false, NAN},
    {".NAN", YAML_FLOAT, false, NAN},
    {".inf", YAML_FLOAT, false, INFINITY},
    {".Inf", YAML_FLOAT, false, INFINITY},
    {".INF", YAML_FLOAT, false, INFINITY},
    {"+.inf", YAML_FLOAT, false, INFINITY},
    {"+.Inf", YAML_FLOAT, false, INFINITY},
    {"+.INF", YAML_FLOAT, false, INFINITY},
    {"-.inf", YAML_FLOAT, false, -INFINITY},
    {"-.Inf", YAML_FLOAT, false, -INFINITY},
    {"-.INF", YAML_FLOAT, false, -INFINITY},
};

static const char *const old_bools[] = {"y",  "Y",  "yes", "Yes", "YES", "n",   "N",   "no",
                                        "No", "NO", "on",  "On",  "ON",  "off", "Off", "OFF"};

static bool resolve_word(const char *text, size_t len, struct yaml_scalar *out)
{
    if (len > 5)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].text) != len || memcmp(words[i].text, text, len) != 0)
            continue;
        out->kind = words[i].kind;
        out->boolean = words[i].boolean;
        out->real = words[i].real;
        return true;
    }
    return false;
}

bool yaml_scalar_is_old_bool(const char *text, size_t len)
{
    if (len > 3)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(old_bools); i++)
        if (strlen(old_bools[i]) == len && !memcmp(old_bools[i], text, len))
            return true;
    return false;
}

static void set_real(struct yaml_scalar *out, double value)
{
    if (value > -INT64_BOUND && value < INT64_BOUND && value == trunc(value)) {
        out->kind = YAML_INT;
        out->integer = (json_int_t)value;
    } else {
        out->kind = YAML_FLOAT;
        out->real = value;
    }
}

/* Value of a digit in base, or -1. */
static int digit_value(char c, int base)
{
    int v = -1;

    if (c >= '0' && c <= '9')
        v = c - '0';
    else if (c >= 'a' && c <= 'f')
        v = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        v = c - 'A' + 10;
    return v < base ? v : -1;
}

/* The base that the prefix at *s names; *s moves behind it. */
static int take_base(const char **s)
{
    if ((*s)[0] != '0' || (*s)[1] == '\0')
        return 10;
    switch ((*s)[1] | 0x20) {
    case 'x':
        *s += 2;
        return 16;
    case 'o':
        *s += 2;
        return 8;
    case 'b':
        *s += 2;
        return 2;
    default:
        *s += 1;
        return 8;
    }
}

static bool resolve_int(const char *s, struct yaml_scalar *out)
{
    bool has_sign = *s == '-' || *s == '+', negative = *s == '-';
    uint64_t value = 0;
    int base;

    s += has_sign;
    base = take_base(&s);
    if (!*s)
        return false;
    for (; *s; s++) {
        int d = digit_value(*s, base);

        if (d < 0 || value > (UINT64_MAX - (uint64_t)d) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)d;
    }
    if (value <= INT64_MAX) {
        out->kind = YAML_INT;
        out->integer = negative ? -(json_int_t)value : (json_int_t)value;
        return true;
    }
    if (negative && value == (uint64_t)INT64_MAX + 1) {
        out->kind = YAML_INT;
        out->integer = INT64_MIN;
        return true;
    }
    if (has_sign)
        return false;
    set_real(out, (double)value);
    return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_decimal(const char *s)
{
    size_t whole = 0, fraction = 0;

    s += *s == '-' || *s == '+';
    for (; isdigit((unsigned char)*s); s++)
        whole++;
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++)
            fraction++;
    if (!whole && !fraction)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        if (!isdigit((unsigned char)*s))
            return false;
        while (isdigit((unsigned char)*s))
            s++;
    }
    return !*s;
}

static bool resolve_decimal(const char *s, struct yaml_scalar *out)
{
    double value;

    if (!is_decimal(s))
        return false;
    value = strtod(s, NULL);
    if (isinf(value))
        return false;
    set_real(out, value);
    return true;
}

/* Copies text without its underscores. Behind a leading dot they may only stand between digits. */
static bool drop_underscores(const char *text, size_t len, char out[NUMBER_MAX + 1])
{
    bool strict = text[0] == '.';
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (!text[i])
            return false;
        if (text[i] != '_') {
            out[n++] = text[i];
            continue;
        }
        if (strict && !(isdigit((unsigned char)text[i - 1]) && isdigit((unsigned char)text[i + 1])))
            return false;
    }
    out[n] = '\0';
    return true;
}

/* One or two digits (exactly two when `two`), at most max. */
static bool take_number(const char **s, bool two, int max, int *ret_value)
{
    int v;

    if (!isdigit((unsigned char)**s))
        return false;
    v = *(*s)++ - '0';
    if (isdigit((unsigned char)**s))
        v = v * 10 + (*(*s)++ - '0');
    else if (two)
        return false;
    *ret_value = v;
    return v <= max;
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/* Digits behind a dot or comma, at most nine of them kept, without trailing zeros: ".25" or "". */
static void take_fraction(const char **s, char out[12])
{
    size_t n = 0;

    out[0] = '\0';
    if ((**s != '.' && **s != ',') || !isdigit((unsigned char)(*s)[1]))
        return;
    out[n++] = '.';
    for ((*s)++; isdigit((unsigned char)**s); (*s)++)
        if (n < 10)
            out[n++] = **s;
    while (out[n - 1] == '0')
        n--;
    out[n == 1 ? 0 : n] = '\0';
}

/* "Z" or "+hh:mm" into the form that is printed. */
static bool take_zone(const char **s, char out[16])
{
    int hour, minute;
    char sign = **s;

    if (take_char(s, 'Z')) {
        snprintf(out, 16, "Z");
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    (*s)++;
    if (!take_number(s, true, 23, &hour) || !take_char(s, ':') ||
        !take_number(s, true, 59, &minute))
        return false;
    if (hour || minute)
        snprintf(out, 16, "%c%02d:%02d", sign, hour % 24, minute % 60);
    else
        snprintf(out, 16, "Z");
    return true;
}

/* YYYY-M-D, alone or with "Th:m:s[.f]zone" or " h:m:s[.f]". */
static bool resolve_timestamp(const char *s, struct yaml_scalar *out)
{
    int year = 0, month, day, hour = 0, minute = 0, second = 0;
    char fraction[12] = "", zone[16] = "Z";

    for (int i = 0; i < 4; i++, s++) {
        if (!isdigit((unsigned char)*s))
            return false;
        year = year * 10 + (*s - '0');
    }
    if (!take_char(&s, '-') || !take_number(&s, false, 12, &month) || !month ||
        !take_char(&s, '-') || !take_number(&s, false, 31, &day) || !day ||
        day > days_in(year, month))
        return false;
    if (*s) {
        char separator = *s++;

        if (separator != 'T' && separator != 't' && separator != ' ')
            return false;
        if (!take_number(&s, false, 23, &hour) || !take_char(&s, ':') ||
            !take_number(&s, false, 59, &minute) || !take_char(&s, ':') ||
            !take_number(&s, false, 59, &second))
            return false;
        take_fraction(&s, fraction);
        if (separator != ' ' && !take_zone(&s, zone))
            return false;
        if (*s)
            return false;
    }
    out->kind = YAML_TIMESTAMP;
    snprintf(out->stamp, sizeof(out->stamp), "%04d-%02d-%02dT%02d:%02d:%02d%s%s", year % 10000,
             month % 100, day % 100, hour % 100, minute % 100, second % 100, fraction, zone);
    return true;
}

void yaml_scalar_resolve(const char *text, size_t len, struct yaml_scalar *out)
{
    char number[NUMBER_MAX + 1] = "";

    out->kind = YAML_STRING;
    switch (len ? text[0] : '~') {
    case '~':
    case 'n':
    case 'N':
    case 't':
    case 'T':
    case 'f':
    case 'F':
        resolve_word(text, len, out);
        return;
    case '.':
    case '+':
    case '-':
        if (resolve_word(text, len, out))
            return;
        break;
    default:
        if (!isdigit((unsigned char)text[0]))
            return;
    }
    if (len > NUMBER_MAX || !drop_underscores(text, len, number))
        return;
    if (!(resolve_timestamp(text, out) || resolve_int(number, out)))
        resolve_decimal(number, out);
}
