#include "lib/base/clock.h"

#include <ctype.h>
#include <stdio.h>

#include "lib/base/banned.h"

int64_t clock_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_deadline(int64_t ms)
{
    int64_t now = clock_now_ms();

    return ms < 0 || ms > INT64_MAX - now ? INT64_MAX : now + ms;
}

int64_t clock_left_ms(int64_t deadline)
{
    int64_t now = clock_now_ms();

    return deadline > now ? deadline - now : 0;
}

struct timespec clock_timespec(int64_t deadline)
{
    struct timespec ts;

    /* A hundred years is "never" for a condition variable. */
    if (deadline > INT64_C(3155760000000))
        deadline = INT64_C(3155760000000);
    ts.tv_sec = (time_t)(deadline / 1000);
    ts.tv_nsec = (long)(deadline % 1000) * 1000000L;
    return ts;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A number of exactly n digits within bounds, which p then stands behind. */
static int digits(const char **p, int n, int low, int high, int *ret)
{
    int value = 0;

    for (; n > 0; n--, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return -1;
        value = 10 * value + (**p - '0');
    }
    *ret = value;
    return value < low || value > high ? -1 : 0;
}

/* "Z", "+02:00"; the minutes east of Greenwich. */
static int parse_offset(const char **p, int *ret_minutes)
{
    int hours, minutes, sign = **p == '-' ? -1 : 1;

    *ret_minutes = 0;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return 0;
    }
    if (**p != '+' && **p != '-')
        return -1;
    (*p)++;
    if (digits(p, 2, 0, 23, &hours) || *(*p)++ != ':' || digits(p, 2, 0, 59, &minutes))
        return -1;
    *ret_minutes = sign * (60 * hours + minutes);
    return 0;
}

int clock_parse_stamp(const char *text, int64_t *ret_ms)
{
    const char *p = text;
    struct tm tm = {0};
    int ms = 0, scale = 100, offset, seconds;

    if (digits(&p, 4, 1, 9999, &tm.tm_year) || *p++ != '-' || digits(&p, 2, 1, 12, &tm.tm_mon) ||
        *p++ != '-' || digits(&p, 2, 1, 31, &tm.tm_mday) || (*p != 'T' && *p != 't'))
        return -1;
    p++;
    if (digits(&p, 2, 0, 23, &tm.tm_hour) || *p++ != ':' || digits(&p, 2, 0, 59, &tm.tm_min) ||
        *p++ != ':' || digits(&p, 2, 0, 60, &seconds))
        return -1;
    if (*p == '.') {
        if (!isdigit((unsigned char)*++p))
            return -1;
        for (; isdigit((unsigned char)*p); p++, scale /= 10)
            ms += scale * (*p - '0');
    }
    if (parse_offset(&p, &offset) || *p)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    tm.tm_sec = seconds;
    *ret_ms = ((int64_t)timegm(&tm) - 60 * (int64_t)offset) * 1000 + ms;
    return 0;
}

void clock_stamp(char out[CLOCK_STAMP_SIZE])
{
    struct timespec ts;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    n = strftime(out, CLOCK_STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_STAMP_SIZE - n, ".%06ldZ", ts.tv_nsec / 1000);
}
