#include "lib/kustomize/fieldref.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml_scalar.h"
#include "lib/kustomize/regex.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

/* --- splitting ---------------------------------------------------------------------------------- */

static int add_step(struct fieldref *ref, const char *s, size_t n, struct err *err)
{
    if (ref->nsteps == FIELDREF_MAX_STEPS)
        return err_set(err, ERR_LIMIT, "field path \"%s\" has more than %d steps", ref->text,
                       FIELDREF_MAX_STEPS);
    ref->steps = mem_realloc(ref->steps, (ref->nsteps + 1) * sizeof(*ref->steps));
    ref->steps[ref->nsteps++] = mem_strndup(s, n);
    return 0;
}

/* "a[0]" as "a" and "0". */
static int add_indexed(struct fieldref *ref, const char *s, size_t n, struct err *err)
{
    size_t open = n;

    if (n && s[n - 1] == ']')
        for (open = n - 1; open && s[open - 1] >= '0' && s[open - 1] <= '9'; open--)
            ;
    if (open + 1 >= n || open == 0 || s[open - 1] != '[')
        return add_step(ref, s, n, err);
    if (open > 1) {
        int rc = add_step(ref, s, open - 1, err);

        if (rc)
            return rc;
    }
    return add_step(ref, s + open, n - open - 1, err);
}

/* The end of the step at s: the next dot that isn't escaped; for "[" the dot behind its "]". */
static const char *step_end(const char *s)
{
    bool bracket = *s == '[';
    const char *e = s;

    for (;; e++) {
        if (!*e)
            return e;
        if (*e != '.')
            continue;
        if (e > s && e[-1] == '\\')
            continue;
        if (!bracket || (e > s && e[-1] == ']'))
            return e;
    }
}

static int split_step(struct fieldref *ref, const char *s, size_t n, bool indexes, struct err *err)
{
    struct buf step CLEANUP(buf_done) = BUF_INIT;
    bool bracket = n && *s == '[' && s[n - 1] != ']',
         closed = n > 1 && *s == '[' && s[n - 1] == ']';

    for (size_t i = 0; i < n; i++)
        if (s[i] != '\\' || i + 1 == n || s[i + 1] != '.')
            buf_putc(&step, s[i]);
    /* Brackets around a name only protect its dots. */
    if ((bracket || (closed && memchr(s, '.', n))) && !memchr(s, '=', n)) {
        char *inner = step.data + 1;
        size_t len = step.len - 1 - (closed ? 1 : 0);

        return add_step(ref, inner, len, err);
    }
    return indexes ? add_indexed(ref, buf_str(&step), step.len, err)
                   : add_step(ref, buf_str(&step), step.len, err);
}

int fieldref_parse(const char *text, bool indexes, struct fieldref *ret_ref, struct err *err)
{
    struct fieldref ref = {.text = mem_strdup(text)};
    const char *s = text + (*text == '.' && text[1]);

    if (strlen(text) > FIELDSPEC_MAX_TEXT) {
        fieldref_done(&ref);
        return err_set(err, ERR_LIMIT, "a field path of more than %d bytes", FIELDSPEC_MAX_TEXT);
    }
    for (;;) {
        const char *end = step_end(s);
        int rc = split_step(&ref, s, (size_t)(end - s), indexes, err);

        if (rc) {
            fieldref_done(&ref);
            return rc;
        }
        if (!*end)
            break;
        s = end + 1;
    }
    *ret_ref = ref;
    return 0;
}

void fieldref_done(struct fieldref *ref)
{
    for (size_t i = 0; i < ref->nsteps; i++)
        free(ref->steps[i]);
    free(ref->steps);
    free(ref->text);
    *ref = (struct fieldref){0};
}

/* --- steps -------------------------------------------------------------------------------------- */

static bool is_index(const char *step, size_t *ret_index)
{
    size_t n = strspn(step, "0123456789");

    if (!n || step[n] || n > 9)
        return false;
    *ret_index = strtoul(step, NULL, 10);
    return true;
}

static bool is_comparison(const char *step)
{
    size_t n = strlen(step);

    return n >= 2 && *step == '[' && step[n - 1] == ']';
}

struct comparison {
    char *name; /* "" compares the elements themselves */
    const char *value;
};

static void comparison_done(struct comparison *c)
{
    free(c->name);
}

