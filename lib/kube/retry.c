#include "lib/kube/retry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

#define MAX_RETRY_AFTER_MS 60000

static const struct {
    int64_t first_ms, max_ms; /* the steps double in between */
    int max_tries;
    const char *words;
} classes[] = {
    [KUBE_RETRY_NONE] = {0, 0, 1, ""},
    [KUBE_RETRY_CONNECTION] = {100, 1000, INT_MAX, "the API server can't be reached"},
    [KUBE_RETRY_SERVER] = {200, 5000, INT_MAX, "the API server is overloaded or starting"},
    [KUBE_RETRY_WEBHOOK] = {500, 5000, INT_MAX, "the webhook behind it isn't ready"},
    [KUBE_RETRY_NOT_SERVED] = {100, 300, INT_MAX, "its kind isn't served yet"},
    [KUBE_RETRY_NAMESPACE] = {200, 1000, INT_MAX, "its namespace isn't there yet"},
    [KUBE_RETRY_TERMINATING] = {500, 5000, INT_MAX, "its namespace is being deleted"},
    [KUBE_RETRY_RACE] = {50, 1000, KUBE_RACE_TRIES, "somebody else wrote it at the same time"},
};

static const char *str_member(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

/* A failure of TLS or of the request's own making is as true tomorrow. */
static bool failure_heals(enum http_failure failure, bool repeatable)
{
    switch (failure) {
    case HTTP_FAIL_DNS:
    case HTTP_FAIL_CONNECT:
    case HTTP_FAIL_PROXY:
    case HTTP_FAIL_TLS:
        return true;
    case HTTP_FAIL_LOST:
    case HTTP_FAIL_TIMEOUT:
        return repeatable;
    default:
        return false;
    }
}

/* A second one of these isn't the same as one: after an answer that may hide a success they aren't
 * repeated. */
static bool is_repeatable(enum kube_verb verb)
{
    return verb != KUBE_CREATE && verb != KUBE_UPDATE && verb != KUBE_JSON_PATCH;
}

/* The API server gives these no reason of their own; its words are all there is to go by. */
static bool is_webhook_trouble(const struct kube_status *s)
{
    return strstr(s->message, "failed calling webhook") ||
           strstr(s->message, "conversion webhook for");
}

static bool has_cause(const struct kube_status *s, const char *reason)
{
    for (size_t i = 0; i < json_array_size(s->causes); i++)
        if (!strcmp(str_member(json_array_get(s->causes, i), "reason"), reason))
            return true;
    return false;
}

static bool is_write(enum kube_verb verb)
{
    return verb == KUBE_CREATE || verb == KUBE_UPDATE || verb == KUBE_APPLY ||
           verb == KUBE_MERGE_PATCH || verb == KUBE_JSON_PATCH;
}

static enum kube_retry_class classify_404(const struct kube_retry_traits *traits,
                                          const json_t *details)
{
    if (is_write(traits->verb) && traits->in_namespace &&
        !strcmp(str_member(details, "kind"), "namespaces"))
        return KUBE_RETRY_NAMESPACE;
    /* A missing object is named; a path that isn't served names nothing. */
    if (traits->not_served_retry && !*str_member(details, "name"))
        return KUBE_RETRY_NOT_SERVED;
    return KUBE_RETRY_NONE;
}

static enum kube_retry_class classify_409(const struct kube_retry_traits *traits,
                                          const struct kube_status *s)
{
    bool patch = traits->verb == KUBE_APPLY || traits->verb == KUBE_MERGE_PATCH ||
                 traits->verb == KUBE_JSON_PATCH;

    /* A patch that names no version loses only races; causes are fields that others own. */
    if (!patch || s->causes)
        return KUBE_RETRY_NONE;
    return KUBE_RETRY_RACE;
}

enum kube_retry_class kube_retry_classify(const struct kube_retry_traits *traits,
                                          enum http_failure failure, const struct kube_status *s,
                                          const json_t *details)
{
    bool repeatable = is_repeatable(traits->verb);

    switch (s->http) {
    case 0:
        return failure_heals(failure, repeatable) ? KUBE_RETRY_CONNECTION : KUBE_RETRY_NONE;
    case 403:
        return has_cause(s, "NamespaceTerminating") ? KUBE_RETRY_TERMINATING : KUBE_RETRY_NONE;
    case 404:
        return classify_404(traits, details);
    case 409:
        return classify_409(traits, s);
    case 429:
        return KUBE_RETRY_SERVER;
    case 500:
        if (strstr(s->message, "failed to create typed patch object"))
            return KUBE_RETRY_NONE; /* a value of the wrong type */
        /* fall through */
    case 503:
        if (is_webhook_trouble(s))
            return KUBE_RETRY_WEBHOOK;
        return repeatable ? KUBE_RETRY_SERVER : KUBE_RETRY_NONE;
    case 408:
    case 502:
    case 504:
        return repeatable ? KUBE_RETRY_SERVER : KUBE_RETRY_NONE;
    default:
        return KUBE_RETRY_NONE;
    }
}

static int64_t limit_or(int64_t value, int64_t fallback)
{
    return value < 0 ? 0 : value ? value : fallback;
}

int64_t kube_retry_limit_ms(enum kube_retry_class class, int64_t retry_ms, int64_t webhook_ms)
{
    int64_t server = limit_or(retry_ms, KUBE_RETRY_MS);
    int64_t webhook = limit_or(webhook_ms, KUBE_WEBHOOK_RETRY_MS);

    switch (class) {
    case KUBE_RETRY_CONNECTION:
    case KUBE_RETRY_SERVER:
    case KUBE_RETRY_RACE:
        return server;
    case KUBE_RETRY_WEBHOOK:
    case KUBE_RETRY_NOT_SERVED:
    case KUBE_RETRY_TERMINATING:
        return webhook;
    case KUBE_RETRY_NAMESPACE:
        return webhook < KUBE_NAMESPACE_WAIT_MS ? webhook : KUBE_NAMESPACE_WAIT_MS;
    default:
        return 0;
    }
}

int kube_retry_max_tries(enum kube_retry_class class)
{
    return classes[class].max_tries;
}

int64_t kube_retry_delay_ms(enum kube_retry_class class, int attempt, uint32_t random,
                            int64_t retry_after_ms)
{
    int64_t step = classes[class].first_ms, pause;

    for (int i = 0; i < attempt && step < classes[class].max_ms; i++)
        step *= 2;
    if (step > classes[class].max_ms)
        step = classes[class].max_ms;
    pause = step / 2 + (int64_t)(random % (uint32_t)(step / 2 + 1));
    /* Those who were told the same time must not all come back at the same moment. */
    if (retry_after_ms > 0 && pause < retry_after_ms)
        pause = retry_after_ms + (int64_t)(random % 250);
    return pause;
}

int64_t kube_retry_after_ms(const char *header)
{
    char *end;
    long seconds;

    if (!header)
        return 0;
    errno = 0;
    seconds = strtol(header, &end, 10);
    if (end == header || *end || errno || seconds <= 0)
        return 0;
    return seconds > MAX_RETRY_AFTER_MS / 1000 ? MAX_RETRY_AFTER_MS : seconds * 1000;
}

const char *kube_retry_words(enum kube_retry_class class)
{
    return classes[class].words;
}
