/* SPDX-License-Identifier: MIT */
/* url.c - absolute URLs taken apart: one function an element, each of which knows where it is (C11).
 *
 * Strictly: what could be read in two ways is SYNTAX, with its place. References are reference.c's. */
#include "http/message/url.h"

struct reader {
    struct bi_url *url;
    const uint8_t *start;
    struct bi_view rest;
};

static bool refuse(struct reader *reader, const uint8_t *at, const char *why)
{
    reader->url->bad_at = (uint32_t)(at - reader->start);
    reader->url->why = why;
    return false;
}

static struct bi_span span_of(const struct reader *reader, struct bi_view part)
{
    return (struct bi_span) { (uint32_t)(part.at - reader->start), (uint32_t)part.size };
}

/* What may stand in a name: unreserved and sub-delims. */
static bool is_plain(uint8_t byte)
{
    return bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || (byte != '\0' && strchr("-._~!$&'()*+,;=", byte) != NULL);
}

static bool is_escape(struct bi_view text)
{
    return text.size >= 3 && text.at[0] == '%' && bi_is(text.at[1], BI_CLASS_HEX) && bi_is(text.at[2], BI_CLASS_HEX);
}

/* Why a byte must not stand where it does. */
static const char *why_not(uint8_t byte)
{
    if (byte >= 0x80) {
        return "a byte that is not ASCII has to be escaped";
    }
    if (!bi_is(byte, BI_CLASS_VISIBLE)) {
        return byte == ' ' ? "a space has to be escaped" : "a control character has to be escaped";
    }
    return byte == '\\' ? "a backslash has to be escaped" : "a character that must not stand here";
}

static const struct scheme {
    const char *name;
    uint16_t port;
} schemes[] = {
    [BI_URL_HTTP] = { "http", 80 },
    [BI_URL_HTTPS] = { "https", 443 },
    [BI_URL_WS] = { "ws", 80 },
    [BI_URL_WSS] = { "wss", 443 },
};

static bool read_scheme(struct reader *reader)
{
    size_t count = sizeof schemes / sizeof *schemes, found = 0;
    struct bi_view name = bi_take(&reader->rest, bi_run(reader->rest, BI_CLASS_ALPHA));
    while (found < count && !bi_view_equal_nocase(name, bi_view_of(schemes[found].name))) {
        found++;
    }
    if (found == count || reader->rest.size == 0 || *reader->rest.at != ':') {
        return refuse(reader, reader->start, "the scheme is none of http, https, ws and wss");
    }
    if (reader->rest.size < 3 || memcmp(reader->rest.at, "://", 3) != 0) {
        return refuse(reader, reader->rest.at, "`://` has to follow the scheme");
    }
    (void)bi_take(&reader->rest, 3);
    reader->url->scheme = (uint8_t)found;
    reader->url->port = schemes[found].port;
    return true;
}

/* Up to an `@`, if there is one before the authority's end. */
static bool read_userinfo(struct reader *reader, struct bi_view *authority)
{
    size_t size = bi_before(*authority, "@");
    if (size == authority->size) {
        return true;
    }
    struct bi_view userinfo = bi_take(authority, size);
    (void)bi_take(authority, 1);
    for (size_t at = 0; at < size; at++) {
        if (is_escape(bi_view_from(userinfo, at))) {
            at += 2;
        } else if (!is_plain(userinfo.at[at]) && userinfo.at[at] != ':') {
            return refuse(reader, userinfo.at + at, why_not(userinfo.at[at]));
        }
    }
    reader->url->has_userinfo = true;
    reader->url->userinfo = span_of(reader, userinfo);
    return true;
}

/* 0 to 255, without leading zeros. */
static bool take_octet(struct bi_view *text)
{
    unsigned value = 0;
    struct bi_view digits = bi_take(text, bi_run(*text, BI_CLASS_DIGIT));
    for (size_t at = 0; at < digits.size && value < 256; at++) {
        value = value * 10 + (unsigned)(digits.at[at] - '0');
    }
    return digits.size > 0 && value < 256 && (digits.size == 1 || digits.at[0] != '0');
}

static bool is_ipv4(struct bi_view text)
{
    for (int dots = 0; dots < 3; dots++) {
        if (!take_octet(&text) || !bi_take_byte(&text, '.')) {
            return false;
        }
    }
    return take_octet(&text) && text.size == 0;
}

/* How many groups of 16 bits begin `text`, which ends where `::` does, or where it ends itself. Less than 0: it is
 * broken. An IPv4 address at the very end is two. */
static int take_groups(struct bi_view *text)
{
    int groups = 0;
    for (;;) {
        size_t digits = bi_run(*text, BI_CLASS_HEX);
        if (digits < text->size && text->at[digits] == '.') {
            bool is_last = is_ipv4(*text);
            (void)bi_take(text, text->size);
            return is_last ? groups + 2 : -1;
        }
        if (digits == 0 || digits > 4) {
            return -1;
        }
        (void)bi_take(text, digits);
        groups++;
        if (text->size == 0 || (text->size >= 2 && text->at[0] == ':' && text->at[1] == ':')) {
            return groups;
        }
        if (!bi_take_byte(text, ':')) {
            return -1;
        }
    }
}

/* Eight groups; `::`, once, is those that are missing, at least one. */
static bool is_ipv6(struct bi_view text)
{
    bool begins = text.size > 0 && text.at[0] != ':';
    int groups = begins ? take_groups(&text) : 0;
    if (groups < 0 || text.size == 0) {
        return groups == 8;
    }
    if (!bi_take_byte(&text, ':') || !bi_take_byte(&text, ':')) {
        return false;
    }
    int behind = text.size > 0 ? take_groups(&text) : 0;
    return behind >= 0 && text.size == 0 && groups + behind < 8;
}

