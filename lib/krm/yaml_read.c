/* YAML events to jansson trees.
 *
 * One loop over libyaml's events with a stack of open collections; nothing recurses, so depth is
 * bounded by the stack alone. A collection is attached to its parent when it starts, so the tree
 * grows in the document's order. Invariants:
 *  - every frame's container is owned by the tree, except a merge key's value, which its frame owns
 *    until the mapping ends and takes over the members that it lacks;
 *  - an alias is a deep copy, paid for before it is made: what all of them
 *    repeat, in nodes and bytes, stays below YAML_MAX_ALIASED. */
#include "lib/krm/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml_fold.h"
#include "lib/krm/yaml_scalar.h"

#include "lib/base/banned.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct frame {
    json_t *container; /* borrowed from the tree, or from the parent frame's merge */
    char *key;         /* the pending key of a mapping, or NULL; owned */
    size_t key_len;
    yaml_mark_t key_mark;
    json_t *merge;    /* value of "<<": an array of the objects to merge, or NULL; owned */
    bool is_merge;    /* the pending key is "<<" */
    bool raw_scalars; /* metadata.annotations: values are text as written */
};

struct reader {
    yaml_parser_t parser;
    const char *name;
    json_t *documents;
    json_t *anchors; /* name -> value, of this document; NULL before the first */
    size_t nodes;    /* of the text */
    size_t aliased;  /* that aliases repeat */
    bool blanks;     /* what is left out is yaml_blank() */
    bool config;     /* read as kustomize reads its own files */
    bool patch;      /* nulls are nulls in annotations too */
    size_t depth;
    struct frame stack[YAML_MAX_DEPTH];
    struct err *err;
};

static int fail_at(struct reader *r, int code, const yaml_mark_t *mark, const char *what)
{
    return err_set(r->err, code, "%s: line %zu, column %zu: %s", r->name, mark->line + 1,
                   mark->column + 1, what);
}

static int fail_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "unreadable";

    if (p->error == YAML_READER_ERROR)
        return err_set(r->err, ERR_INVALID, "%s: byte %zu: %s", r->name, p->problem_offset,
                       problem);
    return fail_at(r, ERR_INVALID, &p->problem_mark, problem);
}

static int count_node(struct reader *r, const yaml_mark_t *mark)
{
    if (++r->nodes > YAML_MAX_NODES)
        return fail_at(r, ERR_LIMIT, mark, "more nodes than are accepted");
    return 0;
}

/* --- anchors and aliases ---------------------------------------------------------------------- */

static void drop_anchors(struct reader *r)
{
    json_object_clear(r->anchors);
}

/* Of a name that is given twice the newest counts. */
static void add_anchor(struct reader *r, const yaml_char_t *name, json_t *value)
{
    if (!name)
        return;
    if (!r->anchors)
        r->anchors = json_object();
    json_object_set_nocheck(r->anchors, (const char *)name, value);
}

static int copy_alias(struct reader *r, const yaml_event_t *event, json_t **ret_value)
{
    const char *name = (const char *)event->data.alias.anchor;
    json_t *target = json_object_get(r->anchors, name);

    if (!target)
        return fail_at(r, ERR_INVALID, &event->start_mark, "unknown anchor");
    for (size_t i = 0; i < r->depth; i++)
        if (r->stack[i].container == target)
            return fail_at(r, ERR_INVALID, &event->start_mark, "anchor's value contains itself");
    if (!krm_measure(target, YAML_MAX_DEPTH - r->depth, YAML_MAX_ALIASED, &r->aliased))
        return fail_at(r, ERR_LIMIT, &event->start_mark, "aliases expand to more than is accepted");
    *ret_value = json_deep_copy(target);
    return 0;
}

/* --- scalars ---------------------------------------------------------------------------------- */

enum tag {
    TAG_NONE,
    TAG_STR,
    TAG_NULL,
    TAG_BOOL,
    TAG_INT,
    TAG_FLOAT,
    TAG_TIMESTAMP,
    TAG_BINARY,
    TAG_OTHER
};

static const struct {
    const char *name;
    enum tag tag;
} core_tags[] = {
    {"str", TAG_STR},     {"null", TAG_NULL},           {"bool", TAG_BOOL},     {"int", TAG_INT},
    {"float", TAG_FLOAT}, {"timestamp", TAG_TIMESTAMP}, {"binary", TAG_BINARY},
};

static enum tag tag_of(const yaml_char_t *tag)
{
    const char *s = (const char *)tag;
    size_t prefix = sizeof(TAG_PREFIX) - 1;

    if (!s)
        return TAG_NONE;
    if (strncmp(s, TAG_PREFIX, prefix) != 0)
        return TAG_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(core_tags); i++)
        if (!strcmp(s + prefix, core_tags[i].name))
            return core_tags[i].tag;
    return TAG_OTHER;
}

