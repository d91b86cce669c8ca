/* Labels and annotations that are one value in several places.
 *
 * Where the reference writes a new label to several fields of an object (metadata, selector, pod
 * template), it puts the same node there, and whatever changes one of them later changes all: a patch
 * of metadata.labels moves the selector along. Users' results depend on it, so it is so here: such a
 * value is one json_t with several owners within its object, and setting a string over it writes
 * into it. */
#ifndef KUSTOMIZE_ALIAS_H
#define KUSTOMIZE_ALIAS_H

#include <jansson.h>

/* Sets a member (value is stolen); into the string that is there when it has other owners. Without
 * effect when JSON can't hold the key. */
void alias_set(json_t *object, const char *key, json_t *value);

/* Puts a value that other places of the object have or will have; over a value that is there it is
 * only copied. */
void alias_share(json_t *object, const char *key, json_t *value);

/* The shared values of an object, for operations that copy it: alias_save before, alias_restore
 * after, which shares them again and lets all follow the one that changed. */
json_t *alias_save(const json_t *object); /* new reference */
void alias_restore(json_t *object, const json_t *saved);

#endif
