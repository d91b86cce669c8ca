#include "lib/tf/walk.h"

#include <string.h>

#include "lib/base/banned.h"

static struct tf_level level_of(const struct tf_attribute *attributes,
                                const struct tf_block *blocks)
{
    struct tf_level level = {attributes, 0, blocks};

    while (attributes && attributes[level.nattributes].name)
        level.nattributes++;
    return level;
}

struct tf_level tf_schema_level(const struct tf_schema *s)
{
    return level_of(s->block.attributes, s->block.blocks);
}

bool tf_level_next(const struct tf_level *level, size_t *i, struct tf_slot *slot)
{
    const struct tf_block *b;

    *slot = (struct tf_slot){0};
    if (*i < level->nattributes) {
        slot->attribute = &level->attributes[*i];
        slot->name = slot->attribute->name;
        slot->flags = tf_attribute_flags(slot->attribute);
        if (slot->attribute->nested) {
            slot->nesting = slot->attribute->nesting;
            slot->below = level_of(slot->attribute->nested, NULL);
        }
    } else {
        b = level->blocks ? &level->blocks[*i - level->nattributes] : NULL;
        if (!b || !b->name)
            return false;
        slot->block = b;
        slot->name = b->name;
        slot->nesting = b->nesting;
        slot->below = level_of(b->attributes, b->blocks);
    }
    ++*i;
    return true;
}

/* --- elements -------------------------------------------------------------------------------- */

static bool is_single(const struct tf_slot *slot)
{
    return slot->nesting == TF_NEST_SINGLE || slot->nesting == TF_NEST_GROUP;
}

/* Inside dynamic slots lists are tuples and maps objects. */
bool tf_nested_fits(const struct tf_slot *slot, const struct tf_value *v)
{
    static const struct {
        enum tf_kind kind, other;
    } kinds[] = {
        [TF_NEST_SINGLE] = {TF_OBJECT, TF_OBJECT}, [TF_NEST_LIST] = {TF_LIST, TF_TUPLE},
        [TF_NEST_SET] = {TF_SET, TF_SET},          [TF_NEST_MAP] = {TF_MAP, TF_OBJECT},
        [TF_NEST_GROUP] = {TF_OBJECT, TF_OBJECT},
    };

    return v->type->kind == kinds[slot->nesting].kind ||
           v->type->kind == kinds[slot->nesting].other;
}

size_t tf_nested_len(const struct tf_slot *slot, const struct tf_value *v)
{
    if (!slot->nesting || !tf_is_known(v) || !tf_nested_fits(slot, v))
        return 0;
    return is_single(slot) ? 1 : tf_len(v);
}

const struct tf_value *tf_nested_at(const struct tf_slot *slot, const struct tf_value *v, size_t i)
{
    return is_single(slot) ? v : v->items.at[i];
}

static const char *key_at(const struct tf_value *v, size_t i)
{
    return v->type->kind == TF_MAP ? v->items.keys[i] : v->type->members[i].name;
}

struct tf_path tf_nested_step(const struct tf_slot *slot, const struct tf_value *v, size_t i,
                              const struct tf_path *parent)
{
    if (slot->nesting == TF_NEST_LIST)
        return (struct tf_path){parent, TF_STEP_INDEX, NULL, (int64_t)i};
    if (slot->nesting == TF_NEST_MAP)
        return (struct tf_path){parent, TF_STEP_KEY, key_at(v, i), 0};
    return *parent;
}

const struct tf_value *tf_nested_like(const struct tf_slot *slot, const struct tf_value *v,
                                      size_t i, const struct tf_value *other)
{
    if (is_single(slot))
        return other;
    if (slot->nesting == TF_NEST_MAP)
        return tf_get(other, key_at(v, i));
    return i < tf_len(other) ? other->items.at[i] : NULL;
}

/* --- sets ------------------------------------------------------------------------------------ */

static bool came_from(const struct tf_level *level, const struct tf_value *v,
                      const struct tf_value *config);

static bool slot_came_from(const struct tf_slot *slot, const struct tf_value *v,
                           const struct tf_value *config)
{
    if (tf_is_null(config))
        return slot->flags & TF_COMPUTED || tf_is_null(v);
    if (!slot->nesting || !tf_is_known(config) || !tf_is_known(v))
        return tf_equal(v, config);
    if (tf_nested_len(slot, v) != tf_nested_len(slot, config))
        return false;
    for (size_t i = 0; i < tf_nested_len(slot, v); i++) {
        const struct tf_value *element = tf_nested_at(slot, v, i);
        const struct tf_value *like = slot->nesting == TF_NEST_SET
                                          ? tf_set_origin(slot, element, config)
                                          : tf_nested_like(slot, v, i, config);

        if (!like || !came_from(&slot->below, element, like))
            return false;
    }
    return true;
}