static bool read_literal(struct reader *reader, struct bi_view *authority)
{
    const uint8_t *bracket = authority->at;
    (void)bi_take(authority, 1);
    struct bi_view address = bi_take(authority, bi_before(*authority, "]"));
    size_t zone = bi_before(address, "%");
    if (!bi_take_byte(authority, ']')) {
        return refuse(reader, bracket, "a bracket that is not closed");
    }
    if (zone < address.size) {
        return refuse(reader, address.at + zone, "a zone means nothing to others");
    }
    if (!is_ipv6(address)) {
        return refuse(reader, address.at, "what is in brackets is no IPv6 address");
    }
    if (authority->size > 0 && *authority->at != ':') {
        return refuse(reader, authority->at, why_not(*authority->at));
    }
    reader->url->host_kind = BI_HOST_IPV6;
    reader->url->host = span_of(reader, address);
    return true;
}

/* Whether a resolver could take it for an address: then its last label, dots at the end aside, is decimal, or
 * hexadecimal behind 0x. inet_aton reads "127.1", "0x7f.1" and "2130706433" as 127.0.0.1. */
static bool is_numeric(struct bi_view name)
{
    while (name.size > 0 && name.at[name.size - 1] == '.') {
        name.size--;
    }
    size_t label = name.size;
    while (label > 0 && name.at[label - 1] != '.') {
        label--;
    }
    struct bi_view last = bi_view_from(name, label);
    if (last.size >= 2 && last.at[0] == '0' && bi_lower(last.at[1]) == 'x') {
        return bi_run(bi_view_from(last, 2), BI_CLASS_HEX) == last.size - 2;
    }
    return last.size > 0 && bi_run(last, BI_CLASS_DIGIT) == last.size;
}

static bool read_name(struct reader *reader, struct bi_view *authority)
{
    struct bi_view name = bi_take(authority, bi_before(*authority, ":"));
    for (size_t at = 0; at < name.size; at++) {
        if (!is_plain(name.at[at])) {
            return refuse(
                reader, name.at + at, name.at[at] == '%' ? "a host must not have escapes" : why_not(name.at[at]));
        }
    }
    if (name.size == 0) {
        return refuse(reader, name.at, "there is no host");
    }
    bool numeric = is_numeric(name);
    if (numeric && !is_ipv4(name)) {
        return refuse(reader, name.at, "a host that is a number has to be four dotted decimals");
    }
    reader->url->host_kind = numeric ? BI_HOST_IPV4 : BI_HOST_NAME;
    reader->url->host = span_of(reader, name);
    return true;
}

/* Empty behind its colon, it is as if it were not there. */
static bool read_port(struct reader *reader, struct bi_view *text)
{
    unsigned port = 0;
    if (!bi_take_byte(text, ':') || text->size == 0) {
        return true;
    }
    size_t digits = bi_run(*text, BI_CLASS_DIGIT);
    if (digits < text->size) {
        return refuse(reader, text->at + digits, why_not(text->at[digits]));
    }
    for (size_t at = 0; at < digits && port <= UINT16_MAX; at++) {
        port = port * 10 + (unsigned)(text->at[at] - '0');
    }
    if (port == 0 || port > UINT16_MAX) {
        return refuse(reader, text->at, "a port is 1 to 65535");
    }
    reader->url->has_port = true;
    reader->url->port = (uint16_t)port;
    return true;
}

static bool read_authority(struct reader *reader)
{
    struct bi_view authority = bi_take(&reader->rest, bi_before(reader->rest, "/?#"));
    if (!read_userinfo(reader, &authority)) {
        return false;
    }
    bool literal = authority.size > 0 && *authority.at == '[';
    return (literal ? read_literal(reader, &authority) : read_name(reader, &authority)) &&
           read_port(reader, &authority);
}

/* Up to any of `ends`: visible, no backslash, and escapes that are whole. */
static bool read_part(struct reader *reader, const char *ends, struct bi_span *span)
{
    struct bi_view part = bi_take(&reader->rest, bi_before(reader->rest, ends));
    for (size_t at = 0; at < part.size; at++) {
        uint8_t byte = part.at[at];
        if (byte == '%' && !is_escape(bi_view_from(part, at))) {
            return refuse(reader, part.at + at, "two hexadecimal digits have to follow `%`");
        }
        if (!bi_is(byte, BI_CLASS_VISIBLE) || byte == '\\') {
            return refuse(reader, part.at + at, why_not(byte));
        }
    }
    *span = span_of(reader, part);
    return true;
}

static bool read_fragment(struct reader *reader)
{
    struct bi_url *url = reader->url;
    const uint8_t *sign = reader->rest.at;
    url->has_fragment = bi_take_byte(&reader->rest, '#');
    if (url->has_fragment && (url->scheme == BI_URL_WS || url->scheme == BI_URL_WSS)) {
        return refuse(reader, sign, "the URL of a WebSocket has no fragment");
    }
    if (!read_part(reader, "#", &url->fragment)) {
        return false;
    }
    return reader->rest.size == 0 || refuse(reader, reader->rest.at, "a second `#` has to be escaped");
}

bool bi_url_parse(struct bi_url *url, struct bi_view text)
{
    struct reader reader = { url, text.at, text };
    memset(url, 0, sizeof *url);
    if (text.size > BI_URL_LIMIT) {
        return refuse(&reader, text.at + BI_URL_LIMIT, "the URL has more than 65535 bytes");
    }
    if (!read_scheme(&reader) || !read_authority(&reader) || !read_part(&reader, "?#", &url->path)) {
        return false;
    }
    url->has_query = bi_take_byte(&reader.rest, '?');
    return read_part(&reader, "#", &url->query) && read_fragment(&reader);
}
