/* SPDX-License-Identifier: MIT */
/* Tests of the chunked coding (protocols/http/message/chunked.h): rows of bytes, bodies and ends. */
#include "http/message/chunked.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "edge.h"
#include "support.h"

struct row {
    const char *bytes;
    const char *body;
    const char *end; /* `partial`, `end` and what is left, or why it is refused; with ~ before it if tolerated */
};

struct heard {
    char body[1024];
    size_t size;
    enum bi_chunked_result result;
    size_t left;
};

/* Feeds what lies in the copy, until the decoder has no more use for it. */
static void feed(struct bi_chunked *decoder, struct heard *heard, const char *part, size_t size)
{
    const uint8_t *bytes = edge_copy(part, size), *data = NULL;
    const uint8_t *end = bytes + size;
    size_t data_size = 0;
    while ((heard->result = bi_chunked_next(decoder, &bytes, &size, &data, &data_size)) == BI_CHUNKED_DATA) {
        ck_assert_uint_gt(data_size, 0);
        ck_assert_uint_le(heard->size + data_size, sizeof heard->body);
        memcpy(heard->body + heard->size, data, data_size);
        heard->size += data_size;
    }
    ck_assert_ptr_eq(bytes + size, end);
    ck_assert(heard->result != BI_CHUNKED_PARTIAL || size == 0);
    heard->left = size;
}

static void judge(const struct row *row, const struct bi_chunked *decoder, const struct heard *heard, size_t left)
{
    char end[256];
    const char *tolerated = decoder->tolerated ? "~" : "";
    if (heard->result == BI_CHUNKED_PARTIAL) {
        snprintf(end, sizeof end, "%spartial", tolerated);
    } else if (heard->result == BI_CHUNKED_END) {
        snprintf(end, sizeof end, "%send %zu", tolerated, heard->left + left);
    } else {
        snprintf(end, sizeof end, "%s%s", tolerated, decoder->why);
    }
    ck_assert_msg(strcmp(end, row->end) == 0, "%s\nis\n%s\nnot\n%s", row->bytes, end, row->end);
    ck_assert_msg(heard->size == strlen(row->body) && memcmp(heard->body, row->body, heard->size) == 0, "%s: %.*s",
        row->bytes, (int)heard->size, heard->body);
}

/* In pieces of `first` bytes, then of `then` bytes each. */
static void check_pieces(const struct row *row, bool tolerant, size_t first, size_t then)
{
    struct bi_chunked decoder;
    struct heard heard = { .result = BI_CHUNKED_PARTIAL };
    size_t size = strlen(row->bytes), at = 0;
    memset(&decoder, 0xa5, sizeof decoder);
    bi_chunked_begin(&decoder, tolerant);
    for (size_t piece = first; at < size && heard.result == BI_CHUNKED_PARTIAL; piece = then) {
        piece = piece < size - at ? piece : size - at;
        feed(&decoder, &heard, row->bytes + at, piece);
        at += piece;
    }
    judge(row, &decoder, &heard, size - at);
}

static void check_row(const struct row *row, bool tolerant)
{
    size_t size = strlen(row->bytes);
    check_pieces(row, tolerant, size, size);
    check_pieces(row, tolerant, 1, 1);
    for (size_t first = 1; first < size; first++) {
        check_pieces(row, tolerant, first, size);
    }
}

#define CHECK(rows, tolerant)                               \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) \
    check_row(&rows[i], tolerant)

static const struct row in_order[] = {
    { "0\r\n", "", "end 0" },
    { "0\r\n\r\nGET", "", "end 5" },
    { "5\r\nhello\r\n0\r\n\r\n", "hello", "end 2" },
    { "2\r\nhe\r\n3\r\nllo\r\n000\r\na: b\r\n", "hello", "end 6" },
    { "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n", "01234567890123456789", "end 0" },
    { "0000000000000005\r\nhello\r\n0\r\n", "hello", "end 0" },
    { "2\r\n\r\n\r\n0\r\n", "\r\n", "end 0" },
    { "1;a=b\r\nx\r\n0;c\r\n", "x", "end 0" },
    { "1;a=\"\xc3\xa9;\t \"\r\nx\r\n0\r\n", "x", "end 0" },
    { "1;\r\nx\r\n0\r\n", "x", "end 0" },
    { "ffffffffffffffff\r\nall", "all", "partial" },
    { "5\r\nhel", "hel", "partial" },
    { "5\r\nhello", "hello", "partial" },
    { "5", "", "partial" },
    { "5;a", "", "partial" },
};

#define HEXADECIMAL "a chunk's size that is not hexadecimal"
#define NONE "a chunk without a size"
#define DATA "a chunk without CRLF behind its data"

