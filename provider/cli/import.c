/* import: which Kubeflow is installed in a cluster, and the HCL that matches. Writes nothing. */
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "provider/cli/cli.h"
#include "provider/cli/connect.h"
#include "resources/kubeflow/import.h"
#include "resources/session.h"

#include "lib/base/banned.h"

static void print_notes(struct cli *cli, const struct import_found *f)
{
    const json_t *note;
    size_t i;

    fprintf(cli->out, "Kubeflow %s\n", f->release->name);
    json_array_foreach (f->notes, i, note)
        fprintf(cli->out, "- %s\n", json_string_value(note));
    fputs("--hcl prints the configuration that matches.\n", cli->out);
}

static int print_found(struct cli *cli, const struct cli_target *o, struct kube_client *client,
                       struct err *err)
{
    struct source_cache_options options = {.getenv_fn = NULL};
    struct source_cache *sources CLEANUP(source_cache_cleanup) = source_cache_new(&options, err);
    struct import_request r = {.client = client,
                               .sources = sources,
                               .manager = SESSION_FIELD_MANAGER,
                               .id = o->word ? o->word : IMPORT_AUTO};
    struct import_found found;
    int rc;

    if (!sources)
        return err->code;
    rc = import_look(&r, &found, err);
    if (rc)
        return rc;
    if (o->flag) {
        char *text CLEANUP(mem_cleanup) = import_hcl(&found);

        fputs(text, cli->out);
    } else {
        print_notes(cli, &found);
    }
    import_found_done(&found);
    return fflush(cli->out) ? err_set(err, ERR_FAIL, "writing the output failed") : 0;
}

static int run_import(struct cli *cli, int argc, char **argv)
{
    struct cli_target o;
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kube_client *client;
    int rc = ERR_FAIL;

    if (!cli_read_target(argc, argv, "hcl", &o))
        return CLI_USAGE;
    client = cli_connect(&o, &err);
    if (client)
        rc = print_found(cli, &o, client, &err);
    kube_client_free(client);
    if (rc)
        fprintf(cli->err, "error: %s\n", err_msg(&err));
    return rc ? CLI_FAILED : CLI_OK;
}

const struct cli_command cli_import = {
    .name = "import",
    .arguments = "[auto|release|sha256:digest] [--hcl] [--config-path FILE] [--context NAME]",
    .summary = "which Kubeflow a cluster has, and the HCL that matches",
    .run = run_import,
};
