/* Worker threads: one per call in flight, up to a cap.
 *
 * A fixed small pool would starve: each apply may block for minutes, and how many run at the same
 * time is the user's choice (-parallelism). So the pool grows whenever there is more work than idle
 * workers; workers stay, idle, until the pool is freed. */
#ifndef PLUGIN_POOL_H
#define PLUGIN_POOL_H

#include <stddef.h>

#include "lib/base/attr.h"

struct pool;

struct pool *pool_new(size_t max_workers);

/* Waits for the work that was submitted, then ends the workers. Accepts NULL. */
void pool_free(struct pool *p);

/* Runs fn(arg) on a worker, or later if max_workers are busy. fn must not call into the pool. */
void pool_submit(struct pool *p, void (*fn)(void *arg), void *arg);

size_t pool_workers(struct pool *p); /* threads alive now */

#endif
