/* The words of an apply: how far it is, what it waits for, and why that isn't ready. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/apply_run.h"
#include "lib/kube/applyset.h"
#include "lib/kube/explain.h"
#include "lib/kube/pods.h"
#include "lib/kube/readiness.h"

#include "lib/base/banned.h"

#define MAX_EXPLAINED    8    /* objects that get a full explanation in one run */
#define MAX_NAMED        3    /* objects that a line of progress names */
#define MAX_GROUPS_NAMED 6    /* components that it names */
#define PODS_TIMEOUT_MS  2000 /* that a line may take to ask for pods */

size_t apply_count(const struct run *r, enum node_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < r->nnodes; i++)
        n += r->nodes[i].state == state;
    return n;
}

/* --- what is waited for -------------------------------------------------------------------------- */

static bool has_pods(const struct node *n)
{
    struct gvk gvk = gvk_of(n->object);

    return kube_has_pods(gvk.group, gvk.kind);
}

static bool is_webhook(const struct node *n)
{
    return !strcmp(gvk_of(n->object).group, "admissionregistration.k8s.io");
}

/* What others wait for comes first: a workload is behind most of what isn't ready, a webhook
 * configuration waits for one, and a CRD is only waited for until its kind is served. What nothing
 * was heard of yet comes after what is known not to be ready. */
static int rank_of(const struct node *n)
{
    int rank = n->state == NODE_SERVING   ? 4
               : has_pods(n)              ? 0
               : n->state == NODE_LEAVING ? 1
               : is_webhook(n)            ? 3
                                          : 2;

    return n->why ? rank : rank + 5;
}

static bool is_waited_for(const struct node *n)
{
    return n->state == NODE_APPLIED || n->state == NODE_SERVING || n->state == NODE_LEAVING;
}

static int by_rank(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    int rx = rank_of(x), ry = rank_of(y);

    return rx != ry ? rx - ry : x->index - y->index;
}

typedef VEC(struct node *) nodes;

/* The nodes that are waited for, most telling ones first. */
static void collect_waited_for(const struct run *r, nodes *out)
{
    for (size_t i = 0; i < r->nnodes; i++)
        if (is_waited_for(&r->nodes[i]))
            vec_push(out, &r->nodes[i]);
    if (out->len)
        qsort(out->at, out->len, sizeof(*out->at), by_rank);
}

static const json_t *newest_of(const struct node *n)
{
    return n->last_seen ? n->last_seen : n->object;
}

/* --- progress ------------------------------------------------------------------------------------ */

struct group {
    const char *name;
    size_t ready, total;
};

typedef VEC(struct group) groups;

static void count_in(groups *list, const char *name, bool ready)
{
    size_t i = 0;

    while (i < list->len && strcmp(list->at[i].name, name) != 0)
        i++;
    if (i == list->len)
        vec_push(list, ((struct group){.name = name}));
    list->at[i].total++;
    list->at[i].ready += ready;
}

/* " (14 components, cert-manager 48/49, istio 12/37 and 5 more)": those that are ready as a number. */
static void put_groups(const struct run *r, struct buf *out)
{
    groups list = VEC_INIT;
    size_t complete = 0, named = 0;

    for (size_t i = 0; i < r->nnodes; i++) {
        const char *name = applyset_component(r->nodes[i].object);

        if (name[0])
            count_in(&list, name, r->nodes[i].state == NODE_DONE);
    }
    for (size_t i = 0; i < list.len; i++)
        complete += list.at[i].ready == list.at[i].total;
    if (list.len)
        buf_printf(out, " (%zu of %zu components", complete, list.len);
    for (size_t i = 0; i < list.len; i++) {
        if (list.at[i].ready == list.at[i].total || ++named > MAX_GROUPS_NAMED)
            continue;
        buf_puts(out, ", ");
        utf8_put_line(out, list.at[i].name, READINESS_MAX_MESSAGE);
        buf_printf(out, " %zu/%zu", list.at[i].ready, list.at[i].total);
    }
    if (named > MAX_GROUPS_NAMED)
        buf_printf(out, " and %zu more", named - MAX_GROUPS_NAMED);
    if (list.len)
        buf_putc(out, ')');
    vec_done(&list);
}

