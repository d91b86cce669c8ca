/* Any bytes as an archive: what unpacks must be a proper tree, and the same each time. */
#include <string.h>

#include "lib/base/archive.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static void check_path(const char *path)
{
    if (!*path || *path == '/' || path[strlen(path) - 1] == '/' || strstr(path, "//"))
        bug("path isn't clean: %s", path);
    if (!strcmp(path, "..") || !strncmp(path, "../", 3) || strstr(path, "/../"))
        bug("path leaves the tree: %s", path);
    if (!utf8_valid(path, strlen(path)))
        bug("path isn't UTF-8");
}

static void check_tree(const struct filetree *t)
{
    for (size_t i = 0; i < t->len; i++) {
        check_path(t->at[i].path);
        if (i && strcmp(t->at[i - 1].path, t->at[i].path) >= 0)
            bug("files out of order: %s", t->at[i].path);
        if (filetree_find(t, t->at[i].path) != &t->at[i] || filetree_is_dir(t, t->at[i].path))
            bug("file can't be found: %s", t->at[i].path);
        if (t->at[i].data[t->at[i].len])
            bug("content without its NUL: %s", t->at[i].path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char digests[2][FILETREE_DIGEST_SIZE];

    for (int i = 0; i < 2; i++) {
        struct filetree t = FILETREE_INIT;

        if (archive_unpack(data, size, "input", true, &t, NULL))
            return 0;
        check_tree(&t);
        filetree_digest(&t, digests[i]);
        filetree_done(&t);
    }
    if (strcmp(digests[0], digests[1]) != 0)
        bug("one archive, two digests");
    return 0;
}
