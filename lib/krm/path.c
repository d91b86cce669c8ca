#include "lib/krm/path.h"

#include <stdarg.h>

#include "lib/base/banned.h"

/* A string counts for one node more for so many of its bytes. */
#define BYTES_PER_NODE 32

static json_t *walk(const json_t *object, va_list ap)
{
    json_t *at = (json_t *)object;
    const char *key;

    while (at && (key = va_arg(ap, const char *)))
        at = json_object_get(at, key);
    return at;
}

json_t *krm_get(const json_t *object, ...)
{
    va_list ap;
    json_t *at;

    va_start(ap, object);
    at = walk(object, ap);
    va_end(ap);
    return at;
}

const char *krm_str(const json_t *object, ...)
{
    va_list ap;
    json_t *at;

    va_start(ap, object);
    at = walk(object, ap);
    va_end(ap);
    return json_is_string(at) ? json_string_value(at) : "";
}

json_t *krm_member(json_t *object, ...)
{
    const char *key;
    va_list ap;

    va_start(ap, object);
    while ((key = va_arg(ap, const char *))) {
        if (!json_is_object(json_object_get(object, key)))
            json_object_set_new(object, key, json_object());
        object = json_object_get(object, key);
    }
    va_end(ap);
    return object;
}

bool krm_measure(const json_t *value, size_t depth, size_t limit, size_t *cost)
{
    const char *key;
    size_t i, key_len;
    json_t *item;

    *cost += 1 + (json_is_string(value) ? json_string_length(value) / BYTES_PER_NODE : 0);
    if (*cost > limit)
        return false;
    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (!depth)
        return false;
    json_array_foreach (value, i, item) {
        if (!krm_measure(item, depth - 1, limit, cost))
            return false;
    }
    json_object_keylen_foreach((json_t *)value, key, key_len, item)
    {
        *cost += key_len / BYTES_PER_NODE;
        if (!krm_measure(item, depth - 1, limit, cost))
            return false;
    }
    return true;
}
