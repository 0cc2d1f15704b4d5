/* SPDX-License-Identifier: MIT */
/* no_proxy.c - NO_PROXY: names by their last labels, addresses by their first bits.
 *
 * There is no standard; what curl, Go and Python agree on is read so, and hosts that are addresses are compared as
 * addresses, not as texts. */
#include "http/client/no_proxy.h"

#include <bight/address.h>

#include <string.h>

enum { ADDRESS_TEXT = 48 };

/* Takes `:port` off the end of the entry. False: it is for another port. */
static bool fits_port(struct bi_view *entry, uint16_t port)
{
    size_t colon = entry->size;
    while (colon > 0 && bi_is(entry->at[colon - 1], BI_CLASS_DIGIT)) {
        colon--;
    }
    struct bi_view digits = bi_view_from(*entry, colon);
    if (colon == 0 || entry->at[colon - 1] != ':' || digits.size == 0 || digits.size > 5) {
        return true;
    }
    struct bi_view before = { entry->at, colon - 1 };
    bool is_ipv6 = bi_before(before, ":") < before.size && (before.size == 0 || before.at[before.size - 1] != ']');
    if (is_ipv6) {
        return true; /* it is the end of the address */
    }
    uint32_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        number = number * 10 + (uint32_t)(digits.at[i] - '0');
    }
    *entry = before;
    return number == port;
}

/* False: it is no address. */
static bool read_address(struct bi_view text, struct bight_address *address)
{
    char copy[ADDRESS_TEXT];
    if (text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    return bight_address_parse_ip(address, copy, 0) == BIGHT_OK;
}

/* What is behind the slash; -1: no number. */
static int read_bits(struct bi_view text)
{
    int bits = 0;
    if (text.size == 0 || text.size > 3 || bi_run(text, BI_CLASS_DIGIT) != text.size) {
        return -1;
    }
    for (size_t i = 0; i < text.size; i++) {
        bits = bits * 10 + (text.at[i] - '0');
    }
    return bits;
}

static bool has_prefix(const uint8_t *one, const uint8_t *other, unsigned bits)
{
    return memcmp(one, other, bits / 8) == 0 &&
           (bits % 8 == 0 || (one[bits / 8] ^ other[bits / 8]) >> (8 - bits % 8) == 0);
}

static bool has_address(struct bi_view entry, struct bi_view host)
{
    struct bight_address own, network;
    size_t slash = bi_before(entry, "/");
    struct bi_view text = { entry.at, slash };
    if (text.size > 1 && *text.at == '[' && text.at[text.size - 1] == ']') {
        text = (struct bi_view) { text.at + 1, text.size - 2 };
    }
    if (!read_address(text, &network) || !read_address(host, &own) || own.family != network.family) {
        return false;
    }
    int most = own.family == BIGHT_ADDRESS_IPV4 ? 32 : 128;
    int bits = slash < entry.size ? read_bits(bi_view_from(entry, slash + 1)) : most;
    return bits >= 0 && bits <= most && has_prefix(own.at.ipv6, network.at.ipv6, (unsigned)bits);
}

static bool has_name(struct bi_view entry, struct bi_view host)
{
    (void)bi_take_byte(&entry, '*');
    (void)bi_take_byte(&entry, '.');
    if (host.size > 0 && host.at[host.size - 1] == '.') {
        host.size--; /* the root */
    }
    if (entry.size == 0 || entry.size > host.size) {
        return false;
    }
    size_t before = host.size - entry.size;
    return bi_view_equal_nocase(bi_view_from(host, before), entry) && (before == 0 || host.at[before - 1] == '.');
}

static bool has(struct bi_view entry, struct bi_view host, enum bi_host_kind kind, uint16_t port)
{
    if (!fits_port(&entry, port)) {
        return false;
    }
    if (entry.size == 1 && *entry.at == '*') {
        return true;
    }
    return kind == BI_HOST_NAME ? has_name(entry, host) : has_address(entry, host);
}

bool bi_no_proxy_has(struct bi_view list, struct bi_view host, enum bi_host_kind kind, uint16_t port)
{
    while (list.size > 0) {
        size_t size = 0;
        while (size < list.size && list.at[size] != ',' && !bi_is(list.at[size], BI_CLASS_SPACE)) {
            size++;
        }
        struct bi_view entry = bi_take(&list, size);
        if (entry.size > 0 && has(entry, host, kind, port)) {
            return true;
        }
        (void)bi_take(&list, list.size > 0 ? 1 : 0);
    }
    return false;
}
