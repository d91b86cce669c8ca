#include "resources/kubeflow/tree_loader.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

struct tree_loader {
    struct loader base;
    struct filetree tree;
};

static enum loader_kind tree_stat(struct loader *l, const char *path)
{
    const struct filetree *t = &((struct tree_loader *)l)->tree;

    if (filetree_find(t, path))
        return LOADER_FILE;
    return !*path || !strcmp(path, ".") || filetree_is_dir(t, path) ? LOADER_DIR : LOADER_NONE;
}

static int tree_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                     struct err *err)
{
    const struct filetree_file *f = filetree_find(&((struct tree_loader *)l)->tree, path);

    if (!f)
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
    *ret_data = f->data;
    *ret_len = f->len;
    return 0;
}

static void tree_free(struct loader *l)
{
    filetree_done(&((struct tree_loader *)l)->tree);
    free(l);
}

struct loader *tree_loader_new(struct filetree *tree)
{
    static const struct loader_ops ops = {.stat = tree_stat, .read = tree_read, .free = tree_free};
    struct tree_loader *l = mem_calloc(1, sizeof(*l));

    l->base.ops = &ops;
    l->tree = *tree;
    memset(tree, 0, sizeof(*tree));
    return &l->base;
}
