/* What kubeflow_platform adds to installation.h: the components of a release with their settings. */
#include "resources/kubeflow/platform.h"

#include <string.h>

#include "lib/base/bcrypt.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/installation.h"
#include "resources/kubeflow/status.h"
#include "resources/kubeflow/tfjson.h"
#include "resources/session.h"

#include "lib/base/banned.h"

#define SET_NAME          PLATFORM_SET_NAME
#define GATEWAY_NAMESPACE "istio-system"
#define GATEWAY_SERVICE   "istio-ingressgateway"

static const char *const inputs[] = {
    "release",
    "manifests",
    "components",
    "existing",
    "target",
    "users",
    "oidc",
    "gateway",
    "storage",
    "scheduling",
    "culling",
    "dashboard_links",
    "rotate",
    "patches",
    "ignore_fields",
    "image_mirrors",
    "namespace_labels",
    "allow_default_login",
    "show_objects",
    NULL,
};
static const char *const outputs[] = {"components_resolved", "webhook_ports", NULL};

static const struct installation platform;

static const char *set_name(struct arena *a UNUSED, const struct tf_value *v UNUSED)
{
    return SET_NAME;
}

static const char *title(struct arena *a, const struct tf_value *v, const char *version UNUSED)
{
    return arena_printf(a, "Kubeflow %s", installation_str(v, "release"));
}

/* --- validation --------------------------------------------------------------------------------- */

/* What is known of a login's secret and can't be one. */
static void validate_password(struct tf_context *ctx, const char *email,
                              const struct tf_value *user)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *password = tf_str(tf_get(user, "password_wo"), NULL);
    const char *hash = tf_str(tf_get(user, "password_hash"), NULL);

    if (password && bcrypt_check_password(password, &err))
        tf_error(ctx->diags, TF_ATTR("users"), "Invalid password", "users[\"%s\"].password_wo: %s.",
                 email, err_msg(&err));
    else if (!password && hash && bcrypt_check(hash, &err))
        tf_error(ctx->diags, TF_ATTR("users"), "Invalid hash", "users[\"%s\"].password_hash: %s.",
                 email, err_msg(&err));
}

static void validate_user(struct tf_context *ctx, const char *email, const struct tf_value *user)
{
    bool clear = !tf_is_null(tf_get(user, "password_wo")),
         hashed = !tf_is_null(tf_get(user, "password_hash"));

    if (clear && hashed)
        tf_error(ctx->diags, TF_ATTR("users"), "Conflicting attributes",
                 "users[\"%s\"] has password_wo and password_hash; remove one of them.", email);
    if (!clear && hashed && !tf_is_null(tf_get(user, "password_wo_version")))
        tf_error(
            ctx->diags, TF_ATTR("users"), "Conflicting attributes",
            "users[\"%s\"] has password_hash and password_wo_version; a hash needs no version, "
            "remove it.",
            email);
    if (clear && tf_is_null(tf_get(user, "password_wo_version")))
        tf_error(ctx->diags, TF_ATTR("users"), "Missing version",
                 "users[\"%s\"].password_wo needs password_wo_version: Terraform keeps no "
                 "write-only value, so a number has to say when it changes.",
                 email);
    validate_password(ctx, email, user);
}

static void validate(struct tf_context *ctx, const struct tf_value *config)
{
    const struct tf_value *users = tf_get(config, "users"), *oidc = tf_get(config, "oidc"),
                          *tree = tf_get(config, "manifests"), *release = tf_get(config, "release");
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct catalog_release *found;

    for (size_t i = 0; i < tf_len(users); i++) {
        validate_user(ctx, users->items.keys[i], users->items.at[i]);
    }
    if (tf_is_known(release) && !tf_is_null(release) &&
        catalog_find_release(tf_str(release, ""), &found, &err))
        tf_error_from(ctx->diags, TF_ATTR("release"), "Unknown release", &err);
    if (tf_is_known(oidc) && !tf_is_null(oidc) && !tf_is_null(tf_get(oidc, "client_secret_wo")) &&
        tf_is_null(tf_get(oidc, "client_secret_wo_version")))
        tf_error(ctx->diags, TF_ATTR("oidc"), "Missing version",
                 "oidc.client_secret_wo needs client_secret_wo_version: Terraform keeps no "
                 "write-only value, so a number has to say when it changes.");
    installation_validate_tree(ctx, tree, NULL);
}

