/* SPDX-License-Identifier: MIT */
/* sending.h - the body of a call on its way: when it may go, how it is framed, and when it stops (C8). */
#ifndef BI_HTTP_CLIENT_SENDING_H
#define BI_HTTP_CLIENT_SENDING_H

#include "http/client/upload.h"

static inline bool bi_sending_has_body(const struct bight_http_call *call)
{
    return call->body != NULL || call->upload != NULL;
}
/* Bytes of it; false: that is not known, and it goes in chunks. */
bool bi_sending_size(const struct bight_http_call *call, uint64_t *size);
/* Whether the server is asked first. */
bool bi_sending_asks(const struct bight_http_call *call);

/* Behind the head, which may have held the body (`is_done`). Calls no user code. 0 or a code: the connection is no good
 * then. */
int bi_sending_begin(struct bight_http_call *call, bool is_done);
/* The server has said 100. */
void bi_sending_go_on(struct bight_http_call *call);
/* A final response has come: what was held until the server wanted it is not sent any more. */
void bi_sending_give_up(struct bight_http_call *call);
/* The call has parted from its connection: what has not been written is not. */
void bi_sending_stop(struct bight_http_call *call);

/* It is the program, or the server with its 100, that is waited for, and not the connection. */
static inline bool bi_sending_waits(const struct bight_http_call *call)
{
    return call->sending == BI_SENDING_HELD || call->sending == BI_SENDING_UNDER_WAY;
}
/* It can be sent from its beginning. Calls user code, which must not touch the call. */
bool bi_sending_is_repeatable(const struct bight_http_call *call);

#endif
