/* The tree is followed by this thread, which also gets the bytes (loaders keep them); the files are
 * then parsed by all, the longest first, so that no thread is left alone with one at the end. */
#include "lib/kustomize/ahead.h"

#include "lib/base/parallel.h"
#include "lib/base/vec.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/kustomization.h"

#include "lib/base/banned.h"

struct file {
    char *path;
    const char *text; /* the loader's */
    size_t len;
    json_t *documents; /* NULL: has a fault, or was taken */
};

struct ahead {
    const struct kustomize_options *options;
    VEC(struct file) files;
    size_t bytes;
    json_t *seen; /* path -> index in files once they are sorted; of directories null */
};

/* Fields that hold paths of files and directories of resources. */
static const char *const fields[] = {"resources", "bases", "components"};

static void follow(struct ahead *a, const char *dir, int depth);

static void add_file(struct ahead *a, const char *path)
{
    struct file f = {.path = NULL};

    if (a->files.len == AHEAD_MAX_FILES ||
        loader_read(a->options->loader, path, &f.text, &f.len, NULL) ||
        f.len > AHEAD_MAX_BYTES - a->bytes || yaml_may_alias(f.text, f.len))
        return;
    f.path = mem_strdup(path);
    a->bytes += f.len;
    vec_push(&a->files, f);
}

static void add(struct ahead *a, const char *dir, const char *reference, int depth)
{
    char *path CLEANUP(mem_cleanup) = loader_join(dir, reference);

    if (!path || json_object_get(a->seen, path))
        return;
    json_object_set_new(a->seen, path, json_null());
    switch (loader_stat(a->options->loader, path)) {
    case LOADER_FILE:
        add_file(a, path);
        break;
    case LOADER_DIR:
        follow(a, path, depth + 1);
        break;
    case LOADER_NONE:
        break;
    }
}

/* The kustomization as it is written: what is wrong in it will be found when it is opened. */
static json_t *read_kustomization(const struct ahead *a, const char *dir)
{
    struct loader *loader = a->options->loader;
    char *path CLEANUP(mem_cleanup) = NULL;
    const char *name, *text;
    json_t *documents = NULL;
    size_t len;

    if (kustomization_find(loader, dir, &name, NULL))
        return NULL;
    path = loader_join(dir, name);
    if (loader_read(loader, path, &text, &len, NULL) ||
        yaml_parse_config(text, len, path, &documents, NULL))
        return NULL;
    return documents;
}

static void follow(struct ahead *a, const char *dir, int depth)
{
    json_auto_t *documents = depth < KUSTOMIZE_MAX_DEPTH ? read_kustomization(a, dir) : NULL;
    json_t *reference;
    size_t j;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        json_array_foreach (json_object_get(json_array_get(documents, 0), fields[i]), j, reference)
            if (json_string_length(reference))
                add(a, dir, json_string_value(reference), depth);
}

static int longer_first(const void *x, const void *y)
{
    const struct file *a = x, *b = y;

    return (a->len < b->len) - (a->len > b->len);
}

static void parse(void *arg, size_t i)
{
    struct ahead *a = arg;
    struct file *f = &a->files.at[i];

    if (parsed_read(a->options->parsed, f->text, f->len, f->path, &f->documents, NULL))
        f->documents = NULL;
}

struct ahead *ahead_read(const struct kustomize_options *options)
{
    struct ahead *a = mem_calloc(1, sizeof(*a));

    a->options = options;
    a->seen = json_object();
    add(a, "", options->path, 0);
    if (a->files.len)
        qsort(a->files.at, a->files.len, sizeof(*a->files.at), longer_first);
    for (size_t i = 0; i < a->files.len; i++)
        json_object_set_new(a->seen, a->files.at[i].path, json_integer((json_int_t)i));
    parallel_for(a->files.len, parse, a);
    return a;
}

void ahead_free(struct ahead *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->files.len; i++) {
        free(a->files.at[i].path);
        json_decref(a->files.at[i].documents);
    }
    vec_done(&a->files);
    json_decref(a->seen);
    free(a);
}

json_t *ahead_take(struct ahead *a, const char *path)
{
    const json_t *index = json_object_get(a->seen, path);
    json_t *documents;
    struct file *f;

    if (!json_is_integer(index))
        return NULL;
    f = &a->files.at[json_integer_value(index)];
    documents = f->documents;
    f->documents = NULL;
    return documents;
}
