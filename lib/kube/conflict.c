#include "lib/kube/conflict.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/managed_fields.h"

#include "lib/base/banned.h"

bool kube_conflict_was_ours(const struct kube_status *status, const json_t *before)
{
    const json_t *cause;
    size_t i, seen = 0;

    if (!before)
        return false;
    json_array_foreach (status->causes, i, cause) {
        struct managed_fields_conflict c = {0};
        bool ours;

        if (managed_fields_parse_conflict(cause, &c, NULL))
            return false;
        ours = managed_fields_object_has(before, c.field);
        managed_fields_conflict_done(&c);
        if (!ours)
            return false;
        seen++;
    }
    return seen > 0;
}

char *kube_conflict_text(const struct kube_status *status, const char *force_attribute)
{
    struct buf out = BUF_INIT;
    const json_t *cause;
    size_t i, n = 0;

    json_array_foreach (status->causes, i, cause) {
        struct managed_fields_conflict c = {0};

        if (managed_fields_parse_conflict(cause, &c, NULL))
            continue;
        buf_printf(&out, "%s%s (%s)",
                   n++ ? ", " : "these fields belong to other field managers: ", c.field,
                   c.manager);
        managed_fields_conflict_done(&c);
    }
    if (!n)
        buf_printf(&out, "the API server reports a conflict: %s", status->message);
    buf_printf(&out, ". Set %s = true to take them over, or leave them out with ignore_fields.",
               force_attribute);
    return buf_take(&out);
}

/* Labels and annotations by which tools mark what is theirs. */
static const struct {
    const char *where, *name, *tool;
} marks[] = {
    {"annotations", "meta.helm.sh/release-name", "Helm release"},
    {"annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"},
    {"labels", "argocd.argoproj.io/instance", "Argo CD application"},
    {"labels", "kustomize.toolkit.fluxcd.io/name", "Flux kustomization"},
    {"labels", "helm.toolkit.fluxcd.io/name", "Flux Helm release"},
    {"labels", APPLYSET_MEMBER_LABEL, "another installation (ApplySet)"},
};

char *kube_tool_text(const json_t *metadata_object)
{
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *value =
            krm_str(metadata_object, "metadata", marks[i].where, marks[i].name, NULL);

        if (value[0])
            return mem_printf("%s %s", marks[i].tool, value);
    }
    return NULL;
}

char *kube_owner_text(const json_t *metadata_object, const char *manager)
{
    const json_t *owners = krm_get(metadata_object, "metadata", "ownerReferences", NULL);
    char *tool CLEANUP(mem_cleanup) = kube_tool_text(metadata_object);
    const char *writer;

    if (tool)
        return mem_printf("it belongs to %s", tool);
    if (json_array_size(owners))
        return mem_printf("it belongs to its controller %s %s",
                          krm_str(json_array_get(owners, 0), "kind", NULL),
                          krm_str(json_array_get(owners, 0), "name", NULL));
    writer = managed_fields_last_writer(metadata_object, manager);
    return writer[0] ? mem_printf("it was written by %s", writer)
                     : mem_strdup("its owner is unknown");
}
