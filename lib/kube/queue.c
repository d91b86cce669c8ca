/* Calls of a queue and their retries.
 *
 * A call is UNSENT (waits for credentials or for its next try), IN_FLIGHT (the HTTP engine has it)
 * or FINISHED (its result waits to be taken). Only the queue's own thread moves calls; the engine
 * reports through the HTTP queue. Invariants:
 *   - `pending` counts all calls that kube_next hasn't returned;
 *   - an UNSENT call has a time (`due`), IN_FLIGHT ones have an http_call;
 *   - `attempts` of a class start anew when another class of failure comes;
 *   - while the server can't be reached (an outage), calls that failed of it wait, and one at a time
 *     goes out as a probe; the first answer of any call ends the outage, and all go on at once. So a
 *     restart costs the server, and whoever waits, as little as one call's retries. */
#include "lib/kube/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/yaml.h"
#include "lib/kube/client_parts.h"
#include "lib/kube/retry.h"
#include "lib/kube/status.h"

#include "lib/base/banned.h"

#define MODULE "kube.client"

enum call_state { UNSENT, IN_FLIGHT, FINISHED };

struct call {
    struct kube_ticket ticket;  /* what the HTTP engine brings back */
    struct kube_ticket *answer; /* of a call that another module started; NULL = kube_next's */
    struct kube_queue *queue;
    enum call_state state;
    struct kube_prepared prepared;
    struct kube_retry_traits traits;
    int64_t timeout_ms, retry_ms, webhook_ms;
    int64_t due; /* monotonic; of an UNSENT call */

    enum kube_retry_class class; /* of the last failure */
    int attempts;                /* failures of that class in a row */
    int64_t class_since;
    uint64_t generation; /* of the credentials of the last try */
    bool renewed;        /* 401 was answered with new credentials once */
    bool last_try;       /* the token fired: what comes next is the answer */
    bool probe;          /* in flight to see whether the server is back */
    bool urgent;

    struct http_call *http;
    struct kube_result result;
};

struct kube_queue {
    struct kube_client *client;
    struct http_queue *http;
    VEC(struct call *) calls; /* all that are pending, in no order */
    VEC(struct call *) done;  /* FINISHED, oldest first from `done_at` on */
    size_t done_at;
    size_t unsent;
    size_t foreign; /* of calls: those with an answer of their own */
    struct kube_attachment *attachment;
    uint32_t random;
    struct {
        bool on, probing;
        int failures; /* of probes */
        int64_t next_probe;
    } outage;
};

/* --- results ----------------------------------------------------------------------------------- */

void kube_result_done(struct kube_result *r)
{
    json_decref(r->body);
    err_done(&r->err);
    memset(r, 0, sizeof(*r));
}

static void call_free(struct call *c)
{
    if (c->http)
        http_abort(c->http);
    kube_prepared_done(&c->prepared);
    kube_result_done(&c->result);
    free(c);
}

static void finish(struct kube_queue *q, struct call *c)
{
    if (c->state == UNSENT)
        q->unsent--;
    c->state = FINISHED;
    if (c->http)
        http_call_free(c->http);
    c->http = NULL;
    vec_push(&q->done, c);
}

static void finish_with(struct kube_queue *q, struct call *c, int code, const char *text)
{
    json_decref(c->result.body);
    c->result.body = NULL;
    c->result.status = (struct kube_status){.reason = "", .message = ""};
    c->result.code = code;
    err_set(&c->result.err, code, "%s: %s", c->prepared.what, text);
    finish(q, c);
}

/* A good answer's body. Numbers beyond 64 bits, which jansson refuses, do occur in CRDs. */
static json_t *parse_body(const char *text, size_t len, struct err *err)
{
    json_error_t problem;
    json_t *body = json_loadb(text, len, JSON_DECODE_ANY, &problem);

    if (body)
        return body;
    if (json_error_code(&problem) == json_error_numeric_overflow &&
        !yaml_parse(text, len, "answer", &body, err))
        return body;
    err_set(err, ERR_FAIL, "the answer isn't JSON: %s", problem.text);
    return NULL;
}

