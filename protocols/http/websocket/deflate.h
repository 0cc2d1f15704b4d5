/* SPDX-License-Identifier: MIT */
/* deflate.h - permessage-deflate (RFC 7692), each message by itself: what is agreed on, and messages both ways (W6).
 *
 * Nothing is kept of a message for the next, so that an idle socket has no window, the sockets of a factory share what
 * compresses and what undoes it, and a message to many is compressed once. */
#ifndef BI_WEBSOCKET_DEFLATE_H
#define BI_WEBSOCKET_DEFLATE_H

#include "http/coding/raw_deflate.h"
#include "http/message/head.h"
#include "http/websocket/gathered.h"

struct bi_shared;

/* What a client asks for, and a server agrees to. */
#define BI_DEFLATE_TERMS "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* Smaller messages are sent as they are. */
#define BI_DEFLATE_FROM 64

/* Whether a server can agree to any of the client's offers. One that is malformed, or asks for a smaller window than
 * the usual, is declined. */
bool bi_deflate_is_offered(const struct bi_head *head, const uint8_t *bytes);

/* Whether a server's answer is an agreement to our offer, and to nothing else. */
bool bi_deflate_is_agreed(const struct bi_head *head, const uint8_t *bytes);

/* The message in less than its size, to be freed by bight_free; NULL: it is to be sent as it is. */
uint8_t *bi_deflate_message(struct bi_shared *shared, struct bi_view data, size_t *size);

/* What a message that was compressed stands for, at most `limit` bytes. MORE: *plain is the caller's. FULL: it is more
 * than that. REFUSED, NO_MEMORY. */
enum bi_inflate_result bi_inflate_message(
    struct bi_shared *shared, struct bi_view data, uint64_t limit, struct bi_gathered **plain);

#endif
