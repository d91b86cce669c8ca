/* The server, called by a client of the same library over a socket. */
#include <check.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "proto/health.pb-c.h"
#include "proto/plugin.pb-c.h"
#include "provider/plugin/server.h"

#include "lib/base/banned.h"

#define PATIENCE_MS 10000

static char dir[64], listen[96];
static struct server *server;
static pthread_t runner;
static bool running;
static struct cancel *gate; /* /test.T/Wait ends when it opens, or with the call */
static int waiting, cancelled, overdue_calls, gone;

/* --- the server's side ------------------------------------------------------------------------- */

static const struct method methods[] = {
    {"/test.T/Wait", METHOD_WORKER, &plugin__empty__descriptor},
    {"/test.T/Now", METHOD_IMMEDIATE, &plugin__empty__descriptor},
    {"/test.T/Echo", METHOD_WORKER, &plugin__stdio_data__descriptor},
};

static const struct method *find(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (!strcmp(methods[i].path, path))
            return &methods[i];
    return NULL;
}

static const ProtobufCMessage *handle(void *arg, const struct method *m, struct method_call *call,
                                      const ProtobufCMessage *request)
{
    ck_assert_ptr_eq(arg, &waiting);
    if (m == &methods[0]) {
        __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
        while (!cancel_fired(call->cancel) && !cancel_fired(gate))
            (void)cancel_sleep(call->cancel, 5);
        if (cancel_fired(call->cancel))
            __atomic_add_fetch(&cancelled, 1, __ATOMIC_SEQ_CST);
    }
    return request;
}

static bool host_gone(void *arg)
{
    (void)arg;
    return __atomic_load_n(&gone, __ATOMIC_SEQ_CST);
}

static void overdue(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&overdue_calls, 1, __ATOMIC_SEQ_CST);
    cancel_fire(gate); /* instead of ending the process */
}

static struct server_options options(void)
{
    return (struct server_options){
        .listen = listen,
        .max_workers = 2,
        .find = find,
        .handle = handle,
        .arg = &waiting,
        .host_gone = host_gone,
        .overdue = overdue,
    };
}

static void *run(void *arg)
{
    (void)arg;
    server_run(server);
    return NULL;
}

static void setup(void)
{
    struct server_options o;
    struct err err = ERR_INIT;

    snprintf(dir, sizeof(dir), "/tmp/server-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(listen, sizeof(listen), "unix:%s/s", dir);
    gate = cancel_new(NULL);
    o = options();
    ck_assert_msg(!server_new(&server, &o, &err), "%s", err_msg(&err));
    ck_assert_int_eq(pthread_create(&runner, NULL, run, NULL), 0);
    running = true;
}

static void join(void)
{
    if (running)
        pthread_join(runner, NULL);
    running = false;
}

/* Every test ends with a server that has stopped by itself or stops here. */
static void teardown(void)
{
    server_stop(server, PATIENCE_MS);
    join();
    server_free(server);
    cancel_free(gate);
    ck_assert_int_eq(rmdir(dir), 0); /* the socket is gone */
}

static void eventually(const int *counter, int wanted)
{
    int64_t deadline = clock_deadline(PATIENCE_MS);

    while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) != wanted && clock_left_ms(deadline))
        (void)cancel_sleep(NULL, 2);
    ck_assert_int_eq(__atomic_load_n(counter, __ATOMIC_SEQ_CST), wanted);
}

/* --- the client's side ------------------------------------------------------------------------- */

struct client {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_metadata_array headers, trailers;
    grpc_byte_buffer *answer;
    grpc_status_code status;
    grpc_slice details;
};

static void client_open(struct client *c)
{
    grpc_channel_credentials *creds = grpc_insecure_credentials_create();

    memset(c, 0, sizeof(*c));
    grpc_init();
    c->channel = grpc_channel_create(listen, creds, NULL);
    grpc_channel_credentials_release(creds);
    c->queue = grpc_completion_queue_create_for_next(NULL);
}

