/* SPDX-License-Identifier: MIT */
/* decode.h - the body of a response without its Content-Encoding. */
#ifndef BI_HTTP_CLIENT_DECODE_H
#define BI_HTTP_CLIENT_DECODE_H

#include "http/client/client.h"

/* Whether any coding can be asked for. */
bool bi_decoder_is_built_in(void);

/* For the response whose head the parser shows; *decoder is NULL if it is not encoded, or in a way that is not known.
 * 0, TOO_LONG for more than two codings, or OUT_OF_MEMORY. */
int bi_decoder_begin(struct bi_decoder **decoder, const struct bi_response_parser *parser);
void bi_decoder_free(struct bi_decoder *decoder); /* NULL is allowed */

/* Takes from the beginning of `input` and writes at most *size bytes; *size is how many it has written then, 0 when all
 * of the input has been used and more is needed. The codes of bi_decoder_put. */
int bi_decoder_read(struct bi_decoder *decoder, struct bi_view *input, uint8_t *room, size_t *size, uint64_t limit);
/* What a failure with the code is told as. */
const char *bi_decoder_why(int code);

/* Appends to `body` what a piece stands for. 0; SYNTAX: it is not what it says; TOO_LONG: it stands for more than
 * `limit` bytes; OUT_OF_MEMORY. */
int bi_decoder_put(struct bi_decoder *decoder, struct bi_view piece, struct bi_http_buffer *body, uint64_t limit);

/* What has been put in is a whole body. */
bool bi_decoder_is_whole(const struct bi_decoder *decoder);

#endif
