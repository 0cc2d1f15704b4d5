/* SPDX-License-Identifier: MIT */
/* Tests of the heads of requests, and of trailers (protocols/http/message/head.h): rows of bytes and results. */
#include <ctype.h>

#include "heads.h"
#include "support.h"

#define PARTS "a request line that is not of three parts with one space between"
#define METHOD "a method that is no token"
#define VISIBLE "a target with other than visible ASCII characters"
#define VERSION "a version that is not `HTTP/` and two digits"
#define NAME "a field whose name is no token with a colon behind it"
#define CONTROL "a control character"
#define LF "a bare LF"
#define CR "a bare CR"

/* Whole heads. */
static const struct row in_order[] = {
    { "GET / HTTP/1.1\r\n\r\n", "18: GET / 1.1" },
    { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "27: GET / 1.1 Host=[x]" },
    { "GET / HTTP/1.0\r\n\r\n", "18: GET / 1.0" },
    { "GET / HTTP/1.9\r\n\r\n", "18: GET / 1.1" },
    { "PURGE_it /a?b=c;d&e=%20 HTTP/1.1\r\n\r\n", "36: PURGE_it /a?b=c;d&e=%20 1.1" },
    { "!#$%&'*+-.^_`|~09azAZ * HTTP/1.1\r\n\r\n", "36: !#$%&'*+-.^_`|~09azAZ * 1.1" },
    { "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "35: GET http://x/ 1.1 Host=[x]" },
    { "GET /\"<>\\^`{|}~ HTTP/1.1\r\n\r\n", "28: GET /\"<>\\^`{|}~ 1.1" },
    { "GET / HTTP/1.1\r\na:\r\nb: \t \r\nc:d\r\ne:\t f g \t\r\n\r\n", "45: GET / 1.1 a=[] b=[] c=[d] e=[f g]" },
    { "GET / HTTP/1.1\r\na: \x80\xff\tb\r\n\r\n", "27: GET / 1.1 a=[\x80\xff\tb]" },
    { "GET / HTTP/1.1\r\na: :;,\"=\r\n\r\n", "28: GET / 1.1 a=[:;,\"=]" },
    { "GET / HTTP/1.1\r\nHost: a\r\nHOST: b\r\nhOSt: c\r\n\r\n", "45: GET / 1.1 Host=[a] HOST=[b] hOSt=[c]" },
    { "GET / HTTP/1.1\r\nAn-Unknown-Name-Longer-Than-All-Others: 1\r\n\r\n",
        "61: GET / 1.1 An-Unknown-Name-Longer-Than-All-Others=[1]" },
    { "\r\nGET / HTTP/1.1\r\n\r\n", "20: GET / 1.1" },
};

static const struct row partial[] = {
    { "G", "partial" },
    { "\r", "partial" },
    { "\r\n", "partial" },
    { "GET / HTTP/1.1\r\n", "partial" },
    { "GET / HTTP/1.1\r\n\r", "partial" },
    { "GET / HTTP/1.1\r\nHost: x\r\n", "partial" },
    { "no request at \x01 all, but no end either", "partial" },
};

static const struct row start_lines[] = {
    { "GET /\r\n", "400@5 " PARTS },
    { "GET\r\n", "400@3 " PARTS },
    { "GET \r\n", "400@4 " PARTS },
    { "GET  / HTTP/1.1\r\n", "400@4 " PARTS },
    { "GET /  HTTP/1.1\r\n", "400@6 " VERSION },
    { "GET / HTTP/1.1 \r\n", "400@14 something behind the version" },
    { "GET / x HTTP/1.1\r\n", "400@6 " VERSION },
    { "GET\t/ HTTP/1.1\r\n", "400@3 " METHOD },
    { "GET /\tHTTP/1.1\r\n", "400@5 " VISIBLE },
    { "GET /\vHTTP/1.1\r\n", "400@5 " CONTROL },
    { " GET / HTTP/1.1\r\n", "400@0 " METHOD },
    { "G(T / HTTP/1.1\r\n", "400@1 " METHOD },
    { "G\xc3\x89T / HTTP/1.1\r\n", "400@1 " METHOD },
    { "GET: / HTTP/1.1\r\n", "400@3 " METHOD },
    { "GET /\xc3\xa9 HTTP/1.1\r\n", "400@5 " VISIBLE },
    { "GET /\x7f HTTP/1.1\r\n", "400@5 " CONTROL },
    { "GET /# HTTP/1.1\r\n", "400@5 a target with a fragment" },
    { "GET #a HTTP/1.1\r\n", "400@4 a target with a fragment" },
    { "GET / HTTP/2.0\r\n", "505@11 a version other than 1" },
    { "PRI * HTTP/2.0\r\n", "505@11 a version other than 1" },
    { "GET / HTTP/0.9\r\n", "505@11 a version other than 1" },
    { "GET / HTTP/11\r\n", "400@12 " VERSION },
    { "GET / HTTP/1.10\r\n", "400@14 something behind the version" },
    { "GET / HTTP/01.1\r\n", "400@12 " VERSION },
    { "GET / HTTP/1.\r\n", "400@13 " VERSION },
    { "GET / HTTP/1,1\r\n", "400@12 " VERSION },
    { "GET / http/1.1\r\n", "400@6 " VERSION },
    { "GET / HTTPS/1.1\r\n", "400@10 " VERSION },
    { "GET / ICE/1.0\r\n", "400@6 " VERSION },
    { "\n", "400@0 " LF },
    { "\r\n\r\n", "400@2 an empty line in place of a start line" },
    { "\r\n\n", "400@2 " LF },
    { "\nGET / HTTP/1.1\r\n", "400@0 " LF },
    { "\rGET / HTTP/1.1\r\n", "400@0 " CR },
    { "\r\rGET / HTTP/1.1\r\n", "400@0 " CR },
    { "\x16\x03\x01 a TLS client\n", "400@0 " CONTROL },
};

START_TEST(a_head_in_order_is_read_as_it_is) /* H1 */
{
    CHECK_ROWS(in_order, BI_HEAD_REQUEST, &usual_limits);
}
END_TEST

START_TEST(without_an_end_of_line_nothing_is_wrong_yet) /* H1 */
{
    CHECK_ROWS(partial, BI_HEAD_REQUEST, &usual_limits);
}
END_TEST

START_TEST(a_request_line_out_of_order_is_refused) /* H2 */
{
    CHECK_ROWS(start_lines, BI_HEAD_REQUEST, &usual_limits);
}
END_TEST

#define START "GET / HTTP/1.1\r\n"

/* The field's line begins at 16. */
static const struct row ends[] = {
    { START "a: b\n", "400@20 " LF },
    { START "a: b\r\n\n", "400@22 " LF },
    { START "\n", "400@16 " LF },
    { "GET / HTTP/1.1\n", "400@14 " LF },
    { START "a: b\rc\r\n", "400@20 " CR },
    { START "a: b\r\r\n", "400@20 " CR },
    { START "a\r: b\r\n", "400@17 " CR },
    { START "\ra: b\r\n", "400@16 " CR },
    { START "\r\r\n", "400@16 " CR },
    { START "a: b\r\n\rX\r\n", "400@22 " CR },
    { "GET /\r HTTP/1.1\r\n", "400@5 " CR },
    { "GET / HTTP/1.1\r\r\n", "400@14 " CR },
    { "GET / HTTP/1.1\r \n", "400@14 " CR },
    { "GE\rT / HTTP/1.1\r\n", "400@2 " CR },
};

static const struct row fields[] = {
    { WITH_NUL(START "a: b\0c\r\n", "400@20 a NUL") },
    { WITH_NUL(START "a\0: b\r\n", "400@17 a NUL") },
    { WITH_NUL("GET /\0 HTTP/1.1\r\n", "400@5 a NUL") },
    { START "a: \x01\r\n", "400@19 " CONTROL },
    { START "a: \v\r\n", "400@19 " CONTROL },
    { START "a:\fb\r\n", "400@18 " CONTROL },
    { START "a: \x1f\r\n", "400@19 " CONTROL },
    { START "a: \x7f\r\n", "400@19 " CONTROL },
    { START " a: b\r\n", "400@16 white space at the beginning of a line" },
    { START "\ta: b\r\n", "400@16 white space at the beginning of a line" },
    { START " \r\n", "400@16 white space at the beginning of a line" },
    { START "a: b\r\n c\r\n", "400@22 white space at the beginning of a line" },
    { START "a: b\r\n\tc\r\n", "400@22 white space at the beginning of a line" },
    { START "a: b\r\n \r\n", "400@22 white space at the beginning of a line" },
    { START "a : b\r\n", "400@17 white space before a colon" },
    { START "a\t: b\r\n", "400@17 white space before a colon" },
    { START "a b: c\r\n", "400@17 white space before a colon" },
    { START "a\v: b\r\n", "400@17 " CONTROL },
    { START ": b\r\n", "400@16 " NAME },
    { START "a\r\n", "400@17 " NAME },
    { START "a(b): c\r\n", "400@17 " NAME },
    { START "\xc3\xa9: c\r\n", "400@16 " NAME },
    { START "Host\xff: c\r\n", "400@20 " NAME },
    { START "[a]: c\r\n", "400@16 " NAME },
    { START "\"a\": c\r\n", "400@16 " NAME },
};

START_TEST(a_line_ends_with_cr_and_lf_or_is_refused) /* H2 */
{
    CHECK_ROWS(ends, BI_HEAD_REQUEST, &usual_limits);
}
END_TEST

START_TEST(a_field_out_of_order_is_refused) /* H2 */
{
    CHECK_ROWS(fields, BI_HEAD_REQUEST, &usual_limits);
}
END_TEST

/* Every byte at every place of a head that has all kinds of characters in it, by the grammars alone. */
static bool may_stand(const char *head, size_t place, int byte)
{
    const char *line = strchr(head, '\n') + 1, *colon = strchr(line, ':');
    const char *at = head + place;
    bool token = byte != 0 && (strchr("!#$%&'*+-.^_`|~", byte) != NULL || (byte < 0x80 && isalnum(byte)));
    if (at < strchr(head, ' ')) {
        return token;
    }
    if (at > strchr(head, ' ') && at < strchr(head, 'H') - 1) {
        return byte > 0x20 && byte < 0x7f && byte != '#';
    }
    if (at >= line && at < colon) {
        return token || (byte == ':' && at > line);
    }
    return at > colon && at < strchr(line, '\r') && (byte == '\t' || (byte >= 0x20 && byte != 0x7f));
}

#define BEHIND "and as much behind it as anybody looks at in one go"

static void check_byte(size_t place, int byte)
{
    static const char model[] = "Get /path HTTP/1.1\r\nName: some value\r\n\r\n" BEHIND;
    uint8_t *bytes = edge_copy(model, sizeof model - 1);
    struct bi_head head;
    if (byte == model[place] || (place == 17 && byte >= '0' && byte <= '9')) {
        return;
    }
    bytes[place] = (uint8_t)byte;
    begin_head(&head, BI_HEAD_REQUEST, &usual_limits);
    bool legal = bi_head_parse(&head, bytes, sizeof model - 1) == BI_HEAD_WHOLE;
    ck_assert_msg(legal == may_stand(model, place, byte), "%#x at %zu", (unsigned)byte, place);
}

START_TEST(each_byte_is_legal_where_the_grammar_has_it_and_nowhere_else) /* H2 */
{
    for (enum bi_head_means means = 0; means < BI_HEAD_MEANS_COUNT; means++) {
        for (size_t place = 0; bi_head_choose(means) && place < 37; place++) {
            for (int byte = 0; byte < 256; byte++) {
                check_byte(place, byte);
            }
        }
    }
}
END_TEST

/* All readers but the one that reads nothing know these; in front of an inaccessible page, and with more behind them.
 */
START_TEST(paths_that_need_no_second_look_are_known)
{
    static const struct {
        const char *target;
        bool usual;
    } rows[] = { { "/", true }, { "/users/4711/items/17", true }, { "/a?b=%20//../", true }, { "/a/", true },
        { "/%20", false }, { "//", false }, { "/a//b", false }, { "/./a", false }, { "/a/..?b", false },
        { "/.?", false }, { "/a%", false }, { "/a.b/c", true } };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        char text[256];
        struct bi_head head;
        begin_head(&head, BI_HEAD_REQUEST, &usual_limits);
        int size = sprintf(
            text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n%s", rows[i / 2].target, i % 2 ? "GET / HTTP/1.1\r\n" : "");
        ck_assert(bi_head_read_new(&head, edge_copy(text, (size_t)size), (uint32_t)size));
        ck_assert_msg(head.is_usual_path == rows[i / 2].usual, "%s", text);
    }
}
END_TEST

static const char browser[] = "GET /a/b?c=d HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Some/1.0 (of a kind)\r\n"
                              "X-Unknown: yes\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nAccept:\t*/* \r\n"
                              "Upgrade-Insecure-Requests: 1\r\nA-Name-Which-Is-Longer-Than-A-Whole-Vector: \r\n"
                              "Cookie: a=b; c=d\r\nCookie: e=\xc3\xa9\r\nTE:\r\n\r\n" BEHIND;

/* What a reader and head_line.c alone make of the same bytes. */
static void check_reader(enum bi_head_means means, const uint8_t *bytes, size_t size)
{
    static char text[DESCRIPTION], plain[DESCRIPTION];
    struct bi_head head;
    ck_assert(bi_head_choose(BI_HEAD_PLAIN));
    begin_head(&head, BI_HEAD_REQUEST, &usual_limits);
    describe_head(plain, bi_head_parse(&head, bytes, size), &head, bytes);
    ck_assert(bi_head_choose(means));
    begin_head(&head, BI_HEAD_REQUEST, &usual_limits);
    describe_head(text, bi_head_parse(&head, bytes, size), &head, bytes);
    ck_assert_str_eq(text, plain);
}

/* The bytes end soon behind each unusual one: what is looked for next is not there. */
static void check_unusual(enum bi_head_means means, size_t place, uint8_t byte)
{
    static const size_t behind[] = { 1, 2, 3, 7, 15, 31, 63, sizeof browser };
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        size_t size = place + behind[i] < sizeof browser - 1 ? place + behind[i] : sizeof browser - 1;
        uint8_t *bytes = edge_copy(browser, size);
        bytes[place] = byte;
        check_reader(means, bytes, size);
    }
}

