#include "lib/base/bcrypt.h"

#include <crypt.h>
#include <ctype.h>
#include <string.h>

#include "lib/base/mem.h"

#include "lib/base/banned.h"

#define PREFIX      "$2b$"
#define HEAD_LEN    7 /* "$2b$12$" */
#define ALPHABET    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define HASH_LEN    (BCRYPT_HASH_SIZE - 1)
#define SETTING_MAX 64

int bcrypt_check_password(const char *password, struct err *err)
{
    size_t len = strlen(password);

    if (!len)
        return err_set(err, ERR_INVALID, "the password is empty");
    if (len > BCRYPT_MAX_PASSWORD)
        return err_set(err, ERR_INVALID, "the password has %zu bytes; bcrypt looks at %d", len,
                       BCRYPT_MAX_PASSWORD);
    return 0;
}

int bcrypt_hash(const char *password, char out[BCRYPT_HASH_SIZE], struct err *err)
{
    char setting[SETTING_MAX];
    struct crypt_data *data;
    const char *hash;
    int rc = bcrypt_check_password(password, err);

    if (rc)
        return rc;
    data = mem_calloc(1, sizeof(*data));
    /* Without bytes of ours the salt is the kernel's. */
    if (!crypt_gensalt_rn(PREFIX, BCRYPT_COST, NULL, 0, setting, sizeof(setting)))
        bug("libcrypt makes no bcrypt salt");
    hash = crypt_rn(password, setting, data, sizeof(*data));
    if (!hash || strlen(hash) != HASH_LEN)
        rc = err_set(err, ERR_FAIL, "libcrypt can't make a bcrypt hash of the password");
    else
        memcpy(out, hash, BCRYPT_HASH_SIZE);
    mem_wipe(data, sizeof(*data));
    free(data);
    return rc;
}

bool bcrypt_is_hash(const char *text)
{
    return strlen(text) == HASH_LEN && !strncmp(text, "$2", 2) && strchr("aby", text[2]) &&
           text[3] == '$' && isdigit((unsigned char)text[4]) && isdigit((unsigned char)text[5]) &&
           text[6] == '$' && strspn(text + HEAD_LEN, ALPHABET) == HASH_LEN - HEAD_LEN;
}

int bcrypt_check(const char *hash, struct err *err)
{
    int cost;

    if (!bcrypt_is_hash(hash))
        return err_set(err, ERR_INVALID,
                       "it isn't a bcrypt hash: $2y$12$ and 53 characters, as `htpasswd -nBC 12 x` "
                       "prints behind \"x:\"");
    cost = 10 * (hash[4] - '0') + hash[5] - '0';
    if (cost < BCRYPT_MIN_COST || cost > BCRYPT_MAX_COST)
        return err_set(err, ERR_INVALID, "it is a bcrypt hash of cost %d; Dex takes %d to %d", cost,
                       BCRYPT_MIN_COST, BCRYPT_MAX_COST);
    return 0;
}
