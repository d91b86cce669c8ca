/* Where a field is, as text: the two ways in which it reaches us.
 *
 *     the API server (conflicts)   .spec.ports[port=80,protocol="TCP"].name   .data.a.b   [="x"]
 * [0] krm_diff                     .spec.ports[name=http].port                .data["a.b"] [0]
 *
 * The API server doesn't quote the names of members, so its ".data.a.b" says a.b in data as well as
 * b in a in data: such a path can be read only beside the object that it points into. Items of
 * lists are named by index, by value (a set of scalars) or by the values of some of their members.
 * Values are compared as text, so that 80 and "80" are the same. Pure. */
#ifndef KUBE_FIELD_PATH_H
#define KUBE_FIELD_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define FIELD_PATH_MAX_DEPTH 64
#define FIELD_PATH_MAX_KEYS  8    /* members that name an item */
#define FIELD_PATH_MAX_TRIES 4096 /* ways to read one path of the API server */

struct field_step {
    enum field_step_kind {
        FIELD_STEP_MEMBER, /* name[0] */
        FIELD_STEP_INDEX,
        FIELD_STEP_VALUE, /* value[0] */
        FIELD_STEP_KEYS,  /* name[i] is value[i] for i < len */
    } kind;
    size_t index, len;
    char *name[FIELD_PATH_MAX_KEYS], *value[FIELD_PATH_MAX_KEYS]; /* heap */
};

struct field_path {
    size_t len;
    struct field_step step[FIELD_PATH_MAX_DEPTH];
};

/* Reads a path as krm_diff writes it. 0, ERR_INVALID, or ERR_LIMIT. */
int field_path_parse(const char *text, struct field_path *ret_path) WARN_UNUSED;
void field_path_done(struct field_path *path);

/* Whether object has a value, other than null, at a path as the API server writes it. A member that
 * the API server names an item by may be missing from the item: it was filled in there. */
bool field_path_exists(const json_t *object, const char *text);

/* Whether object has something at a path as krm_diff writes it. */
bool field_path_leads(const json_t *object, const char *text);

/* The item of a list that a step names, NULL when there is none. When an item fits in all the
 * members that it has, and another one in more of them, it is the other one. Borrowed. */
const json_t *field_step_item(const json_t *list, const struct field_step *step);

/* Whether a scalar reads as text. */
bool field_value_is(const json_t *value, const char *text);

/* Reads a quoted string (Go's or JSON's escapes) and moves *p behind it. Heap string of valid
 * UTF-8, or NULL. */
char *field_path_unquote(const char **p) WARN_UNUSED;

#endif