static int comparison_parse(const char *step, struct comparison *out, struct err *err)
{
    char *text = mem_strndup(step + 1, strlen(step) - 2), *equals = strchr(text, '=');

    if (!equals) {
        free(text);
        return err_set(err, ERR_INVALID, "\"%s\" must be [name=value] or [=value]", step);
    }
    *equals = 0;
    out->name = text;
    out->value = equals + 1;
    return 0;
}

static int want_list(const json_t *node, const char *step, struct err *err)
{
    if (json_is_array(node) || json_is_null(node))
        return 0;
    return err_set(err, ERR_INVALID, "\"%s\" needs a list", step);
}

static int want_map(const json_t *node, const char *step, struct err *err)
{
    if (json_is_object(node) || json_is_null(node))
        return 0;
    return err_set(err, ERR_INVALID, "\"%s\" needs a map", step);
}

/* The scalar of an element that a comparison looks at; NULL when there is none. */
static json_t *compared_value(json_t *element, const char *name)
{
    return *name ? json_object_get(element, name) : element;
}

/* --- one value ---------------------------------------------------------------------------------- */

static int lookup_comparison(json_t *node, const char *step, json_t **ret, struct err *err)
{
    struct comparison c CLEANUP(comparison_done) = {NULL, NULL};
    json_t *element;
    size_t i;
    int rc = comparison_parse(step, &c, err);

    if (rc || (rc = want_list(node, step, err)))
        return rc;
    *ret = NULL;
    json_array_foreach (node, i, element) {
        json_t *value = compared_value(element, c.name);
        char *text CLEANUP(mem_cleanup) = value ? shape_scalar_text(value) : NULL;

        if (text && strcmp(text, c.value) == 0) {
            *ret = element;
            return 0;
        }
    }
    return 0;
}

static int lookup_step(json_t *node, const char *step, json_t **ret, struct err *err)
{
    size_t index = 0, n = json_array_size(node);
    int rc;

    *ret = NULL;
    if (strcmp(step, "*") == 0)
        return err_set(err, ERR_INVALID, "\"*\" can't be read from");
    if (is_comparison(step))
        return lookup_comparison(node, step, ret, err);
    if (strcmp(step, "-") == 0 || is_index(step, &index)) {
        if ((rc = want_list(node, step, err)))
            return rc;
        *ret = json_array_get(node, *step != '-' ? index : n ? n - 1 : 0);
        return 0;
    }
    if ((rc = want_map(node, step, err)))
        return rc;
    *ret = json_object_get(node, step);
    return 0;
}

int fieldref_lookup(const struct fieldref *ref, json_t *object, json_t **ret_value, struct err *err)
{
    json_t *node = object;
    int rc;

    for (size_t i = 0; i < ref->nsteps && node; i++) {
        if (!*ref->steps[i])
            continue;
        if ((rc = lookup_step(node, ref->steps[i], &node, err)))
            return err_wrap(err, "field %s", ref->text);
    }
    *ret_value = node;
    return 0;
}

/* --- all places --------------------------------------------------------------------------------- */

struct match {
    const struct fieldref *ref;
    const json_t *create; /* NULL: don't */
    struct slots *out;
};

static int match_from(const struct match *m, size_t step, const struct slot *slot, struct err *err);

/* What a missing step before this one is made as. */
static json_t *made_for(const struct match *m, size_t step)
{
    const char *next = step < m->ref->nsteps ? m->ref->steps[step] : "";
    size_t index;

    if (is_comparison(next) || is_index(next, &index))
        return json_array();
    if (*next || json_is_object(m->create))
        return json_object();
    return json_is_array(m->create) ? json_array() : json_null();
}

static int match_index(const struct match *m, size_t step, json_t *node, size_t index,
                       struct err *err)
{
    struct slot slot = {.parent = node, .index = index};
    size_t n = json_array_size(node);
    int rc = want_list(node, m->ref->steps[step], err);

    if (rc)
        return rc;
    if (index == n && m->create && json_is_array(node)) {
        json_array_append_new(node, made_for(m, step + 1));
        slot.made = true;
    }
    slot.value = json_array_get(node, index);
    if (!slot.value)
        return err_set(err, ERR_INVALID, "index %zu of a list of %zu", index, n);
    return match_from(m, step + 1, &slot, err);
}

