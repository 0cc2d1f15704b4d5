/* SPDX-License-Identifier: MIT */
/* decoding.h - a body in a content coding becomes the bytes that its user gets (A4): what body.c asks of decoding.c.
 *
 * It stands between framing and user. A byte of what came is used only when all that it stands for has been taken, so
 * that what makes input wait (a user that wants no more, a backlog that is full, the end of the turn) makes output wait
 * as well, and nothing is read further than it is wanted. */
#ifndef BI_HTTP_DECODING_H
#define BI_HTTP_DECODING_H

#include "http/server/request.h"

/* What a body that is to be decoded is in; REFUSED: in what is not known, or in several. */
enum bi_coding { BI_CODING_NONE, BI_CODING_GZIP, BI_CODING_REFUSED };

/* Some of a body as it came: how much of it was used. Hands at most one piece to its user, by bi_body_deliver. May fail
 * the body. */
size_t bi_decoding_read(struct bight_http_request *request, const uint8_t *data, size_t size);

/* What has come is all of a body. */
bool bi_decoding_is_whole(const struct bight_http_request *request);

/* There is more that could be had without more input, on a later turn. True once. */
bool bi_decoding_asks_again(struct bight_http_request *request);

/* Nothing more is decoded; its memory goes. */
void bi_decoding_end(struct bight_http_request *request);

#endif