/* --- planning ----------------------------------------------------------------------------------- */

/* Whether a plan's address may be another one after the apply. */
static bool address_moves(const struct tf_plan *p)
{
    return p->action == TF_CREATE ||
           !tf_equal(tf_get(p->planned, "gateway"), tf_get(p->prior, "gateway"));
}

/* The address, as far as it is known before anything is installed: from the settings, or none at all
 * while the gateway can only be reached from inside the cluster. */
static void put_address(struct tf_context *ctx, struct tf_plan *p, const struct settings *s)
{
    const char *type = tf_str(tf_dig(p->planned, "gateway", "service_type", NULL), "ClusterIP");
    char *url CLEANUP(mem_cleanup) = settings_url(s);

    if (strcmp(type, "LoadBalancer") != 0) {
        installation_put(ctx, &p->planned, "gateway_address", tf_null(ctx->arena, &tf_type_string));
        installation_put(ctx, &p->planned, "url", tf_null(ctx->arena, &tf_type_string));
    }
    if (url)
        installation_put_str(ctx, &p->planned, "url", url);
}

/* Steps that affect data come with the release's change; until they are told apart, none is taken. */
static void refuse_upgrade(struct tf_context *ctx, const struct tf_plan *p)
{
    const struct tf_value *before = tf_get(p->prior, "release");

    if (p->action == TF_UPDATE && tf_is_known(before) && !tf_is_null(before) &&
        !tf_equal(before, tf_get(p->planned, "release")))
        tf_error(ctx->diags, TF_ATTR("release"), "An installed platform keeps its release",
                 "This version of the provider can't upgrade Kubeflow %s to another release. Set "
                 "release = \"%s\" again.",
                 tf_str(before, ""), tf_str(before, ""));
}

/* What can't be changed once claims are there. */
static int check_change(const struct tf_plan *p, const struct settings *now,
                        const char **ret_attribute, struct err *err)
{
    struct platform_settings before;
    struct install_memory memory;
    int rc;

    if (p->action != TF_UPDATE || !installation_inputs_known(&platform, p->prior))
        return 0;
    rc = platform_settings_of(p->prior, &before, ret_attribute, NULL);
    *ret_attribute = "storage";
    /* What was applied by another version of the provider may not be understood any more. */
    install_memory_load(p->private_state, &memory);
    rc = rc ? 0 : storage_check_change(&before.settings, now, memory.content, err);
    install_memory_done(&memory);
    platform_settings_done(&before);
    return rc;
}

static void prepare(struct tf_context *ctx, struct tf_plan *p)
{
    const struct tf_value *v = platform_stand_in(ctx->arena, p->planned);
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct platform_settings s;
    const char *attribute;
    bool known;
    int rc;

    installation_put_str(ctx, &p->planned, "id", APPLYSET_NAMESPACE "/" SET_NAME);
    refuse_upgrade(ctx, p);
    if (address_moves(p)) {
        installation_put_unknown(ctx, &p->planned, "url");
        installation_put_unknown(ctx, &p->planned, "gateway_address");
    }
    if (!installation_inputs_known(&platform, v))
        return;
    known = installation_inputs_known(&platform, p->planned);
    rc = platform_settings_of(v, &s, &attribute, &err);
    /* What only stands for a value isn't to be judged. */
    if (!rc && known)
        rc = settings_check(&s.settings, &attribute, &err);
    if (!rc)
        platform_check_import(ctx, p, &s.settings);
    if (!rc && known)
        rc = check_change(p, &s.settings, &attribute, &err);
    if (rc)
        tf_error_from(ctx->diags, TF_ATTR(attribute), "Invalid setting", &err);
    else if (tf_wholly_known(tf_get(p->planned, "gateway")))
        put_address(ctx, p, &s.settings);
    platform_settings_done(&s);
}

