/* List, then watch, then list again when the thread is lost.
 *
 * A subscription is in one of these states:
 *
 *     LISTING --all pages--> (events for what differs) --> DUE --> STREAMING
 *     STREAMING --end of stream--> DUE (from the last version seen)
 *     STREAMING --410 Gone, ERROR, 404--> POLLING (lists when it is time) --> LISTING
 *     STREAMING --403--> POLLING, for good, every KUBE_WATCH_POLL_MS
 *     any --error that doesn't heal--> FAILED
 *
 * `known` holds every object as last reported, by "namespace/name"; `version` is the
 * resourceVersion up to which everything is in `known`. Each event that is reported changes `known`
 * first, so a list after a gap can tell what was missed by comparing with it. */
#include "lib/kube/watch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/yaml.h"
#include "lib/kube/client_parts.h"
#include "lib/kube/retry.h"
#include "lib/kube/status.h"

#include "lib/base/banned.h"

#define MODULE "kube.watch"

/* A stream that lived so long is no failure when it ends. */
#define GOOD_STREAM_MS 5000
/* Beyond the end that the server was asked for: then the connection is dead. */
#define STREAM_GRACE_MS 30000

enum sub_state { LISTING, DUE, STREAMING, POLLING, FAILED };

struct sub {
    struct kube_ticket ticket;
    struct kube_watcher *watcher;
    void *user;
    char *group, *resource_version, *kind, *plural; /* of the resource; copied */
    char *namespace, *label_selector, *field_selector;
    char *api_version;
    struct kube_resource resource;

    enum sub_state state;
    bool synced, gone, poll, renewed;
    json_t *known;
    char *version;

    json_t *fresh; /* of the list that is being read */
    char *next_page;
    int pages;

    struct http_call *stream;
    uint64_t generation;
    struct buf line; /* an incomplete line of the stream */
    int64_t started, due;
    int attempts;
};

struct event {
    enum kube_watch_event type;
    struct sub *sub;
    json_t *object;
    struct err err;
};

struct kube_watcher {
    struct kube_attachment attachment;
    struct kube_queue *queue;
    bool own_queue;
    VEC(struct sub *) subs;
    VEC(struct event) events;
    size_t next_event;
};

/* --- events ------------------------------------------------------------------------------------- */

static void report(struct sub *s, enum kube_watch_event type, json_t *object)
{
    struct event e = {.type = type, .sub = s, .object = json_incref(object)};

    vec_push(&s->watcher->events, e);
    s->watcher->attachment.news = true;
}

static void fail(struct sub *s, struct err *why)
{
    struct event e = {.type = KUBE_WATCH_FAILED, .sub = s};

    s->state = FAILED;
    err_move(&e.err, why);
    vec_push(&s->watcher->events, e);
    s->watcher->attachment.news = true;
}

static const char *meta(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(json_object_get(object, "metadata"), name));

    return s ? s : "";
}

static char *key_of(const json_t *object)
{
    return mem_printf("%s/%s", meta(object, "namespace"), meta(object, "name"));
}

static void set_version(struct sub *s, const char *version)
{
    if (!*version)
        return;
    free(s->version);
    s->version = mem_strdup(version);
}

/* What the cluster has for an object, told when it is news. */
static void observe(struct sub *s, const char *key, json_t *object)
{
    const json_t *old = json_object_get(s->known, key);

    if (old && !strcmp(meta(old, "resourceVersion"), meta(object, "resourceVersion")) &&
        !strcmp(meta(old, "uid"), meta(object, "uid")))
        return;
    json_object_set(s->known, key, object);
    report(s, KUBE_WATCH_CHANGED, object);
}

/* --- listing ------------------------------------------------------------------------------------ */

static void ask_page(struct sub *s)
{
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = &s->resource,
                               .namespace = s->namespace,
                               .label_selector = s->label_selector,
                               .field_selector = s->field_selector,
                               .continue_token = s->next_page,
                               .retry_ms = KUBE_WATCH_RETRY_MS,
                               .not_served_retry = !s->synced};

    kube_queue_start(s->watcher->queue, &req, &s->ticket);
}

static void start_list(struct sub *s)
{
    s->state = LISTING;
    json_decref(s->fresh);
    s->fresh = json_object();
    free(s->next_page);
    s->next_page = NULL;
    s->pages = 0;
    ask_page(s);
}

static void wait_until(struct sub *s, enum sub_state state, int64_t ms)
{
    s->state = state;
    s->due = clock_now_ms() + ms;
}

