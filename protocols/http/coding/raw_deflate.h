/* SPDX-License-Identifier: MIT */
/* raw_deflate.h - messages in raw deflate, each by itself, as permessage-deflate has them (RFC 7692, section 7.2): what
 * is made ends with an empty block whose last four bytes are left out. The only file that knows zlib for it is
 * raw_deflate.c. Any thread, one at a time. */
#ifndef BI_HTTP_RAW_DEFLATE_H
#define BI_HTTP_RAW_DEFLATE_H

#include "http/coding/gzip.h"

/* About 270 KB, used again and again. `level` is 1 to 9. NULL when out of memory, and without zlib. */
struct bi_raw_deflater;
struct bi_raw_deflater *bi_raw_deflater_new(int level);
void bi_raw_deflater_free(struct bi_raw_deflater *deflater); /* NULL is allowed */

/* Writes a whole message; returns its size. 0: it has no room in `size` bytes. */
size_t bi_raw_deflate(struct bi_raw_deflater *deflater, struct bi_view data, uint8_t *room, size_t size);

/* About 45 KB, used again and again. */
struct bi_raw_inflater;
struct bi_raw_inflater *bi_raw_inflater_new(void);
void bi_raw_inflater_free(struct bi_raw_inflater *inflater); /* NULL is allowed */

/* A new message, whatever has become of the one before. */
void bi_raw_inflater_begin(struct bi_raw_inflater *inflater);
/* Takes from the beginning of the whole message's rest and writes at most *size bytes; *size is how many it has written
 * then. MORE: it is over. FULL: to be called again, with new room. REFUSED and NO_MEMORY are for good. */
enum bi_inflate_result bi_raw_inflate(
    struct bi_raw_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size);

#endif
