/* The two wire forms of values: msgpack (DynamicValue) and JSON (state files).
 *
 * Rules: cty/msgpack and cty/json of go-cty 1.16. Decoding checks everything against the type and
 * within the limits of value.h. Encoding doesn't fail: a value that doesn't conform to the type is
 * written by its own, and decoding it again (tf_verify_encoded) says what is wrong. */
#ifndef TF_CODEC_H
#define TF_CODEC_H

#include "lib/tf/value.h"

#define TF_CODEC_MAX_BYTES  ((size_t)512 << 20)
#define TF_CODEC_MAX_VALUES ((size_t)8 << 20) /* in one document: bounds memory per input byte */

/* Empty input (no bytes) is the null of the type, as core has it. Nothing is borrowed from `data`.
 * ERR_INVALID or ERR_LIMIT names the place ("objects[\"x\"]: expected a string, got a map"). */
int tf_msgpack_decode(struct arena *a, const void *data, size_t len, const struct tf_type *t,
                      const struct tf_value **ret_value, struct err *err) WARN_UNUSED;

/* Appends; t is the type of the slot (dynamic slots get the [type, value] pair). */
void tf_msgpack_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out);

/* JSON as in state: dynamic is {"value":..., "type":...}; object members that are missing are
 * null; members the type doesn't have are ERR_INVALID unless drop_unknown_members (state written
 * by another version of the schema). Numbers of any length are read exactly. */
int tf_json_decode(struct arena *a, const char *text, size_t len, const struct tf_type *t,
                   bool drop_unknown_members, const struct tf_value **ret_value, struct err *err)
    WARN_UNUSED;
/* Parses JSON so that no number loses a digit: whole numbers of up to 18 digits become integers,
 * all others strings with their text. New reference, or NULL. */
json_t *tf_json_parse(const char *text, size_t len, struct err *err) WARN_UNUSED;
int tf_json_decode_tree(struct arena *a, const json_t *tree, const struct tf_type *t,
                        bool drop_unknown_members, const struct tf_value **ret_value,
                        struct err *err) WARN_UNUSED;

/* v conforms to t and holds nothing unknown or infinite, which JSON can't say. */
void tf_json_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out);

#endif
