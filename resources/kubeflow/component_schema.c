#include "lib/tf/timeouts.h"
#include "resources/kubeflow/component.h"

#include "lib/base/banned.h"

static const struct tf_pattern name_pattern = {
    "[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?",
    "a DNS label of at most 52 characters: lower-case letters, digits and '-'"};
static const struct tf_validator check_name[] = {{tf_check_pattern, &name_pattern},
                                                 TF_NO_VALIDATOR};
static const struct tf_pattern digest_pattern = {"sha256:[0-9a-f]{64}",
                                                 "sha256: followed by 64 hexadecimal digits"};
static const struct tf_validator check_digest[] = {{tf_check_pattern, &digest_pattern},
                                                   TF_NO_VALIDATOR};
static const char *const targets[] = {"generic", "gke", "eks", NULL};
static const struct tf_validator check_target[] = {{tf_check_one_of, targets}, TF_NO_VALIDATOR};
static const char *const crd_policies[] = {"if_unused", "delete", "keep", NULL};
static const struct tf_validator check_crds[] = {{tf_check_one_of, crd_policies}, TF_NO_VALIDATOR};
static const char *const data_policies[] = {"refuse", "keep", "delete", NULL};
static const struct tf_validator check_data[] = {{tf_check_one_of, data_policies}, TF_NO_VALIDATOR};
static const char *const adopted_policies[] = {"release", "delete", NULL};
static const struct tf_validator check_adopted[] = {{tf_check_one_of, adopted_policies},
                                                    TF_NO_VALIDATOR};

static const struct tf_type string_list_map = TF_MAP_OF(&tf_type_string_list);
static const struct tf_type number_list = TF_LIST_OF(&tf_type_number);

static const struct tf_attribute tree_attributes[] = {
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

static const struct tf_attribute patch_attributes[] = {
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

static const struct tf_attribute ignore_attributes[] = {
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

static const struct tf_attribute on_destroy_attributes[] = {
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
         "component's namespaces, custom resources of CRDs that are to be deleted): `refuse` to "
         "destroy, `keep` it, or `delete` it. Defaults to `refuse`."},
    {.name = "adopted",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"release\"",
     .validators = check_adopted,
     .description = "What happens to objects that were there before and were adopted: `release` or "
                    "`delete`. Defaults to `release`."},
    TF_END,
};

static const struct tf_attribute component_attributes[] = {
    {.name = "id",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description =
         "Namespace and name of the ConfigMap that records the installation (an ApplySet "
         "parent)."},
    {.name = "name",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED | TF_REQUIRES_REPLACE,
     .validators = check_name,
     .description =
         "Name of a component of the release's catalog, such as `katib`. With `path` or "
         "`url`: any name that is unique in the cluster; defaults to one made of the path."},
    {.name = "release",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "Kubeflow release that the component comes from: `1.9.1`, `1.10.2`, `1.11.0` or "
         "`26.03`."},
    {.name = "path",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Directory of a kustomization to install instead of a catalog component, or "
                    "`archive.tar.gz//directory`."},
    {.name = "url",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "HTTPS address of an archive that holds a kustomization, with `//directory` "
                    "behind it where it isn't at the archive's root. Needs `manifests.digest`."},
    {.name = "manifests",
     .nested = tree_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Where the release's tree comes from, instead of the project's own archive: a "
                    "fork, or a copy for an air-gapped site."},
    {.name = "target",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_target,
     .description = "Kind of cluster, where the release has overlays for it: `generic`, `gke` or "
                    "`eks`. Defaults to `generic`."},
    {.name = "patches",
     .nested = patch_attributes,
     .nesting = TF_NEST_LIST,
     .flags = TF_OPTIONAL,
     .description = "Kustomize patches, applied last."},
    {.name = "ignore_fields",
     .nested = ignore_attributes,
     .nesting = TF_NEST_LIST,
     .flags = TF_OPTIONAL,
     .description = "Fields that others own."},
    {.name = "image_mirrors",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Registries to pull from instead: image prefix to image prefix, such as "
                    "`{ \"docker.io/\" = \"registry.example.com/dockerhub/\" }`."},
    {.name = "wait",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "true",
     .description = "Wait until everything is ready. Defaults to true."},
    {.name = "force_conflicts",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "false",
     .description = "Take over fields that other field managers own. Fields that this provider set "
                    "before are always taken back. Defaults to false."},
    {.name = "adopt",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "false",
     .description = "Take over objects that exist already. Destroy releases them unless "
                    "`on_destroy.adopted` says otherwise. Defaults to false."},
    {.name = "platform",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "`id` of a `kubeflow_platform` that must be installed first; only for ordering."},
    {.name = "on_destroy",
     .nested = on_destroy_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "{\"crds\":\"if_unused\",\"user_data\":\"refuse\",\"adopted\":\"release\"}",
     .description =
         "What a destroy may take along. Terraform hands a destroy the values of the last "
         "apply: change it, apply, then destroy."},
    {.name = "cluster_uid",
     .type = &tf_type_string,
     .flags = TF_COMPUTED | TF_KEEP_STATE,
     .description = "Which cluster it is in: the uid of namespace kube-system."},
    {.name = "install_id",
     .type = &tf_type_string,
     .flags = TF_COMPUTED | TF_KEEP_STATE,
     .description =
         "Identifies this installation; a later create that takes it over makes another."},
    {.name = "installed",
     .type = &tf_type_bool,
     .flags = TF_COMPUTED,
     .description = "False while a create is unfinished: the next apply continues it."},
    {.name = "version",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "Version of the component in the release; empty with `path` and `url`."},
    {.name = "manifests_digest",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "Digest of the manifests that were planned; apply refuses others."},
    {.name = "objects",
     .type = &tf_type_string_map,
     .flags = TF_COMPUTED,
     .description = "Every object, as `group/Kind/namespace/name`, and the hash of its content."},
    {.name = "changes",
     .type = &tf_type_string_list,
     .flags = TF_COMPUTED,
     .description = "What the last plan did, object by object with old and new values of fields."},
    {.name = "drift",
     .type = &string_list_map,
     .flags = TF_COMPUTED,
     .description =
         "What was changed in the cluster since the last apply: object to fields, with who "
         "changed them. The next apply sets them back."},
    {.name = "retained",
     .type = &tf_type_string_list,
     .flags = TF_COMPUTED,
     .description = "Objects that updates took out of the installation and left in the cluster: "
                    "claims, CRDs in use, namespaces with content."},
    {.name = "webhook_ports",
     .type = &number_list,
     .flags = TF_COMPUTED,
     .description =
         "Ports that the control plane must reach on nodes for the component's webhooks; "
         "for firewall rules of private clusters."},
    TF_END,
};

static const struct tf_block component_blocks[] = {TF_TIMEOUTS_BLOCK, TF_END};

const struct tf_schema component_schema = {
    .block = {.attributes = component_attributes,
              .blocks = component_blocks,
              .description = "One component of a Kubeflow release, or any kustomization, installed "
                             "into a cluster and kept as it should be."},
};
