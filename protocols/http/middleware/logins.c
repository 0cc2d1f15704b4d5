/* SPDX-License-Identifier: MIT */
/* logins.c - logins that are remembered, by a keyed digest: no password is kept, nor what one could be tried against
 * without the key.
 *
 * Each digest has one place; who comes later to the same takes it, and costs the other a hash. */
#include "http/middleware/logins.h"

static size_t place_of(const uint8_t digest[BIGHT_SHA256_SIZE])
{
    return ((size_t)digest[0] << 8 | digest[1]) % BI_LOGINS;
}

int bi_logins_digest(const struct bi_logins *logins, const struct bi_password *password,
    const struct bi_credentials *credentials, uint8_t digest[BIGHT_SHA256_SIZE])
{
    uint8_t all[BI_PASSWORD_MOST + 1 + BI_CREDENTIALS_MOST];
    size_t size = password->hash_size;
    all[0] = password->hash_size;
    memcpy(all + 1, password->hash, size);
    memcpy(all + 1 + size, credentials->bytes, credentials->size);
    int code = bight_hmac_sha256(logins->key, sizeof logins->key, all, 1 + size + credentials->size, digest);
    bight_wipe(all, sizeof all);
    return code;
}

bool bi_logins_have(const struct bi_logins *logins, const uint8_t digest[BIGHT_SHA256_SIZE], uint64_t now)
{
    const struct bi_login *login = &logins->kept[place_of(digest)];
    return now < login->until && bight_equal_constant_time(login->digest, digest, BIGHT_SHA256_SIZE);
}

void bi_logins_keep(struct bi_logins *logins, const uint8_t digest[BIGHT_SHA256_SIZE], uint64_t until)
{
    struct bi_login *login = &logins->kept[place_of(digest)];
    memcpy(login->digest, digest, BIGHT_SHA256_SIZE);
    login->until = until;
}
