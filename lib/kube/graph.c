/* Each object has two events: applied, and then ready. A need is an arc from one of them to
 * another object's "applied"; that something can't be ready before something else is
 * (NEED_CERTIFICATE) is an arc between two "ready". The events are sorted topologically (Kahn);
 * whenever that gets stuck, a cycle is found by walking back from any event that is left, and its
 * weakest need is dropped. In reverse topological order each event then learns its urgency: the
 * time from there to the end over the longest way. That is list scheduling by critical path.
 *
 * While walking, a node counts its unmet needs; at zero it enters a heap by urgency. */
#include "lib/kube/graph.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/kube/needs.h"

#include "lib/base/banned.h"

/* Durations for the critical path, in microseconds; only their proportions matter. */
#define COST_REQUEST      5000
#define COST_PER_VALUE    20       /* of an object's JSON values: the biggest CRDs have 20,000 */
#define COST_MAX_VALUES   4000     /* beyond, objects count as equal: counting costs too */
#define DELAY_WORKLOAD    30000000 /* image pull, start, probes */
#define DELAY_CERTIFICATE 3000000
#define DELAY_WEBHOOK     2000000
#define DELAY_CRD         300000

struct state {
    int needs_left;
    bool started, applied, ready;
    bool needed_ready;
    int64_t cost, delay;    /* of being applied; of getting ready after that */
    int64_t urgency;        /* longest way from its start to the end */
    size_t first_out, outs; /* into outgoing */
    size_t first_in, ins;   /* into needs.at, which is sorted by `to` */
};

struct kube_graph {
    json_t *objects;
    int len, applied;
    struct needs needs;
    bool *broken;     /* per need: dropped to break a cycle */
    size_t *outgoing; /* indexes of needs, grouped by `from` */
    struct state *nodes;
    int *heap; /* nodes that may go, the most urgent first */
    int heap_len;
};

/* --- the heap -----------------------------------------------------------------------------------
 */

static bool before(const struct kube_graph *g, int a, int b)
{
    if (g->nodes[a].urgency != g->nodes[b].urgency)
        return g->nodes[a].urgency > g->nodes[b].urgency;
    return a < b;
}

static void heap_push(struct kube_graph *g, int node)
{
    int at = g->heap_len++;

    while (at > 0 && before(g, node, g->heap[(at - 1) / 2])) {
        g->heap[at] = g->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    g->heap[at] = node;
}

static int heap_pop(struct kube_graph *g)
{
    int top = g->heap[0], last = g->heap[--g->heap_len], at = 0, child;

    while ((child = 2 * at + 1) < g->heap_len) {
        if (child + 1 < g->heap_len && before(g, g->heap[child + 1], g->heap[child]))
            child++;
        if (!before(g, g->heap[child], last))
            break;
        g->heap[at] = g->heap[child];
        at = child;
    }
    g->heap[at] = last;
    return top;
}

/* --- events and their order ---------------------------------------------------------------------
 */

#define APPLIED(node) (2 * (node))
#define READY(node)   (2 * (node) + 1)

static int event_from(const struct need *n)
{
    return n->ready ? READY(n->from) : APPLIED(n->from);
}

static int event_to(const struct need *n)
{
    return n->reason == NEED_CERTIFICATE ? READY(n->to) : APPLIED(n->to);
}

struct order {
    int *indegree; /* per event: arcs from events that aren't in the order yet */
    int *events;   /* in topological order */
    int len;
    int *mark; /* per event: number of the walk that last came by */
    int walk;
};

static void emit(struct order *o, int event)
{
    o->indegree[event] = -1;
    o->events[o->len++] = event;
}

static void lower(struct order *o, int event)
{
    if (--o->indegree[event] == 0)
        emit(o, event);
}

/* The arcs out of an event that has its place in the order. */
static void release(struct kube_graph *g, struct order *o, int event)
{
    const struct state *s = &g->nodes[event / 2];

    if (event % 2 == 0)
        lower(o, event + 1);
    for (size_t i = 0; i < s->outs; i++) {
        size_t k = g->outgoing[s->first_out + i];

        if (!g->broken[k] && event_from(&g->needs.at[k]) == event)
            lower(o, event_to(&g->needs.at[k]));
    }
}

/* Some arc into a stuck event from another stuck one: the need's index, or -1 for "applied" into
 * its own "ready". */
static long stuck_arc(const struct kube_graph *g, const struct order *o, int event)
{
    const struct state *s = &g->nodes[event / 2];

    for (size_t k = s->first_in; k < s->first_in + s->ins; k++) {
        const struct need *n = &g->needs.at[k];

        if (!g->broken[k] && event_to(n) == event && o->indegree[event_from(n)] >= 0)
            return (long)k;
    }
    return -1;
}

static void say_broken(const struct kube_graph *g, const struct need *n)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    struct resid to = resid_of(json_array_get(g->objects, (size_t)n->to)),
                 from = resid_of(json_array_get(g->objects, (size_t)n->from));

    resid_key(&to, &text);
    buf_puts(&text, " waits for ");
    resid_key(&from, &text);
    log_warn("kube.graph", "objects wait for each other in a circle; left out: %s (%s)",
             buf_str(&text), kube_graph_why(g, n->to, n->from));
}

