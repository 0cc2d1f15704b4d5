/* SPDX-License-Identifier: MIT */
/* Tests of how much of a body is decoded (protocols/http/server/decoding.c): in all, in a turn, for a reader that wants
 * no more, from a client that sends slowly. */
#include "decode_support.h"

#define TURN (262144 + 16384) /* bytes that one makes at most */

/* ------------------------------------------------------------------------------------------------- limits */

START_TEST(the_limit_is_of_what_it_stands_for) /* A4, H3 */
{
    static const char *const targets[] = { "/collect", "/read", "/consume", "/save" };
    begin();
    pack_zeros((1 << 20) + (_i % 2)); /* 1 MiB is the site's */
    ck_assert_uint_lt(body_size, 2000);
    send_coded(targets[_i / 2], LENGTH, GZIP, SIZE_MAX / 2);
    (void)work();
    check_status(take_answer(), _i % 2 == 0 ? "200" : "413");
    ck_assert_int_eq(failed, _i % 2 == 0 ? 0 : BIGHT_E_TOO_LONG);
    ck_assert_uint_eq(count_files(), _i == 6);
    end();
}
END_TEST

START_TEST(of_a_bomb_no_more_is_made_than_is_allowed) /* A4, H3 */
{
    begin();
    limit = 100000;
    pack_zeros(64 << 20);
    send_coded("/consume", CHUNKED, GZIP, SIZE_MAX / 2);
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    ck_assert_uint_le(received, 100000);
    check_status(take_answer(), "413");
    end();
}
END_TEST

