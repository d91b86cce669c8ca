#include "resources/kubeflow/secret_marks.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"

#include "lib/base/banned.h"

static json_t *annotation_of(const json_t *object, const char *name)
{
    json_t *marks = json_loads(krm_str(object, "metadata", "annotations", name, NULL), 0, NULL);

    if (json_is_object(marks))
        return marks;
    json_decref(marks);
    return NULL;
}

json_t *secret_marks_of(const json_t *object)
{
    return annotation_of(object, APPLYSET_VALUES);
}

json_t *secret_marks_filled(const json_t *secret)
{
    return annotation_of(secret, APPLYSET_FILLED);
}

char *secret_marks_text(const json_t *marks)
{
    return json_dumps(marks, JSON_COMPACT | JSON_SORT_KEYS);
}

/* Adds key: text to the annotation of an object or pod template. */
static void note(json_t *object, const char *key, const char *text)
{
    json_auto_t *marks = secret_marks_of(object);
    char *dump CLEANUP(mem_cleanup) = NULL;

    if (!marks)
        marks = json_object();
    json_object_set_new(marks, key, json_string(text));
    dump = secret_marks_text(marks);
    krm_set_annotation(object, APPLYSET_VALUES, dump);
}

void secret_mark(json_t *secret, const char *key, const char *name, const char *version)
{
    static const char *const maps[] = {"data", "stringData"};
    char *mark CLEANUP(mem_cleanup) = mem_printf("%s#%s", name, version);

    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        json_t *map = json_object_get(secret, maps[i]);

        json_object_del(map, key);
        if (map && !json_object_size(map))
            json_object_del(secret, maps[i]);
    }
    note(secret, key, mark);
}

void secret_mark_reader(json_t *workload, const char *name, const char *version)
{
    json_t *template = krm_get(workload, "spec", "template", NULL);

    if (json_is_object(template))
        note(template, name, version);
}

json_t *secret_pin_name(json_t *objects, const char *namespace, const char *name)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        json_t *copy;

        if (strcmp(gvk_of(object).kind, "Secret") ||
            strcmp(krm_str(object, "metadata", "name", NULL), name) ||
            strcmp(krm_str(object, "metadata", "namespace", NULL), namespace))
            continue;
        copy = json_deep_copy(object);
        json_array_remove(objects, i);
        json_array_append_new(objects, copy);
        return copy;
    }
    return NULL;
}
