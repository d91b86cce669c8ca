#include "lib/tf/diag.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

#include "lib/base/banned.h"

/* --- paths ----------------------------------------------------------------------------------- */

static const struct tf_path *path_new(struct arena *a, const struct tf_path *parent,
                                      enum tf_step step, const char *name, int64_t index)
{
    struct tf_path *p = arena_alloc(a, sizeof(*p));

    p->parent = parent;
    p->step = step;
    p->name = arena_strdup(a, name);
    p->index = index;
    return p;
}

const struct tf_path *tf_path_attribute(struct arena *a, const struct tf_path *parent,
                                        const char *name)
{
    return path_new(a, parent, TF_STEP_ATTRIBUTE, name, 0);
}

const struct tf_path *tf_path_key(struct arena *a, const struct tf_path *parent, const char *key)
{
    return path_new(a, parent, TF_STEP_KEY, key, 0);
}

const struct tf_path *tf_path_index(struct arena *a, const struct tf_path *parent, int64_t index)
{
    return path_new(a, parent, TF_STEP_INDEX, NULL, index);
}

const struct tf_path *tf_path_copy(struct arena *a, const struct tf_path *p)
{
    return p ? path_new(a, tf_path_copy(a, p->parent), p->step, p->name, p->index) : NULL;
}

size_t tf_path_depth(const struct tf_path *p)
{
    size_t n = 0;

    for (; p; p = p->parent)
        n++;
    return n;
}

bool tf_path_equal(const struct tf_path *a, const struct tf_path *b)
{
    for (; a && b; a = a->parent, b = b->parent) {
        if (a == b)
            return true;
        if (a->step != b->step)
            return false;
        if (a->step == TF_STEP_INDEX ? a->index != b->index : strcmp(a->name, b->name) != 0)
            return false;
    }
    return a == b;
}

void tf_path_write(const struct tf_path *p, struct buf *out)
{
    if (!p)
        return;
    tf_path_write(p->parent, out);
    switch (p->step) {
    case TF_STEP_ATTRIBUTE:
        buf_printf(out, "%s%s", p->parent ? "." : "", p->name);
        break;
    case TF_STEP_KEY:
        buf_putc(out, '[');
        tf_json_put_string(out, p->name, strlen(p->name));
        buf_putc(out, ']');
        break;
    case TF_STEP_INDEX:
        buf_printf(out, "[%" PRId64 "]", p->index);
        break;
    }
}

const struct tf_value *tf_path_get(const struct tf_value *v, const struct tf_path *p)
{
    if (!p)
        return v;
    v = tf_path_get(v, p->parent);
    if (p->step != TF_STEP_INDEX)
        return tf_get(v, p->name);
    if (!tf_is_known(v) || (v->type->kind != TF_LIST && v->type->kind != TF_TUPLE))
        return NULL;
    return p->index >= 0 && (uint64_t)p->index < v->items.len ? v->items.at[p->index] : NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

#define VALUE_TEXT_MAX 200

/* Cuts text before the character that would pass the limit. */
static void write_string(const struct tf_value *v, struct buf *out)
{
    size_t len = 0, n;

    while ((n = utf8_sequence(v->string.data + len, v->string.len - len)) &&
           len + n <= VALUE_TEXT_MAX)
        len += n;
    tf_json_put_string(out, v->string.data, len);
    if (len < v->string.len)
        buf_puts(out, "...");
}

static void write_value(const struct tf_value *v, size_t limit, struct buf *out);

static void write_items(const struct tf_value *v, size_t limit, struct buf *out)
{
    bool keyed = v->type->kind == TF_MAP || v->type->kind == TF_OBJECT;

    buf_putc(out, keyed ? '{' : '[');
    for (size_t i = 0; i < v->items.len; i++) {
        if (i)
            buf_puts(out, ", ");
        if (out->len > limit) {
            buf_puts(out, "...");
            break;
        }
        if (v->type->kind == TF_OBJECT) {
            buf_printf(out, "%s = ", v->type->members[i].name);
        } else if (keyed) {
            tf_json_put_string(out, v->items.keys[i], strlen(v->items.keys[i]));
            buf_puts(out, " = ");
        }
        write_value(v->items.at[i], limit, out);
    }
    buf_putc(out, keyed ? '}' : ']');
}

static void write_value(const struct tf_value *v, size_t limit, struct buf *out)
{
    if (tf_is_null(v))
        buf_puts(out, "null");
    else if (tf_is_unknown(v))
        buf_puts(out, "(known after apply)");
    else if (v->type->kind == TF_BOOL)
        buf_puts(out, v->boolean ? "true" : "false");
    else if (v->type->kind == TF_NUMBER)
        buf_puts(out, v->number);
    else if (v->type->kind == TF_STRING)
        write_string(v, out);
    else
        write_items(v, limit, out);
}

void tf_value_write(const struct tf_value *v, struct buf *out)
{
    write_value(v, out->len + VALUE_TEXT_MAX, out);
}

/* --- diagnostics ----------------------------------------------------------------------------- */

void tf_diags_init(struct tf_diags *d, struct arena *a)
{
    *d = (struct tf_diags){.arena = a};
}

static const char *clean_text(struct arena *a, const char *text)
{
    char *clean CLEANUP(mem_cleanup) = utf8_sanitize(text, strlen(text));

    return arena_strdup(a, clean);
}

static void add(struct tf_diags *d, enum tf_severity severity, const struct tf_path *path,
                const char *summary, const char *detail)
{
    if (d->len == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 8;
        struct tf_diag *at = arena_calloc(d->arena, cap, sizeof(*at));

        if (d->len)
            memcpy(at, d->at, d->len * sizeof(*at));
        d->at = at;
        d->cap = cap;
    }
    d->at[d->len++] = (struct tf_diag){
        .severity = severity,
        .summary = clean_text(d->arena, summary),
        .detail = clean_text(d->arena, detail),
        .path = tf_path_copy(d->arena, path),
    };
    d->errors += severity == TF_ERROR;
}

void tf_error(struct tf_diags *d, const struct tf_path *path, const char *summary, const char *fmt,
              ...)
{
    char *detail CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    detail = mem_vprintf(fmt, ap);
    va_end(ap);
    add(d, TF_ERROR, path, summary, detail);
}

void tf_warning(struct tf_diags *d, const struct tf_path *path, const char *summary,
                const char *fmt, ...)
{
    char *detail CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    detail = mem_vprintf(fmt, ap);
    va_end(ap);
    add(d, TF_WARNING, path, summary, detail);
}

/* A file's or attribute's name at the beginning stays as it is written. */
static bool starts_with_word(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz'")] == ' ';
}

void tf_error_from(struct tf_diags *d, const struct tf_path *path, const char *summary,
                   struct err *err)
{
    char *text CLEANUP(mem_cleanup) = mem_strdup(err_msg(err));
    size_t n = strlen(text);

    if (starts_with_word(text))
        text[0] = (char)toupper((unsigned char)text[0]);
    tf_error(d, path, summary, "%s%s", text, n && strchr(".!?", text[n - 1]) ? "" : ".");
    err_done(err);
}

bool tf_failed(const struct tf_diags *d)
{
    return d->errors > 0;
}