START_TEST(the_limit_is_of_what_comes_as_well) /* A4, H3 */
{
    begin();
    limit = 1000;
    body_size = 0;
    for (unsigned i = 0; i < 100; i++) {
        pack("", 0); /* 20 bytes for nothing */
    }
    send_coded("/collect", CHUNKED, GZIP, 100);
    check_status(take_answer(), "413");
    bight_string_peer_free(peer);
    connect_peer();
    check_status(post("/collect"), "413"); /* by its length alone */
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- how much at a time */

static void tick(void *context)
{
    (void)context;
    most_in_turn = in_turn > most_in_turn ? in_turn : most_in_turn;
    in_turn = 0;
    if (ticks) {
        ck_assert_int_eq(bight_call_later(reactor, 0, tick, NULL, NULL), 0);
    }
}

START_TEST(a_turn_makes_so_much_and_the_next_ones_the_rest) /* A4 */
{
    begin();
    limit = UINT64_MAX;
    pack_zeros(LARGE);
    ticks = true;
    tick(NULL);
    send_coded("/consume", _i == 0 ? LENGTH : CHUNKED, GZIP, SIZE_MAX / 2);
    settle();
    check_status(take_answer(), "200");
    ck_assert_uint_eq(received, LARGE);
    ck_assert_uint_gt(most_in_turn, 0);
    ck_assert_uint_le(most_in_turn, TURN);
    end();
}
END_TEST

START_TEST(who_wants_no_more_gets_no_more) /* A4 */
{
    begin();
    limit = UINT64_MAX;
    stops_at = 100000;
    pack_zeros(LARGE);
    send_coded("/consume", LENGTH, GZIP, SIZE_MAX / 2);
    settle();
    size_t before = received;
    ck_assert_uint_lt(before, 100000 + 65536);
    ck_assert_str_eq(take_answer(), "");
    bight_testing_advance(reactor, 100); /* its client is not to blame */
    ck_assert_uint_eq(received, before);
    stops_at = SIZE_MAX;
    bight_http_request_resume(kept);
    settle();
    ck_assert_uint_eq(received, LARGE);
    check_status(take_answer(), "200");
    end();
}
END_TEST

START_TEST(a_reader_gets_no_more_than_it_wants) /* A4 */
{
    begin();
    wanted = 100;
    pack_zeros(100000);
    check_status(post("/read"), "200");
    ck_assert_uint_eq(received, 100000);
    ck_assert_uint_ge(pieces, 1000);
    end();
}
END_TEST

/* As a client does that waits for an answer to what it has sent so far. */
static void pack_flushed(size_t size)
{
    struct bi_deflater *deflater = bi_deflater_new(9);
    void *zeros = calloc(1, size);
    struct bi_view rest = { zeros, size };
    bool done;
    bi_deflater_begin(deflater);
    body_size = bi_deflater_write(deflater, &rest, BI_DEFLATE_FLUSH, body, sizeof body, &done);
    ck_assert(done);
    bi_deflater_free(deflater);
    free(zeros);
}

START_TEST(all_that_has_come_is_decoded_without_waiting_for_more) /* A4 */
{
    static const char *const targets[] = { "/consume", "/read" };
    begin();
    limit = UINT64_MAX;
    pack_flushed(1 << 20);
    char head[200];
    (void)snprintf(
        head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n" GZIP "Content-Length: 100000\r\n\r\n", targets[_i]);
    say(head);
    (void)bight_string_feed(peer, body, body_size);
    settle();
    ck_assert_uint_eq(received, 1 << 20);
    end();
}
END_TEST

START_TEST(one_that_trickles_is_408_whatever_it_stands_for) /* H3 */
{
    begin();
    limit = UINT64_MAX;
    pack_zeros(LARGE);
    say("POST /consume HTTP/1.1\r\nHost: x\r\n" GZIP "Content-Length: 100000\r\n\r\n");
    for (size_t at = 0; at < 25 && !is_over(); at++) {
        (void)bight_string_feed(peer, body + at * 100, 100); /* 100 kB a second */
        bight_testing_advance(reactor, 1);
    }
    ck_assert_uint_gt(received, 1000000);
    check_status(take_answer(), "408");
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ stopping anywhere */

#define LINES 30000

static uint32_t state; /* of the numbers that decide */
static const char *expected;
static size_t expected_size;

static uint32_t draw(uint32_t below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static bool compare(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)context;
    ck_assert_uint_le(received + size, expected_size);
    ck_assert(memcmp(expected + received, data, size) == 0);
    received += size;
    kept = request;
    return draw(3) > 0;
}

static const struct bight_http_consumer comparing = {
    .size = sizeof comparing, .data = compare, .end = consume_end, .failed = consume_failure
};

static const struct bight_http_form_consumer comparing_parts = {
    .size = sizeof comparing_parts, .data = compare, .end = consume_end, .failed = consume_failure
};

static void compare_body(struct bight_http_request *request, void *context)
{
    bool is_form = bight_http_request_field(request, "content-type") != NULL;
    (void)context;
    bight_http_request_decode(request);
    ck_assert_int_eq(is_form ? bight_http_request_multipart(request, &comparing_parts, NULL)
                             : bight_http_request_consume(request, 0, &comparing, NULL),
        0);
}

/* Lines, and now and then a stretch of nothing, which shrinks to next to nothing. */
static char *draw_text(size_t *size)
{
    char *drawn = calloc(1, (size_t)LINES * 16 + 1);
    *size = 0;
    while (*size < (size_t)LINES * 15) {
        *size += draw(500) == 0 ? draw(100000) % ((size_t)LINES * 16 - *size)
                                : (size_t)sprintf(drawn + *size, "%x\n", draw(1 << 20));
    }
    return drawn;
}

/* As it is, or as the only part of a form. */
static void pack_drawn(const char *drawn, size_t size, bool is_form)
{
    static const char head[] = "--b\r\nContent-Disposition: form-data; name=\"one\"; filename=\"one\"\r\n\r\n";
    static const char behind[] = "\r\n" END;
    body_size = 0;
    if (is_form) {
        pack(head, sizeof head - 1);
    }
    pack(drawn, size);
    if (is_form) {
        pack(behind, sizeof behind - 1);
    }
}

START_TEST(who_stops_and_resumes_anywhere_gets_all_of_it_in_order) /* A4 */
{
    begin();
    add_route("/compare", compare_body);
    state = (uint32_t)_i;
    char *drawn = draw_text(&expected_size);
    expected = drawn;
    pack_drawn(drawn, expected_size, _i % 2 == 1);
    send_coded("/compare", draw(2) == 0 ? LENGTH : CHUNKED, _i % 2 == 1 ? "Content-Type: " MULTIPART "\r\n" GZIP : GZIP,
        1 + draw(30000));
    say(BEHIND);
    while (kept != NULL) {
        bight_http_request_resume(kept);
        settle();
    }
    ck_assert_uint_eq(received, expected_size);
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    free(drawn);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, the_limit_is_of_what_it_stands_for, 0, 8);
    tcase_add_test(tests, of_a_bomb_no_more_is_made_than_is_allowed);
    tcase_add_test(tests, the_limit_is_of_what_comes_as_well);
    tcase_add_loop_test(tests, a_turn_makes_so_much_and_the_next_ones_the_rest, 0, 2);
    tcase_add_test(tests, who_wants_no_more_gets_no_more);
    tcase_add_test(tests, a_reader_gets_no_more_than_it_wants);
    tcase_add_loop_test(tests, all_that_has_come_is_decoded_without_waiting_for_more, 0, 2);
    tcase_add_loop_test(tests, who_stops_and_resumes_anywhere_gets_all_of_it_in_order, 0, 40);
    tcase_add_test(tests, one_that_trickles_is_408_whatever_it_stands_for);
}

BIGHT_TEST_MAIN("http_request_decode_flow", add_tests)
