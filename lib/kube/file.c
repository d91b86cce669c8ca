#include "lib/kube/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

static int read_all(int fd, const char *path, struct buf *b, struct err *err)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk)))) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_INVALID, "%s", path);
        if (buf_add(b, chunk, (size_t)n))
            return err_set(err, ERR_LIMIT, "%s: longer than %zu bytes", path, b->max);
    }
    mem_wipe(chunk, sizeof(chunk));
    return 0;
}

int kube_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len, struct err *err)
{
    struct stat st;
    struct buf b;
    /* O_NONBLOCK: a FIFO must not hang the program. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        return err_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_INVALID,
                         "%s", path);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_INVALID, "%s: not a regular file", path);
    }
    buf_init(&b, max);
    rc = read_all(fd, path, &b, err);
    close(fd);
    if (rc) {
        buf_done(&b);
        return rc;
    }
    *ret_len = b.len;
    *ret_text = buf_take(&b);
    return 0;
}
