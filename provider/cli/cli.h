/* The binary by hand: a table of commands, one file each. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "lib/tf/resource.h"
#include "provider/plugin/handshake.h"

/* Exit statuses of commands. CLI_TROUBLE: for commands whose CLI_FAILED is an answer. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_TROUBLE = 2, CLI_USAGE = -1 };

/* What main hands to commands. */
struct cli {
    const struct tf_provider *provider;
    handshake_env *env; /* getenv */
    FILE *out, *err;
    void (*give_up)(void); /* ends the process at once, from any thread */
};

struct cli_command {
    const char *name;
    const char *arguments; /* for the usage: "<dir> [-o yaml|json]", or "" */
    const char *summary;   /* one line */
    /* argv[0] is the command's name. Returns the exit status; CLI_USAGE makes cli_run print how
     * the command is used, and is CLI_TROUBLE outside. */
    int (*run)(struct cli *cli, int argc, char **argv);
};

/* argv as main has it. The exit status of the process. */
int cli_run(struct cli *cli, int argc, char **argv);

/* What Terraform starts: no command, the magic cookie in the environment. */
int cli_serve_terraform(struct cli *cli, const struct handshake *handshake);

/* One per file; cli.c has them in its table. */
extern const struct cli_command cli_components, cli_debug, cli_import, cli_render, cli_status,
    cli_version;

#endif
