#include "resources/kubeflow/preflight.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/kube/discovery.h"
#include "resources/kubeflow/preflight_parts.h"

#include "lib/base/banned.h"

static const struct check {
    const char *what; /* for the log, when it is skipped */
    preflight_fn *fn;
    bool on_update; /* cheap, and what it looks for may have changed with the objects */
} checks[] = {
    {"what is needed", preflight_needs, true},
    {"the version of Kubernetes", preflight_version, true},
    {"storage classes", preflight_storage, true},
    {"Secrets that others make", preflight_secrets, true},
    {"permissions", preflight_access, false},
    {"what kind of cluster it is", preflight_target, false},
    {"the nodes' capacity", preflight_capacity_check, false},
};

int preflight_capacity(const char *name)
{
    static const char *const names[] = {
        [PREFLIGHT_CAPACITY_WARN] = "warn",
        [PREFLIGHT_CAPACITY_ERROR] = "error",
        [PREFLIGHT_CAPACITY_OFF] = "off",
    };

    if (!name || !*name)
        return PREFLIGHT_CAPACITY_WARN;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(names[i], name))
            return (int)i;
    return -1;
}

int preflight(const struct preflight_request *r, struct kube_problems *problems, json_t *warnings)
{
    struct preflight p = {.r = r, .problems = problems, .warnings = warnings};
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(checks) && !rc; i++) {
        struct err err CLEANUP(err_done) = ERR_INIT;

        if (r->update && !checks[i].on_update)
            continue;
        rc = checks[i].fn(&p, &err);
        if (rc == ERR_DENIED || rc == ERR_NOT_FOUND) {
            log_info(PREFLIGHT_MODULE, "not checked: %s: %s", checks[i].what, err_msg(&err));
            rc = 0;
        } else if (rc) {
            kube_problems_add_err(problems, &err);
        }
    }
    json_decref(p.nodes);
    return rc;
}

/* --- for the checks ------------------------------------------------------------------------------ */

void preflight_problem(struct preflight *p, int code, const char *key, char *text)
{
    kube_problems_add(p->problems, code, key, text);
}

void preflight_warn(struct preflight *p, char *text)
{
    json_array_append_new(p->warnings, json_string(text));
    log_warn(PREFLIGHT_MODULE, "%s", text);
    free(text);
}

int preflight_list(struct preflight *p, const struct kube_resource *resource,
                   const char *field_selector, json_t **ret_items, struct err *err)
{
    struct kube_request req = {
        .verb = KUBE_LIST, .resource = resource, .field_selector = field_selector};

    return kube_list(p->r->client, &req, p->r->cancel, ret_items, NULL, err);
}

int preflight_nodes(struct preflight *p, const json_t **ret_nodes, struct err *err)
{
    int rc = 0;

    if (!p->nodes)
        rc = preflight_list(p, kube_builtin_resource("", "v1", "Node"), NULL, &p->nodes, err);
    if (!rc)
        *ret_nodes = p->nodes;
    return rc;
}

void preflight_put_named(struct buf *out, size_t n, const char *name)
{
    if (n < PREFLIGHT_MAX_NAMED)
        buf_printf(out, "%s%s", n ? ", " : "", name);
}

void preflight_put_rest(struct buf *out, size_t n)
{
    if (n > PREFLIGHT_MAX_NAMED)
        buf_printf(out, " and %zu more", n - PREFLIGHT_MAX_NAMED);
}
