#include "resources/kubeflow/status.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/lease.h"
#include "lib/kube/lease_holder.h"
#include "lib/kube/members.h"
#include "lib/kube/pods.h"
#include "lib/kube/readiness.h"
#include "resources/kubeflow/install.h"

#include "lib/base/banned.h"

#define MODULE         "kubeflow.status"
#define MAX_OBJECTS    100000       /* of one installation */
#define COMPONENT_NAME "component-" /* before a component's name in its parent's */

bool status_is_ready(const struct status *s)
{
    return s->installed && s->ready == s->total;
}

static void group_done(struct status_group *g)
{
    for (size_t i = 0; i < g->ntroubles; i++) {
        free(g->troubles[i].key);
        free(g->troubles[i].why);
    }
    free(g->troubles);
    free(g->name);
    free(g->version);
}

void status_done(struct status *s)
{
    for (size_t i = 0; i < s->ngroups; i++)
        group_done(&s->groups[i]);
    free(s->groups);
    free(s->name);
    free(s->title);
    free(s->release);
    free(s->lock);
    memset(s, 0, sizeof(*s));
}

/* --- groups -------------------------------------------------------------------------------------- */

static struct status_group *group(struct status *s, enum status_by by, const char *name)
{
    struct status_group *g;

    for (size_t i = 0; i < s->ngroups; i++)
        if (s->groups[i].by == by && !strcmp(s->groups[i].name, name))
            return &s->groups[i];
    s->groups = mem_realloc(s->groups, (s->ngroups + 1) * sizeof(*s->groups));
    g = &s->groups[s->ngroups++];
    *g = (struct status_group){.by = by, .name = mem_strdup(name), .version = mem_strdup("")};
    return g;
}

/* A number that anybody may have written. */
static size_t sane(long long n)
{
    return n > 0 && n <= MAX_OBJECTS ? (size_t)n : 0;
}

/* What the parent says that there is. */
static void add_recorded(struct status *s, const json_t *info)
{
    json_auto_t *components = json_loads(krm_str(info, STATUS_INFO_COMPONENTS, NULL), 0, NULL);
    const char *name;
    const json_t *c;

    json_object_foreach (components, name, c) {
        struct status_group *g = group(s, STATUS_COMPONENT, name);

        free(g->version);
        g->version = mem_strdup(krm_str(c, "version", NULL));
        g->total = sane(json_integer_value(json_object_get(c, "objects")));
    }
}

static struct status_group *group_of(struct status *s, const json_t *object)
{
    const char *component = applyset_component(object);
    const char *namespace = krm_str(object, "metadata", "namespace", NULL);

    if (component[0])
        return group(s, STATUS_COMPONENT, component);
    if (namespace[0])
        return group(s, STATUS_NAMESPACE, namespace);
    return group(s, STATUS_KIND, gvk_of(object).kind);
}

static int by_place(const void *a, const void *b)
{
    const struct status_group *x = a, *y = b;

    if (x->by != y->by)
        return (int)x->by - (int)y->by;
    return strcmp(x->name, y->name);
}

/* Components stay as the parent lists them. */
static void sort_groups(struct status *s, size_t recorded)
{
    if (s->ngroups > recorded)
        qsort(s->groups + recorded, s->ngroups - recorded, sizeof(*s->groups), by_place);
}

/* --- members ------------------------------------------------------------------------------------- */

static bool wants_full(const char *group_name, const char *kind)
{
    return kube_readiness_matters(group_name, kind) && strcmp(kind, "CustomResourceDefinition");
}

static enum kube_readiness readiness_of(const json_t *object, struct buf *why)
{
    struct gvk gvk = gvk_of(object);

    if (applyset_is_waited_for(object) && wants_full(gvk.group, gvk.kind))
        return kube_readiness_of(object, why);
    if (!krm_get(object, "metadata", "deletionTimestamp", NULL))
        return KUBE_READY;
    buf_puts(why, "is being deleted");
    return KUBE_TERMINATING;
}

static bool has_pods(const json_t *object)
{
    struct gvk gvk = gvk_of(object);

    return kube_has_pods(gvk.group, gvk.kind);
}

static void add_trouble(struct status_group *g, const char *key, struct buf *why)
{
    g->troubles = mem_realloc(g->troubles, (g->ntroubles + 1) * sizeof(*g->troubles));
    g->troubles[g->ntroubles++] = (struct status_trouble){mem_strdup(key), buf_take(why)};
}

