#include "lib/kube/drift.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/apply.h"
#include "lib/kube/applyset.h"
#include "lib/kube/conflict.h"
#include "lib/kube/describe.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/members.h"
#include "lib/kube/ours.h"
#include "lib/kube/take_over.h"

#include "lib/base/banned.h"

struct refresh {
    const struct kube_refresh_options *o;
    struct kube_refresh_result *out;
    struct kube_queue *queue;
    struct kube_comparison *any_owner; /* whoever made the object: only its content is compared */
};

void kube_refresh_result_done(struct kube_refresh_result *r)
{
    json_decref(r->drift);
    json_decref(r->record);
    json_decref(r->members);
    memset(r, 0, sizeof(*r));
}

json_t *kube_stub_of_key(const char *key)
{
    /* A group starts with a lower-case letter, a kind with an upper-case one. */
    const char *group = "", *kind = key, *rest, *name;
    size_t group_len = 0, kind_len;
    char *api_version CLEANUP(mem_cleanup) = NULL;

    if (!isupper((unsigned char)key[0])) {
        group = key;
        group_len = strcspn(key, "/");
        kind = key[group_len] ? key + group_len + 1 : key + group_len;
    }
    kind_len = strcspn(kind, "/");
    if (!kind_len || !kind[kind_len])
        return NULL;
    rest = kind + kind_len + 1;
    name = strchr(rest, '/');
    api_version = group_len ? mem_printf("%.*s/any", (int)group_len, group) : mem_strdup("v1");
    if (!name)
        return json_pack("{s:s, s:s%, s:{s:s}}", "apiVersion", api_version, "kind", kind, kind_len,
                         "metadata", "name", rest);
    return json_pack("{s:s, s:s%, s:{s:s%, s:s}}", "apiVersion", api_version, "kind", kind,
                     kind_len, "metadata", "namespace", rest, (size_t)(name - rest), "name",
                     name + 1);
}

static void PRINTF_FMT(3, 4) say(struct refresh *r, const char *key, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    json_t *lines = json_object_get(r->out->drift, key);
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    if (!lines) {
        lines = json_array();
        json_object_set_new(r->out->drift, key, lines);
    }
    json_array_append_new(lines, json_string(text));
}

/* --- full reads ---------------------------------------------------------------------------------
 */

struct comparison {
    struct refresh *r; /* NULL: nobody asks who did it */
    const json_t *live;
    json_t *out; /* array of lines */
    bool secret;
    size_t lines;
};

/* An empty map, list or text (not one in a map of texts) that the server dropped says nothing. */
static bool is_dropped(const char *path, const json_t *wanted)
{
    if (json_is_string(wanted))
        return !json_string_length(wanted) && !strncmp(path, ".spec", 5) &&
               !strstr(path, "annotations") && !strstr(path, "labels");
    return (json_is_object(wanted) && !json_object_size(wanted)) ||
           (json_is_array(wanted) && !json_array_size(wanted));
}

/* Only what we applied is compared: defaults and what others add are none of our business. */
static int compare_leaf(const char *path, const json_t *wanted, const json_t *live, void *arg)
{
    struct comparison *c = arg;
    struct buf line CLEANUP(buf_done) = BUF_INIT, owners CLEANUP(buf_done) = BUF_INIT;

    if (!wanted || json_is_null(wanted) || (live && kube_same_leaf(path, wanted, live)))
        return 0;
    if (!live && is_dropped(path, wanted))
        return 0;
    if (++c->lines > DESCRIBE_MAX_LINES)
        return 0;
    kube_describe_leaf(
        path, c->r ? wanted : live, c->r ? live : wanted,
        c->secret && (!strncmp(path, ".data", 5) || !strncmp(path, ".stringData", 11)), &line);
    if (c->r)
        managed_fields_owners(c->live, path, c->r->o->manager, &owners);
    if (owners.len)
        buf_printf(&line, " (by %s)", buf_str(&owners));
    json_array_append_new(c->out, json_string(buf_str(&line)));
    return 0;
}

/* r: NULL when nobody asks who did it. */
static json_t *differences(struct refresh *r, const json_t *content, const json_t *live)
{
    struct comparison c = {.r = r,
                           .live = live,
                           .out = json_array(),
                           .secret = !strcmp(gvk_of(content).kind, "Secret")};

    krm_diff(content, live, compare_leaf, &c);
    if (c.lines > DESCRIBE_MAX_LINES)
        json_array_append_new(c.out,
                              json_sprintf("and %zu more fields", c.lines - DESCRIBE_MAX_LINES));
    return c.out;
}

json_t *kube_differences(const json_t *wanted, const json_t *live)
{
    json_auto_t *unmarked = kube_unmarked_object(wanted);

    return differences(NULL, unmarked, live);
}

static void compare_content(struct refresh *r, const char *key, const json_t *content,
                            const json_t *live)
{
    json_auto_t *lines = differences(r, content, live);
    const json_t *line;
    size_t i;

    json_array_foreach (lines, i, line)
        say(r, key, "%s", json_string_value(line));
}

