/* The msgpack form of values (cty/msgpack).
 *
 * A value is written by the type of its slot: collections and tuples as arrays, maps and objects
 * as maps, and in a slot of type dynamic as the pair [type as JSON, value]. Unknown is an
 * extension: type 0 with one byte, or type 12 with a map of refinements. Numbers go as the
 * smallest integer, as a binary64 if that is exact, and as decimal text otherwise. */
#include <msgpack.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/tf/codec.h"
#include "lib/tf/decode.h"
#include "lib/tf/mp.h"
#include "lib/tf/number.h"

#include "lib/base/banned.h"

#define EXT_UNKNOWN 0
#define EXT_REFINED 12

#define REFINEMENT_MAX_BYTES 1024 /* core refuses more */
#define PREFIX_MAX_BYTES     256  /* of a string prefix that we send */

enum refinement_key {
    KEY_NULLNESS = 1,
    KEY_PREFIX,
    KEY_NUMBER_MIN,
    KEY_NUMBER_MAX,
    KEY_LENGTH_MIN,
    KEY_LENGTH_MAX,
};

static const struct tf_member bound_members[] = {{NULL, &tf_type_number}, {NULL, &tf_type_bool}};
static const struct tf_type bound_type = {
    .kind = TF_TUPLE, .members = bound_members, .nmembers = ARRAY_LEN(bound_members)};

/* --- decoding -------------------------------------------------------------------------------- */

struct decoder {
    struct arena *arena;
    struct mp_reader in;
    size_t values;
    struct err *err;
};

static int decode(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                  const struct tf_value **ret_value);

static int unexpected(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                      enum mp_kind got)
{
    return tf_place_error(at, d->err, ERR_INVALID, "expected %s, got %s", tf_kind_words(t->kind),
                          mp_words(got));
}

static int decode_number(struct decoder *d, const struct tf_place *at, const struct mp_item *item,
                         const struct tf_value **ret_value)
{
    const char *text = NULL;

    switch (item->kind) {
    case MP_INT:
        *ret_value = tf_int(d->arena, item->integer);
        return 0;
    case MP_UINT:
        if (item->uint <= INT64_MAX)
            *ret_value = tf_int(d->arena, (int64_t)item->uint);
        else
            *ret_value = tf_number(d->arena, arena_printf(d->arena, "%ju", (uintmax_t)item->uint));
        return 0;
    case MP_FLOAT:
        text = tf_number_from_double(d->arena, item->real);
        break;
    case MP_STR:
    case MP_BIN:
        if (item->len <= TF_NUMBER_MAX_CHARS && !memchr(item->data, 0, item->len))
            text = arena_strndup(d->arena, item->data, item->len);
        break;
    default:
        return unexpected(d, at, &tf_type_number, item->kind);
    }
    if (!text || tf_number_canonical(d->arena, text, &text))
        return tf_place_error(at, d->err, ERR_INVALID, "expected a number, got something else");
    *ret_value = tf_number(d->arena, text);
    return 0;
}

static int decode_primitive(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                            const struct mp_item *item, const struct tf_value **ret_value)
{
    if (t->kind == TF_NUMBER)
        return decode_number(d, at, item, ret_value);
    if (t->kind == TF_BOOL) {
        if (item->kind != MP_BOOL)
            return unexpected(d, at, t, item->kind);
        *ret_value = tf_bool(d->arena, item->boolean);
        return 0;
    }
    if (item->kind != MP_STR && item->kind != MP_BIN)
        return unexpected(d, at, t, item->kind);
    if (!utf8_valid(item->data, item->len))
        return tf_place_error(at, d->err, ERR_INVALID, "text that is not UTF-8");
    *ret_value = tf_stringn(d->arena, item->data, item->len);
    return 0;
}

static int decode_array(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                        const struct mp_item *item, const struct tf_value **ret_value)
{
    const struct tf_value **items;
    int rc;

    if (item->kind != MP_ARRAY)
        return unexpected(d, at, t, item->kind);
    if (t->kind == TF_TUPLE && item->len != t->nmembers)
        return tf_place_error(at, d->err, ERR_INVALID, "expected %zu items, got %zu", t->nmembers,
                              item->len);
    items = arena_calloc(d->arena, item->len, sizeof(const struct tf_value *));
    for (size_t i = 0; i < item->len; i++) {
        struct tf_place below = tf_place_below(at, TF_STEP_INDEX, NULL, i);

        rc = decode(d, &below, t->element ? t->element : t->members[i].type, &items[i]);
        if (rc)
            return rc;
    }
    *ret_value = tf_collection_take(d->arena, t, items, item->len);
    return 0;
}

