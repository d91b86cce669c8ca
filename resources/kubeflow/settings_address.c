#include <string.h>

#include "lib/base/mem.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

/* Kubeflow's apps, Dex and oauth2-proxy have fixed paths from the root, so an address has none. */
#define ORIGIN     "^https?://([A-Za-z0-9.-]+|[[][0-9A-Fa-f:]+[]])(:[0-9]{1,5})?/*$"
#define ORIGIN_MAX 300 /* bytes: a DNS name, with some room for scheme and port */

#define DNS_LABEL  "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#define DNS_NAME   "^" DNS_LABEL "([.]" DNS_LABEL ")*$"
#define IP_ADDRESS "(^|[.])[0-9]+$" /* the end of one: no top-level domain is a number */

char *settings_url(const struct settings *s)
{
    const char *external = settings_str(s, "gateway", "external_url", NULL);
    const char *hostname = settings_str(s, "gateway", "hostname", NULL);
    size_t len = strlen(external);

    while (len && external[len - 1] == '/')
        len--;
    if (len)
        return mem_strndup(external, len);
    if (!*hostname)
        return NULL;
    if (settings_get(s, "gateway", "tls", NULL))
        return mem_printf("https://%s", hostname);
    return settings_true(s, "gateway", "allow_plain_http", NULL) ||
                   settings_true(s, "gateway", "internal", NULL)
               ? mem_printf("http://%s", hostname)
               : NULL;
}

/* Without a name our gateway may still have a certificate, and people its IP address. */
bool settings_https(const struct settings *s)
{
    char *url CLEANUP(mem_cleanup) = settings_url(s);

    return url ? !strncmp(url, "https:", 6) : settings_get(s, "gateway", "tls", NULL) != NULL;
}

static bool is_dns_name(const char *name)
{
    return settings_fits(name, SETTINGS_NAME_MAX, DNS_NAME) &&
           !settings_fits(name, SETTINGS_NAME_MAX, IP_ADDRESS);
}

int address_check(const struct settings *s, struct err *err)
{
    const char *external = settings_str(s, "gateway", "external_url", NULL);
    const char *hostname = settings_str(s, "gateway", "hostname", NULL);
    if (settings_get(s, "gateway", "external_url", NULL) && !*external)
        return err_set(err, ERR_INVALID,
                       "gateway.external_url is empty: leave it out, or write it as "
                       "https://kubeflow.example.com");
    if (*external && !settings_fits(external, ORIGIN_MAX, ORIGIN))
        return err_set(err, ERR_INVALID,
                       "gateway.external_url \"%s\" isn't the root of a site: write it as "
                       "https://kubeflow.example.com, with a port if need be, without a path",
                       external);
    if (*hostname && !is_dns_name(hostname))
        return err_set(err, ERR_INVALID,
                       "gateway.hostname \"%s\" isn't a DNS name: write it as "
                       "kubeflow.example.com, in lower case, without scheme and port",
                       hostname);
    return 0;
}
