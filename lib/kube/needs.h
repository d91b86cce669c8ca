/* What each object of a set needs from the others of the set: the edges of graph.h.
 *
 * Only real needs are found, so that as much as possible goes at the same time:
 *
 *     from                             to                                     need     why
 *     CustomResourceDefinition         objects of its kind                    ready    NEED_KIND
 *     Namespace                        what is in it                          applied
 * NEED_NAMESPACE Role, ClusterRole                bindings that name it                  applied
 * NEED_ROLE ServiceAccount, its bindings,    workloads whose pods name them         applied
 * NEED_REFERENCE ConfigMap, Secret, claim, ... Issuer, ClusterIssuer            Certificates that
 * name it              applied  NEED_ISSUER workload behind a webhook        the webhook
 * configuration              applied  NEED_SERVER CNI plugin (DaemonSet)           workloads whose
 * pods a webhook of the  ready    NEED_NETWORK set changes (mesh sidecars) workload behind a
 * webhook, and   what the webhook intercepts (with      ready    NEED_WEBHOOK its configuration
 * failurePolicy Fail); a workload counts as the pods that it makes workload behind a CRD's objects
 * of that kind                   ready    NEED_CONVERSION conversion webhook Certificate workloads
 * that mount its Secret,       runtime  NEED_CERTIFICATE webhook configurations with its CA
 *
 * A webhook configuration needs its workload applied, not ready: many servers only become ready
 * after they found their configuration and wrote their certificate into it.
 *
 * The last row is no reason to wait with sending (pods stay pending and recover), but what is ready
 * depends on it: it is known so that cycles are seen and the certificate is sent early. */
#ifndef KUBE_NEEDS_H
#define KUBE_NEEDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why, weakest last: a cycle is broken at the edge with the highest number below NEED_CERTIFICATE.
 */
enum need_reason {
    NEED_KIND,
    NEED_NAMESPACE,
    NEED_ROLE,
    NEED_REFERENCE,
    NEED_ISSUER,
    NEED_SERVER,
    NEED_CONVERSION,
    NEED_NETWORK,
    NEED_WEBHOOK,
    NEED_CERTIFICATE,
};

struct need {
    int from, to;   /* indexes of the set */
    uint8_t reason; /* enum need_reason */
    uint8_t ready;  /* from must be ready, not only applied */
};

struct needs {
    struct need *at; /* sorted by to, then from; at most one of a pair, the stronger one, beside
                        NEED_CERTIFICATE */
    size_t len;
};

/* objects: a JSON array, borrowed during the call. */
void needs_find(const json_t *objects, struct needs *ret_needs);
void needs_done(struct needs *n);

/* Kinds that make pods, and Pod. */
bool needs_is_workload(const char *group, const char *kind);

#endif
