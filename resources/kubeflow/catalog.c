#include "resources/kubeflow/catalog.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

#include "lib/base/banned.h"

#define ARCHIVES "https://github.com/kubeflow/manifests/archive/refs/tags/"

/* --- the tables --------------------------------------------------------------------------------- */

#define COMMON       "common"
#define APP          "app"
#define EXPERIMENTAL "experimental"
#define DEFAULT      true
#define OPTIONAL     false

#define LIST(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define PATH(p)                                                                                    \
    {                                                                                              \
        (p), (p), (p)                                                                              \
    }
#define PATHS(generic, gke, eks)                                                                   \
    {                                                                                              \
        (generic), (gke), (eks)                                                                    \
    }
#define NEEDS(...)     LIST(__VA_ARGS__)
#define RUNS_WITH(...) LIST(__VA_ARGS__)
#define NO_NEEDS       nothing
#define ALONE          nothing

static const char *const nothing[] = {NULL};

#define RELEASE(name, tag, array, digest) static const struct catalog_component array[] = {
#define COMPONENT(name, version, group, when, paths, needs, runs_with)                             \
    {name, version, group, when, paths, needs, runs_with},
#define END_RELEASE                                                                                \
    }                                                                                              \
    ;
#include "resources/kubeflow/catalog.def"

#define RELEASE(name, tag, array, digest)                                                          \
    {name, tag, ARCHIVES tag ".tar.gz", digest, array, ARRAY_LEN(array)},
static const struct catalog_release releases[] = {
#include "resources/kubeflow/catalog.def"
};

static const struct {
    const char *component, *text;
} titles[] = {
#define TITLE(component, text) {component, text},
#include "resources/kubeflow/catalog.def"
};

static const struct {
    const char *component, *namespace;
} namespaces[] = {
#define NAMESPACE(component, namespace) {component, namespace},
#include "resources/kubeflow/catalog.def"
};

static const struct {
    const char *release, *component;
    enum catalog_target target;
    const char *yaml;
} patches[] = {
#define PATCH(release, component, target, yaml) {release, component, target, yaml},
#include "resources/kubeflow/catalog.def"
};

static const struct catalog_claim claims[] = {
#define CLAIM(release, component, name, size) {release, component, name, size},
#include "resources/kubeflow/catalog.def"
};

static const struct {
    const char *release, *from, *to;
} images[] = {
#define IMAGE(release, from, to) {release, from, to},
#include "resources/kubeflow/catalog.def"
};

static const struct {
    const char *release;
    int oldest, tested;
} kubernetes[] = {
#define KUBERNETES(release, oldest, tested) {release, oldest, tested},
#include "resources/kubeflow/catalog.def"
};

/* --- looking up --------------------------------------------------------------------------------- */

const struct catalog_release *catalog_releases(size_t *ret_len)
{
    *ret_len = ARRAY_LEN(releases);
    return releases;
}

const struct catalog_release *catalog_release(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(releases) && name; i++) {
        if (!strcmp(releases[i].name, name) || !strcmp(releases[i].tag, name))
            return &releases[i];
    }
    return NULL;
}

const struct catalog_component *catalog_component(const struct catalog_release *r, const char *name)
{
    for (size_t i = 0; i < r->ncomponents && name; i++) {
        if (!strcmp(r->components[i].name, name))
            return &r->components[i];
    }
    return NULL;
}

int catalog_target(const char *name)
{
    static const char *const names[] = {
        [CATALOG_GENERIC] = "generic", [CATALOG_GKE] = "gke", [CATALOG_EKS] = "eks"};

    if (!name || !*name)
        return CATALOG_GENERIC;
    for (int i = 0; i < CATALOG_TARGETS; i++) {
        if (!strcmp(names[i], name))
            return i;
    }
    return -1;
}

int catalog_find_target(const char *name, enum catalog_target *ret_target, struct err *err)
{
    int target = catalog_target(name);

    if (target < 0)
        return err_set(err, ERR_INVALID, "target must be \"generic\", \"gke\" or \"eks\"");
    *ret_target = (enum catalog_target)target;
    return 0;
}

