#include "lib/kube/request.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define ACCEPT_JSON "application/json"
#define AS_METADATA ";g=meta.k8s.io;v=v1"

static const struct verb {
    const char *method, *content_type, *word;
    bool named; /* the object's name is part of the path */
    bool write;
} verbs[] = {
    [KUBE_GET] = {"GET", NULL, "GET", true, false},
    [KUBE_LIST] = {"GET", NULL, "LIST", false, false},
    [KUBE_CREATE] = {"POST", "application/json", "POST", false, true},
    [KUBE_UPDATE] = {"PUT", "application/json", "PUT", true, true},
    [KUBE_APPLY] = {"PATCH", "application/apply-patch+yaml", "PATCH", true, true},
    [KUBE_MERGE_PATCH] = {"PATCH", "application/merge-patch+json", "PATCH", true, true},
    [KUBE_JSON_PATCH] = {"PATCH", "application/json-patch+json", "PATCH", true, true},
    [KUBE_DELETE] = {"DELETE", "application/json", "DELETE", true, true},
    [KUBE_RAW_GET] = {"GET", NULL, "GET", false, false},
};

void kube_prepared_done(struct kube_prepared *p)
{
    free(p->url);
    if (p->body)
        mem_wipe(p->body, p->body_len); /* may be a Secret */
    free(p->body);
    free(p->own_accept);
    free(p->what);
    memset(p, 0, sizeof(*p));
}

/* RFC 3986 unreserved characters stay. */
static void put_escaped(struct buf *b, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char code[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (strchr(plain, c))
            buf_putc(b, *s);
        else
            buf_putn(b, code, sizeof(code));
    }
}

static bool given(const char *s)
{
    return s && *s;
}

static void put_segment(struct buf *b, const char *s)
{
    buf_putc(b, '/');
    put_escaped(b, s);
}

static void put_query(struct buf *b, bool *first, const char *name, const char *value)
{
    if (!given(value))
        return;
    buf_putc(b, *first ? '?' : '&');
    *first = false;
    buf_puts(b, name);
    buf_putc(b, '=');
    put_escaped(b, value);
}

static void put_path(struct buf *b, const struct kube_request *req)
{
    const struct kube_resource *r = req->resource;

    buf_puts(b, given(r->group) ? "/apis" : "/api");
    if (given(r->group))
        put_segment(b, r->group);
    put_segment(b, r->version);
    if (r->namespaced && given(req->namespace)) {
        buf_puts(b, "/namespaces");
        put_segment(b, req->namespace);
    }
    put_segment(b, r->plural);
    if (verbs[req->verb].named)
        put_segment(b, req->name);
    if (given(req->subresource))
        put_segment(b, req->subresource);
}

static void put_queries(struct buf *b, const struct kube_request *req,
                        const struct kube_watch_params *watch)
{
    bool first = true;
    char number[16];

    if (req->verb == KUBE_LIST) {
        put_query(b, &first, "labelSelector", req->label_selector);
        put_query(b, &first, "fieldSelector", req->field_selector);
    }
    if (watch) {
        snprintf(number, sizeof(number), "%d", watch->timeout_s);
        put_query(b, &first, "watch", "true");
        put_query(b, &first, "allowWatchBookmarks", "true");
        put_query(b, &first, "resourceVersion", watch->resource_version);
        put_query(b, &first, "timeoutSeconds", number);
    } else if (req->verb == KUBE_LIST) {
        snprintf(number, sizeof(number), "%d", KUBE_LIST_PAGE);
        put_query(b, &first, "limit", number);
        put_query(b, &first, "continue", req->continue_token);
    }
    if (!verbs[req->verb].write)
        return;
    if (req->verb != KUBE_DELETE)
        put_query(b, &first, "fieldManager", req->field_manager);
    if (req->verb == KUBE_APPLY)
        put_query(b, &first, "force", req->force ? "true" : "false");
    put_query(b, &first, "dryRun", req->dry_run ? "All" : NULL);
}

