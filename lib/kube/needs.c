/* Finding edges is a join: every object is put into an index by identity once, then each kind of
 * need looks up what its objects refer to. What a reference names and the set doesn't hold is no
 * edge: the cluster has it, or nobody has.
 *
 * Webhooks are matched as the API server matches them (rules, namespaceSelector, objectSelector),
 * with what is known here: labels of namespaces that the set holds, plural names from the CRDs of
 * the set or by the rule that Kubernetes itself guesses with. Versions don't matter (matchPolicy
 * Equivalent), matchConditions are taken as true. A match too many costs a wait; a match too few
 * costs a failed request, which is repeated. */
#include "lib/kube/needs.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/selector.h"

#include "lib/base/banned.h"

struct node {
    const json_t *object;
    struct resid id;        /* namespace "" for what is known to be cluster-scoped */
    const char *plural;     /* resource name, for webhook rules */
    const json_t *template; /* of a workload */
    int index;
};

struct crd {
    const char *group, *kind, *plural;
    bool cluster_scoped;
    const json_t *spec;
    int node;
};

struct set {
    struct arena *arena;
    struct node *nodes; /* by index */
    struct node **by_id;
    int len;
    VEC(struct crd) crds;   /* sorted by group and kind */
    VEC(int) workloads;     /* nodes with a pod template */
    VEC(struct need) needs; /* found so far */
};

typedef VEC(int) node_list;

static void node_list_done(node_list *l)
{
    vec_done(l);
}

/* --- the index ----------------------------------------------------------------------------------
 */

static const struct {
    const char *group, *kind;
} workload_kinds[] = {
    {"", "Pod"},
    {"", "ReplicationController"},
    {"apps", "DaemonSet"},
    {"apps", "Deployment"},
    {"apps", "ReplicaSet"},
    {"apps", "StatefulSet"},
    {"batch", "CronJob"},
    {"batch", "Job"},
};

bool needs_is_workload(const char *group, const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(workload_kinds); i++) {
        if (!strcmp(workload_kinds[i].kind, kind) && !strcmp(workload_kinds[i].group, group))
            return true;
    }
    return false;
}

/* The pod template of a workload (of a Pod: itself), or NULL. */
static const json_t *pod_template(const json_t *object)
{
    struct gvk gvk = gvk_of(object);

    if (!needs_is_workload(gvk.group, gvk.kind))
        return NULL;
    if (!strcmp(gvk.kind, "Pod"))
        return object;
    if (!strcmp(gvk.kind, "CronJob"))
        return krm_get(object, "spec", "jobTemplate", "spec", "template", NULL);
    return krm_get(object, "spec", "template", NULL);
}

static int crd_cmp(const void *pa, const void *pb)
{
    const struct crd *a = pa, *b = pb;
    int c = strcmp(a->kind, b->kind);

    return c ? c : strcmp(a->group, b->group);
}

static const struct crd *find_crd(const struct set *s, const char *group, const char *kind)
{
    struct crd key = {.group = group, .kind = kind};

    return s->crds.len ? bsearch(&key, s->crds.at, s->crds.len, sizeof(key), crd_cmp) : NULL;
}

static void index_crds(struct set *s, const json_t *objects)
{
    const json_t *o;
    size_t i;

    json_array_foreach (objects, i, o) {
        const json_t *spec = json_object_get(o, "spec");
        struct crd crd = {krm_str(spec, "group", NULL),
                          krm_str(spec, "names", "kind", NULL),
                          krm_str(spec, "names", "plural", NULL),
                          !strcmp(krm_str(spec, "scope", NULL), "Cluster"),
                          spec,
                          (int)i};

        if (!strcmp(gvk_of(o).kind, "CustomResourceDefinition"))
            vec_push(&s->crds, crd);
    }
    if (s->crds.len)
        qsort(s->crds.at, s->crds.len, sizeof(s->crds.at[0]), crd_cmp);
}

