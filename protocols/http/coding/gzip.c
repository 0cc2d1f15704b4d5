/* SPDX-License-Identifier: MIT */
/* gzip.c - the content coding gzip by zlib, which is known here and nowhere else.
 *
 * zlib's memory goes through the allocation hook. A deflater gets all that it needs when it is made; an inflater takes
 * its window when it is first wanted. */
#include "http/coding/gzip.h"

#include <bight/memory.h>

#include <limits.h>
#include <zlib.h>

#define AS_GZIP (16 + MAX_WBITS) /* in place of zlib's own framing */
#define MEMORY_LEVEL 8
#define MAX_PIECE ((size_t)1 << 30) /* at once: zlib counts in unsigned int */

bool bi_gzip_is_built_in(void)
{
    return true;
}

static void *allocate(void *context, unsigned count, unsigned size)
{
    (void)context;
    return bight_calloc(count, size);
}

static void release(void *context, void *memory)
{
    (void)context;
    bight_free(memory);
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Shows zlib what it may take and where it may write. */
static void lend(z_stream *stream, struct bi_view data, uint8_t *room, size_t size)
{
    stream->next_in = (Bytef *)(uintptr_t)data.at;
    stream->avail_in = (unsigned)least(data.size, MAX_PIECE);
    stream->next_out = room;
    stream->avail_out = (unsigned)least(size, MAX_PIECE);
}

/* ------------------------------------------------------------------------------------------ compressing */

struct bi_deflater {
    z_stream stream;
};

struct bi_deflater *bi_deflater_new(int level)
{
    struct bi_deflater *deflater = bight_calloc(1, sizeof *deflater);
    if (deflater == NULL) {
        return NULL;
    }
    deflater->stream.zalloc = allocate;
    deflater->stream.zfree = release;
    if (deflateInit2(&deflater->stream, level, Z_DEFLATED, AS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        bight_free(deflater);
        return NULL;
    }
    return deflater;
}

void bi_deflater_free(struct bi_deflater *deflater)
{
    if (deflater != NULL) {
        (void)deflateEnd(&deflater->stream);
        bight_free(deflater);
    }
}

void bi_deflater_begin(struct bi_deflater *deflater)
{
    (void)deflateReset(&deflater->stream);
}

static const int flushes[] = {
    [BI_DEFLATE_GATHER] = Z_NO_FLUSH,
    [BI_DEFLATE_FLUSH] = Z_SYNC_FLUSH,
    [BI_DEFLATE_END] = Z_FINISH,
};

/* A flush is over when room was left; without any progress there was nothing to flush. */
size_t bi_deflater_write(struct bi_deflater *deflater, struct bi_view *data, enum bi_deflate_mode mode, uint8_t *room,
    size_t size, bool *done)
{
    z_stream *stream = &deflater->stream;
    bool is_piece = data->size > MAX_PIECE;
    lend(stream, *data, room, size);
    int result = deflate(stream, is_piece ? Z_NO_FLUSH : flushes[mode]);
    *data = bi_view_from(*data, (size_t)(stream->next_in - data->at));
    *done = mode == BI_DEFLATE_END ? result == Z_STREAM_END
                                   : data->size == 0 && (mode == BI_DEFLATE_GATHER || stream->avail_out > 0);
    return (size_t)(stream->next_out - room);
}

/* --------------------------------------------------------------------------------------------- reading */

struct bi_inflater {
    z_stream stream;
    bool has_ended; /* behind a member */
    bool has_begun; /* anything has come */
};

struct bi_inflater *bi_inflater_new(void)
{
    struct bi_inflater *inflater = bight_calloc(1, sizeof *inflater);
    if (inflater == NULL) {
        return NULL;
    }
    inflater->stream.zalloc = allocate;
    inflater->stream.zfree = release;
    if (inflateInit2(&inflater->stream, AS_GZIP) != Z_OK) {
        bight_free(inflater);
        return NULL;
    }
    return inflater;
}

void bi_inflater_free(struct bi_inflater *inflater)
{
    if (inflater != NULL) {
        (void)inflateEnd(&inflater->stream);
        bight_free(inflater);
    }
}

/* One call of zlib's. */
static int inflate_piece(struct bi_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size)
{
    z_stream *stream = &inflater->stream;
    if (inflater->has_ended && data->size > 0) {
        (void)inflateReset(stream);
        inflater->has_ended = false;
    }
    lend(stream, *data, room, *size);
    int result = inflate(stream, Z_NO_FLUSH);
    size_t used = (size_t)(stream->next_in - data->at);
    *data = bi_view_from(*data, used);
    *size = (size_t)(stream->next_out - room);
    inflater->has_begun |= used > 0;
    inflater->has_ended |= result == Z_STREAM_END;
    return result;
}

enum bi_inflate_result bi_inflater_read(struct bi_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size)
{
    size_t all = *size, written = 0;
    int result = Z_OK;
    *size = 0;
    do {
        written = all - *size;
        result = inflate_piece(inflater, data, room + *size, &written);
        *size += written;
    } while ((result == Z_OK || result == Z_STREAM_END) && data->size > 0 && *size < all);
    if (result == Z_MEM_ERROR) {
        return BI_INFLATE_NO_MEMORY;
    }
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return BI_INFLATE_REFUSED;
    }
    return *size == all ? BI_INFLATE_FULL : BI_INFLATE_MORE;
}

bool bi_inflater_is_whole(const struct bi_inflater *inflater)
{
    return inflater->has_ended || !inflater->has_begun;
}
