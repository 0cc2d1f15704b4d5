/* SPDX-License-Identifier: MIT */
/* stream.h - the body of a response that is read as it comes: between an exchange and the program. */
#ifndef BI_HTTP_CLIENT_STREAM_H
#define BI_HTTP_CLIENT_STREAM_H

#include "http/client/client.h"

/* Makes the call's response one that is streamed. 0 or OUT_OF_MEMORY. */
int bi_body_stream_begin(struct bight_http_call *call);

/* From the exchange: a piece, and the end. Each may call user code, and the call may be gone behind it. */
void bi_body_stream_put(struct bight_http_call *call, struct bi_view piece);
void bi_body_stream_end(struct bi_body_stream *stream);
void bi_body_stream_fail(struct bi_body_stream *stream, struct bight_failure *failure); /* which is taken */

/* Nobody wants more of it now: its connection is not to be read. */
bool bi_body_stream_is_full(const struct bi_body_stream *stream);

/* The response goes. */
void bi_body_stream_free(struct bi_body_stream *stream);

#endif
