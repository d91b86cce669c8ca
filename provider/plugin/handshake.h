/* go-plugin's start: what the host says through the environment and the one line that answers.
 *
 *     1|6|unix|/tmp/terraform-provider-x1Yz/plugin.sock|grpc|MIIB...
 *
 * core protocol | provider protocol | network | address | transport | server certificate (DER in
 * base64 without padding; empty without TLS). */
#ifndef PLUGIN_HANDSHAKE_H
#define PLUGIN_HANDSHAKE_H

#include <stdbool.h>

#include "lib/base/buf.h"

#define HANDSHAKE_PROTOCOL 6 /* the provider protocol that is served */

/* getenv, or a stand-in in tests. */
typedef char *handshake_env(const char *name);

struct handshake {
    bool by_host;            /* the magic cookie is there: a host started us */
    bool speaks_protocol;    /* the host names protocol 6, or no protocol at all */
    const char *client_cert; /* PEM of the only client to let in; NULL = no TLS */
    const char *socket_dir;  /* where the host wants the socket; NULL = nowhere special */
    bool multiplex_field;    /* the host expects the seventh field */
};

/* Borrows from the environment. */
void handshake_read(struct handshake *h, handshake_env *env);

/* Where the server listens, as the line and Terraform want it. */
struct handshake_address {
    const char *network; /* "unix" */
    const char *name;    /* a path, or "@name" in the abstract namespace */
};

/* The line with its newline. certificate is NULL without TLS. */
void handshake_line(const struct handshake *h, const struct handshake_address *address,
                    const char *certificate, struct buf *out);

/* TF_REATTACH_PROVIDERS='{...}' with its newline, to be pasted into a shell. */
void handshake_reattach_line(const char *source, const struct handshake_address *address, long pid,
                             struct buf *out);

#endif
