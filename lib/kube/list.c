/* All pages of a LIST. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/client.h"

#include "lib/base/banned.h"

static const char *meta(const json_t *list, const char *name)
{
    const char *s = json_string_value(json_object_get(json_object_get(list, "metadata"), name));

    return s ? s : "";
}

/* Items of a list carry neither apiVersion nor kind (or those of their partial form). */
static void add_items(const struct kube_resource *r, const json_t *list, json_t *items)
{
    char *api_version CLEANUP(mem_cleanup) =
        r->group[0] ? mem_printf("%s/%s", r->group, r->version) : mem_strdup(r->version);
    json_t *item;
    size_t i;

    json_array_foreach (json_object_get(list, "items"), i, item) {
        if (!json_is_object(item))
            continue;
        json_object_set_new(item, "apiVersion", json_string(api_version));
        json_object_set_new(item, "kind", json_string(r->kind));
        json_array_append(items, item);
    }
}

struct pages {
    json_t *items;
    char *next, *version;
    int count, restarts;
};

static void pages_done(struct pages *p)
{
    json_decref(p->items);
    free(p->next);
    free(p->version);
}

static void pages_restart(struct pages *p)
{
    json_array_clear(p->items);
    free(p->next);
    free(p->version);
    p->next = p->version = NULL;
}

static void take_page(struct pages *p, const struct kube_resource *r, const json_t *list)
{
    add_items(r, list, p->items);
    free(p->next);
    p->next = mem_strdup(meta(list, "continue"));
    free(p->version);
    p->version = mem_strdup(meta(list, "resourceVersion"));
    p->count++;
}

int kube_list(struct kube_client *c, const struct kube_request *req, struct cancel *cancel,
              json_t **ret_items, char **ret_resource_version, struct err *err)
{
    struct pages p CLEANUP(pages_done) = {.items = json_array()};
    struct kube_request page = *req;

    page.verb = KUBE_LIST;
    do {
        struct kube_result res;
        int rc;

        page.continue_token = p.next;
        rc = kube_do(c, &page, cancel, &res);
        if (!rc) {
            take_page(&p, req->resource, res.body);
        } else if (res.status.http == 410 && p.next && p.restarts++ < KUBE_MAX_LIST_RESTARTS) {
            pages_restart(&p);
        } else {
            err_move(err, &res.err);
            kube_result_done(&res);
            return rc;
        }
        kube_result_done(&res);
        if (p.count > KUBE_MAX_LIST_PAGES)
            return err_set(err, ERR_LIMIT, "LIST %s: more than %d pages", req->resource->kind,
                           KUBE_MAX_LIST_PAGES);
    } while (!p.next || p.next[0]);
    *ret_items = json_incref(p.items);
    if (ret_resource_version) {
        *ret_resource_version = p.version;
        p.version = NULL;
    }
    return 0;
}
