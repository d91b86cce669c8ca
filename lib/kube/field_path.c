#include "lib/kube/field_path.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"

#include "lib/base/banned.h"

/* --- quoted strings --------------------------------------------------------------------------- */

static const struct {
    char letter, byte;
} escapes[] = {
    {'a', '\a'}, {'b', '\b'}, {'f', '\f'},  {'n', '\n'}, {'r', '\r'},
    {'t', '\t'}, {'v', '\v'}, {'\\', '\\'}, {'"', '"'},  {'/', '/'},
};

/* Hexadecimal escapes: \xNN is a byte, the others are code points. */
static const struct {
    char letter;
    int digits;
} hex_escapes[] = {{'x', 2}, {'u', 4}, {'U', 8}};

static void put_code_point(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_putc(out, (char)c);
    } else if (c < 0x800) {
        buf_putc(out, (char)(0xC0 | c >> 6));
        buf_putc(out, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_putc(out, (char)(0xE0 | c >> 12));
        buf_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_putc(out, (char)(0x80 | (c & 0x3F)));
    } else {
        buf_putc(out, (char)(0xF0 | (c >> 18 & 0x07)));
        buf_putc(out, (char)(0x80 | (c >> 12 & 0x3F)));
        buf_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_putc(out, (char)(0x80 | (c & 0x3F)));
    }
}

static bool read_hex(const char **p, int digits, uint32_t *ret)
{
    uint32_t value = 0;

    for (int i = 0; i < digits; i++, (*p)++) {
        char c = (char)tolower((unsigned char)**p);

        if (!isxdigit((unsigned char)c))
            return false;
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret = value;
    return true;
}

/* *p is behind the backslash. */
static bool read_escape(const char **p, struct buf *out)
{
    char letter = **p;
    uint32_t value;

    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        if (escapes[i].letter != letter)
            continue;
        buf_putc(out, escapes[i].byte);
        (*p)++;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(hex_escapes); i++) {
        if (hex_escapes[i].letter != letter)
            continue;
        (*p)++;
        if (!read_hex(p, hex_escapes[i].digits, &value))
            return false;
        if (letter == 'x')
            buf_putc(out, (char)value);
        else
            put_code_point(out, value);
        return true;
    }
    return false;
}

char *field_path_unquote(const char **p)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    const char *at = *p;

    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        if (!*at)
            return NULL;
        if (*at != '\\') {
            buf_putc(&out, *at++);
        } else {
            at++;
            if (!read_escape(&at, &out))
                return NULL;
        }
    }
    *p = at + 1;
    return utf8_sanitize(buf_str(&out), out.len);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void step_done(struct field_step *s)
{
    for (size_t i = 0; i < FIELD_PATH_MAX_KEYS; i++) {
        free(s->name[i]);
        free(s->value[i]);
    }
    memset(s, 0, sizeof(*s));
}

/* A value inside brackets, quoted or bare. */
static char *read_value(const char **p)
{
    size_t len;
    char *value;

    if (**p == '"')
        return field_path_unquote(p);
    len = strcspn(*p, ",]");
    if (!len)
        return NULL;
    value = mem_strndup(*p, len);
    *p += len;
    return value;
}

/* name=value,name=value */
static int read_keys(const char **p, struct field_step *s)
{
    s->kind = FIELD_STEP_KEYS;
    for (;;) {
        size_t len = strcspn(*p, "=,[]");

        if (s->len == FIELD_PATH_MAX_KEYS)
            return ERR_LIMIT;
        if (!len || (*p)[len] != '=')
            return ERR_INVALID;
        s->name[s->len] = mem_strndup(*p, len);
        *p += len + 1;
        if (!(s->value[s->len] = read_value(p)))
            return ERR_INVALID;
        s->len++;
        if (**p != ',')
            return 0;
        (*p)++;
    }
}

/* Reads "[...]" and moves *p behind it. What was read of a broken one is the caller's to free. */
static int read_bracket(const char **p, struct field_step *s)
{
    const char *at = *p + 1;
    int rc = 0;

    if (isdigit((unsigned char)*at) && at[strspn(at, "0123456789")] == ']') {
        s->kind = FIELD_STEP_INDEX;
        s->index = strtoul(at, NULL, 10);
        at += strspn(at, "0123456789");
    } else if (*at == '"') {
        s->kind = FIELD_STEP_MEMBER;
        s->name[0] = field_path_unquote(&at);
        rc = s->name[0] ? 0 : ERR_INVALID;
    } else if (*at == '=') {
        at++;
        s->kind = FIELD_STEP_VALUE;
        s->value[0] = read_value(&at);
        rc = s->value[0] ? 0 : ERR_INVALID;
    } else {
        rc = read_keys(&at, s);
    }
    if (rc)
        return rc;
    if (*at != ']')
        return ERR_INVALID;
    *p = at + 1;
    return 0;
}

