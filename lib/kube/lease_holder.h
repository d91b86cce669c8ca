/* Who holds a lease: "host/boot id/pid namespace/pid/start time/nonce".
 *
 * With the same host, boot and pid namespace as ours the pid can be asked for: a process that is
 * gone, or whose number belongs to another one now, doesn't hold anything any more. From anywhere
 * else nothing can be said. (A machine that was cloned while it ran has the same boot id as its
 * twin; there a live holder can be taken for dead. It notices at its next renewal.) */
#ifndef KUBE_LEASE_HOLDER_H
#define KUBE_LEASE_HOLDER_H

#include <stdbool.h>

#include "lib/base/buf.h"

#define LEASE_HOLDER_SIZE 256

/* This process. Every call gives another nonce: two leases of one process are two holders. */
void lease_holder_self(char out[LEASE_HOLDER_SIZE]);

/* Whether the holder is known to be dead. */
bool lease_holder_gone(const char *holder);

/* Appends "process 4242 on host-a", or the text itself when it isn't one of ours. */
void lease_holder_words(const char *holder, struct buf *out);

#endif
