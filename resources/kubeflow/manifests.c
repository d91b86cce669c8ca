#include "resources/kubeflow/manifests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kube/members.h"
#include "lib/kustomize/kustomize.h"
#include "resources/kubeflow/catalog.h"
#include "resources/kubeflow/rewrite.h"

#include "lib/base/banned.h"

/* The overlay's directory in the tree; no release has one of that name. A platform's components have
 * theirs below it. */
#define OVERLAY_DIR    "terraform-provider-kubeflow-overlay"
#define COMPONENTS_DIR OVERLAY_DIR "/components"

void manifests_done(struct manifests *m)
{
    json_decref(m->objects);
    json_decref(m->needs);
    json_decref(m->components);
    free(m->version);
    free(m->digest);
    memset(m, 0, sizeof(*m));
}

/* --- what to render ----------------------------------------------------------------------------- */

/* A request, resolved: which tree, and where in it. A directory on disk is part of a tree that may
 * go on above it ("../base"), as for kustomize: then the tree is the file system. */
struct place {
    struct source_spec spec;
    struct loader *disk; /* owned; NULL = spec says which tree */
    char *tree;          /* owns spec.path or spec.url where they were cut */
    char *dir;
    const struct catalog_component *component; /* or NULL */
    const char *patch;                         /* that the catalog adds on this target; or NULL */
    const char *attribute;                     /* to blame when the tree can't be had */
};

static void place_done(struct place *p)
{
    loader_free(p->disk);
    free(p->tree);
    free(p->dir);
}

/* Which tree a release is, or what is given instead of it. */
static void place_of_release(const struct manifests_request *r,
                             const struct catalog_release *release, struct place *p)
{
    p->attribute = "manifests";
    if (r->tree_path)
        p->spec.path = r->tree_path;
    else if (r->tree_url)
        p->spec.url = r->tree_url;
    else {
        p->spec.release = release->name;
        p->attribute = "release";
    }
    p->spec.digest = r->tree_digest;
}

static int place_of_component(const struct manifests_request *r, struct place *p,
                              const char **ret_attribute, struct err *err)
{
    const struct catalog_release *release;
    enum catalog_target target;
    int rc;

    *ret_attribute = "release";
    if ((rc = catalog_find_release(r->release, &release, err)))
        return rc;
    *ret_attribute = "name";
    if ((rc = catalog_find_component(release, r->component, &p->component, err)))
        return rc;
    *ret_attribute = "target";
    if ((rc = catalog_find_target(r->target, &target, err)))
        return rc;
    p->dir = mem_strdup(p->component->path[target]);
    p->patch = catalog_patch(release, r->component, target);
    place_of_release(r, release, p);
    return 0;
}

/* "tree//dir" in two parts; the "//" of "https://" isn't one. */
static void split(const char *text, struct place *p)
{
    const char *scheme = strstr(text, "://");
    const char *cut = strstr(scheme ? scheme + 3 : text, "//");

    p->tree = cut ? mem_strndup(text, (size_t)(cut - text)) : mem_strdup(text);
    p->dir = mem_strdup(cut ? cut + 2 : "");
}

/* A directory without "//": its bases may be anywhere on disk. */
static int find_directory(const char *path, struct place *p, struct err *err)
{
    char *real CLEANUP(mem_cleanup) = realpath(path, NULL);

    if (!real)
        return err_errno(err, ERR_NOT_FOUND, "%s", path);
    free(p->dir);
    p->dir = mem_strdup(real + 1);
    return loader_open_dir("/", &p->disk, err);
}

