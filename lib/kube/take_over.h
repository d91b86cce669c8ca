/* Adopting what kubectl made: which fields go with it.
 *
 * The adopting apply owns everything that kubectl's manifests had (managed_fields_take_over), and then
 * takes away what isn't wanted: an environment variable that somebody had added to the manifests, say.
 * That is to be said before it happens. Pure. */
#ifndef KUBE_TAKE_OVER_H
#define KUBE_TAKE_OVER_H

#include <jansson.h>

/* The fields of live that go when wanted is applied in its place: path (as krm_diff writes it) -> line
 * ("<path>: <value> -> (none)"). New object. Keys of Secrets that are filled with values (APPLYSET_VALUES)
 * stay. */
json_t *kube_fields_that_go(const json_t *wanted, const json_t *live, const char *manager);

/* live without what only the API server knows: status, managedFields, uid, ..., and without kubectl's
 * annotation. New reference. */
json_t *kube_plain_object(const json_t *live);

/* An object as it is to be applied without the annotations by which this provider knows it again: what
 * was made by others has none of them, and that is no difference. New reference. */
json_t *kube_unmarked_object(const json_t *object);

#endif
