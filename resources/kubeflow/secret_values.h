/* The values that marked Secrets (secret_marks.h) are to hold, decided when they are applied.
 *
 * Of each value the one that counts is, in this order:
 *
 *     what we put into a Secret in this very version, and nobody has changed since
 *     what a Secret has in the place of such a value: whoever changed it meant it
 *     what was in a Secret before us, for a value in its first version that a server keeps with its
 *         data (a database was made with it); any other one is the release's, which is public
 *     what is given; of a password, its bcrypt hash
 *     a new random one
 *
 * So a value stays until its version changes, and is the same in all Secrets that hold it. It goes when
 * its Secret isn't marked with it any more, so that the same version later means a new value. What is
 * decided goes into the cluster and nowhere else: it is never logged, and wiped afterwards. */
#ifndef KUBEFLOW_SECRET_VALUES_H
#define KUBEFLOW_SECRET_VALUES_H

#include <jansson.h>

#include "lib/base/cancel.h"
#include "lib/base/err.h"
#include "lib/kube/client.h"

#define SECRET_VALUES_MAX_GIVEN ((size_t)64 << 10) /* bytes of one */

/* Reads the live Secrets and decides. given: name -> string, what users handed over for this run
 * (a bcrypt hash is taken for what it is); or NULL. *ret_fills is what kube_apply_options.fills wants,
 * to be freed with secret_values_free: all marked Secrets, with word of those in which nothing is to be
 * written, and an empty one for those which we filled and which aren't marked any more. ERR_INVALID names the attribute of a value that is needed and wasn't given. */
int secret_values_resolve(struct kube_client *c, const char *manager, const json_t *objects,
                          const json_t *given, struct cancel *cancel, json_t **ret_fills,
                          struct err *err) WARN_UNUSED;

/* The same without a cluster. live: key -> Secret as it is there. values_manager: kube_values_manager. */
int secret_values_decide(const json_t *objects, const json_t *live, const char *values_manager,
                         const json_t *given, json_t **ret_fills, struct err *err) WARN_UNUSED;

/* Refuses (ERR_INVALID) to make a new value where that would lock a server out of its data: a Secret that
 * was applied (record: key -> entry, or NULL) is gone, it held what a server keeps with its data, and
 * there still is a claim of the objects in its namespace. existing: key -> metadata of what is there. */
int secret_values_check_lost(const json_t *objects, const json_t *existing, const json_t *record,
                             struct err *err) WARN_UNUSED;

/* Of the values in fills, a sentence for users about each that was there before us and is kept. New array. */
json_t *secret_values_kept(const json_t *fills);

/* Wipes all strings of a tree that is ours alone, and frees it. Accepts NULL. */
void secret_values_free(json_t *v);
DEFINE_CLEANUP(secret_values_cleanup, json_t *, secret_values_free)

#endif
