/* A builder collects raw entries: files, and links that aren't followed yet. Building sorts them by
 * path, so that an entry is found by bisection and a directory is a range, takes the common root
 * off, and then follows every link to files. A path is resolved as the kernel does it, element by
 * element, with ".." taken only after everything before it is free of links.
 *
 * Links to directories are expanded into copies of names (contents are shared). What that may add is
 * bounded by FILETREE_MAX_ENTRIES, and a link chain by FILETREE_MAX_LINKS, so that links which lead
 * back into themselves end in an error. */
#include "lib/base/filetree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/utf8.h"
#include "lib/base/vec.h"

#include "lib/base/banned.h"

#define READ_SIZE ((size_t)64 << 10)

struct raw {
    const char *path;
    const char *data;   /* of a file */
    const char *target; /* of a link, relative to its directory; of a hard link, to the root */
    size_t len;
    bool hard;
};

struct filetree_builder {
    struct arena *arena;
    VEC(struct raw) raws;
    VEC(struct filetree_file) files; /* being built */
    size_t bytes;
    size_t named; /* bytes of names that links have given */
};

/* --- paths -------------------------------------------------------------------------------------- */

/* Appends path's elements to out, leaving out "" and "."; ".." takes one away. false when that
 * leaves the tree. */
static bool join(struct buf *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");

        if (n == 2 && path[0] == '.' && path[1] == '.') {
            const char *slash = out->len ? strrchr(out->data, '/') : NULL;

            if (!out->len)
                return false;
            out->len = slash ? (size_t)(slash - out->data) : 0;
            out->data[out->len] = '\0';
        } else if (n && !(n == 1 && *path == '.')) {
            if (out->len)
                buf_putc(out, '/');
            buf_putn(out, path, n);
        }
        path += n + (path[n] == '/');
    }
    return true;
}

static bool has_element(const char *path, const char *element)
{
    size_t len = strlen(element), n;

    for (; *path; path += n + (path[n] == '/')) {
        n = strcspn(path, "/");
        if (n == len && !memcmp(path, element, n))
            return true;
    }
    return false;
}

static size_t depth_of(const char *path)
{
    size_t depth = 1;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* A path as it stands in an entry, made clean. "" is the root itself. */
static int clean(struct filetree_builder *b, const char *path, const char **ret, struct err *err)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    size_t len = strlen(path);

    if (len > FILETREE_MAX_PATH || depth_of(path) > FILETREE_MAX_DEPTH)
        return err_set(err, ERR_LIMIT, "path of more than %d bytes or %d elements",
                       FILETREE_MAX_PATH, FILETREE_MAX_DEPTH);
    if (!utf8_valid(path, len))
        return err_set(err, ERR_INVALID, "path isn't UTF-8");
    if (*path == '/')
        return err_set(err, ERR_INVALID, "absolute path");
    if (has_element(path, "..") || !join(&out, path))
        return err_set(err, ERR_INVALID, "path with \"..\"");
    *ret = arena_strndup(b->arena, buf_str(&out), out.len);
    return 0;
}

/* --- collecting --------------------------------------------------------------------------------- */

struct filetree_builder *filetree_builder_new(void)
{
    struct filetree_builder *b = mem_calloc(1, sizeof(*b));

    b->arena = arena_new();
    return b;
}

void filetree_builder_free(struct filetree_builder *b)
{
    if (!b)
        return;
    arena_free(b->arena);
    vec_done(&b->raws);
    vec_done(&b->files);
    free(b);
}

/* Adds an entry whose path is cleaned here; *path is "" for what is left out. */
static int add_raw(struct filetree_builder *b, const char *path, struct raw *raw, struct err *err)
{
    int rc;

    raw->path = "";
    rc = clean(b, path, &raw->path, err);
    if (rc)
        return rc;
    if (!*raw->path || has_element(raw->path, ".git"))
        return 0;
    if (b->raws.len >= FILETREE_MAX_ENTRIES)
        return err_set(err, ERR_LIMIT, "more than %d files", FILETREE_MAX_ENTRIES);
    vec_push(&b->raws, *raw);
    return 0;
}

int filetree_add_file(struct filetree_builder *b, const char *path, const void *data, size_t len,
                      struct err *err)
{
    struct raw raw = {.len = len};
    char *copy;

    if (len > FILETREE_MAX_FILE)
        return err_set(err, ERR_LIMIT, "larger than %zu bytes", FILETREE_MAX_FILE);
    if (len > FILETREE_MAX_BYTES - b->bytes)
        return err_set(err, ERR_LIMIT, "more than %zu bytes in all", FILETREE_MAX_BYTES);
    b->bytes += len;
    copy = arena_alloc(b->arena, len + 1);
    if (len)
        memcpy(copy, data, len);
    raw.data = copy;
    return add_raw(b, path, &raw, err);
}

