/* Time: monotonic milliseconds and deadlines. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
int64_t clock_now_ms(void);

/* now + ms; a negative or huge ms means "never" (INT64_MAX). */
int64_t clock_deadline(int64_t ms);

/* Milliseconds left until the deadline, at least 0. */
int64_t clock_left_ms(int64_t deadline);

/* An absolute CLOCK_MONOTONIC timespec for pthread_cond_timedwait. */
struct timespec clock_timespec(int64_t deadline);

/* Milliseconds of the wall clock since 1970. */
int64_t clock_wall_ms(void);

/* Reads an RFC 3339 time ("2026-01-02T03:04:05Z", fraction and offset allowed) into milliseconds
 * since 1970. 0, or -1 for anything else. */
int clock_parse_stamp(const char *text, int64_t *ret_ms);

/* Wall time as "YYYY-MM-DDThh:mm:ss.uuuuuuZ" (hclog and metav1.MicroTime both want six digits). */
#define CLOCK_STAMP_SIZE 32
void clock_stamp(char out[CLOCK_STAMP_SIZE]);

#endif
