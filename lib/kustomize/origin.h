/* Where resources come from and what changed them: what `buildMetadata` asks to be written down. */
#ifndef KUSTOMIZE_ORIGIN_H
#define KUSTOMIZE_ORIGIN_H

#include "lib/kustomize/resmap.h"
#include "lib/kustomize/target.h"

/* METADATA_* flags of a list of options; ERR_INVALID for an unknown one. */
int origin_read_options(const json_t *list, unsigned *ret_flags, struct err *err) WARN_UNUSED;

/* origin with a path or URL appended. New reference; NULL for NULL. */
json_t *origin_append(const json_t *origin, const char *path);

/* What a builtin of the target makes or changes is marked with. New reference; NULL without origins. */
json_t *origin_of_builtin(const struct target *t, const char *kind);

/* The same for a plugin that a resource configures. */
json_t *origin_of_plugin(const struct resource *plugin);

/* Marks all resources as changed, those without origin as made. mark may be NULL. */
void origin_mark_all(struct resmap *m, json_t *mark);

/* The finished annotations and the managed-by label. */
int origin_write(struct context *ctx, struct resmap *m, struct err *err) WARN_UNUSED;

#endif
