/* The cluster that a command is about, and the arguments that say it. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kube/client.h"

/* [WORD] [--<flag>] [--config-path FILE] [--context NAME]; strings are borrowed, NULL = not given. */
struct cli_target {
    const char *word;
    const char *config_path, *context;
    bool flag;
};

/* false for what isn't understood, or given twice. */
bool cli_read_target(int argc, char **argv, const char *flag, struct cli_target *ret);

/* As the target says it, else the provider's environment variables. NULL after an error, also when the
 * server doesn't answer soon. */
struct kube_client *cli_connect(const struct cli_target *target, struct err *err);

#endif