static int match_all(const struct match *m, size_t step, json_t *node, struct err *err)
{
    int rc = want_list(node, "*", err);

    for (size_t i = 0; i < json_array_size(node) && !rc; i++) {
        struct slot slot = {.parent = node, .index = i, .value = json_array_get(node, i)};

        rc = match_from(m, step + 1, &slot, err);
    }
    return rc;
}

/* Elements whose member matches; *ret_found counts the places that they led to. */
static int match_elements(const struct match *m, size_t step, json_t *node,
                          const struct comparison *c, size_t *ret_found, struct err *err)
{
    struct regex re CLEANUP(regex_done);
    size_t before = m->out->len;
    int rc = regex_init(&re, c->value, false, err);

    for (size_t i = 0; i < json_array_size(node) && !rc; i++) {
        struct slot slot = {.parent = node, .index = i, .value = json_array_get(node, i)};
        json_t *value = compared_value(slot.value, c->name);
        char *text CLEANUP(mem_cleanup) = value ? shape_scalar_text(value) : NULL;

        if (!text || !regex_match(&re, text))
            continue;
        /* An element that is itself compared is the place; what may follow is ignored. */
        rc = match_from(m, *c->name ? step + 1 : m->ref->nsteps, &slot, err);
    }
    *ret_found = m->out->len - before;
    return rc;
}

static int match_comparison(const struct match *m, size_t step, json_t *node, struct err *err)
{
    struct comparison c CLEANUP(comparison_done) = {NULL, NULL};
    size_t found = 0;
    int rc = comparison_parse(m->ref->steps[step], &c, err);

    if (rc || (rc = want_list(node, m->ref->steps[step], err)) ||
        (rc = match_elements(m, step, node, &c, &found, err)))
        return rc;
    if (found || !m->create || !json_is_array(node))
        return 0;
    if (*c.name) {
        json_t *element = json_object();

        json_object_set_new(element, c.name, fieldref_plain_value(c.value));
        json_array_append_new(node, element);
    } else {
        json_array_append_new(node, fieldref_plain_value(c.value));
    }
    return match_elements(m, step, node, &c, &found, err);
}

static int match_field(const struct match *m, size_t step, json_t *node, struct err *err)
{
    struct slot slot = {.parent = node, .key = m->ref->steps[step]};
    int rc = want_map(node, slot.key, err);

    if (rc)
        return rc;
    if (json_is_null(node)) {
        /* The reference makes the step inside of a null, where it is lost. */
        if (m->create)
            vec_push(m->out, (struct slot){.parent = NULL});
        return 0;
    }
    slot.value = json_object_get(node, slot.key);
    if (!slot.value && m->create) {
        slot_set(&slot, made_for(m, step + 1));
        slot.made = true;
    }
    return slot.value ? match_from(m, step + 1, &slot, err) : 0;
}

static int match_from(const struct match *m, size_t step, const struct slot *slot, struct err *err)
{
    const char *name;
    size_t index;

    if (step == m->ref->nsteps) {
        vec_push(m->out, *slot);
        return 0;
    }
    name = m->ref->steps[step];
    if (is_index(name, &index))
        return match_index(m, step, slot->value, index, err);
    if (is_comparison(name))
        return match_comparison(m, step, slot->value, err);
    if (strcmp(name, "*") == 0)
        return match_all(m, step, slot->value, err);
    return match_field(m, step, slot->value, err);
}

int fieldref_match(const struct fieldref *ref, json_t *object, const json_t *create,
                   struct slots *ret_slots, struct err *err)
{
    struct slots slots = {0};
    struct match m = {.ref = ref, .create = create, .out = &slots};
    struct slot root = {.value = object};
    int rc = match_from(&m, 0, &root, err);

    if (rc) {
        vec_done(&slots);
        return err_wrap(err, "field %s", ref->text);
    }
    *ret_slots = slots;
    return 0;
}

json_t *fieldref_plain_value(const char *text)
{
    struct yaml_scalar scalar;

    if (strchr(text, '\n'))
        return json_string(text);
    yaml_scalar_resolve(text, strlen(text), &scalar);
    switch (scalar.kind) {
    case YAML_NULL:
        return json_null();
    case YAML_BOOL:
        return json_boolean(scalar.boolean);
    case YAML_INT:
        return json_integer(scalar.integer);
    case YAML_FLOAT: {
        json_t *real = json_real(scalar.real);

        return real ? real : json_string(text);
    }
    default:
        return json_string(text);
    }
}
