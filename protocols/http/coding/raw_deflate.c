/* SPDX-License-Identifier: MIT */
/* raw_deflate.c - messages in raw deflate by zlib, whose memory goes through the allocation hook. */
#include "http/coding/raw_deflate.h"

#include <bight/memory.h>

#include <limits.h>
#include <zlib.h>

#define MOST ((size_t)1 << 30) /* at once: zlib counts in unsigned int */

static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

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

static unsigned at_most(size_t size)
{
    return (unsigned)(size < MOST ? size : MOST);
}

/* ------------------------------------------------------------------------------------------ compressing */

struct bi_raw_deflater {
    z_stream stream;
    bool keeps;
};

/* Tables of the window's size: with 15 bits zlib's usual ones. */
static int memory_level(unsigned bits)
{
    return (int)bits - 7;
}

struct bi_raw_deflater *bi_raw_deflater_new(int level, unsigned bits, bool keeps)
{
    struct bi_raw_deflater *deflater = bight_calloc(1, sizeof *deflater);
    if (deflater == NULL) {
        return NULL;
    }
    deflater->keeps = keeps;
    deflater->stream.zalloc = allocate;
    deflater->stream.zfree = release;
    if (deflateInit2(&deflater->stream, level, Z_DEFLATED, -(int)bits, memory_level(bits), Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        bight_free(deflater);
        return NULL;
    }
    return deflater;
}

void bi_raw_deflater_free(struct bi_raw_deflater *deflater)
{
    if (deflater != NULL) {
        (void)deflateEnd(&deflater->stream);
        bight_free(deflater);
    }
}

/* More than zlib can be shown at once is not worth the trouble. */
static size_t deflate_message(z_stream *stream, struct bi_view data, uint8_t *room, size_t size)
{
    if (data.size > MOST || size > MOST) {
        return 0;
    }
    stream->next_in = (Bytef *)(uintptr_t)data.at;
    stream->avail_in = (unsigned)data.size;
    stream->next_out = room;
    stream->avail_out = (unsigned)size;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in > 0 || stream->avail_out == 0) {
        return 0;
    }
    size_t written = size - stream->avail_out;
    return written > sizeof tail ? written - sizeof tail : 0;
}

/* The peer sees nothing of a message that is not sent, so it is forgotten. */
size_t bi_raw_deflate(struct bi_raw_deflater *deflater, struct bi_view data, uint8_t *room, size_t size)
{
    size_t written = deflate_message(&deflater->stream, data, room, size);
    if (!deflater->keeps || written == 0) {
        (void)deflateReset(&deflater->stream);
    }
    return written;
}

/* --------------------------------------------------------------------------------------------- reading */

struct bi_raw_inflater {
    z_stream stream;
    size_t tail_used; /* of what was left out of the message's end */
    bool keeps;
};

struct bi_raw_inflater *bi_raw_inflater_new(unsigned bits, bool keeps)
{
    struct bi_raw_inflater *inflater = bight_calloc(1, sizeof *inflater);
    if (inflater == NULL) {
        return NULL;
    }
    inflater->keeps = keeps;
    inflater->stream.zalloc = allocate;
    inflater->stream.zfree = release;
    if (inflateInit2(&inflater->stream, -(int)bits) != Z_OK) {
        bight_free(inflater);
        return NULL;
    }
    return inflater;
}

void bi_raw_inflater_free(struct bi_raw_inflater *inflater)
{
    if (inflater != NULL) {
        (void)inflateEnd(&inflater->stream);
        bight_free(inflater);
    }
}

void bi_raw_inflater_begin(struct bi_raw_inflater *inflater)
{
    if (!inflater->keeps) {
        (void)inflateReset(&inflater->stream);
    }
    inflater->tail_used = 0;
}

/* A last block need not be the message's last; what comes behind it may refer to what is kept. */
static int go_on_behind_end(struct bi_raw_inflater *inflater)
{
    unsigned size = 0;
    if (!inflater->keeps || inflateGetDictionary(&inflater->stream, NULL, &size) != Z_OK || size == 0) {
        return inflateReset(&inflater->stream);
    }
    uint8_t *window = bight_malloc(size);
    int result = window != NULL ? inflateGetDictionary(&inflater->stream, window, &size) : Z_MEM_ERROR;
    result = result == Z_OK ? inflateReset(&inflater->stream) : result;
    result = result == Z_OK ? inflateSetDictionary(&inflater->stream, window, size) : result;
    bight_free(window);
    return result;
}

/* A step over `data`, from which it takes. */
static int step(struct bi_raw_inflater *inflater, struct bi_view *data, uint8_t *room, size_t size, size_t *written)
{
    z_stream *stream = &inflater->stream;
    unsigned given = at_most(data->size), free = at_most(size);
    stream->next_in = (Bytef *)(uintptr_t)data->at;
    stream->avail_in = given;
    stream->next_out = room;
    stream->avail_out = free;
    int result = inflate(stream, Z_SYNC_FLUSH);
    (void)bi_take(data, given - stream->avail_in);
    *written += free - stream->avail_out;
    return result == Z_STREAM_END ? go_on_behind_end(inflater) : result;
}

/* All of the message has been used, with its end: it must have been the end of a block. */
static bool is_whole(const struct bi_raw_inflater *inflater)
{
    return inflater->tail_used == sizeof tail && (inflater->stream.data_type & 0x87) == 0x80;
}

enum bi_inflate_result bi_raw_inflate(
    struct bi_raw_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size)
{
    size_t written = 0;
    int result = Z_OK;
    while (result == Z_OK && written < *size) {
        struct bi_view end = { tail + inflater->tail_used, sizeof tail - inflater->tail_used };
        bool is_end = data->size == 0;
        result = step(inflater, is_end ? &end : data, room + written, *size - written, &written);
        inflater->tail_used = sizeof tail - end.size;
        if (is_end && end.size == 0 && written < *size) {
            break;
        }
    }
    *size = written;
    if (result == Z_MEM_ERROR) {
        return BI_INFLATE_NO_MEMORY;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) {
        return BI_INFLATE_REFUSED;
    }
    bool is_over = data->size == 0 && inflater->tail_used == sizeof tail && inflater->stream.avail_out > 0;
    return !is_over ? BI_INFLATE_FULL : is_whole(inflater) ? BI_INFLATE_MORE : BI_INFLATE_REFUSED;
}
