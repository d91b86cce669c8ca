/* The `openapi` field: a schema of the user's own, for the merge keys of custom kinds and for which
 * kinds are cluster-scoped.
 *
 * One schema rules the whole render: the first that is met, the top kustomization's before those
 * below. It takes the built-in kinds' place, unless objects were read before it was met. */
#ifndef KUSTOMIZE_OPENAPI_H
#define KUSTOMIZE_OPENAPI_H

#include "lib/krm/mergekeys.h"
#include "lib/kustomize/target.h"

/* Takes over what the target's field says, if it says anything and nothing was said before.
 * ERR_INVALID, ERR_NOT_FOUND. */
int openapi_use(const struct target *t, struct err *err) WARN_UNUSED;

/* Merge keys in force; NULL for the built-in ones. */
const struct merge_schema *openapi_merge_schema(const struct context *ctx);

/* What the schema says of a kind that isn't built in. */
bool openapi_cluster_scoped(const struct context *ctx, const char *api_version, const char *kind);

void openapi_done(struct context *ctx);

#endif
