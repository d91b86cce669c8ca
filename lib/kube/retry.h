/* Which failures heal by themselves, and how long to wait for it. Pure functions. */
#ifndef KUBE_RETRY_H
#define KUBE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/http.h"
#include "lib/kube/client.h"

#define KUBE_RACE_TRIES        5     /* optimistic locks, two creators at once */
#define KUBE_NAMESPACE_WAIT_MS 10000 /* for a namespace that was made a moment ago */

enum kube_retry_class {
    KUBE_RETRY_NONE,
    KUBE_RETRY_CONNECTION,
    KUBE_RETRY_SERVER,
    KUBE_RETRY_WEBHOOK,
    KUBE_RETRY_NOT_SERVED,
    KUBE_RETRY_NAMESPACE,   /* not there yet */
    KUBE_RETRY_TERMINATING, /* its namespace is on its way out */
    KUBE_RETRY_RACE,
};

/* What must be known of the request. */
struct kube_retry_traits {
    enum kube_verb verb;
    bool in_namespace;
    bool not_served_retry;
};

/* failure: of the HTTP call when no answer came (status.http 0). details: Status.details or NULL. */
enum kube_retry_class kube_retry_classify(const struct kube_retry_traits *traits,
                                          enum http_failure failure, const struct kube_status *s,
                                          const json_t *details);

/* How long the class may be tried, from its first failure: the request's own limits where they
 * apply. 0 = not at all. */
int64_t kube_retry_limit_ms(enum kube_retry_class class, int64_t retry_ms, int64_t webhook_ms);

/* How often, at most, whatever the time. */
int kube_retry_max_tries(enum kube_retry_class class);

/* The pause before the next try. attempt: 0 after the first failure; random: any number;
 * retry_after_ms: what the server asked for, 0 = nothing. Between half and all of the step, never
 * less than what the server asked for. */
int64_t kube_retry_delay_ms(enum kube_retry_class class, int attempt, uint32_t random,
                            int64_t retry_after_ms);

/* "Retry-After: 3" to milliseconds; 0 for NULL, dates and nonsense; at most a minute. */
int64_t kube_retry_after_ms(const char *header);

/* "the webhook behind it isn't ready" */
const char *kube_retry_words(enum kube_retry_class class);

#endif