/* The plural that Kubernetes guesses where nothing says it (meta.UnsafeGuessKindToResource). */
static const char *guess_plural(struct arena *arena, const char *kind)
{
    char *plural = arena_printf(arena, "%s??", kind);
    size_t len = strlen(kind);

    for (size_t i = 0; i < len; i++)
        plural[i] = (char)tolower((unsigned char)kind[i]);
    if (len && plural[len - 1] == 's')
        memcpy(plural + len, "es", 3);
    else if (len && plural[len - 1] == 'y')
        memcpy(plural + len - 1, "ies", 4);
    else
        memcpy(plural + len, "s", 2);
    return plural;
}

static int node_cmp(const void *pa, const void *pb)
{
    const struct node *a = *(struct node *const *)pa, *b = *(struct node *const *)pb;
    int c = resid_cmp(&a->id, &b->id);

    return c ? c : (a->index > b->index) - (a->index < b->index);
}

static void index_nodes(struct set *s, const json_t *objects)
{
    const json_t *o;
    size_t i;

    s->nodes = arena_calloc(s->arena, json_array_size(objects) + 1, sizeof(*s->nodes));
    s->by_id = arena_calloc(s->arena, json_array_size(objects) + 1, sizeof(struct node *));
    json_array_foreach (objects, i, o) {
        struct node *n = &s->nodes[i];
        const struct crd *crd;

        n->object = o;
        n->index = (int)i;
        n->id = resid_of(o);
        crd = find_crd(s, n->id.group, n->id.kind);
        if (crd ? crd->cluster_scoped : krm_scope_of(n->id.group, n->id.kind) == KRM_SCOPE_CLUSTER)
            n->id.namespace = "";
        n->plural = crd ? crd->plural : guess_plural(s->arena, n->id.kind);
        n->template = pod_template(o);
        if (n->template)
            vec_push(&s->workloads, (int)i);
        s->by_id[i] = n;
    }
    s->len = (int)i;
    qsort(s->by_id, i, sizeof(struct node *), node_cmp);
}

