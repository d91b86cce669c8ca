/* Calls of a queue and their retries.
 *
 * A call is UNSENT (waits for credentials or for its next try), IN_FLIGHT (the HTTP engine has it)
 * or FINISHED (its result waits to be taken). Only the queue's own thread moves calls; the engine
 * reports through the HTTP queue. Invariants:
 *   - `pending` counts all calls that kube_next hasn't returned;
 *   - an UNSENT call has a time (`due`), IN_FLIGHT ones have an http_call;
 *   - `attempts` of a class start anew when another class of failure comes. */
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
    uint32_t random;
};

/* --- client ------------------------------------------------------------------------------------ */

static bool is_loopback(const char *server)
{
    static const char *const near[] = {"https://127.",  "https://localhost:", "https://localhost/",
                                       "https://[::1]", "http://127.",        "http://localhost:"};

    for (size_t i = 0; i < ARRAY_LEN(near); i++)
        if (!strncmp(server, near[i], strlen(near[i])))
            return true;
    return false;
}

struct kube_client *kube_client_new(const struct kube_client_options *o, struct err *err)
{
    struct kube_client *c;
    struct http *http = http_new(err);

    if (!http) {
        kube_config_free(o->config);
        return NULL;
    }
    c = mem_calloc(1, sizeof(*c));
    c->http = http;
    c->config = o->config;
    c->limit = http_limit_new(o->parallelism > 0 ? o->parallelism : KUBE_PARALLELISM);
    c->discovery = kube_discovery_new();
    c->user_agent = mem_printf("User-Agent: %s", o->user_agent ? o->user_agent : "kubeflow");
    c->compress = !c->config->disable_compression && !is_loopback(c->config->server);
    return c;
}

void kube_client_free(struct kube_client *c)
{
    if (!c)
        return;
    http_free(c->http);
    http_limit_free(c->limit);
    kube_discovery_free(c->discovery);
    kube_config_free(c->config);
    free(c->user_agent);
    free(c);
}

uint64_t kube_request_count(const struct kube_client *c)
{
    return __atomic_load_n(&c->requests, __ATOMIC_RELAXED);
}

struct http_call *kube_client_send(struct kube_client *c, struct http_queue *q,
                                   const struct kube_prepared *p, const struct kube_identity *id,
                                   const struct kube_send_options *o)
{
    const struct kube_config *config = c->config;
    char *accept CLEANUP(mem_cleanup) = mem_printf("Accept: %s", p->accept);
    char *type CLEANUP(mem_cleanup) = NULL;
    struct http_tls tls = {.ca_pem = config->ca_pem,
                           .server_name = config->tls_server_name,
                           .insecure = config->insecure,
                           .cert_pem = id->cert_pem,
                           .key_pem = id->key_pem};
    struct http_request req = {.method = p->method,
                               .url = p->url,
                               .body = p->body,
                               .body_len = p->body_len,
                               .tls = config->secure ? &tls : NULL,
                               .proxy = config->proxy_url,
                               .timeout_ms = o->timeout_ms,
                               .idle_timeout_ms = o->idle_timeout_ms,
                               .max_response = KUBE_MAX_RESPONSE,
                               .http2 = true,
                               .stream = o->stream,
                               .compressed = p->is_list && c->compress,
                               .limit = o->stream ? NULL : c->limit,
                               .user = o->user};
    VEC(const char *) headers = VEC_INIT;
    struct http_call *call;

    vec_push(&headers, c->user_agent);
    vec_push(&headers, accept);
    if (p->content_type) {
        type = mem_printf("Content-Type: %s", p->content_type);
        vec_push(&headers, type);
    }
    if (config->secure && id->authorization)
        vec_push(&headers, id->authorization);
    for (size_t i = 0; config->headers && config->headers[i]; i++)
        vec_push(&headers, config->headers[i]);
    vec_push(&headers, NULL);
    req.headers = headers.at;
    call = http_start(c->http, q, &req);
    vec_done(&headers);
    __atomic_add_fetch(&c->requests, 1, __ATOMIC_RELAXED);
    return call;
}

int kube_client_failure(const struct http_call *call, struct err *err)
{
    static const char *const advice[] = {
        [HTTP_FAIL_CA_FILE] = "cluster_ca_certificate (certificate-authority in a kubeconfig) must "
                              "hold certificates in PEM form",
        [HTTP_FAIL_CLIENT_CERT] = "client_certificate and client_key must be a pair in PEM form",
        [HTTP_FAIL_EXPIRED] = "the API server needs a new certificate",
        [HTTP_FAIL_UNKNOWN_CA] = "cluster_ca_certificate (certificate-authority in a kubeconfig) "
                                 "must hold the authority that signed it",
        [HTTP_FAIL_WRONG_HOST] = "connect by a name that is in the certificate, or set "
                                 "tls_server_name to one",
        [HTTP_FAIL_ABORTED] = NULL,
    };
    const char *more = advice[http_call_failure(call)];
    int rc = http_call_error(call, err);

    if (more && err) {
        struct err told CLEANUP(err_done) = ERR_INIT;

        err_move(&told, err);
        err_set(err, rc, "%s (%s)", err_msg(&told), more);
    }
    return rc;
}

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

    if (!r->code || c->class == KUBE_RETRY_NONE || c->attempts < 2)
        return;
    err_move(&told, &r->err);
    err_set(&r->err, told.code, "%s (given up after %d tries in %lld s)", err_msg(&told),
            c->attempts, (long long)s);
}