/* Walks back from a stuck event until it comes by a second time, then once around the cycle. Each
 * stuck event has a stuck one before it, so there is a cycle; arcs without a choice (applied to own
 * ready, NEED_CERTIFICATE) make none by themselves. */
static void break_cycle(struct kube_graph *g, struct order *o, int event)
{
    long weakest = -1;
    int end;

    for (o->walk++; o->mark[event] != o->walk;) {
        long k = stuck_arc(g, o, event);

        o->mark[event] = o->walk;
        event = k < 0 ? event - 1 : event_from(&g->needs.at[k]);
    }
    end = event;
    do {
        long k = stuck_arc(g, o, event);

        if (k >= 0 && g->needs.at[k].reason != NEED_CERTIFICATE &&
            (weakest < 0 || g->needs.at[k].reason > g->needs.at[weakest].reason))
            weakest = k;
        event = k < 0 ? event - 1 : event_from(&g->needs.at[k]);
    } while (event != end);
    if (weakest < 0)
        bug("a cycle without an edge that can be broken");
    say_broken(g, &g->needs.at[weakest]);
    g->broken[weakest] = true;
    lower(o, event_to(&g->needs.at[weakest]));
}

static void sort_events(struct kube_graph *g, struct order *o)
{
    int events = 2 * g->len, done = 0, stuck = 0;

    for (int i = 0; i < g->len; i++)
        o->indegree[READY(i)]++;
    for (size_t k = 0; k < g->needs.len; k++)
        o->indegree[event_to(&g->needs.at[k])]++;
    for (int e = 0; e < events; e++) {
        if (o->indegree[e] == 0)
            emit(o, e);
    }
    while (o->len < events || done < o->len) {
        if (done < o->len) {
            release(g, o, o->events[done++]);
            continue;
        }
        while (o->indegree[stuck] < 0)
            stuck++;
        break_cycle(g, o, stuck);
    }
}

/* --- urgency ------------------------------------------------------------------------------------
 */

/* Values of a tree, counted up to a limit: what an object costs to parse, check and store. */
static int64_t count_values(const json_t *v, int64_t limit)
{
    int64_t n = 1;
    const json_t *child;
    size_t i;

    if (json_is_array(v)) {
        json_array_foreach (v, i, child) {
            if (n >= limit)
                break;
            n += count_values(child, limit - n);
        }
    } else if (json_is_object(v)) {
        for (void *it = json_object_iter((json_t *)v); it && n < limit;
             it = json_object_iter_next((json_t *)v, it))
            n += count_values(json_object_iter_value(it), limit - n);
    }
    return n;
}

static void estimate(struct kube_graph *g)
{
    for (int i = 0; i < g->len; i++) {
        const json_t *object = json_array_get(g->objects, (size_t)i);
        struct gvk gvk = gvk_of(object);
        struct state *s = &g->nodes[i];

        s->cost = COST_REQUEST + COST_PER_VALUE * count_values(object, COST_MAX_VALUES);
        if (needs_is_workload(gvk.group, gvk.kind))
            s->delay = DELAY_WORKLOAD;
        else if (!strcmp(gvk.kind, "CustomResourceDefinition"))
            s->delay = DELAY_CRD;
        else if (!strcmp(gvk.group, "admissionregistration.k8s.io"))
            s->delay = DELAY_WEBHOOK;
        else if (!strcmp(gvk.group, "cert-manager.io"))
            s->delay = DELAY_CERTIFICATE;
    }
}

