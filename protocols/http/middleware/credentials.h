/* SPDX-License-Identifier: MIT */
/* credentials.h - what a client says in Authorization: Basic (RFC 7617). */
#ifndef BI_HTTP_CREDENTIALS_H
#define BI_HTTP_CREDENTIALS_H

#include "http/message/tokens.h"

#define BI_CREDENTIALS_MOST 768 /* bytes of both: a longer password is nobody's */

/* Secret: to be wiped. */
struct bi_credentials {
    struct bi_view user, password; /* in `bytes` */
    size_t size;
    uint8_t bytes[BI_CREDENTIALS_MOST];
};

/* Of the field's value; NULL: it is not there. False: none, or none that can be anybody's. */
bool bi_credentials_read(struct bi_credentials *credentials, struct bi_view field);

#endif
