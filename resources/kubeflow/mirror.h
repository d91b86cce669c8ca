/* Mirrors of manifests: where else a URL's content may be had. Rules as source.h tells them. */
#ifndef KUBEFLOW_MIRROR_H
#define KUBEFLOW_MIRROR_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "resources/kubeflow/remote.h"

#define MIRROR_ENVIRONMENT "KUBEFLOW_MANIFESTS_MIRROR"

struct mirrors;

/* configured: object of prefix -> target, or NULL; environment: the variable's value, or NULL.
 * NULL and ERR_INVALID for a rule that can't be used. */
struct mirrors *mirrors_new(const json_t *configured, const char *environment, struct err *err);
void mirrors_free(struct mirrors *m); /* accepts NULL */

enum mirror_kind {
    MIRROR_TREE, /* a directory on disk with the unpacked tree */
    MIRROR_FILE, /* a file on disk: the archive, or the file itself */
    MIRROR_URL,
};

struct mirror_place {
    enum mirror_kind kind;
    char *at;
};

struct mirror_places {
    struct mirror_place *at;
    size_t len;
};

/* Where what `wanted` names may be, best first; nothing is looked at yet. release: its name when the
 * archive is one of the catalog's, or NULL. */
void mirrors_places(const struct mirrors *m, const struct remote *wanted, const char *release,
                    struct mirror_places *ret);
void mirror_places_done(struct mirror_places *p);

#endif
