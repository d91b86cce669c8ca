#include "provider/plugin/call.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <string.h>

#include "provider/plugin/services.h"

#include "lib/base/banned.h"

#define MAX_PATH ((size_t)256)

struct call *call_new(const struct server_options *options)
{
    struct call *c = mem_calloc(1, sizeof(*c));

    c->options = options;
    grpc_call_details_init(&c->details);
    grpc_metadata_array_init(&c->metadata);
    atomic_init(&c->handed_back, false);
    for (int i = 0; i < CALL_EVENTS; i++)
        c->tags[i] = (struct call_tag){(enum call_event)i, c};
    return c;
}

void call_free(struct call *c)
{
    (void)atomic_load_explicit(&c->handed_back, memory_order_acquire);
    grpc_byte_buffer_destroy(c->request);
    grpc_byte_buffer_destroy(c->answer);
    grpc_metadata_array_destroy(&c->metadata);
    grpc_call_details_destroy(&c->details);
    grpc_auth_context_release(c->peer);
    if (c->call)
        grpc_call_unref(c->call);
    cancel_free(c->handler.cancel);
    arena_free(c->handler.arena);
    free(c);
}

/* Fails only if the calls of this file are wrong: two batches of one kind, an op twice. */
static void start(struct call *c, const grpc_op *ops, size_t nops, enum call_event event)
{
    grpc_call_error rc = grpc_call_start_batch(c->call, ops, nops, &c->tags[event], NULL);

    if (rc != GRPC_CALL_OK)
        bug("starting a batch of a call: %s", grpc_call_error_to_string(rc));
}

static void find_method(struct call *c)
{
    char path[MAX_PATH];
    size_t len = GRPC_SLICE_LENGTH(c->details.method);

    if (len >= sizeof(path))
        return;
    memcpy(path, GRPC_SLICE_START_PTR(c->details.method), len);
    path[len] = '\0';
    c->method = services_find(path);
    c->is_service = c->method != NULL;
    if (!c->method)
        c->method = c->options->find(path);
}

static void hold_stream(struct call *c)
{
    const grpc_op headers = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    c->pending++;
    start(c, &headers, 1, CALL_SENT);
}

static void receive_message(struct call *c)
{
    const grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE,
                             .data.recv_message.recv_message = &c->request};

    c->pending++;
    start(c, &receive, 1, CALL_MESSAGE);
}

void call_begin(struct call *c)
{
    const grpc_op closed = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                            .data.recv_close_on_server.cancelled = &c->cancelled};

    find_method(c);
    c->handler.arena = arena_new();
    c->handler.cancel = cancel_new(NULL);
    if (c->options->forget_peer)
        c->handler.peer = c->peer = grpc_call_auth_context(c->call);
    c->pending++;
    start(c, &closed, 1, CALL_CLOSED);
    if (!c->method) {
        c->pending++;
        call_refuse(c, GRPC_STATUS_UNIMPLEMENTED, "unknown method");
    } else if (c->method->kind == METHOD_STREAM || c->method->kind == METHOD_LIFELINE) {
        hold_stream(c);
    } else {
        receive_message(c);
    }
}

void call_refuse(struct call *c, grpc_status_code status, const char *message)
{
    grpc_slice details = grpc_slice_from_static_string(message);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = status, .status_details = &details}},
    };

    atomic_store_explicit(&c->handed_back, true, memory_order_release);
    start(c, ops, ARRAY_LEN(ops), CALL_SENT);
}

static void *unpack_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

/* The message lives in the call's arena; NULL if the bytes aren't one. */
static ProtobufCMessage *unpack(struct call *c)
{
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, c->handler.arena};
    ProtobufCMessage *message;
    grpc_byte_buffer_reader reader;
    grpc_slice bytes;

    if (!grpc_byte_buffer_reader_init(&reader, c->request))
        return NULL;
    bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    message = protobuf_c_message_unpack(c->method->request, &allocator, GRPC_SLICE_LENGTH(bytes),
                                        GRPC_SLICE_START_PTR(bytes));
    grpc_slice_unref(bytes);
    grpc_byte_buffer_destroy(c->request); /* the memory is needed no more */
    c->request = NULL;
    return message;
}

/* NULL if the message is too large to be sent. */
static grpc_byte_buffer *pack(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    grpc_byte_buffer *buffer;
    grpc_slice bytes;

    if (size > CALL_MAX_MESSAGE)
        return NULL;
    bytes = grpc_slice_malloc(size);
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(bytes));
    buffer = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_slice_unref(bytes);
    return buffer;
}

static void send_answer(struct call *c)
{
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->answer},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server.status = GRPC_STATUS_OK},
    };

    atomic_store_explicit(&c->handed_back, true, memory_order_release);
    start(c, ops, ARRAY_LEN(ops), CALL_SENT);
}

void call_handle(struct call *c)
{
    const ProtobufCMessage *request = unpack(c), *answer;

    if (!request) {
        call_refuse(c, GRPC_STATUS_INTERNAL, "the request isn't a message of the method");
        return;
    }
    answer = c->is_service ? services_answer(c->method)
                           : c->options->handle(c->options->arg, c->method, &c->handler, request);
    c->answer = pack(answer);
    if (c->answer)
        send_answer(c);
    else
        call_refuse(c, GRPC_STATUS_RESOURCE_EXHAUSTED, "the answer is too large");
}
