/* SPDX-License-Identifier: MIT */
/* chunked.c - a state for each element of the coding, and a function for each state that takes a byte.
 *
 * Lines are short and come once in a chunk, so they are read byte by byte; data are handed out as they lie. */
#include "http/message/chunked.h"

#include <string.h>

#include "http/message/escape.h"
#include "http/message/tokens.h"

enum state {
    SIZE,      /* digits */
    BLANK,     /* white space behind them */
    EXTENSION, /* from `;` to CR */
    SIZE_FEED, /* the LF behind a size */
    DATA,
    DATA_RETURN,
    DATA_FEED,
    ENDED,
    REFUSED,
};

#define MAX_DIGITS 16

void bi_chunked_begin(struct bi_chunked *decoder, bool tolerant)
{
    *decoder = (struct bi_chunked) { .state = SIZE, .tolerant = tolerant };
}

static uint8_t refuse(struct bi_chunked *decoder, const char *why)
{
    decoder->why = why;
    return REFUSED;
}

static uint8_t count_extension(struct bi_chunked *decoder, uint8_t state)
{
    if (++decoder->extensions > BI_CHUNKED_MAX_EXTENSIONS) {
        return refuse(decoder, "chunk extensions that are too long");
    }
    return state;
}

/* What may stand behind a size. */
static uint8_t end_size(struct bi_chunked *decoder, uint8_t byte)
{
    if (byte == '\r') {
        return SIZE_FEED;
    }
    if (byte == ';') {
        return count_extension(decoder, EXTENSION);
    }
    if (decoder->tolerant && bi_is(byte, BI_CLASS_SPACE)) {
        decoder->tolerated = true;
        return count_extension(decoder, BLANK);
    }
    return refuse(decoder, byte == '\n' ? "a bare LF behind a chunk's size" : "a chunk's size that is not hexadecimal");
}

static uint8_t take_size(struct bi_chunked *decoder, uint8_t byte)
{
    if (!bi_is(byte, BI_CLASS_HEX)) {
        return decoder->digits > 0 ? end_size(decoder, byte) : refuse(decoder, "a chunk without a size");
    }
    if (++decoder->digits > MAX_DIGITS) {
        return refuse(decoder, "a chunk's size of more than 16 digits");
    }
    decoder->left = decoder->left << 4 | (uint64_t)bi_hex_value(byte);
    return SIZE;
}

static uint8_t take_extension(struct bi_chunked *decoder, uint8_t byte)
{
    if (byte == '\r') {
        return SIZE_FEED;
    }
    if (!bi_is(byte, BI_CLASS_VALUE)) {
        return refuse(decoder, "a control character in a chunk extension");
    }
    return count_extension(decoder, EXTENSION);
}

static uint8_t take_size_feed(struct bi_chunked *decoder, uint8_t byte)
{
    if (byte != '\n') {
        return refuse(decoder, "a bare CR behind a chunk's size");
    }
    return decoder->left > 0 ? DATA : ENDED;
}

static uint8_t take_data_end(struct bi_chunked *decoder, uint8_t byte)
{
    if (byte != (decoder->state == DATA_RETURN ? '\r' : '\n')) {
        return refuse(decoder, "a chunk without CRLF behind its data");
    }
    decoder->digits = 0;
    return decoder->state == DATA_RETURN ? DATA_FEED : SIZE;
}

static uint8_t take_byte(struct bi_chunked *decoder, uint8_t byte)
{
    switch ((enum state)decoder->state) {
    case SIZE:
        return take_size(decoder, byte);
    case BLANK:
        return end_size(decoder, byte);
    case EXTENSION:
        return take_extension(decoder, byte);
    case SIZE_FEED:
        return take_size_feed(decoder, byte);
    case DATA_RETURN:
    case DATA_FEED:
        return take_data_end(decoder, byte);
    case DATA:
    case ENDED:
    case REFUSED:
        break;
    }
    return decoder->state;
}

static enum bi_chunked_result take_data(
    struct bi_chunked *decoder, const uint8_t **bytes, size_t *size, const uint8_t **data, size_t *data_size)
{
    *data = *bytes;
    *data_size = *size < decoder->left ? *size : (size_t)decoder->left;
    *bytes += *data_size;
    *size -= *data_size;
    decoder->left -= *data_size;
    if (decoder->left == 0) {
        decoder->state = DATA_RETURN;
    }
    return BI_CHUNKED_DATA;
}

enum bi_chunked_result bi_chunked_next(
    struct bi_chunked *decoder, const uint8_t **bytes, size_t *size, const uint8_t **data, size_t *data_size)
{
    while (*size > 0 && decoder->state < ENDED) {
        if (decoder->state == DATA) {
            return take_data(decoder, bytes, size, data, data_size);
        }
        decoder->state = take_byte(decoder, **bytes);
        if (decoder->state != REFUSED) {
            ++*bytes;
            --*size;
        }
    }
    return decoder->state == ENDED     ? BI_CHUNKED_END
           : decoder->state == REFUSED ? BI_CHUNKED_REFUSED
                                       : BI_CHUNKED_PARTIAL;
}

void bi_chunked_give_back(struct bi_chunked *decoder, size_t size)
{
    decoder->left += size;
    decoder->state = size > 0 ? DATA : decoder->state;
}

size_t bi_chunk_line(char line[BI_CHUNK_LINE], uint64_t size)
{
    size_t length = 1;
    while (length < 16 && size >> (4 * length) != 0) {
        length++;
    }
    for (size_t i = length; i > 0; i--, size >>= 4) {
        line[i - 1] = "0123456789abcdef"[size & 15];
    }
    memcpy(line + length, "\r\n", 2);
    return length + 2;
}
