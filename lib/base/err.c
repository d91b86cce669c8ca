#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

#undef err_set
#undef err_errno

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    char *msg;

    if (!err)
        return code;
    va_start(ap, fmt);
    msg = mem_vprintf(fmt, ap);
    va_end(ap);
    free(err->msg);
    err->msg = msg;
    err->code = code;
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char *prefix CLEANUP(mem_cleanup) = NULL;
    va_list ap;
    char *msg;

    if (!err)
        return ERR_FAIL;
    va_start(ap, fmt);
    prefix = mem_vprintf(fmt, ap);
    va_end(ap);
    msg = mem_printf("%s: %s", prefix, err_msg(err));
    free(err->msg);
    err->msg = msg;
    if (!err->code) /* a cause that wasn't set is no success */
        err->code = ERR_FAIL;
    return err->code;
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    char *what CLEANUP(mem_cleanup) = NULL;
    char text[128];
    va_list ap;

    if (!err)
        return code;
    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    return err_set(err, code, "%s: %s", what, strerror_r(saved, text, sizeof(text)));
}

int err_move(struct err *dst, struct err *src)
{
    int code = src->code;

    if (dst && dst != src) {
        free(dst->msg);
        *dst = *src;
        src->code = 0;
        src->msg = NULL;
    } else if (!dst) {
        err_done(src);
    }
    return code;
}

const char *err_msg(const struct err *err)
{
    return err && err->msg ? err->msg : "no error text";
}

void err_done(struct err *err)
{
    free(err->msg);
    err->msg = NULL;
    err->code = 0;
}