static int render(struct tf_context *ctx, const struct tf_value *v, struct manifests *ret,
                  const char **ret_attribute, struct err *err)
{
    json_auto_t *patches = tfjson_of(tf_get(v, "patches"));
    json_auto_t *ignore = tfjson_of(tf_get(v, "ignore_fields"));
    const struct tf_value *tree = tf_get(v, "manifests");
    struct platform_settings s;
    struct manifests_request r = {
        .settings = &s.settings,
        .release = installation_str_or_null(v, "release"),
        .target = installation_str_or_null(v, "target"),
        .tree_path = installation_str_or_null(tree, "path"),
        .tree_url = installation_str_or_null(tree, "url"),
        .tree_digest = installation_str_or_null(tree, "digest"),
        .patches = patches,
        .ignore_fields = ignore,
    };
    int rc = platform_settings_of(v, &s, ret_attribute, err);

    if (!rc)
        rc = manifests_render(session_sources(ctx->session), &r, ctx->cancel, ret, ret_attribute,
                              err);
    platform_settings_done(&s);
    return rc;
}

/* --- outputs ------------------------------------------------------------------------------------ */

/* name -> {"version", "objects", "digest"}: the digest is that of the objects' hashes. */
static json_t *resolved(const struct manifests *m, const json_t *hashes)
{
    json_t *out = json_object(), *component;
    const char *name;

    json_object_foreach (m->components, name, component) {
        json_auto_t *own = json_object(), *digest = NULL;
        const json_t *object;
        size_t i;

        json_array_foreach (m->objects, i, object) {
            char *key CLEANUP(mem_cleanup) = NULL;

            if (strcmp(applyset_component(object), name) != 0)
                continue;
            key = kube_key(object);
            json_object_set(own, key, json_object_get(hashes, key));
        }
        digest = installation_fingerprint(own);
        json_object_set_new(out, name,
                            json_pack("{s:O, s:O, s:O}", "version",
                                      json_object_get(component, "version"), "objects",
                                      json_object_get(component, "objects"), "digest", digest));
    }
    return out;
}

static void describe(struct tf_context *ctx, const struct tf_value **v, const struct manifests *m,
                     const json_t *hashes)
{
    json_auto_t *ports = manifests_webhook_ports(m->objects), *all = resolved(m, hashes);

    installation_put_json(ctx, v, "components_resolved", all);
    installation_put_json(ctx, v, "webhook_ports", ports);
    if (tf_bool_or(tf_get(*v, "show_objects"), false))
        installation_put_json(ctx, v, "objects", hashes);
    else
        installation_put(ctx, v, "objects", tf_null(ctx->arena, &tf_type_string_map));
}

static json_t *info(const struct tf_value *v, const struct manifests *m)
{
    char *components CLEANUP(mem_cleanup) = json_dumps(m->components, JSON_COMPACT);

    return json_pack("{s:s, s:s, s:s, s:s}", APPLYSET_INFO_KIND, APPLYSET_KIND_PLATFORM, "release",
                     installation_str(v, "release"), "manifests_digest", m->digest,
                     STATUS_INFO_COMPONENTS, components);
}

static json_t *announce(const char *title_text UNUSED, const struct manifests *m)
{
    json_t *out = json_array(), *component;
    const char *name;

    json_object_foreach (m->components, name, component) {
        const char *version = krm_str(component, "version", NULL);
        long long n = json_integer_value(json_object_get(component, "objects"));

        json_array_append_new(out,
                              json_sprintf("+ %s%s%s: %lld object%s", name, *version ? " " : "",
                                           version, n, n == 1 ? "" : "s"));
    }
    return out;
}

/* --- what only the cluster knows ---------------------------------------------------------------- */

