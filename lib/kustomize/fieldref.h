/* Field references of vars and replacements: "spec.containers.[name=x].env.0.value".
 *
 * Unlike field specs they are separated by dots, name list elements by index or by a member's value,
 * and address one object that is known. */
#ifndef KUSTOMIZE_FIELDREF_H
#define KUSTOMIZE_FIELDREF_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/kustomize/fieldspec.h"

#define FIELDREF_MAX_STEPS 64

struct fieldref {
    char *text;
    char **steps;
    size_t nsteps;
};

/* Splits at dots ("\." is a dot in a name); "[...]" is one step, with the brackets only when it
 * compares ("[name=x]"). With indexes, "a[0]" is "a" and "0". ERR_LIMIT. */
int fieldref_parse(const char *text, bool indexes, struct fieldref *ret_ref, struct err *err)
    WARN_UNUSED;
void fieldref_done(struct fieldref *ref);

/* The one value that it leads to; NULL (and 0) when a step is missing. ERR_INVALID when a step
 * doesn't fit what it is applied to. Borrowed. */
int fieldref_lookup(const struct fieldref *ref, json_t *object, json_t **ret_value, struct err *err)
    WARN_UNUSED;

struct slots {
    struct slot *at;
    size_t len, cap;
};

/* All places that it leads to: "*" is every element, the value of "[name=value]" is a regular
 * expression. With `create` missing steps are made, the last one as an empty value of the type of
 * `create`, or as null for a scalar. A slot without parent is a place that can't be written. */
int fieldref_match(const struct fieldref *ref, json_t *object, const json_t *create,
                   struct slots *ret_slots, struct err *err) WARN_UNUSED;

/* What an unquoted YAML scalar of this text is. New reference. */
json_t *fieldref_plain_value(const char *text);

#endif