/* The first object with that identity, or NULL. */
static const struct node *find(const struct set *s, const char *group, const char *kind,
                               const char *ns, const char *name)
{
    struct node key = {.id = {group, kind, ns, name}, .index = -1};
    const struct node *k = &key;
    size_t low = 0, high = (size_t)s->len;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (node_cmp(&s->by_id[mid], &k) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < (size_t)s->len && !resid_cmp(&s->by_id[low]->id, &key.id) ? s->by_id[low] : NULL;
}

/* --- adding -------------------------------------------------------------------------------------
 */

static void add(struct set *s, int from, int to, enum need_reason reason, bool ready)
{
    struct need need = {from, to, (uint8_t)reason, ready};

    if (from != to)
        vec_push(&s->needs, need);
}

/* to needs the named object applied, if the set holds it and a name is given. */
static void add_named(struct set *s, int to, enum need_reason reason, const char *group,
                      const char *kind, const char *ns, const char *name)
{
    const struct node *n = *name ? find(s, group, kind, ns, name) : NULL;

    if (n)
        add(s, n->index, to, reason, false);
}

/* --- kinds, namespaces, roles, issuers ----------------------------------------------------------
 */

static void find_general(struct set *s)
{
    for (int i = 0; i < s->len; i++) {
        const struct node *n = &s->nodes[i];
        const struct crd *crd = find_crd(s, n->id.group, n->id.kind);

        add_named(s, i, NEED_NAMESPACE, "", "Namespace", "", n->id.namespace);
        if (crd)
            add(s, crd->node, i, NEED_KIND, true);
    }
}

#define RBAC         "rbac.authorization.k8s.io"
#define CERT_MANAGER "cert-manager.io"

static bool is_kind(const struct node *n, const char *group, const char *kind)
{
    return !strcmp(n->id.kind, kind) && !strcmp(n->id.group, group);
}

static void find_roles(struct set *s)
{
    for (int i = 0; i < s->len; i++) {
        const struct node *n = &s->nodes[i];
        const char *kind, *ns;

        if (!is_kind(n, RBAC, "RoleBinding") && !is_kind(n, RBAC, "ClusterRoleBinding"))
            continue;
        kind = krm_str(n->object, "roleRef", "kind", NULL);
        ns = !strcmp(kind, "Role") ? n->id.namespace : "";
        add_named(s, i, NEED_ROLE, RBAC, kind, ns, krm_str(n->object, "roleRef", "name", NULL));
    }
}

static void find_issuers(struct set *s)
{
    for (int i = 0; i < s->len; i++) {
        const struct node *n = &s->nodes[i];
        const char *kind, *name;

        if (!is_kind(n, CERT_MANAGER, "Certificate"))
            continue;
        kind = krm_str(n->object, "spec", "issuerRef", "kind", NULL);
        name = krm_str(n->object, "spec", "issuerRef", "name", NULL);
        if (!strcmp(kind, "ClusterIssuer"))
            add_named(s, i, NEED_ISSUER, CERT_MANAGER, kind, "", name);
        else
            add_named(s, i, NEED_ISSUER, CERT_MANAGER, "Issuer", n->id.namespace, name);
    }
}

/* --- what pods refer to -------------------------------------------------------------------------
 */

/* The Certificate of the set that makes this Secret. */
static const struct node *certificate_of(const struct set *s, const char *ns, const char *secret)
{
    for (int i = 0; i < s->len; i++) {
        const struct node *n = &s->nodes[i];

        if (is_kind(n, CERT_MANAGER, "Certificate") && !strcmp(n->id.namespace, ns) &&
            !strcmp(krm_str(n->object, "spec", "secretName", NULL), secret))
            return n;
    }
    return NULL;
}

static void refer(struct set *s, const struct node *to, const char *kind, const char *name)
{
    const struct node *n = *name ? find(s, "", kind, to->id.namespace, name) : NULL;

    if (n) {
        add(s, n->index, to->index, NEED_REFERENCE, false);
    } else if (*name && !strcmp(kind, "Secret")) {
        n = certificate_of(s, to->id.namespace, name);
        if (n)
            add(s, n->index, to->index, NEED_CERTIFICATE, true);
    }
}

static void refer_volume(struct set *s, const struct node *to, const json_t *volume)
{
    const json_t *source;
    size_t i;

    refer(s, to, "ConfigMap", krm_str(volume, "configMap", "name", NULL));
    refer(s, to, "Secret", krm_str(volume, "secret", "secretName", NULL));
    refer(s, to, "PersistentVolumeClaim",
          krm_str(volume, "persistentVolumeClaim", "claimName", NULL));
    json_array_foreach (krm_get(volume, "projected", "sources", NULL), i, source) {
        refer(s, to, "ConfigMap", krm_str(source, "configMap", "name", NULL));
        refer(s, to, "Secret", krm_str(source, "secret", "name", NULL));
    }
}

static void refer_container(struct set *s, const struct node *to, const json_t *container)
{
    const json_t *e;
    size_t i;

    json_array_foreach (json_object_get(container, "envFrom"), i, e) {
        refer(s, to, "ConfigMap", krm_str(e, "configMapRef", "name", NULL));
        refer(s, to, "Secret", krm_str(e, "secretRef", "name", NULL));
    }
    json_array_foreach (json_object_get(container, "env"), i, e) {
        refer(s, to, "ConfigMap", krm_str(e, "valueFrom", "configMapKeyRef", "name", NULL));
        refer(s, to, "Secret", krm_str(e, "valueFrom", "secretKeyRef", "name", NULL));
    }
}

static void find_references(struct set *s)
{
    static const char *const lists[] = {"initContainers", "containers"};

    for (size_t w = 0; w < s->workloads.len; w++) {
        const struct node *n = &s->nodes[s->workloads.at[w]];
        const json_t *pod = json_object_get(n->template, "spec"), *e;
        size_t i;

        refer(s, n, "ServiceAccount", krm_str(pod, "serviceAccountName", NULL));
        if (is_kind(n, "apps", "StatefulSet"))
            refer(s, n, "Service", krm_str(n->object, "spec", "serviceName", NULL));
        add_named(s, n->index, NEED_REFERENCE, "scheduling.k8s.io", "PriorityClass", "",
                  krm_str(pod, "priorityClassName", NULL));
        add_named(s, n->index, NEED_REFERENCE, "node.k8s.io", "RuntimeClass", "",
                  krm_str(pod, "runtimeClassName", NULL));
        json_array_foreach (json_object_get(pod, "imagePullSecrets"), i, e)
            refer(s, n, "Secret", krm_str(e, "name", NULL));
        json_array_foreach (json_object_get(pod, "volumes"), i, e)
            refer_volume(s, n, e);
        for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
            json_array_foreach (json_object_get(pod, lists[l]), i, e)
                refer_container(s, n, e);
        }
    }
}

