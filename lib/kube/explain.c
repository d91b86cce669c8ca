/* Rounds of requests, each sent at once: the object as it is now and the warnings of its namespace;
 * for a workload, the pods behind its selector and its ReplicaSets (whose warnings tell why there
 * are no pods); the claims of the pods that aren't ready. All within one deadline; an answer that
 * doesn't come is left out. */
#include "lib/kube/explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/explain_webhooks.h"
#include "lib/kube/members.h"
#include "lib/kube/pods.h"
#include "lib/kube/readiness.h"

#include "lib/base/banned.h"

#define MAX_CONDITIONS    8
#define MAX_EVENT_REASONS 32 /* different warnings that are told apart */
#define MAX_CLAIMS        4  /* of the pods that are told of */

struct explanation {
    struct kube_client *client;
    struct cancel *cancel;
    int64_t deadline;
    struct buf *out;
    size_t start; /* of our lines in out */

    struct gvk gvk;
    const char *namespace, *name;
    json_t *object, *events, *pods, *replica_sets; /* NULL = no answer */

    const json_t *shown[EXPLAIN_MAX_PODS]; /* in pods */
    size_t n_shown, n_unready;
    json_t *claims[MAX_CLAIMS];
};

/* --- asking ----------------------------------------------------------------------------------- */

static void ask(struct explanation *x, struct kube_queue *q, enum kube_verb verb,
                const struct kube_resource *resource, const char *field_selector,
                const char *label_selector, json_t **answer)
{
    struct kube_request req = {.verb = verb,
                               .resource = resource,
                               .namespace = x->namespace,
                               .name = verb == KUBE_GET ? x->name : NULL,
                               .field_selector = field_selector,
                               .label_selector = label_selector,
                               .timeout_ms = EXPLAIN_TIMEOUT_MS,
                               .retry_ms = -1,
                               .webhook_ms = -1,
                               .user = answer};

    if (resource)
        kube_start(q, &req);
}

static void collect(struct explanation *x, struct kube_queue *q)
{
    struct kube_result r;

    while (kube_pending(q) && !kube_next(q, x->deadline, x->cancel, &r)) {
        json_t **answer = r.user;

        if (!r.code && json_is_object(r.body)) {
            json_decref(*answer);
            *answer = json_incref(r.body);
        }
        kube_result_done(&r);
    }
}

static void ask_for_object(struct explanation *x)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = kube_queue_new(x->client);
    const struct kube_resource *resource = NULL;
    const char *namespace = x->namespace;

    if (kube_resource_for(x->client, x->gvk.group, x->gvk.version, x->gvk.kind, x->cancel,
                          &resource, NULL))
        resource = NULL;
    ask(x, q, KUBE_GET, resource, NULL, NULL, &x->object);
    /* Events of what has no namespace are in this one. */
    x->namespace = namespace[0] ? namespace : "default";
    ask(x, q, KUBE_LIST, kube_builtin_resource("", "v1", "Event"), "type=Warning", NULL,
        &x->events);
    x->namespace = namespace;
    collect(x, q);
}

/* A list's items don't carry their kind, by which readiness is told. */
static void name_kind(json_t *pods)
{
    json_t *pod;
    size_t i;

    json_array_foreach (json_object_get(pods, "items"), i, pod) {
        json_object_set_new(pod, "apiVersion", json_string("v1"));
        json_object_set_new(pod, "kind", json_string("Pod"));
    }
}

static void ask_for_pods(struct explanation *x)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = kube_queue_new(x->client);
    char *labels CLEANUP(mem_cleanup) = kube_pods_selector(x->object);

    if (!kube_pods_ask(q, x->object, EXPLAIN_TIMEOUT_MS, &x->pods))
        return;
    if (kube_has_replica_sets(x->gvk.group, x->gvk.kind))
        ask(x, q, KUBE_LIST, kube_builtin_resource("apps", "v1", "ReplicaSet"), NULL, labels,
            &x->replica_sets);
    collect(x, q);
    name_kind(x->pods);
}

