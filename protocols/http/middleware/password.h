/* SPDX-License-Identifier: MIT */
/* password.h - hashes of passwords as text: "$pbkdf2-sha256$i=600000$SALT$HASH", "$scrypt$ln=17,r=8,p=1$SALT$HASH"
 * (https://github.com/P-H-C/phc-string-format), base64 without "=". */
#ifndef BI_HTTP_PASSWORD_H
#define BI_HTTP_PASSWORD_H

#include <bight/error.h>

#include "http/message/tokens.h"

#define BI_PASSWORD_MOST 64 /* bytes of a salt, and of a hash */

enum bi_password_kind { BI_PASSWORD_PBKDF2_SHA256 = 1, BI_PASSWORD_SCRYPT };

struct bi_password {
    enum bi_password_kind kind;
    uint32_t iterations;  /* of PBKDF2: 1 to 10,000,000 */
    uint32_t log_n, r, p; /* of scrypt: at most 256 MiB */
    uint8_t salt_size;    /* from 8 */
    uint8_t hash_size;    /* from 16 */
    uint8_t salt[BI_PASSWORD_MOST];
    uint8_t hash[BI_PASSWORD_MOST];
};

/* False: it is none, or weaker or more costly than is accepted. */
bool bi_password_parse(struct bi_password *password, struct bi_view text);

/* Whether `text` is what the hash was made of. Takes as long as the hash wants, for any text: for threads. 0,
 * PERMISSION_DENIED when it is not; OUT_OF_MEMORY, SYSTEM. */
int bi_password_check(const struct bi_password *password, const void *text, size_t size);

#endif
