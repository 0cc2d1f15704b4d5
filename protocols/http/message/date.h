/* SPDX-License-Identifier: MIT */
/* date.h - times as HTTP writes them, and the line that every response has.
 *
 * RFC 9110, section 5.6.7. Seconds are those since 1970 UTC, leap seconds not counted; what time it is now is told by
 * the caller. No locale, no time zone, no libc. */
#ifndef BI_HTTP_DATE_H
#define BI_HTTP_DATE_H

#include "http/message/tokens.h"

/* The years 0000 to 9999, which is what four digits can say. */
#define BI_DATE_FIRST INT64_C(-62167219200)
#define BI_DATE_LAST INT64_C(253402300799)

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. A time outside the years above becomes the nearest inside. */
#define BI_DATE_SIZE 29
void bi_date_format(char text[BI_DATE_SIZE], int64_t seconds);

/* Reads that form, and the two obsolete ones: "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994". Two
 * digits of a year stand for the latest such year that is not more than 50 years after `now`. The whole text has to be
 * a date, the day of the week the right one; a leap second can only be at 23:59:60, and is the first second of the next
 * day. False: it is none, and *seconds is left alone. */
bool bi_date_parse(struct bi_view text, int64_t now, int64_t *seconds);

/* The moment `second` seconds after the beginning of a day, of years from 0 on, months and days from 1 on. False: the
 * month has no such day, and *seconds is left alone. */
bool bi_date_of(int year, int month, int day, int64_t second, int64_t *seconds);

/* The field Date, formatted when the second changes and not when a response is made. A zeroed one is ready for use. */
#define BI_DATE_LINE (sizeof "Date: \r\n" - 1 + BI_DATE_SIZE)
struct bi_date_cache {
    int64_t second;
    char line[BI_DATE_LINE]; /* "Date: ...\r\n", without a NUL */
};

void bi_date_cache_set(struct bi_date_cache *cache, int64_t now);

/* The BI_DATE_LINE bytes of the line for `now`; they stay until the next call with another second. */
static inline const char *bi_date_cache_line(struct bi_date_cache *cache, int64_t now)
{
    if (cache->second != now || cache->line[0] == '\0') {
        bi_date_cache_set(cache, now);
    }
    return cache->line;
}

#endif
