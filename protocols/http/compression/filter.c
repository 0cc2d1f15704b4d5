/* SPDX-License-Identifier: MIT */
/* filter.c - compressing an answer's body: a small one at once, a stream at each write; large ones and files are
 * pump.c's.
 *
 * Whether it is compressed at all is choose.c's. */
#include <bight/memory.h>

#include "http/compression/compression.h"

#define PIECE 16384 /* compressed bytes that are sent at once */

/* From the level on that searches all that it could, a body that repeats itself almost takes fifty times as long: 64
 * KiB in 3 ms at level 5, in 175 at level 9. */
#define THOROUGH 6
#define COMPRESSED_THOROUGHLY_AT_ONCE 4096

/* ----------------------------------------------------------------------------------------- small bodies */

/* Into the room that all answers share, for the time of the call. 0: it would not be smaller, or cannot be. */
static size_t compress(struct bi_compression *compression, struct bi_view data)
{
    bool done = false;
    if (compression->room == NULL) {
        compression->room = bight_malloc(BI_COMPRESSED_AT_ONCE);
    }
    struct bi_deflater *deflater = compression->room != NULL ? bi_compression_take(compression) : NULL;
    if (deflater == NULL) {
        return 0;
    }
    size_t size = bi_deflater_write(deflater, &data, BI_DEFLATE_END, compression->room, data.size - 1, &done);
    bi_compression_put(compression, deflater);
    return done ? size : 0;
}

static enum bi_filter_choice replace(struct bight_http_request *request, struct bi_http_offer *offer)
{
    struct bi_compression *compression = bi_compressing_of(request)->compression;
    size_t size = compress(compression, offer->data);
    if (size == 0 || !bi_compression_set_head(request)) {
        return BI_FILTER_NONE;
    }
    offer->data = (struct bi_view) { compression->room, size };
    return BI_FILTER_REPLACED;
}

/* --------------------------------------------------------------------------------------------- choosing */

static bool is_head(const struct bight_http_request *request)
{
    return request->head.method_known == BI_METHOD_HEAD;
}

/* False, and nothing is kept: all compressors are busy, or there is no memory. */
static bool get_ready(struct bi_compressing *compressing, const struct bi_http_offer *offer)
{
    struct bi_deflater *deflater = bi_compression_take(compressing->compression);
    if (deflater == NULL) {
        return false;
    }
    if (offer->kind == BI_OFFER_STREAM) {
        compressing->deflater = deflater;
        return true;
    }
    compressing->pump = bi_pump_new(deflater, offer);
    if (compressing->pump == NULL) {
        bi_compression_put(compressing->compression, deflater);
    }
    return compressing->pump != NULL;
}

/* The head of a stream to come is as if it came: a file must be released, too, so it is taken for HEAD as for GET. */
static enum bi_filter_choice begin_pieces(struct bight_http_request *request, const struct bi_http_offer *offer)
{
    bool needs_nothing = is_head(request) && offer->kind != BI_OFFER_FILE;
    if (!bi_compression_set_head(request)) {
        return BI_FILTER_NONE;
    }
    if (needs_nothing || get_ready(bi_compressing_of(request), offer)) {
        return BI_FILTER_PIECES;
    }
    bi_fields_remove(&request->answer.fields, "Content-Encoding");
    return BI_FILTER_NONE;
}

static size_t most_at_once(const struct bight_http_request *request)
{
    return bi_compressing_of(request)->compression->level < THOROUGH ? BI_COMPRESSED_AT_ONCE
                                                                     : COMPRESSED_THOROUGHLY_AT_ONCE;
}

static enum bi_filter_choice choose(struct bight_http_request *request, struct bi_http_offer *offer)
{
    enum bi_compressible judgement = bi_compression_judge(bi_compressing_of(request)->compression, request, offer);
    if (offer->status == 304) {
        bi_compression_match_tag(request);
    }
    if (judgement == BI_COMPRESSIBLE_NO || !bi_compression_set_vary(request) ||
        judgement == BI_COMPRESSIBLE_FOR_OTHERS) {
        return BI_FILTER_NONE;
    }
    return offer->kind == BI_OFFER_DATA && offer->data.size <= most_at_once(request) ? replace(request, offer)
                                                                                     : begin_pieces(request, offer);
}

/* ---------------------------------------------------------------------------------------------- streams */

static int write_all(struct bight_http_request *request, struct bi_view data, enum bi_deflate_mode mode)
{
    struct bi_deflater *deflater = bi_compressing_of(request)->deflater;
    uint8_t room[PIECE];
    bool done = false;
    int code = BIGHT_OK;
    while (!done && code == BIGHT_OK) {
        size_t size = bi_deflater_write(deflater, &data, mode, room, sizeof room, &done);
        code = bi_filter_put(request, room, size);
    }
    return code;
}

static int write_piece(struct bight_http_request *request, struct bi_view data)
{
    return write_all(request, data, BI_DEFLATE_FLUSH);
}

static int finish(struct bight_http_request *request)
{
    return write_all(request, (struct bi_view) { (const uint8_t *)"", 0 }, BI_DEFLATE_END);
}

static int start(struct bight_http_request *request)
{
    return bi_pump_start(bi_compressing_of(request)->pump, request);
}

/* -------------------------------------------------------------------------------------------------- end */

static void end(struct bight_http_request *request)
{
    struct bi_compressing *compressing = bi_compressing_of(request);
    struct bi_compression *compression = compressing->compression;
    if (compressing->pump != NULL) {
        bi_compression_put(compression, bi_pump_end(compressing->pump));
    } else if (compressing->deflater != NULL) {
        bi_compression_put(compression, compressing->deflater);
    }
    bi_compression_release(compression);
}

const struct bi_http_filter_ops bi_compression_filter_ops = {
    .choose = choose, .start = start, .write = write_piece, .finish = finish, .end = end
};