/* after[e]: the time from event e to the end, which is when everything is ready. */
static void find_urgency(struct kube_graph *g, const struct order *o)
{
    int64_t *after = mem_calloc((size_t)(2 * g->len) + 1, sizeof(*after));

    for (int e = o->len; e-- > 0;) {
        int event = o->events[e], node = event / 2;
        const struct state *s = &g->nodes[node];

        if (event == APPLIED(node))
            after[event] = after[READY(node)] + s->delay;
        for (size_t i = 0; i < s->outs; i++) {
            size_t k = g->outgoing[s->first_out + i];
            const struct need *n = &g->needs.at[k];
            int64_t way = after[event_to(n)];

            if (n->reason != NEED_CERTIFICATE)
                way += g->nodes[n->to].cost;
            if (!g->broken[k] && event_from(n) == event && way > after[event])
                after[event] = way;
        }
    }
    for (int i = 0; i < g->len; i++)
        g->nodes[i].urgency = g->nodes[i].cost + after[APPLIED(i)];
    free(after);
}

/* --- building -----------------------------------------------------------------------------------
 */

static void index_needs(struct kube_graph *g)
{
    size_t at = 0;

    for (size_t k = 0; k < g->needs.len; k++) {
        const struct need *n = &g->needs.at[k];

        g->nodes[n->from].outs++;
        if (!g->nodes[n->to].ins++)
            g->nodes[n->to].first_in = k;
    }
    for (int i = 0; i < g->len; i++) {
        g->nodes[i].first_out = at;
        at += g->nodes[i].outs;
        g->nodes[i].outs = 0;
    }
    for (size_t k = 0; k < g->needs.len; k++) {
        struct state *s = &g->nodes[g->needs.at[k].from];

        g->outgoing[s->first_out + s->outs++] = k;
    }
}

/* Whether a need counts for sending. */
static bool holds_back(const struct kube_graph *g, size_t k)
{
    return !g->broken[k] && g->needs.at[k].reason != NEED_CERTIFICATE;
}

struct kube_graph *kube_graph_new(json_t *objects)
{
    struct kube_graph *g = mem_calloc(1, sizeof(*g));
    size_t len = json_array_size(objects);
    struct order o = {mem_calloc(2 * len + 1, sizeof(int)), mem_calloc(2 * len + 1, sizeof(int)), 0,
                      mem_calloc(2 * len + 1, sizeof(int)), 0};

    g->objects = objects;
    g->len = (int)len;
    needs_find(objects, &g->needs);
    g->nodes = mem_calloc(len + 1, sizeof(*g->nodes));
    g->heap = mem_calloc(len + 1, sizeof(*g->heap));
    g->broken = mem_calloc(g->needs.len + 1, sizeof(*g->broken));
    g->outgoing = mem_calloc(g->needs.len + 1, sizeof(*g->outgoing));
    index_needs(g);
    estimate(g);
    sort_events(g, &o);
    find_urgency(g, &o);
    for (size_t k = 0; k < g->needs.len; k++) {
        if (holds_back(g, k)) {
            g->nodes[g->needs.at[k].to].needs_left++;
            g->nodes[g->needs.at[k].from].needed_ready |= g->needs.at[k].ready;
        }
    }
    for (int i = 0; i < g->len; i++) {
        if (!g->nodes[i].needs_left)
            heap_push(g, i);
    }
    free(o.indegree);
    free(o.events);
    free(o.mark);
    return g;
}

void kube_graph_free(struct kube_graph *g)
{
    if (!g)
        return;
    needs_done(&g->needs);
    free(g->broken);
    free(g->outgoing);
    free(g->nodes);
    free(g->heap);
    free(g);
}

/* --- walking ------------------------------------------------------------------------------------
 */

int kube_graph_take(struct kube_graph *g)
{
    while (g->heap_len) {
        int node = heap_pop(g);

        if (!g->nodes[node].started) {
            g->nodes[node].started = true;
            return node;
        }
    }
    return -1;
}

