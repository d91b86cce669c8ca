/* The JSON form of values (cty/json), as in state files.
 *
 * jansson reads the text, but keeps numbers as int64 or double. So numbers that those can't hold
 * exactly are put into quotes first; a number's slot takes text as well as numbers, and the text
 * is exact. */
#include <ctype.h>
#include <string.h>

#include "lib/tf/codec.h"
#include "lib/tf/decode.h"
#include "lib/tf/number.h"

#include "lib/base/banned.h"

#define EXACT_DIGITS 18 /* of a whole number that surely fits an int64 */

/* --- numbers into quotes --------------------------------------------------------------------- */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && isdigit((unsigned char)*p))
        p++;
    return p;
}

/* The end of the number at p by JSON's grammar, NULL if it is none. */
static const char *number_end(const char *p, const char *end, bool *whole)
{
    const char *digits;

    *whole = true;
    if (p < end && *p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        *whole = false;
        digits = ++p;
        if ((p = skip_digits(p, end)) == digits)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *whole = false;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        if ((p = skip_digits(p, end)) == digits)
            return NULL;
    }
    return p;
}

/* Behind the closing quote of the string at p, or the end of the text. */
static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

static int quote_numbers(const char *text, size_t len, struct buf *out, struct err *err)
{
    const char *p = text, *end = text + len, *start = text, *next;
    bool whole;

    while (p < end) {
        if (*p == '"') {
            p = string_end(p, end);
            continue;
        }
        if (*p != '-' && !isdigit((unsigned char)*p)) {
            p++;
            continue;
        }
        if (!(next = number_end(p, end, &whole)))
            return err_set(err, ERR_INVALID, "invalid number at byte %zu", (size_t)(p - text));
        if (!whole || next - p > EXACT_DIGITS) {
            buf_putn(out, start, (size_t)(p - start));
            buf_putc(out, '"');
            buf_putn(out, p, (size_t)(next - p));
            buf_putc(out, '"');
            start = next;
        }
        p = next;
    }
    buf_putn(out, start, (size_t)(end - start));
    return 0;
}

json_t *tf_json_parse(const char *text, size_t len, struct err *err)
{
    struct buf quoted CLEANUP(buf_done) = BUF_INIT;
    json_error_t why;
    json_t *tree;

    if (len > TF_CODEC_MAX_BYTES) {
        err_set(err, ERR_LIMIT, "%zu bytes of JSON", len);
        return NULL;
    }
    buf_init(&quoted, 2 * len + 2);
    if (quote_numbers(text, len, &quoted, err))
        return NULL;
    tree = json_loadb(buf_str(&quoted), quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!tree) /* jansson's own text quotes the input, which may hold secrets */
        err_set(err, ERR_INVALID, "invalid JSON at line %d, column %d", why.line, why.column);
    return tree;
}

/* --- decoding -------------------------------------------------------------------------------- */

struct decoder {
    struct arena *arena;
    bool drop_unknown_members;
    size_t values;
    struct err *err;
};

static int decode(struct decoder *d, const struct tf_place *at, const json_t *j,
                  const struct tf_type *t, const struct tf_value **ret_value);

static int unexpected(struct decoder *d, const struct tf_place *at, const struct tf_type *t,
                      const json_t *got)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    return tf_place_error(at, d->err, ERR_INVALID, "expected %s, got %s", tf_kind_words(t->kind),
                          words[json_typeof(got)]);
}

/* What upgraders made may be a real; everything that was read is text or an integer. */
static int decode_number(struct decoder *d, const struct tf_place *at, const json_t *j,
                         const struct tf_value **ret_value)
{
    const char *text = json_string_value(j);

    if (json_is_integer(j)) {
        *ret_value = tf_int(d->arena, json_integer_value(j));
        return 0;
    }
    if (json_is_real(j))
        text = tf_number_from_double(d->arena, json_real_value(j));
    if (!text)
        return unexpected(d, at, &tf_type_number, j);
    if (strlen(text) > TF_NUMBER_MAX_CHARS || tf_number_canonical(d->arena, text, &text))
        return tf_place_error(at, d->err, ERR_INVALID, "expected a number, got other text");
    *ret_value = tf_number(d->arena, text);
    return 0;
}

