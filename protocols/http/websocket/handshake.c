/* SPDX-License-Identifier: MIT */
/* handshake.c - the fields of a handshake, looked at. */
#include "http/websocket/handshake.h"

#include <bight/sys/digest.h>

#include "http/message/members.h"
#include "http/message/origin.h"

#define VERSION "13"

static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */

/* The value of the only field with the name; NULL `at`: there is none, or more than one. */
static struct bi_view only(const struct bi_head *head, const uint8_t *bytes, enum bi_name name)
{
    uint16_t place = bi_head_first(head, name);
    if (place == 0 || (head->repeated >> name & 1) != 0) {
        return (struct bi_view) { NULL, 0 };
    }
    struct bi_span value = head->fields[place - 1].value;
    return (struct bi_view) { bytes + value.at, value.size };
}

static bool is_text(struct bi_view view, const char *text)
{
    return view.at != NULL && bi_view_equal(view, bi_view_of(text));
}

static bool has_member(const struct bi_head *head, const uint8_t *bytes, enum bi_name name, const char *text)
{
    struct bi_members members = bi_members_begin(head, bytes, name);
    struct bi_view member;
    while (bi_members_next(&members, &member)) {
        if (bi_view_equal_nocase(member, bi_view_of(text))) {
            return true;
        }
    }
    return false;
}

static bool is_listed(struct bi_view text, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++) {
        if (bi_view_equal(text, bi_view_of(*list))) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------- a server */

static bool is_key(struct bi_view text)
{
    uint8_t key[BIGHT_BASE64_BYTES(24)];
    return text.at != NULL && text.size == 24 &&
           bight_base64_decode(BIGHT_BASE64, (const char *)text.at, text.size, key, sizeof key) == BI_KEY_SIZE;
}

/* Browsers send it, and the program may know better about any other (W7). */
static bool is_from_home(const struct bi_offer *offer)
{
    struct bi_view origin = only(offer->head, offer->bytes, BI_NAME_ORIGIN);
    bool is_there = bi_head_first(offer->head, BI_NAME_ORIGIN) != 0;
    if (!is_there || offer->is_trusted) {
        return true;
    }
    if (origin.at == NULL) {
        return false;
    }
    for (const char *const *listed = offer->origins; listed != NULL && *listed != NULL; listed++) {
        if (bi_origin_equal(bi_view_of(*listed), origin)) {
            return true;
        }
    }
    return bi_origin_judge((struct bi_view) { NULL, 0 }, origin, offer->host) == BI_ORIGIN_SAME;
}

enum bi_offer_verdict bi_offer_judge(const struct bi_offer *offer)
{
    const struct bi_head *head = offer->head;
    if (head->method_known != BI_METHOD_GET) {
        return BI_OFFER_METHOD;
    }
    if (!offer->upgrades || !has_member(head, offer->bytes, BI_NAME_UPGRADE, "websocket")) {
        return BI_OFFER_NONE;
    }
    if (!is_text(only(head, offer->bytes, BI_NAME_SEC_WEBSOCKET_VERSION), VERSION)) {
        return BI_OFFER_VERSION;
    }
    if (!is_key(only(head, offer->bytes, BI_NAME_SEC_WEBSOCKET_KEY))) {
        return BI_OFFER_KEY;
    }
    return is_from_home(offer) ? BI_OFFER_FINE : BI_OFFER_ORIGIN;
}

static bool is_offered(const struct bi_offer *offer, struct bi_view wanted)
{
    struct bi_members members = bi_members_begin(offer->head, offer->bytes, BI_NAME_SEC_WEBSOCKET_PROTOCOL);
    struct bi_view member;
    while (bi_members_next(&members, &member)) {
        if (bi_view_equal(member, wanted)) {
            return true;
        }
    }
    return false;
}

const char *bi_offer_choose(const struct bi_offer *offer, const char *const *subprotocols)
{
    for (; subprotocols != NULL && *subprotocols != NULL; subprotocols++) {
        if (is_offered(offer, bi_view_of(*subprotocols))) {
            return *subprotocols;
        }
    }
    return NULL;
}

int bi_accept_of(struct bi_view key, char text[BI_ACCEPT_TEXT + 1])
{
    uint8_t joined[24 + sizeof magic - 1], digest[BIGHT_SHA1_SIZE];
    size_t size = key.size < 24 ? key.size : 24;
    memcpy(joined, key.at, size);
    memcpy(joined + size, magic, sizeof magic - 1);
    int code = bight_sha1(joined, size + sizeof magic - 1, digest);
    if (code == BIGHT_OK) {
        (void)bight_base64_encode(BIGHT_BASE64, digest, sizeof digest, text);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------- a client */

const char *bi_answer_judge(
    const struct bi_head *head, const uint8_t *bytes, const struct bi_asked *asked, struct bi_agreed *agreed)
{
    bool has_subprotocol = bi_head_first(head, BI_NAME_SEC_WEBSOCKET_PROTOCOL) != 0;
    agreed->subprotocol = only(head, bytes, BI_NAME_SEC_WEBSOCKET_PROTOCOL);
    agreed->is_deflated = bi_head_first(head, BI_NAME_SEC_WEBSOCKET_EXTENSIONS) != 0;
    if (!has_member(head, bytes, BI_NAME_UPGRADE, "websocket")) {
        return "the answer upgrades to something else";
    }
    if (!has_member(head, bytes, BI_NAME_CONNECTION, "upgrade")) {
        return "the answer's Connection does not say upgrade";
    }
    if (!is_text(only(head, bytes, BI_NAME_SEC_WEBSOCKET_ACCEPT), asked->accept)) {
        return "the answer's Sec-WebSocket-Accept is not that of the key";
    }
    if (agreed->is_deflated && !bi_terms_are_agreed(head, bytes, &asked->deflate, &agreed->deflate)) {
        return "the answer has an extension that was not asked for";
    }
    bool is_asked = agreed->subprotocol.at != NULL && is_listed(agreed->subprotocol, asked->subprotocols);
    if (has_subprotocol && !is_asked) {
        return "the answer has a subprotocol that was not asked for";
    }
    return NULL;
}
