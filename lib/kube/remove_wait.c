#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kube/explain.h"
#include "lib/kube/members.h"
#include "lib/kube/remove_parts.h"

#include "lib/base/banned.h"

#define POLL_FIRST_MS     100
#define POLL_MAX_MS       2000
#define PROGRESS_EVERY_MS 5000
#define MAX_EXPLAINED     5 /* objects of which is said in full why they are still there */

/* Lists what is left of the targets that were deleted; new object key -> metadata. */
static int still_there(struct removal *r, const target_vec *targets, json_t **ret_left,
                       struct err *err)
{
    json_auto_t *objects = json_array(), *found = NULL, *left = json_object();
    int rc;

    for (size_t i = 0; i < targets->len; i++)
        if (!targets->at[i].release && !targets->at[i].failed)
            json_array_append(objects, (json_t *)targets->at[i].meta);
    rc = kube_existing(r->o->client, objects, r->o->cancel, &found, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < targets->len; i++) {
        const struct target *t = &targets->at[i];
        json_t *now = json_object_get(found, t->key);

        if (now && !t->release && !t->failed &&
            !strcmp(krm_str(now, "metadata", "uid", NULL),
                    krm_str(t->meta, "metadata", "uid", NULL)))
            json_object_set(left, t->key, now);
    }
    *ret_left = json_incref(left);
    return 0;
}

static void put_finalizers(const struct removal *r, const json_t *finalizers, struct buf *text)
{
    const struct kube_remove_facts *facts = r->o->facts;
    const json_t *finalizer;
    size_t i;

    json_array_foreach (finalizers, i, finalizer) {
        const char *name = json_string_value(finalizer);
        const char *who = facts && name ? facts->clears(name) : NULL;

        buf_printf(text, "%s%s", i ? ", " : "; it waits for its finalizers: ", name);
        if (who)
            buf_printf(text, " (cleared by %s)", who);
    }
    buf_puts(text, ". Who clears them has to run; where a controller is gone for good, remove its "
                   "own finalizer by hand, and no other");
}

static void report_left(struct removal *r, json_t *left)
{
    size_t explained = 0;
    const char *key;
    json_t *meta;

    json_object_foreach (left, key, meta) {
        struct buf text = BUF_INIT;
        const json_t *finalizers = krm_get(meta, "metadata", "finalizers", NULL);

        buf_puts(&text, "timed out while it was being deleted");
        if (json_array_size(finalizers)) {
            put_finalizers(r, finalizers, &text);
        } else if (explained++ < MAX_EXPLAINED) { /* a namespace: its conditions tell */
            buf_putc(&text, '\n');
            kube_explain(r->o->client, meta, r->o->cancel, &text);
        }
        kube_problems_add(&r->result->problems, ERR_TIMEOUT, key, buf_take(&text));
    }
}

int remove_wait(struct removal *r, const target_vec *targets, struct err *err)
{
    int64_t pause = POLL_FIRST_MS, next_progress = clock_deadline(PROGRESS_EVERY_MS);

    while (true) {
        json_auto_t *left = NULL;
        int rc = still_there(r, targets, &left, err);

        if (rc || !json_object_size(left))
            return rc;
        if (!clock_left_ms(r->o->deadline)) {
            report_left(r, left);
            return err_set(err, ERR_TIMEOUT, "timed out");
        }
        if (clock_now_ms() >= next_progress) {
            next_progress = clock_deadline(PROGRESS_EVERY_MS);
            log_info(REMOVE_MODULE, "%s: waiting until %zu objects are gone, among them %s",
                     r->o->what, json_object_size(left),
                     json_object_iter_key(json_object_iter(left)));
        }
        if (cancel_sleep(r->o->cancel, pause))
            return err_set(err, ERR_CANCELLED, "interrupted");
        pause = pause * 2 < POLL_MAX_MS ? pause * 2 : POLL_MAX_MS;
    }
}
