/* jansson trees to YAML: the tree is told to libyaml's emitter as events, with the styles that
 * kustomize's printer chooses, so that the text reads like its output. */
#include "lib/krm/yaml.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/mem.h"
#include "lib/krm/yaml_scalar.h"

#include "lib/base/banned.h"

#define REAL_SIZE 32

struct writer {
    yaml_emitter_t emitter;
    enum yaml_order order;
    struct buf *out;
};

static int append(void *arg, unsigned char *data, size_t len)
{
    struct writer *w = arg;

    return buf_add(w->out, data, len) == 0;
}

/* The emitter takes the event over, also when it fails. */
static bool emit(struct writer *w, yaml_event_t *event)
{
    return yaml_emitter_emit(&w->emitter, event);
}

/* --- scalars ---------------------------------------------------------------------------------- */

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+ with an optional fraction: a number in YAML 1.1. */
static bool is_base60(const char *s)
{
    size_t colons = 0;

    s += *s == '-' || *s == '+';
    if (!isdigit((unsigned char)*s))
        return false;
    while (isdigit((unsigned char)*s) || *s == '_')
        s++;
    for (; *s == ':'; colons++) {
        size_t digits = strspn(s + 1, "0123456789");

        if (digits < 1 || digits > 2 || (digits == 2 && s[1] > '5'))
            return false;
        s += 1 + digits;
    }
    if (*s == '.')
        s += 1 + strspn(s + 1, "0123456789_");
    return colons && !*s;
}

/* Whether some YAML reader would take the plain text for another value. */
static bool needs_quotes(const char *s, size_t len)
{
    struct yaml_scalar scalar;

    yaml_scalar_resolve(s, len, &scalar);
    return scalar.kind != YAML_STRING || yaml_scalar_is_old_bool(s, len) || is_base60(s) ||
           !strcmp(s, "=") || !strcmp(s, "<<");
}

static bool write_text(struct writer *w, const char *s, size_t len, yaml_scalar_style_t style)
{
    yaml_event_t event;

    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)s, (int)len, 1, 1,
                                        style) &&
           emit(w, &event);
}

static bool write_string(struct writer *w, const char *s, size_t len)
{
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

    if (memchr(s, '\n', len))
        style = YAML_LITERAL_SCALAR_STYLE;
    else if (needs_quotes(s, len))
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return write_text(w, s, len, style);
}

/* The shortest decimal form that reads back as the same double. */
static void format_real(double value, char out[REAL_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, REAL_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static bool write_scalar(struct writer *w, const json_t *value)
{
    char text[REAL_SIZE] = "null";

    switch (json_typeof(value)) {
    case JSON_STRING:
        return write_string(w, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        format_real(json_real_value(value), text);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        snprintf(text, sizeof(text), "%s", json_is_true(value) ? "true" : "false");
        break;
    default:
        break;
    }
    return write_text(w, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
}

/* --- keys ------------------------------------------------------------------------------------- */

struct key {
    const char *text;
    size_t len;
};

/* Compares the digits at *a and *b as numbers and moves behind them. */
static int number_cmp(const char **a, const char **b)
{
    size_t na = strspn(*a, "0123456789"), nb = strspn(*b, "0123456789");
    size_t za = strspn(*a, "0"), zb = strspn(*b, "0");
    const char *x = *a + (za < na ? za : na), *y = *b + (zb < nb ? zb : nb);
    size_t lx = na - (size_t)(x - *a), ly = nb - (size_t)(y - *b);
    int c = lx != ly ? (lx < ly ? -1 : 1) : strncmp(x, y, lx);

    if (!c && na != nb)
        c = na < nb ? -1 : 1;
    *a += na;
    *b += nb;
    return c;
}

/* Natural order: "v2" before "v10", punctuation and digits before letters. */
static int key_cmp(const void *pa, const void *pb)
{
    const char *a = ((const struct key *)pa)->text, *b = ((const struct key *)pb)->text;

    while (*a && *b) {
        unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

        if (isdigit(x) && isdigit(y)) {
            int c = number_cmp(&a, &b);

            if (c)
                return c;
            continue;
        }
        if (x != y) {
            bool letter_x = isalpha(x) || x >= 0x80, letter_y = isalpha(y) || y >= 0x80;

            if (letter_x != letter_y)
                return letter_x ? 1 : -1;
            return x < y ? -1 : 1;
        }
        a++;
        b++;
    }
    return *a ? 1 : (*b ? -1 : 0);
}

static bool write_value(struct writer *w, const json_t *value);

static bool write_member(struct writer *w, const json_t *object, const struct key *key)
{
    return write_string(w, key->text, key->len) &&
           write_value(w, json_object_getn(object, key->text, key->len));
}

static bool write_members(struct writer *w, const json_t *object)
{
    size_t n = 0;
    struct key *keys CLEANUP(mem_cleanup) = mem_calloc(json_object_size(object), sizeof(*keys));
    const char *text;
    size_t len;
    json_t *value;

    json_object_keylen_foreach((json_t *)object, text, len, value)
    {
        keys[n++] = (struct key){text, len};
    }
    if (w->order == YAML_SORT_KEYS && n)
        qsort(keys, n, sizeof(*keys), key_cmp);
    for (size_t i = 0; i < n; i++)
        if (!write_member(w, object, &keys[i]))
            return false;
    return true;
}

/* --- collections ------------------------------------------------------------------------------ */

static bool write_object(struct writer *w, const json_t *object)
{
    yaml_event_t event;

    return yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
           emit(w, &event) && write_members(w, object) &&
           yaml_mapping_end_event_initialize(&event) && emit(w, &event);
}

static bool write_array(struct writer *w, const json_t *array)
{
    yaml_event_t event;
    json_t *item;
    size_t i;

    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) ||
        !emit(w, &event))
        return false;
    json_array_foreach (array, i, item) {
        if (!write_value(w, item))
            return false;
    }
    return yaml_sequence_end_event_initialize(&event) && emit(w, &event);
}

static bool write_value(struct writer *w, const json_t *value)
{
    if (json_is_object(value))
        return write_object(w, value);
    return json_is_array(value) ? write_array(w, value) : write_scalar(w, value);
}

static bool write_document(struct writer *w, const json_t *value)
{
    yaml_event_t event;

    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && emit(w, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && emit(w, &event) &&
           write_value(w, value) && yaml_document_end_event_initialize(&event, 1) &&
           emit(w, &event) && yaml_emitter_flush(&w->emitter);
}

int yaml_write(const json_t *value, enum yaml_order order, struct buf *out, struct err *err)
{
    struct writer w = {.order = order, .out = out};
    bool ok;

    if (!yaml_emitter_initialize(&w.emitter))
        bug("out of memory");
    yaml_emitter_set_output(&w.emitter, append, &w);
    yaml_emitter_set_unicode(&w.emitter, 1);
    ok = write_document(&w, value);
    yaml_emitter_delete(&w.emitter);
    if (!ok)
        return err_set(err, ERR_LIMIT, "YAML of more than %zu bytes", out->max);
    return 0;
}

char *krm_canonical_json(const json_t *value)
{
    return json_dumps(value,
                      JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}
