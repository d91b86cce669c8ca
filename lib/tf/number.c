/* Decimal numbers.
 *
 * A finite number is a sign, digits without zeros at either end, and a power of ten: 0.0120 is
 * 12e-4. Text is read into that form, and the canonical text is printed from it: plain when that
 * needs few padding zeros, scientific otherwise. The form is unique, hence so is the text.
 * The size of the plain form is limited, so exponents can't be used to blow up memory. */
#include "lib/tf/number.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/tf/value.h"

#include "lib/base/banned.h"

#define PLAIN_MAX_PADDING 20      /* zeros in canonical plain text */
#define EXPONENT_MAX      1000000 /* far beyond the limit of the plain form */

/* The exact expansion of a binary64: sign, 309 digits, point, 1074 decimals. */
#define DOUBLE_TEXT_SIZE  1400
#define DOUBLE_MAX_DIGITS 17 /* enough to tell each binary64 from all others */

/* A binary64 on the wire is either a literal that happens to be a binary fraction (512.515625) or
 * the result of a computation (0.1 as binary64, which has 55 decimals). Core compares the first by
 * its exact text, the second by its shortest. Literals don't have that many decimals. */
#define EXACT_MAX_DECIMALS 14

struct decimal {
    bool negative, infinite;
    size_t n; /* digits; 0 means zero */
    long exponent;
    char digits[TF_NUMBER_MAX_CHARS];
};

static int read_exponent(const char **text, long *exponent)
{
    const char *p = *text;
    bool negative = *p == '-';
    long e = 0;

    if (*p == '-' || *p == '+')
        p++;
    if (!isdigit((unsigned char)*p))
        return ERR_INVALID;
    for (; isdigit((unsigned char)*p); p++)
        if (e < EXPONENT_MAX)
            e = e * 10 + (*p - '0');
    *exponent += negative ? -e : e;
    *text = p;
    return 0;
}

/* Digits with at most one point among them; zeros in front aren't kept. */
static int read_digits(const char **text, struct decimal *d)
{
    const char *p = *text;
    bool point = false, any = false;

    for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        if (point)
            d->exponent--;
        if (*p == '0' && !d->n)
            continue;
        if (d->n == sizeof(d->digits))
            return ERR_INVALID;
        d->digits[d->n++] = *p;
    }
    *text = p;
    return any ? 0 : ERR_INVALID;
}

static int decimal_read(const char *text, struct decimal *d)
{
    const char *p = text;

    d->infinite = false;
    d->n = 0;
    d->exponent = 0;
    d->negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if (!strcmp(p, "inf") || !strcmp(p, "Inf")) {
        d->infinite = true;
        return 0;
    }
    if (read_digits(&p, d))
        return ERR_INVALID;
    if ((*p == 'e' || *p == 'E') && (p++, read_exponent(&p, &d->exponent)))
        return ERR_INVALID;
    if (*p)
        return ERR_INVALID;
    while (d->n && d->digits[d->n - 1] == '0') {
        d->n--;
        d->exponent++;
    }
    if (!d->n) {
        d->negative = false;
        d->exponent = 0;
    }
    return 0;
}

/* Characters of the plain form without the sign. */
static size_t plain_length(const struct decimal *d)
{
    size_t decimals;

    if (d->exponent >= 0)
        return d->n + (size_t)d->exponent;
    decimals = (size_t)-d->exponent;
    return d->n > decimals ? d->n + 1 : decimals + 2;
}

static size_t plain_padding(const struct decimal *d)
{
    size_t decimals;

    if (d->exponent >= 0)
        return (size_t)d->exponent;
    decimals = (size_t)-d->exponent;
    return decimals > d->n ? decimals - d->n : 0;
}

static char *put_zeros(char *p, size_t n)
{
    memset(p, '0', n);
    return p + n;
}

static char *put_digits(char *p, const char *digits, size_t n)
{
    memcpy(p, digits, n);
    return p + n;
}

static void put_plain(const struct decimal *d, char *p)
{
    size_t decimals = d->exponent < 0 ? (size_t)-d->exponent : 0;

    if (d->negative)
        *p++ = '-';
    if (!d->n) {
        *p++ = '0';
    } else if (!decimals) {
        p = put_digits(p, d->digits, d->n);
        p = put_zeros(p, (size_t)d->exponent);
    } else if (d->n > decimals) {
        p = put_digits(p, d->digits, d->n - decimals);
        *p++ = '.';
        p = put_digits(p, d->digits + d->n - decimals, decimals);
    } else {
        p = put_digits(p, "0.", 2);
        p = put_zeros(p, decimals - d->n);
        p = put_digits(p, d->digits, d->n);
    }
    *p = '\0';
}

static void put_scientific(const struct decimal *d, char *p, size_t size)
{
    snprintf(p, size, "%s%c%s%.*se%ld", d->negative ? "-" : "", d->digits[0], d->n > 1 ? "." : "",
             (int)d->n - 1, d->digits + 1, d->exponent + (long)d->n - 1);
}

