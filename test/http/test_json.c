/* SPDX-License-Identifier: MIT */
/* Tests of bodies that are JSON (protocols/http/server/json.c): what is read, what is refused and in which words, and
 * how values are written. */
#include <jansson.h>

#include "http/coding/gzip.h"
#include "site_support.h"

#define POST(target, more, body) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n" body
#define TYPE "Content-Type: application/json\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_promise promise;
static int code;

static void answer_with(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        code = bight_failure_code(failure);
        (void)bight_http_respond_failure(context, failure);
    } else {
        ck_assert_ptr_eq(result->type, &bight_type_json);
        (void)bight_http_respond_json(context, 200, bight_result_take(result, &bight_type_json));
    }
}

static void echo(struct bight_http_request *request, void *context)
{
    struct bight_deferred *reading = bight_http_request_json(request, 0);
    (void)context;
    if (bight_deferred_add_both(reading, answer_with, request) != BIGHT_OK) {
        bight_deferred_cancel(reading);
    }
    bight_deferred_release(reading);
}

static void echo_later(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_http_request_json(request, 20));
}

static void wait_for(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_deferred_new(&promise, NULL, NULL));
}

static json_t *make(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

static void begin(void)
{
    code = 0;
    begin_site(NULL);
    add_route("/echo", echo);
    add_route("/later", echo_later);
    add_route("/wait", wait_for);
    connect_peer();
}

/* Posts the text as JSON, and returns the answer. */
static const char *post(const char *text)
{
    static char request[1 << 16];
    (void)snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nHost: x\r\n" TYPE "Content-Length: %zu\r\n\r\n%s",
        strlen(text), text);
    say(request);
    return take_answer();
}

/* ---------------------------------------------------------------------------------------------- reading */

START_TEST(what_is_json_is_read_and_written_as_it_came) /* A11 */
{
    static const char *const texts[] = { "{}", "[]", "null", "true", "0", "-1.5", "\"\"",
        "{\"b\":1,\"a\":[2,{\"c\":\"d\"}]}", "\"\\\"\\\\[[[\"", "\"\xc3\xa4\"", "9223372036854775807" };
    begin();
    const char *answer = post(texts[_i]);
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Type: application/json"));
    ck_assert_str_eq(body_of(answer), texts[_i]);
    end_site();
}
END_TEST

START_TEST(white_space_means_nothing) /* A11 */
{
    begin();
    ck_assert_str_eq(body_of(post(" {\r\n\t\"a\" : [ 1 , 2 ] }\n")), "{\"a\":[1,2]}");
    end_site();
}
END_TEST

static void echo_decoded(struct bight_http_request *request, void *context)
{
    bight_http_request_decode(request);
    echo(request, context);
}

START_TEST(json_in_gzip_is_read_where_there_is_zlib) /* A4, A11 */
{
    static const char coded[] =
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x54\xb2\x8a\x36\xd4\x31\x8a\xad\x05\x00"
        "\x84\xdb\xd6\x17\x0b\x00\x00\x00"; /* {"a":[1,2]} */
    begin();
    add_route("/decoded", echo_decoded);
    say(POST("/decoded", TYPE "Content-Encoding: gzip\r\nContent-Length: 31\r\n", ""));
    (void)bight_string_feed(peer, coded, sizeof coded - 1);
    const char *answer = take_answer();
    ck_assert(has_line(answer, bi_gzip_is_built_in() ? "HTTP/1.1 200 OK" : "HTTP/1.1 415 Unsupported Media Type"));
    ck_assert(!bi_gzip_is_built_in() || strcmp(body_of(answer), "{\"a\":[1,2]}") == 0);
    ck_assert(bi_gzip_is_built_in() || has_line(answer, "Accept-Encoding: identity"));
    end_site();
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_place_and_without_the_clients_words) /* A11 */
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "{\n  \"a\": 1,\n  \"b\": <b>\n}", "the JSON is wrong at line 3, column 8: it is not well-formed\n" },
        { "{\"a\":", "line 1, column 5: it ends too early" },
        { " ", "it ends too early" },
        { "{} {}", "line 1, column 4: there is more behind its end" },
        { "{\"a\":1,\"a\":2}", "a name is there twice" },
        { "\"\xff\"", "it is not UTF-8" },
        { "\"\xc0\x80\"", "it is not UTF-8" },
        { "\"\xed\xa0\x80\"", "it is not UTF-8" },
        { "\"\\u0000\"", "a text holds a NUL" },
        { "{\"a\\u0000\":1}", "NUL" },
        { "9223372036854775808", "a number is out of range" },
        { "1e999", "a number is out of range" },
        { "[1,]", "it is not well-formed" },
        { "01", "it is not well-formed" },
        { "\xef\xbb\xbf{}", "it is not well-formed" },
        { "'a'", "it is not well-formed" },
        { "NaN", "it is not well-formed" },
        { "\"\n\"", "it is not well-formed" },
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *answer = post(rows[i].text);
        ck_assert_msg(has_line(answer, "HTTP/1.1 400 Bad Request"), "%s: %s", rows[i].text, answer);
        ck_assert_msg(strstr(body_of(answer), rows[i].words) != NULL, "%s: %s", rows[i].text, answer);
        ck_assert_ptr_null(strstr(answer, "<b>"));
        ck_assert_int_eq(code, BIGHT_E_HTTP_STATUS);
    }
    end_site();
}
END_TEST