static bool is_directory(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int find_place(const struct manifests_request *r, struct place *p,
                      const char **ret_attribute, struct err *err)
{
    if (r->settings) {
        place_of_release(r, r->settings->release, p);
        p->dir = mem_strdup("");
        return 0;
    }
    if (r->component)
        return place_of_component(r, p, ret_attribute, err);
    p->attribute = r->path ? "path" : "url";
    split(r->path ? r->path : r->url, p);
    p->spec.digest = r->tree_digest;
    if (!r->path) {
        p->spec.url = p->tree;
        return 0;
    }
    p->spec.path = p->tree;
    if (!r->tree_digest && !*p->dir && is_directory(r->path)) {
        *ret_attribute = p->attribute;
        return find_directory(r->path, p, err);
    }
    return 0;
}

/* --- rendering ---------------------------------------------------------------------------------- */

/* {"target": {..., "label_selector"}, "patch"} in kustomize's spelling. */
static json_t *kustomize_patch(const json_t *patch)
{
    json_t *out = json_pack("{s:O}", "patch", json_object_get(patch, "patch"));
    json_t *target = json_copy(json_object_get(patch, "target"));
    json_t *selector = json_object_get(target, "label_selector");

    if (selector) {
        json_object_set(target, "labelSelector", selector);
        json_object_del(target, "label_selector");
    }
    if (target)
        json_object_set_new(out, "target", target);
    return out;
}

static json_t *kustomize_patches(const json_t *users)
{
    json_t *list = json_array();
    const json_t *patch;
    size_t i;

    json_array_foreach (users, i, patch)
        json_array_append_new(list, kustomize_patch(patch));
    return list;
}

/* A kustomization in the overlay. JSON is YAML. Steals resources and patches. */
static int add_kustomization(struct loader *memory, const char *dir, json_t *resources,
                             json_t *patches, struct err *err)
{
    json_auto_t *k =
        json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "kustomize.config.k8s.io/v1beta1", "kind",
                  "Kustomization", "resources", resources, "patches", patches);
    char *text CLEANUP(mem_cleanup) = json_dumps(k, JSON_INDENT(1));
    char *path CLEANUP(mem_cleanup) = mem_printf("%s/kustomization.yaml", dir);

    return loader_add(memory, path, text, strlen(text), err);
}

/* One component, or any directory: the catalog's patch goes first, so that the user's win. */
static int add_overlay(struct loader *memory, const struct place *p, json_t *patches,
                       struct err *err)
{
    char *base CLEANUP(mem_cleanup) = mem_printf("../%s", p->dir);

    if (p->patch)
        json_array_insert_new(patches, 0, json_pack("{s:s}", "patch", p->patch));
    return add_kustomization(memory, OVERLAY_DIR, json_pack("[s]", base), json_incref(patches),
                             err);
}

/* A platform: a kustomization for each component, and one above them. */
static int add_platform(struct loader *memory, const struct settings *s, json_t *patches,
                        struct err *err)
{
    json_t *all = json_array();
    const json_t *name;
    size_t i;

    json_array_foreach (s->components, i, name) {
        const char *component = json_string_value(name);
        const char *patch = catalog_patch(s->release, component, s->target);
        char *dir CLEANUP(mem_cleanup) = mem_printf(COMPONENTS_DIR "/%s", component);
        char *base CLEANUP(mem_cleanup) =
            mem_printf("../../../%s", catalog_component(s->release, component)->path[s->target]);
        json_t *own = patch ? json_pack("[{s:s}]", "patch", patch) : json_array();
        int rc = add_kustomization(memory, dir, json_pack("[s]", base), own, err);

        if (rc) {
            json_decref(all);
            return rc;
        }
        json_array_append_new(all, json_sprintf("components/%s", component));
    }
    return add_kustomization(memory, OVERLAY_DIR, all, json_incref(patches), err);
}

static json_t *needs_of(const struct catalog_component *c)
{
    json_t *out = json_array();

    for (size_t i = 0; c && c->needs && c->needs[i]; i++)
        json_array_append_new(out, json_string(c->needs[i]));
    return out;
}

struct adjusting {
    const struct settings *settings;
    const char **ret_attribute;
};

static int adjust(void *arg, const char *name, json_t *objects, struct err *err)
{
    struct adjusting *a = arg;
    const char *attribute = NULL;
    json_t *object;
    size_t i;
    int rc = settings_adjust(a->settings, name, objects, &attribute, err);

    if (rc) {
        *a->ret_attribute = attribute;
        return err_wrap(err, "component %s", name);
    }
    json_array_foreach (objects, i, object)
        krm_set_annotation(object, APPLYSET_COMPONENT, name);
    return 0;
}