int tf_number_canonical(struct arena *a, const char *text, const char **ret_text)
{
    char out[TF_NUMBER_PLAIN_SIZE + 16];
    struct decimal d;

    if (decimal_read(text, &d))
        return ERR_INVALID;
    if (d.infinite) {
        *ret_text = d.negative ? "-inf" : "inf";
        return 0;
    }
    if (plain_length(&d) > TF_NUMBER_MAX_CHARS)
        return ERR_INVALID;
    if (plain_padding(&d) <= PLAIN_MAX_PADDING)
        put_plain(&d, out);
    else
        put_scientific(&d, out, sizeof(out));
    *ret_text = arena_strdup(a, out);
    return 0;
}

static void must_read(const char *canonical, struct decimal *d)
{
    if (decimal_read(canonical, d) || (!d->infinite && plain_length(d) > TF_NUMBER_MAX_CHARS))
        bug("\"%s\" is not a canonical number", canonical);
}

void tf_number_plain(const char *canonical, char out[TF_NUMBER_PLAIN_SIZE])
{
    struct decimal d;

    must_read(canonical, &d);
    if (d.infinite)
        bug("an infinite number has no digits");
    put_plain(&d, out);
}

/* Where a finite number lies between the infinities: its sign, 2 for infinite. */
static int magnitude_class(const struct decimal *d)
{
    int size = d->infinite ? 2 : d->n ? 1 : 0;

    return d->negative ? -size : size;
}

int tf_number_compare(const char *a, const char *b)
{
    struct decimal left, right;
    long left_top, right_top;
    int order;

    if (!strcmp(a, b))
        return 0;
    must_read(a, &left);
    must_read(b, &right);
    if (magnitude_class(&left) != magnitude_class(&right))
        return magnitude_class(&left) < magnitude_class(&right) ? -1 : 1;
    left_top = left.exponent + (long)left.n;
    right_top = right.exponent + (long)right.n;
    if (left_top != right_top) {
        order = left_top < right_top ? -1 : 1;
    } else {
        order = memcmp(left.digits, right.digits, left.n < right.n ? left.n : right.n);
        if (!order)
            order = left.n < right.n ? -1 : left.n > right.n;
        order = order < 0 ? -1 : order > 0;
    }
    return left.negative ? -order : order;
}

bool tf_number_int64(const char *canonical, int64_t *ret_value)
{
    const char *digits = canonical + (canonical[0] == '-');
    char *end;
    long long v;

    /* Plain canonical text holds up to 20 padding zeros, so every int64 is plain. */
    if (strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    v = strtoll(canonical, &end, 10);
    if (errno || *end)
        return false;
    *ret_value = v;
    return true;
}

/* Bits behind the point, which are as many decimals: 2^-n ends in the n-th. */
static int decimals_of(double d)
{
    int exponent, zeros;
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(d), &exponent), DBL_MANT_DIG);

    zeros = mantissa ? __builtin_ctzll(mantissa) : DBL_MANT_DIG;
    return DBL_MANT_DIG - zeros - exponent;
}

/* The fewest digits that read back as the same number. Up to DBL_DIG digits survive a binary64, so
 * a shorter text shows in those as zeros, which %g leaves out; but not where precision is lost. */
static void shortest_text(double d, char out[DOUBLE_TEXT_SIZE])
{
    for (int digits = fabs(d) < DBL_MIN ? 1 : DBL_DIG; digits <= DOUBLE_MAX_DIGITS; digits++) {
        snprintf(out, DOUBLE_TEXT_SIZE, "%.*g", digits, d);
        if (strtod(out, NULL) == d)
            return;
    }
}

bool tf_number_double(const char *canonical, double *ret_value)
{
    char text[DOUBLE_TEXT_SIZE], plain[TF_NUMBER_PLAIN_SIZE];
    struct decimal shortest, wanted;
    const char *point;
    double d;

    if (strstr(canonical, "inf")) {
        *ret_value = canonical[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    tf_number_plain(canonical, plain);
    d = strtod(plain, NULL);
    point = strchr(plain, '.');
    if (!point || decimals_of(d) != (int)strlen(point + 1))
        return false;
    snprintf(text, sizeof(text), "%.*f", decimals_of(d), d);
    if (strcmp(text, plain) != 0)
        return false;
    shortest_text(d, text);
    must_read(text, &shortest);
    must_read(canonical, &wanted);
    if (shortest.n != wanted.n)
        return false;
    *ret_value = d;
    return true;
}

const char *tf_number_from_double(struct arena *a, double d)
{
    char text[DOUBLE_TEXT_SIZE];
    const char *canonical;
    int decimals;

    if (isnan(d))
        return NULL;
    if (isinf(d))
        return d < 0 ? "-inf" : "inf";
    decimals = decimals_of(d);
    if (decimals <= EXACT_MAX_DECIMALS)
        snprintf(text, sizeof(text), "%.*f", decimals > 0 ? decimals : 0, d);
    else
        shortest_text(d, text);
    if (tf_number_canonical(a, text, &canonical))
        bug("\"%s\" is not a number", text);
    return canonical;
}
