/* SPDX-License-Identifier: MIT */
/* framing.c - the decisions, each a function, in the order of RFC 9112, section 6.3.
 *
 * What is not certain is refused (requests), or the message is the last one of its connection (responses): where two
 * may understand a message differently, one of them can be made to see a request that the other does not. */
#include "http/message/framing.h"

#include <string.h>

#include "http/message/authority.h"
#include "http/message/members.h"
#include "http/message/status.h"

#define BIT BI_NAME_BIT
#define LENGTH_LIMIT ((uint64_t)INT64_MAX)

static bool refuse(struct bi_framing *framing, uint16_t status, const char *why)
{
    framing->status = status;
    framing->why = why;
    return false;
}

static bool is(struct bi_view text, const char *other)
{
    return bi_view_equal_nocase(text, bi_view_of(other));
}

static struct bi_view view_of(const uint8_t *bytes, struct bi_span span)
{
    return (struct bi_view) { bytes + span.at, span.size };
}

static bool has(const struct bi_head *head, uint64_t names)
{
    return (head->present & names) != 0;
}

/* Of one that is there. */
static struct bi_span value_of(const struct bi_head *head, enum bi_name name)
{
    return head->fields[head->first[name] - 1].value;
}

/* What would mean one thing to a reader that takes the first, and another to one that takes the last. */
static const struct {
    uint64_t name;
    const char *why;
} single[] = {
    { BIT(HOST), "Host twice" },
    { BIT(CONTENT_LENGTH), "Content-Length twice" },
    { BIT(AUTHORIZATION), "Authorization twice" },
    { BIT(CONTENT_TYPE), "Content-Type twice" },
    { BIT(ORIGIN), "Origin twice" },
    { BIT(UPGRADE_INSECURE_REQUESTS), "Upgrade-Insecure-Requests twice" },
    { BIT(SEC_WEBSOCKET_KEY), "Sec-WebSocket-Key twice" },
};

static bool check_repeated(struct bi_framing *framing, const struct bi_head *head)
{
    uint64_t known = head->repeated & ~BIT(OTHER);
    for (size_t i = 0; known != 0 && i < sizeof single / sizeof *single; i++) {
        if ((known & single[i].name) != 0) {
            return refuse(framing, 400, single[i].why);
        }
    }
    return true;
}

/* Digits and nothing else, up to 2^63-1. */
static bool parse_length(uint64_t *length, struct bi_view text)
{
    *length = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');
        if (digit > 9 || *length > (LENGTH_LIMIT - digit) / 10) {
            return false;
        }
        *length = *length * 10 + digit;
    }
    return text.size > 0;
}

static bool take_length(struct bi_framing *framing, uint64_t length)
{
    framing->has_length = true;
    framing->length = length;
    framing->body = length > 0 ? BI_BODY_LENGTH : BI_BODY_NONE;
    return true;
}

