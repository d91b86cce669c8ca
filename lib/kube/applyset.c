#include "lib/kube/applyset.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/discovery.h"

#include "lib/base/banned.h"

#define LABEL_ID          "applyset.kubernetes.io/id"
#define ANNOTATION_TOOL   "applyset.kubernetes.io/tooling"
#define ANNOTATION_KINDS  "applyset.kubernetes.io/contains-group-kinds"
#define ANNOTATION_DONE   APPLYSET_ANNOTATION("installed")
#define ANNOTATION_TOKEN  APPLYSET_ANNOTATION("token")
#define ANNOTATION_TOUCH  APPLYSET_ANNOTATION("touched")
#define TOOLING           "terraform-provider-kubeflow/v" PROVIDER_VERSION
#define NAMESPACE_TRIES   120
#define NAMESPACE_WAIT_MS 500

void applyset_id(const char *name, char out[APPLYSET_ID_SIZE])
{
    /* KEP-3659: applyset-<base64url(sha256("<name>.<namespace>.<kind>.<group>"))>-v1. */
    char *text CLEANUP(mem_cleanup) = mem_printf("%s.%s.ConfigMap.", name, APPLYSET_NAMESPACE);
    uint8_t sum[HASH_SIZE];
    char *encoded CLEANUP(mem_cleanup) = NULL;

    hash_sha256(text, strlen(text), sum);
    encoded = hash_base64url(sum, sizeof(sum));
    snprintf(out, APPLYSET_ID_SIZE, "applyset-%s-v1", encoded);
}

void applyset_token(char out[APPLYSET_TOKEN_SIZE])
{
    uint8_t bytes[(APPLYSET_TOKEN_SIZE - 1) / 2];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        bug("OpenSSL gives no random bytes");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted array of the keys of a JSON object. */
static json_t *sorted_keys(json_t *set)
{
    VEC(const char *) keys = VEC_INIT;
    json_t *out = json_array();
    const char *key;
    json_t *unused;

    json_object_foreach (set, key, unused)
        vec_push(&keys, key);
    if (keys.len)
        qsort(keys.at, keys.len, sizeof(*keys.at), by_text);
    for (size_t i = 0; i < keys.len; i++)
        json_array_append_new(out, json_string(keys.at[i]));
    vec_done(&keys);
    return out;
}

json_t *applyset_group_kinds(const json_t *objects)
{
    json_auto_t *set = json_object();
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        struct gvk gvk = gvk_of(object);
        char *name CLEANUP(mem_cleanup) =
            gvk.group[0] ? mem_printf("%s.%s", gvk.kind, gvk.group) : mem_strdup(gvk.kind);

        json_object_set_new(set, name, json_true());
    }
    return sorted_keys(set);
}

json_t *applyset_union(const json_t *a, const json_t *b)
{
    json_auto_t *set = json_object();
    const json_t *lists[] = {a, b};
    const json_t *item;
    size_t k;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_array_foreach (lists[i], k, item)
            if (json_string_length(item))
                json_object_set_new(set, json_string_value(item), json_true());
    return sorted_keys(set);
}

void applyset_parent_done(struct applyset_parent *p)
{
    json_decref(p->group_kinds);
    json_decref(p->info);
    memset(p, 0, sizeof(*p));
}

