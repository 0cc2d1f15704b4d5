/* SPDX-License-Identifier: MIT */
/* host.c - hosts in one form, in which they can be compared: without port and last dot, in small letters, addresses in
 * one spelling.
 *
 * Whether an authority is in order at all is message/authority.c's. */
#include "http/site/host.h"

#include <arpa/inet.h>

static struct bi_view without_port(struct bi_view authority)
{
    char end = authority.size > 0 && authority.at[0] == '[' ? ']' : ':';
    const uint8_t *found = authority.size > 0 ? memchr(authority.at, end, authority.size) : NULL;
    if (found != NULL) {
        authority.size = (size_t)(found - authority.at) + (end == ']' ? 1 : 0);
    }
    return authority;
}

/* Of `host` in brackets; 0: there is no IPv6 address in them. */
static size_t read_address(struct bi_view host, uint8_t *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.size < 2 || host.at[host.size - 1] != ']' || host.size - 2 >= sizeof text) {
        return 0;
    }
    memcpy(text, host.at + 1, host.size - 2);
    text[host.size - 2] = '\0';
    if (inet_pton(AF_INET6, text, &address) != 1 || inet_ntop(AF_INET6, &address, text, sizeof text) == NULL) {
        return 0;
    }
    size_t size = strlen(text);
    out[0] = '[';
    memcpy(out + 1, text, size);
    out[size + 1] = ']';
    return size + 2;
}

size_t bi_host_read(struct bi_view authority, uint8_t out[BI_HOST_SIZE])
{
    struct bi_view host = without_port(authority);
    if (host.size > 0 && host.at[0] == '[') {
        return read_address(host, out);
    }
    if (host.size > 1 && host.at[host.size - 1] == '.' && host.at[host.size - 2] != '.') {
        host.size--;
    }
    if (host.size > BI_HOST_SIZE) {
        return 0;
    }
    for (size_t i = 0; i < host.size; i++) {
        out[i] = bi_lower(host.at[i]);
    }
    return host.size;
}
