/* SPDX-License-Identifier: MIT */
/* status.c - statuses: one list that makes the ready status lines and the words for people.
 *
 * Which status is answered with is everybody else's. */
#include "http/message/status.h"

#include <string.h>

/* clang-format off */
#define STATUSES(each) \
    each(100, "Continue") \
    each(101, "Switching Protocols") \
    each(103, "Early Hints") \
    each(200, "OK") \
    each(201, "Created") \
    each(202, "Accepted") \
    each(203, "Non-Authoritative Information") \
    each(204, "No Content") \
    each(205, "Reset Content") \
    each(206, "Partial Content") \
    each(207, "Multi-Status") \
    each(300, "Multiple Choices") \
    each(301, "Moved Permanently") \
    each(302, "Found") \
    each(303, "See Other") \
    each(304, "Not Modified") \
    each(307, "Temporary Redirect") \
    each(308, "Permanent Redirect") \
    each(400, "Bad Request") \
    each(401, "Unauthorized") \
    each(402, "Payment Required") \
    each(403, "Forbidden") \
    each(404, "Not Found") \
    each(405, "Method Not Allowed") \
    each(406, "Not Acceptable") \
    each(407, "Proxy Authentication Required") \
    each(408, "Request Timeout") \
    each(409, "Conflict") \
    each(410, "Gone") \
    each(411, "Length Required") \
    each(412, "Precondition Failed") \
    each(413, "Content Too Large") \
    each(414, "URI Too Long") \
    each(415, "Unsupported Media Type") \
    each(416, "Range Not Satisfiable") \
    each(417, "Expectation Failed") \
    each(421, "Misdirected Request") \
    each(422, "Unprocessable Content") \
    each(423, "Locked") \
    each(424, "Failed Dependency") \
    each(425, "Too Early") \
    each(426, "Upgrade Required") \
    each(428, "Precondition Required") \
    each(429, "Too Many Requests") \
    each(431, "Request Header Fields Too Large") \
    each(451, "Unavailable For Legal Reasons") \
    each(500, "Internal Server Error") \
    each(501, "Not Implemented") \
    each(502, "Bad Gateway") \
    each(503, "Service Unavailable") \
    each(504, "Gateway Timeout") \
    each(505, "HTTP Version Not Supported") \
    each(507, "Insufficient Storage") \
    each(511, "Network Authentication Required")
/* clang-format on */

#define FIRST 100

struct line {
    char text[BI_STATUS_LINE]; /* without pointers the table needs no relocation */
    uint8_t size;
};

#define LINE(status, words)                               \
    [(status)-FIRST] = {                                  \
        "HTTP/1.1 " #status " " words "\r\n",             \
        sizeof("HTTP/1.1 " #status " " words "\r\n") - 1, \
    },
static const struct line lines[] = { STATUSES(LINE) };

#define WORDS(status, words) [(status)-FIRST] = words,
static const char *const all_words[] = { STATUSES(WORDS) };

static size_t __attribute__((noinline, cold)) write_bare(char line[BI_STATUS_LINE], int status)
{
    static const char bare[] = "HTTP/1.1 000 \r\n";
    memcpy(line, bare, sizeof bare - 1);
    for (size_t digit = 11; digit > 8; digit--, status /= 10) {
        line[digit] = (char)('0' + status % 10);
    }
    return sizeof bare - 1;
}

/* All of the room is copied, since that is a few moves, and as much as there is of it would be a call. */
size_t bi_status_line(char line[BI_STATUS_LINE], int status)
{
    size_t index = (size_t)status - FIRST;
    if (index >= sizeof lines / sizeof *lines || lines[index].size == 0) {
        return write_bare(line, status);
    }
    __builtin_memcpy(line, lines[index].text, BI_STATUS_LINE);
    return lines[index].size;
}

const char *bi_status_words(int status)
{
    size_t index = (size_t)status - FIRST;
    return index < sizeof all_words / sizeof *all_words && all_words[index] != NULL ? all_words[index] : "";
}
