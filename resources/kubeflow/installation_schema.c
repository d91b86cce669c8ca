#include "resources/kubeflow/installation_schema.h"

#include "lib/base/banned.h"

static const struct tf_pattern digest_pattern = {"sha256:[0-9a-f]{64}",
                                                 "sha256: followed by 64 hexadecimal digits"};
static const struct tf_validator check_digest[] = {{tf_check_pattern, &digest_pattern},
                                                   TF_NO_VALIDATOR};
static const char *const targets[] = {"generic", "gke", "eks", NULL};
const struct tf_validator installation_check_target[] = {{tf_check_one_of, targets},
                                                         TF_NO_VALIDATOR};
static const char *const crd_policies[] = {"if_unused", "delete", "keep", NULL};
static const struct tf_validator check_crds[] = {{tf_check_one_of, crd_policies}, TF_NO_VALIDATOR};
static const char *const data_policies[] = {"refuse", "keep", "delete", NULL};
static const struct tf_validator check_data[] = {{tf_check_one_of, data_policies}, TF_NO_VALIDATOR};
static const char *const adopted_policies[] = {"release", "delete", NULL};
static const struct tf_validator check_adopted[] = {{tf_check_one_of, adopted_policies},
                                                    TF_NO_VALIDATOR};

const struct tf_type installation_string_list_map = TF_MAP_OF(&tf_type_string_list);
const struct tf_type installation_number_list = TF_LIST_OF(&tf_type_number);

const struct tf_attribute installation_tree_attributes[] = {
    {.name = "path",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Directory or archive (.tar.gz, .zip) that holds a release's tree."},
    {.name = "url",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "HTTPS address of such an archive. Needs `digest`."},
    {.name = "digest",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_digest,
     .description = "What the content must be: `sha256:...` over the file tree, as "
                    "`manifests_digest` shows it."},
    TF_END,
};

static const struct tf_attribute target_attributes[] = {
    {.name = "group", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "API group."},
    {.name = "version",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "API version."},
    {.name = "kind", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "Kind."},
    {.name = "name", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "Name."},
    {.name = "namespace",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Namespace."},
    {.name = "label_selector",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Label selector such as `app=katib`."},
    TF_END,
};

const struct tf_attribute installation_patch_attributes[] = {
    {.name = "target",
     .nested = target_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Which objects to patch; every member is an anchored regular expression, as in "
                    "kustomize. Needed for JSON 6902 patches; a strategic merge patch without it "
                    "names its object itself."},
    {.name = "patch",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "YAML of a strategic merge patch or of a JSON 6902 patch (a list)."},
    TF_END,
};

/* What rewrite_ignore compares; a member that it didn't would silently widen the rule. */
static const struct tf_attribute ignore_target_attributes[] = {
    {.name = "group", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "API group."},
    {.name = "kind", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "Kind."},
    {.name = "name", .type = &tf_type_string, .flags = TF_OPTIONAL, .description = "Name."},
    {.name = "namespace",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Namespace."},
    TF_END,
};

const struct tf_attribute installation_ignore_attributes[] = {
    {.name = "target",
     .nested = ignore_target_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_REQUIRED,
     .description = "Which objects; the members are compared exactly."},
    {.name = "fields",
     .type = &tf_type_string_list,
     .flags = TF_REQUIRED,
     .description = "Fields that this provider neither sets nor watches, such as `.spec.replicas` "
                    "or `.spec.template.spec.containers[name=manager].resources`."},
    TF_END,
};

const struct tf_attribute installation_on_destroy_attributes[] = {
    {.name = "crds",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"if_unused\"",
     .validators = check_crds,
     .description =
         "What happens to CustomResourceDefinitions: `if_unused` (deleted when no object "
         "of their kind is left), `delete` or `keep`. Defaults to `if_unused`."},
    {.name = "user_data",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"refuse\"",
     .validators = check_data,
     .description =
         "What happens to users' data (claims, workloads and claims that others keep in the "
         "component's namespaces, custom resources in which their work is, such as profiles, "
         "notebooks, pipelines and models, and any others of CRDs that are to be deleted): "
         "`refuse` to destroy, `keep` it, or `delete` it. Defaults to `refuse`."},
    {.name = "adopted",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"release\"",
     .validators = check_adopted,
     .description = "What happens to objects that were there before and were adopted: `release` or "
                    "`delete`. Defaults to `release`."},
    TF_END,
};
