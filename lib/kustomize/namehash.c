/* The hash is made of compact JSON with sorted keys, as Go's encoder writes it (with its escapes for
 * HTML), of what the object holds: {"data": ..., "kind": ..., "name": ""[, ...]}. The first ten hex
 * digits of its SHA-256 follow the name, with the digits that could spell words replaced. */
#include "lib/kustomize/namehash.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

static void put_string(struct buf *out, const char *s, size_t len)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

    buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *at = c ? strchr(names, c) : NULL;

        if (at) {
            buf_putc(out, '\\');
            buf_putc(out, letters[at - names]);
        } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
            buf_printf(out, "\\u%04x", c);
        } else if (c == 0xe2 && len - i >= 3 && (unsigned char)s[i + 1] == 0x80 &&
                   ((unsigned char)s[i + 2] | 1) == 0xa9) {
            buf_puts(out, (unsigned char)s[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            buf_putc(out, (char)c);
        }
    }
    buf_putc(out, '"');
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_value(struct buf *out, const json_t *value);

static void put_object(struct buf *out, const json_t *object)
{
    size_t n = json_object_size(object), i = 0;
    const char **keys CLEANUP(mem_cleanup) = mem_calloc(n + 1, sizeof(*keys));
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)object, key, value)
        keys[i++] = key;
    qsort(keys, n, sizeof(*keys), compare_keys);
    buf_putc(out, '{');
    for (i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        put_string(out, keys[i], strlen(keys[i]));
        buf_putc(out, ':');
        put_value(out, json_object_get(object, keys[i]));
    }
    buf_putc(out, '}');
}

static void put_array(struct buf *out, const json_t *array)
{
    json_t *item;
    size_t i;

    buf_putc(out, '[');
    json_array_foreach (array, i, item) {
        if (i)
            buf_putc(out, ',');
        put_value(out, item);
    }
    buf_putc(out, ']');
}

static void put_value(struct buf *out, const json_t *value)
{
    char *text CLEANUP(mem_cleanup) = NULL;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value);
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_NULL:
        buf_puts(out, "null");
        break;
    default:
        text = shape_scalar_text(value);
        buf_puts(out, text);
    }
}

static const struct {
    const char *kind;
    const char *fields[3]; /* always there */
    const char *optional;  /* only when it is a map */
} hashed[] = {
    {"ConfigMap", {"data"}, "binaryData"},
    {"Secret", {"data", "type"}, "stringData"},
};

/* What is missing hashes as the empty string, a scalar as its text. */
static json_t *hashed_value(const json_t *object, const char *field)
{
    json_t *value = json_object_get(object, field);
    char *text CLEANUP(mem_cleanup) = value ? shape_scalar_text(value) : mem_strdup("");

    return text ? json_string(text) : json_incref(value);
}

int namehash(const json_t *object, char out[NAMEHASH_SIZE], struct err *err)
{
    static const char from[] = "013ae", to[] = "ghkmt";
    const char *kind = krm_str(object, "kind", NULL);
    struct buf text CLEANUP(buf_done);
    json_auto_t *content = json_object();
    char hex[HASH_HEX_SIZE];
    size_t i, cost = 0;

    for (i = 0; i < ARRAY_LEN(hashed); i++)
        if (strcmp(hashed[i].kind, kind) == 0)
            break;
    buf_init(&text, BUF_MAX_DOCUMENT);
    if (i == ARRAY_LEN(hashed))
        return err_set(err, ERR_UNSUPPORTED, "a name hash of kind %s", kind);
    if (!krm_measure(object, YAML_MAX_DEPTH, NAMEHASH_MAX_NODES, &cost))
        return err_set(err, ERR_LIMIT, "too large to hash: more than %d MB",
                       NAMEHASH_MAX_NODES * 32 / 1000000);
    json_object_set_new(content, "kind", json_string(kind));
    json_object_set_new(content, "name", json_string(""));
    for (const char *const *field = hashed[i].fields; *field; field++)
        json_object_set_new(content, *field, hashed_value(object, *field));
    if (json_is_object(json_object_get(object, hashed[i].optional)))
        json_object_set(content, hashed[i].optional, json_object_get(object, hashed[i].optional));
    put_object(&text, content);
    hash_sha256_hex(buf_str(&text), text.len, hex);
    for (i = 0; i < NAMEHASH_SIZE - 1; i++) {
        const char *at = strchr(from, hex[i]);

        out[i] = at ? to[at - from] : hex[i];
    }
    out[i] = 0;
    return 0;
}

size_t namehash_stem(const char *name)
{
    const char *dash = strrchr(name, '-');

    if (!dash || dash == name || strlen(dash + 1) != NAMEHASH_SIZE - 1 ||
        strspn(dash + 1, "2456789bcdfghkmt") != NAMEHASH_SIZE - 1)
        return 0;
    return (size_t)(dash - name);
}
