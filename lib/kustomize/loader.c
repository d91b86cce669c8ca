/* Loaders: a directory on disk, a tree in memory, one laid over another.
 *
 * Both keep their files in a table by path. The directory's table is a cache that fills while it is
 * read, behind a mutex, because loaders are shared between renders and hand out borrowed bytes. */
#include "lib/kustomize/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define LOADER_MAX_FILE ((size_t)64 << 20)
#define TABLE_FIRST     256 /* buckets, a power of two */

struct file {
    struct file *next;
    char *path;
    enum loader_kind kind;
    char *data; /* NULL: a directory */
    size_t len;
};

struct table {
    struct file **buckets;
    size_t nbuckets, used;
};

static size_t hash_path(const char *s)
{
    uint64_t hash = 14695981039346656037ULL;

    for (; *s; s++)
        hash = (hash ^ (unsigned char)*s) * 1099511628211ULL;
    return (size_t)hash;
}

static struct file *table_find(const struct table *t, const char *path)
{
    struct file *f = t->nbuckets ? t->buckets[hash_path(path) & (t->nbuckets - 1)] : NULL;

    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    return f;
}

static void table_grow(struct table *t)
{
    size_t n = t->nbuckets ? 2 * t->nbuckets : TABLE_FIRST;
    struct file **buckets = mem_calloc(n, sizeof(struct file *));

    for (size_t i = 0; i < t->nbuckets; i++) {
        struct file *f = t->buckets[i], *next;

        for (; f; f = next) {
            size_t at = hash_path(f->path) & (n - 1);

            next = f->next;
            f->next = buckets[at];
            buckets[at] = f;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->nbuckets = n;
}

static struct file *table_insert(struct table *t, const char *path, enum loader_kind kind)
{
    struct file *f = mem_calloc(1, sizeof(*f));
    size_t at;

    if (t->used >= t->nbuckets)
        table_grow(t);
    at = hash_path(path) & (t->nbuckets - 1);
    f->path = mem_strdup(path);
    f->kind = kind;
    f->next = t->buckets[at];
    t->buckets[at] = f;
    t->used++;
    return f;
}

static void table_done(struct table *t)
{
    for (size_t i = 0; i < t->nbuckets; i++) {
        struct file *f = t->buckets[i], *next;

        for (; f; f = next) {
            next = f->next;
            free(f->path);
            free(f->data);
            free(f);
        }
    }
    free(t->buckets);
}

static bool is_root(const char *path)
{
    return !*path || strcmp(path, ".") == 0;
}

enum loader_kind loader_stat(struct loader *l, const char *path)
{
    return l->ops->stat(l, path);
}

int loader_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                struct err *err)
{
    return l->ops->read(l, path, ret_data, ret_len, err);
}

static bool written_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return !n || (strncmp(path, dir, n) == 0 && (dir[n - 1] == '/' || path[n] == '/'));
}

bool loader_below(struct loader *l, const char *path, const char *dir)
{
    return written_below(path, dir) && (!l->ops->below || l->ops->below(l, path, dir));
}

void loader_free(struct loader *l)
{
    if (l)
        l->ops->free(l);
}

char *loader_join(const char *dir, const char *path)
{
    const char *parts[] = {dir, path};
    struct buf out = BUF_INIT;

    if (*path == '/' || strlen(dir) + strlen(path) > LOADER_MAX_PATH)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *s = parts[i];

        while (*s) {
            size_t n = strcspn(s, "/");

            if (n == 2 && s[0] == '.' && s[1] == '.') {
                const char *slash = out.len ? strrchr(out.data, '/') : NULL;

                if (!out.len) {
                    buf_done(&out);
                    return NULL;
                }
                out.len = slash ? (size_t)(slash - out.data) : 0;
                out.data[out.len] = 0;
            } else if (n && !(n == 1 && *s == '.')) {
                if (out.len)
                    buf_putc(&out, '/');
                buf_putn(&out, s, n);
            }
            s += n + (s[n] == '/');
        }
    }
    return buf_take(&out);
}

/* --- a directory on disk ------------------------------------------------------------------------ */

struct dir_loader {
    struct loader base;
    char *root; /* absolute, without symbolic links or a final slash */
    pthread_mutex_t lock;
    struct table files;
    struct table dirs; /* path -> real path */
};

/* The real path of what is below the root, or NULL with errno; EXDEV when it is outside. */
static char *resolve_links(const struct dir_loader *d, const char *path)
{
    char *joined CLEANUP(mem_cleanup) = mem_printf("%s/%s", d->root, path);
    char *real = realpath(joined, NULL);
    size_t n = strlen(d->root);

    if (real && (strncmp(real, d->root, n) != 0 || (n > 1 && real[n] && real[n] != '/'))) {
        free(real);
        errno = EXDEV;
        return NULL;
    }
    return real;
}