/* Of a Secret only that its values differ. */
static json_t *without_secrets(const json_t *content, const json_t *live)
{
    json_t *plain = kube_plain_object(live), *data, *value;
    const char *key;

    if (strcmp(gvk_of(content).kind, "Secret") != 0)
        return plain;
    data = json_object();
    json_object_foreach (json_object_get(live, "data"), key, value) {
        bool same = json_equal(value, krm_get(content, "data", key, NULL));

        json_object_set_new(data, key, same ? json_incref(value) : json_string(""));
    }
    json_object_set_new(plain, "data", data);
    json_object_del(plain, "stringData");
    return plain;
}

/* Whoever made it. */
static void compare_any(struct refresh *r, const char *key, const json_t *content,
                        const json_t *live)
{
    json_auto_t *goes = kube_fields_that_go(content, live, r->o->manager);
    json_auto_t *unmarked = kube_unmarked_object(content);
    const char *path;
    json_t *line;

    compare_content(r, key, unmarked, live);
    json_object_foreach (goes, path, line)
        say(r, key, "%s", json_string_value(line));
    if (json_object_size(goes))
        json_object_set(r->any_owner->goes, key, goes);
    if (json_object_get(r->out->drift, key))
        json_object_set_new(r->any_owner->live, key, without_secrets(content, live));
}

static const json_t *find_content(const struct refresh *r, const char *key)
{
    return r->o->find_content ? r->o->find_content(r->o->find_arg, key) : NULL;
}

/* Values aren't part of any content: who owns them tells. */
static void compare_values(struct refresh *r, const char *key, const json_t *live)
{
    char *manager CLEANUP(mem_cleanup) = kube_values_manager(r->o->manager);
    const char *writer = managed_fields_last_writer(live, manager);

    if (!kube_values_changed(live, json_object_get(r->o->record, key), r->o->manager))
        return;
    if (!strcmp(writer, r->o->manager))
        writer = "";
    say(r, key, KUBE_DRIFT_VALUES "%s%s", writer[0] ? " by " : "", writer);
}

static void compare(struct refresh *r, const char *key, const json_t *live)
{
    const json_t *content = json_object_get(r->o->content, key);
    const char *wanted = krm_str(r->o->wanted, key, NULL);
    const char *has = krm_str(live, "metadata", "annotations", APPLYSET_CONTENT, NULL);
    const char *writer = managed_fields_last_writer(live, r->o->manager);

    if (r->any_owner)
        compare_any(r, key, content, live);
    else if (strcmp(has, wanted))
        say(r, key, "its content is another one than the last finished apply made");
    else if (!managed_fields_applied_by(live, r->o->manager))
        say(r, key, "it was made anew%s%s", writer[0] ? " by " : "", writer);
    else if (content || (content = find_content(r, key)))
        compare_content(r, key, content, live);
    else if (r->o->record)
        say(r, key, "fields that we set were changed%s%s", writer[0] ? " by " : "", writer);
    else
        say(r, key, "not verified: what was recorded of it is lost");
    if (!r->any_owner)
        compare_values(r, key, live);
    /* Where nothing differs, what is there now is what the next look compares with. */
    if (!json_object_get(r->out->drift, key))
        json_object_set_new(r->out->record, key, kube_record_entry(live, r->o->manager));
}

/* Of what differs only what was applied to which object is remembered, not how it was then: so it
 * shows again until it is repaired, and is still known as ours. */
static void remember_applied(struct refresh *r, const char *key)
{
    json_t *entry = json_object_get(r->o->record, key), *rest;

    if (!entry || json_object_get(r->out->record, key))
        return;
    rest = json_copy(entry);
    json_object_del(rest, "o");
    json_object_set_new(r->out->record, key, rest);
}

/* In the version in which it was applied, so that the API server's conversion is no difference;
 * in any if that one isn't served any more. */
static int resource_of(struct refresh *r, const char *key, struct gvk gvk,
                       const struct kube_resource **ret_resource, struct err *err)
{
    const json_t *content = json_object_get(r->o->content, key);
    struct err ignored CLEANUP(err_done) = ERR_INIT;

    if (content && !kube_resource_for(r->o->client, gvk.group, gvk_of(content).version, gvk.kind,
                                      r->o->cancel, ret_resource, &ignored))
        return 0;
    return kube_resource_for(r->o->client, gvk.group, "", gvk.kind, r->o->cancel, ret_resource,
                             err);
}

static int read_in_full(struct refresh *r, const char *key, const json_t *meta, struct err *err)
{
    struct gvk gvk = gvk_of(meta);
    const struct kube_resource *resource;
    struct kube_request req = {.verb = KUBE_GET,
                               .namespace = krm_str(meta, "metadata", "namespace", NULL),
                               .name = krm_str(meta, "metadata", "name", NULL),
                               .user = (void *)key};
    int rc = resource_of(r, key, gvk, &resource, err);

    if (rc)
        return rc;
    req.resource = resource;
    kube_start(r->queue, &req);
    return 0;
}