static void client_close(struct client *c)
{
    if (c->call)
        grpc_call_unref(c->call);
    grpc_channel_destroy(c->channel);
    grpc_completion_queue_shutdown(c->queue);
    while (grpc_completion_queue_next(c->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(c->queue);
    grpc_metadata_array_destroy(&c->headers);
    grpc_metadata_array_destroy(&c->trailers);
    grpc_byte_buffer_destroy(c->answer);
    grpc_slice_unref(c->details);
    grpc_shutdown();
}

static void client_start(struct client *c, const char *path, const void *bytes, size_t len)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes, len);
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &c->headers},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->answer},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {&c->trailers, &c->status, &c->details, NULL}},
    };

    c->call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue, method,
                                       NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    ck_assert_int_eq(grpc_call_start_batch(c->call, ops, ARRAY_LEN(ops), c, NULL), GRPC_CALL_OK);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(method);
    grpc_slice_unref(slice);
}

static grpc_status_code client_wait(struct client *c)
{
    grpc_event ev = grpc_completion_queue_next(
        c->queue,
        gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(PATIENCE_MS, GPR_TIMESPAN)),
        NULL);

    ck_assert_int_eq(ev.type, GRPC_OP_COMPLETE);
    return c->status;
}

/* One call from the connection to its end. The answer's bytes go to out, their count to ret_len. */
static grpc_status_code call(const char *path, const char *bytes, size_t len, char *out,
                             size_t *ret_len)
{
    grpc_byte_buffer_reader reader;
    grpc_status_code status;
    struct client c;

    client_open(&c);
    client_start(&c, path, bytes, len);
    status = client_wait(&c);
    *ret_len = 0;
    if (c.answer && grpc_byte_buffer_reader_init(&reader, c.answer)) {
        grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);

        *ret_len = GRPC_SLICE_LENGTH(slice);
        memcpy(out, GRPC_SLICE_START_PTR(slice), *ret_len);
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    client_close(&c);
    return status;
}

static grpc_status_code status_of(const char *path)
{
    char answer[64];
    size_t len;

    return call(path, "", 0, answer, &len);
}

/* --- tests ------------------------------------------------------------------------------------- */

START_TEST(answers_come_from_the_handler)
{
    static const char request[] = "\x08\x01\x12\x05hello"; /* channel = STDOUT, data = "hello" */
    char answer[64];
    size_t len;

    ck_assert_int_eq(call("/test.T/Echo", request, sizeof(request) - 1, answer, &len),
                     GRPC_STATUS_OK);
    ck_assert_uint_eq(len, sizeof(request) - 1);
    ck_assert_mem_eq(answer, request, len);
}
END_TEST

START_TEST(unknown_methods_are_unimplemented)
{
    char *long_path = mem_printf("/test.T/%0300d", 0);

    ck_assert_int_eq(status_of("/test.T/Nothing"), GRPC_STATUS_UNIMPLEMENTED);
    ck_assert_int_eq(status_of("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
                     GRPC_STATUS_UNIMPLEMENTED);
    ck_assert_int_eq(status_of(long_path), GRPC_STATUS_UNIMPLEMENTED);
    free(long_path);
}
END_TEST

START_TEST(bytes_that_are_no_message_are_an_error)
{
    char answer[64];
    size_t len;

    ck_assert_int_eq(call("/test.T/Echo", "\x12\xFFx", 3, answer, &len), GRPC_STATUS_INTERNAL);
}
END_TEST

START_TEST(health_is_serving)
{
    char answer[64];
    size_t len;

    ck_assert_int_eq(call("/grpc.health.v1.Health/Check", "\x0A\x06plugin", 8, answer, &len),
                     GRPC_STATUS_OK);
    ck_assert_uint_eq(len, 2);
    ck_assert_mem_eq(answer, "\x08\x01", 2);
}
END_TEST

START_TEST(shutdown_is_answered_and_ends_the_server)
{
    ck_assert_int_eq(status_of("/plugin.GRPCController/Shutdown"), GRPC_STATUS_OK);
    join();
}
END_TEST

START_TEST(busy_workers_dont_block_what_is_immediate)
{
    struct client c[3];

    for (size_t i = 0; i < ARRAY_LEN(c); i++) { /* one more than there are workers */
        client_open(&c[i]);
        client_start(&c[i], "/test.T/Wait", "", 0);
    }
    eventually(&waiting, 2);
    ck_assert_int_eq(status_of("/test.T/Now"), GRPC_STATUS_OK);
    cancel_fire(gate);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        ck_assert_int_eq(client_wait(&c[i]), GRPC_STATUS_OK);
        client_close(&c[i]);
    }
    ck_assert_int_eq(waiting, 3);
    ck_assert_int_eq(cancelled, 0);
}
END_TEST

