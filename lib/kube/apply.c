/* The loop of kube_apply.
 *
 * Every object is a node with a state; three sources move it on:
 *
 *     taken from the graph --> (taking over) --> applying --> applied --> ready
 *                     (a Secret's values: before or after, apply_fill.c)
 *                               |       ^            |            |
 *              changed meanwhile --> looking again   |            |
 *                            being deleted: leaving <-+            |
 *                                                    |            |
 *           answers of the request queue -----------+            |
 *           a CRD's kind is served (apply_served.c) -------------+
 *           watch events of kinds whose readiness matters -------+
 *
 * Requests and watches share one queue, so one wait serves all.
 *
 * Invariants: a node is in flight at most once; the graph hears of "applied" and "ready" exactly
 * when it is so; a failed node is never reported to the graph, so what needs it stays unsent. */
#include "lib/kube/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/apply_run.h"
#include "lib/kube/applyset.h"
#include "lib/kube/conflict.h"
#include "lib/kube/discovery.h"
#include "lib/kube/graph.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/members.h"
#include "lib/kube/ours.h"
#include "lib/kube/readiness.h"
#include "lib/kube/watch.h"

#include "lib/base/banned.h"

#define MODULE          APPLY_MODULE
#define IDLE_MS         1000 /* at most between two looks at the clock */
#define DRAIN_MS        5000 /* at an early end: for what is in flight */
#define MAX_LOOKS       5    /* at an object that changes while it is taken over */
#define MAX_REMADE      5    /* times that one object is made again because somebody deletes it */
#define LEAVING_POLL_MS 500

void kube_apply_result_done(struct kube_apply_result *r)
{
    kube_problems_done(&r->problems);
    json_decref(r->record);
    memset(r, 0, sizeof(*r));
}

/* --- ends of a node's life ---------------------------------------------------------------------
 */

void apply_node_failed(struct run *r, struct node *n, int code, char *text)
{
    n->state = NODE_FAILED;
    r->failed++;
    log_warn(MODULE, "%s: %s", n->key, text);
    kube_problems_add(&r->result->problems, code, n->key, text);
}

void apply_node_ready(struct run *r, struct node *n)
{
    n->state = NODE_DONE;
    r->result->ready++;
    kube_graph_ready(r->graph, n->index);
    log_debug(MODULE, "%s is ready", n->key);
}

static bool is_crd(const json_t *object)
{
    return !strcmp(gvk_of(object).kind, "CustomResourceDefinition");
}

static bool can_be_unready(const struct node *n)
{
    return kube_readiness_matters(n->resource->group, n->resource->kind) &&
           applyset_is_waited_for(n->object);
}

/* Subscribes to the kind of a node, once per kind. */
static void watch_kind(struct run *r, const struct node *n)
{
    char *name CLEANUP(mem_cleanup) = mem_printf("%s.%s", n->resource->plural, n->resource->group);

    if (json_object_get(r->watched, name))
        return;
    json_object_set_new(r->watched, name, json_true());
    kube_watch(r->watcher, n->resource, NULL, r->selector, NULL, (void *)n->resource);
}

/* Looks at the newest that a watch has said of an applied node. It may have come before the answer to
 * our own request. */
static void judge(struct run *r, struct node *n)
{
    struct buf why CLEANUP(buf_done) = BUF_INIT;
    enum kube_readiness readiness;

    if (!n->last_seen ||
        json_integer_value(krm_get(n->last_seen, "metadata", "generation", NULL)) < n->generation)
        return;
    readiness = kube_readiness_of(n->last_seen, &why);
    free(n->why);
    n->why = buf_take(&why);
    if (readiness == KUBE_READY) {
        apply_node_ready(r, n);
    } else if (readiness == KUBE_FAILED) {
        struct buf text = BUF_INIT;

        buf_printf(&text, "%s\n", n->why);
        apply_explain(r, n, &text);
        apply_node_failed(r, n, ERR_FAIL, buf_take(&text));
    }
}

