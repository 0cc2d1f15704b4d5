/* SPDX-License-Identifier: MIT */
/* form_support.h - requests that send forms, in whatever pieces, and what was made of them. */
#ifndef BIGHT_TEST_HTTP_FORM_SUPPORT_H
#define BIGHT_TEST_HTTP_FORM_SUPPORT_H

#include "job_support.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=b"

/* Parts of a body with the boundary "b". */
#define FIELD(name, value) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, label, type, data)                                                                    \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" label "\"\r\nContent-Type: " type \
    "\r\n\r\n" data "\r\n"
#define END "--b--\r\n"

/* Sends a body of `size` bytes in pieces; a type of NULL is none. */
static inline void send_body(const char *target, const char *type, const void *body, size_t size, size_t piece)
{
    char head[512];
    (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%s%s%sContent-Length: %zu\r\n\r\n", target,
        type != NULL ? "Content-Type: " : "", type != NULL ? type : "", type != NULL ? "\r\n" : "", size);
    say(head);
    for (size_t at = 0; at < size; at += piece) {
        size_t part = size - at < piece ? size - at : piece;
        (void)bight_string_feed(peer, (const uint8_t *)body + at, part);
    }
}

static inline void send_text(const char *target, const char *type, const char *body)
{
    send_body(target, type, body, strlen(body), SIZE_MAX / 2);
}

#endif
