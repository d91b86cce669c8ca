/* The lines of `changes`: a plan in words. Pure: the same inputs give the same lines, because
 * Terraform plans again during apply and compares. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/describe.h"
#include "lib/kube/drift.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/install.h"

#include "lib/base/banned.h"

static void PRINTF_FMT(2, 3) line(json_t *out, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    json_array_append_new(out, json_string(text));
}

static void add_update(json_t *out, const char *key, const json_t *before, const json_t *after)
{
    json_auto_t *fields = before ? kube_describe_update(before, after) : NULL;
    const json_t *field;
    size_t i;

    json_array_foreach (fields, i, field)
        line(out, "~ %s %s", key, json_string_value(field));
    if (!json_array_size(fields))
        line(out, "~ %s (content changes)", key);
}

/* A value that somebody changed in a Secret is kept (resources/kubeflow/secret_values.h). */
static bool is_of_values(const json_t *text)
{
    return !strncmp(json_string_value(text), KUBE_DRIFT_VALUES, strlen(KUBE_DRIFT_VALUES));
}

static void add_drift(json_t *out, const json_t *drift, const json_t *wanted)
{
    const char *key;
    json_t *lines;

    json_object_foreach ((json_t *)drift, key, lines) {
        const json_t *text;
        size_t i;

        /* Members that nobody wants are deleted. What is no object's key is our own record. */
        json_array_foreach (lines, i, text)
            if (json_object_get(wanted, key) || !strchr(key, '/'))
                line(out, "! %s %s%s", key, json_string_value(text),
                     is_of_values(text) ? "" : ": set back");
            else
                line(out, "- %s (%s)", key, json_string_value(text));
    }
}

json_t *install_changes(const json_t *before, const json_t *content, json_t *objects,
                        const json_t *drift)
{
    json_t *out = json_array(), *object;
    json_auto_t *after = install_hashes(objects);
    const char *key;
    json_t *hash;
    size_t i, labelled = 0;

    json_array_foreach (objects, i, object) {
        char *name CLEANUP(mem_cleanup) = kube_key(object);
        const char *old = krm_str(before, name, NULL);

        if (!old[0])
            line(out, "+ %s", name);
        else if (!strcmp(old, INSTALL_IMPORTED))
            labelled += !json_object_get(drift, name);
        else if (strcmp(old, krm_str(after, name, NULL)))
            add_update(out, name, json_object_get(content, name), object);
    }
    json_object_foreach ((json_t *)before, key, hash)
        if (!json_object_get(after, key))
            line(out, "- %s", key);
    add_drift(out, drift, after);
    if (labelled)
        line(out, "= %zu object%s as wanted; only a label is added", labelled,
             labelled == 1 ? " is" : "s are");
    return out;
}