static int decode_key(struct decoder *d, const struct tf_place *at, const char **ret_key)
{
    struct mp_item key = mp_read(&d->in);

    if (key.kind != MP_STR && key.kind != MP_BIN)
        return tf_place_error(at, d->err, ERR_INVALID, "expected a key, got %s",
                              mp_words(key.kind));
    if (!utf8_valid(key.data, key.len) || memchr(key.data, 0, key.len))
        return tf_place_error(at, d->err, ERR_INVALID, "a key that is not text");
    *ret_key = arena_strndup(d->arena, key.data, key.len);
    return 0;
}

static int decode_map(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                      const struct mp_item *item, const struct tf_value **ret_value)
{
    const struct tf_value **items;
    const char **keys;
    int rc;

    if (item->kind != MP_MAP)
        return unexpected(d, at, t, item->kind);
    items = arena_calloc(d->arena, item->len, sizeof(const struct tf_value *));
    keys = arena_calloc(d->arena, item->len, sizeof(const char *));
    for (size_t i = 0; i < item->len; i++) {
        struct tf_place below;

        if ((rc = decode_key(d, at, &keys[i])))
            return rc;
        below = tf_place_below(at, TF_STEP_KEY, keys[i], 0);
        if ((rc = decode(d, &below, t->element, &items[i])))
            return rc;
    }
    if (!tf_map_take(d->arena, t, keys, items, item->len, ret_value))
        return tf_place_error(at, d->err, ERR_INVALID, "the same key twice");
    return 0;
}

static int decode_object(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                         const struct mp_item *item, const struct tf_value **ret_value)
{
    const struct tf_value **items;
    const char *name;
    int i, rc;

    if (item->kind != MP_MAP)
        return unexpected(d, at, t, item->kind);
    if (item->len != t->nmembers)
        return tf_place_error(at, d->err, ERR_INVALID, "expected %zu attributes, got %zu",
                              t->nmembers, item->len);
    items = arena_calloc(d->arena, t->nmembers, sizeof(const struct tf_value *));
    for (size_t n = 0; n < item->len; n++) {
        struct tf_place below;

        if ((rc = decode_key(d, at, &name)))
            return rc;
        i = tf_type_member(t, name);
        if (i < 0 || items[i])
            return tf_place_error(at, d->err, ERR_INVALID, "%s attribute \"%s\"",
                                  i < 0 ? "unsupported" : "repeated", name);
        below = tf_place_below(at, TF_STEP_ATTRIBUTE, name, 0);
        if ((rc = decode(d, &below, t->members[i].type, &items[i])))
            return rc;
    }
    *ret_value = tf_collection_take(d->arena, t, items, t->nmembers);
    return 0;
}

static int decode_dynamic(struct decoder *d, const struct tf_place *at, const struct mp_item *item,
                          const struct tf_value **ret_value)
{
    struct tf_place inside = tf_place_inside(at);
    const struct tf_type *t;
    struct mp_item type;
    int rc;

    if (item->kind != MP_ARRAY || item->len != 2)
        return tf_place_error(at, d->err, ERR_INVALID, "expected a type and a value, got %s",
                              mp_words(item->kind));
    type = mp_read(&d->in);
    if (type.kind != MP_BIN && type.kind != MP_STR)
        return tf_place_error(at, d->err, ERR_INVALID, "expected a type, got %s",
                              mp_words(type.kind));
    if ((rc = tf_type_from_json(d->arena, type.data, type.len, &t, d->err)))
        return tf_place_error(at, d->err, rc, "%s", err_msg(d->err));
    return decode(d, &inside, t, ret_value);
}

/* --- unknown --- */

static int decode_bound(struct decoder *d, const struct tf_place *at, const char **ret_number,
                        bool *ret_inclusive)
{
    const struct tf_value *v;
    int rc;

    if ((rc = decode(d, at, &bound_type, &v)))
        return rc;
    if (!tf_is_known(v) || !tf_is_known(v->items.at[0]) || !tf_is_known(v->items.at[1]))
        return tf_place_error(at, d->err, ERR_INVALID, "a bound that isn't known");
    *ret_number = v->items.at[0]->number;
    *ret_inclusive = v->items.at[1]->boolean;
    return 0;
}

static int decode_length(struct decoder *d, const struct tf_place *at, int64_t *ret_length)
{
    struct mp_item item = mp_read(&d->in);

    if (item.kind != MP_UINT || item.uint > INT64_MAX)
        return tf_place_error(at, d->err, ERR_INVALID, "a length that isn't a whole number");
    *ret_length = (int64_t)item.uint;
    return 0;
}

