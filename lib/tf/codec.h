/* The two wire forms of values: msgpack (DynamicValue) and JSON (state files).
 *
 * Rules: cty/msgpack and cty/json of go-cty 1.16. Decoding checks everything against the type and
 * within the limits of value.h; encoding can't fail for a value that conforms to its type. */
#ifndef TF_CODEC_H
#define TF_CODEC_H

#include "lib/tf/value.h"

#define TF_CODEC_MAX_BYTES ((size_t)512 << 20)

/* Empty input (no bytes) is the null of the type, as core has it. Strings are borrowed from
 * `data` where possible: it must live as long as the arena. ERR_INVALID names the place
 * ("objects[\"x\"]: expected a string, got a map"). */
int tf_msgpack_decode(struct arena *a, const void *data, size_t len, const struct tf_type *t,
                      const struct tf_value **ret_value, struct err *err) WARN_UNUSED;

/* Appends; t is the type of the slot (dynamic slots get the [type, value] pair). */
void tf_msgpack_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out);

/* JSON as in state: dynamic is {"value":..., "type":...}; object members that are missing are
 * null; members the type doesn't have are ERR_INVALID unless drop_unknown_members (state written
 * by another version of the schema). Numbers of any length are read exactly. */
int tf_json_decode(struct arena *a, const char *text, size_t len, const struct tf_type *t,
                   bool drop_unknown_members, const struct tf_value **ret_value,
                   struct err *err) WARN_UNUSED;
void tf_json_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out); /* no unknowns */

#endif
