#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/graph.h"
#include "lib/kube/members.h"
#include "lib/kube/remove_parts.h"

#include "lib/base/banned.h"

#define MAX_NAMED 5 /* objects that a sentence names one by one */

bool remove_is_adopted(const struct kube_remove_options *o, const json_t *meta)
{
    return !o->delete_adopted &&
           !strcmp(krm_str(meta, "metadata", "annotations", APPLYSET_ADOPTED, NULL), "true");
}

bool remove_may_own(const json_t *meta)
{
    return kube_graph_phase(meta) == REMOVE_CUSTOM_PHASE &&
           !krm_str(meta, "metadata", "namespace", NULL)[0];
}

bool remove_holds_work(const struct kube_remove_options *o, const char *crd_name,
                       enum kube_strangers *ret_which)
{
    /* What another installation has is its business, unless the CRD goes in any case. */
    *ret_which = o->crds == KUBE_CRDS_DELETE ? KUBE_NOT_OF_SET : KUBE_NOT_OF_ANY;
    return o->crds == KUBE_CRDS_DELETE || (o->facts && o->facts->wave_of(crd_name));
}

struct check {
    const struct kube_remove_options *o;
    enum kube_strangers which;
    json_t *owned;  /* kube_owned_namespaces, or NULL: not asked for yet */
    json_t *claims; /* array of metadata */
    json_t *out;
};

/* Appends a sentence "<what>: a, b, c and more" for a list of objects. */
static void add_sentence(json_t *out, const char *what, const json_t *objects)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT;
    const json_t *object;
    size_t i, n = json_array_size(objects);

    if (!n)
        return;
    buf_printf(&text, "%s: ", what);
    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (i < MAX_NAMED)
            buf_printf(&text, "%s%s", i ? ", " : "", key);
    }
    if (n > MAX_NAMED)
        buf_puts(&text, " and more");
    json_array_append_new(out, json_string(buf_str(&text)));
}

static int check_namespace(struct check *c, const char *name, const char *what, struct err *err)
{
    json_auto_t *found = NULL;
    int rc = kube_namespace_content(c->o->client, name, c->o->set_id, c->which, MAX_NAMED + 1,
                                    c->o->cancel, &found, err);

    if (!rc)
        add_sentence(c->out, what, found);
    return rc;
}

static int check_crd(struct check *c, const char *name, struct err *err)
{
    json_auto_t *found = NULL;
    char *what CLEANUP(mem_cleanup) = mem_printf("custom resources of %s", name);
    enum kube_strangers which;
    int rc;

    if (!remove_holds_work(c->o, name, &which))
        return 0;
    if (c->which == KUBE_NOT_OF_ANY) /* others may be about to go as well */
        which = KUBE_NOT_OF_ANY;
    rc = kube_crd_instances(c->o->client, name, NULL, c->o->set_id, which, MAX_NAMED + 1,
                            c->o->cancel, &found, err);
    if (!rc)
        add_sentence(c->out, what, found);
    return rc;
}

/* Namespaces that go with the object. */
static int check_owned(struct check *c, const char *key, const json_t *meta, struct err *err)
{
    json_t *namespace;
    const char *unused;
    int rc = 0;

    if (!remove_may_own(meta))
        return 0;
    if (!c->owned)
        rc = kube_owned_namespaces(c->o->client, c->o->cancel, &c->owned, err);
    if (rc)
        return rc;
    json_object_foreach (json_object_get(c->owned, krm_str(meta, "metadata", "uid", NULL)), unused,
                         namespace) {
        const char *name = krm_str(namespace, "metadata", "name", NULL);
        char *what CLEANUP(mem_cleanup) =
            mem_printf("in namespace %s, which goes with %s", name, key);

        if ((rc = check_namespace(c, name, what, err)))
            return rc;
    }
    return 0;
}

static int check_target(struct check *c, const char *key, json_t *meta, struct err *err)
{
    const char *kind = gvk_of(meta).kind, *name = krm_str(meta, "metadata", "name", NULL);

    if (remove_is_adopted(c->o, meta))
        return 0;
    if (!strcmp(kind, "Namespace")) {
        char *what CLEANUP(mem_cleanup) =
            mem_printf("in namespace %s, not of this installation", name);

        return check_namespace(c, name, what, err);
    }
    if (!strcmp(kind, "PersistentVolumeClaim"))
        json_array_append(c->claims, meta);
    else if (!strcmp(kind, "CustomResourceDefinition"))
        return check_crd(c, name, err);
    return check_owned(c, key, meta, err);
}

int kube_remove_check(const struct kube_remove_options *o, enum kube_strangers which,
                      json_t **ret_user_data, struct err *err)
{
    json_auto_t *out = json_array(), *claims = json_array();
    struct check c = {.o = o, .which = which, .claims = claims, .out = out};
    json_t *meta;
    const char *key;
    int rc = 0;

    json_object_foreach ((json_t *)o->targets, key, meta) {
        if (!rc)
            rc = check_target(&c, key, meta, err);
    }
    json_decref(c.owned);
    if (rc)
        return rc;
    add_sentence(out, "claims with data", claims);
    *ret_user_data = json_incref(out);
    return 0;
}
