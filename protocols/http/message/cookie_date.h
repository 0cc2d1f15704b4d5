/* SPDX-License-Identifier: MIT */
/* cookie_date.h - the dates of Set-Cookie, whatever form they have (RFC 6265bis, section 5.1.1).
 *
 * Those that HTTP itself has are date.h's: they are read strictly, these are not. */
#ifndef BI_HTTP_COOKIE_DATE_H
#define BI_HTTP_COOKIE_DATE_H

#include "http/message/tokens.h"

/* Seconds since 1970 UTC, of the years 1601 to 9999. False: it is no date, and *seconds is left alone. */
bool bi_cookie_date_parse(struct bi_view text, int64_t *seconds);

#endif