START_TEST(a_call_that_its_client_gives_up_is_cancelled)
{
    struct client c;

    client_open(&c);
    client_start(&c, "/test.T/Wait", "", 0);
    eventually(&waiting, 1);
    grpc_call_cancel(c.call, NULL);
    ck_assert_int_eq(client_wait(&c), GRPC_STATUS_CANCELLED);
    eventually(&cancelled, 1);
    client_close(&c);
}
END_TEST

START_TEST(streams_are_held_open)
{
    struct client c;

    client_open(&c);
    client_start(&c, "/plugin.GRPCBroker/StartStream", "", 0);
    ck_assert_int_eq(
        grpc_completion_queue_next(
            c.queue,
            gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(300, GPR_TIMESPAN)),
            NULL)
            .type,
        GRPC_QUEUE_TIMEOUT);
    ck_assert_int_eq(status_of("/test.T/Now"), GRPC_STATUS_OK);
    server_stop(server, PATIENCE_MS); /* and don't keep the server from ending */
    ck_assert_int_ne(client_wait(&c), GRPC_STATUS_OK);
    client_close(&c);
}
END_TEST

/* Terraform was killed: the calls that run are cancelled and the server ends. */
START_TEST(the_end_of_the_lifeline_ends_the_server)
{
    struct client lifeline, work;

    client_open(&lifeline);
    client_start(&lifeline, "/plugin.GRPCStdio/StreamStdio", "", 0);
    client_open(&work);
    client_start(&work, "/test.T/Wait", "", 0);
    eventually(&waiting, 1);
    grpc_call_cancel(lifeline.call, NULL);
    (void)client_wait(&lifeline);
    join();
    ck_assert_int_eq(cancelled, 1);
    (void)client_wait(&work);
    client_close(&lifeline);
    client_close(&work);
}
END_TEST

START_TEST(a_host_that_never_comes_ends_the_server)
{
    __atomic_store_n(&gone, 1, __ATOMIC_SEQ_CST);
    join();
}
END_TEST

START_TEST(a_server_that_hangs_is_overdue)
{
    struct client c;

    client_open(&c);
    client_start(&c, "/test.T/Wait", "", 0);
    eventually(&waiting, 1);
    server_stop(server, 0);
    eventually(&overdue_calls, 1);
    (void)client_wait(&c);
    client_close(&c);
}
END_TEST

START_TEST(what_cant_listen_says_so)
{
    struct server_options o = options();
    struct mtls_identity id;
    struct err err = ERR_INIT;
    struct server *other;

    o.listen = "unix:/nonexistent/socket";
    ck_assert_int_eq(server_new(&other, &o, &err), ERR_FAIL);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "/nonexistent/socket"));
    err_done(&err);
    ck_assert_int_eq(mtls_identity_new(&id, NULL), 0);
    o.listen = "unix-abstract:server-test";
    o.identity = &id;
    o.client_cert = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n";
    ck_assert_int_eq(server_new(&other, &o, &err), ERR_FAIL);
    ck_assert_ptr_nonnull(strstr(err_msg(&err), "PLUGIN_CLIENT_CERT"));
    err_done(&err);
    mtls_identity_done(&id);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, answers_come_from_the_handler);
    tcase_add_test(t, unknown_methods_are_unimplemented);
    tcase_add_test(t, bytes_that_are_no_message_are_an_error);
    tcase_add_test(t, health_is_serving);
    tcase_add_test(t, shutdown_is_answered_and_ends_the_server);
    tcase_add_test(t, busy_workers_dont_block_what_is_immediate);
    tcase_add_test(t, a_call_that_its_client_gives_up_is_cancelled);
    tcase_add_test(t, streams_are_held_open);
    tcase_add_test(t, the_end_of_the_lifeline_ends_the_server);
    tcase_add_test(t, a_host_that_never_comes_ends_the_server);
    tcase_add_test(t, a_server_that_hangs_is_overdue);
    tcase_add_test(t, what_cant_listen_says_so);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
