/* The lines of `changes`: a plan in words. Pure: the same inputs give the same lines, because
 * Terraform plans again during apply and compares. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/describe.h"
#include "lib/kube/drift.h"
#include "lib/kube/field_path.h"
#include "lib/kube/members.h"
#include "lib/kustomize/namehash.h"
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

/* note: what is to be said of the object itself, with a space before it. */
static void add_update(json_t *out, const char *key, const char *note, const json_t *before,
                       const json_t *after)
{
    json_auto_t *fields = before ? kube_describe_update(before, after) : NULL;
    const json_t *field;
    size_t i;

    json_array_foreach (fields, i, field)
        line(out, "~ %s%s %s", key, note, json_string_value(field));
    if (!json_array_size(fields))
        line(out, "~ %s%s (content changes)", key, note);
}

/* --- generated names ------------------------------------------------------------------------------ */

static char *stem_of(const char *key)
{
    size_t len =
        strncmp(key, "ConfigMap/", 10) && strncmp(key, "Secret/", 7) ? 0 : namehash_stem(key);

    return len ? mem_strndup(key, len) : NULL;
}

/* Of keys that go: without the hash -> the key; null where that is no single one. */
static json_t *stems_of_gone(const json_t *before, const json_t *after)
{
    json_t *out = json_object(), *hash;
    const char *key;

    json_object_foreach ((json_t *)before, key, hash) {
        char *stem CLEANUP(mem_cleanup) = json_object_get(after, key) ? NULL : stem_of(key);

        if (stem)
            json_object_set_new(out, stem,
                                json_object_get(out, stem) ? json_null() : json_string(key));
    }
    return out;
}

static json_t *with_name_of(const json_t *object, const json_t *other)
{
    json_t *copy = json_copy((json_t *)object);
    json_t *metadata = json_copy(json_object_get(object, "metadata"));

    json_object_set(metadata, "name", json_object_get(json_object_get(other, "metadata"), "name"));
    json_object_set_new(copy, "metadata", metadata);
    return copy;
}

/* A new object that is another one with other content, and so with another hash in its name: true, and
 * the old key is noted in `replaced`. */
static bool add_renamed(json_t *out, const char *key, const json_t *stems, const json_t *content,
                        const json_t *object, json_t *replaced)
{
    char *stem CLEANUP(mem_cleanup) = stem_of(key);
    const char *gone = stem ? json_string_value(json_object_get(stems, stem)) : NULL;
    char *note CLEANUP(mem_cleanup) = NULL;
    json_auto_t *before = NULL;

    if (!gone)
        return false;
    if (json_object_get(content, gone))
        before = with_name_of(json_object_get(content, gone), object);
    note = mem_printf(" (was %s)", strrchr(gone, '/') + 1);
    add_update(out, key, note, before, object);
    json_object_set_new(replaced, gone, json_true());
    return true;
}

/* --- drift ---------------------------------------------------------------------------------------- */

/* A value that somebody changed in a Secret is kept (resources/kubeflow/secret_values.h). */
static bool is_of_values(const json_t *text)
{
    return !strncmp(json_string_value(text), KUBE_DRIFT_VALUES, strlen(KUBE_DRIFT_VALUES));
}

/* What is to be said of an object that isn't wanted any more and may stay all the same. */
static const char *fate_of(const char *key)
{
    static const struct {
        const char *kind, *fate;
    } fates[] = {
        {"PersistentVolumeClaim/", " (stays in the cluster)"},
        {"Namespace/", " (stays while something is in it)"},
        {"apiextensions.k8s.io/CustomResourceDefinition/", " (stays while there are such objects)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        if (!strncmp(key, fates[i].kind, strlen(fates[i].kind)))
            return fates[i].fate;
    return "";
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
    json_auto_t *after = install_hashes(objects), *stems = stems_of_gone(before, after);
    json_auto_t *replaced = json_object();
    const char *key;
    json_t *hash;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *name CLEANUP(mem_cleanup) = kube_key(object);
        const char *old = krm_str(before, name, NULL);

        if (!old[0]) {
            if (!add_renamed(out, name, stems, content, object, replaced))
                line(out, "+ %s", name);
        } else if (strcmp(old, krm_str(after, name, NULL))) {
            add_update(out, name, "", json_object_get(content, name), object);
        }
    }
    json_object_foreach ((json_t *)before, key, hash)
        if (!json_object_get(after, key) && !json_object_get(replaced, key))
            line(out, "- %s%s", key, fate_of(key));
    add_drift(out, drift, after);
    return out;
}

/* --- after an import ---------------------------------------------------------------------------- */

struct adopting {
    const struct install_adoption *a;
    json_t *out;
    size_t labelled;
};

/* Whether the line ("<path>: <old> -> <new>") is of a field that is left to others, or of one in it. */
static bool is_left(const json_t *left, const char *text)
{
    const json_t *path;
    size_t i;

    json_array_foreach (left, i, path) {
        size_t len = json_string_length(path);

        if (!strncmp(text, json_string_value(path), len) && strchr(":.[", text[len]))
            return true;
    }
    return false;
}

/* What becomes of an object that is there. */
static void add_adopted(struct adopting *s, const char *key, const json_t *object)
{
    const json_t *live = json_object_get(s->a->live, key), *read = json_object_get(s->a->read, key);
    const json_t *left = json_object_get(s->a->left, key);
    json_auto_t *fields = live ? kube_differences(object, live) : NULL;
    size_t i, before = json_array_size(s->out);
    const json_t *field;
    const char *path;
    json_t *goes;

    if (!live && read)
        fields = kube_describe_update(read, object);
    json_array_foreach (fields, i, field)
        if (!is_left(left, json_string_value(field)))
            line(s->out, "~ %s %s", key, json_string_value(field));
    json_object_foreach (live ? json_object_get(s->a->goes, key) : NULL, path, goes) {
        if (!field_path_leads(object, path) && !is_left(left, json_string_value(goes)))
            line(s->out, "~ %s %s", key, json_string_value(goes));
    }
    s->labelled += json_array_size(s->out) == before;
}

static void add_object(struct adopting *s, const json_t *object)
{
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    if (json_object_get(s->a->existing, key))
        add_adopted(s, key, object);
    else
        line(s->out, "+ %s", key);
}

json_t *install_adoption_changes(const struct install_adoption *a, json_t *objects)
{
    struct adopting s = {.a = a, .out = json_array()};
    json_auto_t *after = install_hashes(objects);
    size_t i, left = 0;
    const json_t *object;
    const char *key;
    json_t *mark;

    json_array_foreach (objects, i, object)
        add_object(&s, object);
    json_object_foreach ((json_t *)a->existing, key, mark)
        left += !json_object_get(after, key);
    if (s.labelled)
        line(s.out, "= %zu object%s as wanted; only a label is added", s.labelled,
             s.labelled == 1 ? " is" : "s are");
    if (left)
        line(s.out,
             "= %zu object%s there that the configuration doesn't have: what this provider didn't "
             "apply stays",
             left, left == 1 ? " is" : "s are");
    return s.out;
}