static bool tag_accepts(enum tag tag, const struct yaml_scalar *s)
{
    switch (tag) {
    case TAG_NULL:
        return s->kind == YAML_NULL;
    case TAG_BOOL:
        return s->kind == YAML_BOOL;
    case TAG_INT:
        return s->kind == YAML_INT;
    case TAG_FLOAT:
        return s->kind == YAML_INT || s->kind == YAML_FLOAT;
    case TAG_TIMESTAMP:
        return s->kind == YAML_TIMESTAMP;
    default:
        return true;
    }
}

/* Binary data is text in JSON; what isn't UTF-8 becomes U+FFFD, as in Go's JSON. */
static json_t *binary_value(const char *text, size_t len)
{
    char *data CLEANUP(mem_cleanup) = NULL;
    char *clean CLEANUP(mem_cleanup) = NULL;
    uint8_t *raw = NULL;
    size_t raw_len;

    if (hash_base64_decode(text, len, &raw, &raw_len))
        return NULL;
    data = (char *)raw;
    if (utf8_valid(data, raw_len))
        return json_stringn_nocheck(data, raw_len);
    clean = utf8_sanitize(data, raw_len);
    return json_string_nocheck(clean);
}

static json_t *typed_value(const struct yaml_scalar *s, const char *text, size_t len)
{
    switch (s->kind) {
    case YAML_NULL:
        return json_null();
    case YAML_BOOL:
        return json_boolean(s->boolean);
    case YAML_INT:
        return json_integer(s->integer);
    case YAML_FLOAT:
        return json_real(s->real); /* NULL for what isn't finite */
    case YAML_TIMESTAMP:
        return json_string_nocheck(s->stamp);
    case YAML_STRING:
        break;
    }
    return json_stringn_nocheck(text, len);
}

static int scalar_value(struct reader *r, const yaml_event_t *event, bool raw, json_t **ret_value)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    enum tag tag = tag_of(event->data.scalar.tag);
    struct yaml_scalar s;
    json_t *value = NULL;

    if (raw && r->blanks && tag == TAG_NONE && plain) {
        yaml_scalar_resolve(text, len, &s);
        raw = s.kind != YAML_NULL || (len && !r->patch);
    }
    if (r->blanks && !raw && event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE &&
        tag == TAG_NONE) {
        char *folded CLEANUP(mem_cleanup) = yaml_fold_again(text, len, &len);

        *ret_value = json_stringn_nocheck(folded, len);
        return 0;
    }
    if (raw || tag == TAG_STR || tag == TAG_OTHER || (tag == TAG_NONE && !plain)) {
        *ret_value = json_stringn_nocheck(text, len);
        return 0;
    }
    if (tag == TAG_BINARY) {
        value = binary_value(text, len);
        if (!value)
            return fail_at(r, ERR_INVALID, &event->start_mark, "!!binary isn't valid base64");
        *ret_value = value;
        return 0;
    }
    if (r->config && tag == TAG_NONE && yaml_scalar_is_old_bool(text, len)) {
        *ret_value = json_boolean((*text | 0x20) == 'y' || (text[1] | 0x20) == 'n');
        return 0;
    }
    yaml_scalar_resolve(text, len, &s);
    if (!tag_accepts(tag, &s))
        return fail_at(r, ERR_INVALID, &event->start_mark, "value doesn't fit its tag");
    value = r->blanks && !len && s.kind == YAML_NULL ? yaml_blank() : typed_value(&s, text, len);
    if (!value)
        return fail_at(r, ERR_INVALID, &event->start_mark, "JSON has no such number");
    *ret_value = value;
    return 0;
}

/* --- building --------------------------------------------------------------------------------- */

static struct frame *top(struct reader *r)
{
    return r->depth ? &r->stack[r->depth - 1] : NULL;
}

static bool wants_key(const struct frame *f)
{
    return f && json_is_object(f->container) && !f->key && !f->is_merge;
}

static int take_key(struct reader *r, struct frame *f, yaml_event_t *event)
{
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (plain && event->data.scalar.length == 2 && !event->data.scalar.tag &&
        !memcmp(event->data.scalar.value, "<<", 2)) {
        if (f->merge)
            return fail_at(r, ERR_INVALID, &event->start_mark, "duplicate merge key");
        f->is_merge = true;
        return 0;
    }
    f->key = (char *)event->data.scalar.value; /* the event's string is ours from here on */
    f->key_len = event->data.scalar.length;
    f->key_mark = event->start_mark;
    event->data.scalar.value = NULL;
    return 0;
}

