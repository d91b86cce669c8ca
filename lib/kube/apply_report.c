#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/apply_run.h"
#include "lib/kube/explain.h"

#include "lib/base/banned.h"

#define MAX_EXPLAINED 5 /* objects that get a full explanation in one run */

size_t apply_count(const struct run *r, enum node_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < r->nnodes; i++)
        n += r->nodes[i].state == state;
    return n;
}

void apply_say_progress(struct run *r)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    int shown = 0;

    if (clock_now_ms() < r->next_progress)
        return;
    r->next_progress = clock_deadline(APPLY_PROGRESS_MS);
    for (size_t i = 0; i < r->nnodes && shown < 3; i++) {
        const struct node *n = &r->nodes[i];

        if (n->state == NODE_APPLIED || n->state == NODE_SERVING || n->state == NODE_LEAVING)
            buf_printf(&text, "%s%s (%s)", shown++ ? ", " : "; waiting for ", n->key,
                       n->why ? n->why : "not ready yet");
    }
    log_info(APPLY_MODULE, "%s: %zu of %zu objects ready%s", r->o->what, r->result->ready,
             r->nnodes, buf_str(&text));
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

void apply_report_unready(struct run *r, const char *how)
{
    size_t explained = 0;

    for (size_t i = 0; i < r->nnodes; i++) {
        struct node *n = &r->nodes[i];
        struct buf text = BUF_INIT;

        if (is_sent(n))
            kube_problems_add(
                &r->result->problems, ERR_TIMEOUT, n->key,
                mem_printf("%s, not applied: %s", how, n->why ? n->why : "no answer yet"));
        if (n->state != NODE_APPLIED && n->state != NODE_SERVING)
            continue;
        buf_printf(&text, "%s, not ready: %s\n", how, n->why ? n->why : "no status yet");
        if (n->state == NODE_SERVING && explained < MAX_EXPLAINED)
            look_at_crd(r, n);
        if (explained++ < MAX_EXPLAINED)
            kube_explain(r->o->client, n->last_seen ? n->last_seen : n->object, r->o->cancel,
                         &text);
        kube_problems_add(&r->result->problems, ERR_TIMEOUT, n->key, buf_take(&text));
    }
}

void apply_report_unsent(struct run *r)
{
    size_t unsent = apply_count(r, NODE_WAITING);
    enum kube_need need;

    r->result->complete = !unsent && !apply_count(r, NODE_APPLYING) &&
                          !apply_count(r, NODE_TAKING_OVER) && !apply_count(r, NODE_FILLING) &&
                          json_object_size(r->result->record) == r->nnodes;
    if (!unsent || !r->failed)
        return;
    for (size_t i = 0; i < r->nnodes; i++) {
        int other;

        if (r->nodes[i].state != NODE_WAITING)
            continue;
        other = kube_graph_waits_for(r->graph, (int)i, &need);
        kube_problems_add(&r->result->problems, ERR_FAIL, "",
                          mem_printf("%zu more objects weren't sent because they need what failed; "
                                     "the first is %s, which needs %s",
                                     unsent, r->nodes[i].key,
                                     other >= 0 ? r->nodes[other].key : "another object"));
        return;
    }
}
