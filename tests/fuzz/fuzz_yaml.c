/* Any bytes through the YAML reader: what it accepts must survive being written and read again. */
#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static void check_round_trip(const json_t *value, enum yaml_order order)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *again = NULL;
    struct buf out;

    buf_init(&out, BUF_MAX_DOCUMENT);
    if (yaml_write(value, order, &out, &err))
        bug("can't be written: %s", err_msg(&err));
    if (yaml_parse(out.data, out.len, "written", &again, &err))
        bug("can't be read again: %s", err_msg(&err));
    if (!json_equal(value, again))
        bug("is another value when read again");
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    json_auto_t *documents = NULL;
    json_t *document;
    size_t i;

    if (yaml_parse_all((const char *)data, size, "input", &documents, &err))
        return 0;
    json_array_foreach (documents, i, document) {
        check_round_trip(document, YAML_KEEP_ORDER);
        check_round_trip(document, YAML_SORT_KEYS);
    }
    return 0;
}