/* The object is in the cluster as it should be. */
static void node_applied(struct run *r, struct node *n)
{
    bool matters = kube_graph_needed_ready(r->graph, n->index) || r->o->wait;

    n->state = NODE_APPLIED;
    kube_graph_applied(r->graph, n->index);
    if (is_crd(n->object)) {
        kube_discovery_add_crd(r->o->client, n->object);
        if (matters)
            apply_await_served(r, n);
        else
            apply_node_ready(r, n);
    } else if (matters && can_be_unready(n)) {
        watch_kind(r, n);
        judge(r, n);
    } else {
        apply_node_ready(r, n);
    }
}

/* --- sending -----------------------------------------------------------------------------------
 */

/* The object with our label and annotations; the caller's stays as it is. */
static json_t *dressed(const struct run *r, const struct node *n)
{
    json_t *object = json_copy(n->object);
    json_t *metadata = json_copy(json_object_get(n->object, "metadata"));
    json_t *labels = json_copy(json_object_get(metadata, "labels"));
    json_t *annotations = json_copy(json_object_get(metadata, "annotations"));

    if (!labels)
        labels = json_object();
    if (!annotations)
        annotations = json_object();
    json_object_set_new(labels, APPLYSET_MEMBER_LABEL, json_string(r->o->set_id));
    json_object_set_new(annotations, APPLYSET_CONTENT, json_string(n->content));
    if (n->adopted)
        json_object_set_new(annotations, APPLYSET_ADOPTED, json_string("true"));
    json_object_set_new(metadata, "labels", labels);
    json_object_set_new(metadata, "annotations", annotations);
    json_object_set_new(object, "metadata", metadata);
    return object;
}

static void send_apply(struct run *r, struct node *n, bool force)
{
    json_auto_t *body = dressed(r, n);
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = n->resource,
                               .namespace = krm_str(n->object, "metadata", "namespace", NULL),
                               .name = krm_str(n->object, "metadata", "name", NULL),
                               .accept = APPLY_METADATA_ANSWER,
                               .field_manager = r->o->manager,
                               .force = force,
                               .body = body,
                               /* its CRD or namespace may just have been made */
                               .not_served_retry = true,
                               .user = n};

    n->state = NODE_APPLYING;
    n->forced = force;
    r->result->sent++;
    kube_start(r->queue, &req);
}

/* Adopting what kubectl made: its field managers' entries become ours first, in one patch guarded
 * by resourceVersion, so that fields which we later drop really go. */
static bool send_take_over(struct run *r, struct node *n, const json_t *metadata)
{
    json_t *fields = managed_fields_take_over(metadata, r->o->manager, NULL,
                                              json_object_get(r->o->left, n->key));
    json_auto_t *patch = NULL;
    struct kube_request req = {.verb = KUBE_JSON_PATCH,
                               .resource = n->resource,
                               .namespace = krm_str(n->object, "metadata", "namespace", NULL),
                               .name = krm_str(n->object, "metadata", "name", NULL),
                               .accept = APPLY_METADATA_ANSWER,
                               .field_manager = r->o->manager,
                               .user = n};

    if (!fields)
        return false;
    patch = json_pack("[{s:s, s:s, s:o}, {s:s, s:s, s:s}]", "op", "replace", "path",
                      "/metadata/managedFields", "value", fields, "op", "replace", "path",
                      "/metadata/resourceVersion", "value",
                      krm_str(metadata, "metadata", "resourceVersion", NULL));
    req.body = patch;
    n->state = NODE_TAKING_OVER;
    kube_start(r->queue, &req);
    return true;
}

/* The patch named a version that isn't there any more: controllers write status all the time, and the
 * object was read before the phases that went before it. */
static void look_anew(struct run *r, struct node *n)
{
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = n->resource,
                               .namespace = krm_str(n->object, "metadata", "namespace", NULL),
                               .name = krm_str(n->object, "metadata", "name", NULL),
                               .metadata_only = true,
                               .user = n};

    if (n->state == NODE_LEAVING) {
        n->look_at = INT64_MAX;
    } else {
        n->looks++;
        n->state = NODE_LOOKING;
    }
    kube_start(r->queue, &req);
}

/* What stood under the node's name before the apply; NULL if it went with its namespace since. */
static const json_t *existing_of(const struct run *r, const struct node *n)
{
    const char *namespace = krm_str(n->object, "metadata", "namespace", NULL);

    return json_object_get(r->remade, namespace) ? NULL : json_object_get(r->o->existing, n->key);
}

