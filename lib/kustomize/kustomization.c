#include "lib/kustomize/kustomization.h"

#include <string.h>

#include "lib/krm/path.h"
#include "lib/krm/yaml.h"
#include "lib/kustomize/fieldspec.h"

#include "lib/base/banned.h"

#define API_VERSION           "kustomize.config.k8s.io/v1beta1"
#define COMPONENT_API_VERSION "kustomize.config.k8s.io/v1alpha1"

static const char *const file_names[] = {"kustomization.yaml", "kustomization.yml",
                                         "Kustomization"};

/* --- shapes ------------------------------------------------------------------------------------- */

#define OBJECT(name, ...)                                                                          \
    static const struct shape_field name##_fields[] = {__VA_ARGS__, {NULL, NULL}};                 \
    const struct shape shape_##name = {.type = SHAPE_OBJECT, .fields = name##_fields}
#define LOCAL_OBJECT(name, ...)                                                                    \
    static const struct shape_field name##_fields[] = {__VA_ARGS__, {NULL, NULL}};                 \
    static const struct shape shape_##name = {.type = SHAPE_OBJECT, .fields = name##_fields}
#define LIST(name, of) const struct shape shape_##name = {.type = SHAPE_LIST, .item = &shape_##of}
#define LOCAL_LIST(name, of)                                                                       \
    static const struct shape shape_##name = {.type = SHAPE_LIST, .item = &shape_##of}

#define GVK_FIELDS                                                                                 \
    {"group", &shape_string}, {"version", &shape_string},                                          \
    {                                                                                              \
        "kind", &shape_string                                                                      \
    }
#define ID_FIELDS                                                                                  \
    GVK_FIELDS, {"name", &shape_string},                                                           \
    {                                                                                              \
        "namespace", &shape_string                                                                 \
    }

OBJECT(selector, ID_FIELDS, {"annotationSelector", &shape_string},
       {"labelSelector", &shape_string});
LOCAL_LIST(selectors, selector);
OBJECT(image, {"name", &shape_string}, {"newName", &shape_string}, {"tagSuffix", &shape_string},
       {"newTag", &shape_string}, {"digest", &shape_string});
LOCAL_LIST(images, image);
OBJECT(replica, {"name", &shape_string}, {"count", &shape_int});
LOCAL_LIST(replicas, replica);
OBJECT(generator_options, {"labels", &shape_string_map}, {"annotations", &shape_string_map},
       {"disableNameSuffixHash", &shape_bool}, {"immutable", &shape_bool});
LOCAL_OBJECT(generator, GENERATOR_FIELDS);
LOCAL_LIST(generators, generator);

LOCAL_OBJECT(field_options, {"delimiter", &shape_string}, {"index", &shape_int},
             {"encoding", &shape_string}, {"create", &shape_bool});
LOCAL_OBJECT(replacement_source, ID_FIELDS, {"fieldPath", &shape_string},
             {"options", &shape_field_options});
LOCAL_OBJECT(replacement_target, {"select", &shape_selector}, {"reject", &shape_selectors},
             {"fieldPaths", &shape_strings}, {"options", &shape_field_options});
LOCAL_LIST(replacement_targets, replacement_target);
OBJECT(replacement, {"path", &shape_string}, {"source", &shape_replacement_source},
       {"targets", &shape_replacement_targets});
LIST(replacements, replacement);

LOCAL_OBJECT(patch, {"path", &shape_string}, {"patch", &shape_string}, {"target", &shape_selector},
             {"options", &shape_bool_map});
LOCAL_LIST(patches, patch);
LOCAL_OBJECT(label, {"pairs", &shape_string_map}, {"includeSelectors", &shape_bool},
             {"includeTemplates", &shape_bool}, {"fields", &shape_fieldspecs});
LOCAL_LIST(labels, label);
LOCAL_OBJECT(var_object, {"apiVersion", &shape_string}, ID_FIELDS);
LOCAL_OBJECT(var_field, {"fieldPath", &shape_string});
LOCAL_OBJECT(var, {"name", &shape_string}, {"objref", &shape_var_object},
             {"fieldref", &shape_var_field});
