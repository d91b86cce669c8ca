#include "lib/kube/readiness.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

/* What kube_readiness_of answers with, and where it writes why. */
struct verdict {
    const json_t *object;
    const json_t *conditions; /* status.conditions, or NULL */
    struct buf *why;          /* never NULL */
};

typedef enum kube_readiness rule_fn(const struct verdict *v);

/* --- reading objects ----------------------------------------------------------------------------
 */

static int64_t count(const json_t *parent, const char *key, int64_t missing)
{
    const json_t *n = json_object_get(parent, key);

    return json_is_integer(n) ? json_integer_value(n) : missing;
}

static int64_t status_count(const struct verdict *v, const char *key)
{
    return count(json_object_get(v->object, "status"), key, 0);
}

static int64_t spec_replicas(const struct verdict *v)
{
    return count(json_object_get(v->object, "spec"), "replicas", 1);
}

static const json_t *condition(const json_t *conditions, const char *type)
{
    const json_t *c;
    size_t i;

    json_array_foreach (conditions, i, c) {
        if (!strcmp(krm_str(c, "type", NULL), type))
            return c;
    }
    return NULL;
}

static bool condition_is(const json_t *c, const char *status)
{
    return c && !strcmp(krm_str(c, "status", NULL), status);
}

/* --- words --------------------------------------------------------------------------------------
 */

