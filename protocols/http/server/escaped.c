/* SPDX-License-Identifier: MIT */
/* escaped.c - text as a piece of an HTML page: what would be markup is escaped.
 *
 * Escapes of URLs are message/escape.h's. */
#include <bight/protocols/http_respond.h>

#include <string.h>

#define ROOM 1024  /* what is gathered for one piece */
#define LONGEST 5u /* of what stands for one byte */

/* What stands for the byte in text and in quoted attributes alike; NULL: itself. */
static const char *escape_of(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&#34;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Fills the room with as much of the text as fits, and moves *text behind it. Returns the size. */
static size_t fill(char *room, const char **text)
{
    size_t used = 0;
    for (; **text != '\0' && used <= ROOM - LONGEST; ++*text) {
        const char *escape = escape_of(**text);
        size_t size = escape != NULL ? strlen(escape) : 1;
        memcpy(room + used, escape != NULL ? escape : *text, size);
        used += size;
    }
    return used;
}

int bight_http_respond_write_escaped(struct bight_http_request *request, const char *text)
{
    char room[ROOM];
    int code = bight_http_respond_write(request, NULL, 0); /* says what is wrong, for an empty text too */
    while (code == 0 && *text != '\0') {
        size_t size = fill(room, &text);
        code = bight_http_respond_write(request, room, size);
    }
    return code;
}