/* The value of "<<" as an array of what is to be merged; takes value over. */
static void keep_merge(struct frame *f, json_t *value)
{
    if (json_is_array(value)) {
        f->merge = value;
    } else {
        f->merge = json_array();
        json_array_append_new(f->merge, value);
    }
    f->is_merge = false;
}

/* Gives value (whose reference is taken over) to the open collection. */
static int attach(struct reader *r, json_t *value)
{
    struct frame *f = top(r);
    size_t before;

    if (!f) {
        if (!json_is_null(value))
            json_array_append(r->documents, value);
        json_decref(value);
        return 0;
    }
    if (f->is_merge) {
        keep_merge(f, value);
        return 0;
    }
    if (json_is_array(f->container)) {
        json_array_append_new(f->container, value);
        return 0;
    }
    before = json_object_size(f->container);
    json_object_setn_new_nocheck(f->container, f->key, f->key_len, value);
    if (json_object_size(f->container) == before && !r->config)
        return err_set(r->err, ERR_INVALID, "%s: line %zu, column %zu: duplicate key \"%s\"",
                       r->name, f->key_mark.line + 1, f->key_mark.column + 1, f->key);
    free(f->key);
    f->key = NULL;
    return 0;
}

static bool key_is(const struct frame *f, const char *name)
{
    return f->key && !strcmp(f->key, name);
}

/* Whether the collection that starts now is metadata.annotations of a document, or of a List's
 * item. kustomize rewrites these as text; for all others the reader decides the type. */
static bool starts_annotations(const struct reader *r)
{
    const struct frame *f = r->stack;

    if (r->depth == 4 && json_is_array(f[1].container) && json_object_get(f->container, "items"))
        f += 2;
    else if (r->depth != 2)
        return false;
    return key_is(&f[1], "annotations") &&
           json_object_get(f[0].container, "metadata") == f[1].container;
}

static int push(struct reader *r, json_t *container, const yaml_char_t *anchor,
                const yaml_mark_t *mark)
{
    bool annotations;
    struct frame *f;
    int rc;

    if (r->depth == YAML_MAX_DEPTH) {
        json_decref(container);
        return fail_at(r, ERR_LIMIT, mark, "nested deeper than is accepted");
    }
    if (wants_key(top(r))) {
        json_decref(container);
        return fail_at(r, ERR_INVALID, mark, "a key must be a scalar");
    }
    annotations = json_is_object(container) && starts_annotations(r);
    add_anchor(r, anchor, container);
    rc = attach(r, container);
    if (rc)
        return rc;
    f = &r->stack[r->depth++];
    memset(f, 0, sizeof(*f));
    f->container = container;
    f->raw_scalars = annotations;
    return 0;
}

/* Members of the "<<" objects that the mapping lacks; the first object that has one wins. */
static int apply_merge(struct reader *r, struct frame *f, const yaml_mark_t *mark)
{
    json_auto_t *merge = f->merge;
    json_t *from, *value;
    const char *key;
    size_t i, len;

    f->merge = NULL;
    json_array_foreach (merge, i, from) {
        if (!json_is_object(from))
            return fail_at(r, ERR_INVALID, mark, "<< needs a mapping or a list of mappings");
        json_object_keylen_foreach(from, key, len, value)
        {
            if (!json_object_getn(f->container, key, len))
                json_object_setn_nocheck(f->container, key, len, value);
        }
    }
    return 0;
}

static int pop(struct reader *r, const yaml_mark_t *mark)
{
    struct frame *f = top(r);
    int rc = f->merge ? apply_merge(r, f, mark) : 0;

    r->depth--;
    return rc;
}

static int on_alias(struct reader *r, const yaml_event_t *event)
{
    struct frame *f = top(r);
    json_t *value = NULL;
    int rc = copy_alias(r, event, &value);

    if (rc)
        return rc;
    if (!wants_key(f))
        return attach(r, value);
    if (!json_is_string(value)) {
        json_decref(value);
        return fail_at(r, ERR_INVALID, &event->start_mark, "a key must be a scalar");
    }
    f->key = mem_strndup(json_string_value(value), json_string_length(value));
    f->key_len = json_string_length(value);
    f->key_mark = event->start_mark;
    json_decref(value);
    return 0;
}

static int on_scalar(struct reader *r, yaml_event_t *event)
{
    struct frame *f = top(r);
    json_t *value = NULL;
    int rc;

    if (wants_key(f) && !event->data.scalar.anchor)
        return take_key(r, f, event);
    rc = scalar_value(r, event, wants_key(f) || (f && f->raw_scalars), &value);
    if (rc)
        return rc;
    add_anchor(r, event->data.scalar.anchor, value);
    if (!wants_key(f))
        return attach(r, value);
    json_decref(value);
    return take_key(r, f, event);
}

