/* Errors: a code to branch on and a text to read.
 *
 * A fallible function returns 0 or a negative code, takes `struct err *` last and writes its
 * outputs only on success. An error is set once, where it happens; callers that know more put
 * their context in front of it ("rendering katib: reading kustomization.yaml: line 3: ...") and
 * the top turns it into a diagnostic. `err` may be NULL where the text isn't wanted.
 *
 *     struct err err CLEANUP(err_done) = ERR_INIT;
 *     if ((rc = thing_load(&thing, path, &err)))
 *         return err_wrap(ret_err, ...); */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "lib/base/attr.h"

enum err_code {
    ERR_OK = 0,
    ERR_FAIL = -1,    /* anything that callers don't tell apart */
    ERR_INVALID = -2, /* outside input breaks its rules */
    ERR_NOT_FOUND = -3,
    ERR_EXISTS = -4,
    ERR_CONFLICT = -5,        /* somebody else owns or changed it */
    ERR_DENIED = -6,          /* authenticated, not allowed (403) */
    ERR_UNAUTHENTICATED = -7, /* credentials refused (401) */
    ERR_UNREACHABLE = -8,     /* no answer: DNS, connect, TLS, connection loss */
    ERR_TIMEOUT = -9,
    ERR_CANCELLED = -10, /* StopProvider or a client that went away */
    ERR_LIMIT = -11,     /* a named limit was passed */
    ERR_UNSUPPORTED = -12,
    ERR_RETRY = -13, /* temporary; the same call may succeed later (429, 5xx, webhook not ready) */
};

struct err {
    int code;
    char *msg; /* owned; NULL while there is no error */
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        0, NULL                                                                                    \
    }

/* Sets code and text, replacing what was there, and returns code. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_FMT(3, 4);

/* Puts "<text>: " in front of the message; returns the unchanged code. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_FMT(2, 3);

/* Appends strerror(saved errno): "open x: No such file or directory". */
int err_errno(struct err *err, int code, const char *fmt, ...) PRINTF_FMT(3, 4);

/* Moves src into dst (dst may be NULL), leaving src empty; returns the code. */
int err_move(struct err *dst, struct err *src);

/* The message, never NULL. */
const char *err_msg(const struct err *err);

void err_done(struct err *err); /* frees the text; the struct is as new */

/* An analyzer looks at one file at a time: this tells it what these two return. */
#ifdef __clang_analyzer__
#define err_set(err, code, ...)   ((void)err_set(err, code, __VA_ARGS__), (code))
#define err_errno(err, code, ...) ((void)err_errno(err, code, __VA_ARGS__), (code))
#endif

#endif
