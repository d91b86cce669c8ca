/* The entry point of every fuzz target: libFuzzer's, or replay.c's. Returns 0; a broken property
 * aborts. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