static const char *accept_of(const struct kube_request *req)
{
    if (!req->metadata_only)
        return ACCEPT_JSON;
    return req->verb == KUBE_LIST
               ? ACCEPT_JSON ";as=PartialObjectMetadataList" AS_METADATA "," ACCEPT_JSON
               : ACCEPT_JSON ";as=PartialObjectMetadata" AS_METADATA "," ACCEPT_JSON;
}

static const char *name_of(const struct kube_request *req)
{
    const char *name = req->name;

    if (!given(name) && req->verb == KUBE_CREATE)
        name = json_string_value(json_object_get(json_object_get(req->body, "metadata"), "name"));
    return name ? name : "";
}

static char *describe(const struct kube_request *req, const struct kube_watch_params *watch)
{
    const char *word = watch ? "WATCH" : verbs[req->verb].word;
    const char *ns = given(req->namespace) ? req->namespace : "", *name;
    const char *sub = given(req->subresource) ? req->subresource : "";

    if (req->verb == KUBE_RAW_GET)
        return mem_printf("%s %s", word, req->path);
    name = name_of(req);
    return mem_printf("%s %s%s%s%s%s%s%s", word, req->resource->kind, *ns || *name ? " " : "", ns,
                      *ns ? "/" : "", name, *sub ? "/" : "", sub);
}

/* "." and ".." would be taken for steps of the path, whatever their encoding. */
static bool is_step(const char *text)
{
    return given(text) && (!strcmp(text, ".") || !strcmp(text, ".."));
}

static int check(const struct kube_request *req, struct err *err)
{
    const char *name = req->name;

    if (req->verb == KUBE_RAW_GET)
        return req->path && req->path[0] == '/'
                   ? 0
                   : err_set(err, ERR_INVALID, "request without a path");
    if (!req->resource)
        return err_set(err, ERR_INVALID, "request without a resource");
    if (is_step(req->namespace) || is_step(req->subresource))
        return err_set(err, ERR_INVALID, "%s %s: \"%s\" can't be a namespace or a subresource",
                       verbs[req->verb].word, req->resource->kind,
                       is_step(req->namespace) ? req->namespace : req->subresource);
    if (!verbs[req->verb].named)
        return 0;
    if (!given(name) || strchr(name, '/') || is_step(name))
        return err_set(err, ERR_INVALID, "%s %s: \"%s\" can't be an object's name",
                       verbs[req->verb].word, req->resource->kind, name ? name : "");
    if (req->resource->namespaced && !given(req->namespace))
        return err_set(err, ERR_INVALID, "%s %s %s: a namespace is needed", verbs[req->verb].word,
                       req->resource->kind, name);
    return 0;
}

int kube_prepare(const char *server, const struct kube_request *req,
                 const struct kube_watch_params *watch, struct kube_prepared *ret, struct err *err)
{
    struct buf url = BUF_INIT;
    int rc = check(req, err);

    if (rc)
        return rc;
    memset(ret, 0, sizeof(*ret));
    buf_puts(&url, server);
    if (req->verb == KUBE_RAW_GET) {
        buf_puts(&url, req->path);
    } else {
        put_path(&url, req);
        put_queries(&url, req, watch);
    }
    ret->url = buf_take(&url);
    ret->method = verbs[req->verb].method;
    ret->is_list = req->verb == KUBE_LIST && !watch;
    ret->what = describe(req, watch);
    ret->own_accept = mem_strdup(req->accept);
    ret->accept = ret->own_accept ? ret->own_accept : accept_of(req);
    if (req->body) {
        ret->body = json_dumps(req->body, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!ret->body) {
            err_set(err, ERR_INVALID, "%s: the object can't be written as JSON", ret->what);
            kube_prepared_done(ret);
            return ERR_INVALID;
        }
        ret->body_len = strlen(ret->body);
        ret->content_type = verbs[req->verb].content_type;
    }
    return 0;
}
