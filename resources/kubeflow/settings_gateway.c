/* What gateway can't be, and what it makes of objects.
 *
 * All of Kubeflow, and every model that KServe serves, goes through Gateway kubeflow/kubeflow-gateway.
 * With TLS it gets a server for HTTPS, and the one for HTTP only redirects there. Both keep the host "*",
 * also when there is a hostname: Knative asks each server of that Gateway that doesn't redirect for
 * each model by the model's own name, and a model isn't ready until all have answered (ListProbeTargets
 * in net-istio). For the same reason there is no plain server for callers inside the cluster; they
 * have the Services behind the gateway. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/object.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "resources/kubeflow/settings_parts.h"

#include "lib/base/attr.h"
#include "lib/base/banned.h"

#define ISTIO            "istio-install" /* component with the Service */
#define ISTIO_NAMESPACE  "istio-system"
#define SERVICE          "istio-ingressgateway"
#define RESOURCES        "kubeflow-istio-resources" /* component with the Gateway */
#define CERT_MANAGER     "cert-manager"
#define CERTIFICATE      "kubeflow-gateway"
#define CERTIFICATE_DATA "kubeflow-gateway-tls" /* Secret of the certificate */

/* --- what is set -------------------------------------------------------------------------------- */

/* What makes a load balancer private. EKS's own cloud provider knows only the older annotation and
 * makes a public one without it; the AWS Load Balancer Controller and EKS Auto Mode want the other. */
static const struct {
    enum catalog_target target;
    const char *key, *value;
} internals[] = {
    {CATALOG_GKE, "networking.gke.io/load-balancer-type", "Internal"},
    {CATALOG_EKS, "service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"},
    {CATALOG_EKS, "service.beta.kubernetes.io/aws-load-balancer-internal", "true"},
};

static json_t *attribute(const struct settings *s, const char *name)
{
    return settings_get(s, "gateway", name, NULL);
}

static const char *text(const struct settings *s, const char *name)
{
    return settings_str(s, "gateway", name, NULL);
}

static bool is_load_balancer(const struct settings *s)
{
    return !strcmp(text(s, "service_type"), "LoadBalancer");
}

static bool is_internal(const struct settings *s)
{
    if (settings_true(s, "gateway", "internal", NULL))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(internals); i++) {
        if (internals[i].target == s->target &&
            !strcmp(krm_str(attribute(s, "annotations"), internals[i].key, NULL),
                    internals[i].value))
            return true;
    }
    return false;
}

static bool allows_plain_http(const struct settings *s)
{
    return settings_true(s, "gateway", "allow_plain_http", NULL);
}

static bool is_there(const struct settings *s, const char *component)
{
    const json_t *name;
    size_t i;

    json_array_foreach (settings_get(s, "existing", NULL), i, name) {
        if (!strcmp(json_string_value(name), component))
            return true;
    }
    return settings_installs(s, component);
}

/* --- checks ------------------------------------------------------------------------------------- */

/* What is left at its default changes nothing. */
static bool says_something(const json_t *value)
{
    const char *string = json_string_value(value);

    return json_is_true(value) || json_object_size(value) ||
           (string && *string && strcmp(string, "ClusterIP") != 0);
}

static int check_components(const struct settings *s, struct err *err)
{
    static const struct {
        const char *name, *component;
    } homes[] = {
        {"service_type", ISTIO},     {"internal", ISTIO}, {"annotations", ISTIO},
        {"load_balancer_ip", ISTIO}, {"tls", ISTIO},      {"tls", RESOURCES},
    };

    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        if (says_something(attribute(s, homes[i].name)) &&
            !settings_installs(s, homes[i].component))
            return err_set(err, ERR_INVALID,
                           "gateway.%s changes component %s, which isn't installed here; remove it "
                           "(gateway.external_url says where people reach a gateway of others), or "
                           "add \"%s\" to components",
                           homes[i].name, homes[i].component, homes[i].component);
    }
    return 0;
}

static int check_service(const struct settings *s, struct err *err)
{
    static const char *const types[] = {"", "ClusterIP", "LoadBalancer", "NodePort"};
    const char *type = text(s, "service_type"), *ip = text(s, "load_balancer_ip");
    unsigned char address[sizeof(struct in6_addr)];
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || !strcmp(types[i], type);
    if (!known)
        return err_set(err, ERR_INVALID,
                       "gateway.service_type \"%s\" isn't \"ClusterIP\", \"LoadBalancer\" or "
                       "\"NodePort\"",
                       type);
    if (!*ip)
        return 0;
    if (!inet_pton(AF_INET, ip, address) && !inet_pton(AF_INET6, ip, address))
        return err_set(err, ERR_INVALID, "gateway.load_balancer_ip \"%s\" isn't an IP address", ip);
    if (!is_load_balancer(s))
        return err_set(err, ERR_INVALID,
                       "gateway.load_balancer_ip needs gateway.service_type = \"LoadBalancer\"");
    if (s->target == CATALOG_EKS)
        return err_set(err, ERR_INVALID,
                       "gateway.load_balancer_ip: load balancers of AWS take no address; name "
                       "elastic IPs in gateway.annotations "
                       "(service.beta.kubernetes.io/aws-load-balancer-eip-allocations)");
    return 0;
}