/* The list is complete: what differs from what was known is news. */
static void compare(struct sub *s)
{
    const char *key;
    json_t *object;
    void *tmp;

    json_object_foreach_safe(s->known, tmp, key, object)
    {
        if (json_object_get(s->fresh, key))
            continue;
        report(s, KUBE_WATCH_DELETED, object);
        json_object_del(s->known, key);
    }
    json_object_foreach (s->fresh, key, object)
        observe(s, key, object);
    json_decref(s->fresh);
    s->fresh = NULL;
    if (!s->synced)
        report(s, KUBE_WATCH_SYNCED, NULL);
    s->synced = true;
}

static void take_page(struct sub *s, const json_t *list)
{
    json_t *item;
    size_t i;

    json_array_foreach (json_object_get(list, "items"), i, item) {
        char *key CLEANUP(mem_cleanup) = key_of(item);

        if (!json_is_object(item))
            continue;
        json_object_set_new(item, "apiVersion", json_string(s->api_version));
        json_object_set_new(item, "kind", json_string(s->resource.kind));
        json_object_set(s->fresh, key, item);
    }
    set_version(s, meta(list, "resourceVersion"));
    free(s->next_page);
    s->next_page = mem_strdup(meta(list, "continue"));
    s->pages++;
    if (*s->next_page) {
        ask_page(s);
        return;
    }
    compare(s);
    if (s->poll)
        wait_until(s, POLLING, KUBE_WATCH_POLL_MS);
    else
        wait_until(s, DUE, 0);
}

static void on_result(struct kube_ticket *t, struct kube_result *r)
{
    struct sub *s = (struct sub *)t; /* its first member */
    struct err problem CLEANUP(err_done) = ERR_INIT;

    if (!r->code && s->pages < KUBE_MAX_LIST_PAGES) {
        take_page(s, r->body);
    } else if (!r->code) {
        err_set(&problem, ERR_LIMIT, "LIST %s: more than %d pages", s->resource.kind,
                KUBE_MAX_LIST_PAGES);
        fail(s, &problem);
    } else if (r->status.http == 410 && s->pages && s->attempts++ < KUBE_RACE_TRIES) {
        start_list(s); /* the list expired between two pages */
    } else if (r->status.http == 404 && s->synced) {
        /* The kind itself is gone, and with it all its objects; it may come back. */
        compare(s);
        wait_until(s, POLLING, KUBE_WATCH_POLL_MS);
    } else if (r->code == ERR_CANCELLED) {
        wait_until(s, POLLING, 0); /* should somebody go on with another token */
    } else {
        fail(s, &r->err);
    }
    kube_result_done(r);
}

/* --- streaming ---------------------------------------------------------------------------------- */

static void end_stream(struct sub *s)
{
    if (s->stream)
        http_call_free(s->stream);
    s->stream = NULL;
    buf_clear(&s->line);
}

/* The pause before the next stream or list: it grows while streams fail at once. */
static int64_t pause_ms(struct sub *s, int64_t retry_after_ms)
{
    if (clock_now_ms() - s->started >= GOOD_STREAM_MS) {
        s->attempts = 0;
        return 0;
    }
    return kube_retry_delay_ms(KUBE_RETRY_CONNECTION, s->attempts++,
                               kube_queue_random(s->watcher->queue), retry_after_ms);
}

static void reconnect(struct sub *s, int64_t retry_after_ms)
{
    end_stream(s);
    wait_until(s, DUE, pause_ms(s, retry_after_ms));
}

static void relist(struct sub *s)
{
    end_stream(s);
    wait_until(s, POLLING, pause_ms(s, 0));
}

static void open_stream(struct sub *s, struct cancel *cancel)
{
    struct kube_client *c = kube_queue_client(s->watcher->queue);
    struct kube_identity *id CLEANUP(kube_identity_cleanup) = NULL;
    struct kube_prepared prepared CLEANUP(kube_prepared_done) = {0};
    struct err problem CLEANUP(err_done) = ERR_INIT;
    int seconds = KUBE_WATCH_TIMEOUT_S +
                  (int)(kube_queue_random(s->watcher->queue) % (KUBE_WATCH_TIMEOUT_S / 4));
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = &s->resource,
                               .namespace = s->namespace,
                               .label_selector = s->label_selector,
                               .field_selector = s->field_selector};
    struct kube_watch_params params = {s->version, seconds};
    struct kube_send_options o = {.stream = true,
                                  .timeout_ms = (int64_t)seconds * 1000 + STREAM_GRACE_MS,
                                  .user = &s->ticket};
    int rc = kube_credentials_get(c->config->credentials, true, cancel, &id, &problem);

    if (rc == ERR_CANCELLED && cancel_fired(cancel))
        return; /* stays DUE */
    if (!rc)
        rc = kube_prepare(c->config->server, &req, &params, &prepared, &problem);
    if (rc) {
        fail(s, &problem);
        return;
    }
    s->generation = id->generation;
    s->started = clock_now_ms();
    s->state = STREAMING;
    s->stream = kube_client_send(c, kube_queue_http(s->watcher->queue), &prepared, id, &o);
}

