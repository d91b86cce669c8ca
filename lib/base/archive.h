/* Archives in memory, through libarchive, as trees of files (filetree.h).
 *
 * Read are .tar.gz (.tgz), .tar and .zip, told apart by content. Refused are, besides what no
 * filetree may hold (paths that leave the tree, duplicates, links out of it): devices and other
 * special files, encrypted entries, and archives that unpack to suspiciously much. Modes, owners and
 * times are dropped. */
#ifndef BASE_ARCHIVE_H
#define BASE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/filetree.h"

/* Unpacked bytes per byte of archive; looked at from ARCHIVE_RATIO_FROM unpacked bytes on. Manifests
 * come to about 15. */
#define ARCHIVE_MAX_RATIO  200
#define ARCHIVE_RATIO_FROM ((size_t)16 << 20)

/* name is for messages. strip_root as in filetree_build.
 * 0; ERR_INVALID with "<name>: <entry>: <what is wrong>"; ERR_LIMIT. */
int archive_unpack(const void *data, size_t len, const char *name, bool strip_root,
                   struct filetree *ret, struct err *err) WARN_UNUSED;

#endif
