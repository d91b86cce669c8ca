#include "lib/kube/members.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"

#include "lib/base/banned.h"

char *kube_key(const json_t *object)
{
    struct buf out = BUF_INIT;
    struct resid id = resid_of(object);

    resid_key(&id, &out);
    return buf_take(&out);
}

int kube_resource_for(struct kube_client *c, const char *group, const char *version,
                      const char *kind, struct cancel *cancel,
                      const struct kube_resource **ret_resource, struct err *err)
{
    const struct kube_resource *r = kube_builtin_resource(group, version, kind);

    if (r) {
        *ret_resource = r;
        return 0;
    }
    return kube_discover(c, group, version, kind, cancel, ret_resource, err);
}

int kube_cluster_uid(struct kube_client *c, int64_t retry_ms, struct cancel *cancel, char **ret_uid,
                     struct err *err)
{
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = kube_builtin_resource("", "v1", "Namespace"),
                               .name = "kube-system",
                               .retry_ms = retry_ms,
                               .timeout_ms = retry_ms > 0 && retry_ms < KUBE_REQUEST_TIMEOUT_MS
                                                 ? retry_ms
                                                 : KUBE_REQUEST_TIMEOUT_MS,
                               .metadata_only = true};
    struct kube_result res;
    int rc = kube_do(c, &req, cancel, &res);

    if (rc) {
        err_move(err, &res.err);
        err_wrap(err, "asking which cluster this is");
    } else if (!krm_str(res.body, "metadata", "uid", NULL)[0]) {
        rc = err_set(err, ERR_INVALID,
                     "asking which cluster this is: namespace kube-system has no uid in the "
                     "answer; is this a Kubernetes API server?");
    } else {
        *ret_uid = mem_strdup(krm_str(res.body, "metadata", "uid", NULL));
    }
    kube_result_done(&res);
    return rc;
}

/* One list to make. `next` holds the continue token of the page that is asked for. */
struct listing {
    const struct kube_resource *resource;
    char *namespace; /* owned; NULL = all */
    char *next;      /* owned; NULL = first page */
    int pages, restarts;
    json_t *found; /* key -> metadata, of the pages so far */
};

struct lister {
    struct kube_queue *queue;
    const char *selector;
    kube_full_fn *full; /* NULL = metadata of everything */
    json_t *out;
    VEC(struct listing *) listings;
};

static void lister_done(struct lister *l)
{
    kube_queue_free(l->queue);
    for (size_t i = 0; i < l->listings.len; i++) {
        free(l->listings.at[i]->namespace);
        free(l->listings.at[i]->next);
        json_decref(l->listings.at[i]->found);
        free(l->listings.at[i]);
    }
    vec_done(&l->listings);
    json_decref(l->out);
}

static bool in_full(const struct lister *l, const struct listing *listing)
{
    return l->full && l->full(listing->resource->group, listing->resource->kind);
}

static void start_page(struct lister *l, struct listing *listing)
{
    struct kube_request req = {.verb = KUBE_LIST,
                               .resource = listing->resource,
                               .namespace = listing->namespace,
                               .label_selector = l->selector,
                               .continue_token = listing->next,
                               .metadata_only = !in_full(l, listing),
                               .user = listing};

    kube_start(l->queue, &req);
}

static void lister_add(struct lister *l, const struct kube_resource *resource,
                       const char *namespace)
{
    struct listing *listing;

    for (size_t i = 0; i < l->listings.len; i++) {
        const struct listing *known = l->listings.at[i];

        if (known->resource == resource &&
            !strcmp(known->namespace ? known->namespace : "", namespace ? namespace : ""))
            return;
    }
    listing = mem_calloc(1, sizeof(*listing));
    listing->resource = resource;
    listing->namespace = mem_strdup(namespace);
    listing->found = json_object();
    vec_push(&l->listings, listing);
    start_page(l, listing);
}

json_t *kube_metadata_object(const struct kube_resource *r, const json_t *item)
{
    json_t *metadata = krm_get(item, "metadata", NULL);
    char *api_version CLEANUP(mem_cleanup) =
        r->group[0] ? mem_printf("%s/%s", r->group, r->version) : mem_strdup(r->version);

    if (!json_is_object(metadata))
        return NULL;
    return json_pack("{s:s, s:s, s:O}", "apiVersion", api_version, "kind", r->kind, "metadata",
                     metadata);
}

/* Adds a page's items under their keys. */
static void add_items(const struct lister *l, struct listing *listing, const json_t *body)
{
    json_t *item;
    size_t i;

    json_array_foreach (krm_get(body, "items", NULL), i, item) {
        json_t *object = kube_metadata_object(listing->resource, item);
        char *key CLEANUP(mem_cleanup) = object ? kube_key(object) : NULL;

        if (object && in_full(l, listing))
            json_object_update_missing(object, item);
        if (object)
            json_object_set_new(listing->found, key, object);
    }
}

