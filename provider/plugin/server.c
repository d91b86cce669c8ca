#include "provider/plugin/server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "provider/plugin/call.h"
#include "provider/plugin/pool.h"

#include "lib/base/banned.h"

#define HOST_CHECK_MS      2000  /* how often an idle server asks whether the host is gone */
#define SHUTDOWN_GRACE_MS  1500  /* the host kills a process that is there 2 s after Shutdown */
#define HOST_GONE_GRACE_MS 10000 /* nobody waits any more: running calls may end in order */

struct server {
    struct server_options options;
    grpc_server *server;
    grpc_completion_queue *queue;
    struct pool *pool;
    size_t calls;   /* alive, the one that waits for its NEW included; polling thread's */
    bool shut_down; /* the shutdown event has come; polling thread's */
    bool draining;  /* the queue is shut down; polling thread's */
    atomic_bool stopping;
    char shutdown_tag; /* only its address is used */

    /* The thread that calls overdue(). */
    pthread_t watchdog;
    pthread_mutex_t lock;
    pthread_cond_t stopped_cond;
    int64_t deadline;
    bool watched, stopped;
};

/* gRPC's own messages, which it would print as plain text. */
static void log_grpc(gpr_log_func_args *args)
{
    static const enum log_level levels[] = {
        [GPR_LOG_SEVERITY_DEBUG] = LOG_TRACE,
        [GPR_LOG_SEVERITY_INFO] = LOG_DEBUG,
        [GPR_LOG_SEVERITY_ERROR] = LOG_WARN, /* a peer that was turned away is an "error" there */
    };

    log_msg(levels[args->severity], "grpc", NULL, 0, "%s", args->message);
}

/* Trusting exactly one certificate makes any other local process, and any user, a stranger. */
static grpc_server_credentials *credentials(const struct server_options *o)
{
    grpc_ssl_pem_key_cert_pair pair;
    grpc_ssl_server_certificate_config *config;

    if (!o->identity)
        return grpc_insecure_server_credentials_create();
    pair = (grpc_ssl_pem_key_cert_pair){o->identity->key_pem, o->identity->cert_pem};
    config = grpc_ssl_server_certificate_config_create(o->client_cert, &pair, 1);
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, config));
}

static grpc_server *create_server(void)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = (int)CALL_MAX_MESSAGE},
        /* Go's client pings as it likes to measure the connection. */
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_HTTP2_MAX_PING_STRIKES,
         .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_CHANNELZ, .value.integer = 0},
    };
    grpc_channel_args list = {ARRAY_LEN(args), args};

    return grpc_server_create(&list, NULL);
}

static void arm(struct server *s)
{
    struct call *c = call_new(&s->options);
    grpc_call_error rc = grpc_server_request_call(s->server, &c->call, &c->details, &c->metadata,
                                                  s->queue, s->queue, &c->tags[CALL_NEW]);

    if (rc != GRPC_CALL_OK)
        bug("asking for the next call: %s", grpc_call_error_to_string(rc));
    s->calls++;
}

int server_new(struct server **ret_server, const struct server_options *options, struct err *err)
{
    struct server *s CLEANUP(server_cleanup) = mem_calloc(1, sizeof(*s));
    grpc_server_credentials *creds;
    pthread_condattr_t attr;
    int port;

    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stopped_cond, &attr);
    pthread_condattr_destroy(&attr);
    s->pool = pool_new(options->max_workers);

    gpr_set_log_function(log_grpc);
    grpc_init();
    s->queue = grpc_completion_queue_create_for_next(NULL);
    s->server = create_server();
    grpc_server_register_completion_queue(s->server, s->queue, NULL);
    creds = credentials(options);
    port = creds ? grpc_server_add_http2_port(s->server, options->listen, creds) : 0;
    grpc_server_credentials_release(creds);
    if (!port)
        return err_set(err, ERR_FAIL, "can't listen on %s%s", options->listen,
                       options->identity ? " (or PLUGIN_CLIENT_CERT isn't a certificate)" : "");
    grpc_server_start(s->server);
    arm(s);
    *ret_server = s;
    s = NULL;
    return 0;
}

static void *watch(void *arg)
{
    struct server *s = arg;
    struct timespec until = clock_timespec(s->deadline);
    bool stopped;

    pthread_mutex_lock(&s->lock);
    while (!s->stopped && clock_left_ms(s->deadline) > 0)
        pthread_cond_timedwait(&s->stopped_cond, &s->lock, &until);
    stopped = s->stopped;
    pthread_mutex_unlock(&s->lock);
    if (!stopped)
        s->options.overdue(s->options.overdue_arg);
    return NULL;
}