/* A pod whose claim isn't bound says no more than that. */
static void ask_for_claims(struct explanation *x)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = kube_queue_new(x->client);
    json_auto_t *names = json_object();
    const char *name = x->name;
    const json_t *volume;
    size_t i;

    for (size_t pod = 0; pod < x->n_shown; pod++) {
        json_array_foreach (krm_get(x->shown[pod], "spec", "volumes", NULL), i, volume) {
            const char *claim = krm_str(volume, "persistentVolumeClaim", "claimName", NULL);

            if (!claim[0] || json_object_get(names, claim) || json_object_size(names) == MAX_CLAIMS)
                continue;
            x->name = claim;
            ask(x, q, KUBE_GET, kube_builtin_resource("", "v1", "PersistentVolumeClaim"), NULL,
                NULL, &x->claims[json_object_size(names)]);
            json_object_set_new(names, claim, json_true());
        }
    }
    x->name = name;
    collect(x, q);
}

/* --- saying ----------------------------------------------------------------------------------- */

static void put_text(struct explanation *x, const char *before, const char *text)
{
    if (!text[0])
        return;
    buf_puts(x->out, before);
    utf8_put_line(x->out, text, READINESS_MAX_MESSAGE);
}

/* Whether the caller's own words, such as those of kube_readiness_of, hold it already. */
static bool was_known(const struct explanation *x, const char *message)
{
    struct buf line CLEANUP(buf_done) = BUF_INIT;
    const char *found;

    utf8_put_line(&line, message, READINESS_MAX_MESSAGE);
    found = line.len ? strstr(buf_str(x->out), buf_str(&line)) : NULL;
    return found && found < buf_str(x->out) + x->start;
}

static bool said(const struct explanation *x, const char *text)
{
    return strstr(buf_str(x->out), text) != NULL;
}

/* Conditions that are bad news when they are true; the others are when they aren't. */
static const char *const troubles[] = {
    "ReplicaFailure",
    "Failed",
    "FailureTarget",
    "Suspended",
    "Stalled",
    "Issuing",
    "NonStructuralSchema",
    "Terminating",
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
};

static bool is_trouble(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        if (!strcmp(troubles[i], type))
            return true;
    }
    return false;
}

static bool worth_telling(const struct explanation *x, const json_t *condition)
{
    const char *type = krm_str(condition, "type", NULL);
    const char *status = krm_str(condition, "status", NULL);

    if (is_trouble(type))
        return !strcmp(status, "True");
    /* The pods say more than "doesn't have minimum availability". */
    if (kube_has_pods(x->gvk.group, x->gvk.kind) && strcmp(type, "Progressing") != 0)
        return false;
    return strcmp(status, "True") != 0 && strcmp(krm_str(condition, "severity", NULL), "Info") != 0;
}

static void tell_conditions(struct explanation *x)
{
    const json_t *condition;
    size_t i, n = 0;

    json_array_foreach (krm_get(x->object, "status", "conditions", NULL), i, condition) {
        if (n == MAX_CONDITIONS || !worth_telling(x, condition) ||
            was_known(x, krm_str(condition, "message", NULL)))
            continue;
        n++;
        put_text(x, "  condition ", krm_str(condition, "type", NULL));
        if (!is_trouble(krm_str(condition, "type", NULL)))
            put_text(x, " is ", krm_str(condition, "status", NULL));
        put_text(x, ": ", krm_str(condition, "reason", NULL));
        put_text(x, ": ", krm_str(condition, "message", NULL));
        buf_putc(x->out, '\n');
    }
}

static void tell_deletion(struct explanation *x)
{
    const char *since = krm_str(x->object, "metadata", "deletionTimestamp", NULL);
    const json_t *finalizer;
    size_t i;

    if (!since[0])
        return;
    put_text(x, "  being deleted since ", since);
    json_array_foreach (krm_get(x->object, "metadata", "finalizers", NULL), i, finalizer)
        put_text(x, i ? ", " : "; waits for the finalizers ",
                 json_is_string(finalizer) ? json_string_value(finalizer) : "");
    buf_putc(x->out, '\n');
}

/* --- pods ------------------------------------------------------------------------------------- */

static void tell_pods(struct explanation *x)
{
    for (size_t i = 0; i < x->n_shown; i++) {
        struct buf why CLEANUP(buf_done) = BUF_INIT;

        kube_readiness_of(x->shown[i], &why);
        put_text(x, "  pod ", krm_str(x->shown[i], "metadata", "name", NULL));
        buf_printf(x->out, ": %s\n", buf_str(&why));
    }
    if (x->n_unready > x->n_shown)
        buf_printf(x->out, "  not ready either: %zu more of its pods\n", x->n_unready - x->n_shown);
}

