/* components: what a release consists of. */
#include "provider/cli/cli.h"
#include "resources/kubeflow/catalog.h"

#include "lib/base/banned.h"

static void print_releases(FILE *out)
{
    size_t n;
    const struct catalog_release *all = catalog_releases(&n);

    for (size_t i = 0; i < n; i++)
        fprintf(out, "%-8s %3zu components\n", all[i].name, all[i].ncomponents);
}

static void print_components(const struct catalog_release *r, FILE *out)
{
    for (size_t i = 0; i < r->ncomponents; i++) {
        const struct catalog_component *c = &r->components[i];

        fprintf(out, "%-30s %-12s %s %s\n", c->name, c->version, c->by_default ? "*" : " ",
                catalog_title(c->name));
    }
    fputs("\n* installed by default\n", out);
}

static int run_components(struct cli *cli, int argc, char **argv)
{
    const struct catalog_release *r;

    if (argc > 2)
        return CLI_USAGE;
    if (argc == 1) {
        print_releases(cli->out);
        return CLI_OK;
    }
    r = catalog_release(argv[1]);
    if (!r) {
        const char *near = catalog_nearest_release(argv[1]);

        fprintf(cli->err, "there is no release \"%s\"%s%s%s\n", argv[1],
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return CLI_FAILED;
    }
    print_components(r, cli->out);
    return CLI_OK;
}

const struct cli_command cli_components = {
    .name = "components",
    .arguments = "[release]",
    .summary = "list the releases, or the components of one",
    .run = run_components,
};
