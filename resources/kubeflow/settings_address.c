#include "lib/base/mem.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/banned.h"

char *settings_url(const struct settings *s)
{
    const char *external = settings_str(s, "gateway", "external_url", NULL);
    const char *host = settings_str(s, "gateway", "hostname", NULL);

    if (*external)
        return mem_strdup(external);
    if (!*host)
        return NULL;
    return mem_printf("%s://%s", settings_get(s, "gateway", "tls", NULL) ? "https" : "http", host);
}