LOCAL_LIST(vars, var);
LOCAL_OBJECT(legacy_sort, {"orderFirst", &shape_strings}, {"orderLast", &shape_strings});
LOCAL_OBJECT(sort_options, {"order", &shape_string}, {"legacySortOptions", &shape_legacy_sort});
LOCAL_OBJECT(metadata, {"name", &shape_string}, {"namespace", &shape_string},
             {"labels", &shape_string_map}, {"annotations", &shape_string_map});

LOCAL_OBJECT(kustomization, {"apiVersion", &shape_string}, {"kind", &shape_string},
             {"metadata", &shape_metadata}, {"openapi", &shape_string_map},
             {"namePrefix", &shape_string}, {"nameSuffix", &shape_string},
             {"namespace", &shape_string}, {"commonLabels", &shape_string_map},
             {"labels", &shape_labels}, {"commonAnnotations", &shape_string_map},
             {"patchesStrategicMerge", &shape_strings}, {"patchesJson6902", &shape_patches},
             {"patches", &shape_patches}, {"images", &shape_images}, {"imageTags", &shape_images},
             {"replacements", &shape_replacements}, {"replicas", &shape_replicas},
             {"vars", &shape_vars}, {"sortOptions", &shape_sort_options},
             {"resources", &shape_strings}, {"components", &shape_strings},
             {"crds", &shape_strings}, {"bases", &shape_strings},
             {"configMapGenerator", &shape_generators}, {"secretGenerator", &shape_generators},
             {"helmGlobals", &shape_any}, {"helmCharts", &shape_any},
             {"helmChartInflationGenerator", &shape_any},
             {"generatorOptions", &shape_generator_options}, {"configurations", &shape_strings},
             {"generators", &shape_strings}, {"transformers", &shape_strings},
             {"validators", &shape_strings}, {"buildMetadata", &shape_strings});

/* --- old fields --------------------------------------------------------------------------------- */

static const struct {
    const char *field, *instead;
} deprecated[] = {
    {"bases", "resources"},         {"commonLabels", "labels"},           {"imageTags", "images"},
    {"patchesJson6902", "patches"}, {"patchesStrategicMerge", "patches"}, {"vars", "replacements"},
};

static void warn_deprecated(const struct context *ctx, const json_t *k, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(deprecated); i++)
        if (json_object_get(k, deprecated[i].field))
            context_warn(ctx, "%s: \"%s\" is deprecated, use \"%s\"", path, deprecated[i].field,
                         deprecated[i].instead);
}

/* Moves what stands under an old name behind what stands under the new one. */
static void move_list(json_t *k, const char *from, const char *to)
{
    json_t *old = json_object_get(k, from), *list = json_object_get(k, to);

    if (json_array_size(old)) {
        if (!list) {
            list = json_array();
            json_object_set_new(k, to, list);
        }
        json_array_extend(list, old);
    }
    json_object_del(k, from);
}

static void move_env(json_t *generators)
{
    json_t *g;
    size_t i;

    json_array_foreach (generators, i, g) {
        json_t *env = json_object_get(g, "env"), *envs = json_object_get(g, "envs");

        if (json_string_length(env)) {
            if (!envs) {
                envs = json_array();
                json_object_set_new(g, "envs", envs);
            }
            json_array_append(envs, env);
        }
        json_object_del(g, "env");
    }
}

static void fix(json_t *k)
{
    bool component;

    if (!*krm_str(k, "kind", NULL))
        json_object_set_new(k, "kind", json_string("Kustomization"));
    component = strcmp(krm_str(k, "kind", NULL), "Component") == 0;
    if (!*krm_str(k, "apiVersion", NULL))
        json_object_set_new(k, "apiVersion",
                            json_string(component ? COMPONENT_API_VERSION : API_VERSION));
    move_list(k, "bases", "resources");
    move_list(k, "imageTags", "images");
    move_env(json_object_get(k, "configMapGenerator"));
    move_env(json_object_get(k, "secretGenerator"));
}

