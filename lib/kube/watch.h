/* List-and-watch of one resource: the current objects, then every change, for as long as wanted.
 *
 * A kube_watcher holds any number of subscriptions and belongs to one thread. It lists, watches
 * from the list's resourceVersion with bookmarks, reconnects when the server ends the stream, lists
 * again on 410 Gone, and reports what the list shows as changed (so nothing is missed and
 * deletions during a gap are seen). Where watching is refused (403 on watch only) it polls. */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

#include "lib/kube/client.h"

#define KUBE_WATCH_POLL_MS   2000
#define KUBE_WATCH_TIMEOUT_S 300    /* a stream's life, more or less, by our wish */
#define KUBE_WATCH_RETRY_MS  600000 /* how long a list may fail with what heals */

enum kube_watch_event {
    KUBE_WATCH_SYNCED,  /* the subscription's first list has been reported in full */
    KUBE_WATCH_CHANGED, /* object is there, new or changed */
    KUBE_WATCH_DELETED, /* object is the last known state */
    KUBE_WATCH_FAILED,  /* this subscription can't go on; see err */
};

struct kube_watcher;
struct kube_watcher *kube_watcher_new(struct kube_client *c);

/* A watcher whose streams run on a queue of the same thread, so that one wait serves both: while
 * kube_next waits, watches go on, and an event of theirs makes it return ERR_TIMEOUT early;
 * kube_watch_next (with a deadline that has passed) then takes it. One watcher per queue; freed
 * before the queue. */
struct kube_watcher *kube_watcher_on(struct kube_queue *q);
void kube_watcher_free(struct kube_watcher *w); /* accepts NULL */
DEFINE_CLEANUP(kube_watcher_cleanup, struct kube_watcher *, kube_watcher_free)

/* namespace "" or NULL = all. Strings are copied. user comes back with each event. */
void kube_watch(struct kube_watcher *w, const struct kube_resource *resource, const char *namespace,
                const char *label_selector, const char *field_selector, void *user);

/* The next event. 0; ERR_TIMEOUT at the deadline; ERR_CANCELLED. *ret_object is a new reference
 * (NULL for SYNCED and FAILED). */
int kube_watch_next(struct kube_watcher *w, int64_t deadline, struct cancel *cancel,
                    enum kube_watch_event *ret_event, void **ret_user, json_t **ret_object,
                    struct err *err) WARN_UNUSED;

#endif
