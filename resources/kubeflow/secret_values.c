#include "resources/kubeflow/secret_values.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bcrypt.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/gvk.h"
#include "lib/krm/path.h"
#include "lib/kube/applyset.h"
#include "lib/kube/discovery.h"
#include "lib/kube/managed_fields.h"
#include "lib/kube/members.h"
#include "lib/kube/ours.h"
#include "resources/kubeflow/secret_marks.h"
#include "resources/kubeflow/secret_recipes.h"

#include "lib/base/banned.h"

#define MODULE        "kubeflow.secrets"
#define FIRST_VERSION "1"

/* In a fill: array of marks. */
#define SECRET_VALUES_KEPT "kept"

#define LETTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NLETTERS (sizeof(LETTERS) - 1)

static void wipe(json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(v))
        mem_wipe((char *)json_string_value(v), json_string_length(v));
    json_object_foreach (v, key, item)
        wipe(item);
    json_array_foreach (v, i, item)
        wipe(item);
}

void secret_values_free(json_t *v)
{
    wipe(v);
    json_decref(v);
}

/* --- making values ------------------------------------------------------------------------------ */

static char *random_text(size_t len)
{
    char *text = mem_alloc(len + 1);
    uint8_t byte;

    for (size_t i = 0; i < len;) {
        if (RAND_bytes(&byte, 1) != 1)
            bug("OpenSSL gives no random bytes");
        if (byte < 256 / NLETTERS * NLETTERS) /* or some letters would come more often */
            text[i++] = LETTERS[byte % NLETTERS];
    }
    text[len] = '\0';
    return text;
}

/* What Secrets hold of something that a user gave. */
static int given_text(const struct secret_recipe *r, const char *given, char **ret_text,
                      struct err *err)
{
    char hash[BCRYPT_HASH_SIZE];
    int rc;

    if (strlen(given) > SECRET_VALUES_MAX_GIVEN)
        return err_set(err, ERR_LIMIT, "it is longer than %zu bytes", SECRET_VALUES_MAX_GIVEN);
    if (!r->password || bcrypt_is_hash(given)) {
        rc = r->password ? bcrypt_check(given, err) : 0;
        if (!rc)
            *ret_text = mem_strdup(given);
        return rc;
    }
    rc = bcrypt_hash(given, hash, err);
    if (!rc)
        *ret_text = mem_strdup(hash);
    mem_wipe(hash, sizeof(hash));
    return rc;
}

static char *name_of(const char *mark)
{
    return mem_strndup(mark, (size_t)(strrchr(mark, '#') - mark));
}

/* The value of a mark "<name>#<version>" that no Secret has, base64. */
static int make(const char *mark, const json_t *given, json_t **ret_value, struct err *err)
{
    char *name CLEANUP(mem_cleanup) = name_of(mark);
    const struct secret_recipe *r = secret_recipe(name);
    const json_t *handed = json_object_get(given, name);
    const char *rest = strchr(name, '/');
    char *text = NULL, *encoded;
    int rc = 0;

    rest = rest ? rest + 1 : "";
    if (json_is_string(handed))
        rc = given_text(r, json_string_value(handed), &text, err);
    else if (r->length)
        text = random_text(r->length);
    else
        return err_set(err, ERR_INVALID,
                       "%s%s%s is needed, because no Secret holds what it was, and it isn't given. "
                       "Write-only attributes are taken from the configuration in each apply: set "
                       "it there",
                       r->before, rest, r->after);
    if (rc)
        return err_wrap(err, "%s%s%s", r->before ? r->before : name, r->before ? rest : "",
                        r->before ? r->after : "");
    encoded = hash_base64(text, strlen(text));
    *ret_value = json_string(encoded);
    mem_free_secret(text);
    mem_free_secret(encoded);
    log_info(MODULE, "%s is a new one", name);
    return 0;
}

/* --- deciding ----------------------------------------------------------------------------------- */

/* Where a value comes from; a higher one counts. */
enum origin { NOWHERE, BEFORE_US, CHANGED, OURS };

/* Whether data may have been made with what was there. Of everything else that is there before us is the
 * release's own, which is public. */
