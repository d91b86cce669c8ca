/* A component is there when at least half of its objects are: names of a few depend on settings, and
 * people leave some out. It is a tool's when most of those that are there carry the tool's marks. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/conflict.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/components.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

struct counts {
    size_t objects, there, marked;
    char *tool; /* that the first marked one belongs to */
};

static char *tool_of(const struct import_cluster *c, const json_t *there)
{
    const char *set = krm_str(there, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL);

    return *set && !strcmp(set, c->set_id) ? NULL : kube_tool_text(there);
}

static void count(const struct import_cluster *c, const char *component, struct counts *n)
{
    const json_t *object;
    size_t i;

    json_array_foreach (json_object_get(c->rendered, component), i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        const json_t *there = json_object_get(c->existing, key);
        char *tool CLEANUP(mem_cleanup) = there ? tool_of(c, there) : NULL;

        n->objects++;
        n->there += there != NULL;
        n->marked += tool != NULL;
        if (tool && !n->tool) {
            n->tool = tool;
            tool = NULL;
        }
    }
}

static void sort_out(const struct import_cluster *c, const char *component, json_t *present,
                     json_t *tools)
{
    struct counts n = {0};

    count(c, component, &n);
    if (!n.there || n.there * 2 < n.objects)
        ; /* not there */
    else if (n.marked * 2 > n.there)
        json_object_set_new(tools, component, json_string(n.tool));
    else
        json_array_append_new(present, json_string(component));
    free(n.tool);
}

static bool holds(const json_t *names, const char *name)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (names, i, entry) {
        if (!strcmp(json_string_value(entry), name))
            return true;
    }
    return false;
}

/* What would be installed besides what is there: others provide it, or nobody does; it isn't to be made
 * by taking over. */
static int leave_out(const struct catalog_release *r, const json_t *present, json_t *existing,
                     struct err *err)
{
    json_auto_t *all = NULL;
    const char *attribute;
    const json_t *name;
    size_t i;
    int rc = components_resolve(r, present, existing, &all, &attribute, err);

    if (rc)
        return rc;
    json_array_foreach (all, i, name) {
        if (!holds(present, json_string_value(name)))
            json_array_append(existing, (json_t *)name);
    }
    return 0;
}

/* Whether the release's own choice, without what exists otherwise, is what is there. */
static bool is_default(const struct catalog_release *r, const json_t *present,
                       const json_t *existing)
{
    json_auto_t *all = NULL;
    const char *attribute;
    const json_t *name;
    size_t i;

    if (components_resolve(r, NULL, existing, &all, &attribute, NULL) ||
        json_array_size(all) != json_array_size(present))
        return false;
    json_array_foreach (all, i, name) {
        if (!holds(present, json_string_value(name)))
            return false;
    }
    return true;
}

/* Those that aren't added by themselves because of others. */
static json_t *shortest(const struct catalog_release *r, const json_t *present,
                        const json_t *existing)
{
    json_t *out = json_copy((json_t *)present);

    for (size_t i = 0; i < json_array_size(out);) {
        json_auto_t *rest = json_copy(out), *all = NULL;
        const char *attribute;

        json_array_remove(rest, i);
        if (json_array_size(rest) &&
            !components_resolve(r, rest, existing, &all, &attribute, NULL) &&
            holds(all, json_string_value(json_array_get(out, i))))
            json_array_remove(out, i);
        else
            i++;
    }
    return out;
}

int import_tell_components(const struct import_cluster *c, struct import_found *f, struct err *err)
{
    const struct catalog_release *r = f->release;
    json_auto_t *present = json_array(), *tools = json_object(), *existing = json_array();
    const char *name;
    json_t *tool;
    int rc;

    for (size_t i = 0; i < r->ncomponents; i++)
        sort_out(c, r->components[i].name, present, tools);
    if (!json_array_size(present))
        return err_set(err, ERR_NOT_FOUND,
                       "no component of Kubeflow %s was found in this cluster%s", r->name,
                       json_object_size(tools) ? " that isn't another tool's" : "");
    json_object_foreach (tools, name, tool) {
        json_array_append_new(existing, json_string(name));
        import_note(f, "%s belongs to %s and is left to it (existing)", name,
                    json_string_value(tool));
    }
    rc = leave_out(r, present, existing, err);
    if (rc)
        return rc;
    json_object_set(f->facts, "tools", tools);
    if (json_array_size(existing))
        json_object_set(f->values, "existing", existing);
    if (!is_default(r, present, existing))
        json_object_set_new(f->values, "components", shortest(r, present, existing));
    return 0;
}
