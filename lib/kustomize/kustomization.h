/* kustomization.yaml: finding it, reading it into a normal form, moving old fields to where they are
 * today. */
#ifndef KUSTOMIZE_KUSTOMIZATION_H
#define KUSTOMIZE_KUSTOMIZATION_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kustomize/context.h"
#include "lib/kustomize/shape.h"

/* Shapes that builtin plugins share with the fields of a kustomization. */
extern const struct shape shape_selector, shape_image, shape_replica, shape_replacement,
    shape_replacements, shape_generator_options;

/* The fields of configMapGenerator and secretGenerator entries. */
#define GENERATOR_FIELDS                                                                           \
    {"namespace", &shape_string}, {"name", &shape_string}, {"behavior", &shape_string},            \
        {"literals", &shape_strings}, {"files", &shape_strings}, {"envs", &shape_strings},         \
        {"env", &shape_string}, {"options", &shape_generator_options},                             \
    {                                                                                              \
        "type", &shape_string                                                                      \
    }

/* The name of the one kustomization file of a directory: ERR_NOT_FOUND for none (the message lists
 * the names), ERR_INVALID for several. Static. */
int kustomization_find(struct loader *loader, const char *dir, const char **ret_name,
                       struct err *err) WARN_UNUSED;

/* Its normal form: canonical names, no nulls, `bases` in `resources`, `imageTags` in `images`, `env`
 * in `envs`, kind and apiVersion filled in. Deprecated fields are warned of. `path` is for messages.
 * ERR_INVALID with file and line, ERR_UNSUPPORTED for Helm charts. */
int kustomization_parse(const struct context *ctx, const char *text, size_t len, const char *path,
                        json_t **ret_kustomization, struct err *err) WARN_UNUSED;

#endif