static int decode_bool(struct decoder *d, const struct tf_place *at, const json_t *j,
                       const struct tf_value **ret_value)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"1", true}, {"0", false}};
    const char *text = json_string_value(j);

    if (json_is_boolean(j)) {
        *ret_value = tf_bool(d->arena, json_is_true(j));
        return 0;
    }
    for (size_t i = 0; text && i < ARRAY_LEN(words); i++) {
        if (!strcmp(text, words[i].text)) {
            *ret_value = tf_bool(d->arena, words[i].value);
            return 0;
        }
    }
    return unexpected(d, at, &tf_type_bool, j);
}

static int decode_string(struct decoder *d, const struct tf_place *at, const json_t *j,
                         const struct tf_value **ret_value)
{
    if (json_is_string(j))
        *ret_value = tf_stringn(d->arena, json_string_value(j), json_string_length(j));
    else if (json_is_integer(j))
        *ret_value = tf_string(d->arena, tf_int(d->arena, json_integer_value(j))->number);
    else if (json_is_boolean(j))
        *ret_value = tf_string(d->arena, json_is_true(j) ? "true" : "false");
    else
        return unexpected(d, at, &tf_type_string, j);
    return 0;
}

static int decode_array(struct decoder *d, const struct tf_place *at, const json_t *j,
                        const struct tf_type *t, const struct tf_value **ret_value)
{
    size_t n = json_array_size(j);
    const struct tf_value **items;
    int rc;

    if (!json_is_array(j))
        return unexpected(d, at, t, j);
    if (t->kind == TF_TUPLE && n != t->nmembers)
        return tf_place_error(at, d->err, ERR_INVALID, "expected %zu items, got %zu", t->nmembers,
                              n);
    items = arena_calloc(d->arena, n, sizeof(const struct tf_value *));
    for (size_t i = 0; i < n; i++) {
        struct tf_place below = tf_place_below(at, TF_STEP_INDEX, NULL, i);
        const struct tf_type *item = t->element ? t->element : t->members[i].type;

        if ((rc = decode(d, &below, json_array_get(j, i), item, &items[i])))
            return rc;
    }
    *ret_value = tf_collection_take(d->arena, t, items, n);
    return 0;
}

static int decode_map(struct decoder *d, const struct tf_place *at, const json_t *j,
                      const struct tf_type *t, const struct tf_value **ret_value)
{
    size_t n = json_object_size(j), i = 0;
    const struct tf_value **items;
    const char **keys;
    int rc;

    if (!json_is_object(j))
        return unexpected(d, at, t, j);
    items = arena_calloc(d->arena, n, sizeof(const struct tf_value *));
    keys = arena_calloc(d->arena, n, sizeof(const char *));
    for (void *it = json_object_iter((json_t *)j); it;
         it = json_object_iter_next((json_t *)j, it)) {
        struct tf_place below;

        keys[i] = arena_strdup(d->arena, json_object_iter_key(it));
        below = tf_place_below(at, TF_STEP_KEY, keys[i], 0);
        if ((rc = decode(d, &below, json_object_iter_value(it), t->element, &items[i])))
            return rc;
        i++;
    }
    if (!tf_map_take(d->arena, t, keys, items, n, ret_value))
        bug("a JSON object with the same key twice");
    return 0;
}

static int decode_object(struct decoder *d, const struct tf_place *at, const json_t *j,
                         const struct tf_type *t, const struct tf_value **ret_value)
{
    const struct tf_value **items;
    size_t found = 0;
    int rc;

    if (!json_is_object(j))
        return unexpected(d, at, t, j);
    items = arena_calloc(d->arena, t->nmembers, sizeof(const struct tf_value *));
    for (size_t i = 0; i < t->nmembers; i++) {
        struct tf_place below = tf_place_below(at, TF_STEP_ATTRIBUTE, t->members[i].name, 0);
        const json_t *member = json_object_get(j, t->members[i].name);

        found += member != NULL;
        if ((rc = decode(d, &below, member, t->members[i].type, &items[i])))
            return rc;
    }
    if (found < json_object_size(j) && !d->drop_unknown_members) {
        for (void *it = json_object_iter((json_t *)j); it;
             it = json_object_iter_next((json_t *)j, it))
            if (tf_type_member(t, json_object_iter_key(it)) < 0)
                return tf_place_error(at, d->err, ERR_INVALID, "unsupported attribute \"%s\"",
                                      json_object_iter_key(it));
    }
    *ret_value = tf_collection_take(d->arena, t, items, t->nmembers);
    return 0;
}

