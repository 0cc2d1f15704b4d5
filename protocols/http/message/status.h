/* SPDX-License-Identifier: MIT */
/* status.h - the status codes of RFC 9110, section 15, and of those that extend it, with their usual words. */
#ifndef BI_HTTP_STATUS_H
#define BI_HTTP_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that the longest line needs, all of which may be written. */
#define BI_STATUS_LINE 48

/* Writes "HTTP/1.1 200 OK\r\n" and returns its length; one that is not registered has no words. 100 to 999. */
size_t bi_status_line(char line[BI_STATUS_LINE], int status);

/* "Not Found"; "" for one that is not registered. */
const char *bi_status_words(int status);

/* A response with it has no body, whatever its fields say: 1xx, 204, 304. */
static inline bool bi_status_is_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

#endif
