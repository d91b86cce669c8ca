#include "lib/kustomize/shape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

const struct shape shape_any = {.type = SHAPE_ANY};
const struct shape shape_string = {.type = SHAPE_STRING};
const struct shape shape_bool = {.type = SHAPE_BOOL};
const struct shape shape_int = {.type = SHAPE_INT};
const struct shape shape_strings = {.type = SHAPE_LIST, .item = &shape_string};
const struct shape shape_string_map = {.type = SHAPE_MAP, .item = &shape_string};
const struct shape shape_bool_map = {.type = SHAPE_MAP, .item = &shape_bool};

static const char *const type_names[] = {
    [SHAPE_ANY] = "anything",       [SHAPE_STRING] = "a string", [SHAPE_BOOL] = "true or false",
    [SHAPE_INT] = "a whole number", [SHAPE_LIST] = "a list",     [SHAPE_MAP] = "a map",
    [SHAPE_OBJECT] = "an object",
};

char *shape_scalar_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return mem_strdup(json_string_value(value));
    case JSON_INTEGER:
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL: {
        /* The shortest text that reads back as the same number. */
        for (int digits = 1; digits < 17; digits++) {
            char *text = mem_printf("%.*g", digits, json_real_value(value));

            if (strtod(text, NULL) == json_real_value(value))
                return text;
            free(text);
        }
        return mem_printf("%.17g", json_real_value(value));
    }
    case JSON_TRUE:
        return mem_strdup("true");
    case JSON_FALSE:
        return mem_strdup("false");
    case JSON_NULL:
        return mem_strdup("");
    default:
        return NULL;
    }
}

static const char *found_name(const json_t *in)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "a map",     [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "nothing",
    };

    return names[json_typeof(in)];
}

static int wrong_type(const struct shape *shape, const json_t *in, struct err *err)
{
    return err_set(err, ERR_INVALID, "must be %s, not %s", type_names[shape->type], found_name(in));
}

static int read_scalar(const struct shape *shape, const json_t *in, unsigned flags,
                       json_t **ret_out, struct err *err)
{
    bool scalar = !json_is_array(in) && !json_is_object(in);

    switch (shape->type) {
    case SHAPE_STRING:
        if (json_is_string(in)) {
            *ret_out = json_stringn(json_string_value(in), json_string_length(in));
            return 0;
        }
        if (scalar && flags & SHAPE_COERCE) {
            char *text CLEANUP(mem_cleanup) = shape_scalar_text(in);

            *ret_out = json_string(text);
            return 0;
        }
        break;
    case SHAPE_BOOL:
        if (json_is_boolean(in)) {
            *ret_out = json_boolean(json_is_true(in));
            return 0;
        }
        break;
    case SHAPE_INT:
        if (json_is_integer(in)) {
            *ret_out = json_integer(json_integer_value(in));
            return 0;
        }
        break;
    default:
        bug("read_scalar: shape %d", (int)shape->type);
    }
    return wrong_type(shape, in, err);
}

/* What a missing element of a list reads as. */
static json_t *zero(const struct shape *shape)
{
    switch (shape->type) {
    case SHAPE_STRING:
        return json_string("");
    case SHAPE_BOOL:
        return json_false();
    case SHAPE_INT:
        return json_integer(0);
    case SHAPE_LIST:
        return json_array();
    case SHAPE_ANY:
        return json_null();
    default:
        return json_object();
    }
}

static int read_list(const struct shape *shape, const json_t *in, unsigned flags, json_t **ret_out,
                     struct err *err)
{
    json_auto_t *list = json_array();
    size_t i;
    json_t *item;

    if (!json_is_array(in))
        return wrong_type(shape, in, err);
    json_array_foreach (in, i, item) {
        json_t *out = NULL;

        if (json_is_null(item))
            out = zero(shape->item);
        else if (shape_read(shape->item, item, flags, &out, err))
            return err_wrap(err, "[%zu]", i);
        json_array_append_new(list, out);
    }
    *ret_out = json_incref(list);
    return 0;
}

static int read_map(const struct shape *shape, const json_t *in, unsigned flags, json_t **ret_out,
                    struct err *err)
{
    json_auto_t *map = json_object();
    const char *name;
    json_t *item;

    if (!json_is_object(in))
        return wrong_type(shape, in, err);
    json_object_foreach ((json_t *)in, name, item) {
        json_t *out = NULL;

        if (json_is_null(item))
            out = zero(shape->item);
        else if (shape_read(shape->item, item, flags, &out, err))
            return err_wrap(err, "%s", name);
        json_object_set_new(map, name, out);
    }
    *ret_out = json_incref(map);
    return 0;
}

static const struct shape_field *find_field(const struct shape *shape, const char *name)
{
    const struct shape_field *folded = NULL;

    for (const struct shape_field *f = shape->fields; f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
        if (!folded && strcasecmp(f->name, name) == 0)
            folded = f;
    }
    return folded;
}

/* Edits (one character in, out, other, or two swapped) that lead from a to b; above 2 it stops. */
static int edit_distance(const char *a, const char *b, int budget)
{
    int best;

    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a && !*b)
        return 0;
    if (!budget)
        return 1;
    best = *a && *b ? edit_distance(a + 1, b + 1, budget - 1) : budget;
    if (*a) {
        int d = edit_distance(a + 1, b, budget - 1);

        best = d < best ? d : best;
    }
    if (*b) {
        int d = edit_distance(a, b + 1, budget - 1);

        best = d < best ? d : best;
    }
    if (*a && *b && a[0] == b[1] && a[1] == b[0]) {
        int d = edit_distance(a + 2, b + 2, budget - 1);

        best = d < best ? d : best;
    }
    return best + 1;
}

static int unknown_field(const struct shape *shape, const char *name, struct err *err)
{
    for (const struct shape_field *f = shape->fields; f->name; f++)
        if (edit_distance(name, f->name, 2) <= 2)
            return err_set(err, ERR_INVALID, "unknown field \"%s\" (did you mean \"%s\"?)", name,
                           f->name);
    return err_set(err, ERR_INVALID, "unknown field \"%s\"", name);
}

static int read_object(const struct shape *shape, const json_t *in, unsigned flags,
                       json_t **ret_out, struct err *err)
{
    json_auto_t *object = json_object();
    const char *name;
    json_t *item;

    if (!json_is_object(in))
        return wrong_type(shape, in, err);
    json_object_foreach ((json_t *)in, name, item) {
        const struct shape_field *f = find_field(shape, name);
        json_t *out = NULL;

        if (!f && flags & SHAPE_STRICT)
            return unknown_field(shape, name, err);
        if (!f || json_is_null(item))
            continue;
        if (shape_read(f->shape, item, flags, &out, err))
            return err_wrap(err, "%s", f->name);
        json_object_set_new(object, f->name, out);
    }
    *ret_out = json_incref(object);
    return 0;
}

int shape_read(const struct shape *shape, const json_t *in, unsigned flags, json_t **ret_out,
               struct err *err)
{
    switch (shape->type) {
    case SHAPE_ANY:
        *ret_out = json_deep_copy(in);
        return 0;
    case SHAPE_LIST:
        return read_list(shape, in, flags, ret_out, err);
    case SHAPE_MAP:
        return read_map(shape, in, flags, ret_out, err);
    case SHAPE_OBJECT:
        return read_object(shape, in, flags, ret_out, err);
    default:
        return read_scalar(shape, in, flags, ret_out, err);
    }
}