/* An event of type ERROR holds a Status: nearly always 410, and then listing is what helps. */
static void on_error_event(struct sub *s, const json_t *status)
{
    const char *message = json_string_value(json_object_get(status, "message"));

    log_debug(MODULE, "watching %s: %s", s->resource.kind, message ? message : "error event");
    relist(s);
}

static void on_object_event(struct sub *s, const char *type, json_t *object)
{
    char *key CLEANUP(mem_cleanup) = key_of(object);

    set_version(s, meta(object, "resourceVersion"));
    if (!strcmp(type, "BOOKMARK"))
        return;
    /* Objects of a watch have both; a list's items got them from us. */
    if (!json_object_get(object, "kind")) {
        json_object_set_new(object, "apiVersion", json_string(s->api_version));
        json_object_set_new(object, "kind", json_string(s->resource.kind));
    }
    if (!strcmp(type, "DELETED")) {
        json_object_del(s->known, key);
        report(s, KUBE_WATCH_DELETED, object);
    } else {
        observe(s, key, object);
    }
}

/* One line of the stream. False when the stream is no longer of use. */
static bool on_line(struct sub *s, const char *line, size_t len)
{
    json_t *event = json_loadb(line, len, 0, NULL), *object;
    const char *type;
    bool goes_on = true;

    if (!event && yaml_parse(line, len, "watch event", &event, NULL)) {
        log_warn(MODULE, "watching %s: an event isn't JSON", s->resource.kind);
        relist(s);
        return false;
    }
    type = json_string_value(json_object_get(event, "type"));
    object = json_object_get(event, "object");
    if (!type || !json_is_object(object) || !strcmp(type, "ERROR")) {
        on_error_event(s, object);
        goes_on = false;
    } else {
        on_object_event(s, type, object);
    }
    json_decref(event);
    return goes_on;
}

static void on_data(struct sub *s)
{
    struct buf chunk CLEANUP(buf_done) = BUF_INIT;
    const char *start, *end;

    http_call_take(s->stream, &chunk);
    if (http_call_status(s->stream) != 200)
        return; /* told at the end */
    if (buf_add(&s->line, chunk.data, chunk.len)) {
        log_warn(MODULE, "watching %s: an event is too long", s->resource.kind);
        relist(s);
        return;
    }
    start = s->line.data;
    end = start + s->line.len;
    for (const char *nl; (nl = memchr(start, '\n', (size_t)(end - start))); start = nl + 1)
        if (nl > start && !on_line(s, start, (size_t)(nl - start)))
            return;
    s->line.len = (size_t)(end - start);
    memmove(s->line.data, start, s->line.len);
}

/* The server refused to watch. */
static void on_refusal(struct sub *s, int http, int64_t retry_after_ms)
{
    struct kube_client *c = kube_queue_client(s->watcher->queue);
    struct err problem CLEANUP(err_done) = ERR_INIT;

    switch (http) {
    case 401:
        if (!s->renewed && kube_credentials_refused(c->config->credentials, s->generation)) {
            s->renewed = true;
            reconnect(s, 0);
            return;
        }
        err_set(&problem, ERR_UNAUTHENTICATED, "WATCH %s: the credentials were refused",
                s->resource.kind);
        end_stream(s);
        fail(s, &problem);
        return;
    case 403:
    case 405:
        log_info(MODULE, "%s can't be watched (HTTP status %d); asking every %d ms",
                 s->resource.kind, http, KUBE_WATCH_POLL_MS);
        s->poll = true;
        end_stream(s);
        wait_until(s, POLLING, KUBE_WATCH_POLL_MS);
        return;
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        reconnect(s, retry_after_ms);
        return;
    default:
        relist(s); /* 404, 410: the list tells */
    }
}

static void on_event(struct kube_ticket *t, enum http_event event, struct http_call *call)
{
    struct sub *s = (struct sub *)t; /* its first member */
    int http = http_call_status(call);

    if (event == HTTP_HEAD && http == 200)
        s->renewed = false;
    else if (event == HTTP_DATA)
        on_data(s);
    if (event != HTTP_DONE)
        return;
    if (http_call_failure(call) == HTTP_FAIL_NONE && http != 200)
        on_refusal(s, http, kube_retry_after_ms(http_call_header(call, "Retry-After")));
    else
        reconnect(s, 0);
}

