#include "provider/plugin/handshake.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define CORE_PROTOCOL 1

/* A sign that Terraform started us, not a secret: it is in Terraform's sources. */
#define COOKIE_NAME  "TF_PLUGIN_MAGIC_COOKIE"
#define COOKIE_VALUE "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

/* "5,6", in any order. */
static bool lists_version(const char *versions, long wanted)
{
    for (const char *p = versions; *p;) {
        char *end;
        long v = strtol(p, &end, 10);

        if (end != p && v == wanted && (!*end || *end == ','))
            return true;
        p = strchr(p, ',');
        if (!p)
            return false;
        p++;
    }
    return false;
}

static const char *nonempty(const char *s)
{
    return s && *s ? s : NULL;
}

void handshake_read(struct handshake *h, handshake_env *env)
{
    const char *cookie = env(COOKIE_NAME);
    const char *versions = nonempty(env("PLUGIN_PROTOCOL_VERSIONS"));

    *h = (struct handshake){
        .by_host = cookie && !strcmp(cookie, COOKIE_VALUE),
        .speaks_protocol = !versions || lists_version(versions, HANDSHAKE_PROTOCOL),
        .client_cert = nonempty(env("PLUGIN_CLIENT_CERT")),
        .socket_dir = nonempty(env("PLUGIN_UNIX_SOCKET_DIR")),
        .multiplex_field = nonempty(env("PLUGIN_MULTIPLEX_GRPC")) != NULL,
    };
}

void handshake_line(const struct handshake *h, const struct handshake_address *address,
                    const char *certificate, struct buf *out)
{
    buf_printf(out, "%d|%d|%s|%s|grpc|%s%s\n", CORE_PROTOCOL, HANDSHAKE_PROTOCOL, address->network,
               address->name, certificate ? certificate : "", h->multiplex_field ? "|false" : "");
}

/* In single quotes nothing is special but the quote itself. */
static void shell_quote(const char *s, struct buf *out)
{
    buf_putc(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '\'');
}

/* "Test": true is a must: without it Terraform loses the protocol version and crashes. */
void handshake_reattach_line(const char *source, const struct handshake_address *address, long pid,
                             struct buf *out)
{
    json_auto_t *root =
        json_pack("{s:{s:s, s:i, s:I, s:b, s:{s:s, s:s}}}", source, "Protocol", "grpc",
                  "ProtocolVersion", HANDSHAKE_PROTOCOL, "Pid", (json_int_t)pid, "Test", 1, "Addr",
                  "Network", address->network, "String", address->name);
    char *json CLEANUP(mem_cleanup) = root ? json_dumps(root, JSON_COMPACT) : NULL;

    if (!json)
        bug("the address \"%s\" isn't text", address->name);
    buf_puts(out, "TF_REATTACH_PROVIDERS=");
    shell_quote(json, out);
    buf_putc(out, '\n');
}
