/* Which ports webhooks listen on: the Service's port, followed to the container's. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/selector.h"
#include "resources/kubeflow/manifests.h"

#include "lib/base/banned.h"

#define DEFAULT_PORT 443

/* A named target port's number in a workload behind the Service; 0 when it isn't found. */
static json_int_t named_port(const json_t *objects, const json_t *service, const char *name)
{
    json_auto_t *selector =
        json_pack("{s:O}", "matchLabels", krm_get(service, "spec", "selector", NULL));
    const json_t *object, *container, *port;
    size_t i, k, n;

    json_array_foreach (objects, i, object) {
        const json_t *pod = krm_get(object, "spec", "template", NULL);

        if (!pod ||
            strcmp(krm_str(object, "metadata", "namespace", NULL),
                   krm_str(service, "metadata", "namespace", NULL)) ||
            !kube_selector_matches(selector, krm_get(pod, "metadata", "labels", NULL)))
            continue;
        json_array_foreach (krm_get(pod, "spec", "containers", NULL), k, container)
            json_array_foreach (krm_get(container, "ports", NULL), n, port)
                if (!strcmp(krm_str(port, "name", NULL), name))
                    return json_integer_value(json_object_get(port, "containerPort"));
    }
    return 0;
}

static json_int_t target_port(const json_t *objects, const json_t *reference)
{
    const json_t *wanted = json_object_get(reference, "port"), *object, *port;
    json_int_t number = wanted ? json_integer_value(wanted) : DEFAULT_PORT;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        if (strcmp(gvk_of(object).kind, "Service") ||
            strcmp(krm_str(object, "metadata", "name", NULL), krm_str(reference, "name", NULL)) ||
            strcmp(krm_str(object, "metadata", "namespace", NULL),
                   krm_str(reference, "namespace", NULL)))
            continue;
        json_array_foreach (krm_get(object, "spec", "ports", NULL), k, port) {
            const json_t *target = json_object_get(port, "targetPort");

            if (json_integer_value(json_object_get(port, "port")) != number)
                continue;
            if (json_is_integer(target))
                return json_integer_value(target);
            if (json_is_string(target))
                return named_port(objects, object, json_string_value(target));
        }
    }
    return number;
}

static int by_number(const void *a, const void *b)
{
    json_int_t x = *(const json_int_t *)a, y = *(const json_int_t *)b;

    return (x > y) - (x < y);
}

struct ports {
    json_int_t *at;
    size_t len;
};

static void add_port(struct ports *p, const json_t *objects, const json_t *client_config)
{
    const json_t *service = json_object_get(client_config, "service");
    json_int_t port = service ? target_port(objects, service) : 0;

    if (port <= 0)
        return;
    p->at = mem_realloc(p->at, (p->len + 1) * sizeof(*p->at));
    p->at[p->len++] = port;
}

json_t *manifests_webhook_ports(const json_t *objects)
{
    struct ports ports = {NULL, 0};
    json_t *out = json_array();
    const json_t *object, *webhook;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        json_array_foreach (krm_get(object, "webhooks", NULL), k, webhook)
            add_port(&ports, objects, json_object_get(webhook, "clientConfig"));
        add_port(&ports, objects,
                 krm_get(object, "spec", "conversion", "webhook", "clientConfig", NULL));
    }
    if (ports.len)
        qsort(ports.at, ports.len, sizeof(*ports.at), by_number);
    for (i = 0; i < ports.len; i++)
        if (!i || ports.at[i] != ports.at[i - 1])
            json_array_append_new(out, json_integer(ports.at[i]));
    free(ports.at);
    return out;
}