void field_path_done(struct field_path *path)
{
    for (size_t i = 0; i < path->len; i++)
        step_done(&path->step[i]);
    path->len = 0;
}

int field_path_parse(const char *text, struct field_path *ret_path)
{
    struct field_path path CLEANUP(field_path_done) = {.len = 0};
    int rc;

    while (*text) {
        struct field_step *s;

        if (path.len == FIELD_PATH_MAX_DEPTH)
            return ERR_LIMIT;
        s = &path.step[path.len++];
        if (*text == '[') {
            if ((rc = read_bracket(&text, s)))
                return rc;
        } else if (*text == '.') {
            size_t len = strcspn(++text, ".[");

            if (!len)
                return ERR_INVALID;
            s->kind = FIELD_STEP_MEMBER;
            s->name[0] = mem_strndup(text, len);
            text += len;
        } else {
            return ERR_INVALID;
        }
    }
    *ret_path = path;
    path.len = 0; /* the caller's now */
    return 0;
}

/* --- values and items ------------------------------------------------------------------------- */

bool field_value_is(const json_t *value, const char *text)
{
    char number[32], *end;
    double real;

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return !strcmp(json_string_value(value), text);
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        if (!strcmp(number, text))
            return true;
        break;
    case JSON_REAL:
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        return !strcmp(json_is_true(value) ? "true" : "false", text);
    default:
        return false;
    }
    /* 1e+06 is 1000000 */
    real = strtod(text, &end);
    return end != text && !*end && strpbrk(text, ".eE") && real == json_number_value(value);
}

/* How many of the step's members the item has, all as they should be; 0 when one differs. */
static size_t fit(const json_t *item, const struct field_step *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->len; i++) {
        const json_t *value = json_object_get(item, s->name[i]);

        if (!value)
            continue;
        if (!field_value_is(value, s->value[i]))
            return 0;
        n++;
    }
    return n;
}

const json_t *field_step_item(const json_t *list, const struct field_step *s)
{
    const json_t *item, *best = NULL;
    size_t i, most = 0;

    if (s->kind == FIELD_STEP_INDEX)
        return json_array_get(list, s->index);
    json_array_foreach (list, i, item) {
        if (s->kind == FIELD_STEP_VALUE) {
            if (field_value_is(item, s->value[0]))
                return item;
        } else if (fit(item, s) > most) {
            most = fit(item, s);
            best = item;
        }
    }
    return best;
}

/* --- paths of the API server ------------------------------------------------------------------ */

/* Every name that the text may begin with is tried: few do, unless names were chosen to. */
static bool exists(const json_t *at, const char *p, int depth, int *tries)
{
    const char *name;
    json_t *value;

    if (!*p)
        return at && !json_is_null(at);
    if (!at || depth == FIELD_PATH_MAX_DEPTH || (*tries)-- <= 0)
        return false;
    if (*p == '[') {
        struct field_step s CLEANUP(step_done) = {.len = 0};

        return !read_bracket(&p, &s) && s.kind != FIELD_STEP_MEMBER &&
               exists(field_step_item(at, &s), p, depth + 1, tries);
    }
    if (*p++ != '.')
        return false;
    json_object_foreach ((json_t *)at, name, value) {
        size_t len = strlen(name);

        if (!strncmp(p, name, len) && (!p[len] || p[len] == '.' || p[len] == '[') &&
            exists(value, p + len, depth + 1, tries))
            return true;
    }
    return false;
}

bool field_path_exists(const json_t *object, const char *text)
{
    int tries = FIELD_PATH_MAX_TRIES;

    return exists(object, text, 0, &tries);
}

bool field_path_leads(const json_t *object, const char *text)
{
    struct field_path p CLEANUP(field_path_done) = {.len = 0};

    if (field_path_parse(text, &p))
        return false;
    for (size_t i = 0; i < p.len && object; i++) {
        const struct field_step *s = &p.step[i];

        object = s->kind == FIELD_STEP_MEMBER ? json_object_get(object, s->name[0])
                                              : field_step_item(object, s);
    }
    return object;
}
