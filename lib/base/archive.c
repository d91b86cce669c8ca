#include "lib/base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/dynload.h"
#include "lib/base/utf8.h"

#include "lib/base/banned.h"

#define READ_SIZE ((size_t)64 << 10)

static void reader_free(struct archive *a)
{
    archive_read_free(a);
}

DEFINE_CLEANUP(reader_cleanup, struct archive *, reader_free)

struct unpacking {
    struct archive *reader;
    struct filetree_builder *builder;
    size_t packed, unpacked;
    struct buf content; /* of the entry at hand */
};

static const char *why(struct archive *reader)
{
    const char *text = archive_error_string(reader);

    return text ? text : "damaged";
}

static int read_content(struct unpacking *u, struct err *err)
{
    char piece[READ_SIZE];

    buf_clear(&u->content);
    for (;;) {
        la_ssize_t n = archive_read_data(u->reader, piece, sizeof(piece));

        if (n == 0)
            return 0;
        if (n < 0)
            return err_set(err, ERR_INVALID, "%s", why(u->reader));
        if (buf_add(&u->content, piece, (size_t)n))
            return err_set(err, ERR_LIMIT, "larger than %zu bytes", FILETREE_MAX_FILE);
        u->unpacked += (size_t)n;
        if (u->unpacked > ARCHIVE_RATIO_FROM && u->unpacked / ARCHIVE_MAX_RATIO > u->packed)
            return err_set(err, ERR_LIMIT, "unpacks to more than %d times the archive's size",
                           ARCHIVE_MAX_RATIO);
    }
}

/* The name in UTF-8. libarchive can't give it so in the "C" locale when the archive doesn't say that
 * it is UTF-8; then the bytes are taken as they are (filetree checks them). */
static const char *utf8_or_raw(const char *utf8, const char *raw)
{
    return utf8 ? utf8 : raw ? raw : "";
}

static int add_entry(struct unpacking *u, struct archive_entry *entry, const char *path,
                     struct err *err)
{
    const char *hardlink = archive_entry_hardlink(entry);
    int rc;

    if (hardlink)
        return filetree_add_hardlink(
            u->builder, path, utf8_or_raw(archive_entry_hardlink_utf8(entry), hardlink), err);
    switch (archive_entry_filetype(entry)) {
    case S_IFDIR:
        return 0;
    case S_IFLNK:
        return filetree_add_link(
            u->builder, path,
            utf8_or_raw(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry)), err);
    case S_IFREG:
        rc = read_content(u, err);
        if (rc)
            return rc;
        return filetree_add_file(u->builder, path, buf_str(&u->content), u->content.len, err);
    default:
        return err_set(err, ERR_INVALID, "a device, pipe or socket");
    }
}

static int add_entries(struct unpacking *u, struct err *err)
{
    struct archive_entry *entry;
    int rc;

    for (;;) {
        char *shown CLEANUP(mem_cleanup) = NULL;
        const char *path;

        rc = archive_read_next_header(u->reader, &entry);
        if (rc == ARCHIVE_EOF)
            return 0;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return err_set(err, ERR_INVALID, "not a readable .tar.gz, .tar or .zip archive (%s)",
                           why(u->reader));
        path = utf8_or_raw(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
        rc = add_entry(u, entry, path, err);
        if (rc) {
            shown = utf8_sanitize(path, strlen(path));
            err_wrap(err, "%s", shown);
            return rc;
        }
    }
}

static int open_reader(struct archive *reader, const void *data, size_t len)
{
    if (archive_read_support_filter_gzip(reader) || archive_read_support_format_tar(reader) ||
        archive_read_support_format_zip(reader))
        return ERR_FAIL;
    return archive_read_open_memory(reader, data, len) ? ERR_INVALID : 0;
}

int archive_unpack(const void *data, size_t len, const char *name, bool strip_root,
                   struct filetree *ret, struct err *err)
{
    struct archive *reader CLEANUP(reader_cleanup) = NULL;
    struct filetree_builder *builder CLEANUP(filetree_builder_cleanup) = NULL;
    struct unpacking u = {.packed = len, .content = BUF_INIT};
    int rc;

    rc = dynload_archive(err);
    if (rc)
        return err_wrap(err, "%s", name);
    u.reader = reader = archive_read_new();
    if (!reader)
        bug("libarchive has no memory");
    u.builder = builder = filetree_builder_new();
    u.content.max = FILETREE_MAX_FILE;
    rc = open_reader(reader, data, len);
    if (rc)
        err_set(err, rc, "not a readable .tar.gz, .tar or .zip archive (%s)", why(reader));
    else
        rc = add_entries(&u, err);
    if (!rc)
        rc = filetree_build(builder, strip_root, ret, err);
    if (rc)
        err_wrap(err, "%s", name);
    buf_done(&u.content);
    return rc;
}
