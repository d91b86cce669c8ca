/* What kind of cluster it is: version and cloud. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/catalog.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

/* --- version ------------------------------------------------------------------------------------- */

/* Beyond what was tested, by so many minor versions, is worth a line. */
#define FAR_AHEAD 2

static void judge_version(struct preflight *p, const struct catalog_release *release,
                          const json_t *version)
{
    long minor = strtol(krm_str(version, "minor", NULL), NULL, 10); /* "33", "33+" */
    const char *full = krm_str(version, "gitVersion", NULL);
    int oldest, tested;

    if (strcmp(krm_str(version, "major", NULL), "1") || minor <= 0 ||
        !catalog_kubernetes(release, &oldest, &tested))
        return;
    if (minor < oldest)
        preflight_problem(
            p, ERR_UNSUPPORTED, "",
            mem_printf("Kubeflow %s needs Kubernetes 1.%d or newer; this cluster has %s. Upgrade "
                       "the cluster, or choose an older release",
                       release->name, oldest, full));
    else if (minor >= tested + FAR_AHEAD)
        log_info(PREFLIGHT_MODULE, "Kubeflow %s was tested up to Kubernetes 1.%d; this is %s",
                 release->name, tested, full);
}

int preflight_version(struct preflight *p, struct err *err)
{
    const struct catalog_release *release = catalog_release(p->r->release);
    struct kube_request req = {.verb = KUBE_RAW_GET, .path = "/version"};
    struct kube_result res;
    int rc;

    if (!release)
        return 0;
    rc = kube_do(p->r->client, &req, p->r->cancel, &res);
    if (rc)
        err_move(err, &res.err);
    else
        judge_version(p, release, res.body);
    kube_result_done(&res);
    return rc;
}

/* --- target -------------------------------------------------------------------------------------- */

/* How nodes' providerIDs begin. */
static const struct {
    const char *prefix, *target, *words;
} providers[] = {
    {"gce://", "gke", "Google Cloud"}, {"aws://", "eks", "AWS"},
    {"eks-hybrid://", "eks", "EKS"},   {"azure://", "generic", "Azure"},
    {"kind://", "generic", "kind"},
};

/* A row's number, or the number of rows for a node that doesn't say or that nobody knows. */
static size_t provider_of(const json_t *node)
{
    const char *id = krm_str(node, "spec", "providerID", NULL);
    size_t i = 0;

    while (i < ARRAY_LEN(providers) &&
           strncmp(id, providers[i].prefix, strlen(providers[i].prefix)) != 0)
        i++;
    return i;
}

/* A conflict is said only when no node fits: clusters may have nodes from elsewhere too. */
int preflight_target(struct preflight *p, struct err *err)
{
    const char *target = p->r->target ? p->r->target : "";
    const json_t *nodes, *node, *other = NULL;
    size_t i;
    int rc;

    if (catalog_target(target) <= CATALOG_GENERIC)
        return 0;
    rc = preflight_nodes(p, &nodes, err);
    if (rc)
        return rc;
    json_array_foreach (nodes, i, node) {
        size_t provider = provider_of(node);

        if (provider == ARRAY_LEN(providers))
            continue;
        if (!strcmp(providers[provider].target, target))
            return 0;
        other = node;
    }
    if (other)
        preflight_problem(
            p, ERR_CONFLICT, "",
            mem_printf("target = \"%s\", but the nodes are of %s (%s has providerID %s). Set "
                       "target = \"%s\", or connect to the other cluster",
                       target, providers[provider_of(other)].words,
                       krm_str(other, "metadata", "name", NULL),
                       krm_str(other, "spec", "providerID", NULL),
                       providers[provider_of(other)].target));
    return 0;
}