static void take_answer(struct call *c)
{
    struct kube_result *r = &c->result;
    struct err problem CLEANUP(err_done) = ERR_INIT;
    size_t len;
    const char *text = http_call_body(c->http, &len);

    json_decref(r->body);
    r->body = NULL;
    err_done(&r->err);
    r->status =
        (struct kube_status){.http = http_call_status(c->http), .reason = "", .message = ""};
    r->code = kube_status_code(&r->status);
    if (!r->code) {
        r->body = len ? parse_body(text, len, &problem) : json_null();
        if (!r->body) {
            r->code = problem.code;
            err_set(&r->err, problem.code, "%s: %s", c->prepared.what, err_msg(&problem));
        }
        return;
    }
    r->body = kube_status_parse(r->status.http, text, len);
    kube_status_read(r->status.http, r->body, &r->status);
    r->code = kube_status_code(&r->status);
}

static void take_failure(struct call *c)
{
    struct kube_result *r = &c->result;
    struct err problem CLEANUP(err_done) = ERR_INIT;

    json_decref(r->body);
    r->body = NULL;
    r->status = (struct kube_status){.reason = "", .message = ""};
    r->code = kube_client_failure(c->http, &problem);
    err_set(&r->err, r->code, "%s: %s", c->prepared.what, err_msg(&problem));
}

/* The final text of what a server said no to. */
static void tell(struct call *c)
{
    struct kube_result *r = &c->result;
    struct buf words CLEANUP(buf_done) = BUF_INIT;

    if (!r->code || r->err.code)
        return;
    kube_status_words(&r->status, &words);
    err_set(&r->err, r->code, "%s: %s", c->prepared.what, buf_str(&words));
}

static void tell_tries(struct call *c)
{
    struct kube_result *r = &c->result;
    int64_t s = (clock_now_ms() - c->class_since) / 1000;
    struct err told CLEANUP(err_done) = ERR_INIT;

    if (!r->code || c->class == KUBE_RETRY_NONE || (c->attempts < 2 && !s))
        return;
    err_move(&told, &r->err);
    err_set(&r->err, told.code, "%s (given up after %d %s in %lld s)", err_msg(&told), c->attempts,
            c->attempts == 1 ? "try" : "tries", (long long)s);
}

/* --- tries ------------------------------------------------------------------------------------- */

static void send(struct kube_queue *q, struct call *c, bool may_block, struct cancel *cancel)
{
    struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;
    struct err problem CLEANUP(err_done) = ERR_INIT;
    struct kube_send_options o = {
        .timeout_ms = c->timeout_ms, .urgent = c->urgent, .user = &c->ticket};
    int rc = kube_credentials_get(q->client->config->credentials, may_block, cancel, &id, &problem);

    if (rc == ERR_RETRY || (rc == ERR_CANCELLED && cancel_fired(cancel)))
        return; /* stays UNSENT */
    if (rc) {
        finish_with(q, c, rc, err_msg(&problem));
        return;
    }
    c->generation = id->generation;
    c->result.tries++;
    c->state = IN_FLIGHT;
    c->probe = q->outage.on && c->class == KUBE_RETRY_CONNECTION;
    if (c->probe)
        q->outage.probing = true;
    q->unsent--;
    c->http = kube_client_send(q->client, q->http, &c->prepared, id, &o);
}

uint32_t kube_queue_random(struct kube_queue *q)
{
    q->random ^= q->random << 13;
    q->random ^= q->random >> 17;
    q->random ^= q->random << 5;
    return q->random;
}