/* The same for a directory, remembered: following the links of a long path takes a system call for
 * each of its parts, and there are as many files as there are lookups. Locked by the caller. */
static const char *resolve_dir(struct dir_loader *d, const char *path)
{
    struct file *f = table_find(&d->dirs, path);
    char *real;

    if (f)
        return f->data;
    if (!(real = resolve_links(d, path)))
        return NULL;
    f = table_insert(&d->dirs, path, LOADER_DIR);
    f->data = real;
    return real;
}

/* As resolve_links, with what stands there. Locked by the caller. */
static char *dir_resolve(struct dir_loader *d, const char *path, struct stat *ret_st)
{
    const char *slash = strrchr(path, '/');
    char *parent CLEANUP(mem_cleanup) = mem_strndup(path, slash ? (size_t)(slash - path) : 0);
    const char *real_parent = is_root(path) ? NULL : resolve_dir(d, parent);
    char *real = NULL;

    if (real_parent) {
        real = mem_printf("%s/%s", real_parent, slash ? slash + 1 : path);
        if (lstat(real, ret_st) == 0 && !S_ISLNK(ret_st->st_mode))
            return real;
        free(real);
    }
    real = resolve_links(d, path);
    if (real && stat(real, ret_st) == 0)
        return real;
    free(real);
    return NULL;
}

static enum loader_kind dir_stat(struct loader *l, const char *path)
{
    struct dir_loader *d = (struct dir_loader *)l;
    char *real CLEANUP(mem_cleanup) = NULL;
    struct stat st;

    pthread_mutex_lock(&d->lock);
    real = dir_resolve(d, path, &st);
    pthread_mutex_unlock(&d->lock);
    if (!real)
        return LOADER_NONE;
    return S_ISDIR(st.st_mode) ? LOADER_DIR : S_ISREG(st.st_mode) ? LOADER_FILE : LOADER_NONE;
}

static bool dir_below(struct loader *l, const char *path, const char *dir)
{
    struct dir_loader *d = (struct dir_loader *)l;
    char *real CLEANUP(mem_cleanup) = NULL;
    const char *real_dir;
    struct stat st;
    bool below;

    pthread_mutex_lock(&d->lock);
    real = dir_resolve(d, path, &st);
    real_dir = resolve_dir(d, dir);
    below = real && real_dir && written_below(real, real_dir);
    pthread_mutex_unlock(&d->lock);
    return below;
}

static int read_fd(int fd, const char *path, char **ret_data, size_t *ret_len, struct err *err)
{
    struct stat st;
    size_t len = 0, want;
    char *data;

    if (fstat(fd, &st) != 0)
        return err_errno(err, ERR_FAIL, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_NOT_FOUND, "%s: not a regular file", path);
    if ((uint64_t)st.st_size > LOADER_MAX_FILE)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, LOADER_MAX_FILE);
    want = (size_t)st.st_size;
    data = mem_alloc(want + 1);
    while (len < want) {
        ssize_t n = read(fd, data + len, want - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(data);
            return err_errno(err, ERR_FAIL, "%s", path);
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    data[len] = 0;
    *ret_data = data;
    *ret_len = len;
    return 0;
}

static int dir_load(struct dir_loader *d, const char *path, struct file **ret_file, struct err *err)
{
    struct stat st;
    char *real CLEANUP(mem_cleanup) = dir_resolve(d, path, &st);
    struct file *f;
    size_t len = 0;
    char *data = NULL;
    int fd, rc;

    if (!real && errno == EXDEV)
        return err_set(err, ERR_INVALID, "%s: a symbolic link that leaves %s", path, d->root);
    if (!real)
        return err_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_FAIL, "%s",
                         path);
    fd = open(real, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAIL, "%s", path);
    rc = read_fd(fd, path, &data, &len, err);
    close(fd);
    if (rc)
        return rc;
    f = table_insert(&d->files, path, LOADER_FILE);
    f->data = data;
    f->len = len;
    *ret_file = f;
    return 0;
}