static int decode_prefix(struct decoder *d, const struct tf_place *at, const char **ret_prefix)
{
    struct mp_item item = mp_read(&d->in);

    if ((item.kind != MP_STR && item.kind != MP_BIN) || !utf8_valid(item.data, item.len) ||
        memchr(item.data, 0, item.len))
        return tf_place_error(at, d->err, ERR_INVALID, "a prefix that isn't text");
    *ret_prefix = arena_strndup(d->arena, item.data, item.len);
    return 0;
}

/* One entry; keys that the type can't have are refused, keys of the future skipped. */
static int decode_refinement(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                             struct tf_refinement *r, bool *ret_null)
{
    bool collection = t->kind == TF_LIST || t->kind == TF_SET || t->kind == TF_MAP;
    struct mp_item item = mp_read(&d->in);

    if (item.kind != MP_UINT && item.kind != MP_INT)
        return tf_place_error(at, d->err, ERR_INVALID, "a refinement without a number");
    switch (item.kind == MP_UINT ? item.uint : 0) {
    case KEY_NULLNESS:
        item = mp_read(&d->in);
        if (item.kind != MP_BOOL)
            return tf_place_error(at, d->err, ERR_INVALID, "a refinement of the wrong kind");
        *ret_null = item.boolean;
        r->has |= item.boolean ? 0 : TF_REFINE_NOT_NULL;
        return 0;
    case KEY_PREFIX:
        r->has |= TF_REFINE_PREFIX;
        return t->kind == TF_STRING
                   ? decode_prefix(d, at, &r->prefix)
                   : tf_place_error(at, d->err, ERR_INVALID, "prefix of no string");
    case KEY_NUMBER_MIN:
        r->has |= TF_REFINE_MIN;
        return t->kind == TF_NUMBER ? decode_bound(d, at, &r->min, &r->min_inclusive)
                                    : tf_place_error(at, d->err, ERR_INVALID, "bound of no number");
    case KEY_NUMBER_MAX:
        r->has |= TF_REFINE_MAX;
        return t->kind == TF_NUMBER ? decode_bound(d, at, &r->max, &r->max_inclusive)
                                    : tf_place_error(at, d->err, ERR_INVALID, "bound of no number");
    case KEY_LENGTH_MIN:
        r->has |= TF_REFINE_MIN_LENGTH;
        return collection ? decode_length(d, at, &r->min_length)
                          : tf_place_error(at, d->err, ERR_INVALID, "length of no collection");
    case KEY_LENGTH_MAX:
        r->has |= TF_REFINE_MAX_LENGTH;
        return collection ? decode_length(d, at, &r->max_length)
                          : tf_place_error(at, d->err, ERR_INVALID, "length of no collection");
    default:
        if (mp_skip(&d->in, TF_VALUE_MAX_DEPTH))
            return tf_place_error(at, d->err, ERR_INVALID, "a broken refinement");
        return 0;
    }
}

static int decode_unknown(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                          const struct mp_item *item, const struct tf_value **ret_value)
{
    struct decoder body = {d->arena, {NULL, NULL}, d->values, d->err};
    struct tf_refinement refinement = {0}, *kept;
    struct tf_value *unknown;
    struct mp_item map;
    bool null = false;
    int rc;

    unknown = arena_alloc(d->arena, sizeof(*unknown));
    *unknown = (struct tf_value){.type = t, .state = TF_UNKNOWN};
    *ret_value = unknown;
    if (item->len <= 1)
        return 0;
    if (item->ext_type != EXT_REFINED)
        return tf_place_error(at, d->err, ERR_INVALID, "extension of type %d", item->ext_type);
    if (item->len > REFINEMENT_MAX_BYTES)
        return tf_place_error(at, d->err, ERR_LIMIT, "refinements of %zu bytes", item->len);
    body.in.at = (const uint8_t *)item->data;
    body.in.end = body.in.at + item->len;
    map = mp_read(&body.in);
    if (map.kind != MP_MAP)
        return tf_place_error(at, d->err, ERR_INVALID, "refinements that are no map");
    if (t->kind == TF_DYNAMIC)
        return 0;
    for (size_t i = 0; i < map.len; i++)
        if ((rc = decode_refinement(&body, at, t, &refinement, &null)))
            return rc;
    if (null) {
        *ret_value = tf_null(d->arena, t);
    } else if (refinement.has) {
        kept = arena_alloc(d->arena, sizeof(*kept));
        *kept = refinement;
        unknown->refinement = kept;
    }
    return 0;
}