/* A cluster's own text on one line, cut at a character's border, without its final full stop. */
static void put_message(struct buf *out, const char *text)
{
    size_t len = strlen(text), i;
    char *clean CLEANUP(mem_cleanup) = NULL;

    if (len > READINESS_MAX_MESSAGE) {
        len = READINESS_MAX_MESSAGE;
        while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    clean = utf8_sanitize(text, len);
    for (i = 0; clean[i]; i++) {
        if ((unsigned char)clean[i] < ' ')
            clean[i] = ' ';
    }
    while (i && (clean[i - 1] == ' ' || clean[i - 1] == '.'))
        i--;
    buf_putn(out, clean, i);
    if (text[len])
        buf_puts(out, "...");
}

/* ": reason: message" of a condition or a container state; what is missing is left out. */
static void put_reason(struct buf *out, const json_t *from, const char *before)
{
    const char *reason = krm_str(from, "reason", NULL), *message = krm_str(from, "message", NULL);

    if (*reason) {
        buf_puts(out, before);
        put_message(out, reason);
        before = ": ";
    }
    if (*message) {
        buf_puts(out, before);
        put_message(out, message);
    }
}

static enum kube_readiness counted(const struct verdict *v, int64_t have, int64_t want,
                                   const char *what)
{
    buf_printf(v->why, "%" PRId64 " of %" PRId64 " %s", have, want, what);
    return KUBE_IN_PROGRESS;
}

static enum kube_readiness terminating_pods(const struct verdict *v, int64_t surplus)
{
    buf_printf(v->why, "waiting for %" PRId64 " former %s to end", surplus,
               surplus == 1 ? "replica" : "replicas");
    return KUBE_IN_PROGRESS;
}

static enum kube_readiness saying(const struct verdict *v, enum kube_readiness r, const char *text)
{
    buf_puts(v->why, text);
    return r;
}

static enum kube_readiness saying_of(const struct verdict *v, enum kube_readiness r,
                                     const char *text, const json_t *cond)
{
    buf_puts(v->why, text);
    put_reason(v->why, cond, ": ");
    return r;
}

/* --- rules of the kinds -------------------------------------------------------------------------
 */

static bool observed(const struct verdict *v)
{
    return json_is_integer(krm_get(v->object, "status", "observedGeneration", NULL));
}

static enum kube_readiness unobserved(const struct verdict *v)
{
    return saying(v, KUBE_IN_PROGRESS, "its controller hasn't looked at it yet");
}

/* Quota and Pod Security refuse pods before they exist; only this condition tells. */
static void put_replica_failure(const struct verdict *v)
{
    const json_t *failure = condition(v->conditions, "ReplicaFailure");

    if (condition_is(failure, "True"))
        put_reason(v->why, failure, ": ");
}

static enum kube_readiness deployment(const struct verdict *v)
{
    const json_t *progressing = condition(v->conditions, "Progressing");
    const json_t *deadline = krm_get(v->object, "spec", "progressDeadlineSeconds", NULL);
    int64_t want = spec_replicas(v), replicas = status_count(v, "replicas"),
            updated = status_count(v, "updatedReplicas"),
            available = status_count(v, "availableReplicas"),
            ready = status_count(v, "readyReplicas");
    enum kube_readiness r = KUBE_READY;

    if (!observed(v))
        return unobserved(v);
    if (!strcmp(krm_str(progressing, "reason", NULL), "ProgressDeadlineExceeded")) {
        buf_printf(v->why,
                   "%" PRId64 " of %" PRId64 " replicas are available and its progress deadline has"
                   " passed",
                   available, want);
        put_replica_failure(v);
        return KUBE_FAILED;
    }
    if (replicas < want)
        r = counted(v, replicas, want, "replicas exist");
    else if (updated < want)
        r = counted(v, updated, want, "replicas are updated");
    else if (replicas > want)
        r = terminating_pods(v, replicas - want);
    else if (available < updated)
        r = counted(v, available, updated, "replicas are available");
    else if (ready < want)
        r = counted(v, ready, want, "replicas are ready");
    else if (json_is_integer(deadline) && json_integer_value(deadline) < INT32_MAX &&
             !(condition_is(progressing, "True") &&
               !strcmp(krm_str(progressing, "reason", NULL), "NewReplicaSetAvailable")))
        r = saying(v, KUBE_IN_PROGRESS, "its rollout isn't complete");
    else if (!condition_is(condition(v->conditions, "Available"), "True"))
        r = saying(v, KUBE_IN_PROGRESS, "it isn't available");
    if (r != KUBE_READY && json_is_true(krm_get(v->object, "spec", "paused", NULL)))
        buf_puts(v->why, " (its rollout is paused)");
    if (r != KUBE_READY)
        put_replica_failure(v);
    return r;
}

static enum kube_readiness replica_set(const struct verdict *v)
{
    int64_t want = spec_replicas(v), replicas = status_count(v, "replicas"),
            labelled = status_count(v, "fullyLabeledReplicas"),
            available = status_count(v, "availableReplicas"),
            ready = status_count(v, "readyReplicas");
    enum kube_readiness r = KUBE_READY;

    if (!observed(v))
        return unobserved(v);
    if (labelled < want)
        r = counted(v, labelled, want, "replicas exist");
    else if (available < want)
        r = counted(v, available, want, "replicas are available");
    else if (ready < want)
        r = counted(v, ready, want, "replicas are ready");
    else if (replicas > want)
        r = terminating_pods(v, replicas - want);
    else if (condition_is(condition(v->conditions, "ReplicaFailure"), "True"))
        r = saying(v, KUBE_IN_PROGRESS, "its pods can't be made or removed");
    if (r != KUBE_READY)
        put_replica_failure(v);
    return r;
}

static enum kube_readiness stateful_set(const struct verdict *v)
{
    const json_t *strategy = krm_get(v->object, "spec", "updateStrategy", NULL);
    int64_t want = spec_replicas(v), replicas = status_count(v, "replicas"),
            ready = status_count(v, "readyReplicas"), updated = status_count(v, "updatedReplicas"),
            current = status_count(v, "currentReplicas"),
            partition = count(json_object_get(strategy, "rollingUpdate"), "partition", 0);

    if (!observed(v))
        return unobserved(v);
    if (replicas < want)
        return counted(v, replicas, want, "replicas exist");
    if (ready < want)
        return counted(v, ready, want, "replicas are ready");
    if (replicas > want)
        return terminating_pods(v, replicas - want);
    if (!strcmp(krm_str(strategy, "type", NULL), "OnDelete"))
        return KUBE_READY;
    if (partition > 0)
        return updated < want - partition
                   ? counted(v, updated, want - partition, "replicas are updated")
                   : KUBE_READY;
    if (strcmp(krm_str(v->object, "status", "currentRevision", NULL),
               krm_str(v->object, "status", "updateRevision", NULL)) != 0)
        return counted(v, updated, want, "replicas are updated");
    return current < want ? counted(v, current, want, "replicas are of the current revision")
                          : KUBE_READY;
}

static enum kube_readiness daemon_set(const struct verdict *v)
{
    int64_t want = status_count(v, "desiredNumberScheduled"),
            current = status_count(v, "currentNumberScheduled"),
            updated = status_count(v, "updatedNumberScheduled"),
            available = status_count(v, "numberAvailable"), ready = status_count(v, "numberReady");
    bool on_delete =
        !strcmp(krm_str(v->object, "spec", "updateStrategy", "type", NULL), "OnDelete");

    if (!observed(v) || !krm_get(v->object, "status", "desiredNumberScheduled", NULL))
        return unobserved(v);
    if (current < want)
        return counted(v, current, want, "nodes have its pod");
    if (updated < want && !on_delete)
        return counted(v, updated, want, "nodes have its updated pod");
    if (available < want)
        return counted(v, available, want, "pods are available");
    return ready < want ? counted(v, ready, want, "pods are ready") : KUBE_READY;
}

static enum kube_readiness job(const struct verdict *v)
{
    const json_t *spec = json_object_get(v->object, "spec"),
                 *failed = condition(v->conditions, "Failed");
    int64_t want = count(spec, "completions", count(spec, "parallelism", 1));

    if (condition_is(condition(v->conditions, "Complete"), "True"))
        return KUBE_READY;
    if (condition_is(failed, "True"))
        return saying_of(v, KUBE_FAILED, "the job has failed", failed);
    if (json_is_true(json_object_get(spec, "suspend")))
        return KUBE_READY;
    if (!krm_get(v->object, "status", "startTime", NULL))
        return saying(v, KUBE_IN_PROGRESS, "the job hasn't started");
    counted(v, status_count(v, "succeeded"), want, "completions");
    if (status_count(v, "failed"))
        buf_printf(v->why, " (%" PRId64 " failed tries)", status_count(v, "failed"));
    return KUBE_IN_PROGRESS;
}

static enum kube_readiness pod(const struct verdict *v)
{
    const char *phase = krm_str(v->object, "status", "phase", NULL);
    bool failed = !strcmp(phase, "Failed");
    size_t before = v->why->len;

    if (!strcmp(phase, "Succeeded") || condition_is(condition(v->conditions, "Ready"), "True"))
        return KUBE_READY;
    kube_pod_trouble(v->object, v->why);
    if (v->why->len == before)
        buf_puts(v->why, failed                      ? "the pod has failed"
                         : !strcmp(phase, "Running") ? "the pod runs but isn't ready"
                                                     : "the pod hasn't started");
    return failed ? KUBE_FAILED : KUBE_IN_PROGRESS;
}

static enum kube_readiness service(const struct verdict *v)
{
    if (!strcmp(krm_str(v->object, "spec", "type", NULL), "LoadBalancer") &&
        !json_array_size(krm_get(v->object, "status", "loadBalancer", "ingress", NULL)))
        return saying(v, KUBE_IN_PROGRESS, "waiting for a load balancer address");
    return KUBE_READY;
}

static enum kube_readiness claim(const struct verdict *v)
{
    if (!strcmp(krm_str(v->object, "status", "phase", NULL), "Lost"))
        return saying(v, KUBE_FAILED, "the claim has lost its volume");
    return KUBE_READY;
}

static enum kube_readiness namespace(const struct verdict *v) {
    if (!strcmp(krm_str(v->object, "status", "phase", NULL), "Active")) return KUBE_READY;
    return saying(v, KUBE_IN_PROGRESS, "the namespace isn't active yet");
}

static enum kube_readiness crd(const struct verdict *v)
{
    const json_t *names = condition(v->conditions, "NamesAccepted"),
                 *established = condition(v->conditions, "Established");

    if (condition_is(names, "False"))
        return saying_of(v, KUBE_FAILED, "its names aren't accepted", names);
    if (condition_is(established, "True"))
        return KUBE_READY;
    if (condition_is(established, "False") &&
        strcmp(krm_str(established, "reason", NULL), "Installing") != 0)
        return saying_of(v, KUBE_FAILED, "it can't be established", established);
    return saying(v, KUBE_IN_PROGRESS, "it isn't established yet");
}

static enum kube_readiness api_service(const struct verdict *v)
{
    const json_t *available = condition(v->conditions, "Available");

    if (condition_is(available, "True"))
        return KUBE_READY;
    return saying_of(v, KUBE_IN_PROGRESS, "the API isn't available", available);
}

static bool holds_certificate(const char *bundle)
{
    uint8_t *pem CLEANUP(mem_cleanup) = NULL;
    size_t len;

    return !hash_base64_decode(bundle, strlen(bundle), &pem, &len) &&
           strstr((const char *)pem, "-----BEGIN CERTIFICATE-----");
}

/* A Service's name is signed by no public authority, so a webhook behind one needs a bundle. One
 * behind a URL may do without, unless its manifest leaves a placeholder for one. */
static enum kube_readiness webhooks(const struct verdict *v)
{
    const json_t *hooks = json_object_get(v->object, "webhooks"), *hook;
    size_t waiting = 0, i;
    const char *first = "";

    json_array_foreach (hooks, i, hook) {
        const json_t *client = json_object_get(hook, "clientConfig");
        const char *bundle = krm_str(client, "caBundle", NULL);
        bool wanted = json_object_get(client, "service") || *bundle;

        if (wanted && !holds_certificate(bundle) && !waiting++)
            first = krm_str(hook, "name", NULL);
    }
    if (!waiting)
        return KUBE_READY;
    buf_puts(v->why, "waiting for the CA certificate of webhook ");
    put_message(v->why, first);
    if (waiting > 1)
        buf_printf(v->why, " and %zu more", waiting - 1);
    return KUBE_IN_PROGRESS;
}

static enum kube_readiness ready_condition(const struct verdict *v)
{
    const json_t *ready = condition(v->conditions, "Ready");

    if (!ready || condition_is(ready, "True"))
        return KUBE_READY;
    return saying_of(v, KUBE_IN_PROGRESS, "isn't ready", ready);
}

/* Kinds whose controllers always write a Ready condition: none yet means not yet. */
static enum kube_readiness must_be_ready(const struct verdict *v)
{
    if (!condition(v->conditions, "Ready"))
        return unobserved(v);
    return ready_condition(v);
}

/* --- tables -------------------------------------------------------------------------------------
 */

static const struct rule {
    const char *group, *kind;
    rule_fn *fn;
} rules[] = {
    {"", "Namespace", namespace},
    {"", "PersistentVolumeClaim", claim},
    {"", "Pod", pod},
    {"", "Service", service},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", webhooks},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", webhooks},
    {"apiextensions.k8s.io", "CustomResourceDefinition", crd},
    {"apiregistration.k8s.io", "APIService", api_service},
    {"apps", "DaemonSet", daemon_set},
    {"apps", "Deployment", deployment},
    {"apps", "ReplicaSet", replica_set},
    {"apps", "StatefulSet", stateful_set},
    {"batch", "Job", job},
    {"cert-manager.io", "Certificate", must_be_ready},
    {"cert-manager.io", "ClusterIssuer", must_be_ready},
    {"cert-manager.io", "Issuer", must_be_ready},
    /* Generation alone decides; not worth a wait of its own (see silent_groups). */
    {"policy", "PodDisruptionBudget", ready_condition},
};

