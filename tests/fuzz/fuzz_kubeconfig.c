/* Any bytes as a kubeconfig file: what is accepted has the types that its readers rely on, and file
 * references that don't depend on the current directory. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/kubeconfig.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static void check_path(const json_t *entry, const char *name)
{
    const char *path = kubeconfig_str(entry, name);

    if (*path && *path != '/')
        bug("%s is relative", name);
}

static void check_user(const json_t *user)
{
    const json_t *exec = json_object_get(user, "exec");
    json_t *env = json_object_get(exec, "env"), *e;
    size_t i;

    check_path(user, "client-certificate");
    check_path(user, "client-key");
    check_path(user, "tokenFile");
    if (exec && !json_is_object(exec))
        bug("exec isn't a map");
    json_array_foreach (env, i, e)
        if (!*kubeconfig_str(e, "name"))
            bug("a variable without a name");
}

static void check_entries(json_t *config, enum kubeconfig_part part, const char *list)
{
    json_t *entries = json_object_get(config, list), *entry;
    const char *name;

    if (!json_is_object(entries))
        bug("%s is missing", list);
    json_object_foreach (entries, name, entry) {
        if (!*name || !json_is_object(entry) || kubeconfig_entry(config, part, name) != entry)
            bug("%s: bad entry", list);
        if (part == KUBECONFIG_CLUSTER)
            check_path(entry, "certificate-authority");
        if (part == KUBECONFIG_USER)
            check_user(entry);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *config = NULL;

    if (kubeconfig_parse((const char *)data, size, "input", "/dir", &config, &err)) {
        if (!err.code || !err.msg)
            bug("refused without a word");
        return 0;
    }
    if (!json_is_string(json_object_get(config, "current-context")))
        bug("no current-context");
    check_entries(config, KUBECONFIG_CLUSTER, "clusters");
    check_entries(config, KUBECONFIG_USER, "users");
    check_entries(config, KUBECONFIG_CONTEXT, "contexts");
    return 0;
}