void server_stop(struct server *s, int64_t grace_ms)
{
    if (atomic_exchange(&s->stopping, true))
        return;
    s->deadline = clock_deadline(grace_ms);
    s->watched = !pthread_create(&s->watchdog, NULL, watch, s);
    grpc_server_shutdown_and_notify(s->server, s->queue, &s->shutdown_tag);
    /* Shutdown alone waits for the calls to end, and the streams never do. */
    grpc_server_cancel_all_calls(s->server);
}

static void release(struct server *s, struct call *c)
{
    s->calls--;
    call_free(c);
}

static void on_new(struct server *s, struct call *c, bool ok)
{
    if (!ok) { /* the server is shutting down */
        release(s, c);
        return;
    }
    if (!atomic_load(&s->stopping))
        arm(s);
    call_begin(c);
}

static void handle_on_worker(void *arg)
{
    call_handle(arg);
}

static void on_message(struct server *s, struct call *c)
{
    c->pending++; /* for the SENT that every way out of here starts */
    if (!c->request)
        call_refuse(c, GRPC_STATUS_INTERNAL, "no message");
    else if (c->method->kind == METHOD_WORKER)
        pool_submit(s->pool, handle_on_worker, c);
    else
        call_handle(c);
}

static void on_lifeline_closed(struct server *s, struct call *c)
{
    if (s->options.forget_peer)
        s->options.forget_peer(s->options.arg, c->handler.peer);
    if (!s->options.host_gone || atomic_load(&s->stopping))
        return;
    log_warn("plugin", "the host went away without a farewell");
    server_stop(s, HOST_GONE_GRACE_MS);
}

static void on_closed(struct server *s, struct call *c)
{
    if (!c->cancelled)
        return;
    cancel_fire(c->handler.cancel);
    if (c->method && c->method->kind == METHOD_LIFELINE)
        on_lifeline_closed(s, c);
}

static void on_call_event(struct server *s, const struct call_tag *tag, bool ok)
{
    struct call *c = tag->call;

    if (tag->event == CALL_NEW) {
        on_new(s, c, ok);
        return;
    }
    c->pending--;
    if (tag->event == CALL_MESSAGE)
        on_message(s, c);
    else if (tag->event == CALL_CLOSED)
        on_closed(s, c);
    else if (c->method && c->method->kind == METHOD_SHUTDOWN)
        server_stop(s, SHUTDOWN_GRACE_MS);
    if (!c->pending)
        release(s, c);
}

static gpr_timespec next_check(const struct server *s)
{
    if (!s->options.host_gone)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(HOST_CHECK_MS, GPR_TIMESPAN));
}

static void on_idle(struct server *s)
{
    if (atomic_load(&s->stopping) || !s->options.host_gone(s->options.host_arg))
        return;
    log_warn("plugin", "the host is gone");
    server_stop(s, HOST_GONE_GRACE_MS);
}

void server_run(struct server *s)
{
    for (;;) {
        grpc_event ev = grpc_completion_queue_next(s->queue, next_check(s), NULL);

        if (ev.type == GRPC_QUEUE_SHUTDOWN)
            return;
        if (ev.type == GRPC_QUEUE_TIMEOUT)
            on_idle(s);
        else if (ev.tag == &s->shutdown_tag)
            s->shut_down = true;
        else
            on_call_event(s, ev.tag, ev.success);
        if (s->shut_down && !s->calls && !s->draining) {
            s->draining = true;
            grpc_completion_queue_shutdown(s->queue);
        }
    }
}

static void end_watchdog(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_signal(&s->stopped_cond);
    pthread_mutex_unlock(&s->lock);
    if (s->watched)
        pthread_join(s->watchdog, NULL);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    if (s->queue && !s->draining) { /* server_run didn't come to its end */
        server_stop(s, SHUTDOWN_GRACE_MS);
        server_run(s);
    }
    pool_free(s->pool);
    if (s->server)
        grpc_server_destroy(s->server);
    if (s->queue) {
        grpc_completion_queue_destroy(s->queue);
        grpc_shutdown();
    }
    end_watchdog(s);
    pthread_cond_destroy(&s->stopped_cond);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