static bool opens_data(const char *mark, const json_t *given)
{
    char *name CLEANUP(mem_cleanup) = name_of(mark);

    return secret_recipe_of_mark(mark)->with_data &&
           !strcmp(strrchr(mark, '#') + 1, FIRST_VERSION) && !json_object_get(given, name);
}

static enum origin origin_of(const json_t *live, const char *key, const char *mark,
                             const char *values_manager, const json_t *given)
{
    json_auto_t *filled = secret_marks_filled(live);
    const char *was = krm_str(filled, key, NULL);

    if (!krm_get(live, "data", key, NULL))
        return NOWHERE;
    if (!strcmp(was, mark))
        return managed_fields_owns_member(live, values_manager, "data", key) ? OURS : CHANGED;
    return !was[0] && opens_data(mark, given) ? BEFORE_US : NOWHERE;
}

struct decision {
    const json_t *objects, *live, *given;
    const char *values_manager;
    json_t *values;  /* mark -> base64 */
    json_t *origins; /* mark -> enum origin */
};

static bool is_secret(const json_t *object)
{
    return !strcmp(gvk_of(object).kind, "Secret");
}

/* New reference; NULL for what isn't to be filled. */
static json_t *marks_of_secret(const json_t *object)
{
    return is_secret(object) ? secret_marks_of(object) : NULL;
}

static const json_t *live_of(const struct decision *d, const json_t *object)
{
    char *key CLEANUP(mem_cleanup) = kube_key(object);

    return json_object_get(d->live, key);
}

/* Any manifest may have the annotation. */
static int check_mark(const json_t *object, const json_t *mark, struct err *err)
{
    if (secret_recipe_of_mark(json_string_value(mark)))
        return 0;
    return err_set(err, ERR_INVALID, "Secret %s/%s: annotation %s names no value that is known",
                   krm_str(object, "metadata", "namespace", NULL),
                   krm_str(object, "metadata", "name", NULL), APPLYSET_VALUES);
}

/* What one Secret knows of the values that it is to hold. */
static int look_into(struct decision *d, const json_t *object, const json_t *marks, struct err *err)
{
    const json_t *live = live_of(d, object), *mark;
    const char *key;

    json_object_foreach ((json_t *)marks, key, mark) {
        const char *text = json_string_value(mark);
        int rc = check_mark(object, mark, err);
        enum origin origin;

        if (rc)
            return rc;
        origin = origin_of(live, key, text, d->values_manager, d->given);
        if (origin <= (enum origin)json_integer_value(json_object_get(d->origins, text)))
            continue;
        json_object_set_new(d->origins, text, json_integer(origin));
        json_object_set_new(d->values, text, json_string(krm_str(live, "data", key, NULL)));
    }
    return 0;
}

/* Whether the Secret is as it should be, and will be there to stay. */
static bool is_filled(const struct decision *d, const json_t *live, const json_t *marks,
                      const json_t *data)
{
    json_auto_t *filled = secret_marks_filled(live);
    const char *key;
    json_t *value;

    if (!json_equal(filled, marks) || krm_get(live, "metadata", "deletionTimestamp", NULL))
        return false;
    json_object_foreach ((json_t *)data, key, value) {
        if (!json_equal(krm_get(live, "data", key, NULL), value) ||
            !managed_fields_owns_member(live, d->values_manager, "data", key))
            return false;
    }
    return true;
}

static int fill(struct decision *d, const json_t *object, const json_t *marks, json_t *fills,
                struct err *err)
{
    char *id CLEANUP(mem_cleanup) = kube_key(object), *text CLEANUP(mem_cleanup) = NULL;
    json_t *data = json_object(), *kept = json_array(), *mark;
    const char *key;
    int rc = 0;

