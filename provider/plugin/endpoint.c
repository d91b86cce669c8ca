#include "provider/plugin/endpoint.h"

#include <openssl/rand.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define DIR_TEMPLATE    "terraform-provider-XXXXXX"
#define SOCKET_NAME     "plugin.sock"
#define PATH_MAX_BYTES  (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define ABSTRACT_RANDOM 16

/* gRPC parses the address as a URI: everything but the plainest characters is escaped. */
static char *uri_escape(const char *path)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    struct buf out CLEANUP(buf_done) = BUF_INIT;

    for (; *path; path++) {
        if (strchr(plain, *path))
            buf_putc(&out, *path);
        else
            buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*path);
    }
    return buf_take(&out);
}

/* The handshake line has no escapes: a path with one of its separators can't be said. */
static bool usable_dir(const char *dir)
{
    return dir && dir[0] == '/' && !strpbrk(dir, "|\r\n") &&
           strlen(dir) + strlen("/" DIR_TEMPLATE "/" SOCKET_NAME) <= PATH_MAX_BYTES;
}

static bool try_dir(struct endpoint *e, const char *parent)
{
    char *dir CLEANUP(mem_cleanup) = NULL;
    char *escaped CLEANUP(mem_cleanup) = NULL;

    if (!usable_dir(parent))
        return false;
    dir = mem_printf("%s/" DIR_TEMPLATE, parent);
    if (!mkdtemp(dir)) /* mode 0700 */
        return false;
    e->name = mem_printf("%s/" SOCKET_NAME, dir);
    escaped = uri_escape(e->name);
    e->listen = mem_printf("unix:%s", escaped);
    e->dir = dir;
    dir = NULL;
    return true;
}

static int try_abstract(struct endpoint *e, struct err *err)
{
    unsigned char random[ABSTRACT_RANDOM];
    struct buf name CLEANUP(buf_done) = BUF_INIT;

    if (RAND_bytes(random, sizeof(random)) != 1)
        return err_set(err, ERR_FAIL, "no random bytes for the name of a socket");
    buf_puts(&name, "terraform-provider-");
    for (size_t i = 0; i < sizeof(random); i++)
        buf_printf(&name, "%02x", random[i]);
    e->name = mem_printf("@%s", buf_str(&name));
    e->listen = mem_printf("unix-abstract:%s", buf_str(&name));
    return 0;
}

int endpoint_new(struct endpoint *ret_endpoint, const char *const *dirs, size_t ndirs,
                 bool allow_abstract, struct err *err)
{
    struct buf tried CLEANUP(buf_done) = BUF_INIT;

    *ret_endpoint = (struct endpoint){NULL, NULL, NULL};
    for (size_t i = 0; i < ndirs; i++) {
        if (!dirs[i])
            continue;
        if (try_dir(ret_endpoint, dirs[i]))
            return 0;
        buf_printf(&tried, "%s%s", tried.len ? ", " : "", dirs[i]);
    }
    if (allow_abstract)
        return try_abstract(ret_endpoint, err);
    return err_set(err, ERR_FAIL,
                   "no directory for a unix socket (tried %s); set TMPDIR to a short, writable one",
                   buf_str(&tried));
}

void endpoint_unlink(const struct endpoint *e)
{
    if (!e->dir)
        return;
    unlink(e->name);
    rmdir(e->dir);
}

void endpoint_done(struct endpoint *e)
{
    endpoint_unlink(e);
    free(e->dir);
    free(e->name);
    free(e->listen);
    *e = (struct endpoint){NULL, NULL, NULL};
}