static int dir_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                    struct err *err)
{
    struct dir_loader *d = (struct dir_loader *)l;
    struct file *f;
    int rc = 0;

    pthread_mutex_lock(&d->lock);
    f = table_find(&d->files, path);
    if (!f)
        rc = dir_load(d, path, &f, err);
    if (!rc) {
        *ret_data = f->data;
        *ret_len = f->len;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static void dir_free(struct loader *l)
{
    struct dir_loader *d = (struct dir_loader *)l;

    table_done(&d->files);
    table_done(&d->dirs);
    pthread_mutex_destroy(&d->lock);
    free(d->root);
    free(d);
}

static const struct loader_ops dir_ops = {
    .stat = dir_stat, .read = dir_read, .below = dir_below, .free = dir_free};

int loader_open_dir(const char *dir, struct loader **ret_loader, struct err *err)
{
    char *root CLEANUP(mem_cleanup) = realpath(dir, NULL);
    struct dir_loader *d;
    struct stat st;

    if (!root || stat(root, &st) != 0)
        return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAIL, "%s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "%s: not a directory", dir);
    d = mem_calloc(1, sizeof(*d));
    d->base.ops = &dir_ops;
    d->root = root;
    root = NULL;
    pthread_mutex_init(&d->lock, NULL);
    *ret_loader = &d->base;
    return 0;
}

/* --- a tree in memory --------------------------------------------------------------------------- */

struct memory_loader {
    struct loader base;
    struct table files; /* directories too */
};

static enum loader_kind memory_stat(struct loader *l, const char *path)
{
    const struct file *f = table_find(&((struct memory_loader *)l)->files, path);

    return f ? f->kind : is_root(path) ? LOADER_DIR : LOADER_NONE;
}

static int memory_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                       struct err *err)
{
    const struct file *f = table_find(&((struct memory_loader *)l)->files, path);

    if (!f || f->kind != LOADER_FILE)
        return err_set(err, ERR_NOT_FOUND, "%s: %s", path, f ? "is a directory" : "no such file");
    *ret_data = f->data;
    *ret_len = f->len;
    return 0;
}

static void memory_free(struct loader *l)
{
    struct memory_loader *m = (struct memory_loader *)l;

    table_done(&m->files);
    free(m);
}

static const struct loader_ops memory_ops = {
    .stat = memory_stat, .read = memory_read, .free = memory_free};

struct loader *loader_new_memory(void)
{
    struct memory_loader *m = mem_calloc(1, sizeof(*m));

    m->base.ops = &memory_ops;
    return &m->base;
}

int loader_add(struct loader *memory, const char *path, const char *data, size_t len,
               struct err *err)
{
    struct memory_loader *m = (struct memory_loader *)memory;
    char *clean CLEANUP(mem_cleanup) = loader_join("", path);
    struct file *f;

    if (memory->ops != &memory_ops)
        bug("loader_add: not a memory loader");
    if (!clean || !*clean)
        return err_set(err, ERR_INVALID, "%s: not a path below the root", path);
    if (len > LOADER_MAX_FILE)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", clean, LOADER_MAX_FILE);
    for (char *slash = strchr(clean, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        f = table_find(&m->files, clean);
        if (f && f->kind == LOADER_FILE)
            return err_set(err, ERR_INVALID, "%s: %s is a file", path, clean);
        if (!f)
            table_insert(&m->files, clean, LOADER_DIR);
        *slash = '/';
    }
    f = table_find(&m->files, clean);
    if (f && f->kind == LOADER_DIR)
        return err_set(err, ERR_INVALID, "%s: is a directory", clean);
    if (!f)
        f = table_insert(&m->files, clean, LOADER_FILE);
    free(f->data);
    f->data = mem_alloc(len + 1);
    if (len)
        memcpy(f->data, data, len);
    f->data[len] = 0;
    f->len = len;
    return 0;
}

/* --- one over another --------------------------------------------------------------------------- */

struct overlay_loader {
    struct loader base;
    struct loader *below, *top;
};

static enum loader_kind overlay_stat(struct loader *l, const char *path)
{
    struct overlay_loader *o = (struct overlay_loader *)l;
    enum loader_kind kind = loader_stat(o->top, path);

    return kind != LOADER_NONE ? kind : loader_stat(o->below, path);
}

static int overlay_read(struct loader *l, const char *path, const char **ret_data, size_t *ret_len,
                        struct err *err)
{
    struct overlay_loader *o = (struct overlay_loader *)l;

    if (loader_stat(o->top, path) == LOADER_FILE)
        return loader_read(o->top, path, ret_data, ret_len, err);
    return loader_read(o->below, path, ret_data, ret_len, err);
}

static bool overlay_below(struct loader *l, const char *path, const char *dir)
{
    struct overlay_loader *o = (struct overlay_loader *)l;
    struct loader *holder = loader_stat(o->top, path) == LOADER_FILE ? o->top : o->below;

    return loader_below(holder, path, dir);
}

static void overlay_free(struct loader *l)
{
    free(l);
}

static const struct loader_ops overlay_ops = {
    .stat = overlay_stat, .read = overlay_read, .below = overlay_below, .free = overlay_free};

struct loader *loader_new_overlay(struct loader *base, struct loader *top)
{
    struct overlay_loader *o = mem_calloc(1, sizeof(*o));

    o->base.ops = &overlay_ops;
    o->below = base;
    o->top = top;
    return &o->base;
}