START_TEST(readers_of_many_bytes_read_what_the_plain_one_reads) /* H1 */
{
    static const uint8_t unusual[] = "\0\t\n\r :#?\x1f\x7f\x80\xff(aZ-";
    for (enum bi_head_means means = 1; means < BI_HEAD_MEANS_COUNT; means++) {
        for (size_t place = 0; bi_head_choose(means) && place < sizeof browser - 1; place++) {
            check_reader(means, edge_copy(browser, place), place);
            for (size_t i = 0; i < sizeof unusual - 1; i++) {
                check_unusual(means, place, unusual[i]);
            }
        }
    }
}
END_TEST

static const struct bi_head_limits small = { .line = 20, .size = 60, .fields = 3 };

/* GET /aaaaa HTTP/1.1 has 20 bytes with one a more. */
static const struct row limits[] = {
    { "GET /aaaaaa HTTP/1.1\r\n\r\n", "24: GET /aaaaaa 1.1" },
    { "GET /aaaaaaa HTTP/1.1\r\n\r\n", "414@20 a start line that is too long" },
    { "\r\nGET /aaaaaa HTTP/1.1\r\n\r\n", "26: GET /aaaaaa 1.1" },
    { "\r\nGET /aaaaaaa HTTP/1.1\r\n\r\n", "414@22 a start line that is too long" },
    { "(((((((((((((((((((((((((", "414@20 a start line that is too long" },
    { "((((((((((((((((((((((((\r\n", "414@20 a start line that is too long" },
    { "GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", "36: GET / 1.1 a=[1] b=[2] c=[3]" },
    { "GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n", "431@34 too many fields" },
    { "GET / HTTP/1.1\r\na: 123456789012345678901234567890123456789\r\n\r\n", "431@60 a head that is too large" },
    { "GET / HTTP/1.1\r\n(((((((((((((((((((((((((((((((((((((((((((((((((((((((", "431@60 a head that is too large" },
    { "GET / HTTP/1.1\r\na: 1234567890123456789012345678901234567\r\n\r\n",
        "60: GET / 1.1 a=[1234567890123456789012345678901234567]" },
    { "GET / HTTP/1.1\r\na: 12345678901234567890123456789012345678\r\n\r\n", "431@60 a head that is too large" },
};