static void add_member(struct status *s, const char *key, const json_t *object, const json_t *pods)
{
    struct status_group *g = group_of(s, object);
    struct buf why CLEANUP(buf_done) = BUF_INIT;

    g->there++;
    if (readiness_of(object, &why) == KUBE_READY) {
        g->ready++;
        return;
    }
    if (has_pods(object))
        kube_put_pod(object, pods, "; ", &why);
    add_trouble(g, key, &why);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_members(struct status *s, json_t *members, const json_t *pods)
{
    VEC(const char *) keys = VEC_INIT;
    const char *key;
    json_t *object;

    json_object_foreach (members, key, object)
        vec_push(&keys, key);
    if (keys.len)
        qsort(keys.at, keys.len, sizeof(*keys.at), by_text);
    for (int workloads = 1; workloads >= 0; workloads--) {
        for (size_t i = 0; i < keys.len; i++) {
            object = json_object_get(members, keys.at[i]);
            if (has_pods(object) == (workloads == 1))
                add_member(s, keys.at[i], object, pods);
        }
    }
    vec_done(&keys);
}

/* --- the lock ------------------------------------------------------------------------------------ */

static char *lock_words(const json_t *lease)
{
    const char *holder = krm_str(lease, "spec", "holderIdentity", NULL);
    const char *since = krm_str(lease, "spec", "acquireTime", NULL);
    struct buf out = BUF_INIT;
    int64_t renewed, age_s;

    if (!holder[0])
        return mem_strdup("");
    lease_holder_words(holder, &out);
    if (since[0])
        buf_printf(&out, " since %s", since);
    if (clock_parse_stamp(krm_str(lease, "spec", "renewTime", NULL), &renewed))
        return buf_take(&out);
    age_s = (clock_wall_ms() - renewed) / 1000;
    if (lease_holder_gone(holder))
        buf_puts(&out, ", which is gone");
    else if (age_s > LEASE_SECONDS)
        buf_printf(&out, ", without a sign of life for %lld seconds", (long long)age_s);
    return buf_take(&out);
}

/* --- all of it ----------------------------------------------------------------------------------- */

/* "katib 0.18.0", "Kubeflow 26.03", or the parent's name. */
static char *title_of(const struct applyset_listed *set)
{
    const json_t *info = set->parent.info;
    const char *component = krm_str(info, "component", NULL);
    const char *version = krm_str(info, "version", NULL);

    if (!strcmp(krm_str(info, APPLYSET_INFO_KIND, NULL), APPLYSET_KIND_PLATFORM))
        return mem_printf("Kubeflow %s", krm_str(info, "release", NULL));
    if (!component[0])
        return mem_strdup(set->name);
    return mem_printf("%s%s%s", component, version[0] ? " " : "", version);
}

void status_build(const struct applyset_listed *set, json_t *members, const json_t *pods,
                  const json_t *lease, struct status *ret)
{
    struct status s = {
        .name = mem_strdup(set->name),
        .title = title_of(set),
        .release = mem_strdup(krm_str(set->parent.info, "release", NULL)),
        .installed = set->parent.installed,
        .lock = lock_words(lease),
    };
    size_t recorded, wanted;

    add_recorded(&s, set->parent.info);
    recorded = s.ngroups;
    add_members(&s, members, pods);
    sort_groups(&s, recorded);
    for (size_t i = 0; i < s.ngroups; i++) {
        struct status_group *g = &s.groups[i];

        if (g->total < g->there)
            g->total = g->there;
        s.ready += g->ready;
        s.total += g->total;
        s.there += g->there;
    }
    wanted = sane(strtoll(krm_str(set->parent.info, INSTALL_INFO_OBJECTS, NULL), NULL, 10));
    if (s.total < wanted)
        s.total = wanted;
    *ret = s;
}

/* The namespaces of workloads that aren't ready. */
static json_t *troubled_namespaces(json_t *members)
{
    json_t *out = json_object(), *object;
    const char *key;

    json_object_foreach (members, key, object)
        if (has_pods(object) && kube_readiness_of(object, NULL) != KUBE_READY)
            json_object_set_new(out, krm_str(object, "metadata", "namespace", NULL), json_true());
    return out;
}

/* Who may not see pods sees the rest. */
static int read_pods(struct kube_client *c, json_t *members, struct cancel *cancel, json_t *pods,
                     struct err *err)
{
    json_auto_t *namespaces = troubled_namespaces(members);
    const char *namespace;
    json_t *unused;

    json_object_foreach (namespaces, namespace, unused) {
        struct kube_request req = {.verb = KUBE_LIST,
                                   .resource = kube_builtin_resource("", "v1", "Pod"),
                                   .namespace = namespace};
        json_auto_t *items = NULL;
        int rc = kube_list(c, &req, cancel, &items, NULL, err);

        if (rc == ERR_DENIED) {
            log_info(MODULE, "%s", err_msg(err));
            err_done(err);
        } else if (rc) {
            return rc;
        }
        json_array_extend(pods, items);
    }
    return 0;
}

static int read_lease(struct kube_client *c, const char *name, struct cancel *cancel,
                      json_t **ret_lease, struct err *err)
{
    struct kube_request req = {.verb = KUBE_GET,
                               .resource =
                                   kube_builtin_resource("coordination.k8s.io", "v1", "Lease"),
                               .namespace = APPLYSET_NAMESPACE,
                               .name = name};
    struct kube_result res;
    int rc = kube_do(c, &req, cancel, &res);

    if (!rc)
        *ret_lease = json_incref(res.body);
    else if (rc != ERR_NOT_FOUND && rc != ERR_DENIED)
        err_move(err, &res.err);
    kube_result_done(&res);
    return rc == ERR_NOT_FOUND || rc == ERR_DENIED ? 0 : rc;
}

int status_read(struct kube_client *c, const struct applyset_listed *set, struct cancel *cancel,
                struct status *ret, struct err *err)
{
    json_auto_t *members = NULL, *pods = json_array(), *lease = NULL;
    char id[APPLYSET_ID_SIZE];
    int rc;

    applyset_id(set->name, id);
    rc = kube_members_full(c, id, set->parent.group_kinds, wants_full, cancel, &members, err);
    if (!rc)
        rc = read_pods(c, members, cancel, pods, err);
    if (!rc)
        rc = read_lease(c, set->name, cancel, &lease, err);
    if (!rc)
        status_build(set, members, pods, lease, ret);
    return rc;
}

const struct applyset_listed *status_find(const struct applyset_list *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++)
        if (!strcmp(list->at[i].name, name))
            return &list->at[i];
    for (size_t i = 0; i < list->len; i++) {
        const char *set = list->at[i].name;

        if (!strncmp(set, COMPONENT_NAME, strlen(COMPONENT_NAME)) &&
            !strcmp(set + strlen(COMPONENT_NAME), name))
            return &list->at[i];
    }
    return NULL;
}
