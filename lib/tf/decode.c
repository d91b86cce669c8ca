#include "lib/tf/decode.h"

#include <stdarg.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/tf/codec.h"

#include "lib/base/banned.h"

#undef tf_place_error

int tf_place_error(const struct tf_place *p, struct err *err, int code, const char *fmt, ...)
{
    struct buf where CLEANUP(buf_done) = BUF_INIT;
    char *what CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = mem_vprintf(fmt, ap);
    va_end(ap);
    tf_path_write(tf_place_path(p), &where);
    return err_set(err, code, "%s%s%s", buf_str(&where), p->below_root ? ": " : "", what);
}

int tf_place_check(const struct tf_place *p, size_t *values, struct err *err)
{
    if (p->depth > TF_VALUE_MAX_DEPTH)
        return tf_place_error(p, err, ERR_LIMIT, "more than %d levels", TF_VALUE_MAX_DEPTH);
    if (++*values > TF_CODEC_MAX_VALUES)
        return tf_place_error(p, err, ERR_LIMIT, "more than %zu values", TF_CODEC_MAX_VALUES);
    return 0;
}
