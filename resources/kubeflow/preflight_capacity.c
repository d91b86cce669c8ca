/* Do the requests of the objects' pods fit into what the nodes have left?
 *
 * Sums are compared, as if the nodes were one: it is a warning about a cluster that is plainly too
 * small, not a scheduler. Nodes count that are ready and take any pod (no taints, not cordoned);
 * pods that exist count wherever they are. A workload that exists already has its pods counted
 * with those, so when the sum doesn't fit, existing workloads are taken out of it. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"
#include "lib/kube/quantity.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

enum resource { CPU, MEMORY, PODS, RESOURCES };

#define GIB 1073741824.0

static const struct {
    const char *name; /* in requests and allocatable */
    double unit;
    int digits;
    const char *words;
} resources[] = {
    [CPU] = {"cpu", 1, 1, "CPUs"},
    [MEMORY] = {"memory", GIB, 1, "GiB of memory"},
    [PODS] = {"pods", 1, 0, "pods"},
};

struct amount {
    double of[RESOURCES];
};

static void add(struct amount *to, const struct amount *from, double times)
{
    for (int r = 0; r < RESOURCES; r++)
        to->of[r] += times * from->of[r];
}

static void at_least(struct amount *to, const struct amount *other)
{
    for (int r = 0; r < RESOURCES; r++)
        if (to->of[r] < other->of[r])
            to->of[r] = other->of[r];
}

/* --- what pods ask for --------------------------------------------------------------------------- */

/* A missing request is the limit's. */
static struct amount of_container(const json_t *container)
{
    const json_t *requests = krm_get(container, "resources", "requests", NULL);
    const json_t *limits = krm_get(container, "resources", "limits", NULL);
    struct amount a = {{0}};

    for (int r = CPU; r <= MEMORY; r++)
        if (!kube_quantity(json_object_get(requests, resources[r].name), &a.of[r]))
            kube_quantity(json_object_get(limits, resources[r].name), &a.of[r]);
    return a;
}

/* Init containers run one after another, before the others, but for those that go on running. */
static struct amount of_pod(const json_t *spec)
{
    struct amount running = {{0}}, most = {{0}};
    const json_t *container;
    size_t i;

    json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
        struct amount a = of_container(container), with = running;

        add(&with, &a, 1);
        at_least(&most, &with);
        if (!strcmp(krm_str(container, "restartPolicy", NULL), "Always"))
            running = with;
    }
    json_array_foreach (json_object_get(spec, "containers"), i, container) {
        struct amount a = of_container(container);

        add(&running, &a, 1);
    }
    at_least(&most, &running);
    most.of[PODS] = 1;
    return most;
}

static const struct {
    const char *group, *kind,
        *count; /* member of spec that says how many; NULL = one on each node */
} workloads[] = {
    {"apps", "Deployment", "replicas"},
    {"apps", "StatefulSet", "replicas"},
    {"apps", "DaemonSet", NULL},
    {"batch", "Job", "parallelism"},
};

/* How many pods an object makes; 0 for what isn't a workload. */
static double pods_of(const json_t *object, size_t nodes)
{
    struct gvk gvk = gvk_of(object);

    for (size_t i = 0; i < ARRAY_LEN(workloads); i++) {
        const json_t *n;

        if (strcmp(gvk.kind, workloads[i].kind) || strcmp(gvk.group, workloads[i].group))
            continue;
        if (!workloads[i].count)
            return (double)nodes;
        n = krm_get(object, "spec", workloads[i].count, NULL);
        return json_is_integer(n) ? (double)json_integer_value(n) : 1;
    }
    return 0;
}

/* existing: key -> metadata of objects that don't count, or NULL. */
static struct amount wanted(const json_t *objects, size_t nodes, const json_t *existing)
{
    struct amount sum = {{0}};
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = existing ? kube_key(object) : NULL;
        struct amount a = of_pod(krm_get(object, "spec", "template", "spec", NULL));

        if (!existing || !json_object_get(existing, key))
            add(&sum, &a, pods_of(object, nodes));
    }
    return sum;
}

/* --- what nodes have ----------------------------------------------------------------------------- */

static bool keeps_pods_off(const json_t *taint)
{
    return strcmp(krm_str(taint, "effect", NULL), "PreferNoSchedule") != 0;
}

static bool takes_pods(const json_t *node)
{
    const json_t *condition, *taint;
    size_t i;

    if (json_is_true(krm_get(node, "spec", "unschedulable", NULL)))
        return false;
    json_array_foreach (krm_get(node, "spec", "taints", NULL), i, taint)
        if (keeps_pods_off(taint))
            return false;
    json_array_foreach (krm_get(node, "status", "conditions", NULL), i, condition)
        if (!strcmp(krm_str(condition, "type", NULL), "Ready"))
            return !strcmp(krm_str(condition, "status", NULL), "True");
    return false;
}

