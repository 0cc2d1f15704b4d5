/* SPDX-License-Identifier: MIT */
/* bight/address.h - an address of a stream's end, by value.
 *
 * A family's own fields only; formatting is numeric, nothing is looked up. UNIX paths may hold NULs (abstract
 * names begin with one). */
#ifndef BIGHT_ADDRESS_H
#define BIGHT_ADDRESS_H

#include <bight/error.h>

#include <sys/socket.h>

BIGHT_BEGIN

enum bight_address_family { BIGHT_ADDRESS_NONE, BIGHT_ADDRESS_IPV4, BIGHT_ADDRESS_IPV6, BIGHT_ADDRESS_UNIX };

struct bight_address {
    enum bight_address_family family;
    uint16_t port;      /* IPv4 and IPv6 */
    uint16_t path_size; /* UNIX: bytes of path; 0 for a nameless end */
    uint32_t scope;     /* IPv6: interface index, 0 for none */
    uint32_t flow;      /* IPv6: flow information as the kernel has it (traffic class and flow label), 0 for none */
    uint32_t reserved[2];
    union {
        uint8_t ipv4[4];
        uint8_t ipv6[16];
        char path[108];
    } at;
};

/* Long enough for any formatted address with its NUL. */
#define BIGHT_ADDRESS_TEXT_SIZE 460

/* "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80", "/run/socket", "@abstract"; "" when there is none. Bytes of a path
 * outside printable ASCII are escaped. Returns the length. */
BIGHT_API size_t bight_address_format(const struct bight_address *address, char *buffer, size_t size);

/* From and to the kernel's form. 0 or INVALID_ARGUMENT. *size is the room, then what was used. */
BIGHT_API int bight_address_from_sockaddr(struct bight_address *address, const struct sockaddr *from, socklen_t size);
BIGHT_API int bight_address_to_sockaddr(
    const struct bight_address *address, struct sockaddr_storage *to, socklen_t *size);

/* A literal of either family, "192.0.2.1", "2001:db8::1", "fe80::1%eth0", without brackets. 0 or SYNTAX. */
BIGHT_API int bight_address_parse_ip(struct bight_address *address, const char *text, uint16_t port);

BIGHT_API bool bight_address_equal(const struct bight_address *left, const struct bight_address *right);

BIGHT_END

#endif