/* The next request for an object that is to be applied. */
static void proceed(struct run *r, struct node *n)
{
    if (!n->made && apply_lacks_values(n))
        apply_send_values(r, n);
    else
        send_apply(r, n, r->o->force_conflicts);
}

/* The object itself is as it should be. */
static void settle(struct run *r, struct node *n)
{
    n->sent = true;
    if (apply_lacks_values(n))
        apply_send_values(r, n);
    else
        node_applied(r, n);
}

static void start_node(struct run *r, struct node *n)
{
    struct gvk gvk = gvk_of(n->object);
    const json_t *existing = existing_of(r, n);
    const json_t *record = json_object_get(r->o->record, n->key);
    bool ours = existing && kube_is_ours(existing, r->o->set_id, record);
    struct err err CLEANUP(err_done) = ERR_INIT;
    int rc = kube_resource_for(r->o->client, gvk.group, gvk.version, gvk.kind, r->o->cancel,
                               &n->resource, &err);

    if (rc) {
        char *text =
            rc == ERR_NOT_FOUND
                ? mem_printf("the cluster doesn't serve %s %s: the CustomResourceDefinition "
                             "that brings it isn't installed; install the component that "
                             "owns it first (depends_on)",
                             krm_str(n->object, "apiVersion", NULL), gvk.kind)
                : mem_strdup(err_msg(&err));

        apply_node_failed(r, n, rc, text);
        return;
    }
    n->made = !existing;
    n->adopted =
        existing &&
        (!ours ||
         !strcmp(krm_str(existing, "metadata", "annotations", APPLYSET_ADOPTED, NULL), "true"));
    if (ours && kube_unchanged(existing, record, n->content, r->o->manager)) {
        r->result->unchanged++;
        n->generation = json_integer_value(krm_get(existing, "metadata", "generation", NULL));
        json_object_set_new(r->result->record, n->key, kube_record_entry(existing, r->o->manager));
        settle(r, n);
        return;
    }
    if (existing && !ours && r->o->adopt && send_take_over(r, n, existing))
        return;
    proceed(r, n);
}

/* --- answers -----------------------------------------------------------------------------------
 */

/* A conflict about fields that were ours before is drift to be repaired: again, with force. */
static void on_conflict(struct run *r, struct node *n, struct kube_result *res)
{
    const json_t *before = json_object_get(r->o->previous, n->key);
    const json_t *existing = existing_of(r, n);

    /* What we applied last is what we apply now: every field of it was ours. */
    if (!before && existing &&
        kube_is_ours(existing, r->o->set_id, json_object_get(r->o->record, n->key)) &&
        !strcmp(krm_str(existing, "metadata", "annotations", APPLYSET_CONTENT, NULL), n->content))
        before = n->object;
    if (!n->forced && kube_conflict_was_ours(&res->status, before)) {
        log_info(MODULE, "%s: taking back what others changed", n->key);
        send_apply(r, n, true);
        return;
    }
    apply_node_failed(r, n, ERR_CONFLICT, kube_conflict_text(&res->status, "force_conflicts"));
}

static bool is_leaving(const json_t *metadata)
{
    return krm_get(metadata, "metadata", "deletionTimestamp", NULL) != NULL;
}

/* Says what it waits for, and when to look again. */
static void still_leaving(struct node *n, const json_t *metadata)
{
    struct buf why = BUF_INIT;
    const json_t *finalizer;
    size_t i;

    buf_puts(&why, "the old one is being deleted");
    json_array_foreach (krm_get(metadata, "metadata", "finalizers", NULL), i, finalizer)
        buf_printf(&why, "%s%s",
                   i ? ", " : " and waits for its finalizers: ", json_string_value(finalizer));
    free(n->why);
    n->why = buf_take(&why);
    n->state = NODE_LEAVING;
    n->look_at = clock_deadline(LEAVING_POLL_MS);
}

