/* The namespace of everything: of the objects themselves, of the service accounts named "default"
 * that role bindings point at, and of what the field specs say. References to other objects are put
 * right later, by name back-references. */
#include "lib/krm/path.h"
#include "lib/kustomize/transform.h"

#include "lib/base/banned.h"

enum subjects { SUBJECTS_DEFAULT, SUBJECTS_SERVICE_ACCOUNTS, SUBJECTS_NONE };

struct setter {
    const char *namespace;
    bool unset_only;
    enum subjects subjects;
};

static const char metadata_namespace[] = "metadata/namespace";
static const char metadata_name[] = "metadata/name";
static const char subjects_namespace[] = "subjects/namespace";

static bool is_set(const json_t *value)
{
    return json_string_length(value) > 0;
}

static int set_slot(struct slot *slot, void *arg, struct err *err)
{
    const struct setter *set = arg;

    if (json_is_object(slot->value) || json_is_array(slot->value))
        return err_set(err, ERR_INVALID, "a namespace must be a string");
    if (!set->unset_only || !is_set(slot->value))
        slot_set(slot, json_string(set->namespace));
    return 0;
}

static void set_member(json_t *object, const struct setter *set)
{
    if (!set->unset_only || !is_set(json_object_get(object, "namespace")))
        json_object_set_new(object, "namespace", json_string(set->namespace));
}

static void set_subjects(json_t *object, const struct setter *set)
{
    json_t *subject;
    size_t i;

    if (set->subjects == SUBJECTS_NONE)
        return;
    json_array_foreach (json_object_get(object, "subjects"), i, subject) {
        const char *key = set->subjects == SUBJECTS_DEFAULT ? "name" : "kind";
        const char *wanted = set->subjects == SUBJECTS_DEFAULT ? "default" : "ServiceAccount";

        if (strcmp(krm_str(subject, key, NULL), wanted) == 0)
            set_member(subject, set);
    }
}

static bool is_role_binding(const char *kind)
{
    return strcmp(kind, "RoleBinding") == 0 || strcmp(kind, "ClusterRoleBinding") == 0;
}

/* Fields that have rules of their own. */
static bool skipped(const struct fieldspec *spec, const struct rid *id)
{
    const char *path = spec->path->text;

    if (strcmp(path, metadata_namespace) == 0)
        return true;
    if (strcmp(path, metadata_name) == 0 && (*id->group || strcmp(id->version, "v1") != 0))
        return true;
    return is_role_binding(id->kind) && is_role_binding(spec->match.kind) &&
           strcmp(path, subjects_namespace) == 0;
}

static int set_resource(struct context *ctx, struct resource *r, const struct setter *set,
                        struct fieldspecs specs, struct err *err)
{
    struct rid id = resource_id(ctx, r);
    json_t *meta = json_object_get(r->object, "metadata");
    int rc;

    if (!id.cluster) {
        if (!json_is_object(meta)) {
            meta = json_object();
            json_object_set_new(r->object, "metadata", meta);
        }
        set_member(meta, set);
    }
    if (is_role_binding(id.kind))
        set_subjects(r->object, set);
    for (size_t i = 0; i < specs.len; i++) {
        if (!rid_matches(&id, &specs.at[i].match) || skipped(&specs.at[i], &id))
            continue;
        rc = fieldspec_walk(r->object, &specs.at[i], FIELDSPEC_CREATE_SCALAR, set_slot, (void *)set,
                            err);
        if (rc)
            return err_wrap(err, "%s", rid_label(ctx, &id));
    }
    return 0;
}

int namespace_set(struct context *ctx, struct resource *r, const char *namespace, struct err *err)
{
    struct setter set = {.namespace = namespace};

    return set_resource(ctx, r, &set, (struct fieldspecs){0}, err);
}

static int read_subjects(const char *mode, enum subjects *ret, struct err *err)
{
    static const struct {
        const char *mode;
        enum subjects subjects;
    } modes[] = {
        {"", SUBJECTS_DEFAULT},
        {"defaultOnly", SUBJECTS_DEFAULT},
        {"allServiceAccounts", SUBJECTS_SERVICE_ACCOUNTS},
        {"none", SUBJECTS_NONE},
    };

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(modes[i].mode, mode) == 0) {
            *ret = modes[i].subjects;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "setRoleBindingSubjects must be defaultOnly, allServiceAccounts or none, not "
                   "\"%s\"",
                   mode);
}

int transform_namespace(const struct transform *x, struct err *err)
{
    struct context *ctx = x->target->ctx;
    struct setter set = {.namespace = krm_str(x->args, "metadata", "namespace", NULL)};
    int rc;

    set.unset_only = json_is_true(json_object_get(x->args, "unsetOnly"));
    rc = read_subjects(krm_str(x->args, "setRoleBindingSubjects", NULL), &set.subjects, err);
    if (rc || !*set.namespace)
        return rc;
    for (size_t i = 0; i < x->m->len; i++) {
        struct resource *r = x->m->at[i];

        if (resource_empty(r))
            continue;
        resource_store_id(ctx, r);
        if ((rc = set_resource(ctx, r, &set, x->specs, err)))
            return rc;
    }
    rc = resmap_check(ctx, x->m, err);
    return rc ? err_wrap(err, "namespace %s", set.namespace) : 0;
}
