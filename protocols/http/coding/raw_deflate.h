/* SPDX-License-Identifier: MIT */
/* raw_deflate.h - messages in raw deflate, each by itself or on top of those before it, as permessage-deflate has them
 * (RFC 7692, section 7.2): what is made ends with an empty block whose last four bytes are left out. The only file that
 * knows zlib for it is raw_deflate.c. Any thread, one at a time. */
#ifndef BI_HTTP_RAW_DEFLATE_H
#define BI_HTTP_RAW_DEFLATE_H

#include "http/coding/gzip.h"

/* Of a window of `bits`, 9 to 15: 268 KB with 15, 39 KB with 12, 11 KB with 9, used again and again. `level` is 1 to 9.
 * `keeps`: a message may refer to those before it. NULL when out of memory, and without zlib. */
struct bi_raw_deflater;
struct bi_raw_deflater *bi_raw_deflater_new(int level, unsigned bits, bool keeps);
void bi_raw_deflater_free(struct bi_raw_deflater *deflater); /* NULL is allowed */

/* Writes a whole message; returns its size. 0: it has no room in `size` bytes, and no message refers to those before
 * this. */
size_t bi_raw_deflate(struct bi_raw_deflater *deflater, struct bi_view data, uint8_t *room, size_t size);

/* Of a window of `bits`, 8 to 15: 40 KB with 15, 11 KB with 12, 8 KB with 9, used again and again. `keeps`: as above. */
struct bi_raw_inflater;
struct bi_raw_inflater *bi_raw_inflater_new(unsigned bits, bool keeps);
void bi_raw_inflater_free(struct bi_raw_inflater *inflater); /* NULL is allowed */

/* A new message, whatever has become of the one before; if that is kept, it has been read whole. */
void bi_raw_inflater_begin(struct bi_raw_inflater *inflater);
/* Takes from the beginning of the whole message's rest and writes at most *size bytes; *size is how many it has written
 * then. MORE: it is over. FULL: to be called again, with new room. REFUSED and NO_MEMORY are for good. */
enum bi_inflate_result bi_raw_inflate(
    struct bi_raw_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size);

#endif