static void make_again(struct run *r, struct node *n)
{
    free(n->why);
    n->why = NULL;
    json_decref(n->last_seen);
    n->last_seen = NULL;
    if (!strcmp(gvk_of(n->object).kind, "Namespace"))
        json_object_set_new(r->remade, krm_str(n->object, "metadata", "name", NULL), json_true());
    n->made = true;
    n->sent = n->filled = false;
    if (n->remade++ == MAX_REMADE)
        apply_node_failed(r, n, ERR_CONFLICT, mem_strdup("somebody deletes it again and again"));
    else
        send_apply(r, n, r->o->force_conflicts);
}

static void on_left(struct run *r, struct node *n, const struct kube_result *res)
{
    const char *applied = krm_str(r->result->record, n->key, "u", NULL);
    bool here = !res->code && !is_leaving(res->body);

    if (here && !strcmp(krm_str(res->body, "metadata", "uid", NULL), applied)) {
        n->state = NODE_APPLIED; /* the watch's list was older than our apply */
        judge(r, n);
    } else if (here || res->code == ERR_NOT_FOUND) {
        make_again(r, n);
    } else if (!res->code) {
        still_leaving(n, res->body);
    } else if (!cancel_fired(r->o->cancel)) {
        apply_node_failed(r, n, res->code, mem_strdup(err_msg(&res->err)));
    }
}

/* What a kind's first list doesn't show may have been deleted before the watch began. */
static void look_at_unseen(struct run *r, const struct kube_resource *kind)
{
    for (size_t i = 0; i < r->nnodes; i++) {
        struct node *n = &r->nodes[i];

        if (n->state != NODE_APPLIED || n->resource != kind || n->last_seen)
            continue;
        n->state = NODE_LEAVING;
        n->look_at = clock_now_ms();
    }
}

/* Looks again where it is time to; returns when the next look is due. */
static int64_t look_again(struct run *r)
{
    int64_t now = clock_now_ms(), next = INT64_MAX;

    for (size_t i = 0; i < r->nnodes; i++) {
        struct node *n = &r->nodes[i];

        if (n->state != NODE_LEAVING && n->state != NODE_SERVING)
            continue;
        if (n->look_at <= now && n->state == NODE_LEAVING)
            look_anew(r, n);
        else if (n->look_at <= now)
            apply_ask_served(r, n);
        else if (n->look_at < next)
            next = n->look_at;
    }
    return next;
}

static void on_applied(struct run *r, struct node *n, const struct kube_result *res)
{
    if (is_leaving(res->body)) {
        log_info(MODULE, "%s is being deleted; it is made again when it is gone", n->key);
        still_leaving(n, res->body);
        return;
    }
    n->generation = json_integer_value(krm_get(res->body, "metadata", "generation", NULL));
    json_object_set_new(r->result->record, n->key, kube_record_entry(res->body, r->o->manager));
    log_debug(MODULE, "applied %s", n->key);
    settle(r, n);
}

static void on_filled(struct run *r, struct node *n, const struct kube_result *res)
{
    n->filled = true;
    log_debug(MODULE, "%s has its values", n->key);
    if (!n->sent) {
        send_apply(r, n, r->o->force_conflicts);
        return;
    }
    json_object_set_new(r->result->record, n->key, kube_record_entry(res->body, r->o->manager));
    node_applied(r, n);
}

/* What the API server says of a Secret may quote its values. */
static char *failure_of(const struct node *n, const struct kube_result *res)
{
    bool secret = n->state == NODE_FILLING || !strcmp(gvk_of(n->object).kind, "Secret");

    return secret ? apply_values_failure(res) : mem_strdup(err_msg(&res->err));
}

