#include "lib/kustomize/order.h"

#include "lib/krm/path.h"

#include "lib/base/banned.h"

/* What others need comes first, what intercepts others comes last. */
static const char *const order_first[] = {
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
static const char *const order_last[] = {
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
};

int order_of_kind(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(order_first); i++)
        if (strcmp(order_first[i], kind) == 0)
            return (int)i - (int)ARRAY_LEN(order_first);
    for (size_t i = 0; i < ARRAY_LEN(order_last); i++)
        if (strcmp(order_last[i], kind) == 0)
            return (int)i + 1;
    return 0;
}

const char *order_gvk_key(struct intern *strings, const struct gvk_match *gvk)
{
    char *key CLEANUP(mem_cleanup) =
        mem_printf("%s_%s_%s", *gvk->group ? gvk->group : "~G", *gvk->version ? gvk->version : "~V",
                   *gvk->kind ? gvk->kind : "~K");

    return intern(strings, key);
}

struct entry {
    struct resource *resource;
    int order;
    const char *gvk_key; /* interned */
    const char *id_key;
    bool core_namespace, namespace;
};

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->gvk_key == b->gvk_key)
        return strcmp(a->id_key, b->id_key);
    order = strcmp(a->gvk_key, b->gvk_key);
    if (a->namespace && b->namespace && (a->core_namespace || b->core_namespace))
        order = -order; /* the core kind before others of the same name */
    return order;
}

/* A later mention of a kind wins, as in the map that the reference builds. */
static int custom_order(const json_t *options, const char *kind)
{
    const json_t *first = json_object_get(options, "orderFirst"), *item;
    const json_t *last = json_object_get(options, "orderLast");
    int order = 0;
    size_t i;

    json_array_foreach (first, i, item)
        if (strcmp(json_string_value(item), kind) == 0)
            order = (int)i - (int)json_array_size(first);
    json_array_foreach (last, i, item)
        if (strcmp(json_string_value(item), kind) == 0)
            order = (int)i + 1;
    return order;
}

static int check_options(const json_t *options, struct err *err)
{
    const char *order = krm_str(options, "order", NULL);

    if (strcmp(order, "fifo") != 0 && strcmp(order, "legacy") != 0)
        return err_set(err, ERR_INVALID, "sortOptions.order must be fifo or legacy, not \"%s\"",
                       order);
    if (strcmp(order, "fifo") == 0 && json_object_get(options, "legacySortOptions"))
        return err_set(err, ERR_INVALID,
                       "sortOptions.legacySortOptions needs sortOptions.order: legacy");
    return 0;
}

int order_sort(struct context *ctx, struct resmap *m, const json_t *options, struct err *err)
{
    const json_t *custom = json_object_get(options, "legacySortOptions");
    struct entry *entries;
    int rc;

    if (options && (rc = check_options(options, err)))
        return rc;
    if (options && strcmp(krm_str(options, "order", NULL), "fifo") == 0)
        return 0;
    entries = arena_calloc(ctx->arena, m->len, sizeof(*entries));
    for (size_t i = 0; i < m->len; i++) {
        struct rid id = resource_id(ctx, m->at[i]);
        struct gvk_match gvk = {.group = id.group, .version = id.version, .kind = id.kind};
        struct entry *e = &entries[i];

        e->resource = m->at[i];
        e->order = custom ? custom_order(custom, id.kind) : order_of_kind(id.kind);
        e->gvk_key = order_gvk_key(ctx->strings, &gvk);
        e->id_key = arena_printf(ctx->arena, "%s|%s", *id.namespace ? id.namespace : "~X",
                                 *id.name ? id.name : "~N");
        e->namespace = strcmp(id.kind, "Namespace") == 0;
        e->core_namespace = e->namespace && !*id.group;
    }
    if (m->len)
        qsort(entries, m->len, sizeof(*entries), compare);
    for (size_t i = 0; i < m->len; i++)
        m->at[i] = entries[i].resource;
    return 0;
}
