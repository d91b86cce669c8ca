/* A claim without a class gets the cluster's default one when it is made. One whose class isn't there
 * waits for ever, unless somebody has made volumes of that class (or of none) by hand. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

/* The second one is of old manifests, and still heeded. */
static const char *const default_annotations[] = {
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
};

static bool is_default(const json_t *class)
{
    for (size_t i = 0; i < ARRAY_LEN(default_annotations); i++)
        if (!strcmp(krm_str(class, "metadata", "annotations", default_annotations[i], NULL),
                    "true"))
            return true;
    return false;
}

struct storage {
    const json_t *classes;
    const json_t *volumes; /* NULL: not asked for yet */
};

/* Whether there is a class; wanted: NULL when the claim names none. */
static bool has_class(const struct storage *s, const char *wanted)
{
    const json_t *class;
    size_t i;

    json_array_foreach (s->classes, i, class)
        if (wanted ? !strcmp(krm_str(class, "metadata", "name", NULL), wanted) : is_default(class))
            return true;
    return false;
}

static bool has_volume(const struct storage *s, const char *wanted)
{
    const json_t *volume;
    size_t i;

    json_array_foreach (s->volumes, i, volume)
        if (!strcmp(krm_str(volume, "status", "phase", NULL), "Available") &&
            !strcmp(krm_str(volume, "spec", "storageClassName", NULL), wanted ? wanted : ""))
            return true;
    return false;
}

/* Whether the claim would wait: "" asks for a volume without a class, and one with a volumeName or
 * a selector for one that somebody makes. */
static bool lacks_class(const struct storage *s, const json_t *spec)
{
    const char *wanted = json_string_value(json_object_get(spec, "storageClassName"));

    if ((wanted && !*wanted) || krm_str(spec, "volumeName", NULL)[0] ||
        json_object_get(spec, "selector"))
        return false;
    return !has_class(s, wanted) && !has_volume(s, wanted);
}

/* The claims that an object brings: itself, or a StatefulSet's templates. Calls fn for each. */
typedef void claim_fn(const json_t *object, const json_t *claim, void *arg);
static void each_claim(const json_t *objects, claim_fn *fn, void *arg)
{
    const json_t *object, *template;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        const char *kind = gvk_of(object).kind;

        if (!strcmp(kind, "PersistentVolumeClaim"))
            fn(object, object, arg);
        else if (!strcmp(kind, "StatefulSet"))
            json_array_foreach (krm_get(object, "spec", "volumeClaimTemplates", NULL), k, template)
                fn(object, template, arg);
    }
}

struct search {
    struct preflight *p;
    struct storage storage;
    json_t *lacking;  /* the objects, each once */
    json_t *existing; /* key -> metadata of those that are there */
    bool any;
};

static void notice(const json_t *object UNUSED, const json_t *claim UNUSED, void *arg)
{
    ((struct search *)arg)->any = true;
}

static void collect(const json_t *object, const json_t *claim, void *arg)
{
    struct search *s = arg;
    size_t n = json_array_size(s->lacking);

    if (lacks_class(&s->storage, json_object_get(claim, "spec")) &&
        !(n && json_array_get(s->lacking, n - 1) == object))
        json_array_append(s->lacking, (json_t *)object);
}

static void say(const json_t *object, const json_t *claim, void *arg)
{
    struct search *s = arg;
    const json_t *spec = json_object_get(claim, "spec");
    const char *name = krm_str(claim, "metadata", "name", NULL);
    const char *wanted = krm_str(spec, "storageClassName", NULL);
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    /* what exists has got its class when it was made */
    if (!lacks_class(&s->storage, spec) || json_object_get(s->existing, key))
        return;
    preflight_problem(
        s->p, ERR_NOT_FOUND, key,
        wanted[0]
            ? mem_printf("claim %s: the cluster has no StorageClass \"%s\", nor a free volume "
                         "of it. Create it, or name another one",
                         name, wanted)
            : mem_printf("claim %s names no storage class, and the cluster has no default "
                         "StorageClass: it would wait for a volume for ever. Mark one as the "
                         "default (kubectl annotate storageclass NAME "
                         "storageclass.kubernetes.io/is-default-class=true), or name one in "
                         "the claim",
                         name));
}

int preflight_storage(struct preflight *p, struct err *err)
{
    json_auto_t *classes = NULL, *volumes = NULL, *existing = NULL, *lacking = json_array();
    struct search s = {.p = p, .lacking = lacking};
    int rc;

    each_claim(p->r->objects, notice, &s);
    if (!s.any)
        return 0;
    rc = preflight_list(p, kube_builtin_resource("storage.k8s.io", "v1", "StorageClass"), NULL,
                        &classes, err);
    if (rc)
        return rc;
    s.storage.classes = classes;
    each_claim(p->r->objects, collect, &s);
    if (!json_array_size(lacking))
        return 0;
    rc =
        preflight_list(p, kube_builtin_resource("", "v1", "PersistentVolume"), NULL, &volumes, err);
    if (!rc)
        rc = kube_existing(p->r->client, lacking, p->r->cancel, &existing, err);
    s.storage.volumes = volumes;
    s.existing = existing;
    if (!rc)
        each_claim(lacking, say, &s);
    return rc;
}
