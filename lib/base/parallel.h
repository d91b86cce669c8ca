/* The same work on many things, on all processors. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

#define PARALLEL_MAX_THREADS 8 /* however many processors a machine has */

/* Calls fn(arg, i) once for every i below n and returns when all calls have. They start in the order
 * of i, some at the same time; the caller's thread takes part, so it also works where no thread can
 * be started. What fn writes must belong to its i, or be locked. */
void parallel_for(size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
