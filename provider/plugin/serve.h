/* A plugin process from its start to its end: socket, certificate, handshake, server, signals. */
#ifndef PLUGIN_SERVE_H
#define PLUGIN_SERVE_H

#include "lib/base/err.h"
#include "provider/plugin/handshake.h"
#include "provider/plugin/method.h"

enum serve_mode {
    SERVE_MANAGED,  /* started by Terraform, for one client, until it says Shutdown or is gone */
    SERVE_REATTACH, /* started by a developer, for any number of clients, until a signal */
};

struct serve_options {
    enum serve_mode mode;
    const struct handshake *handshake;
    const char *source;   /* "registry.terraform.io/..."; for SERVE_REATTACH */
    const char *temp_dir; /* TMPDIR, or NULL */

    /* As in struct server_options. */
    const struct method *(*find)(const char *path);
    const ProtobufCMessage *(*handle)(void *arg, const struct method *method,
                                      struct method_call *call, const ProtobufCMessage *request);
    void (*forget_peer)(void *arg, const void *peer); /* for SERVE_REATTACH */
    void (*cancel_all)(void *arg);                    /* asks all running calls to come to an end */
    void *arg;

    void (*overdue)(void); /* must end the process at once: something hangs */
};

/* Serves; returns when it's over. 0, or ERR_FAIL if it never began. */
int serve(const struct serve_options *o, struct err *err) WARN_UNUSED;

#endif
