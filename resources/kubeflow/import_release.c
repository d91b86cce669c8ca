/* Each workload of the table that runs says with its image's tag which releases it may be of; the one
 * that all of them agree on is it. Two that are left are never chosen between: a wrong guess would
 * plan an upgrade. */
#include "resources/kubeflow/import_release.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

static const struct import_marker markers[] = {
#define MARKER(component, namespace, deployment, image) {component, namespace, deployment, image},
#include "resources/kubeflow/import_markers.def"
};

const struct import_marker *import_markers(size_t *ret_len)
{
    *ret_len = ARRAY_LEN(markers);
    return markers;
}

/* The tag of the image that counts, without its "v"; NULL when none has one. Borrowed. */
static const char *tag_of(const json_t *deployment, const char *image)
{
    const json_t *container;
    size_t i;

    json_array_foreach (krm_get(deployment, "spec", "template", "spec", "containers", NULL), i,
                        container) {
        const char *text = krm_str(container, "image", NULL), *slash = strrchr(text, '/');
        const char *colon = strchr(slash ? slash : text, ':');

        if (!strstr(text, image) || !colon || strchr(text, '@'))
            continue;
        return colon[1] == 'v' ? colon + 2 : colon + 1;
    }
    return NULL;
}

struct telling {
    const struct import_cluster *c;
    bool possible[IMPORT_MAX_RELEASES];
    struct buf seen, odd; /* "auth/dex 2.41.1, ..." */
};

static void add_sight(struct buf *out, const struct import_marker *m, const char *tag)
{
    buf_printf(out, "%s%s/%s %s", out->len ? ", " : "", m->namespace, m->deployment, tag);
}

static void look_at(struct telling *t, const struct import_marker *m)
{
    char *key CLEANUP(mem_cleanup) =
        mem_printf("apps/Deployment/%s/%s", m->namespace, m->deployment);
    const char *tag = tag_of(json_object_get(t->c->live, key), m->image);
    bool fits[IMPORT_MAX_RELEASES] = {false}, any = false;
    size_t len;
    const struct catalog_release *releases = catalog_releases(&len);

    if (!tag)
        return;
    for (size_t i = 0; i < len; i++) {
        const struct catalog_component *component = catalog_component(&releases[i], m->component);

        fits[i] = component && !strcmp(component->version, tag);
        any = any || fits[i];
    }
    add_sight(any ? &t->seen : &t->odd, m, tag);
    for (size_t i = 0; i < len && any; i++)
        t->possible[i] = t->possible[i] && fits[i];
}

/* Exactly one, or an error that says what was seen. */
static int choose(struct telling *t, const struct catalog_release **ret_release, struct err *err)
{
    struct buf names CLEANUP(buf_done) = BUF_INIT;
    size_t len, n = 0;
    const struct catalog_release *releases = catalog_releases(&len), *found = NULL;

    for (size_t i = 0; i < len; i++) {
        if (!t->possible[i])
            continue;
        buf_printf(&names, "%s%s", n++ ? ", " : "", releases[i].name);
        found = &releases[i];
    }
    if (n == 1 && t->seen.len) {
        *ret_release = found;
        return 0;
    }
    if (!t->seen.len && !t->odd.len)
        return err_set(err, ERR_NOT_FOUND,
                       "nothing of Kubeflow was found in this cluster: none of the workloads by "
                       "which releases are told apart is there. Name the release if it is (import "
                       "ID \"1.10.2\")");
    if (!t->seen.len)
        return err_set(
            err, ERR_INVALID,
            "what runs in this cluster is of no release that is known (%s). Name the one "
            "that it was made of (import ID \"1.10.2\")",
            buf_str(&t->odd));
    return err_set(err, ERR_INVALID,
                   "what runs in this cluster (%s) is of %s%s, so the release can't be told. Name "
                   "it (import ID \"1.10.2\")",
                   buf_str(&t->seen), n ? "more than one release: " : "different releases",
                   buf_str(&names));
}

int import_tell_release(const struct import_cluster *c, const struct catalog_release **ret_release,
                        char **ret_why, struct err *err)
{
    struct telling t = {.c = c, .seen = BUF_INIT, .odd = BUF_INIT};
    size_t len;
    int rc;

    if (c->recorded && catalog_release(json_string_value(c->recorded))) {
        *ret_release = catalog_release(json_string_value(c->recorded));
        *ret_why = mem_strdup("this provider recorded it in the cluster");
        return 0;
    }
    catalog_releases(&len);
    if (len > IMPORT_MAX_RELEASES)
        bug("%zu releases are more than an import expects", len);
    for (size_t i = 0; i < len; i++)
        t.possible[i] = true;
    for (size_t i = 0; i < ARRAY_LEN(markers); i++)
        look_at(&t, &markers[i]);
    rc = choose(&t, ret_release, err);
    if (!rc)
        *ret_why = mem_printf("by the images of %s%s%s", buf_str(&t.seen),
                              t.odd.len ? "; of no release: " : "", buf_str(&t.odd));
    buf_done(&t.seen);
    buf_done(&t.odd);
    return rc;
}
