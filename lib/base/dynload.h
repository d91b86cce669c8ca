/* Shared libraries that are loaded when they are first used.
 *
 * Terraform starts a provider for each command, often only to ask for its schema, and mapping
 * libcurl and libarchive with the thirty libraries behind them is a third of a start. So the program
 * isn't linked with them: it defines the functions that it uses (dynload_curl.def,
 * dynload_archive.def) under their own names, and each hands its call on to the library. Callers
 * include the library's header, whose checks of types hold, and write calls as ever; those that come
 * first, http_new and archive_unpack, load it. What isn't in the list doesn't link.
 *
 * A library is known by the name that the linker found at build time (its soname), which stands for
 * its interface. Once loaded it stays. */
#ifndef BASE_DYNLOAD_H
#define BASE_DYNLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"

struct dynload_function {
    const char *name;
    void **at; /* where its address belongs */
};

struct dynload {
    const char *soname;
    const char *package; /* what holds it, for the message */
    const struct dynload_function *functions;
    size_t nfunctions;
    pthread_mutex_t lock;
    bool loaded;
};

/* Loads the library, unless it is loaded, and finds its functions; a failure is tried again by the
 * next call. ERR_FAIL says what is missing and what to install. From any thread; who calls a
 * function of the library must have seen a 0, or come after who has. */
int dynload_open(struct dynload *lib, struct err *err) WARN_UNUSED;

/* The two. */
int dynload_curl(struct err *err) WARN_UNUSED;
int dynload_archive(struct err *err) WARN_UNUSED;

#endif
