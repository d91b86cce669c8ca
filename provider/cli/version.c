#include "provider/cli/cli.h"

#include <grpc/grpc.h>
#include <openssl/crypto.h>

#include "lib/base/banned.h"

static int run_version(struct cli *cli, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return CLI_USAGE;
    fprintf(cli->out, "terraform-provider-%s %s\n", cli->provider->name, cli->provider->version);
    fprintf(cli->out, "Terraform protocol %d, gRPC %s, %s\n", HANDSHAKE_PROTOCOL,
            grpc_version_string(), OpenSSL_version(OPENSSL_VERSION));
    return CLI_OK;
}

const struct cli_command cli_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .run = run_version,
};
