/* Values of Secrets: a second server-side apply by a manager of its own, which owns nothing else.
 *
 * An object that is new gets its values after it was made. One that is there gets them before the
 * object itself is applied: its values may be owned by the main manager so far (it was taken over from
 * kubectl, say), and would go with that apply; so they are never gone, wherever a run is cut off. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/apply_run.h"
#include "lib/kube/ours.h"

#include "lib/base/banned.h"

bool apply_lacks_values(const struct node *n)
{
    return n->fill && !n->filled && (n->made || !json_is_true(json_object_get(n->fill, "there")));
}

void apply_send_values(struct run *r, struct node *n)
{
    char *manager CLEANUP(mem_cleanup) = kube_values_manager(r->o->manager);
    const char *namespace = krm_str(n->object, "metadata", "namespace", NULL);
    const char *name = krm_str(n->object, "metadata", "name", NULL);
    json_auto_t *body = json_pack(
        "{s:O, s:O, s:{s:s, s:s, s:O*}, s:O*}", "apiVersion",
        json_object_get(n->object, "apiVersion"), "kind", json_object_get(n->object, "kind"),
        "metadata", "name", name, "namespace", namespace, "annotations",
        json_object_get(n->fill, "annotations"), "data", json_object_get(n->fill, "data"));
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = n->resource,
                               .namespace = namespace,
                               .name = name,
                               .accept = APPLY_METADATA_ANSWER,
                               .field_manager = manager,
                               .force = true,
                               .body = body,
                               .user = n};

    n->state = NODE_FILLING;
    r->result->filled++;
    kube_start(r->queue, &req);
}

char *apply_values_failure(const struct kube_result *res)
{
    if (!res->status.http)
        return mem_printf("its values weren't written: %s", err_msg(&res->err));
    return mem_printf("its values weren't written: the API server answered %d%s%s",
                      res->status.http, res->status.reason[0] ? " " : "", res->status.reason);
}
