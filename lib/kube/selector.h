/* Label selectors (metav1.LabelSelector), evaluated here instead of by the API server. */
#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>

/* Whether labels (a JSON object, or NULL for none) satisfy the selector. A NULL or empty selector
 * matches everything; a requirement that can't be read matches nothing. */
bool kube_selector_matches(const json_t *selector, const json_t *labels);

#endif
