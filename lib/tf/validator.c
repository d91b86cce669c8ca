#include <inttypes.h>
#include <regex.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/tf/schema.h"

#include "lib/base/banned.h"

int tf_check_one_of(const struct tf_value *v, const void *strings, struct err *err)
{
    struct buf allowed CLEANUP(buf_done) = BUF_INIT;
    const char *const *list = strings;
    const char *s = tf_str(v, NULL);

    for (size_t i = 0; list[i]; i++) {
        if (s && !strcmp(s, list[i]))
            return 0;
        buf_printf(&allowed, "%s\"%s\"", i ? ", " : "", list[i]);
    }
    return err_set(err, ERR_INVALID, "must be one of %s", buf_str(&allowed));
}

int tf_check_pattern(const struct tf_value *v, const void *tf_pattern, struct err *err)
{
    const struct tf_pattern *pattern = tf_pattern;
    char *whole CLEANUP(mem_cleanup) = mem_printf("^(%s)$", pattern->regex);
    const char *s = tf_str(v, NULL);
    regex_t regex;
    int rc;

    if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB))
        bug("\"%s\" is not a regular expression", pattern->regex);
    /* A NUL would hide what is behind it. */
    rc = s && strlen(s) == v->string.len ? regexec(&regex, s, 0, NULL, 0) : REG_NOMATCH;
    regfree(&regex);
    return rc ? err_set(err, ERR_INVALID, "must be %s", pattern->meaning) : 0;
}

static bool in_range(int64_t n, const struct tf_range *range)
{
    return n >= range->min && n <= range->max;
}

/* "1 to 3", "at least 1", "at most 3", "2" */
static void write_range(const struct tf_range *range, struct buf *out)
{
    if (range->min == range->max)
        buf_printf(out, "%" PRId64, range->min);
    else if (range->max == INT64_MAX)
        buf_printf(out, "at least %" PRId64, range->min);
    else if (range->min == INT64_MIN)
        buf_printf(out, "at most %" PRId64, range->max);
    else
        buf_printf(out, "%" PRId64 " to %" PRId64, range->min, range->max);
}

int tf_check_range(const struct tf_value *v, const void *tf_range, struct err *err)
{
    struct buf range CLEANUP(buf_done) = BUF_INIT;
    int64_t n = tf_int_or(v, INT64_MIN);

    /* Only a number that is no int64 gives both fallbacks. */
    if (n == INT64_MIN && tf_int_or(v, INT64_MAX) == INT64_MAX)
        return err_set(err, ERR_INVALID, "must be a whole number");
    if (in_range(n, tf_range))
        return 0;
    write_range(tf_range, &range);
    return err_set(err, ERR_INVALID, "must be %s", buf_str(&range));
}

int tf_check_length(const struct tf_value *v, const void *tf_range, struct err *err)
{
    struct buf range CLEANUP(buf_done) = BUF_INIT;
    bool string = v->type->kind == TF_STRING;

    if (in_range((int64_t)(string ? v->string.len : tf_len(v)), tf_range))
        return 0;
    write_range(tf_range, &range);
    if (string)
        return err_set(err, ERR_INVALID, "must be %s bytes long", buf_str(&range));
    return err_set(err, ERR_INVALID, "must have %s elements", buf_str(&range));
}

int tf_check_duration(const struct tf_value *v, const void *unused UNUSED, struct err *err)
{
    int64_t ms;

    return tf_parse_duration(tf_str(v, ""), &ms, err);
}

/* --- durations ------------------------------------------------------------------------------- */

#define DURATION_MAX_MS ((int64_t)365 * 24 * 3600 * 1000)

/* Longer names first, so that "ms" isn't read as minutes. */
static const struct {
    const char *name;
    double ms;
} units[] = {
    {"ms", 1},
    {"h", 3600e3},
    {"m", 60e3},
    {"s", 1e3},
};

static bool take_unit(const char **p, double *ms)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].name);

        if (!strncmp(*p, units[i].name, n)) {
            *p += n;
            *ms = units[i].ms;
            return true;
        }
    }
    return false;
}

/* Digits with at most one point and at least one digit. */
static bool take_number(const char **p, double *number)
{
    double scale = 1;
    bool any = false, point = false;

    *number = 0;
    for (; (**p >= '0' && **p <= '9') || (**p == '.' && !point); ++*p) {
        if (**p == '.') {
            point = true;
            continue;
        }
        any = true;
        *number = *number * 10 + (**p - '0');
        scale *= point ? 10 : 1;
        if (*number > 1e15 || scale > 1e15)
            return false;
    }
    *number /= scale;
    return any;
}

int tf_parse_duration(const char *text, int64_t *ret_ms, struct err *err)
{
    static const char *const meaning = "must be a duration such as \"30m\" or \"1h30m\"";
    double total = 0, number, ms;
    const char *p = text;

    if (!strcmp(text, "0")) {
        *ret_ms = 0;
        return 0;
    }
    if (!*p)
        return err_set(err, ERR_INVALID, "%s", meaning);
    while (*p) {
        if (!take_number(&p, &number) || !take_unit(&p, &ms))
            return err_set(err, ERR_INVALID, "%s", meaning);
        total += number * ms;
        if (total > (double)DURATION_MAX_MS)
            return err_set(err, ERR_INVALID, "must be a duration of at most a year");
    }
    *ret_ms = (int64_t)(total + 0.5);
    return 0;
}
