#include "resources/kubeflow/preflight_parts.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

/* "Kind.group" of the CRDs among the objects, and the namespaces among them, as sets. */
static void collect_own(const json_t *objects, json_t *kinds, json_t *namespaces)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        const char *kind = gvk_of(object).kind;
        char *name CLEANUP(mem_cleanup) = NULL;

        if (!strcmp(kind, "Namespace"))
            json_object_set_new(namespaces, krm_str(object, "metadata", "name", NULL), json_true());
        if (strcmp(kind, "CustomResourceDefinition"))
            continue;
        name = mem_printf("%s.%s", krm_str(object, "spec", "names", "kind", NULL),
                          krm_str(object, "spec", "group", NULL));
        json_object_set_new(kinds, name, json_true());
    }
}

static int missing_kinds(struct preflight *p, json_t *own, json_t *missing, struct err *err)
{
    const json_t *object;
    size_t i;

    json_array_foreach (p->r->objects, i, object) {
        struct gvk gvk = gvk_of(object);
        char *name CLEANUP(mem_cleanup) = mem_printf("%s.%s", gvk.kind, gvk.group);
        const struct kube_resource *resource;
        int rc;

        if (json_object_get(own, name))
            continue;
        rc = kube_resource_for(p->r->client, gvk.group, gvk.version, gvk.kind, p->r->cancel,
                               &resource, err);
        if (rc == ERR_NOT_FOUND) {
            err_done(err);
            char *text CLEANUP(mem_cleanup) =
                mem_printf("kind %s (%s)", gvk.kind, krm_str(object, "apiVersion", NULL));

            json_object_set_new(missing, text, json_true());
        } else if (rc) {
            return rc;
        }
        json_object_set_new(own, name, json_true()); /* looked at once */
    }
    return 0;
}

/* Objects can't be made in a namespace that is on its way out, either. One of our own is another
 * matter: the apply waits until it is gone and makes it anew. */
static int missing_namespaces(struct preflight *p, json_t *own, json_t *missing, struct err *err)
{
    json_auto_t *stubs = json_array(), *found = NULL;
    const json_t *object;
    size_t i;
    int rc;

    json_array_foreach (p->r->objects, i, object) {
        const char *name = krm_str(object, "metadata", "namespace", NULL);

        if (!name[0] || json_object_get(own, name))
            continue;
        json_object_set_new(own, name, json_true());
        json_array_append_new(stubs, json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                               "Namespace", "metadata", "name", name));
    }
    rc = kube_existing(p->r->client, stubs, p->r->cancel, &found, err);
    if (rc)
        return rc;
    json_array_foreach (stubs, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object), *text CLEANUP(mem_cleanup) = NULL;
        const json_t *there = json_object_get(found, key);
        bool leaving = krm_get(there, "metadata", "deletionTimestamp", NULL) != NULL;

        if (there && !leaving)
            continue;
        text = mem_printf("namespace %s%s", krm_str(object, "metadata", "name", NULL),
                          leaving ? " (it is being deleted)" : "");
        json_object_set_new(missing, text, json_true());
    }
    return 0;
}

static char *missing_text(const struct preflight *p, json_t *missing)
{
    struct buf text = BUF_INIT;
    const char *name;
    json_t *unused;
    const json_t *need;
    size_t i, n = 0;

    buf_puts(&text, "the cluster lacks ");
    json_object_foreach (missing, name, unused)
        preflight_put_named(&text, n++, name);
    preflight_put_rest(&text, n);
    buf_puts(&text, ". Nothing was written. ");
    if (json_array_size(p->r->needs)) {
        buf_puts(&text, "Install what this component needs first, and name it in depends_on: ");
        json_array_foreach (p->r->needs, i, need)
            buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(need));
    } else {
        buf_puts(&text, "Install what brings it first, and name it in depends_on");
    }
    return buf_take(&text);
}

int preflight_needs(struct preflight *p, struct err *err)
{
    json_auto_t *kinds = json_object(), *namespaces = json_object(), *missing = json_object();
    int rc;

    collect_own(p->r->objects, kinds, namespaces);
    rc = missing_kinds(p, kinds, missing, err);
    if (!rc)
        rc = missing_namespaces(p, namespaces, missing, err);
    if (!rc && json_object_size(missing))
        preflight_problem(p, ERR_NOT_FOUND, "", missing_text(p, missing));
    return rc;
}
