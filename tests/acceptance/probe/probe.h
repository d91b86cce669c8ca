/* A provider that does nothing but what tests ask of it.
 *
 * It has the plugin host and lib/tf in common with the real one, so driving it with a real Terraform
 * proves those: each resource plays a part that its configuration describes. What happened is
 * written, a line each, to the file `notes` in the directory that the provider block names; objects
 * "exist" as files in that directory, so that tests can remove or change them. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "lib/tf/resource.h"

struct probe {
    int refs;
    char *dir; /* NULL = not configured */
};

extern const struct tf_resource probe_object, probe_types, probe_secret, probe_upgraded;
extern const struct tf_data_source probe_echo;
extern const struct tf_function probe_join, probe_refuse, probe_describe;
extern const struct tf_ephemeral probe_token;

/* Appends a line to the notes; does nothing without a session. */
void probe_note(const struct tf_context *ctx, const char *fmt, ...) PRINTF_FMT(2, 3);

/* The file of an object. */
char *probe_path(struct tf_context *ctx, const char *name);

#endif
