#include "lib/krm/yaml_stream.h"

#include "lib/base/mem.h"
#include "lib/base/parallel.h"

#include "lib/base/banned.h"

struct document {
    struct buf text;
    int rc;
    struct err err;
};

struct stream {
    const json_t *trees;
    enum yaml_order order;
    struct document *documents; /* one for each tree */
};

static void write_document(void *arg, size_t i)
{
    const struct stream *s = arg;
    struct document *d = &s->documents[i];

    buf_init(&d->text, BUF_MAX_DOCUMENT);
    d->rc = yaml_write(json_array_get(s->trees, i), s->order, &d->text, &d->err);
}

static int print(const struct stream *s, size_t len, FILE *out, struct err *err)
{
    for (size_t i = 0; i < len; i++)
        if (fprintf(out, "%s%s", i ? "---\n" : "", buf_str(&s->documents[i].text)) < 0)
            return err_set(err, ERR_FAIL, "writing the output failed");
    return 0;
}

int yaml_print_documents(const json_t *documents, enum yaml_order order, FILE *out, struct err *err)
{
    size_t len = json_array_size(documents);
    struct stream s = {
        .trees = documents, .order = order, .documents = mem_calloc(len, sizeof(*s.documents))};
    int rc = 0;

    parallel_for(len, write_document, &s);
    for (size_t i = 0; i < len && !rc; i++)
        if ((rc = s.documents[i].rc))
            err_move(err, &s.documents[i].err);
    if (!rc)
        rc = print(&s, len, out, err);
    for (size_t i = 0; i < len; i++) {
        buf_done(&s.documents[i].text);
        err_done(&s.documents[i].err);
    }
    free(s.documents);
    return rc;
}
