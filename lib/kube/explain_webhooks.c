#include "lib/kube/explain_webhooks.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/readiness.h"

#include "lib/base/banned.h"

#define MAX_SERVICES 3
#define SERVICE_NAME "kubernetes.io/service-name" /* label of an EndpointSlice */

struct server {
    const char *namespace, *name, *hook; /* borrowed; hook: the first that it answers */
    json_t *slices;                      /* NULL = no answer */
};

/* The Services that are called, each once. */
static size_t collect(const json_t *object, struct server at[MAX_SERVICES])
{
    const json_t *hook;
    size_t i, n = 0;

    json_array_foreach (json_object_get(object, "webhooks"), i, hook) {
        const json_t *service = krm_get(hook, "clientConfig", "service", NULL);
        struct server s = {.namespace = krm_str(service, "namespace", NULL),
                           .name = krm_str(service, "name", NULL),
                           .hook = krm_str(hook, "name", NULL)};
        size_t k = 0;

        while (k < n && (strcmp(at[k].namespace, s.namespace) || strcmp(at[k].name, s.name)))
            k++;
        if (k == n && n < MAX_SERVICES && s.namespace[0] && s.name[0])
            at[n++] = s;
    }
    return n;
}

static void ask(struct kube_queue *q, struct server *s, int64_t timeout_ms)
{
    char *selector CLEANUP(mem_cleanup) = mem_printf("%s=%s", SERVICE_NAME, s->name);
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource =
                                   kube_builtin_resource("discovery.k8s.io", "v1", "EndpointSlice"),
                               .namespace = s->namespace,
                               .label_selector = selector,
                               .timeout_ms = timeout_ms,
                               .retry_ms = -1,
                               .webhook_ms = -1,
                               .user = s};

    kube_start(q, &req);
}

/* A condition that isn't there counts as true, as the API has it. */
static bool is_served(const json_t *slices)
{
    const json_t *slice, *endpoint;
    size_t i, k;

    json_array_foreach (slices, i, slice)
        json_array_foreach (json_object_get(slice, "endpoints"), k, endpoint)
            if (!json_is_false(krm_get(endpoint, "conditions", "ready", NULL)))
                return true;
    return false;
}

static void tell(const struct server *s, struct buf *out)
{
    if (!s->slices || is_served(s->slices))
        return;
    buf_puts(out, "  webhook ");
    utf8_put_line(out, s->hook, READINESS_MAX_MESSAGE);
    buf_puts(out, " is answered by Service ");
    utf8_put_line(out, s->namespace, READINESS_MAX_MESSAGE);
    buf_putc(out, '/');
    utf8_put_line(out, s->name, READINESS_MAX_MESSAGE);
    buf_puts(out, ", which has no ready endpoint\n");
}

void kube_explain_webhooks(struct kube_client *c, const json_t *object, int64_t deadline,
                           struct cancel *cancel, struct buf *out)
{
    struct server servers[MAX_SERVICES] = {{0}};
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = NULL;
    struct kube_result res;
    size_t n;

    if (strcmp(gvk_of(object).group, "admissionregistration.k8s.io") != 0)
        return;
    n = collect(object, servers);
    q = kube_queue_new(c);
    for (size_t i = 0; i < n; i++)
        ask(q, &servers[i], clock_left_ms(deadline) + 1);
    while (kube_pending(q) && !kube_next(q, deadline, cancel, &res)) {
        struct server *s = res.user;

        if (!res.code)
            s->slices = json_incref(json_object_get(res.body, "items"));
        kube_result_done(&res);
    }
    for (size_t i = 0; i < n; i++) {
        tell(&servers[i], out);
        json_decref(servers[i].slices);
    }
}
