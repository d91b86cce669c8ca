/* Field specs: which field of which kinds a transformer changes ("spec/template/spec/containers[]/image").
 *
 * Everything is interned, so two specs name the same field when their path pointers are equal. */
#ifndef KUSTOMIZE_FIELDSPEC_H
#define KUSTOMIZE_FIELDSPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kustomize/context.h"

#define FIELDSPEC_MAX_STEPS 64
#define FIELDSPEC_MAX_TEXT  65536 /* bytes of a path, also of a field reference: few have 100 */

/* Group, version and kind that an object must have; "" matches any. Interned. */
struct gvk_match {
    const char *group, *version, *kind;
};

struct fieldstep {
    const char *name; /* interned, without "[]" */
    bool list;        /* "name[]": never created */
};

struct fieldpath {
    const char *text;    /* interned */
    const char *problem; /* NULL, or why the path can't be followed: an error once it is tried */
    size_t nsteps;
    struct fieldstep steps[];
};

struct fieldspec {
    struct gvk_match match;
    const struct fieldpath *path;
    bool create;
    int order;            /* the fixed order of kinds */
    const char *sort_key; /* then this */
};

struct fieldspecs {
    const struct fieldspec *at;
    size_t len;
};

/* Splits at '/' (one at the start is skipped, "\/" is a slash in a name). Lives in the arena. */
const struct fieldpath *fieldpath_parse(struct context *ctx, const char *path);

void fieldspec_make(struct context *ctx, const char *group, const char *version, const char *kind,
                    const char *path, bool create, struct fieldspec *out);

/* From a list of {group, version, kind, path, create} in the shape below; arena memory. */
extern const struct shape shape_fieldspecs;
struct fieldspecs fieldspecs_from_json(struct context *ctx, const json_t *list);

/* A place in a tree: what a walk found. value is borrowed and may be NULL right after creation. */
struct slot {
    json_t *parent; /* object or array, NULL for the root */
    const char *key;
    size_t index;
    json_t *value;
    bool made; /* it was missing and is null for now */
};

/* Steals value; slot->value is NULL when JSON can't hold it (a key that isn't UTF-8). */
void slot_set(struct slot *slot, json_t *value);

/* 0 or a negative code with a message that doesn't name the object. */
typedef int slot_fn(struct slot *slot, void *arg, struct err *err);

/* What to make of a missing last step when the spec says create. */
enum fieldspec_create { FIELDSPEC_FIND, FIELDSPEC_CREATE_MAP, FIELDSPEC_CREATE_SCALAR };

/* Calls visit for each field that the path leads to; lists on the way are entered. Missing steps end
 * the walk silently unless spec->create and create say to make them. ERR_INVALID when a scalar
 * stands in the way. */
int fieldspec_walk(json_t *object, const struct fieldspec *spec, enum fieldspec_create create,
                   slot_fn *visit, void *arg, struct err *err) WARN_UNUSED;

#endif
