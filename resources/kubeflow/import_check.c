/* A setting that the cluster has and the configuration doesn't name would go with the adopting apply: a
 * load balancer's address, the login of everybody. Named with another value it is meant; left to a patch
 * or to ignore_fields it is somebody's who thought of it. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

static const struct guard {
    const char *attribute, *member; /* member: NULL for the attribute itself */
    const char *kind, *name;        /* the object that it is about */
    const char *what;               /* in the cluster: "the gateway's Service is of type" */
} guards[] = {
    {"gateway", "service_type", "Service", "istio-ingressgateway", "its Service has type"},
    {"gateway", "load_balancer_ip", "Service", "istio-ingressgateway", "its load balancer has"},
    {"gateway", "annotations", "Service", "istio-ingressgateway", "its Service has annotations"},
    {"gateway", "tls", "Gateway", "kubeflow-gateway", "it has a certificate:"},
    {"gateway", "hostname", "ConfigMap", "dex", "people come by the name"},
    {"gateway", "external_url", "ConfigMap", "dex", "people come by the address"},
    {"users", NULL, "ConfigMap", "dex", "these users log in with passwords of their own:"},
    {"oidc", NULL, "ConfigMap", "dex", "people log in with an identity provider:"},
};

/* Whether a list of patches or ignored fields has an entry for the object. */
static bool names_object(const json_t *list, const struct guard *g)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        const char *kind = krm_str(entry, "target", "kind", NULL);
        const char *name = krm_str(entry, "target", "name", NULL);

        if (!strcmp(kind, g->kind) && (!*name || !strcmp(name, g->name)))
            return true;
    }
    return false;
}

static bool is_left_to_others(const json_t *planned, const struct guard *g)
{
    return names_object(json_object_get(planned, "patches"), g) ||
           names_object(json_object_get(planned, "ignore_fields"), g);
}

static json_t *member_of(const json_t *values, const struct guard *g)
{
    json_t *value = json_object_get(values, g->attribute);

    return g->member ? json_object_get(value, g->member) : value;
}

static void say(json_t *out, const char *attribute, char *text)
{
    json_array_append_new(out, json_pack("{s:s, s:s}", "attribute", attribute, "text", text));
    free(text);
}

/* What there is, in a few words: of users only who they are. */
static char *text_of(const json_t *value, const struct guard *g)
{
    char *out = NULL;

    if (json_is_string(value))
        return mem_printf("\"%s\"", json_string_value(value));
    if (!strcmp(g->attribute, "users")) {
        json_auto_t *names = json_array();
        const char *name;
        json_t *user;

        json_object_foreach ((json_t *)value, name, user)
            json_array_append_new(names, json_string(name));
        out = json_dumps(names, JSON_COMPACT);
    } else {
        out = json_dumps(value, JSON_COMPACT);
    }
    return out;
}

static void check_setting(const json_t *before, const json_t *planned, const struct guard *g,
                          json_t *out)
{
    const json_t *was = member_of(before, g);
    char *text CLEANUP(mem_cleanup) = NULL;

    if (!was || member_of(planned, g) || is_left_to_others(planned, g))
        return;
    text = text_of(was, g);
    say(out, g->attribute,
        mem_printf("%s%s%s: in the cluster %s %s. The configuration doesn't set it, so the apply "
                   "would take it away. Set it to this or to what it is to be, or leave the field "
                   "to patches or ignore_fields (target: %s %s)",
                   g->attribute, g->member ? "." : "", g->member ? g->member : "", g->what, text,
                   g->kind, g->name));
}

static void check_connectors(const json_t *planned, const json_t *facts, json_t *out)
{
    static const struct guard dex = {.kind = "ConfigMap", .name = "dex"};
    const json_t *connectors = json_object_get(facts, "connectors"), *name;
    size_t i;

    if (is_left_to_others(planned, &dex))
        return;
    json_array_foreach (connectors, i, name)
        say(out, "oidc",
            mem_printf("Dex has the connector %s, which no attribute sets; the apply would take it "
                       "away. Keep it with a patch on ConfigMap auth/dex, or remove it from there "
                       "first",
                       json_string_value(name)));
}

static void check_tools(const json_t *components, const json_t *planned, const json_t *facts,
                        json_t *out)
{
    const json_t *tools = json_object_get(facts, "tools"), *name;
    size_t i;

    if (json_is_true(json_object_get(planned, "adopt")))
        return;
    json_array_foreach (components, i, name) {
        const char *tool = krm_str(tools, json_string_value(name), NULL);

        if (*tool)
            say(out, "existing",
                mem_printf("%s belongs to %s in this cluster. Leave it there with existing = "
                           "[\"%s\"], or take it over with adopt = true",
                           json_string_value(name), tool, json_string_value(name)));
    }
}

json_t *import_check(const json_t *before, const json_t *planned, const json_t *components,
                     const json_t *facts)
{
    json_t *out = json_array();

    for (size_t i = 0; i < ARRAY_LEN(guards); i++)
        check_setting(before, planned, &guards[i], out);
    check_connectors(planned, facts, out);
    check_tools(components, planned, facts, out);
    return out;
}