static void nest(char *text, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        text[i] = '[';
        text[depth + i] = ']';
    }
    text[2 * depth] = '\0';
}

START_TEST(nesting_is_64_deep_at_most) /* A11 */
{
    static char text[40000];
    begin();
    nest(text, BIGHT_HTTP_JSON_DEPTH);
    ck_assert_str_eq(body_of(post(text)), text);
    static const size_t depths[] = { BIGHT_HTTP_JSON_DEPTH + 1, 15000 };
    for (size_t i = 0; i < 2; i++) {
        nest(text, depths[i]);
        ck_assert_ptr_nonnull(strstr(body_of(post(text)), "nested too deeply"));
    }
    ck_assert_ptr_nonnull(strstr(body_of(post("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                                              "\",\"\\\"\",\"\\\\\"]")),
        "[[[["));
    end_site();
}
END_TEST

START_TEST(what_has_not_come_whole_is_nothing) /* A11 */
{
    begin();
    say(POST("/echo", TYPE "Content-Length: 7\r\n", "{\"a\""));
    settle();
    ck_assert_str_eq(take_answer(), "");
    say(":1}");
    ck_assert_str_eq(body_of(take_answer()), "{\"a\":1}");
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- types */

START_TEST(the_type_has_to_be_json) /* A11 */
{
    static const struct {
        const char *field;
        bool is_json;
    } rows[] = {
        { "Content-Type: application/json\r\n", true },
        { "content-type: Application/JSON; charset=UTF-8\r\n", true },
        { "Content-Type: application/json;charset=\"utf-8\"\r\n", true },
        { "Content-Type: application/problem+json\r\n", true },
        { "Content-Type: application/json; charset=iso-8859-1\r\n", false },
        { "Content-Type: application/json; charset=utf-16le-bom\r\n", false },
        { "Content-Type: text/plain\r\n", false },
        { "Content-Type: application/x-www-form-urlencoded\r\n", false },
        { "Content-Type: application/jsonp\r\n", false },
        { "Content-Type: application/+json\r\n", false },
        { "Content-Type: json\r\n", false },
        { "Content-Type: \r\n", false },
        { "", false },
    };
    char request[512];
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(request, sizeof request, POST("/echo", "%sContent-Length: 2\r\n", "{}"), rows[i].field);
        say(request);
        const char *answer = take_answer();
        ck_assert_msg(has_line(answer, rows[i].is_json ? "HTTP/1.1 200 OK" : "HTTP/1.1 415 Unsupported Media Type"),
            "%s: %s", rows[i].field, answer);
        ck_assert_int_eq(has_line(answer, "Accept: application/json"), !rows[i].is_json);
    }
    ck_assert(!is_over());
    end_site();
}
END_TEST

START_TEST(no_body_is_no_json_whatever_its_type) /* A11 */
{
    begin();
    say(POST("/echo", "", ""));
    ck_assert_ptr_nonnull(strstr(take_answer(), "it ends too early"));
    end_site();
}
END_TEST

START_TEST(a_body_over_the_limit_is_413_and_an_encoded_one_415) /* A4, A11 */
{
    begin();
    say(POST("/later", TYPE "Content-Length: 21\r\n", ""));
    ck_assert(has_line(take_answer(), "HTTP/1.1 413 Content Too Large"));
    bight_string_peer_free(peer);
    connect_peer();
    say(POST("/later", TYPE "Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}"));
    ck_assert_ptr_nonnull(strstr(take_answer(), "the body is encoded"));
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ answers */

START_TEST(a_value_that_comes_later_is_the_answer) /* A2 */
{
    begin();
    say(GET("/wait"));
    ck_assert_int_eq(bight_callback(promise, &bight_type_json, make("{\"a\":[1,null]}")), 0);
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Content-Type: application/json"));
    ck_assert_str_eq(body_of(answer), "{\"a\":[1,null]}");
    end_site();
}
END_TEST

static void answer_nothing(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_respond_json(request, 200, json_pack("{s:s}", "a", NULL)), 0);
}

