/* Terraform's types (cty): primitives, collections, structural types and dynamic.
 *
 * A type is immutable. Those that schemas name are static const data made with the macros below;
 * those that arrive inside dynamic values are built in an arena. */
#ifndef TF_TYPE_H
#define TF_TYPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

enum tf_kind {
    TF_DYNAMIC, /* any type; the value says which */
    TF_BOOL,
    TF_NUMBER,
    TF_STRING,
    TF_LIST,
    TF_SET,
    TF_MAP,
    TF_TUPLE,
    TF_OBJECT,
};

#define TF_TYPE_MAX_DEPTH 64 /* of a type that comes from outside */

struct tf_type;

struct tf_member {
    const char *name; /* NULL in tuples */
    const struct tf_type *type;
};

struct tf_type {
    enum tf_kind kind;
    const struct tf_type *element;   /* list, set, map */
    const struct tf_member *members; /* object (sorted bytewise by name), tuple */
    size_t nmembers;
};

extern const struct tf_type tf_type_dynamic, tf_type_bool, tf_type_number, tf_type_string;

/* Static types: `static const struct tf_type strings = TF_LIST_OF(&tf_type_string);` */
#define TF_LIST_OF(e)                                                                              \
    {                                                                                              \
        .kind = TF_LIST, .element = (e)                                                            \
    }
#define TF_SET_OF(e)                                                                               \
    {                                                                                              \
        .kind = TF_SET, .element = (e)                                                             \
    }
#define TF_MAP_OF(e)                                                                               \
    {                                                                                              \
        .kind = TF_MAP, .element = (e)                                                             \
    }
#define TF_OBJECT_OF(m)                                                                            \
    {                                                                                              \
        .kind = TF_OBJECT, .members = (m), .nmembers = ARRAY_LEN(m)                                \
    }

extern const struct tf_type tf_type_string_list, tf_type_string_set, tf_type_string_map;

/* Builds types in an arena; members are copied and sorted. */
const struct tf_type *tf_type_new_collection(struct arena *a, enum tf_kind kind,
                                             const struct tf_type *element);
const struct tf_type *tf_type_new_object(struct arena *a, const struct tf_member *members,
                                         size_t n);
const struct tf_type *tf_type_new_tuple(struct arena *a, const struct tf_type *const *types,
                                        size_t n);

bool tf_type_equal(const struct tf_type *a, const struct tf_type *b);
int tf_type_compare(const struct tf_type *a, const struct tf_type *b); /* some total order */
/* May a value of type t stand in the slot? Equal, but where the slot is dynamic t may be anything. */
bool tf_type_fits(const struct tf_type *t, const struct tf_type *slot);
bool tf_type_has_dynamic(const struct tf_type *t);

/* Index of an object member, or -1. */
int tf_type_member(const struct tf_type *t, const char *name);

/* For messages: "a string", "true or false". */
const char *tf_kind_words(enum tf_kind kind);

/* The JSON form of cty ("string", ["list","string"], ["object",{...}]). */
void tf_type_to_json(const struct tf_type *t, struct buf *out);
int tf_type_from_json(struct arena *a, const char *text, size_t len,
                      const struct tf_type **ret_type, struct err *err) WARN_UNUSED;
int tf_type_from_tree(struct arena *a, const json_t *tree, const struct tf_type **ret_type,
                      struct err *err) WARN_UNUSED;

/* Appends a JSON string with its quotes; what isn't UTF-8 in it is replaced. */
void tf_json_put_string(struct buf *out, const char *s, size_t len);

#endif