static int decode(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                  const struct tf_value **ret_value)
{
    struct mp_item item;
    int rc;

    if ((rc = tf_place_check(at, &d->values, d->err)))
        return rc;
    item = mp_read(&d->in);
    if (item.kind == MP_EXT)
        return decode_unknown(d, at, t, &item, ret_value);
    if (item.kind == MP_NIL) {
        *ret_value = tf_null(d->arena, t);
        return 0;
    }
    switch (t->kind) {
    case TF_DYNAMIC:
        return decode_dynamic(d, at, &item, ret_value);
    case TF_LIST:
    case TF_SET:
    case TF_TUPLE:
        return decode_array(d, at, t, &item, ret_value);
    case TF_MAP:
        return decode_map(d, at, t, &item, ret_value);
    case TF_OBJECT:
        return decode_object(d, at, t, &item, ret_value);
    default:
        return decode_primitive(d, at, t, &item, ret_value);
    }
}

int tf_msgpack_decode(struct arena *a, const void *data, size_t len, const struct tf_type *t,
                      const struct tf_value **ret_value, struct err *err)
{
    struct decoder d = {.arena = a, .err = err};
    struct tf_place root = {.depth = 0};
    const struct tf_value *v;
    int rc;

    if (len > TF_CODEC_MAX_BYTES)
        return err_set(err, ERR_LIMIT, "%zu bytes of msgpack", len);
    if (!len) {
        *ret_value = tf_null(a, t);
        return 0;
    }
    d.in.at = data;
    d.in.end = d.in.at + len;
    if ((rc = decode(&d, &root, t, &v)))
        return rc;
    if (d.in.at != d.in.end)
        return err_set(err, ERR_INVALID, "%zu bytes behind the value",
                       (size_t)(d.in.end - d.in.at));
    *ret_value = v;
    return 0;
}

/* --- encoding -------------------------------------------------------------------------------- */

static int write_buf(void *buf, const char *data, size_t len)
{
    return buf_add(buf, data, len);
}

/* The packer passes on what buf_add returns; a value that outgrows its buffer is our own making. */
static void packed(int rc)
{
    if (rc)
        bug("a value too large for its buffer");
}

static void pack_text(msgpack_packer *pk, const char *s, size_t len)
{
    packed(msgpack_pack_str(pk, len));
    packed(msgpack_pack_str_body(pk, s, len));
}

static void encode_number(msgpack_packer *pk, const char *number)
{
    char plain[TF_NUMBER_PLAIN_SIZE];
    int64_t integer;
    double real;

    if (tf_number_int64(number, &integer)) {
        packed(msgpack_pack_int64(pk, integer));
    } else if (tf_number_double(number, &real)) {
        packed(msgpack_pack_double(pk, real));
    } else {
        tf_number_plain(number, plain);
        pack_text(pk, plain, strlen(plain));
    }
}

static void encode_bound(msgpack_packer *pk, enum refinement_key key, const char *number,
                         bool inclusive)
{
    packed(msgpack_pack_int(pk, key));
    packed(msgpack_pack_array(pk, 2));
    encode_number(pk, number);
    packed(inclusive ? msgpack_pack_true(pk) : msgpack_pack_false(pk));
}

/* Cut before a character, and one more, because what followed it may combine with it. */
static size_t prefix_length(const char *prefix)
{
    size_t n = strlen(prefix), at = 0, before = 0, next;

    if (n <= PREFIX_MAX_BYTES)
        return n;
    while ((next = utf8_sequence(prefix + at, n - at)) && at + next <= PREFIX_MAX_BYTES) {
        before = at;
        at += next;
    }
    return before;
}

static unsigned refinements_of(const struct tf_value *v)
{
    static const unsigned allowed[] = {
        [TF_DYNAMIC] = 0,
        [TF_BOOL] = TF_REFINE_NOT_NULL,
        [TF_NUMBER] = TF_REFINE_NOT_NULL | TF_REFINE_MIN | TF_REFINE_MAX,
        [TF_STRING] = TF_REFINE_NOT_NULL | TF_REFINE_PREFIX,
        [TF_LIST] = TF_REFINE_NOT_NULL | TF_REFINE_MIN_LENGTH | TF_REFINE_MAX_LENGTH,
        [TF_SET] = TF_REFINE_NOT_NULL | TF_REFINE_MIN_LENGTH | TF_REFINE_MAX_LENGTH,
        [TF_MAP] = TF_REFINE_NOT_NULL | TF_REFINE_MIN_LENGTH | TF_REFINE_MAX_LENGTH,
        [TF_TUPLE] = TF_REFINE_NOT_NULL,
        [TF_OBJECT] = TF_REFINE_NOT_NULL,
    };

    return v->refinement ? v->refinement->has & allowed[v->type->kind] : 0;
}

