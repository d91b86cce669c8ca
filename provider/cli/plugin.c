/* The process as a plugin: started by Terraform, or by a developer with -debug. */
#include "provider/cli/cli.h"

#include "provider/plugin/serve.h"
#include "provider/rpc/rpc.h"

#include "lib/base/banned.h"

/* Where the registry has the provider; the key of TF_REATTACH_PROVIDERS. */
#define SOURCE_PREFIX "registry.terraform.io/mlops8020/"

static const ProtobufCMessage *handle(void *host, const struct method *method,
                                      struct method_call *call, const ProtobufCMessage *request)
{
    return rpc_handle(host, method, call, request);
}

static void forget_peer(void *host, const void *peer)
{
    rpc_host_forget(host, peer);
}

static void cancel_all(void *host)
{
    rpc_host_cancel(host);
}

static int serve_plugin(struct cli *cli, enum serve_mode mode, const struct handshake *handshake)
{
    struct rpc_host *host CLEANUP(rpc_host_cleanup) = rpc_host_new(cli->provider);
    char *source CLEANUP(mem_cleanup) = mem_printf(SOURCE_PREFIX "%s", cli->provider->name);
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct serve_options options = {
        .mode = mode,
        .handshake = handshake,
        .source = source,
        .temp_dir = cli->env("TMPDIR"),
        .find = rpc_find,
        .handle = handle,
        .forget_peer = forget_peer,
        .cancel_all = cancel_all,
        .arg = host,
        .overdue = cli->give_up,
    };

    if (!serve(&options, &err))
        return CLI_OK;
    fprintf(cli->err, "[ERROR] the provider can't start: %s\n", err_msg(&err));
    return CLI_FAILED;
}

int cli_serve_terraform(struct cli *cli, const struct handshake *handshake)
{
    /* go-plugin's way: say what is spoken here, and let the host report what it wanted instead. */
    if (!handshake->speaks_protocol)
        fprintf(cli->err, "[ERROR] the host doesn't speak provider protocol %d\n",
                HANDSHAKE_PROTOCOL);
    return serve_plugin(cli, SERVE_MANAGED, handshake);
}

static int run_debug(struct cli *cli, int argc, char **argv)
{
    static const struct handshake none = {.by_host = false};

    (void)argv;
    if (argc > 1)
        return CLI_USAGE;
    return serve_plugin(cli, SERVE_REATTACH, &none);
}

const struct cli_command cli_debug = {
    .name = "-debug",
    .arguments = "",
    .summary = "serve any number of Terraform runs, e.g. under a debugger",
    .run = run_debug,
};