/* A pod without its rights starts, is refused, and is restarted with growing pauses. */
static void find_rights(struct set *s)
{
    for (int b = 0; b < s->len; b++) {
        const struct node *binding = &s->nodes[b];
        const json_t *subject;
        size_t i;

        if (!is_kind(binding, RBAC, "RoleBinding") && !is_kind(binding, RBAC, "ClusterRoleBinding"))
            continue;
        json_array_foreach (json_object_get(binding->object, "subjects"), i, subject) {
            const char *account = krm_str(subject, "name", NULL),
                       *ns = krm_str(subject, "namespace", NULL);

            if (strcmp(krm_str(subject, "kind", NULL), "ServiceAccount") != 0)
                continue;
            for (size_t w = 0; w < s->workloads.len; w++) {
                const struct node *n = &s->nodes[s->workloads.at[w]];

                if (!strcmp(n->id.namespace, ns) &&
                    !strcmp(krm_str(n->template, "spec", "serviceAccountName", NULL), account))
                    add(s, b, n->index, NEED_REFERENCE, false);
            }
        }
    }
}

/* --- webhooks -----------------------------------------------------------------------------------
 */

/* Workloads of the set that answer behind a webhook's Service. One with no replicas never does. */
static void find_servers(const struct set *s, const json_t *service_ref, node_list *out)
{
    const char *ns = krm_str(service_ref, "namespace", NULL);
    const struct node *service = find(s, "", "Service", ns, krm_str(service_ref, "name", NULL));
    json_t *selector = service ? krm_get(service->object, "spec", "selector", NULL) : NULL, *value;
    const char *key;

    if (!json_object_size(selector))
        return;
    for (size_t w = 0; w < s->workloads.len; w++) {
        const struct node *n = &s->nodes[s->workloads.at[w]];
        const json_t *labels = krm_get(n->template, "metadata", "labels", NULL),
                     *replicas = krm_get(n->object, "spec", "replicas", NULL);
        bool selected = !strcmp(n->id.namespace, ns);

        if (json_is_integer(replicas) && json_integer_value(replicas) == 0)
            continue;
        json_object_foreach (selector, key, value)
            selected = selected && json_equal(json_object_get(labels, key), value);
        if (selected)
            vec_push(out, n->index);
    }
}

static bool holds(const json_t *strings, const char *wanted)
{
    const json_t *e;
    size_t i;

    json_array_foreach (strings, i, e) {
        if (json_is_string(e) && !strcmp(json_string_value(e), wanted))
            return true;
    }
    return false;
}

/* A rule of a webhook that is about writing whole objects of this resource. */
static bool rule_matches(const json_t *rule, const char *group, const char *plural)
{
    const json_t *ops = json_object_get(rule, "operations"),
                 *groups = json_object_get(rule, "apiGroups"),
                 *resources = json_object_get(rule, "resources");

    return (holds(groups, group) || holds(groups, "*")) &&
           (holds(resources, plural) || holds(resources, "*") || holds(resources, "*/*")) &&
           (holds(ops, "CREATE") || holds(ops, "UPDATE") || holds(ops, "*"));
}

static bool rules_match(const json_t *hook, const char *group, const char *plural)
{
    const json_t *rule;
    size_t i;

    json_array_foreach (json_object_get(hook, "rules"), i, rule) {
        if (rule_matches(rule, group, plural))
            return true;
    }
    return false;
}

/* namespaceSelector sees the labels of the object's namespace, or a Namespace's own; what else is
 * cluster-scoped always matches. */
static bool namespace_matches(const struct set *s, const json_t *hook, const struct node *n)
{
    const json_t *selector = json_object_get(hook, "namespaceSelector");
    bool is_namespace = is_kind(n, "", "Namespace");
    const char *name = is_namespace ? n->id.name : n->id.namespace;
    const struct node *ns;
    json_t *labels;
    bool matches;

    if (!*name || !json_object_size(selector))
        return true;
    ns = find(s, "", "Namespace", "", name);
    labels = json_copy(ns ? krm_get(ns->object, "metadata", "labels", NULL) : NULL);
    if (!labels)
        labels = json_object();
    json_object_set_new(labels, "kubernetes.io/metadata.name", json_string(name));
    matches = kube_selector_matches(selector, labels);
    json_decref(labels);
    return matches;
}