static int build(struct source_cache *sources, struct loader *tree, const struct place *p,
                 const struct manifests_request *r, const struct manifests_warnings *w,
                 struct cancel *cancel, json_t **ret_objects, const char **ret_attribute,
                 struct err *err)
{
    struct loader *memory CLEANUP(loader_cleanup) = loader_new_memory();
    struct loader *both CLEANUP(loader_cleanup) = loader_new_overlay(tree, memory);
    json_auto_t *patches = kustomize_patches(r->patches);
    struct source_resolver resolver;
    struct adjusting adjusting = {r->settings, ret_attribute};
    struct kustomize_options o = {
        .loader = tree, .path = p->dir, .warn = w->warn, .warn_arg = w->arg};
    int rc = 0;

    if (r->settings || p->patch || json_array_size(patches)) {
        rc = r->settings ? add_platform(memory, r->settings, patches, err)
                         : add_overlay(memory, p, patches, err);
        o.loader = both;
        o.path = OVERLAY_DIR;
        o.strict_patches = true;
    }
    if (rc)
        return rc;
    if (r->settings) {
        o.adjust = adjust;
        o.adjust_arg = &adjusting;
        o.adjust_below = COMPONENTS_DIR;
    }
    source_resolver_init(&resolver, sources, cancel);
    o.resolver = &resolver.resolver;
    o.parsed = source_cache_parsed(sources);
    rc = kustomize_build(&o, ret_objects, err);
    source_resolver_done(&resolver);
    return rc;
}

/* What is rendered, for messages. */
static const char *subject(const struct manifests_request *r)
{
    return r->settings ? "the platform" : r->component ? r->component : r->path ? r->path : r->url;
}

int manifests_build(struct source_cache *sources, const struct manifests_request *r,
                    const struct manifests_warnings *w, struct cancel *cancel,
                    struct manifests *ret, const char **ret_attribute, struct err *err)
{
    struct place p CLEANUP(place_done) = {0};
    const struct source *src = NULL;
    json_t *objects;
    int rc;

    *ret_attribute = NULL;
    rc = find_place(r, &p, ret_attribute, err);
    if (rc)
        return rc;
    *ret_attribute = p.attribute;
    if (!p.disk && (rc = source_open(sources, &p.spec, cancel, &src, err)))
        return rc;
    if (json_array_size(r->patches))
        *ret_attribute = "patches";
    rc = build(sources, p.disk ? p.disk : src->loader, &p, r, w, cancel, &objects, ret_attribute,
               err);
    if (rc)
        return err_wrap(err, "rendering %s", subject(r));
    ret->objects = objects;
    ret->digest = src ? mem_strdup(src->digest) : NULL;
    ret->version = mem_strdup(p.component ? p.component->version : "");
    ret->needs = needs_of(p.component);
    return 0;
}

/* --- objects as they are applied ---------------------------------------------------------------- */

/* The scope that a CRD among the objects gives a kind. */
static enum krm_scope scope_in(const json_t *objects, const char *group, const char *kind)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object)
        if (!strcmp(gvk_of(object).kind, "CustomResourceDefinition") &&
            !strcmp(krm_str(object, "spec", "group", NULL), group) &&
            !strcmp(krm_str(object, "spec", "names", "kind", NULL), kind))
            return strcmp(krm_str(object, "spec", "scope", NULL), "Cluster") ? KRM_SCOPE_NAMESPACED
                                                                             : KRM_SCOPE_CLUSTER;
    return KRM_SCOPE_UNKNOWN;
}

static void settle_namespace(json_t *object, const json_t *objects, const char *component)
{
    struct gvk gvk = gvk_of(object);
    json_t *metadata = json_object_get(object, "metadata");
    enum krm_scope scope = krm_scope_of(gvk.group, gvk.kind);
    const char *home = component ? catalog_namespace(component) : NULL;

    if (scope == KRM_SCOPE_UNKNOWN)
        scope = scope_in(objects, gvk.group, gvk.kind);
    if (scope == KRM_SCOPE_CLUSTER)
        json_object_del(metadata, "namespace");
    else if (scope == KRM_SCOPE_NAMESPACED && !krm_str(object, "metadata", "namespace", NULL)[0])
        json_object_set_new(metadata, "namespace", json_string(home ? home : "default"));
}