static void meet(struct kube_graph *g, int node, bool ready)
{
    const struct state *s = &g->nodes[node];

    for (size_t i = 0; i < s->outs; i++) {
        size_t k = g->outgoing[s->first_out + i];
        const struct need *n = &g->needs.at[k];

        if (holds_back(g, k) && n->ready == ready && !--g->nodes[n->to].needs_left &&
            !g->nodes[n->to].started)
            heap_push(g, n->to);
    }
}

void kube_graph_applied(struct kube_graph *g, int node)
{
    struct state *s = &g->nodes[node];

    if (s->applied)
        return;
    s->started = s->applied = true;
    g->applied++;
    meet(g, node, false);
}

void kube_graph_ready(struct kube_graph *g, int node)
{
    struct state *s = &g->nodes[node];

    kube_graph_applied(g, node);
    if (s->ready)
        return;
    s->ready = true;
    meet(g, node, true);
}

bool kube_graph_all_applied(const struct kube_graph *g)
{
    return g->applied == g->len;
}

bool kube_graph_needed_ready(const struct kube_graph *g, int node)
{
    return g->nodes[node].needed_ready;
}

/* --- messages -----------------------------------------------------------------------------------
 */

int kube_graph_waits_for(const struct kube_graph *g, int node, enum kube_need *ret_need)
{
    const struct state *s = &g->nodes[node];
    const struct need *found = NULL;

    for (size_t k = s->first_in; k < s->first_in + s->ins && !s->started; k++) {
        const struct need *n = &g->needs.at[k];
        const struct state *from = &g->nodes[n->from];

        if (!holds_back(g, k) || (n->ready ? from->ready : from->applied))
            continue;
        if (!found || (from->started && !g->nodes[found->from].started))
            found = n;
    }
    if (!found)
        return -1;
    *ret_need = found->ready ? KUBE_NEED_READY : KUBE_NEED_APPLIED;
    return found->from;
}

const char *kube_graph_why(const struct kube_graph *g, int node, int other)
{
    static const char *const words[] = {
        [NEED_KIND] = "which defines its kind",
        [NEED_NAMESPACE] = "its namespace",
        [NEED_ROLE] = "the role that it grants",
        [NEED_REFERENCE] = "which its pods need",
        [NEED_ISSUER] = "its issuer",
        [NEED_SERVER] = "which answers it",
        [NEED_CONVERSION] = "which converts its versions",
        [NEED_NETWORK] = "which connects its pods",
        [NEED_WEBHOOK] = "which checks or changes it on the way in",
        [NEED_CERTIFICATE] = "which makes its certificate",
    };
    const struct state *s = &g->nodes[node];

    for (size_t k = s->first_in; k < s->first_in + s->ins; k++) {
        if (g->needs.at[k].from == other)
            return words[g->needs.at[k].reason];
    }
    return "";
}

/* --- phases -------------------------------------------------------------------------------------
 */

enum phase {
    PHASE_NAMESPACE,
    PHASE_CRD,
    PHASE_CONFIG,
    PHASE_WORKLOAD,
    PHASE_WEBHOOK,
    PHASE_CUSTOM
};

/* Groups of Kubernetes itself; ".k8s.io" alone doesn't tell (jobset.x-k8s.io,
 * metacontroller.k8s.io, gateway.networking.k8s.io are custom resources). */
static const char *const builtin_groups[] = {
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
};

int kube_graph_phase(const json_t *object)
{
    struct gvk gvk = gvk_of(object);
    bool builtin = false;

    for (size_t i = 0; i < ARRAY_LEN(builtin_groups) && !builtin; i++)
        builtin = !strcmp(builtin_groups[i], gvk.group);
    if (!builtin)
        return PHASE_CUSTOM;
    if (!strcmp(gvk.kind, "Namespace"))
        return PHASE_NAMESPACE;
    if (!strcmp(gvk.kind, "CustomResourceDefinition"))
        return PHASE_CRD;
    if (!strcmp(gvk.group, "admissionregistration.k8s.io"))
        return PHASE_WEBHOOK;
    return needs_is_workload(gvk.group, gvk.kind) ? PHASE_WORKLOAD : PHASE_CONFIG;
}
