/* SPDX-License-Identifier: MIT */
/* Tests of reading one answer (protocols/http/client/response_reader.c): what it is in the end, however it is cut. */
#include "http/client/response_reader.h"

#include "support.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* A whole answer, or why there is none. `ends`: the connection ends behind it. */
static const struct {
    const char *input;
    enum bi_method asked;
    bool upgrades, ends;
    int status; /* 0: it fails */
    const char *body;
    int code;
} rows[] = {
    { OK "Content-Length: 5\r\n\r\nHello", .status = 200, .body = "Hello" },
    { OK "Content-Length: 0\r\n\r\n", .status = 200, .body = "" },
    { OK "Content-Length: 5\r\n\r\n", .asked = BI_METHOD_HEAD, .status = 200, .body = "" },
    { "HTTP/1.1 204 No Content\r\n\r\n", .status = 204, .body = "" },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", .status = 304, .body = "" },
    { OK "Transfer-Encoding: chunked\r\n\r\n3\r\nHel\r\n2;a=b\r\nlo\r\n0\r\n\r\n", .status = 200, .body = "Hello" },
    { OK "Transfer-Encoding: chunked\r\n\r\n2 \r\nHe\r\n0\r\nX: y\r\n\r\n", .status = 200, .body = "He" },
    { OK "\r\nuntil the end", .ends = true, .status = 200, .body = "until the end" },
    { "HTTP/1.0 200\r\n\r\n", .ends = true, .status = 200, .body = "" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK "Content-Length: 1\r\n\r\n!",
        .status = 200, .body = "!" },
    { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", .upgrades = true, .status = 101,
        .body = "" },
    { OK "X-Folded: a\r\n b\r\nContent-Length: 1\r\n\r\n!", .status = 200, .body = "!" },

    { "", .ends = true, .code = BIGHT_E_INCOMPLETE },
    { OK "Content-Length: 5\r\n\r\nHell", .ends = true, .code = BIGHT_E_INCOMPLETE },
    { OK "Transfer-Encoding: chunked\r\n\r\n3\r\nHel\r\n", .ends = true, .code = BIGHT_E_INCOMPLETE },
    { OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", .ends = true, .code = BIGHT_E_INCOMPLETE },
    { OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { OK "Transfer-Encoding: chunked\r\n\r\nHello", .code = BIGHT_E_SYNTAX },
    { OK "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { "HTTP/2 200 OK\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { "HTTP/1.1 101 Switching Protocols\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { OK "Content-Length: 21\r\n\r\n", .code = BIGHT_E_TOO_LONG },
    { OK "Content-Length: 18446744073709551615\r\n\r\n", .code = BIGHT_E_SYNTAX },
    { OK "Transfer-Encoding: chunked\r\n\r\n15\r\n0123456789abcdef01234\r\n", .code = BIGHT_E_TOO_LONG },
    { OK "\r\n0123456789abcdef01234", .code = BIGHT_E_TOO_LONG },
};

static struct bi_response_reader reader;

/* In two pieces, cut at `cut`. */
static void read_row(int row, size_t cut)
{
    const uint8_t *input = (const uint8_t *)rows[row].input;
    size_t size = strlen(rows[row].input);
    bi_response_reader_init(&reader);
    reader.asked = rows[row].asked;
    reader.upgrades = rows[row].upgrades;
    reader.limit = 20;
    size_t used = bi_response_reader_feed(&reader, input, cut);
    used += bi_response_reader_feed(&reader, input + cut, size - cut);
    ck_assert_uint_le(used, size);
    if (rows[row].ends) {
        bi_response_reader_end(&reader);
    }
}

START_TEST(an_answer_is_the_same_however_it_is_cut) /* C5 */
{
    size_t size = strlen(rows[_i].input);
    for (size_t cut = 0; cut <= size; cut++) {
        read_row(_i, cut);
        ck_assert_int_eq(reader.state, rows[_i].status != 0 ? BI_READER_WHOLE : BI_READER_FAILED);
        if (rows[_i].status != 0) {
            struct bight_http_response *response = bi_response_reader_take(&reader);
            ck_assert_int_eq(bight_http_response_status(response), rows[_i].status);
            const struct bight_bytes *body = bight_http_response_body(response);
            ck_assert_uint_eq(bight_bytes_size(body), strlen(rows[_i].body));
            ck_assert_int_eq(memcmp(bight_bytes_data(body), rows[_i].body, strlen(rows[_i].body)), 0);
            bight_http_response_release(response);
        } else {
            ck_assert_int_eq(reader.code, rows[_i].code);
            ck_assert_str_ne(reader.why, "");
        }
        bi_response_reader_finish(&reader);
    }
}
END_TEST

START_TEST(its_fields_are_in_order_and_read_by_name_in_any_case) /* C5 */
{
    static const char input[] = OK "B: 1\r\nA:  two \r\nb: 3\r\nEmpty:\r\nContent-Length: 0\r\n\r\n";
    static const char *const expected[] = { "B", "1", "A", "two", "b", "3", "Empty", "", "Content-Length", "0" };
    const char *name, *value;
    size_t cursor = 0, count = 0;
    bi_response_reader_init(&reader);
    ck_assert_uint_eq(bi_response_reader_feed(&reader, (const uint8_t *)input, sizeof input - 1), sizeof input - 1);
    struct bight_http_response *response = bi_response_reader_take(&reader);
    while (bight_http_response_next_field(response, &cursor, &name, &value)) {
        ck_assert_str_eq(name, expected[count++]);
        ck_assert_str_eq(value, expected[count++]);
    }
    ck_assert_uint_eq(count, sizeof expected / sizeof *expected);
    ck_assert_str_eq(bight_http_response_field(response, "a"), "two");
    ck_assert_ptr_null(bight_http_response_field(response, "none"));
    bight_http_response_release(response);
    bi_response_reader_finish(&reader);
}
END_TEST

START_TEST(interim_responses_have_a_limit) /* C5 */
{
    static const char interim[] = "HTTP/1.1 102 Processing\r\n\r\n";
    bi_response_reader_init(&reader);
    for (int i = 0; i < BI_RESPONSE_DEFAULT_INTERIM; i++) {
        (void)bi_response_reader_feed(&reader, (const uint8_t *)interim, sizeof interim - 1);
        ck_assert_int_eq(reader.state, BI_READER_UNFINISHED);
    }
    (void)bi_response_reader_feed(&reader, (const uint8_t *)interim, sizeof interim - 1);
    ck_assert_int_eq(reader.code, BIGHT_E_TOO_LONG);
    bi_response_reader_finish(&reader);
}
END_TEST

START_TEST(a_head_that_has_no_end_fails_at_its_limit) /* C5 */
{
    static const char line[] = "X-Filling: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    bi_response_reader_init(&reader);
    (void)bi_response_reader_feed(&reader, (const uint8_t *)OK, sizeof OK - 1);
    for (int i = 0; i < 2000 && reader.state == BI_READER_UNFINISHED; i++) {
        (void)bi_response_reader_feed(&reader, (const uint8_t *)line, sizeof line - 1);
    }
    ck_assert_int_eq(reader.code, BIGHT_E_TOO_LONG);
    ck_assert_uint_le(reader.parser.kept.end, BI_HEAD_CEILING + 1);
    bi_response_reader_finish(&reader);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_answer_is_the_same_however_it_is_cut, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, its_fields_are_in_order_and_read_by_name_in_any_case);
    tcase_add_test(tests, interim_responses_have_a_limit);
    tcase_add_test(tests, a_head_that_has_no_end_fails_at_its_limit);
}

BIGHT_TEST_MAIN("http_response_reader", add_tests)