static bool check_coded(struct bi_framing *framing, const struct bi_head *head)
{
    if (head->minor == 0) {
        return refuse(framing, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (has(head, BIT(CONTENT_LENGTH))) {
        return refuse(framing, 400, "Transfer-Encoding with Content-Length");
    }
    return true;
}

static bool body_of_request(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    uint64_t length;
    if (has(head, BIT(TRANSFER_ENCODING))) {
        if (!check_coded(framing, head)) {
            return false;
        }
        framing->body = BI_BODY_CHUNKED;
        bool chunked = (head->repeated & BIT(TRANSFER_ENCODING)) == 0 &&
                       is(view_of(bytes, value_of(head, BI_NAME_TRANSFER_ENCODING)), "chunked");
        return chunked || refuse(framing, 501, "a transfer coding other than a single `chunked`");
    }
    if (!has(head, BIT(CONTENT_LENGTH))) {
        return true;
    }
    if (!parse_length(&length, view_of(bytes, value_of(head, BI_NAME_CONTENT_LENGTH)))) {
        return refuse(framing, 400, "a Content-Length that is not one decimal number below 2^63");
    }
    return take_length(framing, length);
}

/* What follows is another protocol's, but some let it begin behind the head and some behind a body. */
static bool check_tunnel(struct bi_framing *framing, const struct bi_head *head)
{
    return head->method_known != BI_METHOD_CONNECT || framing->body == BI_BODY_NONE ||
           refuse(framing, 400, "CONNECT with a body");
}

static void read_connection(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    bool close = false, keep_alive = framing->keeps_alive, upgrade = false;
    struct bi_members list = bi_members_begin(head, bytes, BI_NAME_CONNECTION);
    struct bi_view member;
    while (bi_members_next(&list, &member)) {
        close = close || is(member, "close");
        keep_alive = keep_alive || is(member, "keep-alive");
        upgrade = upgrade || is(member, "upgrade");
    }
    framing->keeps_alive = keep_alive && !close;
    framing->upgrades = upgrade && head->minor > 0 && has(head, BIT(UPGRADE)) && framing->body == BI_BODY_NONE;
}

/* HTTP/1.0 does not know it. */
static bool read_expect(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    if (head->minor == 0 || !has(head, BIT(EXPECT))) {
        return true;
    }
    struct bi_members list = bi_members_begin(head, bytes, BI_NAME_EXPECT);
    struct bi_view member;
    bool empty = true;
    for (; bi_members_next(&list, &member); empty = false) {
        if (!is(member, "100-continue")) {
            return refuse(framing, 417, "an Expect other than 100-continue");
        }
    }
    framing->expects_continue = framing->body != BI_BODY_NONE;
    return !empty || refuse(framing, 417, "an empty Expect");
}

static void remember(struct bi_known_host *known, struct bi_view host)
{
    if (known != NULL && host.size <= sizeof known->text) {
        known->size = (uint32_t)host.size;
        memcpy(known->text, host.at, host.size);
    }
}

static bool read_host(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_authority authority;
    if (!has(head, BIT(HOST))) {
        return head->minor == 0 || refuse(framing, 400, "no Host");
    }
    framing->authority = value_of(head, BI_NAME_HOST);
    struct bi_view host = view_of(bytes, framing->authority);
    if (bi_host_is_known(head->known_host, host)) {
        return true;
    }
    if (!bi_authority_parse(&authority, bytes, framing->authority)) {
        return refuse(framing, 400, "a Host that is not a host and perhaps a port");
    }
    remember(head->known_host, host);
    return true;
}

/* From the first slash or question mark on. */
static void split_path(struct bi_framing *framing, const struct bi_head *head, uint32_t at)
{
    uint32_t end = head->target.at + head->target.size;
    uint32_t stop = head->question != 0 ? head->question : end;
    framing->path = (struct bi_span) { at, stop - at };
    framing->has_query = head->question != 0;
    framing->query = (struct bi_span) { stop + framing->has_query, end - stop - framing->has_query };
}

/* That of the target replaces Host's, and has to be the same. */
static bool take_authority(
    struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes, struct bi_span text)
{
    struct bi_authority authority;
    for (uint32_t i = 0; i < text.size; i++) {
        if (bytes[text.at + i] == '@') {
            return refuse(framing, 400, "a target with userinfo");
        }
    }
    if (!bi_authority_parse(&authority, bytes, text)) {
        return refuse(framing, 400, "a target whose authority is not a host and perhaps a port");
    }
    if (framing->target_kind == BI_TARGET_AUTHORITY && authority.port.size == 0) {
        return refuse(framing, 400, "a target of CONNECT without a port");
    }
    if (has(head, BIT(HOST)) && !bi_view_equal_nocase(view_of(bytes, text), view_of(bytes, framing->authority))) {
        return refuse(framing, 400, "a target whose authority differs from Host");
    }
    framing->authority = text;
    return true;
}

/* Where the authority begins; 0: the target is not in absolute form. */
static uint32_t skip_scheme(const uint8_t *bytes, struct bi_span target)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < 2; i++) {
        struct bi_span scheme = { target.at, 7 + (uint32_t)i };
        if (target.size >= scheme.size && is(view_of(bytes, scheme), schemes[i])) {
            return scheme.at + scheme.size;
        }
    }
    return 0;
}

static bool read_absolute(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    uint32_t at = skip_scheme(bytes, head->target), end = head->target.at + head->target.size, stop = at;
    if (at == 0) {
        return refuse(framing, 400, "a target in no form that HTTP knows");
    }
    while (stop < end && bytes[stop] != '/' && bytes[stop] != '?') {
        stop++;
    }
    framing->target_kind = BI_TARGET_ABSOLUTE;
    split_path(framing, head, stop);
    return take_authority(framing, head, bytes, (struct bi_span) { at, stop - at });
}

static bool read_target(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_span target = head->target;
    if (head->method_known == BI_METHOD_CONNECT) {
        framing->target_kind = BI_TARGET_AUTHORITY;
        return take_authority(framing, head, bytes, target);
    }
    if (bytes[target.at] == '/') {
        framing->target_kind = BI_TARGET_ORIGIN;
        split_path(framing, head, target.at);
        return true;
    }
    if (target.size == 1 && bytes[target.at] == '*') {
        framing->target_kind = BI_TARGET_ASTERISK;
        return head->method_known == BI_METHOD_OPTIONS ||
               refuse(framing, 400, "the target `*` of a method other than OPTIONS");
    }
    return read_absolute(framing, head, bytes);
}