/* --- tries ------------------------------------------------------------------------------------- */

static void send(struct kube_queue *q, struct call *c, bool may_block, struct cancel *cancel)
{
    struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;
    struct err problem CLEANUP(err_done) = ERR_INIT;
    struct kube_send_options o = {.timeout_ms = c->timeout_ms, .user = c};
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
    q->unsent--;
    c->http = kube_client_send(q->client, q->http, &c->prepared, id, &o);
}

static uint32_t next_random(struct kube_queue *q)
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
    pause = kube_retry_delay_ms(class, c->attempts - 1, next_random(q), retry_after_ms);
    if (now + pause - c->class_since > limit)
        return false;
    snprintf(c->result.retry_after_reason, sizeof(c->result.retry_after_reason), "%s",
             kube_retry_words(class));
    log_debug(MODULE, "%s: %s; again in %lld ms", c->prepared.what, kube_retry_words(class),
              (long long)pause);
    c->due = now + pause;
    return true;
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
        finish(q, c);
        return;
    }
    class = kube_retry_classify(&c->traits, failure, &c->result.status,
                                json_object_get(c->result.body, "details"));
    if (renew(q, c) || plan_retry(q, c, class, retry_after)) {
        http_call_free(c->http);
        c->http = NULL;
        c->state = UNSENT;
        q->unsent++;
        err_done(&c->result.err);
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
    return q->calls.len;
}

void kube_start(struct kube_queue *q, const struct kube_request *req)
{
    struct call *c = mem_calloc(1, sizeof(*c));
    struct err problem CLEANUP(err_done) = ERR_INIT;

    c->traits.verb = req->verb;
    c->traits.in_namespace = req->resource && req->resource->namespaced;
    c->traits.not_served_retry = req->not_served_retry;
    c->timeout_ms = req->timeout_ms ? req->timeout_ms : KUBE_REQUEST_TIMEOUT_MS;
    c->retry_ms = req->retry_ms;
    c->webhook_ms = req->webhook_ms;
    c->result.user = req->user;
    c->result.status.reason = c->result.status.message = "";
    vec_push(&q->calls, c);
    q->unsent++;
    if (kube_prepare(q->client->config->server, req, NULL, &c->prepared, &problem)) {
        c->result.code = problem.code;
        err_move(&c->result.err, &problem);
        finish(q, c);
        return;
    }
    send(q, c, false, NULL);
}

static void forget(struct kube_queue *q, struct call *c)
{
    for (size_t i = 0; i < q->calls.len; i++) {
        if (q->calls.at[i] == c) {
            q->calls.at[i] = q->calls.at[--q->calls.len];
            break;
        }
    }
    call_free(c);
}

static bool take_done(struct kube_queue *q, struct kube_result *ret_result)
{
    struct call *c;

    if (q->done_at == q->done.len)
        return false;
    c = q->done.at[q->done_at++];
    if (q->done_at == q->done.len)
        q->done_at = q->done.len = 0;
    *ret_result = c->result;
    memset(&c->result, 0, sizeof(c->result));
    forget(q, c);
    return true;
}

/* Sends what is due; returns when the next one is. */
static int64_t send_due(struct kube_queue *q, struct cancel *cancel)
{
    int64_t now = clock_now_ms(), next = INT64_MAX;

    for (size_t i = 0; q->unsent && i < q->calls.len; i++) {
        struct call *c = q->calls.at[i];

        if (c->state != UNSENT)
            continue;
        if (c->due <= now)
            send(q, c, true, cancel);
        else if (c->due < next)
            next = c->due;
    }
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

int kube_next(struct kube_queue *q, int64_t deadline, struct cancel *cancel,
              struct kube_result *ret_result)
{
    for (;;) {
        enum http_event event = HTTP_NONE;
        struct http_call *call = NULL;
        int64_t next;
        int rc = cancel_fired(cancel) ? ERR_CANCELLED : 0;

        if (!rc && take_done(q, ret_result))
            return 0;
        if (!rc && !q->calls.len)
            return ERR_NOT_FOUND;
        if (!rc) {
            next = send_due(q, cancel);
            if (q->done_at < q->done.len)
                continue;
            rc = http_queue_next(q->http, next < deadline ? next : deadline, cancel, &event, &call);
        }
        if (rc) {
            stop_tries(q);
            return rc;
        }
        if (event == HTTP_DONE)
            settle(q, http_call_user(call));
        else if (clock_left_ms(deadline) <= 0)
            return ERR_TIMEOUT;
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
