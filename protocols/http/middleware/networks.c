/* SPDX-License-Identifier: MIT */
/* networks.c - sets of addresses by their prefix (CIDR, RFC 4632, RFC 4291 section 2.3). */
#include "http/middleware/networks.h"

#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* The bytes, and how many: 0 for an address that is none of IP. */
static size_t bytes_of(const struct bight_address *address, const uint8_t **bytes)
{
    if (address->family == BIGHT_ADDRESS_IPV4) {
        *bytes = address->at.ipv4;
        return 4;
    }
    if (address->family != BIGHT_ADDRESS_IPV6) {
        return 0;
    }
    bool is_mapped = memcmp(address->at.ipv6, mapped, sizeof mapped) == 0;
    *bytes = is_mapped ? address->at.ipv6 + sizeof mapped : address->at.ipv6;
    return is_mapped ? 4 : 16;
}

/* The bits of byte `index` that belong to a prefix of so many. */
static uint8_t mask_of(unsigned bits, size_t index)
{
    size_t before = 8 * index;
    return bits >= before + 8 ? 0xff : bits <= before ? 0 : (uint8_t)(0xff00u >> (bits - before));
}

size_t bi_network_prefix(
    const struct bight_address *address, unsigned bits_of_ipv4, unsigned bits_of_ipv6, uint8_t bytes[16])
{
    const uint8_t *from;
    size_t size = bytes_of(address, &from);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = from[i] & mask_of(size == 4 ? bits_of_ipv4 : bits_of_ipv6, i);
    }
    return size;
}

/* A number of at most `most`, in decimal; NULL: all of them. */
static bool read_bits(const char *text, unsigned most, uint8_t *bits)
{
    unsigned number = 0;
    if (text == NULL) {
        *bits = (uint8_t)most;
        return true;
    }
    size_t size = strlen(text);
    if (size == 0 || size > 3 || strspn(text, "0123456789") != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        number = 10 * number + (unsigned)(text[i] - '0');
    }
    *bits = (uint8_t)number;
    return number <= most;
}

static bool read_ip(struct bi_network *network, const char *text, const char *bits)
{
    struct bight_address address;
    const uint8_t *bytes;
    if (strchr(text, '%') != NULL || bight_address_parse_ip(&address, text, 0) != BIGHT_OK) {
        return false;
    }
    size_t size = bytes_of(&address, &bytes);
    *network = (struct bi_network) { .family = size == 4 ? BIGHT_ADDRESS_IPV4 : BIGHT_ADDRESS_IPV6 };
    memcpy(network->bytes, bytes, size);
    if (!read_bits(bits, 8 * (unsigned)size, &network->bits)) {
        return false;
    }
    uint8_t prefix[16];
    (void)bi_network_prefix(&address, network->bits, network->bits, prefix);
    return memcmp(prefix, network->bytes, size) == 0;
}

bool bi_network_parse(struct bi_network *network, const char *text)
{
    char copy[64];
    size_t size = strlen(text);
    if (strcmp(text, "unix") == 0) {
        *network = (struct bi_network) { .family = BIGHT_ADDRESS_UNIX };
        return true;
    }
    if (size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, size + 1);
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash++ = '\0';
    }
    return read_ip(network, copy, slash);
}

bool bi_network_has(const struct bi_network *network, const struct bight_address *address)
{
    const uint8_t *bytes;
    if (network->family == BIGHT_ADDRESS_UNIX) {
        return address->family == BIGHT_ADDRESS_UNIX;
    }
    size_t size = bytes_of(address, &bytes);
    if (size != (network->family == BIGHT_ADDRESS_IPV4 ? 4u : 16u)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (((bytes[i] ^ network->bytes[i]) & mask_of(network->bits, i)) != 0) {
            return false;
        }
    }
    return true;
}

bool bi_networks_have(const struct bi_network *networks, size_t count, const struct bight_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (bi_network_has(&networks[i], address)) {
            return true;
        }
    }
    return false;
}
