/* The type in the JSON of cty. What is read is written so that it reads the same again. */
#include "lib/base/mem.h"
#include "lib/tf/type.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct buf once CLEANUP(buf_done) = BUF_INIT, twice CLEANUP(buf_done) = BUF_INIT;
    const struct tf_type *t, *again;

    if (tf_type_from_json(a, (const char *)data, size, &t, &err))
        return 0;
    tf_type_to_json(t, &once);
    if (tf_type_from_json(a, once.data, once.len, &again, &err))
        bug("%s: %s", once.data, err_msg(&err));
    if (!tf_type_equal(t, again) || !tf_type_fits(t, again))
        bug("%s is another type", once.data);
    tf_type_to_json(again, &twice);
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        bug("%s is written as %s", once.data, twice.data);
    return 0;
}
