/* SPDX-License-Identifier: MIT */
/* fuzz_ws_handshake.c - heads of requests and answers as a handshake: what is accepted has all that it must have.
 *
 * The first byte says which of the two it is. */
#include "http/message/framing.h"
#include "http/websocket/handshake.h"

#include <stdlib.h>

#include "fuzz.h"

#define FIELDS 100

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool has(const struct bi_head *head, enum bi_name name)
{
    return bi_head_first(head, name) != 0;
}

/* Windows that are kept are no larger than the wish's, and what is answered agrees with what is offered. */
static void judge_terms(const struct bi_head *head, const uint8_t *bytes)
{
    for (unsigned i = 0; i < 6; i++) {
        const struct bi_deflate_wish wish = { true, i % 2 == 0, (uint8_t)(i % 2 == 0 ? 9 + i : 15) };
        struct bi_deflate_terms terms;
        char text[BI_TERMS_TEXT];
        if (bi_terms_accept(head, bytes, &wish, &terms, text)) {
            require(strlen(text) < sizeof text);
            require(!terms.keeps_out || (wish.takeover && terms.out_bits <= wish.bits && terms.out_bits >= 9));
            require(!terms.keeps_in || (wish.takeover && terms.in_bits <= wish.bits && terms.in_bits >= 8));
            require((strstr(text, "server_no_context_takeover") == NULL) == terms.keeps_out);
            require((strstr(text, "client_no_context_takeover") == NULL) == terms.keeps_in);
        }
        if (bi_terms_are_agreed(head, bytes, &wish, &terms)) {
            require(!terms.keeps_out || (wish.takeover && terms.out_bits <= wish.bits && terms.out_bits >= 9));
            require(!terms.keeps_in || (wish.takeover && terms.in_bits <= wish.bits && terms.in_bits >= 8));
        }
    }
}

static void judge_request(const struct bi_head *head, const uint8_t *bytes)
{
    static const char *const subprotocols[] = { "chat", "superchat", NULL };
    static const char *const origins[] = { "https://example.com", NULL };
    struct bi_framing framing;
    if (!bi_framing_of_request(&framing, head, bytes)) {
        return;
    }
    struct bi_offer offer = { .head = head,
        .bytes = bytes,
        .host = { bytes + framing.authority.at, framing.authority.size },
        .upgrades = framing.upgrades,
        .origins = origins };
    judge_terms(head, bytes);
    const char *chosen = bi_offer_choose(&offer, subprotocols);
    require(chosen == NULL || has(head, BI_NAME_SEC_WEBSOCKET_PROTOCOL));
    if (bi_offer_judge(&offer) != BI_OFFER_FINE) {
        offer.is_trusted = true;
        (void)bi_offer_judge(&offer);
        return;
    }
    struct bi_span key = head->fields[bi_head_first(head, BI_NAME_SEC_WEBSOCKET_KEY) - 1].value;
    char accept[BI_ACCEPT_TEXT + 1];
    require(head->minor == 1 && framing.upgrades && key.size == 24 && framing.body == BI_BODY_NONE);
    require(bi_accept_of((struct bi_view) { bytes + key.at, key.size }, accept) == 0);
    require(strlen(accept) == BI_ACCEPT_TEXT);
    offer.is_trusted = true;
    require(bi_offer_judge(&offer) == BI_OFFER_FINE);
}

static void judge_answer(const struct bi_head *head, const uint8_t *bytes)
{
    static const char *const subprotocols[] = { "chat", NULL };
    static const struct bi_asked asked = { .accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", .subprotocols = subprotocols };
    struct bi_agreed agreed;
    judge_terms(head, bytes);
    const char *why = bi_answer_judge(head, bytes, &asked, &agreed);
    if (why == NULL) {
        require(has(head, BI_NAME_UPGRADE) && has(head, BI_NAME_CONNECTION) && has(head, BI_NAME_SEC_WEBSOCKET_ACCEPT));
        require(!has(head, BI_NAME_SEC_WEBSOCKET_EXTENSIONS));
        require(agreed.subprotocol.at == NULL || bi_view_equal(agreed.subprotocol, bi_view_of("chat")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_field fields[FIELDS];
    struct bi_head head = { .fields = fields, .limits = { .line = 8192, .size = 32768, .fields = FIELDS } };
    bool is_request = size > 0 && (data[0] & 1) == 0;
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = malloc(size);
    require(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    bi_head_begin(&head, is_request ? BI_HEAD_REQUEST : BI_HEAD_RESPONSE);
    if (bi_head_parse(&head, bytes, size - 1) == BI_HEAD_WHOLE) {
        if (head.folded) {
            bi_head_unfold(&head, bytes);
        }
        is_request ? judge_request(&head, bytes) : judge_answer(&head, bytes);
    }
    free(bytes);
    return 0;
}