static int decode_dynamic(struct decoder *d, const struct tf_place *at, const json_t *j,
                          const struct tf_value **ret_value)
{
    const json_t *type = json_object_get(j, "type"), *value = json_object_get(j, "value");
    struct tf_place inside = tf_place_inside(at);
    const struct tf_type *t;
    int rc;

    if (!type || !value || json_object_size(j) != 2)
        return tf_place_error(at, d->err, ERR_INVALID, "expected an object of type and value");
    if ((rc = tf_type_from_tree(d->arena, type, &t, d->err)))
        return tf_place_error(at, d->err, rc, "%s", err_msg(d->err));
    return decode(d, &inside, value, t, ret_value);
}

static int decode(struct decoder *d, const struct tf_place *at, const json_t *j,
                  const struct tf_type *t, const struct tf_value **ret_value)
{
    int rc;

    if ((rc = tf_place_check(at, &d->values, d->err)))
        return rc;
    if (!j || json_is_null(j)) {
        *ret_value = tf_null(d->arena, t);
        return 0;
    }
    switch (t->kind) {
    case TF_DYNAMIC:
        return decode_dynamic(d, at, j, ret_value);
    case TF_BOOL:
        return decode_bool(d, at, j, ret_value);
    case TF_NUMBER:
        return decode_number(d, at, j, ret_value);
    case TF_STRING:
        return decode_string(d, at, j, ret_value);
    case TF_LIST:
    case TF_SET:
    case TF_TUPLE:
        return decode_array(d, at, j, t, ret_value);
    case TF_MAP:
        return decode_map(d, at, j, t, ret_value);
    case TF_OBJECT:
        return decode_object(d, at, j, t, ret_value);
    }
    return 0;
}

int tf_json_decode_tree(struct arena *a, const json_t *tree, const struct tf_type *t,
                        bool drop_unknown_members, const struct tf_value **ret_value,
                        struct err *err)
{
    struct decoder d = {a, drop_unknown_members, 0, err};
    struct tf_place root = {.depth = 0};
    const struct tf_value *v;
    int rc;

    if ((rc = decode(&d, &root, tree, t, &v)))
        return rc;
    *ret_value = v;
    return 0;
}

int tf_json_decode(struct arena *a, const char *text, size_t len, const struct tf_type *t,
                   bool drop_unknown_members, const struct tf_value **ret_value, struct err *err)
{
    struct err local CLEANUP(err_done) = ERR_INIT;
    json_auto_t *tree = tf_json_parse(text, len, &local);

    if (!tree)
        return err_move(err, &local);
    return tf_json_decode_tree(a, tree, t, drop_unknown_members, ret_value, err);
}

/* --- encoding -------------------------------------------------------------------------------- */

static void encode_items(const struct tf_value *v, const struct tf_type *t, struct buf *out)
{
    bool keyed = t->kind == TF_MAP || t->kind == TF_OBJECT;

    buf_putc(out, keyed ? '{' : '[');
    for (size_t i = 0; i < v->items.len; i++) {
        if (i)
            buf_putc(out, ',');
        if (keyed) {
            const char *key = t->kind == TF_MAP ? v->items.keys[i] : t->members[i].name;

            tf_json_put_string(out, key, strlen(key));
            buf_putc(out, ':');
        }
        tf_json_encode(v->items.at[i], t->element ? t->element : t->members[i].type, out);
    }
    buf_putc(out, keyed ? '}' : ']');
}

void tf_json_encode(const struct tf_value *v, const struct tf_type *t, struct buf *out)
{
    char plain[TF_NUMBER_PLAIN_SIZE];

    if (v->state == TF_UNKNOWN)
        bug("an unknown value in JSON");
    if (t->kind == TF_DYNAMIC && v->type->kind != TF_DYNAMIC) {
        buf_puts(out, "{\"value\":");
        tf_json_encode(v, v->type, out);
        buf_puts(out, ",\"type\":");
        tf_type_to_json(v->type, out);
        buf_putc(out, '}');
        return;
    }
    if (v->state == TF_NULL) {
        buf_puts(out, "null");
        return;
    }
    if (v->type->kind != t->kind)
        bug("%s where %s belongs", tf_kind_words(v->type->kind), tf_kind_words(t->kind));
    switch (t->kind) {
    case TF_BOOL:
        buf_puts(out, v->boolean ? "true" : "false");
        break;
    case TF_NUMBER:
        tf_number_plain(v->number, plain);
        buf_puts(out, plain);
        break;
    case TF_STRING:
        tf_json_put_string(out, v->string.data, v->string.len);
        break;
    default:
        encode_items(v, t, out);
        break;
    }
}