/* Groups whose kinds, apart from those with a rule, have nothing to wait for. Built-in groups, and
 * Istio's: its resources are configuration that proxies read, and their status is off by default.
 */
static const char *const silent_groups[] = {
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions.istio.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.istio.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "security.istio.io",
    "storage.k8s.io",
    "telemetry.istio.io",
};

static const struct rule *find_rule(const char *group, const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (!strcmp(rules[i].kind, kind) && !strcmp(rules[i].group, group))
            return &rules[i];
    }
    return NULL;
}

bool kube_readiness_matters(const char *group, const char *kind)
{
    const struct rule *rule = find_rule(group, kind);

    if (rule)
        return rule->fn != ready_condition;
    for (size_t i = 0; i < ARRAY_LEN(silent_groups); i++) {
        if (!strcmp(silent_groups[i], group))
            return false;
    }
    return true;
}

/* --- the order of checks ------------------------------------------------------------------------
 */

static void put_finalizers(const struct verdict *v)
{
    const json_t *finalizers = krm_get(v->object, "metadata", "finalizers", NULL), *f;
    size_t i;

    json_array_foreach (finalizers, i, f) {
        buf_puts(v->why, i ? ", " : ", held by finalizer ");
        put_message(v->why, json_is_string(f) ? json_string_value(f) : "?");
    }
}

