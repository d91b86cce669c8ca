/* Small files that a configuration refers to. */
#ifndef KUBE_FILE_H
#define KUBE_FILE_H

#include <stddef.h>

#include "lib/base/err.h"

/* The whole of a regular file, with a NUL behind it. ERR_NOT_FOUND, ERR_LIMIT, ERR_INVALID (not a
 * regular file, or not to be read); the text names the file. */
int kube_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len, struct err *err)
    WARN_UNUSED;

#endif