static void take_page(struct lister *l, struct listing *listing, const json_t *body)
{
    const char *next = krm_str(body, "metadata", "continue", NULL);

    add_items(l, listing, body);
    free(listing->next);
    listing->next = *next ? mem_strdup(next) : NULL;
    if (listing->next)
        start_page(l, listing);
    else
        json_object_update(l->out, listing->found);
}

/* The token expired: all from the start, since what an earlier page showed may have gone. */
static void restart(struct lister *l, struct listing *listing)
{
    json_object_clear(listing->found);
    free(listing->next);
    listing->next = NULL;
    start_page(l, listing);
}

static int take_answer(struct lister *l, struct kube_result *res, struct err *err)
{
    struct listing *listing = res->user;

    if (res->code == ERR_NOT_FOUND) /* the kind has just gone: no members */
        return 0;
    if (res->status.http == 410 && listing->restarts++ < KUBE_MAX_LIST_RESTARTS) {
        restart(l, listing);
        return 0;
    }
    if (res->code)
        return err_move(err, &res->err);
    if (listing->pages++ == KUBE_MAX_LIST_PAGES)
        return err_set(err, ERR_LIMIT, "the list of %s has more than %d pages",
                       listing->resource->plural, KUBE_MAX_LIST_PAGES);
    take_page(l, listing, res->body);
    return 0;
}

static int lister_run(struct lister *l, struct cancel *cancel, struct err *err)
{
    while (kube_pending(l->queue)) {
        struct kube_result res;
        int rc = kube_next(l->queue, clock_deadline(-1), cancel, &res);

        if (rc)
            return err_set(err, rc, "interrupted while reading from the cluster");
        rc = take_answer(l, &res, err);
        kube_result_done(&res);
        if (rc)
            return rc;
    }
    return 0;
}

int kube_members(struct kube_client *c, const char *set_id, const json_t *group_kinds,
                 struct cancel *cancel, json_t **ret_members, struct err *err)
{
    return kube_members_full(c, set_id, group_kinds, NULL, cancel, ret_members, err);
}

int kube_members_full(struct kube_client *c, const char *set_id, const json_t *group_kinds,
                      kube_full_fn *full, struct cancel *cancel, json_t **ret_members,
                      struct err *err)
{
    char *selector CLEANUP(mem_cleanup) = mem_printf("%s=%s", APPLYSET_MEMBER_LABEL, set_id);
    struct lister l = {
        .queue = kube_queue_new(c), .selector = selector, .full = full, .out = json_object()};
    const json_t *item;
    size_t i;
    int rc = 0;

    json_array_foreach (group_kinds, i, item) {
        char *kind CLEANUP(mem_cleanup) = mem_strdup(json_string_value(item));
        char *dot = strchr(kind, '.');
        const struct kube_resource *resource;

        if (dot)
            *dot++ = '\0';
        rc = kube_resource_for(c, dot ? dot : "", "", kind, cancel, &resource, err);
        if (rc == ERR_NOT_FOUND) {
            rc = 0;
            continue;
        }
        if (rc)
            break;
        lister_add(&l, resource, NULL);
    }
    if (!rc)
        rc = lister_run(&l, cancel, err);
    if (!rc)
        *ret_members = json_incref(l.out);
    lister_done(&l);
    return rc;
}

/* Keeps only what the objects name, of all that the lists brought. */
static json_t *only_named(json_t *found, const json_t *objects)
{
    json_t *out = json_object();
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        json_t *metadata = json_object_get(found, key);

        if (metadata)
            json_object_set(out, key, metadata);
    }
    return out;
}

int kube_existing(struct kube_client *c, const json_t *objects, struct cancel *cancel,
                  json_t **ret_existing, struct err *err)
{
    struct lister l = {.queue = kube_queue_new(c), .out = json_object()};
    const json_t *object;
    size_t i;
    int rc = 0;

    json_array_foreach (objects, i, object) {
        struct gvk gvk = gvk_of(object);
        const struct kube_resource *resource;

        rc = kube_resource_for(c, gvk.group, "", gvk.kind, cancel, &resource, err);
        if (rc == ERR_NOT_FOUND) { /* its CRD comes with this apply */
            rc = 0;
            continue;
        }
        if (rc)
            break;
        lister_add(&l, resource,
                   resource->namespaced ? krm_str(object, "metadata", "namespace", NULL) : NULL);
    }
    if (!rc)
        rc = lister_run(&l, cancel, err);
    if (!rc)
        *ret_existing = only_named(l.out, objects);
    lister_done(&l);
    return rc;
}
