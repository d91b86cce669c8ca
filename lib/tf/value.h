/* Terraform's values: null, unknown (perhaps refined) or known, of a type.
 *
 * Values are immutable and live in an arena; "changing" one makes a new one that shares the rest.
 * The `type` of a value is its own, concrete one; in a slot of type dynamic it may be anything.
 * Numbers are kept as text, exactly as cty has them (up to 512 bits), and converted on demand.
 * Sets hold no duplicates and are compared without regard to order. */
#ifndef TF_VALUE_H
#define TF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tf/type.h"

enum tf_state { TF_NULL, TF_UNKNOWN, TF_KNOWN };

#define TF_VALUE_MAX_DEPTH  128
#define TF_NUMBER_MAX_CHARS 1024

struct tf_value;

/* What is known of an unknown value; members not set are 0/NULL (TF_REFINE_* say which are). */
struct tf_refinement {
    unsigned has;          /* TF_REFINE_* */
    const char *prefix;    /* string */
    const char *min, *max; /* number, decimal text */
    bool min_inclusive, max_inclusive;
    int64_t min_length, max_length; /* collection, inclusive */
};
enum {
    TF_REFINE_NOT_NULL = 1,
    TF_REFINE_PREFIX = 2,
    TF_REFINE_MIN = 4,
    TF_REFINE_MAX = 8,
    TF_REFINE_MIN_LENGTH = 16,
    TF_REFINE_MAX_LENGTH = 32,
};

struct tf_value {
    const struct tf_type *type;
    enum tf_state state;
    const struct tf_refinement *refinement; /* unknown values only; NULL = none */
    union {
        bool boolean;
        struct {
            const char *data; /* NUL-terminated behind len; UTF-8, NFC as core sends it */
            size_t len;
        } string;
        const char *number; /* canonical decimal: "-12", "0.1", "1e30", "inf", "-inf" */
        struct {
            const struct tf_value **at; /* list, set, tuple; object: in the type's member order */
            const char **keys;          /* map only: sorted bytewise, same count */
            size_t len;
        } items;
    };
};

/* --- making ---------------------------------------------------------------------------------- */
const struct tf_value *tf_null(struct arena *a, const struct tf_type *t);
const struct tf_value *tf_unknown(struct arena *a, const struct tf_type *t);
const struct tf_value *tf_bool(struct arena *a, bool v);
const struct tf_value *tf_int(struct arena *a, int64_t v);
const struct tf_value *tf_number(struct arena *a, const char *decimal); /* bug() if it isn't one */
const struct tf_value *tf_string(struct arena *a, const char *s);       /* NULL gives null */
const struct tf_value *tf_stringn(struct arena *a, const char *s, size_t len);
/* list or set (duplicates dropped); t is the collection's type, the items are copied. */
const struct tf_value *tf_collection(struct arena *a, const struct tf_type *t,
                                     const struct tf_value *const *items, size_t n);
/* keys in any order, unique; copied. */
const struct tf_value *tf_map(struct arena *a, const struct tf_type *t, const char *const *keys,
                              const struct tf_value *const *items, size_t n);
/* The same without the copy, for arrays that live in the arena; t may be an object or tuple too. */
const struct tf_value *tf_collection_take(struct arena *a, const struct tf_type *t,
                                          const struct tf_value **items, size_t n);
/* False if a key comes twice. Both arrays may get another order. */
bool tf_map_take(struct arena *a, const struct tf_type *t, const char **keys,
                 const struct tf_value **items, size_t n, const struct tf_value **ret_value);
/* v with other items: as many, of the same types, in the same order; the array isn't copied. */
const struct tf_value *tf_with_items(struct arena *a, const struct tf_value *v,
                                     const struct tf_value **items);
/* Every member null. */
const struct tf_value *tf_object_null_members(struct arena *a, const struct tf_type *t);
/* The object with one member replaced; bug() if the type has no such member. */
const struct tf_value *tf_with(struct arena *a, const struct tf_value *object, const char *name,
                               const struct tf_value *member);

/* --- reading --------------------------------------------------------------------------------- */
static inline bool tf_is_null(const struct tf_value *v)
{
    return !v || v->state == TF_NULL;
}
static inline bool tf_is_unknown(const struct tf_value *v)
{
    return v && v->state == TF_UNKNOWN;
}
static inline bool tf_is_known(const struct tf_value *v) /* known and not null, at the top level */
{
    return v && v->state == TF_KNOWN;
}
bool tf_wholly_known(const struct tf_value *v); /* no unknown at any depth; null counts as known */

/* Member of an object, entry of a map; NULL when there is none or v isn't known. */
const struct tf_value *tf_get(const struct tf_value *v, const char *name);
/* Nested: tf_dig(v, "on_destroy", "crds", NULL). */
const struct tf_value *tf_dig(const struct tf_value *v, ...) __attribute__((sentinel));

/* The fallback is given for NULL, null, unknown or another type. */
const char *tf_str(const struct tf_value *v, const char *fallback);
bool tf_bool_or(const struct tf_value *v, bool fallback);
int64_t tf_int_or(const struct tf_value *v, int64_t fallback); /* also if not an int64 */
size_t tf_len(const struct tf_value *v);                       /* 0 unless a known collection */

/* May v stand in a slot of type t, and all within it in theirs? */
bool tf_conforms(const struct tf_value *v, const struct tf_type *t);

/* --- comparing ------------------------------------------------------------------------------- */
/* As cty's RawEquals: types, null, unknown (refinements ignored) and values; numbers by value
 * (fractions by their shortest decimal text), sets without order. */
bool tf_equal(const struct tf_value *a, const struct tf_value *b);

/* Total order within one type: for sets and for deterministic output. */
int tf_compare(const struct tf_value *a, const struct tf_value *b);

/* Replaces every unknown by null: the last resort for a state that must be saved. */
const struct tf_value *tf_without_unknowns(struct arena *a, const struct tf_value *v);

/* Parses and canonicalises decimal text; 0 or ERR_INVALID. */
int tf_number_canonical(struct arena *a, const char *text, const char **ret_text) WARN_UNUSED;

#endif