/* --- watcher ------------------------------------------------------------------------------------ */

static int64_t tick(struct kube_attachment *a, struct cancel *cancel)
{
    struct kube_watcher *w = (struct kube_watcher *)a; /* its first member */
    int64_t now = clock_now_ms(), next = INT64_MAX;

    for (size_t i = 0; i < w->subs.len; i++) {
        struct sub *s = w->subs.at[i];

        if (s->state != DUE && s->state != POLLING)
            continue;
        if (s->due > now) {
            if (s->due < next)
                next = s->due;
            continue;
        }
        if (s->state == DUE)
            open_stream(s, cancel);
        else
            start_list(s);
    }
    return next;
}

struct kube_watcher *kube_watcher_on(struct kube_queue *q)
{
    struct kube_watcher *w = mem_calloc(1, sizeof(*w));

    w->attachment.tick = tick;
    w->queue = q;
    kube_queue_attach(q, &w->attachment);
    return w;
}

struct kube_watcher *kube_watcher_new(struct kube_client *c)
{
    struct kube_watcher *w = kube_watcher_on(kube_queue_new(c));

    w->own_queue = true;
    return w;
}

static void sub_free(struct sub *s)
{
    char *const strings[] = {s->group,     s->resource_version, s->kind,           s->plural,
                             s->namespace, s->label_selector,   s->field_selector, s->api_version,
                             s->version,   s->next_page};

    kube_queue_abort(s->watcher->queue, &s->ticket);
    if (s->stream)
        http_abort(s->stream);
    for (size_t i = 0; i < ARRAY_LEN(strings); i++)
        free(strings[i]);
    json_decref(s->known);
    json_decref(s->fresh);
    buf_done(&s->line);
    free(s);
}

void kube_watcher_free(struct kube_watcher *w)
{
    if (!w)
        return;
    for (size_t i = w->next_event; i < w->events.len; i++) {
        json_decref(w->events.at[i].object);
        err_done(&w->events.at[i].err);
    }
    vec_done(&w->events);
    for (size_t i = 0; i < w->subs.len; i++)
        sub_free(w->subs.at[i]);
    vec_done(&w->subs);
    kube_queue_attach(w->queue, NULL);
    if (w->own_queue)
        kube_queue_free(w->queue);
    free(w);
}

void kube_watch(struct kube_watcher *w, const struct kube_resource *resource, const char *namespace,
                const char *label_selector, const char *field_selector, void *user)
{
    struct sub *s = mem_calloc(1, sizeof(*s));

    s->ticket.on_event = on_event;
    s->ticket.on_result = on_result;
    s->watcher = w;
    s->user = user;
    s->group = mem_strdup(resource->group);
    s->resource_version = mem_strdup(resource->version);
    s->kind = mem_strdup(resource->kind);
    s->plural = mem_strdup(resource->plural);
    s->resource = (struct kube_resource){.group = s->group,
                                         .version = s->resource_version,
                                         .kind = s->kind,
                                         .plural = s->plural,
                                         .namespaced = resource->namespaced};
    s->api_version = *s->group ? mem_printf("%s/%s", s->group, s->resource_version)
                               : mem_strdup(s->resource_version);
    s->namespace = mem_strdup(namespace);
    s->label_selector = mem_strdup(label_selector);
    s->field_selector = mem_strdup(field_selector);
    s->known = json_object();
    buf_init(&s->line, KUBE_MAX_RESPONSE);
    vec_push(&w->subs, s);
    start_list(s);
}

static bool take_event(struct kube_watcher *w, enum kube_watch_event *ret_event, void **ret_user,
                       json_t **ret_object, struct err *err)
{
    struct event e;

    if (w->next_event == w->events.len)
        return false;
    e = w->events.at[w->next_event++];
    if (w->next_event == w->events.len) {
        w->next_event = w->events.len = 0;
        w->attachment.news = false;
    }
    *ret_event = e.type;
    *ret_user = e.sub->user;
    *ret_object = e.object;
    if (e.type == KUBE_WATCH_FAILED)
        err_move(err, &e.err);
    return true;
}

int kube_watch_next(struct kube_watcher *w, int64_t deadline, struct cancel *cancel,
                    enum kube_watch_event *ret_event, void **ret_user, json_t **ret_object,
                    struct err *err)
{
    for (;;) {
        int rc;

        if (!cancel_fired(cancel) && take_event(w, ret_event, ret_user, ret_object, err))
            return 0;
        rc = kube_queue_step(w->queue, deadline, cancel);
        if (rc == ERR_CANCELLED)
            return err_set(err, rc, "cancelled");
        if (rc)
            return rc;
    }
}
