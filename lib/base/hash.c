#include "lib/base/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

struct hash {
    EVP_MD_CTX *ctx;
};

static void start(struct hash *h)
{
    if (EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
        bug("SHA-256 isn't available in OpenSSL");
}

struct hash *hash_new(void)
{
    struct hash *h = mem_calloc(1, sizeof(*h));

    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx)
        bug("out of memory");
    start(h);
    return h;
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void hash_add(struct hash *h, const void *data, size_t len)
{
    if (len && EVP_DigestUpdate(h->ctx, data, len) != 1)
        bug("SHA-256 update failed");
}

void hash_end(struct hash *h, uint8_t out[HASH_SIZE])
{
    unsigned int n = 0;

    if (EVP_DigestFinal_ex(h->ctx, out, &n) != 1 || n != HASH_SIZE)
        bug("SHA-256 final failed");
    start(h);
}

void hash_sha256(const void *data, size_t len, uint8_t out[HASH_SIZE])
{
    struct hash *h CLEANUP(hash_cleanup) = hash_new();

    hash_add(h, data, len);
    hash_end(h, out);
}

void hash_hex(const uint8_t sum[HASH_SIZE], char out[HASH_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HASH_SIZE; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * HASH_SIZE] = '\0';
}

void hash_sha256_hex(const void *data, size_t len, char out[HASH_HEX_SIZE])
{
    uint8_t sum[HASH_SIZE];

    hash_sha256(data, len, sum);
    hash_hex(sum, out);
}

static char *encode(const void *data, size_t len, const char *alphabet, bool pad)
{
    const uint8_t *in = data;
    char *out = mem_alloc(4 * ((len + 2) / 3) + 1);
    char *p = out;
    size_t i;

    for (i = 0; i + 2 < len; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        *p++ = alphabet[v >> 6 & 63];
        *p++ = alphabet[v & 63];
    }
    if (i < len) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0);

        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        if (i + 1 < len)
            *p++ = alphabet[v >> 6 & 63];
        else if (pad)
            *p++ = '=';
        if (pad)
            *p++ = '=';
    }
    *p = '\0';
    return out;
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

char *hash_base64(const void *data, size_t len)
{
    return encode(data, len, ALNUM "+/", true);
}

char *hash_base64url(const void *data, size_t len)
{
    return encode(data, len, ALNUM "-_", false);
}

int hash_base64_decode(const char *text, size_t len, uint8_t **ret_data, size_t *ret_len)
{
    static const char alphabet[] = ALNUM "+/";
    uint8_t *out = mem_alloc(len / 4 * 3 + 4);
    size_t n = 0, bits = 0, padding = 0;
    uint32_t acc = 0;

    for (size_t i = 0; i < len; i++) {
        const char *p;

        if (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t')
            continue;
        if (text[i] == '=' && padding < 2) {
            padding++;
            continue;
        }
        p = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!p || padding) {
            free(out);
            return ERR_INVALID;
        }
        acc = acc << 6 | (uint32_t)(p - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    if (bits == 6) {
        free(out);
        return ERR_INVALID;
    }
    out[n] = 0;
    *ret_data = out;
    *ret_len = n;
    return 0;
}
