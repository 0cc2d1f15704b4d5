/* SPDX-License-Identifier: MIT */
/* chunked.h - the chunked coding: sizes and data up to the last chunk; the trailers behind it are head.h's.
 *
 * RFC 9112, section 7.1; what is refused is H2. A decoder keeps no bytes: a size may be cut anywhere. */
#ifndef BI_HTTP_CHUNKED_H
#define BI_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/message/private.h"

enum bi_chunked_result {
    BI_CHUNKED_DATA,    /* `data` and `size` are a piece of the body */
    BI_CHUNKED_PARTIAL, /* all was taken, more has to come */
    BI_CHUNKED_END,     /* the last chunk's line has been taken: trailers follow, or an empty line */
    BI_CHUNKED_REFUSED, /* `why` says what */
};

struct bi_chunked {
    uint64_t left;       /* of the chunk's data */
    uint32_t extensions; /* bytes of them so far, in the whole body */
    uint8_t state, digits;
    bool tolerant;   /* C5: SP and HTAB behind a size are skipped */
    bool tolerated;  /* there were some */
    const char *why; /* lives for ever */
};

#define BI_CHUNKED_MAX_EXTENSIONS 16384

BI_HTTP_PRIVATE_API void bi_chunked_begin(struct bi_chunked *decoder, bool tolerant);

/* Takes from *bytes, of which *size are left, and advances both; of DATA, *data and *data_size are a view of the same
 * memory. Call it until PARTIAL or END. */
BI_HTTP_PRIVATE_API enum bi_chunked_result bi_chunked_next(
    struct bi_chunked *decoder, const uint8_t **bytes, size_t *size, const uint8_t **data, size_t *data_size);

/* The last `size` bytes of the data that were handed out last have not been used: they come again. */
void bi_chunked_give_back(struct bi_chunked *decoder, size_t size);

/* The line before a chunk of `size` bytes, at most BI_CHUNK_LINE long. Returns its length. */
#define BI_CHUNK_LINE 18
BI_HTTP_PRIVATE_API size_t bi_chunk_line(char line[BI_CHUNK_LINE], uint64_t size);

#endif
