/* Attribute paths and diagnostics. */
#ifndef TF_DIAG_H
#define TF_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/tf/value.h"

/* A path is its last step with a pointer to the rest; NULL is the whole object. Sets can't be
 * addressed: the path stops at the set. Immutable, in an arena (or static: TF_ATTR). */
enum tf_step { TF_STEP_ATTRIBUTE, TF_STEP_KEY, TF_STEP_INDEX };

struct tf_path {
    const struct tf_path *parent;
    enum tf_step step;
    const char *name; /* attribute or map key */
    int64_t index;
};

/* TF_ATTR("release"): a path of one attribute, with static or block lifetime. */
#define TF_ATTR(attr) (&(const struct tf_path){NULL, TF_STEP_ATTRIBUTE, (attr), 0})

const struct tf_path *tf_path_attribute(struct arena *a, const struct tf_path *parent,
                                        const char *name);
const struct tf_path *tf_path_key(struct arena *a, const struct tf_path *parent, const char *key);
const struct tf_path *tf_path_index(struct arena *a, const struct tf_path *parent, int64_t index);
const struct tf_path *tf_path_copy(struct arena *a, const struct tf_path *p); /* NULL gives NULL */
size_t tf_path_depth(const struct tf_path *p);
bool tf_path_equal(const struct tf_path *a, const struct tf_path *b);
/* users["a@b.c"].profile, patches[0].patch */
void tf_path_write(const struct tf_path *p, struct buf *out);

/* The value at the path below v; NULL when it doesn't exist (or something above is not known). */
const struct tf_value *tf_path_get(const struct tf_value *v, const struct tf_path *p);

/* A value for a message: as HCL would write it, cut when it is long. */
void tf_value_write(const struct tf_value *v, struct buf *out);

enum tf_severity { TF_ERROR = 1, TF_WARNING = 2 }; /* numbers of the wire */

struct tf_diag {
    enum tf_severity severity;
    const char *summary, *detail; /* valid UTF-8, sanitised when added */
    const struct tf_path *path;   /* copied into the list's arena; NULL = none */
};

/* A growing list whose texts live in its arena. Not thread-safe: one per RPC. */
struct tf_diags {
    struct arena *arena;
    struct tf_diag *at;
    size_t len, cap;
    size_t errors;
};

void tf_diags_init(struct tf_diags *d, struct arena *a);

/* summary: a short sentence part without a full stop. detail: what, where, and the remedy. */
void tf_error(struct tf_diags *d, const struct tf_path *path, const char *summary, const char *fmt,
              ...) PRINTF_FMT(4, 5);
void tf_warning(struct tf_diags *d, const struct tf_path *path, const char *summary,
                const char *fmt, ...) PRINTF_FMT(4, 5);

/* Reports err ("context: cause", first letter raised, full stop added) and clears it. */
void tf_error_from(struct tf_diags *d, const struct tf_path *path, const char *summary,
                   struct err *err);

bool tf_failed(const struct tf_diags *d); /* at least one error */

#endif
