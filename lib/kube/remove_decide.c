/* Which of a removal's targets stay.
 *
 * When a CRD or a namespace is judged, whatever goes before it is gone. So in a destroy all that is left
 * and isn't of the set is others'; in a prune everything that is left counts, members that stay, too. */
#include <string.h>

#include "lib/base/log.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/remove_parts.h"

#include "lib/base/banned.h"

static const char *kind_of(const json_t *meta)
{
    return gvk_of(meta).kind;
}

static const char *name_of(const json_t *meta)
{
    return krm_str(meta, "metadata", "name", NULL);
}

static const char *namespace_of(const json_t *meta)
{
    return krm_str(meta, "metadata", "namespace", NULL);
}

json_t *remove_owned_by(const struct removal *r, const json_t *meta)
{
    return json_object_get(r->owned, krm_str(meta, "metadata", "uid", NULL));
}

bool remove_stays_with_data(const struct removal *r, const json_t *meta)
{
    return r->o->user_data != KUBE_DATA_DELETE && r->o->facts && r->o->facts->stays_with_data(meta);
}

static enum kube_strangers who_counts(const struct removal *r)
{
    return r->o->others ? KUBE_ANYBODYS : KUBE_NOT_OF_SET;
}

/* Whether one of these objects is in a namespace. */
static bool is_any_in(const json_t *objects, const char *namespace)
{
    const char *key;
    json_t *meta;

    json_object_foreach ((json_t *)objects, key, meta) {
        if (!strcmp(namespace_of(meta), namespace))
            return true;
    }
    return false;
}

/* Whether a claim in the same namespace is among the targets. */
static bool is_beside_claim(const struct removal *r, const json_t *meta)
{
    const char *key;
    json_t *other;

    json_object_foreach (r->targets, key, other) {
        if (!strcmp(kind_of(other), "PersistentVolumeClaim") &&
            !strcmp(namespace_of(other), namespace_of(meta)))
            return true;
    }
    return false;
}

static int namespace_must_stay(const struct removal *r, const char *name, const char **ret_why,
                               struct err *err)
{
    json_auto_t *found = NULL;
    int rc;

    if (is_any_in(r->o->others, name)) {
        *ret_why = "wanted objects are in it";
        return 0;
    }
    rc = kube_namespace_content(r->o->client, name, r->o->set_id, who_counts(r), 1, r->o->cancel,
                                &found, err);
    if (json_array_size(found))
        *ret_why = "others keep something in it";
    return rc;
}

/* An object to which namespaces belong. What people do in them shows in more than can be looked for,
 * so none goes when their work is to be kept. */
static int owner_must_stay(const struct removal *r, const struct target *t, const char **ret_why,
                           struct err *err)
{
    json_t *namespace, *owned = remove_owned_by(r, t->meta);
    const char *unused;
    int rc = 0;

    if (json_object_size(owned) && r->o->user_data == KUBE_DATA_KEEP) {
        *ret_why = "a namespace belongs to it, which may hold users' work";
        return 0;
    }
    json_object_foreach (owned, unused, namespace) {
        if (!rc && !*ret_why)
            rc = namespace_must_stay(r, name_of(namespace), ret_why, err);
    }
    return rc;
}

static int crd_must_stay(const struct removal *r, const struct target *t, const char **ret_why,
                         struct err *err)
{
    const struct kube_remove_options *o = r->o;
    json_auto_t *found = NULL;
    int rc;

    if (o->crds == KUBE_CRDS_KEEP)
        *ret_why = "crds = \"keep\"";
    if (o->crds == KUBE_CRDS_KEEP ||
        (o->crds == KUBE_CRDS_DELETE && o->user_data == KUBE_DATA_DELETE))
        return 0;
    rc = kube_crd_instances(o->client, name_of(t->meta), NULL, o->set_id, who_counts(r), 1,
                            o->cancel, &found, err);
    if (json_array_size(found))
        *ret_why = "objects of its kind exist";
    return rc;
}

/* What stays because users' data is to be kept. */
static int data_must_stay(const struct removal *r, const struct target *t, const char **ret_why,
                          struct err *err)
{
    const char *kind = kind_of(t->meta);

    if (!strcmp(kind, "PersistentVolumeClaim"))
        *ret_why = "it holds data";
    else if (remove_stays_with_data(r, t->meta) && is_beside_claim(r, t->meta))
        *ret_why = "a claim beside it holds data that needs it";
    else if (!strcmp(kind, "Namespace"))
        return namespace_must_stay(r, name_of(t->meta), ret_why, err);
    else
        return owner_must_stay(r, t, ret_why, err);
    return 0;
}

int remove_must_release(const struct removal *r, const struct target *t, bool *ret_release,
                        struct err *err)
{
    const char *why = NULL;
    int rc = 0;

    if (remove_is_adopted(r->o, t->meta))
        why = "it was there before and was adopted";
    else if (!strcmp(kind_of(t->meta), "CustomResourceDefinition"))
        rc = crd_must_stay(r, t, &why, err);
    else if (r->o->user_data != KUBE_DATA_DELETE)
        rc = data_must_stay(r, t, &why, err);
    if (rc)
        return rc;
    if (why)
        log_info(REMOVE_MODULE, "%s stays: %s", t->key, why);
    *ret_release = why != NULL;
    return 0;
}
