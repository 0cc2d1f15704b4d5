/* SPDX-License-Identifier: MIT */
/* output.h - the way out, between output.c, which sends, write.c, which copies into it, and reserve.c, which has the
 * program write into it. */
#ifndef BI_TRANSPORT_OUTPUT_H
#define BI_TRANSPORT_OUTPUT_H

#include "transport/state.h"

/* What a handler gathers before it is sent all the same. */
#define BI_MAX_GATHERED 65536

/* Nothing is queued, these few bytes can cause no notification, and an output with a block for them is at hand. `most`:
 * what they may be, at most a block. */
static inline bool bi_output_is_ready(const struct bight_transport *transport, size_t size, size_t most)
{
    const struct bi_hub *hub = transport->hub;
    return BI_LIKELY(transport->output == NULL && size - 1 < most && hub->ready_output != NULL) &&
           BI_LIKELY(!bi_memory_asks_permit && hub->reactor->handler_depth > 0) &&
           BI_LIKELY(transport->extension == NULL || transport->extension->limit >= size);
}

/* The transport's output, made when there is none; NULL when out of memory. */
struct bi_output *bi_output_of(struct bight_transport *transport);

/* Behind what was queued and not tried: limit and marks are looked at, and it is sent behind the handler. 0 or
 * OVERFLOW. */
int bi_output_check_limits(struct bi_output *output);

/* An output with nothing queued that is not waited for leaves its transport. */
void bi_output_put_back(struct bi_output *output);

/* The code of a write that failed; the connection ends with it. */
int bi_write_fail(struct bight_transport *transport, int code);

/* What the pieces have in all; false when that is more than there can be. */
bool bi_write_add_sizes(const struct bight_piece *pieces, size_t count, size_t *total);

/* A write, through layers if there are any. 0 or the codes of one, and then the connection has been ended. */
int bi_write_pieces(struct bight_transport *transport, const struct bight_piece *pieces, size_t count);

/* --- reserve.c */

/* What was reserved and not committed is in the way: it is forgotten. */
void bi_reserve_forget(struct bi_output *output);
/* Reports a call that came before the commit; USAGE. */
int bi_reserve_refuse(const char *what);

#endif
