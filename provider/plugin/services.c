#include "provider/plugin/services.h"

#include <string.h>

#include "proto/google/protobuf/empty.pb-c.h"
#include "proto/health.pb-c.h"
#include "proto/plugin.pb-c.h"

#include "lib/base/banned.h"

static const Plugin__Empty empty = PLUGIN__EMPTY__INIT;

/* The process serves all that it has from its first moment to its last. */
static const Grpc__Health__V1__HealthCheckResponse serving = {
    PROTOBUF_C_MESSAGE_INIT(&grpc__health__v1__health_check_response__descriptor),
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
};

struct service {
    struct method method; /* first: services_answer gets back to the row from it */
    const ProtobufCMessage *answer;
};

/* The streams are held open although nothing is ever sent: Terraform logs a warning if they are
 * refused, and the end of StreamStdio is the only sign of its death after it has connected. */
static const struct service services[] = {
    {{"/plugin.GRPCController/Shutdown", METHOD_SHUTDOWN, &plugin__empty__descriptor}, &empty.base},
    {{"/plugin.GRPCStdio/StreamStdio", METHOD_LIFELINE, NULL}, NULL},
    {{"/plugin.GRPCBroker/StartStream", METHOD_STREAM, NULL}, NULL},
    {{"/grpc.health.v1.Health/Check", METHOD_IMMEDIATE,
      &grpc__health__v1__health_check_request__descriptor},
     &serving.base},
};

const struct method *services_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (!strcmp(services[i].method.path, path))
            return &services[i].method;
    return NULL;
}

const ProtobufCMessage *services_answer(const struct method *method)
{
    return ((const struct service *)method)->answer;
}