static const struct row refused[] = {
    { "\r\n", "", NONE },
    { "\n", "", NONE },
    { ";a\r\n", "", NONE },
    { " 5\r\n", "", NONE },
    { "-5\r\n", "", NONE },
    { "+5\r\n", "", NONE },
    { "x5\r\n", "", NONE },
    { "g\r\n", "", NONE },
    { "0x5\r\n", "", HEXADECIMAL },
    { "5_0\r\n", "", HEXADECIMAL },
    { "5 \r\n", "", HEXADECIMAL },
    { "5\t\r\n", "", HEXADECIMAL },
    { "5 ;a\r\n", "", HEXADECIMAL },
    { "5,\r\n", "", HEXADECIMAL },
    { "5.0\r\n", "", HEXADECIMAL },
    { "5g\r\n", "", HEXADECIMAL },
    { "00000000000000005\r\n", "", "a chunk's size of more than 16 digits" },
    { "10000000000000000\r\n", "", "a chunk's size of more than 16 digits" },
    { "5\nhello", "", "a bare LF behind a chunk's size" },
    { "5\rhello", "", "a bare CR behind a chunk's size" },
    { "5\r\rhello", "", "a bare CR behind a chunk's size" },
    { "5;a\nhello", "", "a control character in a chunk extension" },
    { "5;a\rhello", "", "a bare CR behind a chunk's size" },
    { "5;a=\"\n\"\r\nhello", "", "a control character in a chunk extension" },
    { "5;a=\"\r\"\r\nhello", "", "a bare CR behind a chunk's size" },
    { "5;\x01\r\nhello", "", "a control character in a chunk extension" },
    { "5;\x7f\r\nhello", "", "a control character in a chunk extension" },
    { "5\r\nhello0\r\n", "hello", DATA },
    { "5\r\nhello\n0\r\n", "hello", DATA },
    { "5\r\nhello\r0\r\n", "hello", DATA },
    { "5\r\nhello!\r\n", "hello", DATA },
    { "5\r\nhello\r\n\r\n0\r\n", "hello", NONE },
    { "0\n\r\n", "", "a bare LF behind a chunk's size" },
    { "0\r\r\n", "", "a bare CR behind a chunk's size" },
};

static const struct row tolerated[] = {
    { "5 \r\nhello\r\n0\t\r\n", "hello", "~end 0" },
    { "5 \t ;a\r\nhello\r\n0\r\n", "hello", "~end 0" },
    { "5\r\nhello\r\n0\r\n", "hello", "end 0" },
    { " 5\r\n", "", NONE },
    { "5 5\r\n", "", "~" HEXADECIMAL },
    { "5 \n", "", "~a bare LF behind a chunk's size" },
    { "5\nhello", "", "a bare LF behind a chunk's size" },
    { "5\v\r\n", "", HEXADECIMAL },
};

START_TEST(chunks_are_a_body) /* H1 */
{
    CHECK(in_order, false);
}
END_TEST

START_TEST(chunks_out_of_order_are_refused) /* H2 */
{
    CHECK(refused, false);
}
END_TEST

START_TEST(white_space_behind_a_size_is_tolerated_in_responses) /* C5 */
{
    CHECK(tolerated, true);
}
END_TEST

START_TEST(a_nul_is_refused_in_an_extension) /* H2 */
{
    struct bi_chunked decoder;
    struct heard heard = { .result = BI_CHUNKED_PARTIAL };
    bi_chunked_begin(&decoder, true);
    feed(&decoder, &heard, "5;\0\r\n", 5);
    ck_assert_int_eq(heard.result, BI_CHUNKED_REFUSED);
    ck_assert_str_eq(decoder.why, "a control character in a chunk extension");
}
END_TEST

/* `bytes` of extensions, in chunks of one byte each. */
static enum bi_chunked_result result_of_extensions(size_t bytes, char filling, bool tolerant)
{
    struct bi_chunked decoder;
    struct heard heard = { .result = BI_CHUNKED_PARTIAL };
    bi_chunked_begin(&decoder, tolerant);
    while (bytes > 0 && heard.result == BI_CHUNKED_PARTIAL) {
        char line[1000];
        size_t part = bytes < 900 ? bytes : 900;
        int size = snprintf(line, sizeof line, "1%c%*s\r\nx\r\n", filling, (int)part - 1, "");
        heard.size = 0;
        feed(&decoder, &heard, line, (size_t)size);
        bytes -= part;
    }
    return heard.result;
}

START_TEST(extensions_are_limited_in_all) /* H2 */
{
    ck_assert_int_eq(result_of_extensions(16384, ';', false), BI_CHUNKED_PARTIAL);
    ck_assert_int_eq(result_of_extensions(16385, ';', false), BI_CHUNKED_REFUSED);
    ck_assert_int_eq(result_of_extensions(16384, ' ', true), BI_CHUNKED_PARTIAL);
    ck_assert_int_eq(result_of_extensions(16385, ' ', true), BI_CHUNKED_REFUSED);
}
END_TEST

START_TEST(a_line_is_what_the_decoder_reads)
{
    static const uint64_t sizes[] = { 0, 1, 9, 10, 15, 16, 255, 4096, 0xdeadbeef, UINT64_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char line[BI_CHUNK_LINE + 1], expected[32];
        line[bi_chunk_line(line, sizes[i])] = '\0';
        snprintf(expected, sizeof expected, "%" PRIx64 "\r\n", sizes[i]);
        ck_assert_str_eq(line, expected);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, chunks_are_a_body);
    tcase_add_test(tests, chunks_out_of_order_are_refused);
    tcase_add_test(tests, white_space_behind_a_size_is_tolerated_in_responses);
    tcase_add_test(tests, a_nul_is_refused_in_an_extension);
    tcase_add_test(tests, extensions_are_limited_in_all);
    tcase_add_test(tests, a_line_is_what_the_decoder_reads);
}

BIGHT_TEST_MAIN("http_chunked", add_tests)