static void encode_refinements(msgpack_packer *pk, unsigned has, const struct tf_refinement *r)
{
    packed(msgpack_pack_map(pk, (size_t)__builtin_popcount(has)));
    if (has & TF_REFINE_NOT_NULL) {
        packed(msgpack_pack_int(pk, KEY_NULLNESS));
        packed(msgpack_pack_false(pk));
    }
    if (has & TF_REFINE_PREFIX) {
        packed(msgpack_pack_int(pk, KEY_PREFIX));
        pack_text(pk, r->prefix, prefix_length(r->prefix));
    }
    if (has & TF_REFINE_MIN)
        encode_bound(pk, KEY_NUMBER_MIN, r->min, r->min_inclusive);
    if (has & TF_REFINE_MAX)
        encode_bound(pk, KEY_NUMBER_MAX, r->max, r->max_inclusive);
    if (has & TF_REFINE_MIN_LENGTH) {
        packed(msgpack_pack_int(pk, KEY_LENGTH_MIN));
        packed(msgpack_pack_int64(pk, r->min_length));
    }
    if (has & TF_REFINE_MAX_LENGTH) {
        packed(msgpack_pack_int(pk, KEY_LENGTH_MAX));
        packed(msgpack_pack_int64(pk, r->max_length));
    }
}

static void encode_unknown(msgpack_packer *pk, const struct tf_value *v)
{
    struct buf body CLEANUP(buf_done) = BUF_INIT;
    unsigned has = refinements_of(v);
    msgpack_packer inner;

    if (has) {
        msgpack_packer_init(&inner, &body, write_buf);
        encode_refinements(&inner, has, v->refinement);
    }
    /* Bounds of hundreds of digits could pass what core reads: better unrefined than refused. */
    if (has && body.len <= REFINEMENT_MAX_BYTES) {
        packed(msgpack_pack_ext_with_body(pk, body.data, body.len, EXT_REFINED));
        return;
    }
    packed(msgpack_pack_ext_with_body(pk, "", 1, EXT_UNKNOWN));
}

static void encode(msgpack_packer *pk, const struct tf_value *v, const struct tf_type *t);

static void encode_items(msgpack_packer *pk, const struct tf_value *v, const struct tf_type *t)
{
    if (t->kind == TF_MAP || t->kind == TF_OBJECT)
        packed(msgpack_pack_map(pk, v->items.len));
    else
        packed(msgpack_pack_array(pk, v->items.len));
    for (size_t i = 0; i < v->items.len; i++) {
        const char *key = t->kind == TF_MAP      ? v->items.keys[i]
                          : t->kind == TF_OBJECT ? v->type->members[i].name
                                                 : NULL;

        if (key)
            pack_text(pk, key, strlen(key));
        encode(pk, v->items.at[i], t->element ? t->element : t->members[i].type);
    }
}

static void encode_dynamic(msgpack_packer *pk, const struct tf_value *v)
{
    struct buf type CLEANUP(buf_done) = BUF_INIT;

    tf_type_to_json(v->type, &type);
    packed(msgpack_pack_array(pk, 2));
    packed(msgpack_pack_bin_with_body(pk, type.data, type.len));
    encode(pk, v, v->type);
}

static void encode(msgpack_packer *pk, const struct tf_value *v, const struct tf_type *t)
{
    if (v && t->kind == TF_DYNAMIC && v->type->kind != TF_DYNAMIC) {
        encode_dynamic(pk, v);
        return;
    }
    if (tf_is_null(v)) {
        packed(msgpack_pack_nil(pk));
        return;
    }
    if (v->state == TF_UNKNOWN) {
        encode_unknown(pk, v);
        return;
    }
    /* What doesn't fit is written as it is: decoding it as a t says what is wrong, and where. */
    if (v->type->kind != t->kind || v->type->nmembers != t->nmembers)
        t = v->type;
    switch (t->kind) {
    case TF_BOOL:
        packed(v->boolean ? msgpack_pack_true(pk) : msgpack_pack_false(pk));
        break;
    case TF_NUMBER:
        encode_number(pk, v->number);
        break;
    case TF_STRING:
        pack_text(pk, v->string.data, v->string.len);
        break;
    default:
        encode_items(pk, v, t);
        break;
    }
}

void tf_msgpack_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, out, write_buf);
    encode(&pk, v, t);
}