const char *catalog_title(const char *component)
{
    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (!strcmp(titles[i].component, component))
            return titles[i].text;
    }
    return "";
}

const char *catalog_namespace(const char *component)
{
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        if (!strcmp(namespaces[i].component, component))
            return namespaces[i].namespace;
    }
    return NULL;
}

const char *catalog_patch(const struct catalog_release *r, const char *component,
                          enum catalog_target target)
{
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        if (patches[i].target == target && !strcmp(patches[i].release, r->name) &&
            !strcmp(patches[i].component, component))
            return patches[i].yaml;
    }
    return NULL;
}

const struct catalog_claim *catalog_claims(size_t *ret_len)
{
    *ret_len = ARRAY_LEN(claims);
    return claims;
}

const char *catalog_image(const struct catalog_release *r, const char *image)
{
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        if (!strcmp(images[i].release, r->name) && !strcmp(images[i].from, image))
            return images[i].to;
    }
    return NULL;
}

bool catalog_kubernetes(const struct catalog_release *r, int *ret_oldest, int *ret_tested)
{
    for (size_t i = 0; i < ARRAY_LEN(kubernetes); i++) {
        if (strcmp(kubernetes[i].release, r->name))
            continue;
        *ret_oldest = kubernetes[i].oldest;
        *ret_tested = kubernetes[i].tested;
        return true;
    }
    return false;
}

/* --- suggestions -------------------------------------------------------------------------------- */

#define MAX_NAME 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance; names that are too long are infinitely far. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1], la = strlen(a), lb = strlen(b);

    if (la > MAX_NAME || lb > MAX_NAME)
        return MAX_NAME;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];

            row[j] = least(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

/* How far a wrong name is from a right one: typing errors, and at most one when one name contains
 * the other ("pipeline", "notebook", "dashboard"). */
static size_t unlikeness(const char *wrong, const char *right)
{
    size_t d = distance(wrong, right);

    if (strlen(wrong) >= 3 && (strstr(right, wrong) || strstr(wrong, right)))
        return d < 1 ? d : 1;
    return d;
}

/* A third of the letters may be wrong. */
static bool is_near(const char *wrong, const char *right)
{
    return unlikeness(wrong, right) <= 1 + strlen(wrong) / 3;
}

const char *catalog_nearest_release(const char *name)
{
    const char *best = NULL;

    for (size_t i = 0; i < ARRAY_LEN(releases) && name; i++) {
        const char *right = releases[i].name;

        if (is_near(name, right) && (!best || unlikeness(name, right) < unlikeness(name, best)))
            best = right;
    }
    return best;
}

const char *catalog_nearest_component(const struct catalog_release *r, const char *name)
{
    const char *best = NULL;

    for (size_t i = 0; i < r->ncomponents && name; i++) {
        const char *right = r->components[i].name;

        if (is_near(name, right) && (!best || unlikeness(name, right) < unlikeness(name, best)))
            best = right;
    }
    return best;
}

int catalog_find_release(const char *name, const struct catalog_release **ret_release,
                         struct err *err)
{
    const char *near = catalog_nearest_release(name);
    struct buf all CLEANUP(buf_done) = BUF_INIT;

    *ret_release = catalog_release(name);
    if (*ret_release)
        return 0;
    if (near)
        return err_set(err, ERR_INVALID,
                       "there is no release \"%s\" in this provider's catalog; did you mean "
                       "\"%s\"?",
                       name, near);
    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        buf_printf(&all, "%s\"%s\"", i ? ", " : "", releases[i].name);
    return err_set(err, ERR_INVALID,
                   "there is no release \"%s\" in this provider's catalog; there are %s", name,
                   buf_str(&all));
}

int catalog_find_component(const struct catalog_release *r, const char *name,
                           const struct catalog_component **ret_component, struct err *err)
{
    const char *near = catalog_nearest_component(r, name);

    *ret_component = catalog_component(r, name);
    if (*ret_component)
        return 0;
    return err_set(err, ERR_INVALID, "release %s has no component \"%s\"%s%s%s", r->name, name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}
