/* kustomize compares texts in which missing parts have names that sort behind everything else
 * ("~G", "~X") and parts are joined by '_' and '|', which also takes part in the comparison. The
 * texts are made once per object. */
#include "lib/krm/order.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"

#include "lib/base/banned.h"

static const char *const legacy_first[] = {
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
};

static const char *const legacy_last[] = {
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
};

const struct krm_order krm_order_legacy = {legacy_first, ARRAY_LEN(legacy_first), legacy_last,
                                           ARRAY_LEN(legacy_last)};

struct entry {
    json_t *object; /* a reference */
    size_t index;
    long rank;
    char *gvk, *id;
};

/* Below zero for the first kinds, above for the last; a kind named twice has its last place. */
static long rank_of(const struct krm_order *order, const char *kind)
{
    for (size_t i = order->nlast; i-- > 0;)
        if (!strcmp(order->last[i], kind))
            return (long)i + 1;
    for (size_t i = order->nfirst; i-- > 0;)
        if (!strcmp(order->first[i], kind))
            return (long)i - (long)order->nfirst;
    return 0;
}

static const char *or_else(const char *s, const char *fallback)
{
    return s && *s ? s : fallback;
}

static void entry_init(struct entry *e, json_t *object, size_t index, const struct krm_order *order)
{
    const json_t *metadata = json_object_get(object, "metadata");
    struct gvk gvk = gvk_of(object);

    e->object = json_incref(object);
    e->index = index;
    e->rank = rank_of(order, gvk.kind);
    if (e->rank && !*gvk.group && !strcmp(gvk.kind, "Namespace"))
        e->gvk = mem_strdup(""); /* before kinds of that name in other groups */
    else
        e->gvk = mem_printf("%s_%s_%s", or_else(gvk.group, "~G"), or_else(gvk.version, "~V"),
                            or_else(gvk.kind, "~K"));
    e->id = mem_printf("%s|%s",
                       or_else(json_string_value(json_object_get(metadata, "namespace")), "~X"),
                       or_else(json_string_value(json_object_get(metadata, "name")), "~N"));
}

static int entry_cmp(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    c = strcmp(x->gvk, y->gvk);
    if (!c)
        c = strcmp(x->id, y->id);
    if (!c)
        c = x->index < y->index ? -1 : 1;
    return c;
}

void krm_sort(json_t *objects, const struct krm_order *order)
{
    size_t i, n = json_array_size(objects);
    struct entry *entries = mem_calloc(n, sizeof(*entries));
    json_t *object;

    json_array_foreach (objects, i, object) {
        entry_init(&entries[i], object, i, order);
    }
    qsort(entries, n, sizeof(*entries), entry_cmp);
    for (i = 0; i < n; i++) {
        json_array_set_new(objects, i, entries[i].object);
        free(entries[i].gvk);
        free(entries[i].id);
    }
    free(entries);
}
