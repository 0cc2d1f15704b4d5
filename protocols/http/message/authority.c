/* SPDX-License-Identifier: MIT */
/* authority.c - a name or an address, and perhaps a port.
 *
 * Stricter than RFC 3986 in two things: escapes in a host would be a second way of writing the same one, past code that
 * routes or checks by it, and addresses of a future version are not in use. */
#include "http/message/authority.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/message/tokens.h"

/* clang-format off */
/* RFC 3986: unreserved and sub-delims. */
#define OF_NAME(c) (((c) >= '0' && (c) <= '9') || ((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z') || (c) == '!' \
    || (c) == '$' || ((c) >= '&' && (c) <= '.') || (c) == ';' || (c) == '=' || (c) == '_' || (c) == '~')
#define FOUR(c) OF_NAME(c), OF_NAME((c) + 1), OF_NAME((c) + 2), OF_NAME((c) + 3)
#define ROW(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
static const uint8_t of_name[256] = { ROW(0x00), ROW(0x10), ROW(0x20), ROW(0x30), ROW(0x40), ROW(0x50), ROW(0x60), ROW(0x70) };
/* clang-format on */

static bool is_ipv6(const uint8_t *at, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (size >= sizeof text || memchr(at, '\0', size) != NULL) {
        return false;
    }
    memcpy(text, at, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Where the address in brackets ends; `at`: it is none. Rare, and by itself: what it needs of the stack is not for all.
 */
static const uint8_t *__attribute__((noinline)) literal_end(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *close = memchr(at, ']', (size_t)(end - at));
    return close != NULL && is_ipv6(at + 1, (size_t)(close - at) - 1) ? close + 1 : at;
}

/* Four at once, for every request has a host. */
static const uint8_t *name_end(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 4 && (of_name[at[0]] & of_name[at[1]] & of_name[at[2]] & of_name[at[3]]) != 0) {
        at += 4;
    }
    while (at < end && of_name[*at] != 0) {
        at++;
    }
    return at;
}

static bool is_port(const uint8_t *at, const uint8_t *end)
{
    uint32_t port = 0;
    for (; at < end && port <= 65535; at++) {
        uint8_t digit = (uint8_t)(*at - '0');
        if (digit > 9) {
            return false;
        }
        port = port * 10 + digit;
    }
    return port <= 65535;
}

bool bi_authority_parse(struct bi_authority *authority, const uint8_t *bytes, struct bi_span text)
{
    const uint8_t *at = bytes + text.at, *end = at + text.size;
    if (text.size == 0) {
        return false;
    }
    const uint8_t *stop = *at == '[' ? literal_end(at, end) : name_end(at, end);
    uint32_t size = (uint32_t)(stop - at);
    authority->host = (struct bi_span) { text.at, size };
    authority->has_port = stop < end;
    authority->port = (struct bi_span) { text.at + size + authority->has_port, text.size - size - authority->has_port };
    return size > 0 && (stop == end || (*stop == ':' && is_port(stop + 1, end)));
}