static int check_internal(const struct settings *s, struct err *err)
{
    const json_t *annotations = attribute(s, "annotations");

    if (!settings_true(s, "gateway", "internal", NULL))
        return 0;
    if (!is_load_balancer(s))
        return err_set(err, ERR_INVALID,
                       "gateway.internal needs gateway.service_type = \"LoadBalancer\"");
    if (s->target == CATALOG_GENERIC && !json_object_size(annotations))
        return err_set(err, ERR_INVALID,
                       "gateway.internal: what makes a load balancer private isn't the same "
                       "everywhere, and target = \"generic\" doesn't say where this is; put the "
                       "annotation that does it into gateway.annotations, or set target");
    for (size_t i = 0; i < ARRAY_LEN(internals); i++) {
        const char *given = krm_str(annotations, internals[i].key, NULL);

        if (internals[i].target == s->target && *given && strcmp(given, internals[i].value) != 0)
            return err_set(err, ERR_INVALID,
                           "gateway.annotations[\"%s\"] = \"%s\" contradicts gateway.internal, for "
                           "which it is \"%s\"; remove one of them",
                           internals[i].key, given, internals[i].value);
    }
    return 0;
}

/* The host of an address that has been checked. */
static bool is_host_of(const char *name, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t n = strlen(name);

    return !strncasecmp(host, name, n) && (!host[n] || strchr(":/", host[n]));
}

/* What its parts can't be is in settings_address.c. */
static int check_address(const struct settings *s, struct err *err)
{
    const char *hostname = text(s, "hostname"), *url = text(s, "external_url");

    if (!*url)
        return 0;
    if (*hostname && !is_host_of(hostname, url))
        return err_set(err, ERR_INVALID,
                       "gateway.external_url \"%s\" and gateway.hostname \"%s\" name different "
                       "hosts; remove one of them",
                       url, hostname);
    if (!settings_https(s) && !allows_plain_http(s))
        return err_set(err, ERR_INVALID,
                       "gateway.external_url \"%s\": passwords and cookies would travel "
                       "unencrypted; make it https://, or set gateway.allow_plain_http = true",
                       url);
    return 0;
}

static int check_issuer(const struct settings *s, struct err *err)
{
    if (!*text(s, "hostname"))
        return err_set(err, ERR_INVALID,
                       "gateway.tls.issuer signs a certificate for gateway.hostname; set it");
    if (!is_there(s, CERT_MANAGER))
        return err_set(err, ERR_INVALID,
                       "gateway.tls.issuer needs component cert-manager; add \"" CERT_MANAGER
                       "\" to components, or to existing when the cluster has it");
    return 0;
}

static int check_tls(const struct settings *s, struct err *err)
{
    const json_t *tls = attribute(s, "tls");
    const char *names[] = {settings_str(s, "gateway", "tls", "secret_name", NULL),
                           settings_str(s, "gateway", "tls", "issuer", NULL)};

    if (!tls)
        return 0;
    if (!*names[0] == !*names[1])
        return err_set(err, ERR_INVALID,
                       "gateway.tls needs exactly one of secret_name (a Secret with a certificate "
                       "in namespace " ISTIO_NAMESPACE
                       ") and issuer (a ClusterIssuer that signs one)");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (*names[i] && !settings_fits(names[i], SETTINGS_NAME_MAX, SETTINGS_NAME))
            return err_set(err, ERR_INVALID, "gateway.tls.%s \"%s\" isn't an object's name",
                           i ? "issuer" : "secret_name", names[i]);
    }
    if (*text(s, "external_url"))
        return err_set(
            err, ERR_INVALID,
            "gateway.external_url says that TLS ends in front of the gateway, and "
            "gateway.tls that it ends there; remove one of them (gateway.hostname is the "
            "name for gateway.tls)");
    return *names[1] ? check_issuer(s, err) : 0;
}

static int check_plain_http(const struct settings *s, struct err *err)
{
    if (!is_load_balancer(s) || is_internal(s) || attribute(s, "tls") || *text(s, "external_url") ||
        allows_plain_http(s))
        return 0;
    return err_set(err, ERR_INVALID,
                   "gateway: through a public load balancer without TLS passwords and cookies "
                   "would travel unencrypted; set gateway.tls, or gateway.internal = true, or "
                   "gateway.external_url when TLS ends in front of the gateway; or allow it with "
                   "gateway.allow_plain_http = true");
}

/* A name alone says neither http nor https, and Dex's issuer needs one of them. */
static int check_scheme(const struct settings *s, struct err *err)
{
    char *url CLEANUP(mem_cleanup) = settings_url(s);

    if (url || !*text(s, "hostname"))
        return 0;
    return err_set(
        err, ERR_INVALID,
        "gateway.hostname needs to know how people come: set gateway.tls, or "
        "gateway.external_url when TLS ends in front of the gateway, or allow plain HTTP "
        "with gateway.allow_plain_http = true");
}

