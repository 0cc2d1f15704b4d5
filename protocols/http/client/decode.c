/* SPDX-License-Identifier: MIT */
/* decode.c - Content-Encoding of a response's body: gzip, once or twice (C9).
 *
 * It is undone only where the client itself has asked for it; then the fields that tell of it are not the response's.
 * What comes out is limited as a body is, and so is what lies between two codings: a small body may be meant to be a
 * large one. So it comes out piece by piece, as far as it is asked for. */
#include "http/client/decode.h"

#include <bight/memory.h>

#include "http/coding/gzip.h"

#define MOST_CODINGS 2
#define ROOM 16384

/* What undoes one coding. */
struct bi_decoder {
    struct bi_decoder *before; /* which undoes the one that was put on later; NULL: it reads the body */
    struct bi_inflater *inflater;
    uint64_t made;
    struct bi_view given; /* by `before`, in `room`, and not read yet */
    uint8_t room[ROOM];
};

bool bi_decoder_is_built_in(void)
{
    return bi_gzip_is_built_in();
}

void bi_decoder_free(struct bi_decoder *decoder)
{
    while (decoder != NULL) {
        struct bi_decoder *next = decoder->before;
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

/* Behind `before`, which is taken. NULL when out of memory. */
static struct bi_decoder *append(struct bi_decoder *before)
{
    struct bi_decoder *decoder = bight_malloc(sizeof *decoder);
    struct bi_inflater *inflater = bi_inflater_new();
    if (decoder == NULL || inflater == NULL) {
        bi_inflater_free(inflater);
        bight_free(decoder);
        bi_decoder_free(before);
        return NULL;
    }
    decoder->before = before;
    decoder->inflater = inflater;
    decoder->made = 0;
    decoder->given = (struct bi_view) { NULL, 0 };
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
        *decoder = append(*decoder);
        if (*decoder == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
    }
    return BIGHT_OK;
}

/* Its own coding: *size is 0 only when all of the input has been used. */
static int inflate(struct bi_decoder *decoder, struct bi_view *input, uint8_t *room, size_t *size, uint64_t limit)
{
    enum bi_inflate_result result = bi_inflater_read(decoder->inflater, input, room, size);
    decoder->made += *size;
    return result == BI_INFLATE_REFUSED     ? BIGHT_E_SYNTAX
           : result == BI_INFLATE_NO_MEMORY ? BIGHT_E_OUT_OF_MEMORY
           : decoder->made > limit          ? BIGHT_E_TOO_LONG
                                            : BIGHT_OK;
}

int bi_decoder_read(struct bi_decoder *decoder, struct bi_view *input, uint8_t *room, size_t *size, uint64_t limit)
{
    if (decoder->before == NULL) {
        return inflate(decoder, input, room, size, limit);
    }
    size_t most = *size, more = 0;
    int code;
    do {
        *size = most;
        code = inflate(decoder, &decoder->given, room, size, limit);
        if (code != BIGHT_OK || *size > 0) {
            return code;
        }
        more = ROOM;
        code = bi_decoder_read(decoder->before, input, decoder->room, &more, limit);
        decoder->given = (struct bi_view) { decoder->room, more };
    } while (code == BIGHT_OK && more > 0);
    return code;
}

int bi_decoder_put(struct bi_decoder *decoder, struct bi_view piece, struct bi_http_buffer *body, uint64_t limit)
{
    size_t size;
    int code;
    do {
        uint8_t *room = bi_http_buffer_room(body, ROOM);
        size = ROOM;
        code = room != NULL ? bi_decoder_read(decoder, &piece, room, &size, limit) : BIGHT_E_OUT_OF_MEMORY;
        body->end += code == BIGHT_OK ? size : 0;
    } while (code == BIGHT_OK && size > 0);
    return code;
}

const char *bi_decoder_why(int code)
{
    return code == BIGHT_E_SYNTAX     ? "the response's body is not compressed as it says"
           : code == BIGHT_E_TOO_LONG ? "the response's body is too long when it is no longer compressed"
                                      : "out of memory";
}

bool bi_decoder_is_whole(const struct bi_decoder *decoder)
{
    for (; decoder != NULL; decoder = decoder->before) {
        if (!bi_inflater_is_whole(decoder->inflater)) {
            return false;
        }
    }
    return true;
}
