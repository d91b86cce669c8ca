/* What one render shares: memory, strings, limits, the caller's options. One per kustomize_build. */
#ifndef KUSTOMIZE_CONTEXT_H
#define KUSTOMIZE_CONTEXT_H

#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/kustomize/intern.h"
#include "lib/kustomize/kustomize.h"

struct ahead;
struct config;
struct openapi;
struct resource;

enum { /* buildMetadata of the top kustomization */
       METADATA_ORIGIN = 1,
       METADATA_TRANSFORMATIONS = 2,
       METADATA_MANAGED_BY = 4,
};

struct context {
    struct arena *arena;
    struct intern *strings;
    const struct kustomize_options *options;
    const struct config *defaults;
    struct ahead *ahead;
    struct openapi *openapi;           /* or NULL */
    unsigned metadata;                 /* METADATA_* */
    size_t copied;                     /* nodes, see KUSTOMIZE_MAX_COPIED */
    size_t targets;                    /* opened so far */
    size_t generated;                  /* see GENERATE_MAX_OBJECTS */
    size_t crd_properties, crd_fields; /* see CRD_MAX_PROPERTIES */
    VEC(struct resource *)
    resources; /* every one that was made: their trees are freed at the end */
};

/* "a message", to the caller's warn. */
void context_warn(const struct context *ctx, const char *fmt, ...) PRINTF_FMT(2, 3);

/* Asked before a value is copied to where it may be nested `depth` deep: ERR_LIMIT when it is deeper
 * than YAML allows, or when the render has copied KUSTOMIZE_MAX_COPIED nodes. */
int context_copies(struct context *ctx, const json_t *value, size_t depth, struct err *err)
    WARN_UNUSED;

#endif
