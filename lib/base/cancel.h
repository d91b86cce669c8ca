/* Cancellation: a flag that can be waited on.
 *
 * One token per RPC; StopProvider, and the host going away, fire it. Everything that blocks
 * (HTTP, waiting for readiness, back-off) takes the token and returns ERR_CANCELLED soon after it
 * fires. Tokens can be chained: a child fires with its parent. Thread-safe. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct cancel;

struct cancel *cancel_new(
    struct cancel *parent);         /* parent may be NULL; it must outlive the child */
void cancel_free(struct cancel *c); /* accepts NULL */
DEFINE_CLEANUP(cancel_cleanup, struct cancel *, cancel_free)

void cancel_fire(struct cancel *c);
bool cancel_fired(const struct cancel *c); /* NULL is never fired */

/* Calls fn(arg) once when the token fires (at once if it has), from the firing thread; fn must not
 * block or call back into this module. Returns an id for cancel_unwatch, which returns only when
 * fn isn't running. */
uint64_t cancel_watch(struct cancel *c, void (*fn)(void *arg), void *arg);
void cancel_unwatch(struct cancel *c, uint64_t id);

/* Sleeps; 0, or ERR_CANCELLED as soon as the token fires. c may be NULL. */
int cancel_sleep(struct cancel *c, int64_t ms);

#endif
