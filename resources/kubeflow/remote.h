/* What a URL of manifests names: an archive of a repository at a ref, or a file. Pure. */
#ifndef KUBEFLOW_REMOTE_H
#define KUBEFLOW_REMOTE_H

#include <stdbool.h>

#include "lib/base/err.h"

#define REMOTE_MAX_URL 2048

/* Heap strings; NULL where not known. */
struct remote {
    char *url;  /* what a plain GET is sent to */
    char *repo; /* "https://github.com/owner/name", of the archive or release asset */
    char *ref;  /* tag, branch or commit */
    char *path; /* of a resource inside the repository, "" = its root */
    char *file; /* the file's own name; NULL for archives */
    bool fixed; /* the URL says that its content doesn't change: a commit, a version tag */
};

void remote_done(struct remote *r); /* the struct is as new */

/* The URL for messages and logs: a query may hold a signature, so it is left out. Heap string. */
char *remote_shown(const char *url) WARN_UNUSED;

/* An archive by URL: ".../archive/refs/tags/v1.tar.gz", ".../archive/<commit>.zip", or any other.
 * https, or http to this machine itself. */
int remote_parse_archive(const char *url, struct remote *ret, struct err *err) WARN_UNUSED;

/* A kustomization's remote resource, as source.h lists them. */
int remote_parse_resource(const char *text, struct remote *ret, struct err *err) WARN_UNUSED;

#endif
