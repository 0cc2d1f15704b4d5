/* SPDX-License-Identifier: MIT */
/* compression.h - what the files of this room share: a site's compression, and that of one answer. */
#ifndef BI_HTTP_COMPRESSION_H
#define BI_HTTP_COMPRESSION_H

#include <bight/protocols/http_compression.h>

#include "http/coding/gzip.h"
#include "http/server/filter.h"

#define BI_COMPRESSED_AT_ONCE ((size_t)64 << 10) /* bytes of a body, in the loop */
#define BI_COMPRESSION_KEPT 4                    /* deflaters that nobody uses */

/* What the types are called in the options, one behind the other, each with its NUL; an empty one ends them. */
struct bi_compression {
    unsigned holds; /* the site's, and one for each answer that may be compressed */
    int level;
    uint64_t least, most;
    uint32_t limit, used;
    struct bi_deflater *kept[BI_COMPRESSION_KEPT];
    size_t kept_count;
    uint8_t *room; /* BI_COMPRESSED_AT_ONCE bytes, once it has been needed */
    char types[];
};

/* Of one request, in its memory. */
struct bi_compressing {
    struct bi_compression *compression; /* held */
    struct bi_deflater *deflater;       /* of a stream, or NULL */
    struct bi_pump *pump;               /* of a body that threads compress, or NULL */
};

/* ------------------------------------------------------------------------------------------------ use.c */

void bi_compression_release(struct bi_compression *compression);
/* A deflater at the beginning of a body; NULL when all that may be are in use, or out of memory. */
struct bi_deflater *bi_compression_take(struct bi_compression *compression);
/* It is not used any more; NULL: somebody else frees it. */
void bi_compression_put(struct bi_compression *compression, struct bi_deflater *deflater);

/* --------------------------------------------------------------------------------------------- choose.c */

/* Whether the answer would be compressed for clients that accept it, and whether this one does. */
enum bi_compressible { BI_COMPRESSIBLE_NO, BI_COMPRESSIBLE_FOR_OTHERS, BI_COMPRESSIBLE_NOW };
enum bi_compressible bi_compression_judge(const struct bi_compression *compression,
    const struct bight_http_request *request, const struct bi_http_offer *offer);
/* Whether a media type is among those of a list as in struct bi_compression. */
bool bi_compression_has_type(const char *types, struct bi_view type);

/* Vary; the head of what is compressed; and the tag of an answer without a body that speaks of one. False: there was no
 * memory, and nothing of it is wrong. */
bool bi_compression_set_vary(struct bight_http_request *request);
bool bi_compression_set_head(struct bight_http_request *request);
void bi_compression_match_tag(struct bight_http_request *request);

/* --------------------------------------------------------------------------------------------- filter.c */

extern const struct bi_http_filter_ops bi_compression_filter_ops;

static inline struct bi_compressing *bi_compressing_of(const struct bight_http_request *request)
{
    return request->hooks.filter_context;
}

/* ----------------------------------------------------------------------------------------------- pump.c */

/* Threads compress what is offered, which it keeps; the deflater is taken. NULL: no memory, and nothing was taken. */
struct bi_pump *bi_pump_new(struct bi_deflater *deflater, const struct bi_http_offer *offer);
/* 0, or why it cannot. */
int bi_pump_start(struct bi_pump *pump, struct bight_http_request *request);
/* The exchange is over. The deflater, if no thread has it any more; or NULL, and it is freed with the pump. */
struct bi_deflater *bi_pump_end(struct bi_pump *pump);

#endif
