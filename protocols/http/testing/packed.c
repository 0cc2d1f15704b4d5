/* SPDX-License-Identifier: MIT */
/* packed.c - gzip without a compressor (RFC 1951, RFC 1952): a body in blocks that are stored, and zeroes without end.
 *
 * The bomb is one block of fixed codes: a zero, then again and again "the last byte, 258 times", which takes 13 bits.
 * From its third byte on it has a period of 13 bytes. */
#include <string.h>

#include "http/testing/misbehaving.h"

#define STORED 32768 /* bytes of a block */
#define PERIOD 13
#define TIMES 100 /* periods that are repeated as one piece */

static const uint8_t gzip_head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

static uint32_t check(uint32_t sum, uint8_t byte)
{
    sum ^= byte;
    for (int bit = 0; bit < 8; bit++) {
        sum = (sum >> 1) ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return sum;
}

static void put_little(uint8_t *out, uint32_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(number >> (8 * i));
    }
}

static int add_block(struct bi_http_buffer *out, uint64_t seed, uint64_t from, uint32_t size, bool is_last)
{
    uint8_t block[5 + STORED];
    block[0] = is_last;
    put_little(block + 1, size, 2);
    put_little(block + 3, ~size, 2);
    for (uint32_t i = 0; i < size; i++) {
        block[5 + i] = bi_body_byte(seed, from + i);
    }
    return bi_http_buffer_append(out, block, 5 + size);
}

int bi_gzip_body(struct bi_http_buffer *out, uint64_t seed, uint64_t size)
{
    uint8_t end[8];
    uint32_t sum = 0xffffffffu;
    int code = bi_http_buffer_append(out, gzip_head, sizeof gzip_head);
    uint64_t from = 0;
    do {
        uint32_t piece = size - from < STORED ? (uint32_t)(size - from) : STORED;
        code = code != BIGHT_OK ? code : add_block(out, seed, from, piece, from + piece == size);
        from += piece;
    } while (from < size && code == BIGHT_OK);
    for (uint64_t i = 0; i < size && code == BIGHT_OK; i++) {
        sum = check(sum, bi_body_byte(seed, i));
    }
    put_little(end, ~sum, 4);
    put_little(end + 4, (uint32_t)size, 4);
    return code != BIGHT_OK ? code : bi_http_buffer_append(out, end, sizeof end);
}

/* Bits of a stream, the first one lowest. */
static void put_bits(uint8_t *out, size_t *at, const char *bits)
{
    for (; *bits != '\0'; bits++, ++*at) {
        out[*at / 8] |= (uint8_t)((*bits == '1') << (*at % 8));
    }
}

int bi_gzip_bomb(struct bi_http_buffer *beginning, struct bi_http_buffer *repeated)
{
    uint8_t stream[2 + 2 * PERIOD] = { 0 };
    size_t at = 0;
    put_bits(stream, &at, "010" /* not the last block, fixed codes */ "00110000" /* a zero */);
    while (at < 8 * (2 + PERIOD)) {
        put_bits(stream, &at, "11000101" /* 258 times */ "00000" /* the last byte */);
    }
    int code = bi_http_buffer_append(beginning, gzip_head, sizeof gzip_head);
    code = code != BIGHT_OK ? code : bi_http_buffer_append(beginning, stream, 2);
    for (int i = 0; i < TIMES && code == BIGHT_OK; i++) {
        code = bi_http_buffer_append(repeated, stream + 2, PERIOD);
    }
    return code;
}