/* The gateway's address, IP or name, in the arena; NULL while there is none. */
static int gateway_address(struct tf_context *ctx, struct kube_client *client,
                           const char **ret_address, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_GET, .namespace = GATEWAY_NAMESPACE, .name = GATEWAY_SERVICE};
    struct kube_result res;
    const char *address;
    const json_t *first;
    int rc = kube_resource_for(client, "", "v1", "Service", ctx->cancel, &req.resource, err);

    *ret_address = NULL;
    if (rc)
        return rc;
    rc = kube_do(client, &req, ctx->cancel, &res);
    if (rc == ERR_NOT_FOUND)
        rc = 0;
    else if (rc)
        err_set(err, rc, "%s", err_msg(&res.err));
    first = json_array_get(krm_get(res.body, "status", "loadBalancer", "ingress", NULL), 0);
    address = krm_str(first, "ip", NULL);
    if (!*address)
        address = krm_str(first, "hostname", NULL);
    if (!rc && *address)
        *ret_address = arena_strdup(ctx->arena, address);
    kube_result_done(&res);
    return rc;
}

/* The address that people use, from the settings or else from the gateway's own; in the arena, NULL
 * while there is none. */
static const char *url_of(struct arena *a, const struct tf_value *v, const char *address)
{
    struct platform_settings s;
    const char *attribute, *out = NULL;
    char *url CLEANUP(mem_cleanup) = NULL;

    if (!platform_settings_of(v, &s, &attribute, NULL)) {
        url = settings_url(&s.settings);
        if (url)
            out = arena_strdup(a, url);
        else if (address)
            out = arena_printf(a, strchr(address, ':') ? "%s://[%s]" : "%s://%s",
                               settings_https(&s.settings) ? "https" : "http", address);
    }
    platform_settings_done(&s);
    return out;
}

static const struct tf_value *text_or_null(struct arena *a, const char *text)
{
    return text ? tf_string(a, text) : tf_null(a, &tf_type_string);
}

/* After an apply, what the plan said stays as it said it: the next refresh sees more. */
static void observe(struct tf_context *ctx, struct kube_client *client, bool applied,
                    const struct tf_value **v)
{
    bool balanced =
        !strcmp(tf_str(tf_dig(*v, "gateway", "service_type", NULL), ""), "LoadBalancer");
    struct err err CLEANUP(err_done) = ERR_INIT;
    const char *address = NULL;
    bool keep = applied; /* what is known already */

    if (balanced && gateway_address(ctx, client, &address, &err)) {
        /* Not to be told is not to have none. */
        log_info("kubeflow", "the gateway's address can't be read: %s", err_msg(&err));
        keep = true;
    }
    if (!keep || tf_is_unknown(tf_get(*v, "url")))
        installation_put(ctx, v, "url", text_or_null(ctx->arena, url_of(ctx->arena, *v, address)));
    if (!keep || tf_is_unknown(tf_get(*v, "gateway_address")))
        installation_put(ctx, v, "gateway_address", text_or_null(ctx->arena, address));
}

/* --- the resource ------------------------------------------------------------------------------- */

static const struct installation platform = {
    .retake = "take it out of state (terraform state rm), apply with adopt = true,",
    .inputs = inputs,
    .outputs = outputs,
    .set_name = set_name,
    .title = title,
    .prepare = prepare,
    .render = render,
    .stand_in = platform_stand_in,
    .describe = describe,
    .given = platform_given_values,
    .info = info,
    .announce = announce,
    .observe = observe,
};

static void plan(struct tf_context *ctx, struct tf_plan *p)
{
    installation_plan(&platform, ctx, p);
}

static void create(struct tf_context *ctx, struct tf_apply *op)
{
    installation_create(&platform, ctx, op);
}

static void read(struct tf_context *ctx, struct tf_read *op)
{
    installation_read(&platform, ctx, op);
}

static void update(struct tf_context *ctx, struct tf_apply *op)
{
    installation_update(&platform, ctx, op);
}

static void remove_platform(struct tf_context *ctx, struct tf_apply *op)
{
    installation_remove(&platform, ctx, op);
}

const struct tf_resource platform_resource = {
    .type_name = "kubeflow_platform",
    .schema = &platform_schema,
    .validate = validate,
    .plan = plan,
    .create = create,
    .read = read,
    .update = update,
    .remove = remove_platform,
    .import = platform_import,
};