    json_object_foreach ((json_t *)marks, key, mark) {
        const char *name = json_string_value(mark);
        json_t *value = json_object_get(d->values, name);

        if (!value && !(rc = make(name, d->given, &value, err)))
            json_object_set_new(d->values, name, value);
        if (rc)
            break;
        json_object_set(data, key, value);
        if (json_integer_value(json_object_get(d->origins, name)) == BEFORE_US)
            json_array_append_new(kept, json_string(name));
    }
    if (rc) {
        json_decref(data);
        json_decref(kept);
        return err_wrap(err, "Secret %s", id);
    }
    text = secret_marks_text(marks);
    json_object_set_new(fills, id,
                        json_pack("{s:o, s:{s:s}, s:b}", "data", data, "annotations",
                                  APPLYSET_FILLED, text, "there",
                                  is_filled(d, live_of(d, object), marks, data)));
    if (json_array_size(kept))
        json_object_set(json_object_get(fills, id), SECRET_VALUES_KEPT, kept);
    json_decref(kept);
    return 0;
}

/* No value is wanted in the Secret any more: an empty fill takes away what was put in, and the note of
 * it, which would make an old value of the same version count again. */
static void empty(const struct decision *d, const json_t *object, json_t *fills)
{
    char *id CLEANUP(mem_cleanup) = kube_key(object);
    const json_t *live = json_object_get(d->live, id);
    json_auto_t *filled = is_secret(object) ? secret_marks_filled(live) : NULL;

    if (!filled || !managed_fields_applied_by(live, d->values_manager))
        return;
    log_info(MODULE, "%s: no value is wanted in it any more", id);
    json_object_set_new(fills, id, json_pack("{s:b}", "there", 0));
}

static void tell(const struct decision *d)
{
    const char *mark;
    json_t *origin;

    json_object_foreach (d->origins, mark, origin) {
        int length = (int)(strrchr(mark, '#') - mark);

        if (json_integer_value(origin) == BEFORE_US)
            log_warn(MODULE, "%.*s was there before and is kept", length, mark);
        else if (json_integer_value(origin) == CHANGED)
            log_info(MODULE, "%.*s was changed in the cluster and is kept so", length, mark);
    }
}

int secret_values_decide(const json_t *objects, const json_t *live, const char *values_manager,
                         const json_t *given, json_t **ret_fills, struct err *err)
{
    struct decision d = {.objects = objects,
                         .live = live,
                         .given = given,
                         .values_manager = values_manager,
                         .values = json_object(),
                         .origins = json_object()};
    json_t *fills = json_object();
    const json_t *object;
    size_t i;
    int rc = 0;

    json_array_foreach (objects, i, object) {
        json_auto_t *marks = marks_of_secret(object);

        if (!rc && marks)
            rc = look_into(&d, object, marks, err);
    }
    tell(&d);
    json_array_foreach (objects, i, object) {
        json_auto_t *marks = marks_of_secret(object);

        if (!rc && marks)
            rc = fill(&d, object, marks, fills, err);
        else if (!rc)
            empty(&d, object, fills);
    }
    if (!rc)
        *ret_fills = json_incref(fills);
    else
        wipe(d.values);
    json_decref(fills);
    json_decref(d.values);
    json_decref(d.origins);
    return rc;
}

/* --- what was lost -------------------------------------------------------------------------------- */

/* The Secret's key that holds a value which data was made with; "" when there is none. */
static const char *key_with_data(const json_t *marks)
{
    const char *key;
    json_t *mark;

    json_object_foreach ((json_t *)marks, key, mark) {
        if (secret_recipe_of_mark(json_string_value(mark)) &&
            opens_data(json_string_value(mark), NULL))
            return key;
    }
    return "";
}

/* The objects' claims that are there in a namespace: "mysql-pv-claim, katib-mysql". Heap string; ""
 * when there are none. */
static char *claims_in(const json_t *objects, const json_t *existing, const char *namespace)
{
    struct buf out = BUF_INIT;
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        char *key CLEANUP(mem_cleanup) = kube_key(object);

        if (!strcmp(gvk_of(object).kind, "PersistentVolumeClaim") &&
            !strcmp(krm_str(object, "metadata", "namespace", NULL), namespace) &&
            json_object_get(existing, key))
            buf_printf(&out, "%s%s", out.len ? ", " : "",
                       krm_str(object, "metadata", "name", NULL));
    }
    return buf_take(&out);
}