static int settle(json_t *objects, const struct manifests_request *r, const char **ret_attribute,
                  struct err *err)
{
    json_auto_t *seen = json_object();
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = NULL;
        const char *component = applyset_component(object);
        int rc;

        settle_namespace(object, objects, r->settings ? component : r->component);
        rewrite_images(object, r->image_mirrors);
        rc = rewrite_ignore(object, r->ignore_fields, err);
        if (rc) {
            *ret_attribute = "ignore_fields";
            return rc;
        }
        krm_normalize(object);
        key = kube_key(object);
        if (!krm_str(object, "metadata", "name", NULL)[0])
            return err_set(err, ERR_INVALID, "an object of kind %s has no name",
                           gvk_of(object).kind);
        if (json_object_get(seen, key))
            return err_set(err, ERR_INVALID,
                           "%s comes twice (in two versions of its API, or in two namespaces that "
                           "are one)",
                           key);
        json_object_set_new(seen, key, json_true());
    }
    return 0;
}

/* The settings' last word, component by component. */
static int finish(json_t *objects, const struct settings *s, const char **ret_attribute,
                  struct err *err)
{
    const json_t *name;
    size_t c;

    json_array_foreach (s->components, c, name) {
        json_auto_t *own = json_array();
        json_t *object;
        size_t i;
        int rc;

        json_array_foreach (objects, i, object) {
            if (!strcmp(applyset_component(object), json_string_value(name)))
                json_array_append(own, object);
        }
        rc = settings_finish(s, json_string_value(name), own, ret_attribute, err);
        if (rc)
            return err_wrap(err, "component %s", json_string_value(name));
    }
    return 0;
}

/* The platform's components and how many objects each has. */
static json_t *count_components(const json_t *objects, const struct settings *s)
{
    json_t *out = json_object();
    const json_t *name, *object;
    size_t i;

    json_array_foreach (s->components, i, name) {
        const char *component = json_string_value(name);

        json_object_set_new(out, component,
                            json_pack("{s:s, s:i}", "version",
                                      catalog_component(s->release, component)->version, "objects",
                                      0));
    }
    json_array_foreach (objects, i, object) {
        json_t *n = json_object_get(json_object_get(out, applyset_component(object)), "objects");

        json_integer_set(n, json_integer_value(n) + 1);
    }
    return out;
}

static void log_warning(void *arg, const char *message)
{
    log_debug("kubeflow.manifests", "%s: %s", (const char *)arg, message);
}

/* A directory on disk has no tree of its own to take the digest of: what it renders to has one. */
static char *digest_of_objects(const json_t *objects)
{
    char *text CLEANUP(mem_cleanup) = krm_canonical_json(objects);
    char hex[HASH_HEX_SIZE];

    hash_sha256_hex(text, strlen(text), hex);
    return mem_printf("sha256:%s", hex);
}

int manifests_render(struct source_cache *sources, const struct manifests_request *r,
                     struct cancel *cancel, struct manifests *ret, const char **ret_attribute,
                     struct err *err)
{
    struct manifests_warnings warnings = {log_warning, (void *)subject(r)};
    struct manifests m = {0};
    int rc = manifests_build(sources, r, &warnings, cancel, &m, ret_attribute, err);

    if (!rc && !m.digest)
        m.digest = digest_of_objects(m.objects);
    if (!rc && r->settings)
        rc = finish(m.objects, r->settings, ret_attribute, err);
    if (!rc)
        rc = settle(m.objects, r, ret_attribute, err);
    if (rc) {
        manifests_done(&m);
        return rc;
    }
    if (r->settings)
        m.components = count_components(m.objects, r->settings);
    *ret = m;
    return 0;
}
