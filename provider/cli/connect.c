#include "provider/cli/connect.h"

#include "lib/base/mem.h"
#include "lib/kube/config.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/install.h"

#include "lib/base/banned.h"

struct kube_client *cli_connect(const char *config_path, const char *context, struct err *err)
{
    const char *const paths[] = {config_path, NULL};
    struct kube_attributes attrs = {
        .insecure = -1,
        .config_paths = config_path ? paths : NULL,
        .config_context = context,
    };
    struct kube_client_options options = {.user_agent =
                                              "terraform-provider-kubeflow/" PROVIDER_VERSION};
    struct kube_client *client;
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_config_resolve(&attrs, NULL, &options.config, err);

    if (rc == ERR_NOT_FOUND && !config_path) {
        err_done(err);
        err_set(err, rc,
                "nothing says which cluster: give --config-path, or set KUBE_CONFIG_PATH or "
                "KUBE_HOST, as for the provider (KUBECONFIG doesn't count)");
    }
    if (rc)
        return NULL;
    client = kube_client_new(&options, err);
    /* A server that doesn't answer is said soon. */
    if (client && kube_cluster_uid(client, INSTALL_READ_RETRY_MS, NULL, &uid, err)) {
        kube_client_free(client);
        return NULL;
    }
    return client;
}
