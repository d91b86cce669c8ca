/* Who answers the webhooks of a configuration, and whether somebody is there. */
#ifndef KUBE_EXPLAIN_WEBHOOKS_H
#define KUBE_EXPLAIN_WEBHOOKS_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/cancel.h"
#include "lib/kube/client.h"

/* Appends a line for each of the first few Services behind a (Validating|Mutating)WebhookConfiguration
 * that has no ready endpoint, within the deadline; nothing for other kinds:
 *   "  webhook x.example.com is answered by Service kubeflow/hook, which has no ready endpoint" */
void kube_explain_webhooks(struct kube_client *c, const json_t *object, int64_t deadline,
                           struct cancel *cancel, struct buf *out);

#endif
