/* Differences between two trees.
 *
 * Both trees are walked together with one path buffer that grows and shrinks. Lists of objects are
 * matched by the first key of the list below that every element of both lists has with a value of
 * its own; a hash from value to position makes the matching linear. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

/* In order of preference; those of Kubernetes' own list types. */
static const char *const associative_keys[] = {"name", "mountPath",   "devicePath",    "ip",
                                               "type", "topologyKey", "containerPort", "port",
                                               "key",  "uid"};

#define KEY_TEXT_MAX 320 /* longer than any name in Kubernetes */

struct differ {
    struct buf path;
    krm_diff_fn *visit;
    void *arg;
};

static int diff(struct differ *d, const json_t *a, const json_t *b);

static int report(struct differ *d, const json_t *a, const json_t *b)
{
    return d->visit(buf_str(&d->path), (json_t *)a, (json_t *)b, d->arg);
}

static void cut_path(struct differ *d, size_t len)
{
    d->path.len = len;
    if (d->path.data)
        d->path.data[len] = '\0';
}

/* --- path texts ------------------------------------------------------------------------------- */

static bool is_plain(const char *s, const char *extra)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(extra, *s))
            return false;
    return true;
}

static void add_quoted(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static void add_member(struct buf *out, const char *key)
{
    if (is_plain(key, "_-")) {
        buf_putc(out, '.');
        buf_puts(out, key);
        return;
    }
    buf_putc(out, '[');
    add_quoted(out, key);
    buf_putc(out, ']');
}

static void add_element(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "[%s=", key);
    if (is_plain(value, "_-./:"))
        buf_puts(out, value);
    else
        add_quoted(out, value);
    buf_putc(out, ']');
}

/* --- objects ---------------------------------------------------------------------------------- */

static int name_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int diff_objects(struct differ *d, const json_t *a, const json_t *b)
{
    size_t n = 0, len = d->path.len;
    const char **names CLEANUP(mem_cleanup) =
        mem_calloc(json_object_size(a) + json_object_size(b), sizeof(*names));
    const char *key;
    json_t *value;
    int rc = 0;

    json_object_foreach ((json_t *)a, key, value) {
        names[n++] = key;
    }
    json_object_foreach ((json_t *)b, key, value) {
        if (!json_object_get(a, key))
            names[n++] = key;
    }
    if (n)
        qsort(names, n, sizeof(*names), name_cmp);
    for (size_t i = 0; i < n && !rc; i++) {
        add_member(&d->path, names[i]);
        rc = diff(d, json_object_get(a, names[i]), json_object_get(b, names[i]));
        cut_path(d, len);
    }
    return rc;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* The text of an element's key; false when it has none that could identify it. */
static bool key_text(const json_t *element, const char *key, char out[KEY_TEXT_MAX])
{
    const json_t *value = json_object_get(element, key);
    int n;

    if (json_is_string(value))
        n = snprintf(out, KEY_TEXT_MAX, "%s", json_string_value(value));
    else if (json_is_integer(value))
        n = snprintf(out, KEY_TEXT_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        return false;
    return n < KEY_TEXT_MAX;
}

/* Key value -> position, or NULL when an element has none or shares it with another. */
static json_t *index_list(const json_t *list, const char *key)
{
    json_t *index = json_object();
    char text[KEY_TEXT_MAX];
    json_t *element;
    size_t i;

    json_array_foreach (list, i, element) {
        if (!key_text(element, key, text) || json_object_get(index, text)) {
            json_decref(index);
            return NULL;
        }
        json_object_set_new(index, text, json_integer((json_int_t)i));
    }
    return index;
}

/* Finds the key that identifies the elements of both lists. */
static const char *choose_key(const json_t *a, const json_t *b, json_t **ret_index_a,
                              json_t **ret_index_b)
{
    for (size_t i = 0; i < ARRAY_LEN(associative_keys); i++) {
        json_t *ia = index_list(a, associative_keys[i]);
        json_t *ib = ia ? index_list(b, associative_keys[i]) : NULL;

        if (ib) {
            *ret_index_a = ia;
            *ret_index_b = ib;
            return associative_keys[i];
        }
        json_decref(ia);
    }
    return NULL;
}

static const json_t *element_at(const json_t *list, const json_t *index, const char *text)
{
    const json_t *position = json_object_get(index, text);

    return position ? json_array_get(list, (size_t)json_integer_value(position)) : NULL;
}

static int diff_element(struct differ *d, const json_t *a, const json_t *b, const char *key,
                        const char *text)
{
    size_t len = d->path.len;
    int rc;

    add_element(&d->path, key, text);
    rc = diff(d, a, b);
    cut_path(d, len);
    return rc;
}

/* The elements of a in their order, then those that only b has. */
static int diff_keyed(struct differ *d, const json_t *a, const json_t *b, const char *key,
                      const json_t *index_a, const json_t *index_b)
{
    json_int_t last = -1;
    bool moved = false;
    const char *text;
    json_t *position;
    int rc = 0;

    json_object_foreach ((json_t *)index_a, text, position) {
        const json_t *other = json_object_get(index_b, text);

        if (other) {
            moved |= json_integer_value(other) < last;
            last = json_integer_value(other);
        }
        rc = diff_element(d, element_at(a, index_a, text), element_at(b, index_b, text), key, text);
        if (rc)
            return rc;
    }
    json_object_foreach ((json_t *)index_b, text, position) {
        if (json_object_get(index_a, text))
            continue;
        rc = diff_element(d, NULL, element_at(b, index_b, text), key, text);
        if (rc)
            return rc;
    }
    return moved ? report(d, a, b) : 0;
}

static int diff_lists(struct differ *d, const json_t *a, const json_t *b)
{
    size_t na = json_array_size(a), nb = json_array_size(b), len = d->path.len;
    json_auto_t *index_a = NULL;
    json_auto_t *index_b = NULL;
    const char *key = na || nb ? choose_key(a, b, &index_a, &index_b) : NULL;
    int rc = 0;

    if (key)
        return diff_keyed(d, a, b, key, index_a, index_b);
    for (size_t i = 0; i < (na > nb ? na : nb) && !rc; i++) {
        buf_printf(&d->path, "[%zu]", i);
        rc = diff(d, json_array_get(a, i), json_array_get(b, i));
        cut_path(d, len);
    }
    return rc;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool scalars_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static int diff(struct differ *d, const json_t *a, const json_t *b)
{
    if (json_is_object(a) && json_is_object(b))
        return diff_objects(d, a, b);
    if (json_is_array(a) && json_is_array(b))
        return diff_lists(d, a, b);
    return (!a && !b) || scalars_equal(a, b) ? 0 : report(d, a, b);
}

int krm_diff(const json_t *a, const json_t *b, krm_diff_fn *visit, void *arg)
{
    struct differ d = {.visit = visit, .arg = arg};
    int rc;

    buf_init(&d.path, BUF_MAX_TEXT);
    rc = diff(&d, a, b);
    buf_done(&d.path);
    return rc;
}
