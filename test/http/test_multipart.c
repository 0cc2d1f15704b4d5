/* SPDX-License-Identifier: MIT */
/* Tests of bodies in parts (protocols/http/message/multipart.h). */
#include "http/message/multipart.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support.h"

#define HEAD_LIMIT 200
#define FIELD_LIMIT 4
#define LARGE ((size_t)4 << 20)

static struct bi_multipart decoder;
static uint8_t head_bytes[HEAD_LIMIT];
static struct bi_field fields[FIELD_LIMIT];
static char heard[4096];
static size_t heard_size;

static void hear(const char *before, const void *text, size_t size)
{
    ck_assert_uint_lt(heard_size + size + 3, sizeof heard);
    heard_size += (size_t)sprintf(heard + heard_size, "%s%.*s", before, (int)size, (const char *)text);
}

static void hear_head(void)
{
    hear("[", "", 0);
    for (uint16_t i = 0; i < decoder.head.field_count; i++) {
        hear(i > 0 ? "," : "", head_bytes + fields[i].value.at, fields[i].value.size);
    }
    hear("|", "", 0);
}

static void begin(const char *boundary)
{
    heard[heard_size = 0] = '\0';
    ck_assert(bi_multipart_is_boundary(bi_view_of(boundary)));
    bi_multipart_begin(&decoder, bi_view_of(boundary), head_bytes, HEAD_LIMIT, fields, FIELD_LIMIT);
}

/* In pieces of memory of their own. PARTIAL: all of it has been read. */
static enum bi_multipart_result read_all(const char *body, size_t size, size_t piece)
{
    enum bi_multipart_result result = BI_MULTIPART_PARTIAL;
    for (size_t at = 0; at < size && result != BI_MULTIPART_REFUSED; at += piece) {
        size_t come = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(come);
        struct bi_view text = { memcpy(copy, body + at, come), come }, data;
        do {
            result = bi_multipart_next(&decoder, &text, &data);
            if (result == BI_MULTIPART_PART) {
                hear_head();
            } else if (result == BI_MULTIPART_DATA) {
                hear("", data.at, data.size);
            } else if (result == BI_MULTIPART_PART_END) {
                hear("]", "", 0);
            }
        } while (result != BI_MULTIPART_PARTIAL && result != BI_MULTIPART_REFUSED);
        ck_assert(result == BI_MULTIPART_REFUSED || text.size == 0);
        free(copy);
    }
    return result;
}

