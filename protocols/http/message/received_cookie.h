/* SPDX-License-Identifier: MIT */
/* received_cookie.h - what the value of a Set-Cookie says to a client, read as browsers do (RFC 6265bis, section 5.6).
 *
 * What servers may say is set_cookie.h's; clients have to make sense of anything. Whether the server may say so, for
 * this domain, is the store's affair. */
#ifndef BI_HTTP_RECEIVED_COOKIE_H
#define BI_HTTP_RECEIVED_COOKIE_H

#include "http/message/stored_cookie.h"

/* Views of the text that was read. */
struct bi_received_cookie {
    struct bi_view name, value; /* at most BI_COOKIE_MAX_PAIR bytes, not both empty, without controls */
    struct bi_view domain;      /* as it stands, without its first dot; empty: none */
    struct bi_view path;        /* empty: that of the URL */
    int64_t expires;            /* seconds since 1970 UTC, at most 400 days from now; only if it is persistent */
    bool is_persistent, is_secure, is_http_only;
    uint8_t site; /* enum bi_cookie_site */
};

/* `now` is in seconds since 1970 UTC. False: it is none. */
bool bi_received_cookie_read(struct bi_view text, int64_t now, struct bi_received_cookie *cookie);

#endif
