/* Which proxy the environment asks for, in the reading of Go's programs (Terraform, kubectl), so
 * that one setting works for all of them: upper case before lower case, loopback addresses go
 * direct, NO_PROXY knows "*", names with their subdomains, ".subdomains-only", addresses, CIDR
 * blocks, each with an optional port. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/http_call.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

struct address {
    uint8_t bytes[16]; /* IPv4 mapped into IPv6 */
    bool v4;
};

/* Reads an address, with or without brackets. */
static bool parse_address(const char *text, struct address *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];
    size_t n = strlen(text);

    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n >= sizeof(copy))
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    memcpy(out->bytes, mapped, sizeof(mapped));
    out->v4 = inet_pton(AF_INET, copy, out->bytes + 12) == 1;
    return out->v4 || inet_pton(AF_INET6, copy, out->bytes) == 1;
}

static bool is_loopback(const char *host)
{
    static const uint8_t one[16] = {[15] = 1};
    struct address a;

    if (!strcasecmp(host, "localhost"))
        return true;
    if (!parse_address(host, &a))
        return false;
    return a.v4 ? a.bytes[12] == 127 : !memcmp(a.bytes, one, sizeof(one));
}

static bool in_block(const struct address *a, const char *block)
{
    char *copy CLEANUP(mem_cleanup) = mem_strdup(block);
    char *slash = strchr(copy, '/'), *end;
    struct address b;
    unsigned long bits;

    if (!slash)
        return false;
    *slash = '\0';
    bits = strtoul(slash + 1, &end, 10);
    if (*end || end == slash + 1 || !parse_address(copy, &b) || b.v4 != a->v4 ||
        bits > (b.v4 ? 32 : 128))
        return false;
    if (b.v4)
        bits += 96;
    if (memcmp(a->bytes, b.bytes, bits / 8))
        return false;
    return bits % 8 == 0 || (a->bytes[bits / 8] ^ b.bytes[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool name_matches(const char *host, const char *pattern)
{
    size_t n = strlen(host), m;

    if (pattern[0] == '*' && pattern[1] == '.')
        pattern++;
    m = strlen(pattern);
    if (pattern[0] == '.')
        return n > m && !strcasecmp(host + n - m, pattern);
    return !strcasecmp(host, pattern) ||
           (n > m && host[n - m - 1] == '.' && !strcasecmp(host + n - m, pattern));
}

/* Cuts ":port" off an entry; an address in colons isn't a port. */
static const char *cut_port(char *entry)
{
    char *colon = strrchr(entry, ':');
    struct address a;

    if (!colon || parse_address(entry, &a) || strchr(entry, '/'))
        return NULL;
    *colon = '\0';
    return colon + 1;
}

static bool entry_matches(char *entry, const char *host, const char *port)
{
    struct address a, b;
    const char *only_port;

    if (!strcmp(entry, "*"))
        return true;
    only_port = cut_port(entry);
    if (!*entry || (only_port && strcmp(only_port, port)))
        return false;
    if (parse_address(host, &a))
        return in_block(&a, entry) || (parse_address(entry, &b) && !memcmp(&a, &b, sizeof(a)));
    return name_matches(host, entry);
}

static bool goes_direct(const char *no_proxy, const char *host, const char *port)
{
    char *list CLEANUP(mem_cleanup) = mem_strdup(no_proxy ? no_proxy : "");
    char *save = NULL;

    for (char *e = strtok_r(list, ", \t", &save); e; e = strtok_r(NULL, ", \t", &save))
        if (entry_matches(e, host, port))
            return true;
    return false;
}

static const char *either(char *(*getenv_fn)(const char *), const char *upper, const char *lower)
{
    const char *value = getenv_fn(upper);

    return value && *value ? value : getenv_fn(lower);
}

char *http_proxy_from_env(const char *scheme, const char *host, const char *port,
                          char *(*getenv_fn)(const char *))
{
    const char *proxy = strcasecmp(scheme, "https")
                            ? either(getenv_fn, "HTTP_PROXY", "http_proxy")
                            : either(getenv_fn, "HTTPS_PROXY", "https_proxy");

    if (!proxy || !*proxy || is_loopback(host) ||
        goes_direct(either(getenv_fn, "NO_PROXY", "no_proxy"), host, port))
        return NULL;
    return strstr(proxy, "://") ? mem_strdup(proxy) : mem_printf("http://%s", proxy);
}
