/* A type and a value in msgpack, as in DynamicValue. What is decoded conforms to its type and
 * survives both codecs. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_tf_value.h"

#include "lib/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a CLEANUP(arena_cleanup) = arena_new();
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_type *t = split(a, &data, &size);
    const struct tf_value *v;

    if (!tf_msgpack_decode(a, data, size, t, &v, &err))
        check_value(a, v, t);
    return 0;
}