static void on_result(struct run *r, struct kube_result *res)
{
    struct node *n = res->user;

    if (n->state == NODE_SERVING && (!res->code || res->code == ERR_NOT_FOUND)) {
        apply_on_discovery(r, n, res);
    } else if (n->state == NODE_SERVING && !cancel_fired(r->o->cancel)) {
        apply_discovery_failed(r, n, res);
    } else if (n->state == NODE_TAKING_OVER && !res->code) {
        proceed(r, n);
    } else if (n->state == NODE_TAKING_OVER && res->code == ERR_CONFLICT && n->looks < MAX_LOOKS) {
        look_anew(r, n);
    } else if (n->state == NODE_LEAVING) {
        on_left(r, n, res);
    } else if (n->state == NODE_LOOKING && !res->code) {
        if (!send_take_over(r, n, res->body))
            proceed(r, n);
    } else if (n->state == NODE_FILLING && !res->code) {
        on_filled(r, n, res);
    } else if (n->state == NODE_APPLYING && !res->code) {
        on_applied(r, n, res);
    } else if (n->state == NODE_APPLYING && res->code == ERR_CONFLICT) {
        on_conflict(r, n, res);
    } else if (!cancel_fired(r->o->cancel)) {
        apply_node_failed(r, n, res->code, failure_of(n, res));
    }
    kube_result_done(res);
}

