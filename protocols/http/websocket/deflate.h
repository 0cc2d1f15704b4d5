/* SPDX-License-Identifier: MIT */
/* deflate.h - messages compressed and undone as permessage-deflate has them (RFC 7692, section 7.2), by the terms that
 * were agreed on (W6; terms.h).
 *
 * Without takeover nothing is kept of a message for the next, so that an idle socket has no window, the sockets of a
 * factory share what compresses and what undoes it, and a message to many is compressed once. With it a socket has
 * windows of its own, from its first message that needs one to its end. */
#ifndef BI_WEBSOCKET_DEFLATE_H
#define BI_WEBSOCKET_DEFLATE_H

#include "http/coding/raw_deflate.h"
#include "http/websocket/gathered.h"
#include "http/websocket/terms.h"

struct bi_shared;
struct bight_websocket_state;

/* Smaller messages are sent as they are. */
#define BI_DEFLATE_FROM 64
#define BI_DEFLATE_FROM_WITH_TAKEOVER 16

/* What a socket keeps with takeover. */
struct bi_kept {
    struct bi_raw_deflater *deflater; /* NULL: none has been needed */
    struct bi_raw_inflater *inflater;
};

/* The connection has ended: it goes. */
void bi_kept_drop(struct bight_websocket_state *own);

/* Whether a message to many, of so many bytes, may go to the socket as bi_deflate_shared has made it. */
bool bi_deflate_may_share(const struct bight_websocket_state *own, size_t size);

/* The message in less than its size, to be freed by bight_free, for whoever may have it; NULL: it is to be sent as it
 * is. */
uint8_t *bi_deflate_shared(struct bi_shared *shared, struct bi_view data, size_t *size);

/* The same for a socket alone. What is returned must be sent, as the next message, or the socket aborted; with takeover
 * it may be somewhat longer than the message. */
uint8_t *bi_deflate_message(struct bight_websocket_state *own, struct bi_view data, size_t *size);

/* What a message that was compressed stands for, at most `limit` bytes. MORE: *plain is the caller's. FULL: it is more
 * than that. REFUSED, NO_MEMORY. Behind all but MORE nothing can be undone any more. */
enum bi_inflate_result bi_inflate_message(
    struct bight_websocket_state *own, struct bi_view data, uint64_t limit, struct bi_gathered **plain);

#endif
