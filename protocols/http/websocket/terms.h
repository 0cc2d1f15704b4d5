/* SPDX-License-Identifier: MIT */
/* terms.h - the terms of permessage-deflate (RFC 7692, section 7.1): what is offered, what is agreed to, and what both
 * then keep to (W6). Heads in, verdicts and texts out. */
#ifndef BI_WEBSOCKET_TERMS_H
#define BI_WEBSOCKET_TERMS_H

#include "http/message/head.h"

#define BI_LARGEST_WINDOW 15

/* What a factory's sockets are to have. Zeroed: no compression. */
struct bi_deflate_wish {
    bool is_there;
    bool takeover; /* messages may refer to those before them */
    uint8_t bits;  /* the largest window that may be kept, 9 to 15 */
};

/* What has been agreed on, as one side sees it. Zeroed: no compression. */
struct bi_deflate_terms {
    uint8_t out_bits, in_bits; /* windows of what is sent and received: 8 to 15 */
    bool keeps_out, keeps_in;  /* a message may refer to those before it */
};

/* Nothing is kept, and windows are as large as any: what needs no remembering. */
static inline bool bi_terms_are_usual(const struct bi_deflate_terms *terms)
{
    return (terms->out_bits == 0 || terms->out_bits == BI_LARGEST_WINDOW) && !terms->keeps_out && !terms->keeps_in;
}

/* Room for a field's value of either side, with its NUL. */
#define BI_TERMS_TEXT 256

/* What a client asks for. */
void bi_terms_offer(const struct bi_deflate_wish *wish, char text[BI_TERMS_TEXT]);

/* A server's: whether it can agree to any of the client's offers, and if so the answer's text. One that is malformed,
 * or wants a window of 8 bits, which deflate does not make, is declined. */
bool bi_terms_accept(const struct bi_head *head, const uint8_t *bytes, const struct bi_deflate_wish *wish,
    struct bi_deflate_terms *terms, char text[BI_TERMS_TEXT]);

/* A client's: whether the answer is an agreement to what was offered, and to nothing else. */
bool bi_terms_are_agreed(const struct bi_head *head, const uint8_t *bytes, const struct bi_deflate_wish *wish,
    struct bi_deflate_terms *terms);

#endif