static void tell_claims(struct explanation *x)
{
    for (size_t i = 0; i < MAX_CLAIMS; i++) {
        const json_t *class = krm_get(x->claims[i], "spec", "storageClassName", NULL);
        const char *phase = krm_str(x->claims[i], "status", "phase", NULL);

        if (!phase[0] || !strcmp(phase, "Bound"))
            continue;
        put_text(x, "  claim ", krm_str(x->claims[i], "metadata", "name", NULL));
        put_text(x, ": ", phase);
        if (class)
            put_text(x, ", of StorageClass ", json_string_value(class));
        else
            buf_puts(x->out, ", names no StorageClass, and the cluster has no default one");
        buf_putc(x->out, '\n');
    }
}

/* --- events ----------------------------------------------------------------------------------- */

/* Warnings that say the same: of a pod with the same words, of anything else with the same reason
 * (a ReplicaSet's name a pod that it can't create, another one each time). */
struct warning {
    const json_t *newest;
    const char *reason, *message, *time;
    json_int_t count;
};

static const char *time_of(const json_t *event)
{
    const char *const times[] = {
        krm_str(event, "series", "lastObservedTime", NULL),
        krm_str(event, "lastTimestamp", NULL),
        krm_str(event, "eventTime", NULL),
        krm_str(event, "metadata", "creationTimestamp", NULL),
    };

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        if (times[i][0])
            return times[i];
    }
    return "";
}

static json_int_t count_of(const json_t *event)
{
    json_int_t n = json_integer_value(krm_get(event, "series", "count", NULL));

    if (n <= 0)
        n = json_integer_value(json_object_get(event, "count"));
    return n > 0 ? n : 1;
}

static bool is_of(const json_t *event, const json_t *object)
{
    const char *uid = krm_str(event, "involvedObject", "uid", NULL);

    return uid[0] && !strcmp(uid, krm_str(object, "metadata", "uid", NULL));
}

static bool concerns(const struct explanation *x, const json_t *event)
{
    const json_t *set;
    size_t i;

    if (is_of(event, x->object))
        return true;
    for (i = 0; i < x->n_shown; i++) {
        if (is_of(event, x->shown[i]))
            return true;
    }
    json_array_foreach (json_object_get(x->replica_sets, "items"), i, set) {
        if (is_of(event, set))
            return true;
    }
    for (i = 0; i < MAX_CLAIMS; i++) {
        if (is_of(event, x->claims[i]))
            return true;
    }
    return false;
}

static bool is_pods(const json_t *event)
{
    return !strcmp(krm_str(event, "involvedObject", "kind", NULL), "Pod");
}

static struct warning *same_warning(struct warning *w, size_t n, const json_t *event)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(w[i].reason, krm_str(event, "reason", NULL)) &&
            is_pods(w[i].newest) == is_pods(event) &&
            (!is_pods(event) || !strcmp(w[i].message, krm_str(event, "message", NULL))))
            return &w[i];
    }
    return NULL;
}

/* What the lines above have said already. */
static bool is_news(const struct explanation *x, const json_t *event)
{
    char *condition CLEANUP(mem_cleanup) = NULL;
    struct buf line CLEANUP(buf_done) = BUF_INIT;

    if (is_pods(event)) {
        /* a pod's state says which container is waited with */
        if (!strcmp(krm_str(event, "reason", NULL), "BackOff"))
            return false;
        utf8_put_line(&line, krm_str(event, "message", NULL), READINESS_MAX_MESSAGE);
        return !line.len || !said(x, buf_str(&line));
    }
    condition = mem_printf(": %s: ", krm_str(event, "reason", NULL));
    return !said(x, condition);
}

static size_t gather(const struct explanation *x, struct warning *w)
{
    const json_t *event;
    size_t i, n = 0;

    json_array_foreach (json_object_get(x->events, "items"), i, event) {
        struct warning *same;

        if (strcmp(krm_str(event, "type", NULL), "Warning") != 0 || !concerns(x, event) ||
            !is_news(x, event))
            continue;
        same = same_warning(w, n, event);
        if (!same) {
            if (n == MAX_EVENT_REASONS)
                continue;
            same = &w[n++];
            *same = (struct warning){.count = 0};
        }
        same->count += count_of(event);
        if (same->newest && strcmp(time_of(event), same->time) < 0)
            continue;
        same->newest = event;
        same->reason = krm_str(event, "reason", NULL);
        same->message = krm_str(event, "message", NULL);
        same->time = time_of(event);
    }
    return n;
}

