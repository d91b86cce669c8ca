/* Permissions. An administrator may do everything, so that is asked first and is most often all. Only
 * when it is refused every kind is asked for, in all namespaces, and what is refused there in each
 * of its namespaces; each round's questions are sent at once. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"
#include "lib/kube/members.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

#define MAX_QUESTIONS 2000 /* in one round */

struct question {
    const char *verb, *group, *plural; /* borrowed: from discovery, or the objects */
    const char *namespace;             /* "" = cluster scope, or all namespaces */
    bool namespaced;
    bool allowed;
};

typedef VEC(struct question) questions;

/* --- asking -------------------------------------------------------------------------------------- */

static void start(struct kube_queue *queue, struct question *q)
{
    json_auto_t *body =
        json_pack("{s:s, s:s, s:{s:{s:s, s:s, s:s, s:s}}}", "apiVersion", "authorization.k8s.io/v1",
                  "kind", "SelfSubjectAccessReview", "spec", "resourceAttributes", "verb", q->verb,
                  "group", q->group, "resource", q->plural, "namespace", q->namespace);
    struct kube_request req = {
        .verb = KUBE_CREATE,
        .resource = kube_builtin_resource("authorization.k8s.io", "v1", "SelfSubjectAccessReview"),
        .body = body,
        .user = q};

    kube_start(queue, &req);
}

static int ask(struct preflight *p, struct question *at, size_t n, struct err *err)
{
    struct kube_queue *queue CLEANUP(kube_queue_cleanup) = kube_queue_new(p->r->client);

    for (size_t i = 0; i < n; i++)
        start(queue, &at[i]);
    while (kube_pending(queue)) {
        struct kube_result res;
        int rc = kube_next(queue, clock_deadline(-1), p->r->cancel, &res);

        if (rc)
            return err_set(err, rc, "interrupted while asking for permissions");
        if (res.code)
            rc = err_move(err, &res.err);
        else
            ((struct question *)res.user)->allowed =
                json_is_true(krm_get(res.body, "status", "allowed", NULL));
        kube_result_done(&res);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- what to ask for ----------------------------------------------------------------------------- */

static void add(questions *list, struct question q)
{
    static const char *const verbs[] = {"create", "patch"}; /* server-side apply needs both */

    for (size_t i = 0; i < list->len; i++)
        if (!strcmp(list->at[i].plural, q.plural) && !strcmp(list->at[i].group, q.group) &&
            !strcmp(list->at[i].namespace, q.namespace))
            return;
    for (size_t i = 0; i < ARRAY_LEN(verbs) && list->len < MAX_QUESTIONS; i++) {
        q.verb = verbs[i];
        vec_push(list, q);
    }
}

/* The CRD among the objects that brings a kind, or NULL. */
static const json_t *crd_of(const json_t *objects, const struct gvk *gvk)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object)
        if (!strcmp(gvk_of(object).kind, "CustomResourceDefinition") &&
            !strcmp(krm_str(object, "spec", "group", NULL), gvk->group) &&
            !strcmp(krm_str(object, "spec", "names", "kind", NULL), gvk->kind))
            return object;
    return NULL;
}

/* What an object's kind is called in rules; false when nobody knows (said by another check). */
static bool question_of(struct preflight *p, const json_t *object, struct question *ret)
{
    struct gvk gvk = gvk_of(object);
    const struct kube_resource *resource;
    const json_t *crd = crd_of(p->r->objects, &gvk);

    if (crd)
        *ret = (struct question){.group = gvk.group,
                                 .plural = krm_str(crd, "spec", "names", "plural", NULL),
                                 .namespaced =
                                     !strcmp(krm_str(crd, "spec", "scope", NULL), "Namespaced")};
    else if (!kube_resource_for(p->r->client, gvk.group, "", gvk.kind, p->r->cancel, &resource,
                                NULL))
        *ret = (struct question){.group = resource->group,
                                 .plural = resource->plural,
                                 .namespaced = resource->namespaced};
    else
        return false;
    ret->namespace = "";
    return true;
}

/* A question for each kind, for all namespaces; membership is written too. */
static void by_kind(struct preflight *p, questions *out)
{
    static const struct question membership[] = {
        {.group = "", .plural = "namespaces", .namespace = ""},
        {.group = "", .plural = "configmaps", .namespace = "", .namespaced = true},
        {.group = "coordination.k8s.io", .plural = "leases", .namespace = "", .namespaced = true},
    };
    const json_t *object;
    struct question q;
    size_t i;

    for (i = 0; i < ARRAY_LEN(membership); i++)
        add(out, membership[i]);
    json_array_foreach (p->r->objects, i, object)
        if (question_of(p, object, &q))
            add(out, q);
}

static bool was_refused(const questions *list, const struct question *q)
{
    for (size_t i = 0; i < list->len; i++)
        if (!list->at[i].allowed && !strcmp(list->at[i].plural, q->plural) &&
            !strcmp(list->at[i].group, q->group))
            return true;
    return false;
}

/* The same for each namespace, of the kinds that were refused for all of them. */
static void by_namespace(struct preflight *p, const questions *refused, questions *out)
{
    static const char *const membership[] = {"configmaps", "leases"};
    const json_t *object;
    struct question q;
    size_t i;

    for (i = 0; i < ARRAY_LEN(membership); i++) {
        q = (struct question){.group = i ? "coordination.k8s.io" : "",
                              .plural = membership[i],
                              .namespace = APPLYSET_NAMESPACE,
                              .namespaced = true};
        if (was_refused(refused, &q))
            add(out, q);
    }
    json_array_foreach (p->r->objects, i, object) {
        if (!question_of(p, object, &q) || !was_refused(refused, &q))
            continue;
        if (q.namespaced)
            q.namespace = krm_str(object, "metadata", "namespace", NULL);
        add(out, q);
    }
}

/* --- saying -------------------------------------------------------------------------------------- */

static void say(struct preflight *p, const questions *list)
{
    struct buf text = BUF_INIT;
    size_t n = 0;

    buf_puts(&text, "the connection's user may not ");
    for (size_t i = 0; i < list->len; i++) {
        const struct question *q = &list->at[i];
        char *name CLEANUP(mem_cleanup) =
            mem_printf("%s %s%s%s%s%s", q->verb, q->plural, q->group[0] ? "." : "", q->group,
                       q->namespace[0] ? " in namespace " : "", q->namespace);

        if (!q->allowed)
            preflight_put_named(&text, n++, name);
    }
    preflight_put_rest(&text, n);
    buf_puts(&text, ". Nothing was written. Installing takes an administrator of the cluster: bind "
                    "the role cluster-admin to that user, or connect as another one");
    if (n)
        preflight_problem(p, ERR_DENIED, "", buf_take(&text));
    else
        buf_done(&text);
}

int preflight_access(struct preflight *p, struct err *err)
{
    struct question everything = {
        .verb = "*", .group = "*", .plural = "*", .namespace = "", .namespaced = true};
    questions kinds = VEC_INIT, namespaces = VEC_INIT;
    int rc = ask(p, &everything, 1, err);

    if (!rc && !everything.allowed) {
        by_kind(p, &kinds);
        rc = ask(p, kinds.at, kinds.len, err);
        if (!rc)
            by_namespace(p, &kinds, &namespaces);
        if (!rc)
            rc = ask(p, namespaces.at, namespaces.len, err);
        if (!rc)
            say(p, &namespaces);
    }
    vec_done(&kinds);
    vec_done(&namespaces);
    return rc;
}