/* Plans the next try of a call that failed, unless that is no use. */
static bool plan_retry(struct kube_queue *q, struct call *c, enum kube_retry_class class,
                       int64_t retry_after_ms)
{
    int64_t now = clock_now_ms(), limit = kube_retry_limit_ms(class, c->retry_ms, c->webhook_ms);
    int64_t pause;

    if (class != c->class) {
        c->class = class;
        c->attempts = 0;
        c->class_since = now;
    }
    c->attempts++;
    if (class == KUBE_RETRY_NONE || c->last_try || c->attempts >= kube_retry_max_tries(class))
        return false;
    pause = kube_retry_delay_ms(class, c->attempts - 1, kube_queue_random(q), retry_after_ms);
    if (now + pause - c->class_since > limit)
        return false;
    snprintf(c->result.retry_after_reason, sizeof(c->result.retry_after_reason), "%s",
             kube_retry_words(class));
    log_debug(MODULE, "%s: %s; again in %lld ms", c->prepared.what, kube_retry_words(class),
              (long long)pause);
    c->due = now + pause;
    return true;
}

/* --- outages ----------------------------------------------------------------------------------- */

static void end_outage(struct kube_queue *q)
{
    if (!q->outage.on)
        return;
    memset(&q->outage, 0, sizeof(q->outage));
    for (size_t i = 0; i < q->calls.len; i++)
        if (q->calls.at[i]->class == KUBE_RETRY_CONNECTION)
            q->calls.at[i]->due = 0;
}

/* Learns from a try's end whether the server can be reached. */
static void watch_outage(struct kube_queue *q, struct call *c, enum kube_retry_class class)
{
    if (c->probe)
        q->outage.probing = false;
    if (class != KUBE_RETRY_CONNECTION) {
        end_outage(q);
    } else if (!q->outage.on || c->probe) {
        q->outage.on = true;
        q->outage.next_probe =
            clock_now_ms() + kube_retry_delay_ms(KUBE_RETRY_CONNECTION, q->outage.failures++,
                                                 kube_queue_random(q), 0);
    }
    c->probe = false;
}

/* Whether a call has to wait for the outage's end; when its time is up, it fails as it did last. */
static bool waits_out(struct kube_queue *q, struct call *c, int64_t now)
{
    int64_t limit = kube_retry_limit_ms(KUBE_RETRY_CONNECTION, c->retry_ms, c->webhook_ms);

    if (!q->outage.on || c->class != KUBE_RETRY_CONNECTION)
        return false;
    if (now - c->class_since > limit) {
        tell_tries(c);
        finish(q, c);
        return true;
    }
    return q->outage.probing || now < q->outage.next_probe;
}

static bool renew(struct kube_queue *q, struct call *c)
{
    if (c->result.status.http != 401 || c->renewed || c->last_try ||
        !kube_credentials_refused(q->client->config->credentials, c->generation))
        return false;
    c->renewed = true;
    c->due = 0;
    return true;
}

/* A try has ended: takes its result, or makes the call wait for the next one. */
static void settle(struct kube_queue *q, struct call *c)
{
    enum http_failure failure = http_call_failure(c->http);
    int64_t retry_after = kube_retry_after_ms(http_call_header(c->http, "Retry-After"));
    enum kube_retry_class class;

    if (failure == HTTP_FAIL_NONE)
        take_answer(c);
    else
        take_failure(c);
    if (!c->result.code) {
        watch_outage(q, c, KUBE_RETRY_NONE);
        finish(q, c);
        return;
    }
    class = kube_retry_classify(&c->traits, failure, &c->result.status,
                                json_object_get(c->result.body, "details"));
    watch_outage(q, c, class);
    if (renew(q, c) || plan_retry(q, c, class, retry_after)) {
        http_call_free(c->http);
        c->http = NULL;
        c->state = UNSENT;
        q->unsent++;
        return;
    }
    tell(c);
    tell_tries(c);
    finish(q, c);
}

/* --- queue ------------------------------------------------------------------------------------- */

struct kube_queue *kube_queue_new(struct kube_client *c)
{
    struct kube_queue *q = mem_calloc(1, sizeof(*q));