/* Asked only while nothing else is under way: the line isn't worth a delay. */
static void ask_pods(struct run *r, struct node *const *shown, size_t n, json_t **pods)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = NULL;
    int64_t deadline = clock_deadline(PODS_TIMEOUT_MS);
    struct kube_result res;

    if (kube_pending(r->queue))
        return;
    q = kube_queue_new(r->o->client);
    for (size_t i = 0; i < n; i++)
        if (has_pods(shown[i]))
            kube_pods_ask(q, newest_of(shown[i]), PODS_TIMEOUT_MS, &pods[i]);
    while (kube_pending(q) && !kube_next(q, deadline, r->o->cancel, &res)) {
        if (!res.code)
            *(json_t **)res.user = json_incref(json_object_get(res.body, "items"));
        kube_result_done(&res);
    }
}

/* How many of the first ones are worth naming: those that are known not to be ready. What was merely
 * sent is named when nothing else is left. */
static size_t worth_naming(const nodes *waited, bool sending)
{
    size_t n = 0;

    while (n < waited->len && n < MAX_NAMED && waited->at[n]->why)
        n++;
    if (!n && !sending)
        n = waited->len < MAX_NAMED ? waited->len : MAX_NAMED;
    return n;
}

static void put_waited_for(struct run *r, bool sending, struct buf *out)
{
    nodes waited = VEC_INIT;
    json_t *pods[MAX_NAMED] = {NULL};
    size_t named;

    collect_waited_for(r, &waited);
    named = worth_naming(&waited, sending);
    ask_pods(r, waited.at, named, pods);
    for (size_t i = 0; i < named; i++) {
        const struct node *n = waited.at[i];

        buf_printf(out, "%s%s (%s", i ? ", " : "; waiting for ", n->key,
                   n->why ? n->why : "not ready yet");
        kube_put_pod(newest_of(n), pods[i], "; ", out);
        buf_putc(out, ')');
        json_decref(pods[i]);
    }
    if (named && waited.len > named)
        buf_printf(out, " and %zu more", waited.len - named);
    vec_done(&waited);
}

/* What keeps the rest from being sent, when nothing is under way. */
static void put_needed(const struct run *r, struct buf *out)
{
    enum kube_need need;
    size_t i = 0;
    int other;

    while (i < r->nnodes && r->nodes[i].state != NODE_WAITING)
        i++;
    if (i == r->nnodes || kube_pending(r->queue))
        return;
    other = kube_graph_waits_for(r->graph, (int)i, &need);
    if (other >= 0)
        buf_printf(out, "; next is %s, which needs %s, %s", r->nodes[i].key, r->nodes[other].key,
                   kube_graph_why(r->graph, (int)i, other));
}

void apply_put_progress(struct run *r, struct buf *out)
{
    size_t unsent = apply_count(r, NODE_WAITING) + apply_count(r, NODE_APPLYING) +
                    apply_count(r, NODE_TAKING_OVER) + apply_count(r, NODE_LOOKING) + r->failed;

    if (unsent)
        buf_printf(out, "%s: sending, %zu of %zu objects applied, %zu ready", r->o->what,
                   r->nnodes - unsent, r->nnodes, r->result->ready);
    else
        buf_printf(out, "%s: all %zu objects applied, %zu ready", r->o->what, r->nnodes,
                   r->result->ready);
    if (r->failed)
        buf_printf(out, ", %zu failed", r->failed);
    put_groups(r, out);
    put_needed(r, out);
    put_waited_for(r, unsent > 0, out);
}

