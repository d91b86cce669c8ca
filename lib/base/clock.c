#include "lib/base/clock.h"

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
