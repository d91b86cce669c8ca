#include "lib/krm/path.h"

#include <stdarg.h>

#include "lib/base/banned.h"

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
