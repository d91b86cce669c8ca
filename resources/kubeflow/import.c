#include "resources/kubeflow/import.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"
#include "lib/kube/drift.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/import_parts.h"
#include "resources/kubeflow/import_release.h"
#include "resources/kubeflow/manifests.h"
#include "resources/kubeflow/platform.h"

#include "lib/base/banned.h"

#define MODULE "kubeflow.import"

void import_found_done(struct import_found *f)
{
    json_decref(f->values);
    json_decref(f->facts);
    json_decref(f->notes);
    memset(f, 0, sizeof(*f));
}

void import_note(struct import_found *f, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    json_array_append_new(f->notes, json_string(text));
}

static void cluster_done(struct import_cluster *c)
{
    json_decref(c->recorded);
    json_decref(c->live);
    json_decref(c->classes);
    json_decref(c->profiles);
    json_decref(c->rendered);
    json_decref(c->existing);
}

const json_t *import_rendered(const struct import_cluster *c, const char *key)
{
    const char *component;
    json_t *objects;

    json_object_foreach (c->rendered, component, objects) {
        const json_t *object;
        size_t i;

        json_array_foreach (objects, i, object) {
            char *own CLEANUP(mem_cleanup) = kube_key(object);

            if (!strcmp(own, key))
                return object;
        }
    }
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* Objects that tell settings, by key; claims and markers are added from their tables. */
static const char *const telling[] = {
    IMPORT_GATEWAY,
    IMPORT_DEX,
    IMPORT_PASSWORDS,
    "apps/Deployment/auth/dex",
    "apps/DaemonSet/kube-system/istio-cni-node",
    "networking.istio.io/Gateway/kubeflow/kubeflow-gateway",
};

static void want(json_t *keys, const char *key)
{
    json_object_set_new(keys, key, json_true());
}

static json_t *wanted_keys(void)
{
    json_t *keys = json_object();
    size_t len;
    const struct import_marker *markers = import_markers(&len);
    const struct catalog_claim *claims;

    for (size_t i = 0; i < ARRAY_LEN(telling); i++)
        want(keys, telling[i]);
    for (size_t i = 0; i < len; i++) {
        char *key CLEANUP(mem_cleanup) =
            mem_printf("apps/Deployment/%s/%s", markers[i].namespace, markers[i].deployment);

        want(keys, key);
    }
    claims = catalog_claims(&len);
    for (size_t i = 0; i < len; i++) {
        const char *namespace = catalog_namespace(claims[i].component);
        char *key CLEANUP(mem_cleanup) = mem_printf(
            "PersistentVolumeClaim/%s/%s", namespace ? namespace : "kubeflow", claims[i].name);

        want(keys, key);
    }
    return keys;
}

/* Kinds that the cluster doesn't serve have no objects. */
static int ask(struct kube_client *c, struct kube_queue *queue, const char *key,
               struct cancel *cancel, struct err *err)
{
    json_auto_t *stub = kube_stub_of_key(key);
    struct gvk gvk = gvk_of(stub);
    struct kube_request req = {.verb = KUBE_GET,
                               .namespace = krm_str(stub, "metadata", "namespace", NULL),
                               .name = krm_str(stub, "metadata", "name", NULL),
                               .user = (void *)key};
    int rc = kube_resource_for(c, gvk.group, "", gvk.kind, cancel, &req.resource, err);

    if (rc == ERR_NOT_FOUND) {
        err_done(err);
        return 0;
    }
    if (!rc)
        kube_start(queue, &req);
    return rc;
}

static int read_live(const struct import_request *r, json_t *live, struct err *err)
{
    json_auto_t *keys = wanted_keys();
    struct kube_queue *queue CLEANUP(kube_queue_cleanup) = kube_queue_new(r->client);
    const char *key;
    json_t *unused;
    int rc = 0;

    json_object_foreach (keys, key, unused) {
        rc = ask(r->client, queue, key, r->cancel, err);
        if (rc)
            return rc;
    }
    while (!rc && kube_pending(queue)) {
        struct kube_result res;

        if (kube_next(queue, clock_deadline(-1), r->cancel, &res))
            return err_set(err, ERR_CANCELLED, "interrupted while looking what is installed");
        if (!res.code)
            json_object_set(live, res.user, res.body);
        else if (res.code != ERR_NOT_FOUND)
            rc = err_move(err, &res.err);
        kube_result_done(&res);
    }
    return rc;
}

static int list_all(const struct import_request *r, const char *group, const char *kind,
                    json_t **ret_items, struct err *err)
{
    struct kube_request req = {.verb = KUBE_LIST};
    int rc = kube_resource_for(r->client, group, "", kind, r->cancel, &req.resource, err);

    if (!rc)
        return kube_list(r->client, &req, r->cancel, ret_items, NULL, err);
    if (rc == ERR_NOT_FOUND) {
        err_done(err);
        *ret_items = json_array();
        rc = 0;
    }
    return rc;
}

/* What an earlier state of ours, lost since, recorded. */
static int read_record(const struct import_request *r, struct import_cluster *c, struct err *err)
{
    struct applyset_parent parent = {0};
    int rc = applyset_read(r->client, PLATFORM_SET_NAME, r->cancel, &parent, err);

    if (rc)
        return rc;
    applyset_id(PLATFORM_SET_NAME, c->set_id);
    c->recorded = json_incref(json_object_get(parent.info, "release"));
    applyset_parent_done(&parent);
    return 0;
}

static int read_cluster(const struct import_request *r, struct import_cluster *c, struct err *err)
{
    int rc;

    c->manager = r->manager;
    c->live = json_object();
    rc = read_record(r, c, err);
    if (!rc)
        rc = read_live(r, c->live, err);
    if (!rc)
        rc = list_all(r, "storage.k8s.io", "StorageClass", &c->classes, err);
    return rc ? rc : list_all(r, "kubeflow.org", "Profile", &c->profiles, err);
}

/* --- the release -------------------------------------------------------------------------------- */

/* Which release has a tree with that digest? */
static int find_digest(const struct import_request *r, const struct catalog_release **ret_release,
                       struct err *err)
{
    size_t len;
    const struct catalog_release *releases = catalog_releases(&len);
    struct buf known CLEANUP(buf_done) = BUF_INIT;

    for (size_t i = 0; i < len; i++) {
        struct source_spec spec = {.release = releases[i].name};
        const struct source *source;
        int rc = source_open(r->sources, &spec, r->cancel, &source, NULL);

        if (rc == ERR_CANCELLED)
            return err_set(err, rc, "interrupted while looking for the release");
        if (!rc && !strcmp(source->digest, r->id)) {
            *ret_release = &releases[i];
            return 0;
        }
        buf_printf(&known, "%s%s %s", i ? ", " : "", releases[i].name,
                   rc ? "can't be had" : source->digest);
    }
    return err_set(
        err, ERR_INVALID,
        "no release has a tree with digest %s: %s. For a fork, import by the name of the "
        "release that it was made of, and set manifests in the configuration",
        r->id, buf_str(&known));
}

static int tell_release(const struct import_request *r, const struct import_cluster *c,
                        struct import_found *f, struct err *err)
{
    char *why CLEANUP(mem_cleanup) = NULL;
    int rc;

    if (!strncmp(r->id, "sha256:", 7)) {
        rc = find_digest(r, &f->release, err);
        if (!rc)
            json_object_set_new(f->values, "manifests", json_pack("{s:s}", "digest", r->id));
    } else if (strcmp(r->id, IMPORT_AUTO) != 0) {
        rc = catalog_find_release(r->id, &f->release, err);
    } else {
        rc = import_tell_release(c, &f->release, &why, err);
        if (!rc)
            import_note(f, "this is Kubeflow %s: told %s", f->release->name, why);
    }
    if (!rc)
        json_object_set_new(f->values, "release", json_string(f->release->name));
    return rc;
}

/* --- the components ----------------------------------------------------------------------------- */

static int render_all(const struct import_request *r, const struct import_found *f,
                      json_t *rendered, struct err *err)
{
    for (size_t i = 0; i < f->release->ncomponents; i++) {
        struct manifests_request m = {.component = f->release->components[i].name,
                                      .release = f->release->name,
                                      .tree_digest =
                                          krm_str(f->values, "manifests", "digest", NULL)};
        const char *attribute;
        struct manifests out;
        int rc;

        if (!*m.tree_digest)
            m.tree_digest = NULL;
        rc = manifests_render(r->sources, &m, r->cancel, &out, &attribute, err);
        if (rc)
            return rc;
        json_object_set(rendered, m.component, out.objects);
        manifests_done(&out);
    }
    return 0;
}

static int look_for_objects(const struct import_request *r, struct import_cluster *c,
                            struct err *err)
{
    json_auto_t *all = json_array();
    const char *component;
    json_t *objects;

    json_object_foreach (c->rendered, component, objects)
        json_array_extend(all, objects);
    return kube_existing(r->client, all, r->cancel, &c->existing, err);
}

static int look(const struct import_request *r, struct import_cluster *c, struct import_found *f,
                struct err *err)
{
    int rc = read_cluster(r, c, err);

    if (!rc)
        rc = tell_release(r, c, f, err);
    if (rc)
        return rc;
    c->rendered = json_object();
    rc = render_all(r, f, c->rendered, err);
    if (!rc)
        rc = look_for_objects(r, c, err);
    if (!rc)
        rc = import_tell_components(c, f, err);
    if (rc)
        return rc;
    import_tell_gateway(c, f);
    import_tell_storage(c, f);
    import_tell_login(c, f);
    log_info(MODULE, "Kubeflow %s is installed", f->release->name);
    return 0;
}

int import_look(const struct import_request *r, struct import_found *ret, struct err *err)
{
    struct import_cluster c = {0};
    struct import_found f = {
        .values = json_object(), .facts = json_object(), .notes = json_array()};
    int rc = look(r, &c, &f, err);

    cluster_done(&c);
    if (rc)
        import_found_done(&f);
    else
        *ret = f;
    return rc;
}
