/* SPDX-License-Identifier: MIT */
/* worker_frame.c - the frames between a pool and its workers, made and read.
 *
 * The reader trusts nothing: a worker may have gone mad, or be another program. Memory for a payload is asked for when
 * the header has come, and so within the limit only. The worker's own side, which blocks, is in worker.c. */
#include "process/worker_frame.h"

#include <string.h>

#include <bight/error.h>

void bi_frame_put_header(uint8_t header[FRAME_HEADER], uint8_t kind, size_t size)
{
    header[0] = (uint8_t)(size >> 24);
    header[1] = (uint8_t)(size >> 16);
    header[2] = (uint8_t)(size >> 8);
    header[3] = (uint8_t)size;
    header[4] = kind;
}

size_t bi_frame_size(const uint8_t header[FRAME_HEADER])
{
    return (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
}

/* ------------------------------------------------------------------------------------------ reading */

static void fill(void *to, size_t *used, size_t wanted, const uint8_t **data, size_t *size)
{
    size_t part = *size < wanted - *used ? *size : wanted - *used;
    if (part > 0) {
        memcpy((uint8_t *)to + *used, *data, part);
    }
    *used += part;
    *data += part;
    *size -= part;
}

/* The header is complete. */
static int begin_body(struct bi_frame_reader *reader, size_t limit)
{
    uint8_t kind = reader->header[4];
    size_t size = bi_frame_size(reader->header);
    if (kind != FRAME_ANSWER && kind != FRAME_FAILURE) {
        return BIGHT_E_SYNTAX;
    }
    if (size > (kind == FRAME_FAILURE ? FAILURE_CEILING : limit)) {
        return BIGHT_E_TOO_LONG;
    }
    reader->body = bight_bytes_new_uninitialised(size, &reader->content);
    reader->body_size = size;
    reader->body_used = 0;
    return reader->body == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

int bi_frame_read(
    struct bi_frame_reader *reader, size_t limit, const uint8_t **data, size_t *size, struct bi_frame *frame)
{
    if (reader->body == NULL) {
        fill(reader->header, &reader->header_used, FRAME_HEADER, data, size);
        if (reader->header_used < FRAME_HEADER) {
            return 0;
        }
        int code = begin_body(reader, limit);
        if (code != BIGHT_OK) {
            return code;
        }
    }
    fill(reader->content, &reader->body_used, reader->body_size, data, size);
    if (reader->body_used < reader->body_size) {
        return 0;
    }
    *frame = (struct bi_frame) { reader->header[4], reader->body };
    reader->body = NULL;
    reader->header_used = 0;
    return 1;
}

void bi_frame_reader_finish(struct bi_frame_reader *reader)
{
    bight_bytes_release(reader->body);
    reader->body = NULL;
}