int filetree_add_link(struct filetree_builder *b, const char *path, const char *target,
                      struct err *err)
{
    struct raw raw = {.target = arena_strdup(b->arena, target)};

    if (*target == '/')
        return err_set(err, ERR_INVALID, "link to an absolute path");
    if (strlen(target) > FILETREE_MAX_PATH)
        return err_set(err, ERR_LIMIT, "link to a path of more than %d bytes", FILETREE_MAX_PATH);
    return add_raw(b, path, &raw, err);
}

int filetree_add_hardlink(struct filetree_builder *b, const char *path, const char *target,
                          struct err *err)
{
    struct raw raw = {.hard = true};
    int rc = clean(b, target, &raw.target, err);

    return rc ? rc : add_raw(b, path, &raw, err);
}

/* --- looking up --------------------------------------------------------------------------------- */

static int raw_cmp(const void *a, const void *b)
{
    return strcmp(((const struct raw *)a)->path, ((const struct raw *)b)->path);
}

/* The first raw entry that isn't before path. */
static size_t lower_bound(const struct filetree_builder *b, const char *path)
{
    size_t low = 0, high = b->raws.len;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(b->raws.at[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const struct raw *find_raw(const struct filetree_builder *b, const char *path)
{
    size_t i = lower_bound(b, path);

    return i < b->raws.len && !strcmp(b->raws.at[i].path, path) ? &b->raws.at[i] : NULL;
}

/* --- the common root ---------------------------------------------------------------------------- */

static void strip(struct filetree_builder *b)
{
    const char *first = b->raws.len ? b->raws.at[0].path : "";
    size_t n = strcspn(first, "/");

    for (size_t i = 0; i < b->raws.len; i++) {
        const struct raw *r = &b->raws.at[i];

        if (strncmp(r->path, first, n) != 0 || r->path[n] != '/' ||
            (r->hard && (strncmp(r->target, first, n) != 0 || r->target[n] != '/')))
            return;
    }
    for (size_t i = 0; i < b->raws.len; i++) {
        b->raws.at[i].path += n + 1;
        if (b->raws.at[i].hard)
            b->raws.at[i].target += n + 1;
    }
}

/* --- following links ---------------------------------------------------------------------------- */

/* Where a link leads from its directory; out holds the directory. */
static bool follow(struct buf *out, const struct raw *link)
{
    const char *slash = strrchr(link->path, '/');

    buf_clear(out);
    if (!link->hard && slash)
        buf_putn(out, link->path, (size_t)(slash - link->path));
    return join(out, link->target);
}

/* Follows all links on the way to path: *ret is free of them. */
static int resolve(struct filetree_builder *b, const char *path, const char **ret, struct err *err)
{
    struct buf done CLEANUP(buf_done) = BUF_INIT, rest CLEANUP(buf_done) = BUF_INIT;
    struct buf next CLEANUP(buf_done) = BUF_INIT;
    int links = FILETREE_MAX_LINKS;

    buf_puts(&rest, path);
    while (rest.len) {
        size_t n = strcspn(rest.data, "/");
        const struct raw *raw;

        if (done.len)
            buf_putc(&done, '/');
        buf_putn(&done, rest.data, n);
        raw = find_raw(b, done.data);
        buf_clear(&next);
        if (raw && raw->target) {
            if (!links--)
                return err_set(err, ERR_INVALID, "%s: link that leads back to itself", path);
            if (!follow(&next, raw))
                return err_set(err, ERR_INVALID, "%s: link that leaves the tree", raw->path);
            buf_clear(&done);
        }
        if (rest.data[n]) {
            if (next.len)
                buf_putc(&next, '/');
            buf_puts(&next, rest.data + n + 1);
        }
        buf_clear(&rest);
        buf_putn(&rest, buf_str(&next), next.len);
    }
    *ret = arena_strndup(b->arena, buf_str(&done), done.len);
    return 0;
}

static int push(struct filetree_builder *b, const char *path, const struct raw *raw,
                struct err *err)
{
    struct filetree_file f = {path, raw->data, raw->len};

    if (b->files.len >= FILETREE_MAX_ENTRIES)
        return err_set(err, ERR_LIMIT, "more than %d files, links followed", FILETREE_MAX_ENTRIES);
    if (strlen(path) > FILETREE_MAX_PATH)
        return err_set(err, ERR_LIMIT, "link that makes paths of more than %d bytes",
                       FILETREE_MAX_PATH);
    vec_push(&b->files, f);
    return 0;
}

/* "<dir>/<name>", within the limits. */
static int name_below(struct filetree_builder *b, const char *dir, const char *name,
                      const char **ret, struct err *err)
{
    size_t len = strlen(dir) + 1 + strlen(name);

    if (len > FILETREE_MAX_PATH)
        return err_set(err, ERR_LIMIT, "link that makes paths of more than %d bytes",
                       FILETREE_MAX_PATH);
    if (len > FILETREE_MAX_NAMES - b->named)
        return err_set(err, ERR_LIMIT, "links that make names of more than %zu bytes in all",
                       FILETREE_MAX_NAMES);
    b->named += len;
    *ret = arena_printf(b->arena, "%s/%s", dir, name);
    return 0;
}

/* What the link at real path `link` leads to, under the name `as`. `steps` bounds the work that adds
 * no file. */
static int expand(struct filetree_builder *b, const char *link, const char *as, int depth,
                  int *steps, struct err *err)
{
    const char *real = "", *below = "";
    const struct raw *raw;
    bool found = false;
    size_t n;
    int rc;

    if (depth > FILETREE_MAX_LINKS)
        return err_set(err, ERR_INVALID, "%s: link that leads back to itself", link);
    if (!(*steps)--)
        return err_set(err, ERR_LIMIT, "%s: more links to follow than are accepted", link);
    rc = resolve(b, link, &real, err);
    if (rc)
        return rc;
    raw = find_raw(b, real);
    if (raw)
        return push(b, as, raw, err);
    if (*real && (rc = name_below(b, real, "", &below, err)))
        return rc;
    n = strlen(below);
    for (size_t i = lower_bound(b, below);
         i < b->raws.len && !rc && !strncmp(b->raws.at[i].path, below, n); i++) {
        const char *name;

        found = true;
        raw = &b->raws.at[i];
        if ((rc = name_below(b, as, raw->path + n, &name, err)))
            return rc;
        rc = raw->target ? expand(b, raw->path, name, depth + 1, steps, err)
                         : push(b, name, raw, err);
    }
    if (!found && find_raw(b, link)->hard)
        return err_set(err, ERR_INVALID, "%s: second name of a file that isn't there", link);
    return rc;
}

/* --- building ----------------------------------------------------------------------------------- */

static int file_cmp(const void *a, const void *b)
{
    return strcmp(((const struct filetree_file *)a)->path, ((const struct filetree_file *)b)->path);
}

static int check_names(const struct filetree *t, struct err *err)
{
    for (size_t i = 0; i < t->len; i++) {
        if (i && !strcmp(t->at[i].path, t->at[i - 1].path))
            return err_set(err, ERR_INVALID, "%s: occurs twice", t->at[i].path);
        if (filetree_is_dir(t, t->at[i].path))
            return err_set(err, ERR_INVALID, "%s: is a file and a directory", t->at[i].path);
    }
    return 0;
}

static int check_raw_names(const struct filetree_builder *b, struct err *err)
{
    for (size_t i = 1; i < b->raws.len; i++) {
        if (!strcmp(b->raws.at[i].path, b->raws.at[i - 1].path))
            return err_set(err, ERR_INVALID, "%s: occurs twice", b->raws.at[i].path);
    }
    return 0;
}

static int collect(struct filetree_builder *b, struct err *err)
{
    int steps = FILETREE_MAX_ENTRIES, rc = check_raw_names(b, err);

    for (size_t i = 0; i < b->raws.len && !rc; i++) {
        const struct raw *r = &b->raws.at[i];

        rc = r->target ? expand(b, r->path, r->path, 0, &steps, err) : push(b, r->path, r, err);
    }
    return rc;
}

int filetree_build(struct filetree_builder *b, bool strip_root, struct filetree *ret,
                   struct err *err)
{
    struct filetree t = FILETREE_INIT;
    int rc;

    if (b->raws.len)
        qsort(b->raws.at, b->raws.len, sizeof(b->raws.at[0]), raw_cmp);
    if (strip_root)
        strip(b);
    rc = collect(b, err);
    t.arena = b->arena;
    t.len = b->files.len;
    t.at = arena_calloc(t.arena, t.len + 1, sizeof(*t.at));
    if (t.len) {
        memcpy(t.at, b->files.at, t.len * sizeof(*t.at));
        qsort(t.at, t.len, sizeof(*t.at), file_cmp);
    }
    if (!rc)
        rc = check_names(&t, err);
    b->arena = arena_new();
    b->raws.len = b->files.len = b->bytes = 0;
    if (rc)
        filetree_done(&t);
    else
        *ret = t;
    return rc;
}

/* --- directories -------------------------------------------------------------------------------- */

DEFINE_CLEANUP(dir_cleanup, DIR *, closedir)

static void fd_cleanup(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* The functions for one entry name no path in their errors: read_entry does. */
static int read_file(struct filetree_builder *b, int dir, const char *name, const char *path,
                     struct err *err)
{
    int fd CLEANUP(fd_cleanup) = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    char piece[READ_SIZE];
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return err_errno(err, ERR_FAIL, "can't be opened");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "a device, pipe or socket");
    content.max = FILETREE_MAX_FILE;
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_FAIL, "can't be read");
        if (n == 0)
            break;
        if (buf_add(&content, piece, (size_t)n))
            return err_set(err, ERR_LIMIT, "larger than %zu bytes", FILETREE_MAX_FILE);
    }
    return filetree_add_file(b, path, buf_str(&content), content.len, err);
}

static int read_link(struct filetree_builder *b, int dir, const char *name, const char *path,
                     struct err *err)
{
    char target[FILETREE_MAX_PATH + 1];
    ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

    if (n < 0)
        return err_errno(err, ERR_FAIL, "can't be read");
    target[n] = '\0';
    return filetree_add_link(b, path, target, err);
}

/* Takes fd. */
static int read_dir(struct filetree_builder *b, int fd, const char *path, int depth,
                    struct err *err);

static int read_entry(struct filetree_builder *b, int dir, const char *name, const char *path,
                      int depth, struct err *err)
{
    char *shown CLEANUP(mem_cleanup) = NULL;
    struct stat st;
    int rc, fd;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
        rc = err_errno(err, ERR_FAIL, "can't be looked at");
    } else if (S_ISLNK(st.st_mode)) {
        rc = read_link(b, dir, name, path, err);
    } else if (!S_ISDIR(st.st_mode)) {
        rc = read_file(b, dir, name, path, err);
    } else if (depth >= FILETREE_MAX_DEPTH) {
        rc = err_set(err, ERR_LIMIT, "more than %d directories deep", FILETREE_MAX_DEPTH);
    } else {
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0)
            return read_dir(b, fd, path, depth + 1, err);
        rc = err_errno(err, ERR_FAIL, "can't be opened");
    }
    if (rc) {
        shown = utf8_sanitize(path, strlen(path));
        err_wrap(err, "%s", shown);
    }
    return rc;
}

