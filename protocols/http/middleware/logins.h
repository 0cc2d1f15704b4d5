/* SPDX-License-Identifier: MIT */
/* logins.h - who has proved to be whom, for a while: so that a hash that costs a tenth of a second is not computed for
 * each request of a page. */
#ifndef BI_HTTP_LOGINS_H
#define BI_HTTP_LOGINS_H

#include <bight/sys/digest.h>

#include "http/middleware/credentials.h"
#include "http/middleware/password.h"

#define BI_LOGINS 1024 /* that are kept */

struct bi_login {
    uint64_t until; /* nanoseconds; 0: none */
    uint8_t digest[BIGHT_SHA256_SIZE];
};

/* A zeroed one, with a key. */
struct bi_logins {
    uint8_t key[BIGHT_SHA256_SIZE]; /* secret, random */
    struct bi_login kept[BI_LOGINS];
};

/* Of credentials and of the hash that they are for: with another hash of the user's they count no more. 0 or a code. */
int bi_logins_digest(const struct bi_logins *logins, const struct bi_password *password,
    const struct bi_credentials *credentials, uint8_t digest[BIGHT_SHA256_SIZE]);

bool bi_logins_have(const struct bi_logins *logins, const uint8_t digest[BIGHT_SHA256_SIZE], uint64_t now);
void bi_logins_keep(struct bi_logins *logins, const uint8_t digest[BIGHT_SHA256_SIZE], uint64_t until);

#endif
