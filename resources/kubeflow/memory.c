/* install_memory: what private state remembers. The contents of applied objects are kept so that a
 * plan can say old and new value, and a refresh what changed, without manifests at hand; deflated
 * together with the record, whose keys are the same, because private state is stored in clear text
 * with every state file. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "resources/kubeflow/install.h"

#include "lib/base/banned.h"

#define MEMORY_VERSION     1
#define MEMORY_MAX_CONTENT ((size_t)64 << 20) /* inflated bytes that are accepted */

static json_t *pack(const json_t *books)
{
    char *text CLEANUP(mem_cleanup) = json_dumps(books, JSON_COMPACT);
    Bytef *packed CLEANUP(mem_cleanup) = NULL;
    char *encoded CLEANUP(mem_cleanup) = NULL;
    uLong len, bound;

    len = (uLong)strlen(text);
    bound = compressBound(len);
    packed = mem_alloc(bound);
    if (compress2(packed, &bound, (const Bytef *)text, len, 9) != Z_OK)
        bug("zlib can't deflate %lu bytes", len);
    encoded = hash_base64(packed, bound);
    return json_pack("{s:s, s:I}", "z", encoded, "n", (json_int_t)len);
}

/* NULL for anything that isn't what pack made: the memory is then simply not there. */
static json_t *unpack(const json_t *packed)
{
    const json_t *z = json_object_get(packed, "z");
    json_int_t n = json_integer_value(json_object_get(packed, "n"));
    uint8_t *bytes = NULL;
    size_t len = 0;
    char *text CLEANUP(mem_cleanup) = NULL;
    uLongf size;
    int rc;

    if (!json_is_string(z) || n <= 0 || (size_t)n > MEMORY_MAX_CONTENT ||
        hash_base64_decode(json_string_value(z), json_string_length(z), &bytes, &len))
        return NULL;
    size = (uLongf)n;
    text = mem_alloc(size);
    rc = uncompress((Bytef *)text, &size, bytes, (uLong)len);
    free(bytes);
    return rc == Z_OK ? json_loadb(text, size, 0, NULL) : NULL;
}

static json_t *object_of(const json_t *books, const char *name)
{
    json_t *book = json_object_get(books, name);

    return json_is_object(book) ? json_incref(book) : NULL;
}

void install_memory_load(const json_t *private_state, struct install_memory *ret)
{
    struct install_memory m = {0};

    if (json_integer_value(json_object_get(private_state, "v")) == MEMORY_VERSION) {
        json_auto_t *books = unpack(json_object_get(private_state, "books"));

        m.record = object_of(books, "record");
        m.content = object_of(books, "content");
        m.found = object_of(books, "found");
        m.imported = json_is_true(json_object_get(private_state, "imported"));
        m.unfinished = json_is_true(json_object_get(private_state, "unfinished"));
    }
    *ret = m;
}

json_t *install_memory_save(const struct install_memory *m)
{
    json_t *out = json_pack("{s:i}", "v", MEMORY_VERSION);

    if (m->record || m->content || m->found) {
        json_auto_t *books = json_pack("{s:O*, s:O*, s:O*}", "record", m->record, "content",
                                       m->content, "found", m->found);

        json_object_set_new(out, "books", pack(books));
    }
    if (m->imported)
        json_object_set_new(out, "imported", json_true());
    if (m->unfinished)
        json_object_set_new(out, "unfinished", json_true());
    return out;
}

void install_memory_done(struct install_memory *m)
{
    json_decref(m->record);
    json_decref(m->content);
    json_decref(m->found);
    memset(m, 0, sizeof(*m));
}
