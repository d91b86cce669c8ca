/* The cluster that a command is about. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "lib/base/err.h"
#include "lib/kube/client.h"

/* As --config-path and --context say it (NULL: not given), else the provider's environment variables.
 * NULL after an error, also when the server doesn't answer soon. */
struct kube_client *cli_connect(const char *config_path, const char *context, struct err *err);

#endif
