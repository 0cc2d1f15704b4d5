/* SPDX-License-Identifier: MIT */
/* authority.c - a name or an address, and perhaps a port.
 *
 * Stricter than RFC 3986 in two things: escapes in a host would be a second way of writing the same one, past whoever
 * routes or checks by it, and nobody sends addresses of a future version. */
#include "http/message/authority.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/message/tokens.h"

static bool is_ipv6(const uint8_t *bytes, uint32_t at, uint32_t end)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    uint32_t size = end - at;
    if (size >= sizeof text || memchr(bytes + at, '\0', size) != NULL) {
        return false;
    }
    memcpy(text, bytes + at, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* RFC 3986: unreserved and sub-delims. */
static bool is_of_name(uint8_t byte)
{
    return bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || (byte != '\0' && strchr("-._~!$&'()*+,;=", byte) != NULL);
}

/* Where the host ends that begins at `at`; `at`: there is none. */
static uint32_t host_end(const uint8_t *bytes, uint32_t at, uint32_t end)
{
    if (at == end || bytes[at] != '[') {
        while (at < end && is_of_name(bytes[at])) {
            at++;
        }
        return at;
    }
    const uint8_t *close = memchr(bytes + at, ']', end - at);
    if (close == NULL || !is_ipv6(bytes, at + 1, (uint32_t)(close - bytes))) {
        return at;
    }
    return (uint32_t)(close - bytes) + 1;
}

static bool is_port(const uint8_t *bytes, uint32_t at, uint32_t end)
{
    uint32_t port = 0;
    for (; at < end; at++) {
        if (!bi_is(bytes[at], BI_CLASS_DIGIT)) {
            return false;
        }
        port = port * 10 + (bytes[at] - '0');
        if (port > 65535) {
            return false;
        }
    }
    return true;
}

bool bi_authority_parse(struct bi_authority *authority, const uint8_t *bytes, struct bi_span text)
{
    uint32_t end = text.at + text.size;
    uint32_t stop = host_end(bytes, text.at, end);
    authority->host = (struct bi_span) { text.at, stop - text.at };
    authority->port = (struct bi_span) { end, 0 };
    authority->has_port = stop < end;
    if (stop == text.at || stop == end) {
        return stop != text.at;
    }
    authority->port = (struct bi_span) { stop + 1, end - stop - 1 };
    return bytes[stop] == ':' && is_port(bytes, stop + 1, end);
}
