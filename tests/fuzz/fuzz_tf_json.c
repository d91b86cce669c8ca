/* A type and a value in JSON, as in state files. What is decoded conforms to its type and survives
 * both codecs; a stricter reading gives the same value or none. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_tf_value.h"

#include "lib/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_type *t = split(a, &data, &size);
    const struct tf_value *v, *strict;

    if (tf_json_decode(a, (const char *)data, size, t, true, &v, &err))
        return 0;
    check_value(a, v, t);
    if (!tf_json_decode(a, (const char *)data, size, t, false, &strict, &err) &&
        !tf_equal(v, strict))
        bug("dropping unknown members changes the others");
    return 0;
}
