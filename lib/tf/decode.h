/* What the two decoders share: the place in the document, for messages and limits. */
#ifndef TF_DECODE_H
#define TF_DECODE_H

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/tf/diag.h"

/* Steps live on the stack of the recursion; the text is only made for an error. */
struct tf_place {
    struct tf_path path; /* of this value; its parent is the enclosing one's */
    bool below_root;     /* false: the path has no meaning */
    int depth;
};

static inline const struct tf_path *tf_place_path(const struct tf_place *p)
{
    return p->below_root ? &p->path : NULL;
}

static inline struct tf_place tf_place_below(const struct tf_place *p, enum tf_step step,
                                             const char *name, size_t index)
{
    return (struct tf_place){{tf_place_path(p), step, name, (int64_t)index}, true, p->depth + 1};
}

/* The same place one level deeper: the value inside a dynamic one. */
static inline struct tf_place tf_place_inside(const struct tf_place *p)
{
    return (struct tf_place){p->path, p->below_root, p->depth + 1};
}

/* Sets the error with the place in front; returns code. */
int tf_place_error(const struct tf_place *p, struct err *err, int code, const char *fmt, ...)
    PRINTF_FMT(4, 5);

/* An analyzer looks at one file at a time: this tells it what that returns. */
#ifdef __clang_analyzer__
#define tf_place_error(p, err, code, ...) ((void)tf_place_error(p, err, code, __VA_ARGS__), (code))
#endif

/* Counts a value against TF_CODEC_MAX_VALUES and its depth against TF_VALUE_MAX_DEPTH. */
int tf_place_check(const struct tf_place *p, size_t *values, struct err *err) WARN_UNUSED;

#endif
