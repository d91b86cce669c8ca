/* Secrets that a platform's objects name and that somebody else has to make first: the gateway's
 * certificate, an identity provider's client secret. What controllers make of the set's own objects
 * (a Certificate's Secret) doesn't have to be there; nor does what an installation of the user's own
 * manifests names, because its objects may bring it in ways that can't be told. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

#define GATEWAY_NAMESPACE "istio-system" /* where the ingress gateway looks for its certificates */

struct named_secrets {
    json_t *made;   /* "namespace/name" that the set makes -> true */
    json_t *wanted; /* "namespace/name" -> key of the first object that names it */
};

static void want(struct named_secrets *n, const json_t *object, const char *namespace,
                 const char *name)
{
    char *secret CLEANUP(mem_cleanup) = mem_printf("%s/%s", namespace, name);
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    if (*name && !json_object_get(n->made, secret) && !json_object_get(n->wanted, secret))
        json_object_set_new(n->wanted, secret, json_string(key));
}

static void note_made(struct named_secrets *n, const json_t *object)
{
    bool certificate = !strcmp(gvk_of(object).kind, "Certificate");
    const char *name = certificate ? krm_str(object, "spec", "secretName", NULL)
                                   : krm_str(object, "metadata", "name", NULL);
    char *secret CLEANUP(mem_cleanup) =
        mem_printf("%s/%s", krm_str(object, "metadata", "namespace", NULL), name);

    if (certificate || !strcmp(gvk_of(object).kind, "Secret"))
        json_object_set_new(n->made, secret, json_true());
}

static void note_gateway(struct named_secrets *n, const json_t *gateway)
{
    const json_t *server;
    size_t i;

    json_array_foreach (krm_get(gateway, "spec", "servers", NULL), i, server)
        want(n, gateway, GATEWAY_NAMESPACE, krm_str(server, "tls", "credentialName", NULL));
}

static void note_workload(struct named_secrets *n, const json_t *workload)
{
    static const char *const lists[] = {"initContainers", "containers"};
    const json_t *pod = krm_get(workload, "spec", "template", "spec", NULL), *container, *env;
    size_t c, e;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_array_foreach (json_object_get(pod, lists[i]), c, container) {
            json_array_foreach (json_object_get(container, "env"), e, env) {
                const json_t *ref = krm_get(env, "valueFrom", "secretKeyRef", NULL);

                if (!json_is_true(json_object_get(ref, "optional")))
                    want(n, workload, krm_str(workload, "metadata", "namespace", NULL),
                         krm_str(ref, "name", NULL));
            }
        }
    }
}

static int look(struct preflight *p, const struct kube_resource *secrets, const char *secret,
                const char *user, struct err *err)
{
    const char *slash = strchr(secret, '/');
    char *namespace CLEANUP(mem_cleanup) = mem_strndup(secret, (size_t)(slash - secret));
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = secrets,
                               .namespace = namespace,
                               .name = slash + 1,
                               .metadata_only = true};
    struct kube_result res;
    int rc = kube_do(p->r->client, &req, p->r->cancel, &res);

    if (rc == ERR_NOT_FOUND) {
        rc = 0;
        preflight_problem(p, ERR_NOT_FOUND, "",
                          mem_printf("Secret %s isn't there, and %s needs it. Make it first; its "
                                     "namespace may be made before the platform and is kept when "
                                     "the platform is destroyed",
                                     secret, user));
    } else if (rc) {
        err_set(err, rc, "%s", err_msg(&res.err));
    }
    kube_result_done(&res);
    return rc;
}

int preflight_secrets(struct preflight *p, struct err *err)
{
    json_auto_t *made = json_object(), *wanted = json_object();
    struct named_secrets n = {made, wanted};
    const struct kube_resource *secrets;
    const json_t *object;
    const char *secret;
    json_t *user;
    size_t i;
    int rc;

    if (!p->r->platform)
        return 0;
    json_array_foreach (p->r->objects, i, object)
        note_made(&n, object);
    json_array_foreach (p->r->objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "Gateway"))
            note_gateway(&n, object);
        else
            note_workload(&n, object);
    }
    rc = kube_resource_for(p->r->client, "", "v1", "Secret", p->r->cancel, &secrets, err);
    json_object_foreach (wanted, secret, user) {
        if (!rc)
            rc = look(p, secrets, secret, json_string_value(user), err);
    }
    return rc;
}