    q->client = c;
    q->http = http_queue_new();
    if (getrandom(&q->random, sizeof(q->random), GRND_NONBLOCK) < 0 || !q->random)
        q->random = (uint32_t)clock_wall_ms() | 1;
    return q;
}

void kube_queue_free(struct kube_queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->calls.len; i++)
        call_free(q->calls.at[i]);
    vec_done(&q->calls);
    vec_done(&q->done);
    http_queue_free(q->http);
    free(q);
}

size_t kube_pending(const struct kube_queue *q)
{
    return q->calls.len - q->foreign;
}

static void on_http_event(struct kube_ticket *t, enum http_event event, struct http_call *call);

void kube_queue_start(struct kube_queue *q, const struct kube_request *req, struct kube_ticket *t)
{
    struct call *c = mem_calloc(1, sizeof(*c));
    struct err problem CLEANUP(err_done) = ERR_INIT;

    c->ticket.on_event = on_http_event;
    c->queue = q;
    c->answer = t;
    c->traits.verb = req->verb;
    c->traits.in_namespace = req->resource && req->resource->namespaced;
    c->traits.not_served_retry = req->not_served_retry;
    c->timeout_ms = req->timeout_ms ? req->timeout_ms : KUBE_REQUEST_TIMEOUT_MS;
    c->retry_ms = req->retry_ms;
    c->webhook_ms = req->webhook_ms;
    c->urgent = req->urgent;
    c->result.user = req->user;
    c->result.status.reason = c->result.status.message = "";
    vec_push(&q->calls, c);
    q->unsent++;
    if (t)
        q->foreign++;
    if (kube_prepare(q->client->config->server, req, NULL, &c->prepared, &problem)) {
        c->result.code = problem.code;
        err_move(&c->result.err, &problem);
        finish(q, c);
        return;
    }
    send(q, c, false, NULL);
}

void kube_start(struct kube_queue *q, const struct kube_request *req)
{
    kube_queue_start(q, req, NULL);
}

static void forget(struct kube_queue *q, struct call *c)
{
    for (size_t i = 0; i < q->calls.len; i++) {
        if (q->calls.at[i] == c) {
            q->calls.at[i] = q->calls.at[--q->calls.len];
            break;
        }
    }
    if (c->answer)
        q->foreign--;
    if (c->probe)
        q->outage.probing = false;
    call_free(c);
}

void kube_queue_abort(struct kube_queue *q, struct kube_ticket *t)
{
    for (size_t i = q->calls.len; i-- > 0;) {
        struct call *c = q->calls.at[i];

        if (c->answer != t)
            continue;
        if (c->state == UNSENT)
            q->unsent--;
        for (size_t j = q->done.len; c->state == FINISHED && j-- > q->done_at;)
            if (q->done.at[j] == c)
                q->done.at[j] = NULL;
        forget(q, c);
    }
}

/* Takes the oldest finished call out; results of other modules' calls go there on the way. */
static bool take_done(struct kube_queue *q, struct kube_result *ret_result)
{
    while (q->done_at < q->done.len) {
        struct call *c = q->done.at[q->done_at++];
        struct kube_ticket *answer;
        struct kube_result result;

        if (!c)
            continue;
        answer = c->answer;
        result = c->result;
        memset(&c->result, 0, sizeof(c->result));
        forget(q, c);
        if (!answer) {
            *ret_result = result;
            return true;
        }
        answer->on_result(answer, &result);
    }
    q->done_at = q->done.len = 0;
    return false;
}

/* Hands other modules their results, leaving kube_next's where they are. */
static void deliver(struct kube_queue *q)
{
    for (size_t i = q->done_at; q->foreign && i < q->done.len; i++) {
        struct call *c = q->done.at[i];
        struct kube_ticket *answer = c ? c->answer : NULL;
        struct kube_result result;

        if (!answer)
            continue;
        q->done.at[i] = NULL;
        result = c->result;
        memset(&c->result, 0, sizeof(c->result));
        forget(q, c);
        answer->on_result(answer, &result);
    }
    while (q->done.len > q->done_at && !q->done.at[q->done.len - 1])
        q->done.len--;
}

