/* What the fuzz targets of the two codecs share: input that is a type and a value, and the
 * properties that every decoded value has. */
#ifndef FUZZ_FUZZ_TF_VALUE_H
#define FUZZ_FUZZ_TF_VALUE_H

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tf/codec.h"
#include "lib/tf/diag.h"

/* The type's JSON up to a line break, then the value. Without a type that can be read the value is
 * of any type. */
static UNUSED const struct tf_type *split(struct arena *a, const uint8_t **data, size_t *size)
{
    const uint8_t *line = *size ? memchr(*data, '\n', *size) : NULL;
    const struct tf_type *t;

    if (!line || tf_type_from_json(a, (const char *)*data, (size_t)(line - *data), &t, NULL))
        return &tf_type_dynamic;
    *size -= (size_t)(line + 1 - *data);
    *data = line + 1;
    return t;
}

static void check_msgpack(struct arena *a, const struct tf_value *v, const struct tf_type *t)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf once CLEANUP(buf_done) = BUF_INIT, twice CLEANUP(buf_done) = BUF_INIT;
    const struct tf_value *again;

    buf_init(&once, BUF_MAX_DOCUMENT);
    buf_init(&twice, BUF_MAX_DOCUMENT);
    tf_msgpack_encode(v, t, &once);
    if (tf_msgpack_decode(a, once.data, once.len, t, &again, &err))
        bug("our own msgpack isn't read: %s", err_msg(&err));
    if (!tf_equal(v, again))
        bug("msgpack reads as another value");
    tf_msgpack_encode(again, t, &twice);
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        bug("the same value, other msgpack");
}

static bool has_infinity(const struct tf_value *v)
{
    if (tf_is_known(v) && v->type->kind == TF_NUMBER)
        return strstr(v->number, "inf") != NULL;
    for (size_t i = 0; i < tf_len(v); i++)
        if (has_infinity(v->items.at[i]))
            return true;
    return false;
}

static void check_json(struct arena *a, const struct tf_value *v, const struct tf_type *t)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf json CLEANUP(buf_done) = BUF_INIT;
    const struct tf_value *again;

    if (!tf_wholly_known(v) || has_infinity(v))
        return;
    buf_init(&json, BUF_MAX_DOCUMENT);
    tf_json_encode(v, t, &json);
    if (tf_json_decode(a, json.data, json.len, t, false, &again, &err))
        bug("our own JSON isn't read: %s", err_msg(&err));
    if (!tf_equal(v, again))
        bug("JSON reads as another value");
}

static UNUSED void check_value(struct arena *a, const struct tf_value *v, const struct tf_type *t)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const struct tf_value *known = tf_without_unknowns(a, v);

    if (!tf_conforms(v, t) || !tf_conforms(known, t) || !tf_wholly_known(known))
        bug("a value that doesn't conform to its type");
    if (tf_compare(v, known) != -tf_compare(known, v))
        bug("an order that depends on the side");
    check_msgpack(a, v, t);
    check_json(a, known, t);
    tf_value_write(v, &text);
}

#endif