int secret_values_check_lost(const json_t *objects, const json_t *existing, const json_t *record,
                             struct err *err)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        json_auto_t *marks = marks_of_secret(object);
        char *id CLEANUP(mem_cleanup) = kube_key(object), *claims CLEANUP(mem_cleanup) = NULL;
        const char *namespace = krm_str(object, "metadata", "namespace", NULL);
        const char *key = marks ? key_with_data(marks) : "";

        if (!*key || !json_object_get(record, id) || json_object_get(existing, id))
            continue;
        claims = claims_in(objects, existing, namespace);
        if (*claims)
            return err_set(
                err, ERR_INVALID,
                "%s was deleted, and with it the value under \"%s\" that a server's data "
                "was made with; a new one would lock the server out. Put the Secret back: "
                "a pod that runs since before still has the value in its environment "
                "(kubectl -n %s exec <pod> -- env). Or, to begin without the data, delete "
                "the claim too (claims of the namespace: %s)",
                id, key, namespace, claims);
    }
    return 0;
}

json_t *secret_values_kept(const json_t *fills)
{
    json_t *out = json_array(), *one;
    const char *id;

    json_object_foreach ((json_t *)fills, id, one) {
        const json_t *mark;
        size_t i;

        json_array_foreach (json_object_get(one, SECRET_VALUES_KEPT), i, mark) {
            char *name CLEANUP(mem_cleanup) = name_of(json_string_value(mark));
            const struct secret_recipe *r = secret_recipe(name);

            json_array_append_new(
                out, r->fixed
                         ? json_sprintf("%s: what was there before is kept as %s, because data was "
                                        "made with it; it may be the release's public default. "
                                        "rotate can't renew it: %s",
                                        id, name, r->fixed)
                         : json_sprintf("%s: what was there before is kept as %s, because data was "
                                        "made with it; it may be the release's public default. "
                                        "rotate = { %s = 2 } makes a new one",
                                        id, name, name));
        }
    }
    return out;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* Of what isn't marked only who filled it matters. */
static void ask(struct kube_queue *queue, const json_t *object)
{
    json_auto_t *marks = marks_of_secret(object);
    struct kube_request req = {.verb = KUBE_GET,
                               .resource = kube_builtin_resource("", "v1", "Secret"),
                               .namespace = krm_str(object, "metadata", "namespace", NULL),
                               .name = krm_str(object, "metadata", "name", NULL),
                               .metadata_only = !marks,
                               .user = (void *)object};

    kube_start(queue, &req);
}

static int take(json_t *live, struct kube_result *res, struct err *err)
{
    char *key CLEANUP(mem_cleanup) = NULL;

    if (res->code == ERR_NOT_FOUND)
        return 0;
    if (res->code) {
        err_move(err, &res->err);
        return err_wrap(err, "looking which values Secrets have");
    }
    key = kube_key(res->user); /* metadata alone doesn't say its kind */
    json_object_set(live, key, res->body);
    return 0;
}

/* The live ones of the Secrets. */
static int read_live(struct kube_client *c, const json_t *objects, struct cancel *cancel,
                     json_t *live, struct err *err)
{
    struct kube_queue *queue CLEANUP(kube_queue_cleanup) = kube_queue_new(c);
    const json_t *object;
    size_t i;
    int rc = 0;

    json_array_foreach (objects, i, object) {
        if (is_secret(object))
            ask(queue, object);
    }
    while (!rc && kube_pending(queue)) {
        struct kube_result res;

        if (kube_next(queue, clock_deadline(-1), cancel, &res))
            return err_set(err, ERR_CANCELLED, "interrupted while reading Secrets");
        rc = take(live, &res, err);
        kube_result_done(&res);
    }
    return rc;
}

int secret_values_resolve(struct kube_client *c, const char *manager, const json_t *objects,
                          const json_t *given, struct cancel *cancel, json_t **ret_fills,
                          struct err *err)
{
    char *values_manager CLEANUP(mem_cleanup) = kube_values_manager(manager);
    json_t *live CLEANUP(secret_values_cleanup) = json_object();
    int rc = read_live(c, objects, cancel, live, err);

    return rc ? rc : secret_values_decide(objects, live, values_manager, given, ret_fills, err);
}
