#include "resources/kubeflow/disk_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/source.h"

#include "lib/base/banned.h"

#define LOG          "kubeflow.cache"
#define SUBDIRECTORY "terraform-provider-kubeflow"
#define HEX_LEN      (HASH_HEX_SIZE - 1)
#define READ_SIZE    ((size_t)64 << 10)

char *disk_cache_default_dir(const char *(*getenv_fn)(const char *))
{
    const char *xdg = getenv_fn("XDG_CACHE_HOME"), *home = getenv_fn("HOME");

    if (xdg && *xdg == '/')
        return mem_printf("%s/" SUBDIRECTORY, xdg);
    return home && *home == '/' ? mem_printf("%s/.cache/" SUBDIRECTORY, home) : NULL;
}

static char *path_of(const char *dir, const char *kind, const char hex[HASH_HEX_SIZE])
{
    return mem_printf("%s/%s/%s", dir, kind, hex);
}

/* --- reading ------------------------------------------------------------------------------------ */

static int read_all(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *piece CLEANUP(mem_cleanup) = NULL;
    ssize_t n = 0;

    if (fd < 0)
        return ERR_NOT_FOUND;
    piece = mem_alloc(READ_SIZE);
    do {
        n = read(fd, piece, READ_SIZE);
    } while ((n < 0 && errno == EINTR) || (n > 0 && !buf_add(out, piece, (size_t)n)));
    close(fd);
    return n ? ERR_NOT_FOUND : 0;
}

/* The name of the content that a URL stands for. */
static int read_entry(const char *dir, const char *url, char ret_hex[HASH_HEX_SIZE])
{
    struct buf entry CLEANUP(buf_done) = BUF_INIT;
    char key[HASH_HEX_SIZE];
    char *path CLEANUP(mem_cleanup) = NULL;

    hash_sha256_hex(url, strlen(url), key);
    path = path_of(dir, "url", key);
    entry.max = HEX_LEN + 1;
    if (read_all(path, &entry) || entry.len != HEX_LEN + 1 ||
        strspn(entry.data, "0123456789abcdef") != HEX_LEN)
        return ERR_NOT_FOUND;
    memcpy(ret_hex, entry.data, HEX_LEN);
    ret_hex[HEX_LEN] = '\0';
    return 0;
}

int disk_cache_get(const char *dir, const char *url, struct buf *out)
{
    struct buf content CLEANUP(buf_done) = BUF_INIT;
    char hex[HASH_HEX_SIZE], found[HASH_HEX_SIZE];
    char *path CLEANUP(mem_cleanup) = NULL;

    if (!dir || read_entry(dir, url, hex))
        return ERR_NOT_FOUND;
    path = path_of(dir, "content", hex);
    content.max = SOURCE_MAX_DOWNLOAD;
    if (read_all(path, &content))
        return ERR_NOT_FOUND;
    hash_sha256_hex(buf_str(&content), content.len, found);
    if (strcmp(hex, found) != 0) {
        log_warn(LOG, "%s is damaged and is removed", path);
        unlink(path);
        return ERR_NOT_FOUND;
    }
    log_debug(LOG, "from the cache: %s", path);
    *out = content;
    memset(&content, 0, sizeof(content));
    return 0;
}

/* --- writing ------------------------------------------------------------------------------------ */

static int make_dirs(const char *path)
{
    char *p CLEANUP(mem_cleanup) = mem_strdup(path);

    for (char *slash = p + 1;; slash++) {
        char c;

        slash += strcspn(slash, "/");
        c = *slash;
        *slash = '\0';
        if (mkdir(p, 0755) && errno != EEXIST)
            return ERR_FAIL;
        if (!c)
            return 0;
        *slash = c;
    }
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_FAIL;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_file(const char *dir, const char *kind, const char hex[HASH_HEX_SIZE],
                      const void *data, size_t len)
{
    char *path CLEANUP(mem_cleanup) = path_of(dir, kind, hex);
    char *temporary CLEANUP(mem_cleanup) = mem_printf("%s.XXXXXX", path);
    char *parent CLEANUP(mem_cleanup) = mem_printf("%s/%s", dir, kind);
    int fd, rc;

    if (make_dirs(parent))
        return ERR_FAIL;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return ERR_FAIL;
    rc = write_all(fd, data, len);
    if (fchmod(fd, 0644) || close(fd))
        rc = ERR_FAIL;
    if (!rc && rename(temporary, path))
        rc = ERR_FAIL;
    if (rc)
        unlink(temporary);
    return rc;
}

void disk_cache_put(const char *dir, const char *url, const void *data, size_t len)
{
    char hex[HASH_HEX_SIZE], key[HASH_HEX_SIZE];
    char *entry CLEANUP(mem_cleanup) = NULL;

    if (!dir)
        return;
    hash_sha256_hex(data, len, hex);
    hash_sha256_hex(url, strlen(url), key);
    entry = mem_printf("%s\n", hex);
    if (write_file(dir, "content", hex, data, len) ||
        write_file(dir, "url", key, entry, strlen(entry)))
        log_debug(LOG, "a download can't be kept in %s", dir);
}
