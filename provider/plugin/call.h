/* One gRPC call on the server: its batches, its request and its answer. Internal to the server. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "provider/plugin/server.h"

/* The largest request that is taken and the largest answer that is sent. */
#define CALL_MAX_MESSAGE ((size_t)512 << 20)

enum call_event { CALL_NEW, CALL_MESSAGE, CALL_CLOSED, CALL_SENT, CALL_EVENTS };

struct call;

struct call_tag {
    enum call_event event;
    struct call *call;
};

struct call {
    const struct server_options *options;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const struct method *method; /* NULL = unknown path */
    bool is_service;             /* method is from services.c */
    struct method_call handler;
    grpc_byte_buffer *request, *answer;
    grpc_auth_context *peer; /* one per connection; kept so that its address stays taken */
    int cancelled;           /* set by the core with CLOSED */
    unsigned pending;        /* events still to come; the polling thread's */
    atomic_bool handed_back; /* orders the worker's writes before the polling thread's free */
    struct call_tag tags[CALL_EVENTS];
};

struct call *call_new(const struct server_options *options);
void call_free(struct call *c);

/* After NEW: looks the method up and starts what comes first. */
void call_begin(struct call *c);

/* After MESSAGE or on a worker: unpacks, handles, and starts SENT. The call may be gone afterwards.
 */
void call_handle(struct call *c);

/* Ends the call with a gRPC status instead of an answer; starts SENT. message is static. */
void call_refuse(struct call *c, grpc_status_code status, const char *message);

#endif
