/* The unix socket that the server listens on, in a directory of its own that nobody else can enter.
 *
 * Where it can be: a directory that the host asks for, $TMPDIR, /tmp; and if none takes a socket,
 * the abstract namespace, which has no permissions and so needs TLS. */
#ifndef PLUGIN_ENDPOINT_H
#define PLUGIN_ENDPOINT_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "provider/plugin/handshake.h"

struct endpoint {
    char *dir;    /* made by us, mode 0700; NULL in the abstract namespace */
    char *name;   /* the path, or "@name" */
    char *listen; /* what gRPC listens on: "unix:/..." or "unix-abstract:..." */
};

/* dirs: candidates in order; NULL ones are skipped. 0, or ERR_FAIL that says what was tried. */
int endpoint_new(struct endpoint *ret_endpoint, const char *const *dirs, size_t ndirs,
                 bool allow_abstract, struct err *err) WARN_UNUSED;

/* Removes socket and directory. Safe to call at any time, even more than once, from any thread. */
void endpoint_unlink(const struct endpoint *e);
void endpoint_done(struct endpoint *e); /* unlinks and frees */

#endif