/* What is left of the nodes that take pods; names: the set of them. */
static struct amount left_over(const json_t *nodes, const json_t *pods, json_t *names)
{
    struct amount sum = {{0}};
    const json_t *item;
    size_t i;

    json_array_foreach (nodes, i, item) {
        struct amount a = {{0}};

        if (!takes_pods(item))
            continue;
        for (int r = 0; r < RESOURCES; r++)
            kube_quantity(krm_get(item, "status", "allocatable", resources[r].name, NULL),
                          &a.of[r]);
        add(&sum, &a, 1);
        json_object_set_new(names, krm_str(item, "metadata", "name", NULL), json_true());
    }
    json_array_foreach (pods, i, item) {
        const char *node = krm_str(item, "spec", "nodeName", NULL);
        struct amount a = of_pod(json_object_get(item, "spec"));

        if (!node[0] || json_object_get(names, node)) /* who waits for a place will take one, too */
            add(&sum, &a, -1);
    }
    return sum;
}

/* --- the check ----------------------------------------------------------------------------------- */

static bool fits(const struct amount *want, const struct amount *left)
{
    for (int r = 0; r < RESOURCES; r++)
        if (want->of[r] > left->of[r])
            return false;
    return true;
}

/* "it asks for 2.9 CPUs, of which 1.2 are free; for 7.1 GiB of memory, of which ..." */
static char *shortage(const struct preflight *p, const struct amount *want,
                      const struct amount *left, size_t nodes)
{
    struct buf text = BUF_INIT;
    const char *before = "";

    buf_puts(&text, "it asks for ");
    for (int r = 0; r < RESOURCES; r++) {
        double free_units = left->of[r] > 0 ? left->of[r] / resources[r].unit : 0;

        if (want->of[r] <= left->of[r])
            continue;
        buf_printf(&text, "%s%.*f %s, of which %.*f are free", before, resources[r].digits,
                   want->of[r] / resources[r].unit, resources[r].words, resources[r].digits,
                   free_units);
        before = "; for ";
    }
    buf_printf(&text,
               ", on the %zu node%s that take any pod. What doesn't fit stays pending until there "
               "is room: add nodes or bigger ones, unless an autoscaler does",
               nodes, nodes == 1 ? "" : "s");
    if (p->r->platform)
        buf_puts(&text, ". preflight = { capacity = \"off\" } leaves this check out");
    return buf_take(&text);
}

/* The workloads among the objects that exist already. */
static int existing_workloads(struct preflight *p, json_t **ret_existing, struct err *err)
{
    json_auto_t *some = json_array();
    const json_t *object;
    size_t i;

    json_array_foreach (p->r->objects, i, object)
        if (pods_of(object, 1) > 0)
            json_array_append(some, (json_t *)object);
    return kube_existing(p->r->client, some, p->r->cancel, ret_existing, err);
}

static void complain(struct preflight *p, char *text)
{
    if (p->r->capacity == PREFLIGHT_CAPACITY_ERROR)
        preflight_problem(p, ERR_LIMIT, "", text);
    else
        preflight_warn(p, text);
}

int preflight_capacity_check(struct preflight *p, struct err *err)
{
    json_auto_t *pods = NULL, *names = json_object(), *existing = NULL;
    const json_t *nodes;
    struct amount want, left;
    int rc;

    if (p->r->capacity == PREFLIGHT_CAPACITY_OFF || !wanted(p->r->objects, 1, NULL).of[PODS])
        return 0;
    rc = preflight_nodes(p, &nodes, err);
    if (!rc)
        rc = preflight_list(p, kube_builtin_resource("", "v1", "Pod"),
                            "status.phase!=Succeeded,status.phase!=Failed", &pods, err);
    if (rc)
        return rc;
    left = left_over(nodes, pods, names);
    if (!json_object_size(names)) {
        /* an error of no use: an autoscaler makes nodes only for pods that wait for one */
        preflight_warn(p, mem_strdup("no node of the cluster is ready and takes any pod: what is "
                                     "installed stays pending until one comes"));
        return 0;
    }
    want = wanted(p->r->objects, json_object_size(names), NULL);
    if (fits(&want, &left))
        return 0;
    rc = existing_workloads(p, &existing, err);
    if (rc)
        return rc;
    want = wanted(p->r->objects, json_object_size(names), existing);
    if (!fits(&want, &left))
        complain(p, shortage(p, &want, &left, json_object_size(names)));
    return 0;
}
