/* SPDX-License-Identifier: MIT */
/* gzip.h - the content coding gzip, both ways: bytes in, bytes out, cut anywhere (RFC 1952; RFC 9110, section 8.4.1.3).
 *
 * Neither way buffers what it has made: the caller brings the room, and calls again while there is more. What is
 * compressed or read, and when, is decided elsewhere; the only file that knows zlib is gzip.c. Any thread, one at a
 * time. */
#ifndef BI_HTTP_GZIP_H
#define BI_HTTP_GZIP_H

#include "http/message/tokens.h"

/* Whether this library has been built with zlib. Without it the functions below return NULL, or do nothing. */
bool bi_gzip_is_built_in(void);

/* ------------------------------------------------------------------------------------------ compressing */

/* About 270 KB, used again and again. */
struct bi_deflater;

/* `level` is 1, the fastest, to 9, the smallest. NULL when out of memory. */
struct bi_deflater *bi_deflater_new(int level);
void bi_deflater_free(struct bi_deflater *deflater); /* NULL is allowed */

/* Begins a new body, whatever has become of the one before. Allocates nothing. */
void bi_deflater_begin(struct bi_deflater *deflater);

enum bi_deflate_mode {
    BI_DEFLATE_GATHER, /* what is made comes when it is worth it */
    BI_DEFLATE_FLUSH,  /* all that was given can be read from what has been made */
    BI_DEFLATE_END,    /* and it was all */
};

/* Takes from the beginning of `data` and writes at most `room` bytes; returns how many. *done: all of it has been
 * taken, and what the mode asks for has been written. Else to be called again, in the same mode, with what is left and
 * new room. */
size_t bi_deflater_write(struct bi_deflater *deflater, struct bi_view *data, enum bi_deflate_mode mode, uint8_t *room,
    size_t size, bool *done);

/* --------------------------------------------------------------------------------------------- reading */

/* About 45 KB. */
struct bi_inflater;

struct bi_inflater *bi_inflater_new(void);
void bi_inflater_free(struct bi_inflater *inflater); /* NULL is allowed */

enum bi_inflate_result {
    BI_INFLATE_MORE,     /* all of the input has been used; there was room for what came of it */
    BI_INFLATE_FULL,     /* the room is full; there may be more, even without any input */
    BI_INFLATE_REFUSED,  /* it is no gzip, or was damaged: for good */
    BI_INFLATE_NO_MEMORY /* for good, too */
};

/* Takes from the beginning of `data` and writes at most *size bytes; *size is how many it has written then, of which
 * those before a refusal are good. Several members in a row are one body. */
enum bi_inflate_result bi_inflater_read(
    struct bi_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size);

/* What has come so far is a whole body: it ends behind a member. */
bool bi_inflater_is_whole(const struct bi_inflater *inflater);

#endif