static enum kube_readiness judge(const struct verdict *v)
{
    const json_t *generation = krm_get(v->object, "metadata", "generation", NULL);
    const json_t *seen = krm_get(v->object, "status", "observedGeneration", NULL);
    const json_t *reconciling = condition(v->conditions, "Reconciling");
    const json_t *stalled = condition(v->conditions, "Stalled");
    struct gvk gvk = gvk_of(v->object);
    const struct rule *rule = find_rule(gvk.group, gvk.kind);

    if (*krm_str(v->object, "metadata", "deletionTimestamp", NULL)) {
        saying(v, KUBE_TERMINATING, "is being deleted");
        put_finalizers(v);
        return KUBE_TERMINATING;
    }
    if (json_is_integer(generation) && json_is_integer(seen) &&
        json_integer_value(generation) != json_integer_value(seen))
        return saying(v, KUBE_IN_PROGRESS, "its controller hasn't looked at the change yet");
    if (condition_is(stalled, "True"))
        return saying_of(v, KUBE_FAILED, "has stalled", stalled);
    if (condition_is(reconciling, "True"))
        return saying_of(v, KUBE_IN_PROGRESS, "is being reconciled", reconciling);
    return rule ? rule->fn(v) : ready_condition(v);
}

enum kube_readiness kube_readiness_of(const json_t *object, struct buf *why)
{
    struct buf unwanted CLEANUP(buf_done) = BUF_INIT;
    struct verdict v = {object, krm_get(object, "status", "conditions", NULL),
                        why ? why : &unwanted};

