/* bcrypt hashes of passwords, as Dex takes them ("$2y$12$..."). libxcrypt does the work. */
#ifndef BASE_BCRYPT_H
#define BASE_BCRYPT_H

#include <stdbool.h>

#include "lib/base/err.h"

#define BCRYPT_HASH_SIZE    61 /* with the NUL */
#define BCRYPT_MAX_PASSWORD 72 /* bytes: bcrypt looks at no more */
#define BCRYPT_COST         12 /* of the hashes made here */

/* Dex refuses logins with hashes of other costs. */
#define BCRYPT_MIN_COST 10
#define BCRYPT_MAX_COST 16

/* ERR_INVALID when a password is empty or longer than bcrypt looks; the message doesn't show it. */
int bcrypt_check_password(const char *password, struct err *err) WARN_UNUSED;

/* A salted hash of the password; ERR_INVALID as above. */
int bcrypt_hash(const char *password, char out[BCRYPT_HASH_SIZE], struct err *err) WARN_UNUSED;

/* Whether text has the form of a bcrypt hash: "$2y$12$" and 53 characters; of any cost. */
bool bcrypt_is_hash(const char *text);

/* ERR_INVALID says what is wrong with a hash that a user gave; the message doesn't show it. */
int bcrypt_check(const char *hash, struct err *err) WARN_UNUSED;

#endif