static void on_watched(struct run *r, const json_t *object, bool deleted)
{
    char *key CLEANUP(mem_cleanup) = kube_key(object);
    const json_t *number = json_object_get(r->index, key);
    struct node *n;

    if (!number)
        return;
    n = &r->nodes[json_integer_value(number)];
    if (deleted) {
        if (n->state == NODE_APPLIED && !strcmp(krm_str(object, "metadata", "uid", NULL),
                                                krm_str(r->result->record, n->key, "u", NULL))) {
            log_info(MODULE, "%s was deleted; it is made again", n->key);
            make_again(r, n);
        }
        return;
    }
    json_decref(n->last_seen);
    n->last_seen = json_incref((json_t *)object);
    if (n->state == NODE_APPLIED)
        judge(r, n);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

/* Takes what the watches have to say, waiting until the deadline for the first event. */
static int drain_watches(struct run *r, int64_t deadline, struct err *err)
{
    while (true) {
        enum kube_watch_event event;
        void *user = NULL;
        json_t *object = NULL;
        int rc = kube_watch_next(r->watcher, deadline, r->o->cancel, &event, &user, &object, err);

        if (rc)
            return rc == ERR_TIMEOUT ? 0 : rc;
        if (event == KUBE_WATCH_CHANGED || event == KUBE_WATCH_DELETED)
            on_watched(r, object, event == KUBE_WATCH_DELETED);
        else if (event == KUBE_WATCH_SYNCED)
            look_at_unseen(r, user);
        json_decref(object);
        if (event == KUBE_WATCH_FAILED)
            return err->code ? err->code : err_set(err, ERR_FAIL, "the watch ended");
        deadline = 0; /* only what is there already */
    }
}

/* Takes what answers and watches have to say, waiting until the deadline for the first news. */
static int take_news(struct run *r, int64_t deadline, struct err *err)
{
    while (kube_pending(r->queue)) {
        struct kube_result res;
        int rc = kube_next(r->queue, deadline, r->o->cancel, &res);

        if (rc == ERR_TIMEOUT) /* or an event of a watch */
            break;
        if (rc)
            return err_set(err, rc, "interrupted");
        on_result(r, &res);
        deadline = 0;
    }
    return drain_watches(r, deadline, err);
}

static bool goes_on(const struct run *r)
{
    return kube_pending(r->queue) || apply_count(r, NODE_APPLIED) || apply_count(r, NODE_LEAVING) ||
           apply_count(r, NODE_SERVING);
}

static int loop(struct run *r, struct err *err)
{
    while (true) {
        int64_t until;
        int node, rc;

        while ((node = kube_graph_take(r->graph)) >= 0) {
            start_node(r, &r->nodes[node]);
            if (cancel_fired(r->o->cancel))
                return err_set(err, ERR_CANCELLED, "interrupted");
        }
        until = look_again(r);
        if (!goes_on(r))
            return 0;
        if (!clock_left_ms(r->o->deadline))
            return err_set(err, ERR_TIMEOUT, "timed out");
        apply_say_progress(r);
        if (until > clock_deadline(IDLE_MS))
            until = clock_deadline(IDLE_MS);
        rc = take_news(r, until < r->o->deadline ? until : r->o->deadline, err);
        if (rc)
            return rc;
    }
}

/* Whether the request that is in flight is all that an object needed to be as it should be. */
static bool is_last_request(const struct node *n)
{
    return n->state == NODE_FILLING ? n->sent : n->state == NODE_APPLYING && !apply_lacks_values(n);
}

/* After a cancel, or another early end: nothing new is sent, but what is in flight may still succeed,
 * and the record should say so. */
static void drain_requests(struct run *r)
{
    int64_t deadline = clock_deadline(DRAIN_MS);
    struct cancel *stop CLEANUP(cancel_cleanup) = cancel_new(NULL);
    struct kube_result res;

    kube_watcher_free(r->watcher);
    r->watcher = NULL;
    cancel_fire(stop);
    if (!kube_next(r->queue, deadline, stop, &res)) /* never: the token has fired */
        kube_result_done(&res);
    while (kube_pending(r->queue) && !kube_next(r->queue, deadline, NULL, &res)) {
        struct node *n = res.user;

        if (!res.code && is_last_request(n)) {
            n->state = can_be_unready(n) ? NODE_APPLIED : NODE_DONE;
            json_object_set_new(r->result->record, n->key,
                                kube_record_entry(res.body, r->o->manager));
        } else if (res.code && n->state != NODE_LEAVING) {
            free(n->why);
            n->why = res.retry_after_reason[0] ? mem_strdup(res.retry_after_reason)
                                               : failure_of(n, &res);
        }
        kube_result_done(&res);
    }
}

static void run_init(struct run *r, const struct kube_apply_options *o,
                     struct kube_apply_result *result)
{
    json_t *object;
    size_t i;

    memset(r, 0, sizeof(*r));
    memset(result, 0, sizeof(*result));
    r->o = o;
    r->result = result;
    result->record = json_object();
    r->graph = kube_graph_new(o->objects);
    r->queue = kube_queue_new(o->client);
    r->watcher = kube_watcher_on(r->queue);
    r->selector = mem_printf("%s=%s", APPLYSET_MEMBER_LABEL, o->set_id);
    r->index = json_object();
    r->watched = json_object();
    r->remade = json_object();
    r->nnodes = json_array_size(o->objects);
    r->nodes = mem_calloc(r->nnodes, sizeof(*r->nodes));
    r->next_progress = clock_deadline(APPLY_PROGRESS_MS);
    json_array_foreach (o->objects, i, object) {
        struct node *n = &r->nodes[i];

        n->index = (int)i;
        n->object = object;
        n->key = kube_key(object);
        n->fill = json_object_get(o->fills, n->key);
        krm_content_hash(object, n->content);
        json_object_set_new(r->index, n->key, json_integer((json_int_t)i));
    }
}

static void run_done(struct run *r)
{
    for (size_t i = 0; i < r->nnodes; i++) {
        free(r->nodes[i].key);
        free(r->nodes[i].why);
        json_decref(r->nodes[i].last_seen);
    }
    free(r->nodes);
    free(r->selector);
    json_decref(r->index);
    json_decref(r->watched);
    json_decref(r->remade);
    kube_watcher_free(r->watcher);
    kube_queue_free(r->queue);
    kube_graph_free(r->graph);
}

int kube_apply(const struct kube_apply_options *o, struct kube_apply_result *result)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct run r;
    int rc;

    run_init(&r, o, result);
    log_info(MODULE, "%s: applying %zu objects", o->what, r.nnodes);
    rc = loop(&r, &err);
    if (rc)
        drain_requests(&r);
    if (rc == ERR_CANCELLED) {
        kube_problems_add(&result->problems, rc, "",
                          mem_strdup("interrupted; the next apply continues"));
    } else if (rc == ERR_TIMEOUT) {
        apply_report_unready(&r, "timed out");
    } else if (rc) {
        kube_problems_add_err(&result->problems, &err);
    }
    apply_report_unsent(&r);
    if (!result->problems.len && (rc || !result->complete))
        kube_problems_add(&result->problems, ERR_FAIL, "",
                          mem_printf("%zu of %zu objects were applied before the time ran out",
                                     json_object_size(result->record), r.nnodes));
    log_info(MODULE, "%s: %zu sent, %zu unchanged, %zu filled, %zu ready, %zu problems", o->what,
             result->sent, result->unchanged, result->filled, result->ready, result->problems.len);
    run_done(&r);
    return kube_problems_code(&result->problems);
}