void apply_say_progress(struct run *r)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;

    if (clock_now_ms() < r->next_progress)
        return;
    r->next_progress = clock_deadline(APPLY_PROGRESS_MS);
    if (!log_enabled(LOG_INFO))
        return;
    apply_put_progress(r, &text);
    log_info(APPLY_MODULE, "%s", buf_str(&text));
}

/* --- at the end ---------------------------------------------------------------------------------- */

void apply_explain(struct run *r, const struct node *n, struct buf *out)
{
    const char *component = applyset_component(n->object);

    if (component[0]) {
        buf_puts(out, "  component ");
        utf8_put_line(out, component, READINESS_MAX_MESSAGE);
        buf_putc(out, '\n');
    }
    kube_explain(r->o->client, newest_of(n), r->o->cancel, out);
}

static bool is_sent(const struct node *n)
{
    return n->state == NODE_APPLYING || n->state == NODE_TAKING_OVER || n->state == NODE_LOOKING ||
           n->state == NODE_LEAVING || n->state == NODE_FILLING;
}

/* CRDs aren't watched: what keeps one from being served is asked for when it matters. */
static void look_at_crd(struct run *r, struct node *n)
{
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = n->resource,
                               .name = krm_str(n->object, "metadata", "name", NULL),
                               .timeout_ms = EXPLAIN_TIMEOUT_MS,
                               .retry_ms = -1};
    struct kube_result res;

    if (!kube_do(r->o->client, &req, r->o->cancel, &res)) {
        json_decref(n->last_seen);
        n->last_seen = json_incref(res.body);
    }
    kube_result_done(&res);
}

static char *unready_text(struct run *r, struct node *n, const char *how, bool explained)
{
    struct buf text = BUF_INIT;

    buf_printf(&text, "%s, not ready: %s\n", how, n->why ? n->why : "no status yet");
    if (explained && n->state == NODE_SERVING)
        look_at_crd(r, n);
    if (explained)
        apply_explain(r, n, &text);
    return buf_take(&text);
}

void apply_report_unready(struct run *r, const char *how)
{
    nodes waited = VEC_INIT;
    size_t explained = 0;

    collect_waited_for(r, &waited);
    for (size_t i = 0; i < waited.len; i++) {
        struct node *n = waited.at[i];

        if (n->state != NODE_LEAVING)
            kube_problems_add(&r->result->problems, ERR_TIMEOUT, n->key,
                              unready_text(r, n, how, explained++ < MAX_EXPLAINED));
    }
    vec_done(&waited);
    for (size_t i = 0; i < r->nnodes; i++) {
        const struct node *n = &r->nodes[i];

        if (is_sent(n))
            kube_problems_add(
                &r->result->problems, ERR_TIMEOUT, n->key,
                mem_printf("%s, not applied: %s", how, n->why ? n->why : "no answer yet"));
    }
}

void apply_report_unsent(struct run *r)
{
    size_t unsent = apply_count(r, NODE_WAITING);
    bool timed_out = kube_problems_code(&r->result->problems) == ERR_TIMEOUT;
    enum kube_need need;

    r->result->complete = !unsent && !apply_count(r, NODE_APPLYING) &&
                          !apply_count(r, NODE_TAKING_OVER) && !apply_count(r, NODE_FILLING) &&
                          json_object_size(r->result->record) == r->nnodes;
    if (!unsent || (!r->failed && !timed_out))
        return;
    for (size_t i = 0; i < r->nnodes; i++) {
        int other;

        if (r->nodes[i].state != NODE_WAITING)
            continue;
        other = kube_graph_waits_for(r->graph, (int)i, &need);
        kube_problems_add(&r->result->problems, ERR_FAIL, "",
                          mem_printf("%zu more objects weren't sent because they need what %s; "
                                     "the first is %s, which needs %s",
                                     unsent, r->failed ? "failed" : "isn't ready", r->nodes[i].key,
                                     other >= 0 ? r->nodes[other].key : "another object"));
        return;
    }
}