/* Sends what is due; returns when the next one is. */
static int64_t send_due(struct kube_queue *q, struct cancel *cancel)
{
    int64_t now = clock_now_ms(), next = INT64_MAX;

    for (size_t i = 0; q->unsent && i < q->calls.len; i++) {
        struct call *c = q->calls.at[i];

        if (c->state != UNSENT)
            continue;
        if (c->due > now) {
            if (c->due < next)
                next = c->due;
        } else if (!waits_out(q, c, now)) {
            send(q, c, true, cancel);
        }
    }
    if (q->outage.on && !q->outage.probing && q->outage.next_probe > now &&
        q->outage.next_probe < next)
        next = q->outage.next_probe;
    return next;
}

/* The token has fired: no new tries. */
static void stop_tries(struct kube_queue *q)
{
    http_queue_drop_waiting(q->http);
    for (size_t i = 0; i < q->calls.len; i++) {
        struct call *c = q->calls.at[i];

        c->last_try = true;
        if (c->state == UNSENT)
            finish_with(q, c, ERR_CANCELLED, "cancelled");
    }
}

static void on_http_event(struct kube_ticket *t, enum http_event event, struct http_call *call)
{
    struct call *c = (struct call *)t; /* its first member */

    (void)call;
    if (event == HTTP_DONE)
        settle(c->queue, c);
}

void kube_queue_attach(struct kube_queue *q, struct kube_attachment *a)
{
    q->attachment = a;
}

struct kube_client *kube_queue_client(struct kube_queue *q)
{
    return q->client;
}

struct http_queue *kube_queue_http(struct kube_queue *q)
{
    return q->http;
}

int kube_queue_step(struct kube_queue *q, int64_t deadline, struct cancel *cancel)
{
    enum http_event event = HTTP_NONE;
    struct http_call *call = NULL;
    struct kube_ticket *t;
    int64_t next, due;
    size_t done = q->done.len;
    int rc;

    if (cancel_fired(cancel)) {
        stop_tries(q);
        return ERR_CANCELLED;
    }
    next = send_due(q, cancel);
    due = q->attachment ? q->attachment->tick(q->attachment, cancel) : INT64_MAX;
    if (due < next)
        next = due;
    deliver(q);
    if (q->done.len > done || (q->attachment && q->attachment->news))
        return 0;
    rc = http_queue_next(q->http, next < deadline ? next : deadline, cancel, &event, &call);
    if (rc) {
        stop_tries(q);
        return rc;
    }
    if (event == HTTP_NONE)
        return clock_left_ms(deadline) > 0 ? 0 : ERR_TIMEOUT;
    t = http_call_user(call);
    t->on_event(t, event, call);
    deliver(q);
    return 0;
}

int kube_next(struct kube_queue *q, int64_t deadline, struct cancel *cancel,
              struct kube_result *ret_result)
{
    for (;;) {
        int rc;

        if (!cancel_fired(cancel)) {
            if (take_done(q, ret_result))
                return 0;
            if (!kube_pending(q))
                return ERR_NOT_FOUND;
            if (q->attachment && q->attachment->news)
                return ERR_TIMEOUT;
        }
        rc = kube_queue_step(q, deadline, cancel);
        if (rc)
            return rc;
    }
}

int kube_do(struct kube_client *c, const struct kube_request *req, struct cancel *cancel,
            struct kube_result *ret_result)
{
    struct kube_queue *q CLEANUP(kube_queue_cleanup) = kube_queue_new(c);
    int rc;

    kube_start(q, req);
    rc = kube_next(q, INT64_MAX, cancel, ret_result);
    if (rc) {
        memset(ret_result, 0, sizeof(*ret_result));
        ret_result->status.reason = ret_result->status.message = "";
        ret_result->user = req->user;
        ret_result->code = rc;
        err_set(&ret_result->err, rc, "cancelled");
    }
    return ret_result->code;
}
