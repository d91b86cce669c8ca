#include "provider/rpc/convert.h"

#include "lib/base/banned.h"

static ProtobufCBinaryData convert_type(struct arena *a, const struct tf_type *t)
{
    struct buf json = BUF_INIT;

    tf_type_to_json(t, &json);
    return convert_bytes(a, &json);
}

static Tfplugin6__Schema__Attribute *convert_attribute(struct arena *a,
                                                       const struct tf_attribute *at);

static Tfplugin6__Schema__Attribute **convert_attributes(struct arena *a,
                                                         const struct tf_attribute *list,
                                                         size_t *ret_n)
{
    Tfplugin6__Schema__Attribute **out;
    size_t n = 0;

    while (list && list[n].name)
        n++;
    out = arena_calloc(a, n, sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = convert_attribute(a, &list[i]);
    *ret_n = n;
    return out;
}

/* The nesting modes have the numbers of the wire, in nested attributes and in blocks. */
_Static_assert((int)TF_NEST_SINGLE == TFPLUGIN6__SCHEMA__OBJECT__NESTING_MODE__SINGLE &&
                   (int)TF_NEST_MAP == TFPLUGIN6__SCHEMA__OBJECT__NESTING_MODE__MAP &&
                   (int)TF_NEST_SINGLE == TFPLUGIN6__SCHEMA__NESTED_BLOCK__NESTING_MODE__SINGLE &&
                   (int)TF_NEST_GROUP == TFPLUGIN6__SCHEMA__NESTED_BLOCK__NESTING_MODE__GROUP,
               "enum tf_nesting has the numbers of the protocol");

static Tfplugin6__Schema__Attribute *convert_attribute(struct arena *a,
                                                       const struct tf_attribute *at)
{
    Tfplugin6__Schema__Attribute *w = arena_alloc(a, sizeof(*w));
    Tfplugin6__Schema__Object *object;

    tfplugin6__schema__attribute__init(w);
    w->name = convert_text(a, at->name);
    w->description = convert_text(a, at->description);
    w->description_kind = TFPLUGIN6__STRING_KIND__MARKDOWN;
    w->required = at->flags & TF_REQUIRED;
    /* A default is a value that the provider computes when there's none in the configuration. */
    w->optional = (at->flags & TF_OPTIONAL) || at->default_json;
    w->computed = (at->flags & TF_COMPUTED) || at->default_json;
    w->sensitive = at->flags & TF_SENSITIVE;
    w->write_only = at->flags & TF_WRITE_ONLY;
    w->deprecated = at->deprecated != NULL;
    if (!at->nested) {
        w->type = convert_type(a, at->type);
        return w;
    }
    object = arena_alloc(a, sizeof(*object));
    tfplugin6__schema__object__init(object);
    object->nesting = (Tfplugin6__Schema__Object__NestingMode)at->nesting;
    object->attributes = convert_attributes(a, at->nested, &object->n_attributes);
    w->nested_type = object;
    return w;
}

static Tfplugin6__Schema__Block *convert_block(struct arena *a, const struct tf_block *b,
                                               int64_t version);

static Tfplugin6__Schema__NestedBlock *convert_nested_block(struct arena *a,
                                                            const struct tf_block *b)
{
    Tfplugin6__Schema__NestedBlock *w = arena_alloc(a, sizeof(*w));

    tfplugin6__schema__nested_block__init(w);
    w->type_name = convert_text(a, b->name);
    w->nesting = (Tfplugin6__Schema__NestedBlock__NestingMode)b->nesting;
    w->min_items = b->min_items;
    w->max_items = b->max_items;
    w->block = convert_block(a, b, 0);
    return w;
}

static Tfplugin6__Schema__Block *convert_block(struct arena *a, const struct tf_block *b,
                                               int64_t version)
{
    Tfplugin6__Schema__Block *w = arena_alloc(a, sizeof(*w));
    size_t n = 0;

    tfplugin6__schema__block__init(w);
    w->version = version;
    w->description = convert_text(a, b->description);
    w->description_kind = TFPLUGIN6__STRING_KIND__MARKDOWN;
    w->deprecated = b->deprecated != NULL;
    w->attributes = convert_attributes(a, b->attributes, &w->n_attributes);
    while (b->blocks && b->blocks[n].name)
        n++;
    w->block_types = arena_calloc(a, n, sizeof(*w->block_types));
    for (size_t i = 0; i < n; i++)
        w->block_types[i] = convert_nested_block(a, &b->blocks[i]);
    w->n_block_types = n;
    return w;
}

Tfplugin6__Schema *convert_schema(struct arena *a, const struct tf_schema *s)
{
    static const struct tf_schema none = {.version = 0};
    Tfplugin6__Schema *w = arena_alloc(a, sizeof(*w));

    if (!s)
        s = &none;
    tfplugin6__schema__init(w);
    w->version = s->version;
    w->block = convert_block(a, &s->block, s->version);
    return w;
}

static Tfplugin6__Function__Parameter *convert_parameter(struct arena *a,
                                                         const struct tf_parameter *p)
{
    Tfplugin6__Function__Parameter *w = arena_alloc(a, sizeof(*w));

    tfplugin6__function__parameter__init(w);
    w->name = convert_text(a, p->name);
    w->type = convert_type(a, p->type);
    w->allow_null_value = p->allow_null;
    w->description = convert_text(a, p->description);
    w->description_kind = TFPLUGIN6__STRING_KIND__MARKDOWN;
    return w;
}

Tfplugin6__Function *convert_function(struct arena *a, const struct tf_function *f)
{
    Tfplugin6__Function *w = arena_alloc(a, sizeof(*w));
    size_t n = 0;

    tfplugin6__function__init(w);
    while (f->parameters && f->parameters[n].name)
        n++;
    w->parameters = arena_calloc(a, n, sizeof(*w->parameters));
    for (size_t i = 0; i < n; i++)
        w->parameters[i] = convert_parameter(a, &f->parameters[i]);
    w->n_parameters = n;
    if (f->variadic)
        w->variadic_parameter = convert_parameter(a, f->variadic);
    w->return_ = arena_alloc(a, sizeof(*w->return_));
    tfplugin6__function__return__init(w->return_);
    w->return_->type = convert_type(a, f->result);
    w->summary = convert_text(a, f->summary);
    w->description = convert_text(a, f->description);
    w->description_kind = TFPLUGIN6__STRING_KIND__MARKDOWN;
    return w;
}