/* A DaemonSet that writes into the nodes' CNI configuration: pods get their network from it. */
static bool is_cni_plugin(const struct node *n)
{
    static const char suffix[] = "/cni/net.d";
    const json_t *volume;
    size_t i;

    if (!is_kind(n, "apps", "DaemonSet"))
        return false;
    json_array_foreach (krm_get(n->template, "spec", "volumes", NULL), i, volume) {
        const char *path = krm_str(volume, "hostPath", "path", NULL);
        size_t len = strlen(path);

        if (len >= sizeof(suffix) - 1 && !strcmp(path + len - (sizeof(suffix) - 1), suffix))
            return true;
    }
    return false;
}

static bool is_among(const node_list *l, int node)
{
    for (size_t i = 0; i < l->len; i++) {
        if (l->at[i] == node)
            return true;
    }
    return false;
}

struct hook {
    const json_t *json;
    const struct node *config;
    node_list servers; /* a webhook never holds up what answers it: it couldn't start */
    bool mutates;
};

/* Whether the webhook sees what has these labels and is (in the namespace) n. */
static bool selects(const struct set *s, const struct hook *h, const struct node *n,
                    const json_t *labels)
{
    return !is_among(&h->servers, n->index) &&
           kube_selector_matches(json_object_get(h->json, "objectSelector"), labels) &&
           namespace_matches(s, h->json, n);
}

static void add_intercepted(struct set *s, const struct hook *h, const struct node *n)
{
    add(s, h->config->index, n->index, NEED_WEBHOOK, true);
    for (size_t i = 0; i < h->servers.len; i++)
        add(s, h->servers.at[i], n->index, NEED_WEBHOOK, true);
}

/* Objects that the webhook sees themselves; neighbours in by_id are of one kind. */
static void find_intercepted(struct set *s, const struct hook *h)
{
    const struct node *last = NULL;
    bool matches = false;

    for (int i = 0; i < s->len; i++) {
        const struct node *n = s->by_id[i];

        if (!last || strcmp(last->plural, n->plural) != 0 ||
            strcmp(last->id.group, n->id.group) != 0)
            matches = strcmp(n->id.group, h->config->id.group) != 0 &&
                      rules_match(h->json, n->id.group, n->plural);
        last = n;
        if (matches && selects(s, h, n, krm_get(n->object, "metadata", "labels", NULL)))
            add_intercepted(s, h, n);
    }
}

/* Workloads whose pods the webhook sees. */
static void find_intercepted_pods(struct set *s, const struct hook *h, const node_list *cni)
{
    for (size_t w = 0; w < s->workloads.len; w++) {
        const struct node *n = &s->nodes[s->workloads.at[w]];

        if (!selects(s, h, n, krm_get(n->template, "metadata", "labels", NULL)))
            continue;
        add_intercepted(s, h, n);
        for (size_t i = 0; i < cni->len && h->mutates; i++)
            add(s, cni->at[i], n->index, NEED_NETWORK, true);
    }
}

static void find_webhook(struct set *s, const struct node *config, const json_t *json,
                         const node_list *cni)
{
    struct hook h = {json, config, VEC_INIT,
                     is_kind(config, config->id.group, "MutatingWebhookConfiguration")};
    const json_t *service = krm_get(json, "clientConfig", "service", NULL);

    find_servers(s, service, &h.servers);
    for (size_t i = 0; i < h.servers.len; i++)
        add(s, h.servers.at[i], config->index, NEED_SERVER, false);
    add_named(s, config->index, NEED_SERVER, "", "Service", krm_str(service, "namespace", NULL),
              krm_str(service, "name", NULL));
    if (strcmp(krm_str(json, "failurePolicy", NULL), "Ignore") != 0) {
        find_intercepted(s, &h);
        if (rules_match(json, "", "pods"))
            find_intercepted_pods(s, &h, cni);
    }
    vec_done(&h.servers);
}

