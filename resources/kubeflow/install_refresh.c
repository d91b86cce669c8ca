#include "resources/kubeflow/install.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

#define MODULE "kubeflow.install"

/* "Kind.group" of every key. */
json_t *install_kinds(const json_t *wanted)
{
    json_auto_t *stubs = json_array();
    const char *key;
    json_t *unused;

    json_object_foreach ((json_t *)wanted, key, unused) {
        json_t *stub = kube_stub_of_key(key);

        if (stub)
            json_array_append_new(stubs, stub);
    }
    return applyset_group_kinds(stubs);
}

void install_refreshed_done(struct install_refreshed *r)
{
    json_decref(r->drift);
    install_memory_done(&r->memory);
    memset(r, 0, sizeof(*r));
}

static int refresh_here(struct kube_client *c, const struct install_refresh_request *r,
                        struct cancel *cancel, struct install_refreshed *out, struct err *err)
{
    struct applyset_parent parent = {0};
    struct kube_refresh_result result;
    json_auto_t *state_kinds = install_kinds(r->wanted), *kinds = NULL;
    char set_id[APPLYSET_ID_SIZE];
    struct kube_refresh_options o = {.client = c,
                                     .manager = r->manager,
                                     .set_id = set_id,
                                     .wanted = r->wanted,
                                     .record = r->memory->record,
                                     .content = r->memory->content,
                                     .find_content = r->find_content,
                                     .find_arg = r->find_arg,
                                     .cancel = cancel};
    int rc = applyset_read(c, r->set_name, cancel, &parent, err);

    if (rc)
        return rc;
    applyset_id(r->set_name, set_id);
    kinds = applyset_union(state_kinds, parent.group_kinds);
    o.group_kinds = kinds;
    memcpy(out->install_id, parent.token, sizeof(out->install_id));
    rc = kube_refresh(&o, &result, err);
    if (!rc) {
        out->gone = !parent.exists && !json_object_size(result.members);
        if (!parent.exists && !out->gone)
            json_object_set_new(result.drift, APPLYSET_NAMESPACE,
                                json_pack("[s]", "the record of the installation was deleted"));
        out->drift = json_incref(result.drift);
        out->memory.record = json_incref(result.record);
        kube_refresh_result_done(&result);
    }
    applyset_parent_done(&parent);
    return rc;
}

int install_refresh(struct kube_client *c, const struct install_refresh_request *r,
                    struct cancel *cancel, struct install_refreshed *ret, struct err *err)
{
    struct install_refreshed out = {0};
    char *uid CLEANUP(mem_cleanup) = NULL;
    int rc = kube_cluster_uid(c, INSTALL_READ_RETRY_MS, cancel, &uid, err);

    if (rc)
        return rc;
    if (r->cluster_uid[0] && strcmp(r->cluster_uid, uid)) {
        log_warn(MODULE, "%s: this is another cluster than before", r->set_name);
        out.gone = true;
    } else {
        rc = refresh_here(c, r, cancel, &out, err);
        if (rc)
            return rc;
        out.memory.content = json_incref(r->memory->content);
        out.memory.unfinished = r->memory->unfinished;
    }
    *ret = out;
    return 0;
}

void install_survey_done(struct install_survey *s)
{
    json_decref(s->existing);
    kube_comparison_done(&s->differs);
    memset(s, 0, sizeof(*s));
}

int install_survey(struct kube_client *c, const char *manager, const json_t *objects,
                   struct cancel *cancel, struct install_survey *ret, struct err *err)
{
    struct install_survey out = {0};
    json_auto_t *metadata = NULL;
    const char *key;
    json_t *unused;
    int rc = kube_existing(c, objects, cancel, &metadata, err);

    if (!rc)
        rc = kube_compare_all(c, manager, objects, metadata, cancel, &out.differs, err);
    if (rc)
        return rc;
    out.existing = json_object();
    json_object_foreach (metadata, key, unused)
        json_object_set_new(out.existing, key, json_string(INSTALL_IMPORTED));
    *ret = out;
    return 0;
}
