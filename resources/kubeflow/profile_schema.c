#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/quantity.h"
#include "lib/tf/timeouts.h"
#include "resources/kubeflow/profile.h"
#include "resources/kubeflow/profile_objects.h"

#include "lib/base/banned.h"

#define MAX_USER 230 /* bytes: with what is put around it, it must fit into the name of an object */

static const struct tf_pattern name_pattern = {
    "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
    "a DNS label, because a namespace gets it: at most 63 lower-case letters, digits and '-'"};
static const struct tf_validator check_name[] = {{tf_check_pattern, &name_pattern},
                                                 TF_NO_VALIDATOR};
static const struct tf_validator check_role[] = {{tf_check_one_of, profile_roles}, TF_NO_VALIDATOR};
static const char *const data_policies[] = {"refuse", "keep", "delete", NULL};
static const struct tf_validator check_data[] = {{tf_check_one_of, data_policies}, TF_NO_VALIDATOR};

/* An AuthorizationPolicy reads '*' at either end as "any": such a user would be everybody. */
static int check_user(const struct tf_value *v, const void *unused, struct err *err)
{
    const char *user = tf_str(v, "");
    size_t len = strlen(user);

    (void)unused;
    if (!len || len > MAX_USER)
        return err_set(err, ERR_INVALID,
                       "must be a user of 1 to %d bytes, such as an e-mail address", MAX_USER);
    if (!strncmp(user, "system:", 7))
        return err_set(err, ERR_INVALID,
                       "must be a person's user name, such as an e-mail address; \"%s\" is one of "
                       "Kubernetes' own",
                       user);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)user[i] <= ' ' || user[i] == 0x7f || user[i] == '*')
            return err_set(err, ERR_INVALID,
                           "must be a user as the login names it, such as an e-mail address, "
                           "without spaces and '*'");
    }
    return 0;
}
static const struct tf_validator check_users[] = {{check_user, NULL}, TF_NO_VALIDATOR};

static int check_quantity(const struct tf_value *v, const void *unused, struct err *err)
{
    json_auto_t *text = json_string(tf_str(v, ""));
    double number;

    (void)unused;
    if (kube_quantity(text, &number) && number >= 0)
        return 0;
    return err_set(err, ERR_INVALID,
                   "must be a quantity that isn't negative, such as \"4\", \"500m\" or \"16Gi\"");
}
static const struct tf_validator check_quantities[] = {{check_quantity, NULL}, TF_NO_VALIDATOR};

static int check_json_object(const struct tf_value *v, const void *unused, struct err *err)
{
    json_error_t why;
    json_auto_t *object = json_loads(tf_str(v, ""), JSON_REJECT_DUPLICATES, &why);

    (void)unused;
    if (json_is_object(object))
        return 0;
    return err_set(err, ERR_INVALID, "must be a JSON object, as jsonencode({ ... }) makes it%s%s",
                   object ? "" : ": ", object ? "" : why.text);
}
static const struct tf_validator check_spec[] = {{check_json_object, NULL}, TF_NO_VALIDATOR};

static const struct tf_attribute contributor_attributes[] = {
    {.name = "user",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .validators = check_users,
     .description = "User as the login names it, such as an e-mail address; upper and lower case "
                    "count."},
    {.name = "role",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .validators = check_role,
     .description = "`edit` (what the dashboard calls a contributor), `view` or `admin`."},
    TF_END,
};

static const struct tf_attribute plugin_attributes[] = {
    {.name = "kind",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "`WorkloadIdentity`, `AwsIamForServiceAccount`, or one that your profile "
                    "controller knows."},
    {.name = "spec",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .validators = check_spec,
     .description = "What the plugin needs, as a JSON object."},
    TF_END,
};

static const struct tf_attribute on_destroy_attributes[] = {
    {.name = "user_data",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "\"refuse\"",
     .validators = check_data,
     .description =
         "What happens when claims, workloads, notebooks, jobs, pipelines or models are in the "
         "namespace: `refuse` to destroy, `keep` the workspace and only take it out of Terraform "
         "(also when it is empty), or `delete` it with all that is in it. Defaults to `refuse`."},
    TF_END,
};

static const struct tf_attribute profile_attributes[] = {
    {.name = "id",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "The profile's name."},
    {.name = "name",
     .type = &tf_type_string,
     .flags = TF_REQUIRED | TF_REQUIRES_REPLACE,
     .validators = check_name,
     .description = "Name of the profile and of its namespace."},
    {.name = "owner",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .validators = check_users,
     .description =
         "User who owns the workspace, as the login names them, such as an e-mail address; upper "
         "and lower case count. Changes in place."},
    {.name = "contributors",
     .nested = contributor_attributes,
     .nesting = TF_NEST_SET,
     .flags = TF_OPTIONAL,
     .description =
         "Who else may use it: exactly these, others who were added in the dashboard are removed. "
         "Not set: left to the dashboard."},
    {.name = "resource_quota",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .item_validators = check_quantities,
     .description = "Limits of the namespace as in a ResourceQuota, such as `{ cpu = \"16\", "
                    "\"requests.nvidia.com/gpu\" = \"2\" }`. Not set: not managed."},
    {.name = "labels",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Labels of the Profile. Those of its namespace come from the platform "
                    "(`namespace_labels`)."},
    {.name = "plugins",
     .nested = plugin_attributes,
     .nesting = TF_NEST_LIST,
     .flags = TF_OPTIONAL,
     .description = "What the profile controller does beyond Kubernetes: identities in a cloud for "
                    "the workspace's service accounts. Not set: not managed."},
    {.name = "platform",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description =
         "`id` of a `kubeflow_platform` that must be installed first; only for ordering."},
    {.name = "wait",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "true",
     .description = "Wait until the namespace, its owner's rights and its quota are in place. "
                    "Defaults to true."},
    {.name = "force_conflicts",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "false",
     .description = "Take over fields of the Profile that other field managers own. Fields that "
                    "were in the state before are always taken back. Defaults to false."},
    {.name = "adopt",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "false",
     .description = "Take over a Profile that exists already. Defaults to false."},
    {.name = "on_destroy",
     .nested = on_destroy_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL | TF_COMPUTED,
     .default_json = "{\"user_data\":\"refuse\"}",
     .description =
         "What a destroy may take along. Terraform hands a destroy the values of the last apply: "
         "change it, apply, then destroy."},
    {.name = "cluster_uid",
     .type = &tf_type_string,
     .flags = TF_COMPUTED | TF_KEEP_STATE,
     .description = "Which cluster it is in: the uid of namespace kube-system."},
    {.name = "installed",
     .type = &tf_type_bool,
     .flags = TF_COMPUTED,
     .description = "False while a create is unfinished: the next apply continues it."},
    TF_END,
};

static const struct tf_block profile_blocks[] = {TF_TIMEOUTS_BLOCK, TF_END};

const struct tf_schema profile_schema = {
    .block = {.attributes = profile_attributes,
              .blocks = profile_blocks,
              .description = "A user's or a team's workspace in Kubeflow: a Profile with its "
                             "namespace, owner, contributors and quota."},
};
