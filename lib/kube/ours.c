#include "lib/kube/ours.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/conflict.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/members.h"

#include "lib/base/banned.h"

char *kube_values_manager(const char *manager)
{
    return mem_printf("%s-values", manager);
}

static void hash_values_entry(const json_t *metadata_object, const char *manager,
                              char out[MANAGED_FIELDS_HASH_SIZE])
{
    char *values CLEANUP(mem_cleanup) = kube_values_manager(manager);

    managed_fields_hash(metadata_object, values, out);
}

json_t *kube_record_entry(const json_t *metadata_object, const char *manager)
{
    char owned[MANAGED_FIELDS_HASH_SIZE], values[MANAGED_FIELDS_HASH_SIZE];
    json_t *entry;

    managed_fields_hash(metadata_object, manager, owned);
    hash_values_entry(metadata_object, manager, values);
    entry = json_pack(
        "{s:s, s:s, s:s}", "u", krm_str(metadata_object, "metadata", "uid", NULL), "c",
        krm_str(metadata_object, "metadata", "annotations", APPLYSET_CONTENT, NULL), "o", owned);
    if (values[0])
        json_object_set_new(entry, "v", json_string(values));
    return entry;
}

bool kube_values_changed(const json_t *metadata_object, const json_t *record_entry,
                         const char *manager)
{
    char values[MANAGED_FIELDS_HASH_SIZE];

    hash_values_entry(metadata_object, manager, values);
    return record_entry && strcmp(values, krm_str(record_entry, "v", NULL));
}

bool kube_unchanged(const json_t *metadata_object, const json_t *record_entry, const char *content,
                    const char *manager)
{
    char owned[MANAGED_FIELDS_HASH_SIZE];

    if (!metadata_object || !record_entry ||
        krm_get(metadata_object, "metadata", "deletionTimestamp", NULL))
        return false;
    if (strcmp(krm_str(metadata_object, "metadata", "uid", NULL),
               krm_str(record_entry, "u", NULL)) ||
        strcmp(krm_str(metadata_object, "metadata", "annotations", APPLYSET_CONTENT, NULL),
               content))
        return false;
    managed_fields_hash(metadata_object, manager, owned);
    return owned[0] && !strcmp(owned, krm_str(record_entry, "o", NULL)) &&
           !kube_values_changed(metadata_object, record_entry, manager);
}

bool kube_is_ours(const json_t *metadata_object, const char *set_id, const json_t *record_entry)
{
    const char *set = krm_str(metadata_object, "metadata", "labels", APPLYSET_MEMBER_LABEL, NULL);
    const char *uid = krm_str(record_entry, "u", NULL);

    return !strcmp(set, set_id) ||
           (!set[0] && uid[0] && !strcmp(uid, krm_str(metadata_object, "metadata", "uid", NULL)));
}

char *kube_foreign_text(const json_t *objects, const json_t *existing, const json_t *record,
                        const char *set_id, const char *manager)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT;
    const json_t *object;
    size_t i, n = 0;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);
        const json_t *there = json_object_get(existing, key);
        char *owner CLEANUP(mem_cleanup) = NULL;

        if (!there || kube_is_ours(there, set_id, json_object_get(record, key)))
            continue;
        if (++n > KUBE_FOREIGN_NAMED)
            continue;
        owner = kube_owner_text(there, manager);
        buf_printf(&out, "  %s: %s\n", key, owner);
    }
    if (n > KUBE_FOREIGN_NAMED)
        buf_printf(&out, "  and %zu more\n", n - KUBE_FOREIGN_NAMED);
    return n ? buf_take(&out) : NULL;
}
