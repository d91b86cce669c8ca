#include "resources/kubeflow/preflight.h"

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

static int missing_kinds(struct kube_client *c, const json_t *objects, json_t *own, json_t *missing,
                         struct cancel *cancel, struct err *err)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        struct gvk gvk = gvk_of(object);
        char *name CLEANUP(mem_cleanup) = mem_printf("%s.%s", gvk.kind, gvk.group);
        const struct kube_resource *resource;
        int rc;

        if (json_object_get(own, name))
            continue;
        rc = kube_resource_for(c, gvk.group, gvk.version, gvk.kind, cancel, &resource, err);
        if (rc == ERR_NOT_FOUND) {
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

static int missing_namespaces(struct kube_client *c, const json_t *objects, json_t *own,
                              json_t *missing, struct cancel *cancel, struct err *err)
{
    json_auto_t *stubs = json_array(), *found = NULL;
    const json_t *object;
    size_t i;
    int rc;

    json_array_foreach (objects, i, object) {
        const char *name = krm_str(object, "metadata", "namespace", NULL);

        if (!name[0] || json_object_get(own, name))
            continue;
        json_object_set_new(own, name, json_true());
        json_array_append_new(stubs, json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                               "Namespace", "metadata", "name", name));
    }
    rc = kube_existing(c, stubs, cancel, &found, err);
    if (rc)
        return rc;
    json_array_foreach (stubs, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object), *text CLEANUP(mem_cleanup) = NULL;

        if (json_object_get(found, key))
            continue;
        text = mem_printf("namespace %s", krm_str(object, "metadata", "name", NULL));
        json_object_set_new(missing, text, json_true());
    }
    return 0;
}

int preflight_needs(struct kube_client *c, const json_t *objects, const json_t *needs,
                    struct cancel *cancel, struct err *err)
{
    json_auto_t *kinds = json_object(), *namespaces = json_object(), *missing = json_object();
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const char *name;
    json_t *unused;
    const json_t *need;
    size_t i;
    int rc, n = 0;

    collect_own(objects, kinds, namespaces);
    rc = missing_kinds(c, objects, kinds, missing, cancel, err);
    if (!rc)
        rc = missing_namespaces(c, objects, namespaces, missing, cancel, err);
    if (rc || !json_object_size(missing))
        return rc;
    buf_puts(&text, "the cluster lacks ");
    json_object_foreach (missing, name, unused)
        buf_printf(&text, "%s%s", n++ ? ", " : "", name);
    buf_puts(&text, ". Nothing was written. ");
    if (json_array_size(needs)) {
        buf_puts(&text, "Install what this component needs first, and name it in depends_on: ");
        json_array_foreach (needs, i, need)
            buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(need));
    } else {
        buf_puts(&text, "Install what brings it first, and name it in depends_on");
    }
    return err_set(err, ERR_NOT_FOUND, "%s", buf_str(&text));
}