int gateway_check(const struct settings *s, struct err *err)
{
    static setting_check *const checks[] = {address_check,    check_components, check_service,
                                            check_internal,   check_address,    check_tls,
                                            check_plain_http, check_scheme};

    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        int rc = checks[i](s, err);

        if (rc)
            return rc;
    }
    return 0;
}

/* --- the Service -------------------------------------------------------------------------------- */

static void annotate(const struct settings *s, json_t *service)
{
    const char *key;
    json_t *value;

    json_object_foreach (attribute(s, "annotations"), key, value)
        krm_set_annotation(service, key, json_string_value(value));
    for (size_t i = 0; i < ARRAY_LEN(internals); i++) {
        if (internals[i].target == s->target && settings_true(s, "gateway", "internal", NULL))
            krm_set_annotation(service, internals[i].key, internals[i].value);
    }
}

int gateway_adjust_service(const struct settings *s, json_t *objects, struct err *err)
{
    static const struct {
        const char *name, *field;
    } fields[] = {{"service_type", "type"}, {"load_balancer_ip", "loadBalancerIP"}};
    json_t *service;
    int rc;

    if (!settings_get(s, "gateway", NULL))
        return 0;
    rc = settings_need(s, objects, "Service", ISTIO_NAMESPACE, SERVICE, &service, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (*text(s, fields[i].name))
            json_object_set(krm_member(service, "spec", NULL), fields[i].field,
                            attribute(s, fields[i].name));
    }
    annotate(s, service);
    return 0;
}

/* --- TLS ---------------------------------------------------------------------------------------- */

/* Nobody waits for it: most issuers ask the DNS name for it, which only gets its address from what the
 * apply tells. */
static json_t *certificate(const struct settings *s, const char *issuer)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:[s], s:{s:s, s:s, s:s}}}",
                     "apiVersion", "cert-manager.io/v1", "kind", "Certificate", "metadata", "name",
                     CERTIFICATE, "namespace", ISTIO_NAMESPACE, "annotations", APPLYSET_WAIT,
                     "never", "spec", "secretName", CERTIFICATE_DATA, "dnsNames",
                     text(s, "hostname"), "issuerRef", "group", "cert-manager.io", "kind",
                     "ClusterIssuer", "name", issuer);
}

static json_t *https_server(const char *secret)
{
    return json_pack("{s:[s], s:{s:s, s:i, s:s}, s:{s:s, s:s}}", "hosts", "*", "port", "name",
                     "https", "number", 443, "protocol", "HTTPS", "tls", "mode", "SIMPLE",
                     "credentialName", secret);
}

int gateway_adjust_gateway(const struct settings *s, json_t *objects, struct err *err)
{
    const char *issuer = settings_str(s, "gateway", "tls", "issuer", NULL);
    json_t *gateway, *servers, *server;
    size_t i;
    int rc;

    if (!attribute(s, "tls"))
        return 0;
    rc = settings_need(s, objects, "Gateway", "kubeflow", "kubeflow-gateway", &gateway, err);
    if (rc)
        return rc;
    servers = krm_get(gateway, "spec", "servers", NULL);
    if (!json_array_size(servers))
        return err_set(err, ERR_INVALID,
                       "release %s has a Gateway kubeflow/kubeflow-gateway without servers, to "
                       "which gateway.tls can't add one",
                       s->release->name);
    json_array_foreach (servers, i, server)
        json_object_set_new(server, "tls", json_pack("{s:b}", "httpsRedirect", 1));
    json_array_append_new(
        servers, https_server(*issuer ? CERTIFICATE_DATA
                                      : settings_str(s, "gateway", "tls", "secret_name", NULL)));
    if (*issuer)
        json_array_append_new(objects, certificate(s, issuer));
    return 0;
}

/* --- web apps ----------------------------------------------------------------------------------- */

/* They mark their cookie against forged requests as one for HTTPS unless told otherwise. */
static const char *const web_apps[] = {
    "jupyter-web-app-deployment",
    "kserve-models-web-app",
    "tensorboards-web-app-deployment",
    "volumes-web-app-deployment",
};

static void set_variable(json_t *container, const char *name, const char *value)
{
    json_t *env = json_object_get(container, "env"), *variable;
    size_t i;

    if (!json_is_array(env)) {
        json_object_set_new(container, "env", json_array());
        env = json_object_get(container, "env");
    }
    json_array_foreach (env, i, variable) {
        if (!strcmp(krm_str(variable, "name", NULL), name)) {
            json_object_set_new(variable, "value", json_string(value));
            json_object_del(variable, "valueFrom");
            return;
        }
    }
    json_array_append_new(env, json_pack("{s:s, s:s}", "name", name, "value", value));
}

int gateway_adjust_web_apps(const struct settings *s, json_t *objects, struct err *err UNUSED)
{
    for (size_t a = 0; a < ARRAY_LEN(web_apps) && allows_plain_http(s) && !settings_https(s); a++) {
        json_t *app = settings_find(objects, "Deployment", NULL, web_apps[a]), *container;
        size_t i;

        json_array_foreach (krm_get(app, "spec", "template", "spec", "containers", NULL), i,
                            container)
            set_variable(container, "APP_SECURE_COOKIES", "false");
    }
    return 0;
}
