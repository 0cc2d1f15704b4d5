/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_compression.h - answers in a content coding, for clients that accept it: A10.
 *
 *     bight_http_use_compression(site, NULL);
 *
 * The coding is gzip, by zlib (the Meson feature `zlib`). An answer that holds a secret beside what an attacker can
 * choose must not be compressed: its size then tells the secret, byte by byte (BREACH). docs/http_compression.md says
 * which answers those are; bight_http_respond_no_compression is for them. */
#ifndef BIGHT_PROTOCOLS_HTTP_COMPRESSION_H
#define BIGHT_PROTOCOLS_HTTP_COMPRESSION_H

#include <bight/protocols/http_middleware.h>

BIGHT_BEGIN

/* 0, NULL: the default. */
struct bight_http_compression_options {
    size_t size;    /* sizeof(struct bight_http_compression_options) */
    int level;      /* 1, the fastest, to 9, the smallest: 5 */
    uint64_t least; /* bytes of a body that is worth it: 1024 */
    uint64_t most;  /* bytes of a whole body or a file; larger ones go as they are: 8 MiB */
    /* At once, of answers that come piece by piece, of files and of large bodies; with each about 270 KB of memory for
     * the time that it takes. Answers beyond go as they are: 64. */
    uint32_t limit;
    /* Media types, a NULL behind the last: "application/json", "text/" followed by a star for all of text, "+xml" for
     * all that end so; with "!" before it, one that is not compressed. The first that fits counts; what none fits is
     * not compressed. Copied. NULL: what is text, but for text/event-stream, and other types that are known to shrink.
     */
    const char *const *types;
    const void *reserved[4];
};

/* Compresses the site's answers from here on, those of sites mounted in it too: middleware, which is to be added behind
 * that which sets Content-Encoding or Cache-Control. An answer is compressed if
 *
 * - the client accepts gzip, by Accept-Encoding, and prefers nothing else;
 * - its type is one of `types`, its size within the limits, or not known;
 * - it has no Content-Encoding, no Content-Range and no Cache-Control with no-transform, and is not 204, 205, 206 or
 *   304.
 *
 * It has Content-Encoding, a strong ETag becomes a weak one, and Accept-Ranges goes. All that would be compressed for
 * others has `Vary: Accept-Encoding`, too. An answer to HEAD has the same head.
 *
 * Bodies of up to 64 KiB, or with a level from 6 on 4 KiB, are compressed in the call, and go uncompressed where that
 * is not smaller. Larger ones and files are compressed by threads of the reactor's pool while they are sent, chunked.
 * Pieces of a stream are compressed in bight_http_respond_write, and what has been written so far can be read by the
 * client (a flush): small ones shrink little. Where there is no memory for it the answer goes as it is.
 *
 * 0; NOT_SUPPORTED (logged): built without zlib, and nothing is compressed; INVALID_ARGUMENT, a usage error, for a
 * level that is none; OUT_OF_MEMORY: the site then does not serve. */
BIGHT_API int bight_http_use_compression(
    struct bight_http_site *site, const struct bight_http_compression_options *options);

/* The answer to come is not compressed. */
BIGHT_API void bight_http_respond_no_compression(struct bight_http_request *request);

BIGHT_END

#endif
