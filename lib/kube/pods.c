#include "lib/kube/pods.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/readiness.h"
#include "lib/kube/selector.h"

#include "lib/base/banned.h"

static const struct workload {
    const char *group, *kind;
    bool replica_sets;
} workloads[] = {
    {"apps", "Deployment", true},  {"apps", "StatefulSet", false}, {"apps", "DaemonSet", false},
    {"apps", "ReplicaSet", false}, {"batch", "Job", false},
};

static const struct workload *workload_of(const char *group, const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(workloads); i++) {
        if (!strcmp(workloads[i].group, group) && !strcmp(workloads[i].kind, kind))
            return &workloads[i];
    }
    return NULL;
}

bool kube_has_pods(const char *group, const char *kind)
{
    return workload_of(group, kind) != NULL;
}

bool kube_has_replica_sets(const char *group, const char *kind)
{
    const struct workload *w = workload_of(group, kind);

    return w && w->replica_sets;
}

char *kube_pods_selector(const json_t *workload)
{
    struct buf out = BUF_INIT;
    const char *key;
    json_t *value;

    json_object_foreach (krm_get(workload, "spec", "selector", "matchLabels", NULL), key, value)
        buf_printf(&out, "%s%s=%s", out.len ? "," : "", key,
                   json_is_string(value) ? json_string_value(value) : "");
    return buf_take(&out);
}

bool kube_pods_ask(struct kube_queue *q, const json_t *workload, int64_t timeout_ms, void *user)
{
    char *labels CLEANUP(mem_cleanup) = kube_pods_selector(workload);
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = kube_builtin_resource("", "v1", "Pod"),
                               .namespace = krm_str(workload, "metadata", "namespace", NULL),
                               .label_selector = labels,
                               .timeout_ms = timeout_ms,
                               .retry_ms = -1,
                               .webhook_ms = -1,
                               .user = user};

    if (!json_object_size(krm_get(workload, "spec", "selector", NULL)))
        return false;
    kube_start(q, &req);
    return true;
}

static bool is_newer(const json_t *a, const json_t *b)
{
    return strcmp(krm_str(a, "metadata", "creationTimestamp", NULL),
                  krm_str(b, "metadata", "creationTimestamp", NULL)) > 0;
}

/* A list's items don't carry their kind, by which readiness is told. */
static enum kube_readiness readiness_of(const json_t *pod, struct buf *why)
{
    json_auto_t *named = json_copy((json_t *)pod);

    json_object_set_new(named, "apiVersion", json_string("v1"));
    json_object_set_new(named, "kind", json_string("Pod"));
    return kube_readiness_of(named, why);
}

/* Another namespace's pods may carry the same labels. */
static bool is_of(const json_t *pod, const json_t *workload)
{
    return kube_selector_matches(krm_get(workload, "spec", "selector", NULL),
                                 krm_get(pod, "metadata", "labels", NULL)) &&
           !strcmp(krm_str(pod, "metadata", "namespace", NULL),
                   krm_str(workload, "metadata", "namespace", NULL));
}

size_t kube_unready_pods(const json_t *workload, const json_t *pods, const json_t **ret, size_t max)
{
    const json_t *pod;
    size_t i, n = 0, all = 0;

    json_array_foreach (pods, i, pod) {
        size_t at = n;

        if (!is_of(pod, workload) || readiness_of(pod, NULL) == KUBE_READY)
            continue;
        all++;
        while (at && is_newer(pod, ret[at - 1]))
            at--;
        if (at == max)
            continue;
        if (n < max)
            n++;
        memmove(&ret[at + 1], &ret[at], (n - at - 1) * sizeof(*ret));
        ret[at] = pod;
    }
    return all;
}

void kube_put_pod(const json_t *workload, const json_t *pods, const char *before, struct buf *out)
{
    const json_t *newest[1];
    struct buf why CLEANUP(buf_done) = BUF_INIT;

    if (!kube_unready_pods(workload, pods, newest, 1))
        return;
    kube_pod_trouble(newest[0], &why);
    if (!why.len)
        return;
    buf_printf(out, "%spod ", before);
    utf8_put_line(out, krm_str(newest[0], "metadata", "name", NULL), READINESS_MAX_MESSAGE);
    buf_printf(out, ": %s", buf_str(&why));
}