/* cert-manager.io/inject-ca-from: "namespace/name" of the Certificate whose CA is written in. */
static void find_injected(struct set *s, const struct node *config)
{
    const char *from =
        krm_str(config->object, "metadata", "annotations", "cert-manager.io/inject-ca-from", NULL);
    const char *slash = strchr(from, '/');
    char *ns CLEANUP(mem_cleanup) = slash ? mem_strndup(from, (size_t)(slash - from)) : NULL;
    const struct node *n = slash ? find(s, CERT_MANAGER, "Certificate", ns, slash + 1) : NULL;

    if (n)
        add(s, n->index, config->index, NEED_CERTIFICATE, true);
}

static void find_webhooks(struct set *s)
{
    node_list cni CLEANUP(node_list_done) = VEC_INIT;

    for (size_t w = 0; w < s->workloads.len; w++) {
        if (is_cni_plugin(&s->nodes[s->workloads.at[w]]))
            vec_push(&cni, s->workloads.at[w]);
    }
    for (int i = 0; i < s->len; i++) {
        const struct node *n = &s->nodes[i];
        const json_t *hook;
        size_t h;

        if (strcmp(n->id.group, "admissionregistration.k8s.io") != 0)
            continue;
        json_array_foreach (json_object_get(n->object, "webhooks"), h, hook)
            find_webhook(s, n, hook, &cni);
        find_injected(s, n);
    }
}

/* With one version there is nothing to convert. */
static void find_conversions(struct set *s)
{
    for (size_t c = 0; c < s->crds.len; c++) {
        const struct crd *crd = &s->crds.at[c];
        node_list servers CLEANUP(node_list_done) = VEC_INIT;

        if (strcmp(krm_str(crd->spec, "conversion", "strategy", NULL), "Webhook") != 0 ||
            json_array_size(json_object_get(crd->spec, "versions")) < 2)
            continue;
        find_servers(s,
                     krm_get(crd->spec, "conversion", "webhook", "clientConfig", "service", NULL),
                     &servers);
        for (int i = 0; i < s->len && servers.len; i++) {
            if (!is_kind(&s->nodes[i], crd->group, crd->kind))
                continue;
            for (size_t w = 0; w < servers.len; w++)
                add(s, servers.at[w], i, NEED_CONVERSION, true);
        }
    }
}

/* --- result -------------------------------------------------------------------------------------
 */

/* By pair; the stronger need of a pair first, NEED_CERTIFICATE apart from the others. */
static int need_cmp(const void *pa, const void *pb)
{
    const struct need *a = pa, *b = pb;
    bool a_cert = a->reason == NEED_CERTIFICATE, b_cert = b->reason == NEED_CERTIFICATE;

    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a_cert != b_cert)
        return a_cert - b_cert;
    if (a->ready != b->ready)
        return b->ready - a->ready;
    return (a->reason > b->reason) - (a->reason < b->reason);
}

static void unique(struct set *s)
{
    size_t kept = 0;

    qsort(s->needs.at, s->needs.len, sizeof(s->needs.at[0]), need_cmp);
    for (size_t i = 0; i < s->needs.len; i++) {
        const struct need *n = &s->needs.at[i], *last = kept ? &s->needs.at[kept - 1] : NULL;

        if (!last || last->to != n->to || last->from != n->from ||
            (last->reason == NEED_CERTIFICATE) != (n->reason == NEED_CERTIFICATE))
            s->needs.at[kept++] = *n;
    }
    s->needs.len = kept;
}

void needs_find(const json_t *objects, struct needs *ret_needs)
{
    struct set s = {
        .arena = arena_new(), .crds = VEC_INIT, .workloads = VEC_INIT, .needs = VEC_INIT};

    index_crds(&s, objects);
    index_nodes(&s, objects);
    find_general(&s);
    find_roles(&s);
    find_issuers(&s);
    find_references(&s);
    find_rights(&s);
    find_webhooks(&s);
    find_conversions(&s);
    if (s.needs.len)
        unique(&s);
    ret_needs->at = s.needs.at;
    ret_needs->len = s.needs.len;
    vec_done(&s.crds);
    vec_done(&s.workloads);
    arena_free(s.arena);
}

void needs_done(struct needs *n)
{
    free(n->at);
    n->at = NULL;
    n->len = 0;
}