static void tell_events(struct explanation *x)
{
    struct warning w[MAX_EVENT_REASONS];
    size_t n = gather(x, w);

    for (int told = 0; told < EXPLAIN_MAX_EVENTS && n; told++) {
        size_t newest = 0;

        for (size_t i = 1; i < n; i++) {
            if (strcmp(w[i].time, w[newest].time) > 0)
                newest = i;
        }
        put_text(x, "  event ", w[newest].reason);
        if (w[newest].count > 1)
            buf_printf(x->out, " (x%" JSON_INTEGER_FORMAT ")", w[newest].count);
        put_text(x, ": ", w[newest].message);
        buf_putc(x->out, '\n');
        w[newest] = w[--n];
    }
}

/* --- where to look further -------------------------------------------------------------------- */

/* The container whose former run's log tells most: the first one that was started again. */
static const char *restarted(const json_t *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    const json_t *container;
    size_t i;

    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        json_array_foreach (krm_get(pod, "status", lists[l], NULL), i, container) {
            if (json_integer_value(json_object_get(container, "restartCount")) > 0)
                return krm_str(container, "name", NULL);
        }
    }
    return "";
}

static void tell_kubectl(struct explanation *x)
{
    bool built_in = kube_builtin_resource(x->gvk.group, x->gvk.version, x->gvk.kind) != NULL;

    for (size_t i = 0; i < x->n_shown; i++) {
        const char *container = restarted(x->shown[i]);

        if (!container[0])
            continue;
        put_text(x, "  look further: kubectl -n ", x->namespace);
        put_text(x, " logs ", krm_str(x->shown[i], "metadata", "name", NULL));
        put_text(x, " --previous -c ", container);
        buf_putc(x->out, '\n');
        break;
    }
    buf_puts(x->out, "  look further: kubectl ");
    put_text(x, "-n ", x->namespace);
    buf_puts(x->out, x->namespace[0] ? " describe " : "describe ");
    for (const char *p = x->gvk.kind; *p; p++)
        buf_putc(x->out, (char)tolower((unsigned char)*p));
    if (!built_in)
        put_text(x, ".", x->gvk.group);
    put_text(x, " ", x->name);
    buf_putc(x->out, '\n');
}

/* Pods that aren't ready; for a Pod, itself. */
static void find_pods(struct explanation *x, bool is_pod)
{
    if (is_pod && kube_readiness_of(x->object, NULL) != KUBE_READY)
        x->shown[x->n_unready++] = x->object;
    if (kube_has_pods(x->gvk.group, x->gvk.kind)) {
        ask_for_pods(x);
        x->n_unready = kube_unready_pods(x->object, json_object_get(x->pods, "items"), x->shown,
                                         EXPLAIN_MAX_PODS);
    }
    x->n_shown = x->n_unready < EXPLAIN_MAX_PODS ? x->n_unready : EXPLAIN_MAX_PODS;
    ask_for_claims(x);
}

void kube_explain(struct kube_client *c, const json_t *object, struct cancel *cancel,
                  struct buf *out)
{
    struct explanation x = {.client = c,
                            .cancel = cancel,
                            .deadline = clock_deadline(EXPLAIN_TIMEOUT_MS),
                            .out = out,
                            .start = out->len,
                            .gvk = gvk_of(object),
                            .namespace = krm_str(object, "metadata", "namespace", NULL),
                            .name = krm_str(object, "metadata", "name", NULL),
                            .object = json_incref((json_t *)object)};
    bool is_pod = !x.gvk.group[0] && !strcmp(x.gvk.kind, "Pod");

    ask_for_object(&x);
    find_pods(&x, is_pod);
    tell_deletion(&x);
    if (!is_pod)
        tell_conditions(&x);
    tell_pods(&x);
    tell_claims(&x);
    kube_explain_webhooks(c, x.object, x.deadline, cancel, out);
    tell_events(&x);
    tell_kubectl(&x);
    json_decref(x.object);
    json_decref(x.events);
    json_decref(x.pods);
    json_decref(x.replica_sets);
    for (size_t i = 0; i < MAX_CLAIMS; i++)
        json_decref(x.claims[i]);
}
