/* SPDX-License-Identifier: MIT */
/* public_address.c - which addresses are of the public Internet: IANA's registries of special addresses (RFC 6890), as
 * tables.
 *
 * Of IPv6 only 2000::/3 is handed out; what lies outside is not public, but for those forms that stand for an IPv4
 * address. */
#include <bight/protocols/http_client_hooks.h>

#include <string.h>

struct network {
    uint8_t bytes[8];
    unsigned bits;
};

static const struct network special_ipv4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* shared: carriers' NAT */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local, and clouds' metadata */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocols */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 88, 99 }, 24 },  /* relays of 6to4, which are no more */
    { { 192, 168 }, 16 },     /* private */
    { { 198, 18 }, 15 },      /* benchmarks */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 3 },           /* multicast, reserved, broadcast */
};

static const struct network special_ipv6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocols, Teredo and ORCHIDs among them */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x3f, 0xff }, 20 },             /* documentation */
};

static const struct network handed_out = { { 0x20 }, 3 };

/* Where an IPv4 address lies in an IPv6 one. */
static const struct {
    uint8_t prefix[12];
    size_t prefix_size, at;
} holders[] = {
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 12 }, /* mapped */
    { { 0x00, 0x64, 0xff, 0x9b }, 12, 12 },                   /* NAT64 */
    { { 0x20, 0x02 }, 2, 2 },                                 /* 6to4 */
};

static bool is_in(const uint8_t *bytes, const struct network *network)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    return memcmp(bytes, network->bytes, whole) == 0 &&
           (rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0);
}

static bool is_in_any(const uint8_t *bytes, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in(bytes, &networks[i])) {
            return true;
        }
    }
    return false;
}

static bool is_public_ipv4(const uint8_t *bytes)
{
    return !is_in_any(bytes, special_ipv4, sizeof special_ipv4 / sizeof *special_ipv4);
}

static bool is_public_ipv6(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        if (memcmp(bytes, holders[i].prefix, holders[i].prefix_size) == 0) {
            return is_public_ipv4(bytes + holders[i].at);
        }
    }
    return is_in(bytes, &handed_out) && !is_in_any(bytes, special_ipv6, sizeof special_ipv6 / sizeof *special_ipv6);
}

bool bight_http_address_is_public(const struct bight_address *address)
{
    return address->family == BIGHT_ADDRESS_IPV4   ? is_public_ipv4(address->at.ipv4)
           : address->family == BIGHT_ADDRESS_IPV6 ? is_public_ipv6(address->at.ipv6)
                                                   : false;
}
