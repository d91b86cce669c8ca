#include <string.h>

#include "lib/base/buf.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/quantity.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

/* A quantity of bytes that isn't zero. */
#define SIZE         "^(0*[1-9][0-9]*([.][0-9]*)?|0*[.]0*[1-9][0-9]*)([KMGTPE]i|[kMGTPE])?$"
#define SIZE_MAX_LEN 32

/* --- checks ------------------------------------------------------------------------------------- */

static bool brings(const struct settings *s, const struct catalog_claim *claim)
{
    return !strcmp(claim->release, s->release->name) && settings_installs(s, claim->component);
}

/* The claim of that name, or NULL. */
static const struct catalog_claim *find_claim(const struct settings *s, const char *name)
{
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        if (brings(s, &claims[i]) && !strcmp(claims[i].name, name))
            return &claims[i];
    }
    return NULL;
}

static int unknown_claim(const struct settings *s, const char *name, struct err *err)
{
    struct buf known CLEANUP(buf_done) = BUF_INIT;
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);

    for (size_t i = 0; i < len; i++) {
        if (brings(s, &claims[i]))
            buf_printf(&known, "%s%s", known.len ? ", " : "", claims[i].name);
    }
    return err_set(err, ERR_INVALID,
                   "storage.sizes[\"%s\"]: the chosen components of release %s have no "
                   "PersistentVolumeClaim of that name; they have %s",
                   name, s->release->name, known.len ? buf_str(&known) : "none");
}

int storage_check(const struct settings *s, struct err *err)
{
    const json_t *class = settings_get(s, "storage", "class_name", NULL);
    const char *name;
    json_t *value;

    if (class && !settings_fits(json_string_value(class), SETTINGS_NAME_MAX, SETTINGS_NAME))
        return err_set(err, ERR_INVALID,
                       "storage.class_name \"%s\" isn't the name of a StorageClass; leave it out "
                       "for the cluster's default",
                       json_string_value(class));
    json_object_foreach (settings_get(s, "storage", "sizes", NULL), name, value) {
        const char *size = json_string_value(value);

        if (!find_claim(s, name))
            return unknown_claim(s, name, err);
        if (!size || !settings_fits(size, SIZE_MAX_LEN, SIZE))
            return err_set(err, ERR_INVALID,
                           "storage.sizes[\"%s\"] = \"%s\" isn't a size: write it as \"50Gi\"",
                           name, size ? size : "");
    }
    return 0;
}

/* --- what an installed platform can't do -------------------------------------------------------- */

#define WAY_OUT                                                                                    \
    "set it back. To have it nevertheless, save the data, take the claims' components out of "     \
    "components and apply, delete the claims with kubectl, put the components back with the new "  \
    "value, apply again and load the data"

struct change {
    const struct settings *before, *now;
    const json_t *applied; /* key -> object, or NULL */
    struct buf claims;     /* those that are there and stay: "mysql-pv-claim (pipelines), ..." */
    struct buf shrunk;     /* "mysql-pv-claim (pipelines): 50Gi to 20Gi, ..." */
};

static const char *size_text(const struct settings *s, const struct catalog_claim *claim)
{
    const char *set = settings_str(s, "storage", "sizes", claim->name, NULL);

    return *set ? set : claim->size;
}

/* What the claim asks for in the cluster: state also says what an update couldn't bring about. */
static const char *size_before(const struct change *c, const struct catalog_claim *claim)
{
    const char *key;
    json_t *object;

    json_object_foreach ((json_t *)c->applied, key, object) {
        const char *size = krm_str(object, "spec", "resources", "requests", "storage", NULL);

        if (!strcmp(gvk_of(object).kind, "PersistentVolumeClaim") && *size &&
            !strcmp(krm_str(object, "metadata", "name", NULL), claim->name))
            return size;
    }
    return size_text(c->before, claim);
}

static double size_of(const char *text)
{
    json_auto_t *quantity = json_string(text);
    double size = 0;

    return kube_quantity(quantity, &size) ? size : 0;
}

static void look_at_claim(struct change *c, const struct catalog_claim *claim)
{
    const struct catalog_claim *was = find_claim(c->before, claim->name);

    if (!was)
        return;
    buf_printf(&c->claims, "%s%s (%s)", c->claims.len ? ", " : "", claim->name, claim->component);
    if (size_of(size_text(c->now, claim)) < size_of(size_before(c, was)))
        buf_printf(&c->shrunk, "%s%s (%s): %s to %s", c->shrunk.len ? ", " : "", claim->name,
                   claim->component, size_before(c, was), size_text(c->now, claim));
}

static int judge_change(const struct change *c, struct err *err)
{
    json_t *was = settings_get(c->before, "storage", "class_name", NULL);
    json_t *is = settings_get(c->now, "storage", "class_name", NULL);

    if (c->claims.len && was != is && !json_equal(was, is))
        return err_set(err, ERR_INVALID,
                       "storage.class_name was %s%s%s, and the class of a claim that is there "
                       "can't be changed: %s. Its volume holds data; " WAY_OUT,
                       was ? "\"" : "", was ? json_string_value(was) : "not set", was ? "\"" : "",
                       buf_str(&c->claims));
    if (c->shrunk.len)
        return err_set(err, ERR_INVALID,
                       "storage.sizes: a claim that is there can grow, but never shrink: %s. Its "
                       "volume holds data; " WAY_OUT,
                       buf_str(&c->shrunk));
    return 0;
}

int storage_check_change(const struct settings *before, const struct settings *now,
                         const json_t *applied, struct err *err)
{
    struct change c = {
        .before = before, .now = now, .applied = applied, .claims = BUF_INIT, .shrunk = BUF_INIT};
    size_t len;
    const struct catalog_claim *claims = catalog_claims(&len);
    int rc;

    for (size_t i = 0; i < len; i++) {
        if (brings(now, &claims[i]))
            look_at_claim(&c, &claims[i]);
    }
    rc = judge_change(&c, err);
    buf_done(&c.claims);
    buf_done(&c.shrunk);
    return rc;
}

/* --- changes ------------------------------------------------------------------------------------ */

/* A PersistentVolumeClaim, or a template of some. */
static void change_claim(const struct settings *s, json_t *claim)
{
    json_t *class = settings_get(s, "storage", "class_name", NULL);
    json_t *size =
        settings_get(s, "storage", "sizes", krm_str(claim, "metadata", "name", NULL), NULL);

    if (class)
        json_object_set(krm_member(claim, "spec", NULL), "storageClassName", class);
    if (size)
        json_object_set(krm_member(claim, "spec", "resources", "requests", NULL), "storage", size);
}

int storage_adjust(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    json_t *object, *template;
    size_t i, k;

    json_array_foreach (objects, i, object) {
        if (!strcmp(gvk_of(object).kind, "PersistentVolumeClaim"))
            change_claim(s, object);
        json_array_foreach (krm_get(object, "spec", "volumeClaimTemplates", NULL), k, template)
            change_claim(s, template);
    }
    return 0;
}
