#include "lib/tf/timeouts.h"
#include "resources/kubeflow/installation_schema.h"
#include "resources/kubeflow/platform.h"

#include "lib/base/banned.h"

static const char *const service_types[] = {"ClusterIP", "LoadBalancer", "NodePort", NULL};
static const struct tf_validator check_service_type[] = {{tf_check_one_of, service_types},
                                                         TF_NO_VALIDATOR};
static const char *const capacities[] = {"warn", "error", "off", NULL};
static const struct tf_validator check_capacity[] = {{tf_check_one_of, capacities},
                                                     TF_NO_VALIDATOR};

static const struct tf_range versions = {0, INT64_MAX};
static const struct tf_validator check_version[] = {{tf_check_range, &versions}, TF_NO_VALIDATOR};

static const struct tf_type number_map = TF_MAP_OF(&tf_type_number);

static const struct tf_attribute user_attributes[] = {
    {.name = "password_wo",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_WRITE_ONLY | TF_SENSITIVE,
     .description =
         "Password. Stored nowhere but, hashed, in the cluster. Needs Terraform 1.11 and "
         "`password_wo_version`."},
    {.name = "password_wo_version",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .validators = check_version,
     .description = "A new number sets the password anew."},
    {.name = "password_hash",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_SENSITIVE,
     .description = "bcrypt hash of the password, instead of `password_wo`: for Terraform before "
                    "1.11 and OpenTofu. Kept in the state."},
    {.name = "profile",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Name of a profile (a namespace of that name) that the user owns."},
    {.name = "cluster_admin",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Whether the dashboard lets the user manage all profiles. One user can be."},
    TF_END,
};

static const struct tf_attribute secret_ref_attributes[] = {
    {.name = "name", .type = &tf_type_string, .flags = TF_REQUIRED, .description = "Name."},
    {.name = "namespace",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Namespace; Dex reads Secrets of `auth`, which is the default."},
    {.name = "key", .type = &tf_type_string, .flags = TF_REQUIRED, .description = "Key."},
    TF_END,
};

static const struct tf_attribute oidc_attributes[] = {
    {.name = "issuer",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "Address of the identity provider, as its discovery document says it."},
    {.name = "client_id",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "ID of the client that was registered there for Dex."},
    {.name = "client_secret_wo",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL | TF_WRITE_ONLY | TF_SENSITIVE,
     .description = "The client's secret. Stored only in the cluster. Needs Terraform 1.11 and "
                    "`client_secret_wo_version`."},
    {.name = "client_secret_wo_version",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .validators = check_version,
     .description = "A new number writes the secret anew."},
    {.name = "client_secret_ref",
     .nested = secret_ref_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Secret in the cluster that holds the client's secret, instead of "
                    "`client_secret_wo`; somebody else's, such as an external secret store's."},
    {.name = "name",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "What the login page calls it. Defaults to `OIDC`."},
    {.name = "scopes",
     .type = &tf_type_string_list,
     .flags = TF_OPTIONAL,
     .description = "Scopes to ask for besides `openid`. Defaults to `profile` and `email`."},
    {.name = "username_claim",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Claim that holds the user's name, where it isn't `name`."},
    {.name = "email_claim",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Claim that holds the e-mail address, where it isn't `email`."},
    {.name = "groups_claim",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Claim that holds the groups, where it isn't `groups`."},
    {.name = "insecure_skip_email_verified",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Accept users of a provider that doesn't say whether it has verified e-mail "
                    "addresses. One that says it hasn't is refused all the same."},
    {.name = "ca_pem",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Certificates (PEM) that Dex trusts when it talks to the provider, besides the "
                    "public ones."},
    TF_END,
};

static const struct tf_attribute tls_attributes[] = {
    {.name = "secret_name",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Secret of type `kubernetes.io/tls` in namespace `istio-system`."},
    {.name = "issuer",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "ClusterIssuer of cert-manager that signs the certificate for `hostname`."},
    TF_END,
};

static const struct tf_attribute gateway_attributes[] = {
    {.name = "service_type",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_service_type,
     .description = "How the gateway is reached: `ClusterIP` (from inside the cluster and by "
                    "port-forwarding), `LoadBalancer` or `NodePort`. Defaults to `ClusterIP`."},
    {.name = "internal",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Load balancer with a private address, on GKE and EKS."},
    {.name = "annotations",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Annotations of the gateway's Service, for the cloud's load balancer."},
    {.name = "load_balancer_ip",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Reserved address for the load balancer."},
    {.name = "hostname",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "DNS name under which people reach the platform."},
    {.name = "external_url",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Address under which people reach the platform when TLS ends in front of the "
                    "gateway, such as `https://kubeflow.example.com`."},
    {.name = "tls",
     .nested = tls_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Certificate of the gateway: exactly one of `secret_name` and `issuer`."},
    {.name = "allow_plain_http",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Allow a public load balancer without TLS: passwords and cookies then travel "
                    "unencrypted."},
    TF_END,
};

static const struct tf_attribute storage_attributes[] = {
    {.name = "class_name",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "StorageClass of the platform's claims. Defaults to the cluster's default."},
    {.name = "sizes",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Sizes of claims by their names, such as `{ mysql-pv-claim = \"50Gi\" }`."},
    TF_END,
};

static const char *const toleration_operators[] = {"Equal", "Exists", NULL};
static const struct tf_validator check_operator[] = {{tf_check_one_of, toleration_operators},
                                                     TF_NO_VALIDATOR};
static const char *const toleration_effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute",
                                                 NULL};
static const struct tf_validator check_effect[] = {{tf_check_one_of, toleration_effects},
                                                   TF_NO_VALIDATOR};

static const struct tf_attribute toleration_attributes[] = {
    {.name = "key",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Key of the taints; with operator `Exists` it may be left out, which is any."},
    {.name = "operator",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_operator,
     .description = "`Equal` (to `value`) or `Exists` (whatever the value). Defaults to `Equal`."},
    {.name = "value",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Value of the taints."},
    {.name = "effect",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_effect,
     .description = "`NoSchedule`, `PreferNoSchedule` or `NoExecute`. Defaults to any."},
    {.name = "toleration_seconds",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .validators = check_version,
     .description = "For how long a taint `NoExecute` is tolerated. Defaults to forever."},
    TF_END,
};

#define SCHEDULING_ATTRIBUTES                                                                      \
    {.name = "node_selector",                                                                      \
     .type = &tf_type_string_map,                                                                  \
     .flags = TF_OPTIONAL,                                                                         \
     .description = "Labels that a node must have, besides those that the release asks for."},     \
        {.name = "tolerations",                                                                    \
         .nested = toleration_attributes,                                                          \
         .nesting = TF_NEST_LIST,                                                                  \
         .flags = TF_OPTIONAL,                                                                     \
         .description = "Taints of nodes that don't keep the pods away, besides those that the "   \
                        "release tolerates."},                                                     \
    {                                                                                              \
        .name = "priority_class_name", .type = &tf_type_string, .flags = TF_OPTIONAL,              \
        .description = "PriorityClass of the pods; one that is there. Pods that the release "      \
                       "gives a class keep it, unless `per_component` names another one."          \
    }

static const struct tf_attribute component_scheduling_attributes[] = {SCHEDULING_ATTRIBUTES,
                                                                      TF_END};
static const struct tf_attribute scheduling_attributes[] = {
    SCHEDULING_ATTRIBUTES,
    {.name = "per_component",
     .nested = component_scheduling_attributes,
     .nesting = TF_NEST_MAP,
     .flags = TF_OPTIONAL,
     .description = "The same for the pods of single components, by their names: labels and the "
                    "class go over the general ones, tolerations are added to them."},
    TF_END,
};

static const struct tf_attribute culling_attributes[] = {
    {.name = "enabled",
     .type = &tf_type_bool,
     .flags = TF_REQUIRED,
     .description = "Whether notebooks that nobody uses are stopped. Their volumes stay, and their "
                    "owners can start them again."},
    {.name = "idle_minutes",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .description = "Minutes without use after which a notebook is stopped. Defaults to 1440."},
    {.name = "check_minutes",
     .type = &tf_type_number,
     .flags = TF_OPTIONAL,
     .description = "Minutes between two looks at a notebook. Defaults to 1."},
    TF_END,
};

static const char *const link_locations[] = {"menu", "external", "documentation", "quick", NULL};
static const struct tf_validator check_location[] = {{tf_check_one_of, link_locations},
                                                     TF_NO_VALIDATOR};

static const struct tf_attribute link_attributes[] = {
    {.name = "text",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description = "What the dashboard shows."},
    {.name = "link",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description =
         "Where it leads: a path on the platform's own gateway (`menu`, `quick`), or the "
         "address of another site (`external`, `documentation`)."},
    {.name = "location",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_location,
     .description = "Where it stands: `menu` (sidebar, opened inside the dashboard), `external` "
                    "(sidebar, opened in a tab of its own), `documentation` or `quick` (lists on "
                    "the home page). Defaults to `menu`."},
    {.name = "icon",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Name of an iron-icon, such as `book` or `social:mood`, for links in the "
                    "sidebar. Defaults to `launch`."},
    {.name = "description",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .description = "Line below the text, for links on the home page."},
    TF_END,
};

static const struct tf_attribute preflight_attributes[] = {
    {.name = "capacity",
     .type = &tf_type_string,
     .flags = TF_OPTIONAL,
     .validators = check_capacity,
     .description = "What happens when the nodes there are have less CPU or memory than the "
                    "platform requests: `warn` (an autoscaler may add some), `error` or `off`. "
                    "Defaults to `warn`."},
    TF_END,
};

static const struct tf_attribute resolved_attributes[] = {
    {.name = "version",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "Version of the component; empty where the manifests have none."},
    {.name = "objects",
     .type = &tf_type_number,
     .flags = TF_COMPUTED,
     .description = "How many objects it has."},
    {.name = "digest",
     .type = &tf_type_string,
     .flags = TF_COMPUTED,
     .description = "Digest of its objects as rendered, with all settings."},
    TF_END,
};

static const struct tf_attribute platform_attributes[] = {
#include "resources/kubeflow/installation_attributes.def"
    {.name = "release",
     .type = &tf_type_string,
     .flags = TF_REQUIRED,
     .description =
         "Kubeflow release: `1.9.1`, `1.10.2`, `1.11.0` or `26.03`. A newer one is never "
         "chosen by itself."},
    {.name = "components",
     .type = &tf_type_string_set,
     .flags = TF_OPTIONAL,
     .description = "Components to install, by the names that `terraform-provider-kubeflow "
                    "components` lists; what they need is added. Defaults to what the release's "
                    "own example installs."},
    {.name = "existing",
     .type = &tf_type_string_set,
     .flags = TF_OPTIONAL,
     .description = "Components that the cluster has already and that are left out, such as "
                    "`cert-manager` or `istio`."},
    {.name = "users",
     .nested = user_attributes,
     .nesting = TF_NEST_MAP,
     .flags = TF_OPTIONAL,
     .description = "Local logins by e-mail address. One of `users`, `oidc` and "
                    "`allow_default_login` must be there: there is no silent default password."},
    {.name = "oidc",
     .nested = oidc_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Identity provider that people log in with, through Dex."},
    {.name = "allow_default_login",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Keep the release's own user `user@example.com` with its public password."},
    {.name = "gateway",
     .nested = gateway_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "How people reach the platform."},
    {.name = "storage",
     .nested = storage_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Volumes of the platform's own databases and object store."},
    {.name = "scheduling",
     .nested = scheduling_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "On which nodes the platform's own pods run. Istio's node agents run on every "
                    "node as before; pods that users' notebooks, pipelines, jobs and models start "
                    "aren't the platform's."},
    {.name = "culling",
     .nested = culling_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "Stopping of notebooks that nobody uses. The releases stop none."},
    {.name = "dashboard_links",
     .nested = link_attributes,
     .nesting = TF_NEST_LIST,
     .flags = TF_OPTIONAL,
     .description = "Links that the central dashboard shows behind the release's own."},
    {.name = "namespace_labels",
     .type = &tf_type_string_map,
     .flags = TF_OPTIONAL,
     .description = "Labels for every namespace that the platform makes."},
    {.name = "rotate",
     .type = &number_map,
     .flags = TF_OPTIONAL,
     .description = "Secret values to renew, such as `{ cookie_secret = 2 }`: a new number makes a "
                    "new value in all its places and rolls what reads it."},
    {.name = "preflight",
     .nested = preflight_attributes,
     .nesting = TF_NEST_SINGLE,
     .flags = TF_OPTIONAL,
     .description = "What is checked before anything is written."},
    {.name = "show_objects",
     .type = &tf_type_bool,
     .flags = TF_OPTIONAL,
     .description = "Show every object in `objects`. Defaults to false: a release has about 650."},
    {.name = "objects",
     .type = &tf_type_string_map,
     .flags = TF_COMPUTED,
     .description =
         "With `show_objects`: every object, as `group/Kind/namespace/name`, and the hash "
         "of its content."},
    {.name = "components_resolved",
     .nested = resolved_attributes,
     .nesting = TF_NEST_MAP,
     .flags = TF_COMPUTED,
     .description = "The components that are installed, with those that were added because others "
                    "need them."},
    {.name = "gateway_address",
     .type = &tf_type_string,
     .flags = TF_COMPUTED | TF_KEEP_STATE,
     .description = "Address of the gateway's load balancer, IP or name; null for other types."},
    {.name = "url",
     .type = &tf_type_string,
     .flags = TF_COMPUTED | TF_KEEP_STATE,
     .description = "Where people log in; null while only port-forwarding leads there."},
    TF_END,
};

static const struct tf_block platform_blocks[] = {TF_TIMEOUTS_BLOCK, TF_END};

const struct tf_schema platform_schema = {
    .block = {.attributes = platform_attributes,
              .blocks = platform_blocks,
              .description = "A Kubeflow platform: a whole release, or the chosen part of it, "
                             "installed into a cluster and kept as it should be."},
};
