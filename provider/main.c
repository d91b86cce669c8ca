/* Arguments, environment and wiring. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "provider/cli/cli.h"
#include "provider/plugin/crash.h"
#include "provider/plugin/hclog.h"
#include "resources/registry.h"

#include "lib/base/banned.h"

/* Everything that was worth keeping has been sent: what hangs must not keep Terraform waiting. */
static void give_up(void)
{
    _exit(EXIT_SUCCESS);
}

/* One arena of malloc for each of many threads would keep what a plan's trees took for ever. Its
 * fast bins, made for blocks that are soon taken again, are swept over and over while a big tree is
 * freed: an eighth of the time of a render. */
static void setup_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_MXFAST, 0);
}

static void setup_log(const struct cli *cli, bool by_host)
{
    enum log_level level = hclog_level(cli->env, cli->provider->name);

    if (by_host)
        log_setup(level, hclog_json_sink);
    else
        log_setup(level == LOG_OFF ? LOG_WARN : level, hclog_text_sink);
}

int main(int argc, char **argv)
{
    struct cli cli = {
        .provider = registry_provider(),
        .env = getenv,
        .out = stdout,
        .err = stderr,
        .give_up = give_up,
    };
    struct handshake handshake;
    bool by_host;

    setup_memory();
    /* Before any other use of OpenSSL, which would read the user's configuration: engines and
     * providers named there have broken key generation. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    crash_setup(cli.provider->name, cli.provider->version);
    handshake_read(&handshake, cli.env);
    by_host = handshake.by_host && argc == 1;
    setup_log(&cli, by_host);
    return by_host ? cli_serve_terraform(&cli, &handshake) : cli_run(&cli, argc, argv);
}
