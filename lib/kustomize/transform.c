#include "lib/kustomize/transform.h"

#include "lib/kustomize/kustomization.h"

#include "lib/base/banned.h"

#define FIELDS(name, ...)                                                                          \
    static const struct shape_field name##_fields[] = {__VA_ARGS__, {NULL, NULL}};                 \
    static const struct shape shape_##name = {.type = SHAPE_OBJECT, .fields = name##_fields}

/* Members that are not configuration (apiVersion, kind, metadata.name) are dropped on reading. */
FIELDS(plugin_meta, {"name", &shape_string}, {"namespace", &shape_string});
FIELDS(annotations, {"annotations", &shape_string_map}, {"fieldSpecs", &shape_fieldspecs});
FIELDS(images, {"imageTag", &shape_image}, {"fieldSpecs", &shape_fieldspecs});
FIELDS(labels, {"labels", &shape_string_map}, {"fieldSpecs", &shape_fieldspecs});
FIELDS(namespace, {"metadata", &shape_plugin_meta}, {"fieldSpecs", &shape_fieldspecs},
       {"unsetOnly", &shape_bool}, {"setRoleBindingSubjects", &shape_string});
FIELDS(patch, {"path", &shape_string}, {"patch", &shape_string}, {"target", &shape_selector},
       {"options", &shape_bool_map});
FIELDS(patch_json, {"target", &shape_selector}, {"path", &shape_string}, {"jsonOp", &shape_string});
FIELDS(patches_merge, {"paths", &shape_strings}, {"patches", &shape_string});
FIELDS(prefix_suffix, {"prefix", &shape_string}, {"suffix", &shape_string},
       {"fieldSpecs", &shape_fieldspecs});
FIELDS(replacement_list, {"replacements", &shape_replacements});
FIELDS(replicas, {"replica", &shape_replica}, {"fieldSpecs", &shape_fieldspecs});
FIELDS(nothing, {"metadata", &shape_plugin_meta});
FIELDS(value_add_target, {"selector", &shape_selector}, {"fieldPath", &shape_string},
       {"filePathPosition", &shape_int});
static const struct shape shape_value_add_targets = {.type = SHAPE_LIST,
                                                     .item = &shape_value_add_target};
FIELDS(value_add, {"value", &shape_string}, {"targets", &shape_value_add_targets},
       {"targetFilePath", &shape_string});

static const struct transformer transformers[] = {
    {"AnnotationsTransformer", &shape_annotations, transform_annotations},
    {"HashTransformer", &shape_nothing, transform_hash},
    {"ImageTagTransformer", &shape_images, transform_images},
    {"LabelTransformer", &shape_labels, transform_labels},
    {"NamespaceTransformer", &shape_namespace, transform_namespace},
    {"PatchJson6902Transformer", &shape_patch_json, transform_patch_json},
    {"PatchStrategicMergeTransformer", &shape_patches_merge, transform_patches_merge},
    {"PatchTransformer", &shape_patch, transform_patch},
    {"PrefixSuffixTransformer", &shape_prefix_suffix, transform_prefix_suffix},
    {"PrefixTransformer", &shape_prefix_suffix, transform_prefix},
    {"SuffixTransformer", &shape_prefix_suffix, transform_suffix},
    {"ReplacementTransformer", &shape_replacement_list, transform_replacements},
    {"ReplicaCountTransformer", &shape_replicas, transform_replicas},
    {"ValueAddTransformer", &shape_value_add, transform_value_add},
};

const struct transformer *transformer_find(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(transformers); i++)
        if (strcmp(transformers[i].kind, kind) == 0)
            return &transformers[i];
    return NULL;
}