static json_t *split_kinds(const char *text)
{
    json_t *out = json_array();

    while (*text) {
        size_t n = strcspn(text, ",");

        if (n)
            json_array_append_new(out, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
    return out;
}

static const struct kube_resource *config_maps(void)
{
    return kube_builtin_resource("", "v1", "ConfigMap");
}

static const struct kube_resource *namespaces(void)
{
    return kube_builtin_resource("", "v1", "Namespace");
}

static const struct kube_resource *leases(void)
{
    return kube_builtin_resource("coordination.k8s.io", "v1", "Lease");
}

bool applyset_is_waited_for(const json_t *object)
{
    return strcmp(krm_str(object, "metadata", "annotations", APPLYSET_WAIT, NULL), "never") != 0;
}

const char *applyset_component(const json_t *object)
{
    return krm_str(object, "metadata", "annotations", APPLYSET_COMPONENT, NULL);
}

/* The parent that a ConfigMap is. */
static struct applyset_parent parent_of(const json_t *config_map)
{
    const json_t *annotations = krm_get(config_map, "metadata", "annotations", NULL);
    const json_t *data = json_object_get(config_map, "data");
    struct applyset_parent p = {
        .exists = true,
        .installed = !strcmp(krm_str(annotations, ANNOTATION_DONE, NULL), "true"),
        .group_kinds = split_kinds(krm_str(annotations, ANNOTATION_KINDS, NULL)),
        .info = json_is_object(data) ? json_deep_copy(data) : json_object(),
    };

    snprintf(p.token, sizeof(p.token), "%s", krm_str(annotations, ANNOTATION_TOKEN, NULL));
    return p;
}

int applyset_read(struct kube_client *c, const char *name, struct cancel *cancel,
                  struct applyset_parent *ret, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_GET, .resource = config_maps(), .namespace = APPLYSET_NAMESPACE, .name = name};
    struct kube_result res;
    struct applyset_parent p = {0};
    int rc = kube_do(c, &req, cancel, &res);

    if (rc == ERR_NOT_FOUND) {
        p.group_kinds = json_array();
        p.info = json_object();
    } else if (!rc) {
        p = parent_of(res.body);
    } else {
        err_move(err, &res.err);
        kube_result_done(&res);
        return err_wrap(err, "reading what is installed");
    }
    kube_result_done(&res);
    *ret = p;
    return 0;
}

void applyset_list_done(struct applyset_list *l)
{
    for (size_t i = 0; i < l->len; i++) {
        free(l->at[i].name);
        applyset_parent_done(&l->at[i].parent);
    }
    free(l->at);
    memset(l, 0, sizeof(*l));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct applyset_listed *)a)->name,
                  ((const struct applyset_listed *)b)->name);
}

int applyset_list(struct kube_client *c, struct cancel *cancel, struct applyset_list *ret,
                  struct err *err)
{
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = config_maps(),
                               .namespace = APPLYSET_NAMESPACE,
                               .label_selector = LABEL_ID};
    json_auto_t *items = NULL;
    const json_t *item;
    size_t i;
    int rc = kube_list(c, &req, cancel, &items, NULL, err);

    if (rc)
        return err_wrap(err, "reading what is installed");
    ret->len = json_array_size(items);
    ret->at = mem_calloc(ret->len, sizeof(*ret->at));
    json_array_foreach (items, i, item)
        ret->at[i] = (struct applyset_listed){mem_strdup(krm_str(item, "metadata", "name", NULL)),
                                              parent_of(item)};
    if (ret->len)
        qsort(ret->at, ret->len, sizeof(*ret->at), by_name);
    return 0;
}

int applyset_prepare(struct kube_client *c, const char *manager, struct cancel *cancel,
                     struct err *err)
{
    /* The token changes the namespace's resourceVersion: a destroy that has just found it empty
     * then fails its precondition instead of taking our new parent along. */
    char token[APPLYSET_TOKEN_SIZE];
    json_auto_t *body = NULL;
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = namespaces(),
                               .name = APPLYSET_NAMESPACE,
                               .field_manager = manager,
                               .force = true};

    applyset_token(token);
    body =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind", "Namespace",
                  "metadata", "name", APPLYSET_NAMESPACE, "annotations", ANNOTATION_TOUCH, token);
    req.body = body;
    for (int i = 0; i < NAMESPACE_TRIES; i++) {
        struct kube_result res;
        int rc = kube_do(c, &req, cancel, &res);
        bool going = !rc && krm_get(res.body, "metadata", "deletionTimestamp", NULL);

        if (rc) {
            err_move(err, &res.err);
            kube_result_done(&res);
            return err_wrap(err, "making namespace %s", APPLYSET_NAMESPACE);
        }
        kube_result_done(&res);
        if (!going)
            return 0;
        log_info("kube.applyset", "waiting until the old namespace %s is gone", APPLYSET_NAMESPACE);
        if (cancel_sleep(cancel, NAMESPACE_WAIT_MS))
            return err_set(err, ERR_CANCELLED, "interrupted");
    }
    return err_set(err, ERR_TIMEOUT,
                   "namespace %s is being deleted and doesn't go; see what its finalizers wait for",
                   APPLYSET_NAMESPACE);
}