static bool came_from(const struct tf_level *level, const struct tf_value *v,
                      const struct tf_value *config)
{
    struct tf_slot slot;

    if (!tf_is_known(v) || !tf_is_known(config))
        return tf_equal(v, config);
    for (size_t i = 0; tf_level_next(level, &i, &slot);)
        if (!slot_came_from(&slot, tf_get(v, slot.name), tf_get(config, slot.name)))
            return false;
    return true;
}

static size_t members_set(const struct tf_value *object)
{
    size_t n = 0;

    for (size_t i = 0; i < tf_len(object); i++)
        n += !tf_is_null(object->items.at[i]);
    return n;
}

const struct tf_value *tf_set_origin(const struct tf_slot *slot, const struct tf_value *v,
                                     const struct tf_value *candidates)
{
    const struct tf_value *best = NULL;

    for (size_t i = 0; i < tf_len(candidates); i++) {
        const struct tf_value *config = candidates->items.at[i];

        if (came_from(&slot->below, v, config) &&
            (!best || members_set(config) > members_set(best)))
            best = config;
    }
    return best;
}

/* --- transforming ---------------------------------------------------------------------------- */

bool tf_level_has(const struct tf_level *level, unsigned flags, bool with_default)
{
    struct tf_slot slot;

    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        if (slot.flags & flags || (with_default && slot.attribute && slot.attribute->default_json))
            return true;
        if (slot.nesting && tf_level_has(&slot.below, flags, with_default))
            return true;
    }
    return false;
}

/* A type from the items themselves, for an object or tuple whose own no longer holds them. */
static const struct tf_type *type_of_items(struct arena *a, const struct tf_type *t,
                                           const struct tf_value **items)
{
    struct tf_member *members = arena_calloc(a, t->nmembers, sizeof(*members));
    struct tf_type *own = arena_alloc(a, sizeof(*own));

    for (size_t i = 0; i < t->nmembers; i++)
        members[i] = (struct tf_member){t->members[i].name, items[i]->type};
    *own = (struct tf_type){.kind = t->kind, .members = members, .nmembers = t->nmembers};
    return own;
}

const struct tf_value *tf_rebuild(struct arena *a, const struct tf_value *v,
                                  const struct tf_value **items)
{
    const struct tf_type *t = v->type;
    bool changed = false, fits = true;

    for (size_t i = 0; i < v->items.len; i++) {
        changed = changed || items[i] != v->items.at[i];
        fits = fits && (t->element || tf_type_fits(items[i]->type, t->members[i].type));
    }
    if (!changed)
        return v;
    if (!fits)
        return tf_collection_take(a, type_of_items(a, t, items), items, v->items.len);
    return tf_with_items(a, v, items);
}

static const struct tf_value *transform_nested(struct arena *a, const struct tf_slot *slot,
                                               const struct tf_value *v,
                                               const struct tf_value *config, tf_transform_fn *fn)
{
    size_t n = tf_nested_len(slot, v);
    const struct tf_value **items;

    if (is_single(slot))
        return tf_transform(a, &slot->below, v, config, fn);
    items = arena_calloc(a, n, sizeof(const struct tf_value *));
    for (size_t i = 0; i < n; i++) {
        const struct tf_value *element = tf_nested_at(slot, v, i);
        const struct tf_value *like = slot->nesting == TF_NEST_SET
                                          ? tf_set_origin(slot, element, config)
                                          : tf_nested_like(slot, v, i, config);

        items[i] = tf_transform(a, &slot->below, element, like, fn);
    }
    return tf_rebuild(a, v, items);
}

const struct tf_value *tf_transform(struct arena *a, const struct tf_level *level,
                                    const struct tf_value *object, const struct tf_value *config,
                                    tf_transform_fn *fn)
{
    const struct tf_value **items;
    struct tf_slot slot;

    if (!tf_is_known(object) || object->type->kind != TF_OBJECT)
        return object;
    items = arena_calloc(a, object->items.len, sizeof(const struct tf_value *));
    memcpy(items, object->items.at, object->items.len * sizeof(const struct tf_value *));
    for (size_t i = 0; tf_level_next(level, &i, &slot);) {
        const struct tf_value *v = tf_get(object, slot.name), *c = tf_get(config, slot.name);
        bool descend = true;

        if (!v)
            continue;
        v = fn(a, &slot, v, c, &descend);
        if (descend && slot.nesting && tf_is_known(v))
            v = transform_nested(a, &slot, v, c, fn);
        items[tf_type_member(object->type, slot.name)] = v;
    }
    return tf_rebuild(a, object, items);
}
