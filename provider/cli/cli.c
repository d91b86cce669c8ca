#include "provider/cli/cli.h"

#include <string.h>

#include "lib/base/banned.h"

static const struct cli_command *const commands[] = {
    &cli_render, &cli_components, &cli_status, &cli_import, &cli_version, &cli_debug,
};

#define HELP_COLUMN 40

static void print_usage(const struct cli *cli, FILE *out)
{
    const char *name = cli->provider->name;

    fprintf(out,
            "terraform-provider-%s %s: the Terraform provider \"%s\".\n"
            "Terraform starts it by itself; by hand it has these commands:\n\n",
            name, cli->provider->version, name);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct cli_command *c = commands[i];
        int width = fprintf(out, "  %s%s%s", c->name, *c->arguments ? " " : "", c->arguments);

        fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 2, "", c->summary);
    }
}

/* Dashes in front make no difference: -version and --debug are what people try. */
static const char *without_dashes(const char *name)
{
    return name + strspn(name, "-");
}

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(without_dashes(commands[i]->name), without_dashes(name)))
            return commands[i];
    return NULL;
}

static bool asks_for_help(const char *arg)
{
    static const char *const words[] = {"help", "-h", "-help", "--help"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(words[i], arg))
            return true;
    return false;
}

int cli_run(struct cli *cli, int argc, char **argv)
{
    const struct cli_command *c;
    int status;

    if (argc < 2) { /* nothing on stdout: a program that expects a plugin may be reading it */
        print_usage(cli, cli->err);
        return CLI_OK;
    }
    if (asks_for_help(argv[1])) {
        print_usage(cli, cli->out);
        return CLI_OK;
    }
    c = find_command(argv[1]);
    if (!c) {
        fprintf(cli->err, "unknown command \"%s\"\n\n", argv[1]);
        print_usage(cli, cli->err);
        return CLI_TROUBLE;
    }
    status = c->run(cli, argc - 1, argv + 1);
    if (status != CLI_USAGE)
        return status;
    fprintf(cli->err, "usage: terraform-provider-%s %s%s%s\n", cli->provider->name, c->name,
            *c->arguments ? " " : "", c->arguments);
    return CLI_TROUBLE;
}
