/* Changes to rendered objects that kustomize has no field for. */
#ifndef KUBEFLOW_REWRITE_H
#define KUBEFLOW_REWRITE_H

#include <jansson.h>

#include "lib/base/err.h"

/* Replaces the longest matching prefix of every container image that image_refs.h finds. A prefix
 * matches up to a '/', ':' or '@', or its own end when it ends in '/'. Names without a registry are
 * Docker Hub's: "mysql:8" matches "docker.io/" as "docker.io/library/mysql:8". Whether what comes in
 * its place ends in a slash makes no difference. What only may be an image must have the prefix as it
 * stands. mirrors: object prefix -> prefix, or NULL. */
void rewrite_images(json_t *object, const json_t *mirrors);

/* Deletes the fields that the user leaves to others. ignore: array of {"target": {"group", "kind",
 * "name", "namespace"}, "fields": [".spec.replicas", ...]}, or NULL. ERR_INVALID for a path that
 * can't be read. Fields that aren't there are no error. */
int rewrite_ignore(json_t *object, const json_t *ignore, struct err *err);

/* Which fields of which objects those are: key -> array of paths. New object. */
json_t *rewrite_ignored(const json_t *objects, const json_t *ignore);

#endif
