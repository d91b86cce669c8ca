#include "lib/kustomize/parsed.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/hash.h"
#include "lib/base/mem.h"
#include "lib/krm/yaml.h"

#include "lib/base/banned.h"

struct parsed {
    pthread_mutex_t lock;
    json_t *trees; /* hex of the hash -> documents; its members are never changed */
    size_t bytes;
};

struct parsed *parsed_new(void)
{
    struct parsed *p = mem_calloc(1, sizeof(*p));

    pthread_mutex_init(&p->lock, NULL);
    p->trees = json_object();
    return p;
}

void parsed_free(struct parsed *p)
{
    if (!p)
        return;
    json_decref(p->trees);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static json_t *get(struct parsed *p, const char *key)
{
    json_t *kept, *copy;

    pthread_mutex_lock(&p->lock);
    kept = json_incref(json_object_get(p->trees, key));
    pthread_mutex_unlock(&p->lock);
    copy = kept ? json_deep_copy(kept) : NULL;
    json_decref(kept);
    return copy;
}

static void put(struct parsed *p, const char *key, size_t len, const json_t *documents)
{
    json_t *copy;
    bool room;

    pthread_mutex_lock(&p->lock);
    room = len <= PARSED_MAX_BYTES - p->bytes && !json_object_get(p->trees, key);
    if (room)
        p->bytes += len;
    pthread_mutex_unlock(&p->lock);
    if (!room)
        return;
    copy = json_deep_copy(documents);
    pthread_mutex_lock(&p->lock);
    json_object_set_new(p->trees, key, copy);
    pthread_mutex_unlock(&p->lock);
}

int parsed_read(struct parsed *p, const char *text, size_t len, const char *name,
                json_t **ret_documents, struct err *err)
{
    char key[HASH_HEX_SIZE];
    int rc;

    if (!p || len > PARSED_MAX_FILE || yaml_may_alias(text, len))
        return yaml_parse_blanks(text, len, name, ret_documents, err);
    hash_sha256_hex(text, len, key);
    if ((*ret_documents = get(p, key)))
        return 0;
    if (!(rc = yaml_parse_blanks(text, len, name, ret_documents, err)))
        put(p, key, len, *ret_documents);
    return rc;
}
