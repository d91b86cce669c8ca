#include "provider/cli/connect.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/config.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/install.h"

#include "lib/base/banned.h"

/* Options with a value: --name VALUE or --name=VALUE. */
static const char **value_option(struct cli_target *t, const char *word)
{
    const struct {
        const char *name;
        const char **value;
    } rows[] = {{"config-path", &t->config_path}, {"context", &t->context}};
    size_t n = strcspn(word, "=");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strlen(rows[i].name) == n && !strncmp(rows[i].name, word, n))
            return rows[i].value;
    return NULL;
}

bool cli_read_target(int argc, char **argv, const char *flag, struct cli_target *ret)
{
    struct cli_target t = {0};

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *word = arg + strspn(arg, "-");
        const char **value = arg == word ? &t.word : value_option(&t, word);

        if (arg != word && !strcmp(word, flag))
            t.flag = true;
        else if (!value || *value)
            return false;
        else if (arg == word)
            *value = arg;
        else if (strchr(word, '='))
            *value = strchr(word, '=') + 1;
        else if (i + 1 < argc)
            *value = argv[++i];
        else
            return false;
    }
    *ret = t;
    return true;
}

struct kube_client *cli_connect(const struct cli_target *target, struct err *err)
{
    const char *const paths[] = {target->config_path, NULL};
    struct kube_attributes attrs = {
        .insecure = -1,
        .config_paths = target->config_path ? paths : NULL,
        .config_context = target->context,
    };
    struct kube_client_options options = {.user_agent =
                                              "terraform-provider-kubeflow/" PROVIDER_VERSION};
    struct kube_client *client;
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_config_resolve(&attrs, NULL, &options.config, err);

    if (rc == ERR_NOT_FOUND && !target->config_path) {
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