    return judge(&v);
}

/* --- pods ---------------------------------------------------------------------------------------
 */

/* Reasons that mean "on its way": no trouble by themselves. */
static bool is_start(const char *reason)
{
    return !*reason || !strcmp(reason, "ContainerCreating") || !strcmp(reason, "PodInitializing");
}

static void begin_trouble(struct buf *out, size_t start)
{
    if (out->len > start)
        buf_puts(out, "; ");
}

static void put_exit(struct buf *out, const json_t *terminated)
{
    const char *reason = krm_str(terminated, "reason", NULL);
    const char *message = krm_str(terminated, "message", NULL);

    if (!terminated)
        return;
    buf_puts(out, " (last exit: ");
    if (*reason && strcmp(reason, "Error") != 0) {
        put_message(out, reason);
        buf_puts(out, ", ");
    }
    buf_printf(out, "code %" PRId64, count(terminated, "exitCode", 0));
    if (*message) {
        buf_puts(out, ": ");
        put_message(out, message);
    }
    buf_putc(out, ')');
}

static void container_trouble(const json_t *status, const char *what, struct buf *out, size_t start)
{
    const json_t *state = json_object_get(status, "state"),
                 *waiting = json_object_get(state, "waiting"),
                 *ended = json_object_get(state, "terminated");
    const char *name = krm_str(status, "name", NULL);

    if (waiting && !is_start(krm_str(waiting, "reason", NULL))) {
        begin_trouble(out, start);
        buf_printf(out, "%s %s", what, name);
        put_reason(out, waiting, ": ");
        put_exit(out, krm_get(status, "lastState", "terminated", NULL));
    } else if (ended && count(ended, "exitCode", 0) != 0) {
        begin_trouble(out, start);
        buf_printf(out, "%s %s ended with exit code %" PRId64, what, name,
                   count(ended, "exitCode", 0));
        put_reason(out, ended, ": ");
    } else if (json_object_get(state, "running") &&
               json_is_false(json_object_get(status, "ready")) && !strcmp(what, "container")) {
        begin_trouble(out, start);
        buf_printf(out, "container %s runs but isn't ready", name);
        put_exit(out, krm_get(status, "lastState", "terminated", NULL));
    }
}

void kube_pod_trouble(const json_t *object, struct buf *why)
{
    static const struct {
        const char *list, *what;
    } lists[] = {
        {"initContainerStatuses", "init container"},
        {"containerStatuses", "container"},
    };
    const json_t *status = json_object_get(object, "status"), *container, *scheduled;
    size_t start = why->len, i;

    /* Evicted, NodeLost, UnexpectedAdmissionError, SysctlForbidden, ... stand on the pod itself. */
    if (*krm_str(status, "reason", NULL))
        put_reason(why, status, "");
    scheduled = condition(json_object_get(status, "conditions"), "PodScheduled");
    if (condition_is(scheduled, "False")) {
        begin_trouble(why, start);
        put_reason(why, scheduled, "");
    }
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        json_array_foreach (json_object_get(status, lists[l].list), i, container)
            container_trouble(container, lists[l].what, why, start);
    }
}
