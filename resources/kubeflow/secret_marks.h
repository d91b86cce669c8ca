/* What stands for secret values in manifests.
 *
 * A value that the provider makes (a cookie secret) or is handed (a password) never takes part in
 * rendering, hashes, plan or state. The Secret that holds it is rendered without it, with an annotation
 * that says which value, in which version, comes under which key; pods that read it carry the
 * versions as an annotation and roll when one changes. Values are put in when objects are applied
 * (secret_values.h).
 *
 * Both annotations are APPLYSET_VALUES, JSON text: on Secrets key -> "<name>#<version>", on pod
 * templates name -> version. */
#ifndef KUBEFLOW_SECRET_MARKS_H
#define KUBEFLOW_SECRET_MARKS_H

#include <jansson.h>

#include "lib/kube/applyset.h"

/* Key of a Secret holds the value `name` ("cookie_secret", "user_password/ml@example.com"): takes out
 * what the release has under it, also in stringData. */
void secret_mark(json_t *secret, const char *key, const char *name, const char *version);

/* Pods of the workload read the value. */
void secret_mark_reader(json_t *workload, const char *name, const char *version);

/* Takes the Secret with that name out of the objects and puts a copy in its place whose name gets no
 * hash and stays the same: what the values are doesn't decide it. The copy is returned, borrowed;
 * NULL when there is no such Secret. */
json_t *secret_pin_name(json_t *objects, const char *namespace, const char *name);

/* The marks of an object or pod template; new reference, NULL when it has none. */
json_t *secret_marks_of(const json_t *object);

/* The same of what a live Secret was filled with last (APPLYSET_FILLED). */
json_t *secret_marks_filled(const json_t *secret);

/* As they stand in an annotation. Heap string. */
char *secret_marks_text(const json_t *marks);

#endif
