/* SPDX-License-Identifier: MIT */
/* forwarded.c - reading Forwarded and X-Forwarded-For from their ends.
 *
 * Which of the addresses is the client's is the trusted proxies' (middleware/trusted_proxies.c). */
#include "http/message/forwarded.h"

/* ------------------------------------------------------------------------------------------ from the end */

static struct bi_view without_last(struct bi_view text)
{
    return (struct bi_view) { text.at, text.size - 1 };
}

/* Where the quoted string begins whose closing quote is the last byte; 0 for one without a beginning, which is all of
 * `text`. A quote behind an odd number of backslashes is inside. */
static size_t before_quoted(struct bi_view text)
{
    size_t at = text.size - 1;
    while (at > 0) {
        at--;
        if (text.at[at] != '"') {
            continue;
        }
        size_t escapes = 0;
        while (escapes < at && text.at[at - escapes - 1] == '\\') {
            escapes++;
        }
        if (escapes % 2 == 0) {
            return at;
        }
        at -= escapes;
    }
    return 0;
}

bool bi_forwarded_last(struct bi_view *list, struct bi_view *member)
{
    while (list->size > 0) {
        size_t at = list->size;
        while (at > 0 && list->at[at - 1] != ',') {
            at = list->at[at - 1] == '"' ? before_quoted((struct bi_view) { list->at, at }) : at - 1;
        }
        *member = bi_trim((struct bi_view) { list->at + at, list->size - at });
        *list = at > 0 ? without_last((struct bi_view) { list->at, at }) : (struct bi_view) { list->at, 0 };
        if (member->size > 0) {
            return true;
        }
    }
    return false;
}

/* --------------------------------------------------------------------------------------------- a member */

static bool take_value(struct bi_view *text, struct bi_view *value)
{
    return text->size > 0 && *text->at == '"' ? bi_take_quoted(text, value) : bi_take_token(text, value);
}

/* False: said twice. What is not known is skipped. */
static bool keep(struct bi_forwarded *forwarded, struct bi_view name, struct bi_view value)
{
    struct bi_view *place = bi_view_equal_nocase(name, bi_view_of("for"))     ? &forwarded->client
                            : bi_view_equal_nocase(name, bi_view_of("proto")) ? &forwarded->protocol
                            : bi_view_equal_nocase(name, bi_view_of("host"))  ? &forwarded->host
                                                                              : NULL;
    if (place == NULL) {
        return true;
    }
    bool is_first = place->at == NULL;
    *place = value;
    return is_first;
}

/* White space around `;` is not in the grammar, and harmless. */
bool bi_forwarded_parse(struct bi_forwarded *forwarded, struct bi_view member)
{
    struct bi_view name, value;
    *forwarded = (struct bi_forwarded) { .client.at = NULL };
    while (member.size > 0) {
        bi_skip_space(&member);
        if (bi_take_byte(&member, ';')) {
            continue;
        }
        if (!bi_take_token(&member, &name) || !bi_take_byte(&member, '=') || !take_value(&member, &value) ||
            !keep(forwarded, name, value)) {
            return false;
        }
        bi_skip_space(&member);
        if (member.size > 0 && !bi_take_byte(&member, ';')) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- an address */

static bool read_port(struct bi_view text, uint16_t *port)
{
    uint32_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!bi_is(text.at[i], BI_CLASS_DIGIT) || number > UINT16_MAX) {
            return false;
        }
        number = 10 * number + (uint32_t)(text.at[i] - '0');
    }
    *port = (uint16_t)number;
    return text.size > 0 && number <= UINT16_MAX;
}

/* RFC 4291, section 2.5.5.2. */
static void unmap(struct bight_address *address)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    if (address->family == BIGHT_ADDRESS_IPV6 && memcmp(address->at.ipv6, mapped, sizeof mapped) == 0) {
        struct bight_address plain = { .family = BIGHT_ADDRESS_IPV4, .port = address->port };
        memcpy(plain.at.ipv4, address->at.ipv6 + sizeof mapped, sizeof plain.at.ipv4);
        *address = plain;
    }
}

/* No zone gets as far as the reader of addresses, which would look for an interface. */
static bool read_ip(struct bi_view text, uint16_t port, struct bight_address *address)
{
    char copy[48];
    if (text.size == 0 || text.size >= sizeof copy) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!bi_is(text.at[i], BI_CLASS_HEX) && text.at[i] != '.' && text.at[i] != ':') {
            return false;
        }
    }
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    if (bight_address_parse_ip(address, copy, port) != BIGHT_OK) {
        return false;
    }
    unmap(address);
    return true;
}

static bool read_bracketed(struct bi_view node, struct bight_address *address)
{
    size_t end = bi_before(node, "]");
    uint16_t port = 0;
    if (end == node.size || memchr(node.at, ':', end) == NULL) {
        return false;
    }
    struct bi_view behind = bi_view_from(node, end + 1);
    if (behind.size > 0 && (!bi_take_byte(&behind, ':') || !read_port(behind, &port))) {
        return false;
    }
    return read_ip((struct bi_view) { node.at + 1, end - 1 }, port, address);
}

bool bi_forwarded_address(struct bi_view node, struct bight_address *address)
{
    uint16_t port = 0;
    if (node.size > 0 && *node.at == '[') {
        return read_bracketed(node, address);
    }
    size_t colon = bi_before(node, ":");
    bool has_port = colon < node.size && memchr(node.at + colon + 1, ':', node.size - colon - 1) == NULL;
    if (has_port && !read_port(bi_view_from(node, colon + 1), &port)) {
        return false;
    }
    return read_ip((struct bi_view) { node.at, has_port ? colon : node.size }, port, address);
}
