/* SPDX-License-Identifier: MIT */
/* decode.c - Content-Encoding of what is collected: gzip, once or twice (C9).
 *
 * It is undone only where the client itself has asked for it; then the fields that tell of it are not the response's.
 * What comes out is limited as a body is, and so is what lies between two codings: a small body may be meant to be a
 * large one. */
#include "http/client/decode.h"

#include <bight/memory.h>

#include "http/coding/gzip.h"

#define MOST_CODINGS 2
#define ROOM 16384

/* What undoes one coding, and hands on what comes out; NULL is the end, the body. */
struct bi_decoder {
    struct bi_decoder *next;
    struct bi_inflater *inflater;
    uint64_t made;
    uint8_t room[ROOM];
};

bool bi_decoder_is_built_in(void)
{
    return bi_gzip_is_built_in();
}

void bi_decoder_free(struct bi_decoder *decoder)
{
    while (decoder != NULL) {
        struct bi_decoder *next = decoder->next;
        bi_inflater_free(decoder->inflater);
        bight_free(decoder);
        decoder = next;
    }
}

/* How many there are; 0, too, if there is one that is not known: the program gets what came then. */
static int count_codings(const struct bi_response_parser *parser)
{
    struct bi_members list = bi_members_begin(&parser->head, parser->bytes, BI_NAME_CONTENT_ENCODING);
    struct bi_view member;
    int count = 0;
    while (bi_members_next(&list, &member)) {
        if (bi_view_equal_nocase(member, bi_view_of("identity"))) {
            continue;
        }
        if (!bi_view_equal_nocase(member, bi_view_of("gzip")) && !bi_view_equal_nocase(member, bi_view_of("x-gzip"))) {
            return 0;
        }
        count++;
    }
    return count;
}

/* Before `next`, which is taken. NULL when out of memory. */
static struct bi_decoder *prepend(struct bi_decoder *next)
{
    struct bi_decoder *decoder = bight_malloc(sizeof *decoder);
    struct bi_inflater *inflater = bi_inflater_new();
    if (decoder == NULL || inflater == NULL) {
        bi_inflater_free(inflater);
        bight_free(decoder);
        bi_decoder_free(next);
        return NULL;
    }
    decoder->next = next;
    decoder->inflater = inflater;
    decoder->made = 0;
    return decoder;
}

int bi_decoder_begin(struct bi_decoder **decoder, const struct bi_response_parser *parser)
{
    int count = parser->framing.body != BI_BODY_NONE ? count_codings(parser) : 0;
    *decoder = NULL;
    if (count > MOST_CODINGS) {
        return BIGHT_E_TOO_LONG;
    }
    for (; count > 0; count--) {
        *decoder = prepend(*decoder);
        if (*decoder == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
    }
    return BIGHT_OK;
}

static int keep(struct bi_http_buffer *body, struct bi_view piece, uint64_t limit)
{
    return piece.size > limit - body->end ? BIGHT_E_TOO_LONG : bi_http_buffer_append(body, piece.at, piece.size);
}

int bi_decoder_put(struct bi_decoder *decoder, struct bi_view piece, struct bi_http_buffer *body, uint64_t limit)
{
    enum bi_inflate_result result = BI_INFLATE_FULL;
    if (decoder == NULL) {
        return keep(body, piece, limit);
    }
    while (result == BI_INFLATE_FULL) {
        size_t size = ROOM;
        result = bi_inflater_read(decoder->inflater, &piece, decoder->room, &size);
        if (result == BI_INFLATE_REFUSED || result == BI_INFLATE_NO_MEMORY) {
            return result == BI_INFLATE_REFUSED ? BIGHT_E_SYNTAX : BIGHT_E_OUT_OF_MEMORY;
        }
        decoder->made += size;
        if (decoder->made > limit) {
            return BIGHT_E_TOO_LONG;
        }
        int code = bi_decoder_put(decoder->next, (struct bi_view) { decoder->room, size }, body, limit);
        if (code != BIGHT_OK) {
            return code;
        }
    }
    return BIGHT_OK;
}

bool bi_decoder_is_whole(const struct bi_decoder *decoder)
{
    for (; decoder != NULL; decoder = decoder->next) {
        if (!bi_inflater_is_whole(decoder->inflater)) {
            return false;
        }
    }
    return true;
}
