/* What the server knows of a gRPC method, and what a handler gets.
 *
 * The server dispatches on the path of a call. Methods come from two tables: its own (services.c)
 * and that of whoever uses it (provider/rpc); neither knows the other. */
#ifndef PLUGIN_METHOD_H
#define PLUGIN_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "lib/base/cancel.h"
#include "lib/base/mem.h"

enum method_kind {
    METHOD_WORKER,    /* may block: handled by a worker of the pool */
    METHOD_IMMEDIATE, /* never blocks: handled by the polling thread, so busy workers can't delay it
                       */
    METHOD_SHUTDOWN,  /* immediate; the server stops when the answer is out */
    METHOD_STREAM,    /* a stream held open in silence until the peer ends it */
    METHOD_LIFELINE,  /* such a stream; when it breaks off, the host is gone */
};

/* Lives as long as the call: everything that the answer points to may be in the arena, which also
 * holds the request. */
struct method_call {
    struct arena *arena;
    struct cancel *cancel; /* fires when the peer goes away; users may fire it as well */
    /* Tells connections apart: the same for all calls of one, different for two that are alive at
     * the same time. NULL if there is but one client. */
    const void *peer;
};

struct method {
    const char *path; /* "/tfplugin6.Provider/GetMetadata" */
    enum method_kind kind;
    const ProtobufCMessageDescriptor *request; /* NULL for streams */
};

#endif