static int read_dir(struct filetree_builder *b, int fd, const char *path, int depth,
                    struct err *err)
{
    DIR *dir CLEANUP(dir_cleanup) = fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (!dir) {
        rc = err_errno(err, ERR_FAIL, "reading the directory");
        close(fd);
        return rc;
    }
    while (!rc && (errno = 0, e = readdir(dir))) {
        char *below CLEANUP(mem_cleanup) = NULL;

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, ".git"))
            continue;
        below = *path ? mem_printf("%s/%s", path, e->d_name) : mem_strdup(e->d_name);
        rc = read_entry(b, fd, e->d_name, below, depth, err);
    }
    if (!rc && errno)
        rc = err_errno(err, ERR_FAIL, "reading the directory");
    return rc;
}

int filetree_read_dir(const char *dir, struct filetree *ret, struct err *err)
{
    struct filetree_builder *b CLEANUP(filetree_builder_cleanup) = filetree_builder_new();
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return err_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_FAIL, "%s",
                         dir);
    rc = read_dir(b, fd, "", 0, err);
    if (!rc)
        rc = filetree_build(b, false, ret, err);
    if (rc)
        err_wrap(err, "%s", dir);
    return rc;
}

/* --- using -------------------------------------------------------------------------------------- */

void filetree_done(struct filetree *t)
{
    arena_free(t->arena);
    memset(t, 0, sizeof(*t));
}