static void answer_broken(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_respond_json(request, 200, json_stringn_nocheck("\xff", 1)), 0);
}

START_TEST(what_cannot_be_made_or_written_is_500) /* A2 */
{
    begin();
    add_route("/nothing", answer_nothing);
    add_route("/broken", answer_broken);
    say(GET("/nothing"));
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    say(GET("/broken"));
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(other_errors, 2);
    end_site();
}
END_TEST

static void answer_large(struct bight_http_request *request, void *context)
{
    static char text[300000];
    (void)context;
    memset(text, 'x', sizeof text - 1);
    json_t *kept = json_pack("[s,s]", text, "y");
    ck_assert_int_eq(bight_http_respond_json(request, 201, json_incref(kept)), 0);
    ck_assert_uint_eq(json_array_size(kept), 2);
    ck_assert_int_eq(bight_http_respond_json(request, 200, kept), BIGHT_E_USAGE); /* and is taken all the same */
}

START_TEST(a_large_value_is_written_whole) /* A2 */
{
    begin();
    add_route("/large", answer_large);
    say(GET("/large"));
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 201 Created"));
    ck_assert(has_line(answer, "Content-Length: 300007"));
    ck_assert_uint_eq(strlen(body_of(answer)), 300007);
    ck_assert_str_eq(body_of(answer) + 300000, "x\",\"y\"]");
    end_site();
}
END_TEST

START_TEST(a_response_takes_a_value) /* A2 */
{
    struct bight_http_response *response = bight_http_response_new(200);
    ck_assert(bight_http_has_json());
    ck_assert_int_eq(bight_http_response_take_json(response, make("[1]")), 0);
    ck_assert_str_eq(bight_http_response_field(response, "content-type"), "application/json");
    ck_assert_int_eq(memcmp(bight_bytes_data(bight_http_response_body(response)), "[1]", 3), 0);
    ck_assert_int_eq(bight_http_response_take_json(response, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_response_take_json(NULL, make("[1]")), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(
        bight_http_response_take_json(response, json_stringn_nocheck("\xff", 1)), BIGHT_E_INVALID_ARGUMENT);
    bight_http_response_release(response);
}
END_TEST

START_TEST(a_value_that_nobody_wants_any_more_is_destroyed) /* A3, D31 */
{
    begin();
    say(GET("/wait"));
    bight_string_reset(peer, 0);
    (void)bight_callback(promise, &bight_type_json, make("{}"));
    say(POST("/echo", TYPE "Content-Length: 2\r\n", "{"));
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- no memory */

/* The value whole, or none of it. */
static bool echo_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/echo", echo, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *answer = say(context);
        bool is_answered = answer != NULL && strstr(answer, " 200 ") != NULL;
        good = is_answered ? strlen(body_of(answer)) == 5003 : bight_testing_fault_injected();
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(every_allocation_of_ours_may_fail) /* A11, T6 */
{
    static char sent[8000];
    int size = snprintf(sent, sizeof sent, POST("/echo", TYPE "Content-Length: 5003\r\n", "[\""));
    memset(sent + size, 'x', 4999);
    strcpy(sent + size + 4999, "\"]");
    ck_assert_uint_eq(bight_testing_with_faults(echo_without_memory, sent, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_is_json_is_read_and_written_as_it_came, 0, 11);
    tcase_add_test(tests, white_space_means_nothing);
    tcase_add_test(tests, json_in_gzip_is_read_where_there_is_zlib);
    tcase_add_test(tests, what_is_wrong_is_told_with_its_place_and_without_the_clients_words);
    tcase_add_test(tests, nesting_is_64_deep_at_most);
    tcase_add_test(tests, what_has_not_come_whole_is_nothing);
    tcase_add_test(tests, the_type_has_to_be_json);
    tcase_add_test(tests, no_body_is_no_json_whatever_its_type);
    tcase_add_test(tests, a_body_over_the_limit_is_413_and_an_encoded_one_415);
    tcase_add_test(tests, a_value_that_comes_later_is_the_answer);
    tcase_add_test(tests, what_cannot_be_made_or_written_is_500);
    tcase_add_test(tests, a_large_value_is_written_whole);
    tcase_add_test(tests, a_response_takes_a_value);
    tcase_add_test(tests, a_value_that_nobody_wants_any_more_is_destroyed);
    tcase_add_test(tests, every_allocation_of_ours_may_fail);
}

BIGHT_TEST_MAIN("http_json", add_tests)
