/* SPDX-License-Identifier: MIT */
/* cookies_txt.h - lines of the file that Netscape kept cookies in, and curl and wget do: read and written.
 *
 *     domain TAB whether-for-subdomains TAB path TAB secure TAB expires TAB name TAB value
 *
 * with TRUE or FALSE, seconds since 1970 (0: it ends with the session), a dot or none before the domain, and
 * `#HttpOnly_` before all of a cookie that scripts do not see. Other lines that begin with `#`, and empty ones, say
 * nothing. It does not tell SameSite. */
#ifndef BI_HTTP_COOKIES_TXT_H
#define BI_HTTP_COOKIES_TXT_H

#include "http/message/stored_cookie.h"

enum bi_cookies_txt {
    BI_COOKIES_TXT_NOTHING,
    BI_COOKIES_TXT_COOKIE,
    BI_COOKIES_TXT_BAD /* it is neither */
};

/* `line` has no LF; one CR at its end is none of it. *cookie gets views of it; of the domain upper case stays, and so
 * it is not to be used before that has been changed. */
enum bi_cookies_txt bi_cookies_txt_read(struct bi_view line, struct bi_stored_cookie *cookie);

/* Whether a line can tell of it: it has a name, no tab, and a domain that looks like one. */
bool bi_cookies_txt_can_tell(const struct bi_stored_cookie *cookie);

/* Bytes of its line, LF and all, at most; and the writing of it, which returns behind it. */
size_t bi_cookies_txt_room(const struct bi_stored_cookie *cookie);
uint8_t *bi_cookies_txt_write(const struct bi_stored_cookie *cookie, uint8_t *at);

#endif
