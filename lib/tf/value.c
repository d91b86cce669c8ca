/* Values.
 *
 * Invariants: a map's keys are sorted bytewise and unique; a set's items are sorted by tf_compare
 * and no two wholly known ones are equal; an object has one item per member of its type. The
 * makers below and the codecs keep them, so comparing is a walk in step. */
#include "lib/tf/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/tf/number.h"

#include "lib/base/banned.h"

/* --- making ---------------------------------------------------------------------------------- */

static struct tf_value *value_new(struct arena *a, const struct tf_type *t, enum tf_state state)
{
    struct tf_value *v = arena_alloc(a, sizeof(*v));

    v->type = t;
    v->state = state;
    return v;
}

const struct tf_value *tf_null(struct arena *a, const struct tf_type *t)
{
    return value_new(a, t, TF_NULL);
}

const struct tf_value *tf_unknown(struct arena *a, const struct tf_type *t)
{
    return value_new(a, t, TF_UNKNOWN);
}

const struct tf_value *tf_bool(struct arena *a, bool v)
{
    struct tf_value *value = value_new(a, &tf_type_bool, TF_KNOWN);

    value->boolean = v;
    return value;
}

static const struct tf_value *number_new(struct arena *a, const char *canonical)
{
    struct tf_value *value = value_new(a, &tf_type_number, TF_KNOWN);

    value->number = canonical;
    return value;
}

const struct tf_value *tf_int(struct arena *a, int64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, v);
    return number_new(a, arena_strdup(a, text));
}

const struct tf_value *tf_number(struct arena *a, const char *decimal)
{
    const char *canonical;

    if (tf_number_canonical(a, decimal, &canonical))
        bug("\"%s\" is not a number", decimal);
    return number_new(a, canonical);
}

const struct tf_value *tf_stringn(struct arena *a, const char *s, size_t len)
{
    struct tf_value *value = value_new(a, &tf_type_string, TF_KNOWN);
    char *clean CLEANUP(mem_cleanup) = NULL;

    if (!utf8_valid(s, len)) {
        clean = utf8_sanitize(s, len);
        s = clean;
        len = strlen(clean);
    }
    value->string.data = arena_strndup(a, s, len);
    value->string.len = len;
    return value;
}

const struct tf_value *tf_string(struct arena *a, const char *s)
{
    return s ? tf_stringn(a, s, strlen(s)) : tf_null(a, &tf_type_string);
}

static int compare_pointers(const void *a, const void *b)
{
    return tf_compare(*(const struct tf_value *const *)a, *(const struct tf_value *const *)b);
}

/* Unknowns might turn out to differ, so only what is wholly known counts as a duplicate. */
static size_t sort_set(const struct tf_value **at, size_t n)
{
    size_t kept = 0;

    if (n)
        qsort(at, n, sizeof(const struct tf_value *), compare_pointers);
    for (size_t i = 0; i < n; i++)
        if (!kept || !tf_equal(at[kept - 1], at[i]) || !tf_wholly_known(at[i]))
            at[kept++] = at[i];
    return kept;
}

const struct tf_value *tf_collection_take(struct arena *a, const struct tf_type *t,
                                          const struct tf_value **items, size_t n)
{
    struct tf_value *value = value_new(a, t, TF_KNOWN);

    if (t->kind == TF_OBJECT || t->kind == TF_TUPLE ? n != t->nmembers
                                                    : t->kind != TF_LIST && t->kind != TF_SET)
        bug("%zu items for %s", n, tf_kind_words(t->kind));
    value->items.at = items;
    value->items.len = t->kind == TF_SET ? sort_set(items, n) : n;
    return value;
}

const struct tf_value *tf_collection(struct arena *a, const struct tf_type *t,
                                     const struct tf_value *const *items, size_t n)
{
    const struct tf_value **copy = arena_calloc(a, n, sizeof(const struct tf_value *));

    for (size_t i = 0; i < n; i++)
        copy[i] = items[i];
    return tf_collection_take(a, t, copy, n);
}

