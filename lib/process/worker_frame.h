/* SPDX-License-Identifier: MIT */
/* worker_frame.h - the frames between a pool and its workers: bytes in, frames out. No I/O, no process.
 *
 * A frame is its payload's size in four bytes, the highest first, a letter for what it is, and the payload. */
#ifndef BI_PROCESS_WORKER_FRAME_H
#define BI_PROCESS_WORKER_FRAME_H

#include <bight/bytes.h>

enum { FRAME_HEADER = 5, FRAME_JOB = 'J', FRAME_ANSWER = 'A', FRAME_FAILURE = 'F' };
#define FRAME_CEILING ((size_t)1 << 30)
#define FAILURE_CEILING 1023 /* bytes of a message */

/* Zeroed to begin with. */
struct bi_frame_reader {
    uint8_t header[FRAME_HEADER];
    size_t header_used;
    struct bight_bytes *body; /* of the frame that is coming; NULL: its header is */
    uint8_t *content;
    size_t body_used, body_size;
};

struct bi_frame {
    uint8_t kind;
    struct bight_bytes *body;
};

void bi_frame_put_header(uint8_t header[FRAME_HEADER], uint8_t kind, size_t size);
size_t bi_frame_size(const uint8_t header[FRAME_HEADER]);

/* Reads on in the *size bytes at *data, which move past what was taken, to the end of a worker's frame. 1: `frame` is
 * whole, and its body the caller's. 0: all has been taken. SYNTAX: that is no answer; TOO_LONG: an answer of more than
 * `limit` or a message of more than FAILURE_CEILING bytes; OUT_OF_MEMORY: after these the reader reads no more. */
int bi_frame_read(
    struct bi_frame_reader *reader, size_t limit, const uint8_t **data, size_t *size, struct bi_frame *frame);
/* Releases what has been read of a frame. */
void bi_frame_reader_finish(struct bi_frame_reader *reader);

#endif