/* The boundary is "b". `heard` NULL: refused. */
static const struct {
    const char *body, *heard;
    bool ends;
} rows[] = {
    { "--b--", "", true },
    { "--b--\r\n", "", true },
    { "--b\r\nA: 1\r\n\r\nhello\r\n--b--\r\n", "[1|hello]", true },
    { "--b\r\n\r\n\r\n--b--", "[|]", true },
    { "--b\r\nA: 1\r\nB: 2\r\n\r\nx\r\n--b\r\nC: 3\r\n\r\ny\r\n--b--", "[1,2|x][3|y]", true },
    { "before\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--\r\nbehind --b\r\n\r\n--b\r\n", "[1|x]", true },
    { "\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--", "[1|x]", true },
    { "x--b\r\nA: 1\r\n\r\nx\r\n--b--", "", true }, /* it begins no line */
    { "--b\r\nA: 1\r\n\r\n\r\n--\r\n--a\r\n-\r\r\n--b--", "[1|\r\n--\r\n--a\r\n-\r]", true },
    { "--b\r\nA: 1\r\n\r\n--b\n--b--\r\n\r\n--b--", "[1|--b\n--b--\r\n]", true },
    { "--b\r\nA: 1\r\n\r\nx\n--b--", "[1|x\n--b--", false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--b", "[1|x", false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--b-", "[1|x", false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--", "[1|x", false },
    { "--b\r\nA: 1\r\n", "", false },
    { "", "", false },
    { "--b \r\nA: 1\r\n\r\nx\r\n--b--", NULL, false }, /* padding */
    { "--bb\r\nA: 1\r\n\r\nx\r\n--b--", NULL, false },
    { "--b\nA: 1\r\n\r\nx\r\n--b--", NULL, false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--bx\r\n", NULL, false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--b-x", NULL, false },
    { "--b\r\nA: 1\r\n\r\nx\r\n--b\rx", NULL, false },
    { "--b\r\nA: 1\n\r\nx\r\n--b--", NULL, false },
    { "--b\r\nA: 1\r\n folded\r\n\r\nx\r\n--b--", NULL, false },
    { "--b\r\nA : 1\r\n\r\nx\r\n--b--", NULL, false },
    { "--b\r\nno field\r\n\r\nx\r\n--b--", NULL, false },
};

START_TEST(parts_are_the_same_however_the_body_is_cut) /* A11 */
{
    size_t size = strlen(rows[_i].body);
    for (size_t piece = 1; piece <= size + 1; piece++) {
        begin("b");
        enum bi_multipart_result result = read_all(rows[_i].body, size, piece);
        ck_assert_int_eq(result, rows[_i].heard != NULL ? BI_MULTIPART_PARTIAL : BI_MULTIPART_REFUSED);
        ck_assert_int_eq(bi_multipart_has_ended(&decoder), rows[_i].ends);
        if (rows[_i].heard != NULL) {
            ck_assert_str_eq(heard, rows[_i].heard);
        } else {
            ck_assert_ptr_nonnull(decoder.why);
            ck_assert(!decoder.too_large);
        }
    }
}
END_TEST

START_TEST(a_boundary_has_1_to_70_of_its_characters) /* A11 */
{
    char boundary[80];
    memset(boundary, '-', sizeof boundary);
    ck_assert(bi_multipart_is_boundary((struct bi_view) { (const uint8_t *)boundary, 70 }));
    ck_assert(!bi_multipart_is_boundary((struct bi_view) { (const uint8_t *)boundary, 71 }));
    ck_assert(!bi_multipart_is_boundary(bi_view_of("")));
    ck_assert(!bi_multipart_is_boundary(bi_view_of("a ")));
    ck_assert(bi_multipart_is_boundary(bi_view_of("a b")));
    for (int byte = 0; byte < 256; byte++) {
        uint8_t text[] = { (uint8_t)byte, 'a' };
        bool may_be = byte != 0 && strchr("'()+_,-./:=? 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "abcdefghijklmnopqrstuvwxyz",
                                       byte) != NULL;
        ck_assert_int_eq(bi_multipart_is_boundary((struct bi_view) { text, 2 }), may_be);
    }
}
END_TEST

START_TEST(the_longest_boundary_is_found) /* A11 */
{
    char boundary[71], body[512];
    memset(boundary, '-', 70);
    boundary[70] = '\0';
    int size = snprintf(body, sizeof body, "--%s\r\nA: 1\r\n\r\n\r\n--%.69s\r\n--%s--", boundary, boundary, boundary);
    for (size_t piece = 1; piece <= (size_t)size; piece++) {
        char expected[128];
        begin(boundary);
        ck_assert_int_eq(read_all(body, (size_t)size, piece), BI_MULTIPART_PARTIAL);
        (void)snprintf(expected, sizeof expected, "[1|\r\n--%.69s]", boundary);
        ck_assert_str_eq(heard, expected);
    }
}
END_TEST

START_TEST(a_head_is_limited_in_bytes_and_fields) /* A11 */
{
    char body[1024];
    int size = _i == 0 ? snprintf(body, sizeof body, "--b\r\nA: %0200d\r\n\r\nx\r\n--b--", 1)
                       : snprintf(body, sizeof body, "--b\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\nx\r\n--b--");
    for (size_t piece = 1; piece <= (size_t)size; piece++) {
        begin("b");
        ck_assert_int_eq(read_all(body, (size_t)size, piece), BI_MULTIPART_REFUSED);
        ck_assert(decoder.too_large);
        ck_assert_str_eq(heard, "");
    }
}
END_TEST

START_TEST(what_is_around_the_parts_is_limited) /* A11 */
{
    static char body[2 * BI_MULTIPART_MAX_AROUND];
    static const char parts[] = "\r\n--b--";
    for (size_t around = BI_MULTIPART_MAX_AROUND - 10; around < BI_MULTIPART_MAX_AROUND + 10; around++) {
        bool before = _i == 0;
        memset(body, 'x', sizeof body);
        memcpy(body + (before ? around : 0), parts, sizeof parts - 1);
        begin("b");
        enum bi_multipart_result whole = read_all(body, around + sizeof parts - 1, sizeof body);
        begin("b");
        ck_assert_int_eq(read_all(body, around + sizeof parts - 1, 7), whole);
        ck_assert(around < BI_MULTIPART_MAX_AROUND - 2 ? whole == BI_MULTIPART_PARTIAL
                                                       : around <= BI_MULTIPART_MAX_AROUND || decoder.too_large);
    }
}
END_TEST

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What looks most like the delimiter, again and again; reading twice the bytes must not take four times as long. The
 * bound is far from what it takes, and from what the square would. */
START_TEST(searching_takes_linear_time) /* A11 */
{
    static const char *const patterns[] = { "\r", "\r\n",
        "\r\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x", "-" };
    char boundary[71];
    char *body = malloc(LARGE);
    size_t size = strlen(patterns[_i]);
    memset(boundary, 'a', 70);
    boundary[70] = '\0';
    for (size_t at = 0; at < LARGE; at++) {
        body[at] = patterns[_i][at % size];
    }
    begin(boundary);
    ck_assert_int_eq(read_all("--", 2, 2), BI_MULTIPART_PARTIAL);
    ck_assert_int_eq(read_all(boundary, 70, 70), BI_MULTIPART_PARTIAL);
    ck_assert_int_eq(read_all("\r\n\r\n", 4, 4), BI_MULTIPART_PARTIAL);
    double before = seconds();
    struct bi_view text = { (const uint8_t *)body, LARGE }, data;
    size_t count = 0;
    while (bi_multipart_next(&decoder, &text, &data) == BI_MULTIPART_DATA) {
        count += data.size;
    }
    ck_assert_uint_ge(count + 4 + 70, LARGE);
    ck_assert(seconds() - before < 2);
    free(body);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, parts_are_the_same_however_the_body_is_cut, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, a_boundary_has_1_to_70_of_its_characters);
    tcase_add_test(tests, the_longest_boundary_is_found);
    tcase_add_loop_test(tests, a_head_is_limited_in_bytes_and_fields, 0, 2);
    tcase_add_loop_test(tests, what_is_around_the_parts_is_limited, 0, 2);
    tcase_add_loop_test(tests, searching_takes_linear_time, 0, 5);
}

BIGHT_TEST_MAIN("http_multipart", add_tests)