bool bi_framing_decide(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    *framing = (struct bi_framing) { .body = BI_BODY_NONE };
    if (!check_repeated(framing, head) || !read_host(framing, head, bytes) || !read_target(framing, head, bytes) ||
        !body_of_request(framing, head, bytes) || !check_tunnel(framing, head)) {
        return false;
    }
    framing->keeps_alive = head->minor > 0;
    if (has(head, BIT(CONNECTION))) {
        read_connection(framing, head, bytes);
    }
    return read_expect(framing, head, bytes);
}

/* Several that say the same are one, in one field or more (C5). */
static bool length_of_response(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_members list = bi_members_begin(head, bytes, BI_NAME_CONTENT_LENGTH);
    struct bi_view member;
    uint64_t length = 0, other;
    unsigned count = 0;
    for (; bi_members_next(&list, &member); count++) {
        if (!parse_length(&other, member) || (count > 0 && other != length)) {
            return refuse(framing, 400, "a Content-Length that is not one decimal number below 2^63");
        }
        length = other;
    }
    framing->tolerated = framing->tolerated || count > 1;
    return count > 0 ? take_length(framing, length) : refuse(framing, 400, "an empty Content-Length");
}

static bool codings_of_response(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_members list = bi_members_begin(head, bytes, BI_NAME_TRANSFER_ENCODING);
    struct bi_view member;
    unsigned count = 0;
    bool chunked = false, chunked_before = false;
    for (; bi_members_next(&list, &member); count++) {
        chunked_before = chunked_before || chunked;
        chunked = is(member, "chunked");
    }
    if (count == 0 || chunked_before || (chunked && count > 1)) {
        return refuse(framing, 400, "transfer codings other than a single `chunked`");
    }
    framing->body = chunked ? BI_BODY_CHUNKED : BI_BODY_UNTIL_CLOSE;
    framing->tolerated = framing->tolerated || !chunked;
    return true;
}

static bool body_of_response(
    struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes, enum bi_method asked)
{
    bool coded = has(head, BIT(TRANSFER_ENCODING)), sized = has(head, BIT(CONTENT_LENGTH));
    bool tunnel = asked == BI_METHOD_CONNECT && head->status >= 200 && head->status < 300;
    if (head->status < 200 || head->status == 204 || tunnel) {
        framing->tolerated = framing->tolerated || coded || sized;
        return true;
    }
    if (coded && !check_coded(framing, head)) {
        return false;
    }
    if (coded ? !codings_of_response(framing, head, bytes) : sized && !length_of_response(framing, head, bytes)) {
        return false;
    }
    if (asked == BI_METHOD_HEAD || bi_status_is_bodiless(head->status)) {
        framing->body = BI_BODY_NONE;
    } else if (!coded && !sized) {
        framing->body = BI_BODY_UNTIL_CLOSE;
    }
    return true;
}

bool bi_framing_of_response(
    struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes, enum bi_method asked)
{
    *framing = (struct bi_framing) { .body = BI_BODY_NONE, .tolerated = head->tolerated };
    if (!body_of_response(framing, head, bytes, asked)) {
        return false;
    }
    framing->keeps_alive = head->minor > 0;
    if (has(head, BIT(CONNECTION))) {
        read_connection(framing, head, bytes);
    }
    framing->keeps_alive = framing->keeps_alive && framing->body != BI_BODY_UNTIL_CLOSE;
    framing->upgrades = head->status == 101 && framing->upgrades;
    return true;
}

bool bi_framing_check_trailers(const struct bi_head *trailers, uint16_t *status, const char **why)
{
    static const uint64_t framing = BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(TRAILER) | BIT(TE) |
                                    BIT(CONNECTION) | BIT(KEEP_ALIVE) | BIT(PROXY_CONNECTION) | BIT(UPGRADE) |
                                    BIT(EXPECT) | BIT(CONTENT_ENCODING) | BIT(CONTENT_TYPE) | BIT(CONTENT_RANGE);
    static const uint64_t routing = BIT(HOST) | BIT(LOCATION) | BIT(ORIGIN) | BIT(FORWARDED) | BIT(X_FORWARDED_FOR) |
                                    BIT(X_FORWARDED_HOST) | BIT(X_FORWARDED_PROTO);
    static const uint64_t authentication = BIT(AUTHORIZATION) | BIT(PROXY_AUTHORIZATION) | BIT(WWW_AUTHENTICATE) |
                                           BIT(PROXY_AUTHENTICATE) | BIT(COOKIE) | BIT(SET_COOKIE);
    *status = 400;
    *why = has(trailers, framing)          ? "a trailer that says how the message is framed"
           : has(trailers, routing)        ? "a trailer that says where the message goes"
           : has(trailers, authentication) ? "a trailer that says who sent the message"
                                           : NULL;
    return *why == NULL;
}
