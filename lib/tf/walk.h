/* Walking values along their schema: what plan, apply and validation have in common.
 *
 * A level is one object: its attributes and blocks. A slot is one of those; a nested slot leads to
 * the level below, once per element of the value. */
#ifndef TF_WALK_H
#define TF_WALK_H

#include "lib/tf/schema.h"

struct tf_level {
    const struct tf_attribute *attributes;
    size_t nattributes;
    const struct tf_block *blocks; /* NULL: none */
};

struct tf_slot {
    const char *name;
    const struct tf_attribute *attribute; /* one of the two */
    const struct tf_block *block;
    unsigned flags;          /* of the attribute, with what a default implies; 0 for blocks */
    enum tf_nesting nesting; /* 0: a plain attribute */
    struct tf_level below;
};

struct tf_level tf_schema_level(const struct tf_schema *s);

/* `for (size_t i = 0; tf_level_next(level, &i, &slot);)`: attributes first, then blocks. */
bool tf_level_next(const struct tf_level *level, size_t *i, struct tf_slot *slot);

/* The type that values of the slot have. */
const struct tf_type *tf_slot_type(struct arena *a, const struct tf_slot *slot);

/* Is a known value of a nested slot of the kind that its nesting asks for? */
bool tf_nested_fits(const struct tf_slot *slot, const struct tf_value *v);

/* Elements of a nested slot's value: 1 for a single object, 0 for what isn't known or doesn't fit. */
size_t tf_nested_len(const struct tf_slot *slot, const struct tf_value *v);
const struct tf_value *tf_nested_at(const struct tf_slot *slot, const struct tf_value *v, size_t i);

/* The path of element i of v; for a single object and in sets it is the parent itself. */
struct tf_path tf_nested_step(const struct tf_slot *slot, const struct tf_value *v, size_t i,
                              const struct tf_path *parent);

/* The element of `other` that has the place of element i of v: same index, same key; NULL if
 * there is none. Not for sets. */
const struct tf_value *tf_nested_like(const struct tf_slot *slot, const struct tf_value *v,
                                      size_t i, const struct tf_value *other);

/* Sets: the element of `candidates` that v can have come from: what it sets is so in v, what it
 * leaves null is null or computed in v. The one that sets most if there are several. */
const struct tf_value *tf_set_origin(const struct tf_slot *slot, const struct tf_value *v,
                                     const struct tf_value *candidates);

/* Does an attribute at or below the level have one of the flags, or (with_default) a default? */
bool tf_level_has(const struct tf_level *level, unsigned flags, bool with_default);

/* v with other items. Objects and tuples inside dynamic slots get a new type if need be; v itself
 * is returned when no item changed. */
const struct tf_value *tf_rebuild(struct arena *a, const struct tf_value *v,
                                  const struct tf_value **items);

/* Called outer slots first, for every slot that the value has, with what config says there (NULL
 * where it has no counterpart). Returns the slot's new value; *descend says whether to go on into
 * its elements. */
typedef const struct tf_value *tf_transform_fn(struct arena *a, const struct tf_slot *slot,
                                               const struct tf_value *v,
                                               const struct tf_value *config, bool *descend);
const struct tf_value *tf_transform(struct arena *a, const struct tf_level *level,
                                    const struct tf_value *object, const struct tf_value *config,
                                    tf_transform_fn *fn);

#endif
