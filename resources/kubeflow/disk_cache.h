/* Downloads kept on disk, for the next process.
 *
 *     <dir>/content/<sha256 of the bytes>     the bytes
 *     <dir>/url/<sha256 of the URL>           the name of its content and a newline
 *
 * Content is checked against its name on every read, so a damaged or half-written file is as good as
 * none. Files are written under a name of their own and renamed, so any number of processes may use
 * one directory. Nothing is ever removed but what is damaged. No failure here is an error: without a
 * cache things work, only slower. */
#ifndef KUBEFLOW_DISK_CACHE_H
#define KUBEFLOW_DISK_CACHE_H

#include "lib/base/buf.h"

/* The default directory: terraform-provider-kubeflow in $XDG_CACHE_HOME or $HOME/.cache; NULL when
 * neither is an absolute path. Heap string. */
char *disk_cache_default_dir(const char *(*getenv_fn)(const char *));

/* The bytes last kept for the URL. 0, or ERR_NOT_FOUND. out is filled on success only. */
int disk_cache_get(const char *dir, const char *url, struct buf *out);

void disk_cache_put(const char *dir, const char *url, const void *data, size_t len);

#endif
