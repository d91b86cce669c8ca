/* SHA-256 and the two encodings that Kubernetes names are made with. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

#define HASH_SIZE     32
#define HASH_HEX_SIZE 65 /* with the final NUL */

struct hash; /* a running SHA-256 */

struct hash *hash_new(void);
void hash_free(struct hash *h); /* accepts NULL */
DEFINE_CLEANUP(hash_cleanup, struct hash *, hash_free)
void hash_add(struct hash *h, const void *data, size_t len);
void hash_end(struct hash *h, uint8_t out[HASH_SIZE]); /* h is as new afterwards */

void hash_sha256(const void *data, size_t len, uint8_t out[HASH_SIZE]);
void hash_sha256_hex(const void *data, size_t len, char out[HASH_HEX_SIZE]);
void hash_hex(const uint8_t sum[HASH_SIZE], char out[HASH_HEX_SIZE]);

/* Base64, standard alphabet with padding; the result is NUL-terminated and the caller's. */
char *hash_base64(const void *data, size_t len) WARN_UNUSED;
/* URL alphabet without padding (RFC 4648 section 5). */
char *hash_base64url(const void *data, size_t len) WARN_UNUSED;

/* Decodes base64 (standard alphabet; white space is skipped, padding optional).
 * 0 and a heap buffer with a NUL behind its ret_len bytes, or ERR_INVALID. */
int hash_base64_decode(const char *text, size_t len, uint8_t **ret_data, size_t *ret_len)
    WARN_UNUSED;

#endif
