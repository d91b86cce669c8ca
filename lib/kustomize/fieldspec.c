#include "lib/kustomize/fieldspec.h"

#include "lib/krm/path.h"
#include "lib/kustomize/alias.h"
#include "lib/kustomize/order.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

static const struct shape_field fieldspec_fields[] = {
    {"group", &shape_string}, {"version", &shape_string}, {"kind", &shape_string},
    {"path", &shape_string},  {"create", &shape_bool},    {NULL, NULL},
};
static const struct shape shape_fieldspec = {.type = SHAPE_OBJECT, .fields = fieldspec_fields};
const struct shape shape_fieldspecs = {.type = SHAPE_LIST, .item = &shape_fieldspec};

static struct fieldstep make_step(struct intern *strings, const struct buf *name)
{
    size_t len = name->len;
    struct fieldstep step = {.list = len >= 2 && memcmp(name->data + len - 2, "[]", 2) == 0};

    step.name = intern_n(strings, buf_str(name), step.list ? len - 2 : len);
    return step;
}

const struct fieldpath *fieldpath_parse(struct context *ctx, const char *path)
{
    struct buf name CLEANUP(buf_done) = BUF_INIT;
    struct fieldstep steps[FIELDSPEC_MAX_STEPS];
    struct fieldpath *out;
    const char *problem = NULL;
    size_t n = 0;

    if (strlen(path) > FIELDSPEC_MAX_TEXT) {
        problem = "is too long";
        path = "";
    }
    for (const char *s = path + (*path == '/'); !problem; s++) {
        if (*s && *s != '/') {
            buf_putc(&name, *s);
            continue;
        }
        if (*s == '/' && name.len && name.data[name.len - 1] == '\\') {
            name.data[name.len - 1] = '/';
            continue;
        }
        if (n == FIELDSPEC_MAX_STEPS) {
            problem = "too many steps";
            break;
        }
        steps[n] = make_step(ctx->strings, &name);
        if (!*steps[n++].name)
            problem = "an empty field name";
        if (!*s)
            break;
        buf_clear(&name);
    }
    out = arena_alloc(ctx->arena, sizeof(*out) + n * sizeof(steps[0]));
    out->text = intern(ctx->strings, path);
    out->problem = problem;
    out->nsteps = n;
    memcpy(out->steps, steps, n * sizeof(steps[0]));
    return out;
}

void fieldspec_make(struct context *ctx, const char *group, const char *version, const char *kind,
                    const char *path, bool create, struct fieldspec *out)
{
    out->match.group = intern(ctx->strings, group);
    out->match.version = intern(ctx->strings, version);
    out->match.kind = intern(ctx->strings, kind);
    out->path = fieldpath_parse(ctx, path);
    out->create = create;
    out->order = order_of_kind(kind);
    out->sort_key = order_gvk_key(ctx->strings, &out->match);
}

struct fieldspecs fieldspecs_from_json(struct context *ctx, const json_t *list)
{
    size_t n = json_array_size(list), i;
    struct fieldspec *specs = arena_calloc(ctx->arena, n, sizeof(*specs));
    json_t *item;

    json_array_foreach (list, i, item)
        fieldspec_make(ctx, krm_str(item, "group", NULL), krm_str(item, "version", NULL),
                       krm_str(item, "kind", NULL), krm_str(item, "path", NULL),
                       json_is_true(json_object_get(item, "create")), &specs[i]);
    return (struct fieldspecs){.at = specs, .len = n};
}

void slot_set(struct slot *slot, json_t *value)
{
    if (json_is_object(slot->parent)) {
        alias_set(slot->parent, slot->key, value);
        slot->value = json_object_get(slot->parent, slot->key);
    } else {
        json_array_set_new(slot->parent, slot->index, value);
        slot->value = json_array_get(slot->parent, slot->index);
    }
}

struct walk {
    const struct fieldpath *path;
    bool may_create;
    enum fieldspec_create create;
    slot_fn *visit;
    void *arg;
};

static int walk_slot(const struct walk *w, size_t step, struct slot *slot, struct err *err);

/* Names that the reference reads as an element of a list, and so refuses on a map. */
static bool names_element(const char *name)
{
    size_t n = strlen(name), sign = *name == '-' || *name == '+';

    if (strcmp(name, "*") == 0 || strcmp(name, "-") == 0)
        return true;
    if (n > sign && strspn(name + sign, "0123456789") == n - sign)
        return true;
    return n >= 2 && *name == '[' && name[n - 1] == ']';
}

/* The member that the step names, made or turned from null into what the walk needs; a slot without
 * value ends the walk. */
static void enter_member(const struct walk *w, size_t step, json_t *object, struct slot *out)
{
    bool last = step + 1 == w->path->nsteps, list = w->path->steps[step].list;
    bool creates = w->may_create && w->create != FIELDSPEC_FIND && !list;

    *out = (struct slot){.parent = object, .key = w->path->steps[step].name};
    out->value = json_object_get(object, out->key);
    if (out->value && !json_is_null(out->value))
        return;
    if (list && out->value)
        slot_set(out, json_array());
    else if (creates && (!last || w->create == FIELDSPEC_CREATE_MAP))
        slot_set(out, json_object());
    else if (creates && !out->value)
        slot_set(out, json_null());
}

static int walk_slot(const struct walk *w, size_t step, struct slot *slot, struct err *err)
{
    struct slot next;
    int rc;

    if (step == w->path->nsteps)
        return w->visit(slot, w->arg, err);
    switch (json_typeof(slot->value)) {
    case JSON_NULL:
        return 0;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(slot->value); i++) {
            next = (struct slot){.parent = slot->value, .index = i};
            next.value = json_array_get(slot->value, i);
            if ((rc = walk_slot(w, step, &next, err)))
                return rc;
        }
        return 0;
    case JSON_OBJECT:
        if (names_element(w->path->steps[step].name))
            return err_set(err, ERR_INVALID, "\"%s\" can't be a member of a map",
                           w->path->steps[step].name);
        enter_member(w, step, slot->value, &next);
        return next.value ? walk_slot(w, step + 1, &next, err) : 0;
    default:
        return err_set(err, ERR_INVALID, "expected a map or a list before \"%s\"",
                       w->path->steps[step].name);
    }
}

int fieldspec_walk(json_t *object, const struct fieldspec *spec, enum fieldspec_create create,
                   slot_fn *visit, void *arg, struct err *err)
{
    struct slot root = {.value = object};
    struct walk w = {.path = spec->path,
                     .may_create = spec->create,
                     .create = create,
                     .visit = visit,
                     .arg = arg};
    int rc;

    if (spec->path->problem)
        rc = err_set(err, ERR_INVALID, "%s", spec->path->problem);
    else
        rc = walk_slot(&w, 0, &root, err);
    return rc ? err_wrap(err, "field %s", spec->path->text) : 0;
}