START_TEST(what_is_too_long_is_refused_before_anybody_reads_it) /* H2, H3 */
{
    CHECK_ROWS(limits, BI_HEAD_REQUEST, &small);
}
END_TEST

static const struct row trailers[] = {
    { "\r\n", "2:" },
    { "a: b\r\n\r\n", "8: a=[b]" },
    { "a: b\r\nc: d\r\n\r\n", "14: a=[b] c=[d]" },
    { "\n", "400@0 " LF },
    { "a: b\n", "400@4 " LF },
    { "a: b\r\n\n", "400@6 " LF },
    { " a: b\r\n", "400@0 white space at the beginning of a line" },
    { "a : b\r\n", "400@1 white space before a colon" },
    { "GET / HTTP/1.1\r\n", "400@3 white space before a colon" },
    { "a: b\r\n c\r\n", "400@6 white space at the beginning of a line" },
    { "\rX\r\n", "400@0 " CR },
    { "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n", "431@18 too many fields" },
    { "a: 123456789012345678901234567890123456789012345678901234567890", "431@60 a head that is too large" },
};

START_TEST(trailers_are_fields_without_a_start_line) /* H2 */
{
    CHECK_ROWS(trailers, BI_HEAD_TRAILERS, &small);
}
END_TEST

START_TEST(known_names_are_found_by_number_and_others_by_text)
{
    static const char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Own: b\r\nhost: c\r\nX-Other: d\r\nx-OWN: e\r\n\r\n";
    const uint8_t *head_bytes = (const uint8_t *)bytes;
    struct bi_head head;
    begin_head(&head, BI_HEAD_REQUEST, &usual_limits);
    ck_assert_int_eq(bi_head_parse(&head, head_bytes, sizeof bytes - 1), BI_HEAD_WHOLE);
    ck_assert_uint_eq(head.first[BI_NAME_HOST], 1);
    ck_assert_uint_eq(head.present, 1 | BI_NAME_BIT(HOST));
    ck_assert_uint_eq(head.repeated, 1 | BI_NAME_BIT(HOST));
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_HOST, NULL, 0, 0), 1);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_HOST, NULL, 0, 1), 3);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_HOST, NULL, 0, 3), 0);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_DATE, NULL, 0, 0), 0);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_OTHER, "x-own", 5, 0), 2);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_OTHER, "x-own", 5, 2), 5);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_OTHER, "x-own", 5, 5), 0);
    ck_assert_uint_eq(bi_head_next(&head, head_bytes, BI_NAME_OTHER, "x-owl", 5, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_head_in_order_is_read_as_it_is);
    tcase_add_test(tests, without_an_end_of_line_nothing_is_wrong_yet);
    tcase_add_test(tests, a_request_line_out_of_order_is_refused);
    tcase_add_test(tests, a_line_ends_with_cr_and_lf_or_is_refused);
    tcase_add_test(tests, a_field_out_of_order_is_refused);
    tcase_add_test(tests, each_byte_is_legal_where_the_grammar_has_it_and_nowhere_else);
    tcase_add_test(tests, paths_that_need_no_second_look_are_known);
    tcase_add_test(tests, readers_of_many_bytes_read_what_the_plain_one_reads);
    tcase_add_test(tests, what_is_too_long_is_refused_before_anybody_reads_it);
    tcase_add_test(tests, trailers_are_fields_without_a_start_line);
    tcase_add_test(tests, known_names_are_found_by_number_and_others_by_text);
}

BIGHT_TEST_MAIN("http_head", add_tests)
