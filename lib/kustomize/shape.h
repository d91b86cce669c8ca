/* The shape of a configuration file, as data.
 *
 * A shape says which members an object may have and what each may hold. shape_read checks a parsed
 * document against it and gives a normal form that the transformers read without further checks:
 * members under their canonical names (Go's JSON reader, whose habits kustomize's users rely on,
 * ignores case), nulls left out, every value of the promised type. */
#ifndef KUSTOMIZE_SHAPE_H
#define KUSTOMIZE_SHAPE_H

#include <jansson.h>

#include "lib/base/err.h"

enum shape_type {
    SHAPE_ANY,
    SHAPE_STRING,
    SHAPE_BOOL,
    SHAPE_INT,
    SHAPE_LIST,   /* of item */
    SHAPE_MAP,    /* any names, each holding an item */
    SHAPE_OBJECT, /* fields, ended by a row without a name */
};

struct shape_field;

struct shape {
    enum shape_type type;
    const struct shape *item;
    const struct shape_field *fields;
};

struct shape_field {
    const char *name;
    const struct shape *shape;
};

extern const struct shape shape_any, shape_string, shape_bool, shape_int;
extern const struct shape shape_strings;    /* list of strings */
extern const struct shape shape_string_map; /* name → string */
extern const struct shape shape_bool_map;

enum {
    SHAPE_STRICT = 1, /* unknown members are errors; otherwise they are dropped */
    SHAPE_COERCE = 2, /* numbers and booleans where a string is wanted become its text */
};

/* A new tree. ERR_INVALID says where: "patches[2].target: unknown field "knd" (did you mean "kind"?)". */
int shape_read(const struct shape *shape, const json_t *in, unsigned flags, json_t **ret_out,
               struct err *err) WARN_UNUSED;

/* The text of a scalar as YAML writes it; "" for null. Caller frees. NULL for lists and objects. */
char *shape_scalar_text(const json_t *value) WARN_UNUSED;

#endif