static int collect(struct refresh *r, struct err *err)
{
    while (kube_pending(r->queue)) {
        struct kube_result res;
        int rc = kube_next(r->queue, clock_deadline(-1), r->o->cancel, &res);

        if (rc)
            return err_set(err, rc, "interrupted while reading from the cluster");
        if (!res.code)
            compare(r, res.user, res.body);
        else if (res.code == ERR_NOT_FOUND)
            say(r, res.user, "deleted");
        else
            rc = err_move(err, &res.err);
        kube_result_done(&res);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- the walk over what should be there ---------------------------------------------------------
 */

/* Objects that the LIST by label doesn't have: gone, or without our label? */
static int look_again(struct refresh *r, const json_t *missing, struct err *err)
{
    json_auto_t *found = NULL;
    const json_t *stub;
    size_t i;
    int rc;

    if (!json_array_size(missing))
        return 0;
    rc = kube_existing(r->o->client, missing, r->o->cancel, &found, err);
    if (rc)
        return rc;
    json_array_foreach (missing, i, stub) {
        char *key CLEANUP(mem_cleanup) = kube_key(stub);
        const json_t *there = json_object_get(found, key);
        char *owner CLEANUP(mem_cleanup) = there ? kube_owner_text(there, r->o->manager) : NULL;

        if (there)
            say(r, key, "it lost the label that makes it part of this installation; %s", owner);
        else
            say(r, key, "deleted");
    }
    return 0;
}

static int walk_wanted(struct refresh *r, json_t *missing, struct err *err)
{
    const char *key;
    json_t *hash;

    json_object_foreach ((json_t *)r->o->wanted, key, hash) {
        const json_t *meta = json_object_get(r->out->members, key);
        json_t *entry = json_object_get(r->o->record, key);
        json_t *stub;
        int rc = 0;

        if (!meta) {
            stub = kube_stub_of_key(key);
            if (stub)
                json_array_append_new(missing, stub);
        } else if (krm_get(meta, "metadata", "deletionTimestamp", NULL)) {
            say(r, key, "it is being deleted");
        } else if (kube_unchanged(meta, entry, json_string_value(hash), r->o->manager)) {
            json_object_set(r->out->record, key, entry);
        } else {
            rc = read_in_full(r, key, meta, err);
        }
        if (rc)
            return rc;
    }
    return 0;
}

int kube_refresh(const struct kube_refresh_options *o, struct kube_refresh_result *ret,
                 struct err *err)
{
    struct kube_refresh_result out = {.drift = json_object(), .record = json_object()};
    struct refresh r = {.o = o, .out = &out};
    json_auto_t *missing = json_array();
    const char *key;
    json_t *meta;
    int rc = kube_members(o->client, o->set_id, o->group_kinds, o->cancel, &out.members, err);

    if (!rc) {
        r.queue = kube_queue_new(o->client);
        rc = walk_wanted(&r, missing, err);
        if (!rc)
            rc = collect(&r, err);
        kube_queue_free(r.queue);
    }
    if (!rc)
        rc = look_again(&r, missing, err);
    if (rc) {
        kube_refresh_result_done(&out);
        return rc;
    }
    json_object_foreach (out.members, key, meta) {
        if (!json_object_get(o->wanted, key))
            say(&r, key, "left behind by an interrupted apply");
    }
    json_object_foreach ((json_t *)o->wanted, key, meta)
        remember_applied(&r, key);
    log_debug("kube.drift", "%zu members, %zu of them differ", json_object_size(out.members),
              json_object_size(out.drift));
    *ret = out;
    return 0;
}

void kube_comparison_done(struct kube_comparison *c)
{
    json_decref(c->drift);
    json_decref(c->goes);
    json_decref(c->live);
    memset(c, 0, sizeof(*c));
}

int kube_compare_all(struct kube_client *c, const char *manager, const json_t *objects,
                     const json_t *existing, struct cancel *cancel, struct kube_comparison *ret,
                     struct err *err)
{
    json_auto_t *content = json_object();
    struct kube_comparison found = {.goes = json_object(), .live = json_object()};
    struct kube_refresh_options o = {
        .client = c, .manager = manager, .content = content, .cancel = cancel};
    struct kube_refresh_result out = {.drift = json_object(), .record = json_object()};
    struct refresh r = {.o = &o, .out = &out, .queue = kube_queue_new(c), .any_owner = &found};
    json_t *object;
    const char *key;
    size_t i;
    int rc = 0;

    json_array_foreach (objects, i, object) {
        char *name CLEANUP(mem_cleanup) = kube_key(object);

        json_object_set(content, name, object);
    }
    json_object_foreach ((json_t *)existing, key, object) {
        rc = read_in_full(&r, key, object, err);
        if (rc)
            break;
    }
    if (!rc)
        rc = collect(&r, err);
    kube_queue_free(r.queue);
    found.drift = json_incref(out.drift);
    kube_refresh_result_done(&out);
    if (rc)
        kube_comparison_done(&found);
    else
        *ret = found;
    return rc;
}