/* --- checks ------------------------------------------------------------------------------------- */

/* Whether nothing but kind and apiVersion says anything. */
static bool says_nothing(const json_t *k)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)k, name, value) {
        if (strcmp(name, "kind") == 0 || strcmp(name, "apiVersion") == 0)
            continue;
        if (!json_is_string(value) || json_string_length(value))
            return false;
    }
    return true;
}

static int check(const json_t *k, struct err *err)
{
    const char *kind = krm_str(k, "kind", NULL), *version = krm_str(k, "apiVersion", NULL);
    const char *wanted = API_VERSION;

    if (says_nothing(k))
        return err_set(err, ERR_INVALID, "is empty");
    if (strcmp(kind, "Component") == 0)
        wanted = COMPONENT_API_VERSION;
    else if (strcmp(kind, "Kustomization") != 0)
        return err_set(err, ERR_INVALID, "kind must be Kustomization or Component, not \"%s\"",
                       kind);
    if (strcmp(version, wanted) != 0)
        return err_set(err, ERR_INVALID, "apiVersion of a %s must be %s, not \"%s\"", kind, wanted,
                       version);
    if (json_array_size(json_object_get(k, "helmCharts")) ||
        json_array_size(json_object_get(k, "helmChartInflationGenerator")))
        return err_set(err, ERR_UNSUPPORTED,
                       "helmCharts would run the helm program, which this renderer never does: "
                       "render the chart to a file and list that under resources");
    return 0;
}

/* The line on which a top-level member begins, or 0. */
static int line_of(const char *text, const char *member)
{
    size_t n = strlen(member);
    int line = 1;

    for (const char *s = text; *s; line++) {
        if (strncmp(s, member, n) == 0 && s[n] == ':')
            return line;
        s = strchr(s, '\n');
        if (!s)
            break;
        s++;
    }
    return 0;
}

/* Names the member whose normal form can't be made, and its line. */
static int locate(const json_t *doc, const char *text, const char *path, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)doc, name, value) {
        struct err one CLEANUP(err_done) = ERR_INIT;
        json_auto_t *single = json_object(), *out = NULL;
        int line = line_of(text, name), rc;

        json_object_set(single, name, value);
        rc = shape_read(&shape_kustomization, single, SHAPE_STRICT, &out, &one);
        if (rc && line)
            return err_set(err, rc, "%s: line %d: %s", path, line, err_msg(&one));
        if (rc)
            return err_set(err, rc, "%s: %s", path, err_msg(&one));
    }
    return err_wrap(err, "%s", path);
}

int kustomization_find(struct loader *loader, const char *dir, const char **ret_name,
                       struct err *err)
{
    const char *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(file_names); i++) {
        char *path CLEANUP(mem_cleanup) = loader_join(dir, file_names[i]);

        if (loader_stat(loader, path) != LOADER_FILE)
            continue;
        if (found)
            return err_set(err, ERR_INVALID, "%s: both %s and %s are there; keep one", dir, found,
                           file_names[i]);
        found = file_names[i];
    }
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "%s: no %s, %s or %s in this directory",
                       *dir ? dir : ".", file_names[0], file_names[1], file_names[2]);
    *ret_name = found;
    return 0;
}

int kustomization_parse(const struct context *ctx, const char *text, size_t len, const char *path,
                        json_t **ret_kustomization, struct err *err)
{
    json_auto_t *documents = NULL, *k = NULL;
    const json_t *doc;
    int rc;

    if ((rc = yaml_parse_config(text, len, path, &documents, err)))
        return rc;
    if (!json_array_size(documents))
        return err_set(err, ERR_INVALID, "%s: is empty", path);
    doc = json_array_get(documents, 0);
    if (shape_read(&shape_kustomization, doc, SHAPE_STRICT, &k, err))
        return locate(doc, text, path, err);
    warn_deprecated(ctx, k, path);
    fix(k);
    if ((rc = check(k, err)))
        return err_wrap(err, "%s", path);
    *ret_kustomization = json_incref(k);
    return 0;
}
