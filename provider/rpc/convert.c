#include "provider/rpc/convert.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "lib/tf/codec.h"

#include "lib/base/banned.h"

char *convert_text(struct arena *a, const char *s)
{
    size_t len = s ? strlen(s) : 0;
    char *copy CLEANUP(mem_cleanup) = NULL;

    if (!len)
        return (char *)protobuf_c_empty_string;
    if (utf8_valid(s, len))
        return (char *)s;
    copy = utf8_sanitize(s, len);
    return arena_strdup(a, copy);
}

ProtobufCBinaryData convert_bytes(struct arena *a, struct buf *b)
{
    ProtobufCBinaryData ret = {.len = b->len};

    ret.data = (uint8_t *)buf_take(b);
    arena_defer(a, free, ret.data);
    return ret;
}

Tfplugin6__DynamicValue *convert_value(struct arena *a, const struct tf_value *v,
                                       const struct tf_type *t)
{
    Tfplugin6__DynamicValue *d = arena_alloc(a, sizeof(*d));
    struct buf out;

    buf_init(&out, TF_CODEC_MAX_BYTES);
    tf_msgpack_encode(v, t, &out);
    tfplugin6__dynamic_value__init(d);
    d->msgpack = convert_bytes(a, &out);
    return d;
}

int convert_dynamic(struct arena *a, const Tfplugin6__DynamicValue *d, const struct tf_type *t,
                    const struct tf_value **ret_value, struct err *err)
{
    if (d && !d->msgpack.len && d->json.len)
        return tf_json_decode(a, (const char *)d->json.data, d->json.len, t, false, ret_value, err);
    return tf_msgpack_decode(a, d ? d->msgpack.data : NULL, d ? d->msgpack.len : 0, t, ret_value,
                             err);
}

static Tfplugin6__AttributePath__Step *convert_step(struct arena *a, const struct tf_path *p)
{
    Tfplugin6__AttributePath__Step *step = arena_alloc(a, sizeof(*step));

    tfplugin6__attribute_path__step__init(step);
    switch (p->step) {
    case TF_STEP_ATTRIBUTE:
        step->selector_case = TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ATTRIBUTE_NAME;
        step->attribute_name = convert_text(a, p->name);
        break;
    case TF_STEP_KEY:
        step->selector_case = TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ELEMENT_KEY_STRING;
        step->element_key_string = convert_text(a, p->name);
        break;
    case TF_STEP_INDEX:
        step->selector_case = TFPLUGIN6__ATTRIBUTE_PATH__STEP__SELECTOR_ELEMENT_KEY_INT;
        step->element_key_int = p->index;
        break;
    }
    return step;
}

Tfplugin6__AttributePath *convert_path(struct arena *a, const struct tf_path *p)
{
    size_t n = tf_path_depth(p);
    Tfplugin6__AttributePath *path;

    if (!n)
        return NULL;
    path = arena_alloc(a, sizeof(*path));
    tfplugin6__attribute_path__init(path);
    path->n_steps = n;
    path->steps = arena_calloc(a, n, sizeof(*path->steps));
    for (; p; p = p->parent) /* from the last step to the first */
        path->steps[--n] = convert_step(a, p);
    return path;
}

static Tfplugin6__Diagnostic *convert_diag(struct arena *a, const struct tf_diag *d)
{
    Tfplugin6__Diagnostic *w = arena_alloc(a, sizeof(*w));

    tfplugin6__diagnostic__init(w);
    /* A severity that isn't one of these counts as nothing in Terraform: the run would succeed. */
    w->severity = d->severity == TF_WARNING ? TFPLUGIN6__DIAGNOSTIC__SEVERITY__WARNING
                                            : TFPLUGIN6__DIAGNOSTIC__SEVERITY__ERROR;
    w->summary = convert_text(a, d->summary);
    w->detail = convert_text(a, d->detail);
    w->attribute = convert_path(a, d->path);
    return w;
}

size_t convert_diags(struct arena *a, const struct tf_diags *d, Tfplugin6__Diagnostic ***ret_list)
{
    Tfplugin6__Diagnostic **list = arena_calloc(a, d->len, sizeof(Tfplugin6__Diagnostic *));

    for (size_t i = 0; i < d->len; i++)
        list[i] = convert_diag(a, &d->at[i]);
    *ret_list = list;
    return d->len;
}
