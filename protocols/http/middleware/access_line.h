/* SPDX-License-Identifier: MIT */
/* access_line.h - one request as a line of an access log. */
#ifndef BI_HTTP_ACCESS_LINE_H
#define BI_HTTP_ACCESS_LINE_H

#include <bight/protocols/http_provided.h>

#include "http/message/tokens.h"

/* How much of what a client sent is shown. */
#define BI_ACCESS_TARGET 4096
#define BI_ACCESS_REFERER 2048
#define BI_ACCESS_AGENT 1024
#define BI_ACCESS_SHORT 512 /* of all else */

/* Of texts, NULL: there is none. Address and method hold nothing that would have to be escaped. */
struct bi_access_entry {
    struct bi_view address, user, method, target, referer, agent, id, pattern;
    const char *time; /* as bi_access_time wrote it for the format */
    int minor;        /* of the version */
    int status;
    uint64_t bytes;
    double seconds;
    bool without_query, with_seconds, with_id, with_pattern;
};

/* "30/Nov/2026:03:44:46 +0000", or "2026-11-30T03:44:46Z"; with a NUL. */
#define BI_ACCESS_TIME 27
void bi_access_time(char text[BI_ACCESS_TIME], enum bight_http_log_format format, int64_t seconds);

/* The most bytes that the entry's line needs, in either format. */
size_t bi_access_line_room(const struct bi_access_entry *entry);

/* Writes the line with its end; returns its size. */
size_t bi_access_line_write(const struct bi_access_entry *entry, enum bight_http_log_format format, char *room);

#endif