static int on_event(struct reader *r, yaml_event_t *event)
{
    int rc;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        rc = count_node(r, &event->start_mark);
        return rc ? rc : on_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
        rc = count_node(r, &event->start_mark);
        return rc ? rc
                  : push(r, json_array(), event->data.sequence_start.anchor, &event->start_mark);
    case YAML_MAPPING_START_EVENT:
        rc = count_node(r, &event->start_mark);
        return rc ? rc
                  : push(r, json_object(), event->data.mapping_start.anchor, &event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return pop(r, &event->start_mark);
    case YAML_DOCUMENT_END_EVENT:
        drop_anchors(r);
        if (json_array_size(r->documents) > YAML_MAX_DOCUMENTS)
            return fail_at(r, ERR_LIMIT, &event->start_mark, "more documents than are accepted");
        return 0;
    default:
        return 0;
    }
}

static int read_stream(struct reader *r)
{
    bool end = false;

    while (!end) {
        yaml_event_t event;
        int rc;

        if (!yaml_parser_parse(&r->parser, &event))
            return fail_syntax(r);
        end = event.type == YAML_STREAM_END_EVENT;
        rc = on_event(r, &event);
        yaml_event_delete(&event);
        if (rc)
            return rc;
    }
    return 0;
}

static void reader_done(struct reader *r)
{
    yaml_parser_delete(&r->parser);
    json_decref(r->anchors);
    for (size_t i = 0; i < r->depth; i++) {
        free(r->stack[i].key);
        json_decref(r->stack[i].merge);
    }
    json_decref(r->documents);
}

enum reading { READ_VALUES, READ_BLANKS, READ_PATCH, READ_CONFIG };

static int parse_all(const char *text, size_t len, const char *name, enum reading reading,
                     json_t **ret_documents, struct err *err)
{
    struct reader r CLEANUP(reader_done);
    int rc;

    memset(&r, 0, offsetof(struct reader, stack));
    r.name = name;
    r.err = err;
    r.blanks = reading == READ_BLANKS || reading == READ_PATCH;
    r.patch = reading == READ_PATCH;
    r.config = reading == READ_CONFIG;
    if (len > YAML_MAX_BYTES)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", name, YAML_MAX_BYTES);
    if (!yaml_parser_initialize(&r.parser))
        bug("out of memory");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    r.documents = json_array();
    rc = read_stream(&r);
    if (rc)
        return rc;
    *ret_documents = json_incref(r.documents);
    return 0;
}

int yaml_parse_all(const char *text, size_t len, const char *name, json_t **ret_documents,
                   struct err *err)
{
    return parse_all(text, len, name, READ_VALUES, ret_documents, err);
}

int yaml_parse_blanks(const char *text, size_t len, const char *name, json_t **ret_documents,
                      struct err *err)
{
    return parse_all(text, len, name, READ_BLANKS, ret_documents, err);
}

int yaml_parse_patch(const char *text, size_t len, const char *name, json_t **ret_documents,
                     struct err *err)
{
    return parse_all(text, len, name, READ_PATCH, ret_documents, err);
}

int yaml_parse_config(const char *text, size_t len, const char *name, json_t **ret_documents,
                      struct err *err)
{
    return parse_all(text, len, name, READ_CONFIG, ret_documents, err);
}

json_t *yaml_blank(void)
{
    static json_t blank = {JSON_NULL, (size_t)-1}; /* a count that jansson never changes */

    return &blank;
}

bool yaml_may_alias(const char *text, size_t len)
{
    return memchr(text, '&', len) && memchr(text, '*', len);
}

void yaml_fill_blanks(json_t *tree)
{
    const char *key;
    json_t *value;
    size_t i, len;

    json_object_keylen_foreach(tree, key, len, value)
    {
        if (value == yaml_blank())
            json_object_setn_new_nocheck(tree, key, len, json_null());
        else if (json_is_object(value) || json_is_array(value))
            yaml_fill_blanks(value);
    }
    json_array_foreach (tree, i, value) {
        if (value == yaml_blank())
            json_array_set_new(tree, i, json_null());
        else if (json_is_object(value) || json_is_array(value))
            yaml_fill_blanks(value);
    }
}

int yaml_parse(const char *text, size_t len, const char *name, json_t **ret_value, struct err *err)
{
    json_auto_t *documents = NULL;
    int rc = yaml_parse_all(text, len, name, &documents, err);

    if (rc)
        return rc;
    if (json_array_size(documents) > 1)
        return err_set(err, ERR_INVALID, "%s: more than one document", name);
    *ret_value =
        json_array_size(documents) ? json_incref(json_array_get(documents, 0)) : json_null();
    return 0;
}