const struct filetree_file *filetree_find(const struct filetree *t, const char *path)
{
    struct filetree_file key = {path, NULL, 0};

    return t->len ? bsearch(&key, t->at, t->len, sizeof(key), file_cmp) : NULL;
}

/* Compares a path with "<dir>/": 0 when it is below. */
static int cmp_below(const char *path, const char *dir, size_t n)
{
    int c = strncmp(path, dir, n);

    return c ? c : (unsigned char)path[n] - '/';
}

bool filetree_is_dir(const struct filetree *t, const char *path)
{
    size_t low = 0, high = t->len, n = strlen(path);

    if (!n)
        return t->len > 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = cmp_below(t->at[mid].path, path, n);

        if (!c)
            return true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

void filetree_digest(const struct filetree *t, char out[FILETREE_DIGEST_SIZE])
{
    struct hash *h CLEANUP(hash_cleanup) = hash_new();
    uint8_t sum[HASH_SIZE];
    char hex[HASH_HEX_SIZE];

    for (size_t i = 0; i < t->len; i++) {
        const struct filetree_file *f = &t->at[i];
        char length[32];

        snprintf(length, sizeof(length), "%zu", f->len);
        hash_add(h, f->path, strlen(f->path) + 1);
        hash_add(h, length, strlen(length) + 1);
        hash_add(h, f->data, f->len);
    }
    hash_end(h, sum);
    hash_hex(sum, hex);
    snprintf(out, FILETREE_DIGEST_SIZE, "sha256:%s", hex);
}