static char *join_kinds(const json_t *kinds)
{
    struct buf out = BUF_INIT;
    const json_t *item;
    size_t i;

    json_array_foreach (kinds, i, item)
        buf_printf(&out, "%s%s", i ? "," : "", json_string_value(item));
    return buf_take(&out);
}

int applyset_write(struct kube_client *c, const char *manager, const char *name,
                   const struct applyset_parent *p, struct cancel *cancel, struct err *err)
{
    char id[APPLYSET_ID_SIZE];
    char *kinds CLEANUP(mem_cleanup) = join_kinds(p->group_kinds);
    json_auto_t *body = NULL;
    struct kube_request req = {.verb = KUBE_APPLY,
                               .resource = config_maps(),
                               .namespace = APPLYSET_NAMESPACE,
                               .name = name,
                               .field_manager = manager,
                               .force = true};
    struct kube_result res;
    int rc;

    applyset_id(name, id);
    body = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s}}, s:O}", "apiVersion",
                     "v1", "kind", "ConfigMap", "metadata", "name", name, "namespace",
                     APPLYSET_NAMESPACE, "labels", LABEL_ID, id, "annotations", ANNOTATION_TOOL,
                     TOOLING, ANNOTATION_KINDS, kinds, ANNOTATION_DONE,
                     p->installed ? "true" : "false", ANNOTATION_TOKEN, p->token, "data", p->info);
    req.body = body;
    rc = kube_do(c, &req, cancel, &res);
    if (rc) {
        err_move(err, &res.err);
        err_wrap(err, "recording what is installed");
    }
    kube_result_done(&res);
    return rc;
}

int applyset_remove(struct kube_client *c, const char *name, struct cancel *cancel, struct err *err)
{
    struct kube_request req = {.verb = KUBE_DELETE,
                               .resource = config_maps(),
                               .namespace = APPLYSET_NAMESPACE,
                               .name = name};
    struct kube_result res;
    int rc = kube_do(c, &req, cancel, &res);

    if (rc == ERR_NOT_FOUND)
        rc = 0;
    if (rc)
        err_move(err, &res.err);
    kube_result_done(&res);
    return rc;
}

/* Whether the namespace holds objects of the kind; true when that can't be said. */
static bool holds(struct kube_client *c, const struct kube_resource *kind, const char *selector,
                  struct cancel *cancel)
{
    struct kube_request list = {.verb = KUBE_LIST,
                                .resource = kind,
                                .namespace = APPLYSET_NAMESPACE,
                                .label_selector = selector,
                                .metadata_only = true};
    json_auto_t *items = NULL;

    return kube_list(c, &list, cancel, &items, NULL, NULL) || json_array_size(items);
}

/* Whether the namespace has only been written to as applyset_prepare does: whoever made it before us,
 * with rights and secrets for it, wants it to stay. */
static bool is_our_making(const json_t *namespace)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (krm_get(namespace, "metadata", "managedFields", NULL), i, entry) {
        if (!krm_str(entry, "subresource", NULL)[0] &&
            !krm_get(entry, "fieldsV1", "f:metadata", "f:annotations", "f:" ANNOTATION_TOUCH, NULL))
            return false;
    }
    return true;
}

void applyset_tidy(struct kube_client *c, struct cancel *cancel)
{
    struct kube_request get = {.verb = KUBE_GET,
                               .resource = namespaces(),
                               .name = APPLYSET_NAMESPACE,
                               .metadata_only = true};
    struct kube_request delete = {
        .verb = KUBE_DELETE, .resource = namespaces(), .name = APPLYSET_NAMESPACE, .retry_ms = -1};
    struct kube_result res;
    json_auto_t *options = NULL;
    int rc = kube_do(c, &get, cancel, &res);

    if (!rc && is_our_making(res.body))
        options =
            json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                      "preconditions", "uid", krm_str(res.body, "metadata", "uid", NULL),
                      "resourceVersion", krm_str(res.body, "metadata", "resourceVersion", NULL));
    kube_result_done(&res);
    if (!options || holds(c, config_maps(), LABEL_ID, cancel) || holds(c, leases(), NULL, cancel))
        return;
    delete.body = options;
    rc = kube_do(c, &delete, cancel, &res);
    if (rc && rc != ERR_NOT_FOUND)
        log_debug("kube.applyset", "namespace %s stays: %s", APPLYSET_NAMESPACE, err_msg(&res.err));
    kube_result_done(&res);
}