struct entry {
    const char *key;
    const struct tf_value *value;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

bool tf_map_take(struct arena *a, const struct tf_type *t, const char **keys,
                 const struct tf_value **items, size_t n, const struct tf_value **ret_value)
{
    struct tf_value *value = value_new(a, t, TF_KNOWN);
    bool sorted = true;

    if (t->kind != TF_MAP)
        bug("keys for %s", tf_kind_words(t->kind));
    for (size_t i = 1; i < n && sorted; i++)
        sorted = strcmp(keys[i - 1], keys[i]) < 0;
    if (!sorted) {
        struct entry *entries CLEANUP(mem_cleanup) = mem_calloc(n, sizeof(*entries));

        for (size_t i = 0; i < n; i++)
            entries[i] = (struct entry){keys[i], items[i]};
        qsort(entries, n, sizeof(*entries), by_key);
        for (size_t i = 0; i < n; i++) {
            keys[i] = entries[i].key;
            items[i] = entries[i].value;
            if (i && !strcmp(keys[i - 1], keys[i]))
                return false;
        }
    }
    value->items.at = items;
    value->items.keys = keys;
    value->items.len = n;
    *ret_value = value;
    return true;
}

const struct tf_value *tf_map(struct arena *a, const struct tf_type *t, const char *const *keys,
                              const struct tf_value *const *items, size_t n)
{
    const struct tf_value **values = arena_calloc(a, n, sizeof(const struct tf_value *));
    const char **names = arena_calloc(a, n, sizeof(const char *));
    const struct tf_value *map;

    for (size_t i = 0; i < n; i++) {
        names[i] = arena_strdup(a, keys[i]);
        values[i] = items[i];
    }
    if (!tf_map_take(a, t, names, values, n, &map))
        bug("a map with the same key twice");
    return map;
}

const struct tf_value *tf_object_null_members(struct arena *a, const struct tf_type *t)
{
    const struct tf_value **at = arena_calloc(a, t->nmembers, sizeof(const struct tf_value *));

    for (size_t i = 0; i < t->nmembers; i++)
        at[i] = tf_null(a, t->members[i].type);
    return tf_collection_take(a, t, at, t->nmembers);
}

const struct tf_value *tf_with(struct arena *a, const struct tf_value *object, const char *name,
                               const struct tf_value *member)
{
    int i = tf_type_member(object->type, name);
    const struct tf_value **at;

    if (i < 0 || object->state != TF_KNOWN)
        bug("no member \"%s\" in %s", name, tf_kind_words(object->type->kind));
    at = arena_calloc(a, object->items.len, sizeof(const struct tf_value *));
    memcpy(at, object->items.at, object->items.len * sizeof(const struct tf_value *));
    at[i] = member;
    return tf_collection_take(a, object->type, at, object->items.len);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool has_items(const struct tf_value *v)
{
    return tf_is_known(v) && v->type->kind >= TF_LIST;
}

bool tf_wholly_known(const struct tf_value *v)
{
    if (tf_is_unknown(v))
        return false;
    for (size_t i = 0; has_items(v) && i < v->items.len; i++)
        if (!tf_wholly_known(v->items.at[i]))
            return false;
    return true;
}

const struct tf_value *tf_get(const struct tf_value *v, const char *name)
{
    size_t low = 0, high;
    int i;

    if (!tf_is_known(v))
        return NULL;
    if (v->type->kind == TF_OBJECT)
        return (i = tf_type_member(v->type, name)) < 0 ? NULL : v->items.at[i];
    if (v->type->kind != TF_MAP)
        return NULL;
    for (high = v->items.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, v->items.keys[middle]);

        if (!order)
            return v->items.at[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct tf_value *tf_dig(const struct tf_value *v, ...)
{
    const struct tf_value *at = v;
    const char *name;
    va_list ap;

    va_start(ap, v);
    for (name = va_arg(ap, const char *); at && name; name = va_arg(ap, const char *))
        at = tf_get(at, name);
    va_end(ap);
    return at;
}

const char *tf_str(const struct tf_value *v, const char *fallback)
{
    return tf_is_known(v) && v->type->kind == TF_STRING ? v->string.data : fallback;
}

bool tf_bool_or(const struct tf_value *v, bool fallback)
{
    return tf_is_known(v) && v->type->kind == TF_BOOL ? v->boolean : fallback;
}

int64_t tf_int_or(const struct tf_value *v, int64_t fallback)
{
    int64_t n;

    if (!tf_is_known(v) || v->type->kind != TF_NUMBER || !tf_number_int64(v->number, &n))
        return fallback;
    return n;
}

size_t tf_len(const struct tf_value *v)
{
    return has_items(v) ? v->items.len : 0;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* Known before unknown before null, as core sorts sets. */
static int state_rank(const struct tf_value *v)
{
    return v->state == TF_KNOWN ? 0 : v->state == TF_UNKNOWN ? 1 : 2;
}

static int compare_strings(const struct tf_value *a, const struct tf_value *b)
{
    size_t n = a->string.len < b->string.len ? a->string.len : b->string.len;
    int order = memcmp(a->string.data, b->string.data, n);

    if (order)
        return order;
    return a->string.len < b->string.len ? -1 : a->string.len > b->string.len;
}

static int compare_items(const struct tf_value *a, const struct tf_value *b)
{
    size_t n = a->items.len < b->items.len ? a->items.len : b->items.len;
    int order;

    for (size_t i = 0; i < n; i++) {
        if (a->items.keys && (order = strcmp(a->items.keys[i], b->items.keys[i])))
            return order;
        if ((order = tf_compare(a->items.at[i], b->items.at[i])))
            return order;
    }
    return a->items.len < b->items.len ? -1 : a->items.len > b->items.len;
}

int tf_compare(const struct tf_value *a, const struct tf_value *b)
{
    int order;

    if (a == b)
        return 0;
    if (state_rank(a) != state_rank(b))
        return state_rank(a) - state_rank(b);
    if ((order = tf_type_compare(a->type, b->type)) || a->state != TF_KNOWN)
        return order;
    switch (a->type->kind) {
    case TF_DYNAMIC:
        return 0;
    case TF_BOOL:
        return (int)a->boolean - (int)b->boolean;
    case TF_NUMBER:
        return tf_number_compare(a->number, b->number);
    case TF_STRING:
        return compare_strings(a, b);
    case TF_LIST:
    case TF_SET:
    case TF_MAP:
    case TF_TUPLE:
    case TF_OBJECT:
        return compare_items(a, b);
    }
    return 0;
}

bool tf_equal(const struct tf_value *a, const struct tf_value *b)
{
    if (!a || !b)
        return a == b;
    return !tf_compare(a, b);
}

/* --- changing -------------------------------------------------------------------------------- */

const struct tf_value *tf_with_items(struct arena *a, const struct tf_value *v,
                                     const struct tf_value **items)
{
    const struct tf_value *map;

    if (v->type->kind != TF_MAP)
        return tf_collection_take(a, v->type, items, v->items.len);
    if (!tf_map_take(a, v->type, v->items.keys, items, v->items.len, &map))
        bug("a map with the same key twice");
    return map;
}

const struct tf_value *tf_without_unknowns(struct arena *a, const struct tf_value *v)
{
    const struct tf_value **at;

    if (tf_is_unknown(v))
        return tf_null(a, v->type);
    if (!v || tf_wholly_known(v))
        return v;
    at = arena_calloc(a, v->items.len, sizeof(const struct tf_value *));
    for (size_t i = 0; i < v->items.len; i++)
        at[i] = tf_without_unknowns(a, v->items.at[i]);
    return tf_with_items(a, v, at);
}

/* --- conforming ------------------------------------------------------------------------------ */

static const struct tf_type *item_type(const struct tf_type *t, size_t i)
{
    return t->element ? t->element : t->members[i].type;
}

bool tf_conforms(const struct tf_value *v, const struct tf_type *slot)
{
    const struct tf_type *t = slot->kind == TF_DYNAMIC && v ? v->type : slot;

    if (!v || !tf_type_fits(v->type, t))
        return false;
    for (size_t i = 0; has_items(v) && i < v->items.len; i++)
        if (!tf_conforms(v->items.at[i], item_type(t, i)))
            return false;
    return true;
}
