/* SPDX-License-Identifier: MIT */
/* Tests of bodies that are decoded (protocols/http/server/decoding.c, encoding.c): by whatever reads them, however they
 * are cut; what is refused; their ends. How much is decoded is test_request_decode_flow.c's, the coding itself
 * test_gzip.c's, bodies that are not decoded test_encoding.c's. */
#include "decode_support.h"

/* ------------------------------------------------------------------------------------------ ways of reading */

START_TEST(whatever_reads_a_body_reads_what_it_stands_for) /* A4 */
{
    static const char *const targets[] = { "/collect", "/read", "/consume", "/save" };
    static const char *const fields[] = { GZIP, "Content-Encoding: X-GZip\r\n",
        "Content-Encoding: identity, gzip\r\n" };
    begin();
    char *lines = pack_lines(5000);
    send_coded(targets[_i], _i % 2 == 0 ? LENGTH : CHUNKED, fields[_i % 3], 1000);
    say(BEHIND);
    (void)work();
    const char *said = take_answer();
    check_status(said, "200");
    ck_assert_uint_eq(received, strlen(lines));
    ck_assert_ptr_nonnull(strstr(said, "\r\n\r\nHello"));
    ck_assert(_i == 3 ? file_holds("file", lines, received)
                      : memcmp(text, lines, received < sizeof text ? received : sizeof text) == 0);
    free(lines);
    end();
}
END_TEST

START_TEST(a_form_is_decoded) /* A4, A11 */
{
    static const char *const bodies[] = { "name=value&other=x", FIELD("name", "value") END };
    static const char *const types[] = { "Content-Type: " URLENCODED "\r\n" GZIP,
        "Content-Type: " MULTIPART "\r\n" GZIP };
    begin();
    pack_text(bodies[_i]);
    send_coded("/form", LENGTH, types[_i], 3);
    check_status(take_answer(), "200");
    ck_assert(memcmp(text, "value", 5) == 0);
    end();
}
END_TEST

START_TEST(a_consumer_of_parts_that_stops_gets_the_rest_later) /* A4, A11 */
{
    begin();
    stops_at = 0; /* behind each piece */
    pack_text(FIELD("one", "first") FIELD("two", "second") END);
    send_coded("/parts", LENGTH, "Content-Type: " MULTIPART "\r\n" GZIP, SIZE_MAX / 2);
    say(BEHIND);
    ck_assert_uint_eq(received, 5);
    for (unsigned i = 0; i < 4 && received < 11; i++) {
        bight_http_request_resume(kept);
        settle();
    }
    ck_assert(memcmp(text, "firstsecond", 11) == 0);
    bight_http_request_resume(kept);
    settle();
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    end();
}
END_TEST

START_TEST(its_length_is_not_known_before) /* A4 */
{
    begin();
    pack_text("Hello");
    check_status(post("/collect"), "200");
    ck_assert_int_eq(announced, -1);
    say("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHello");
    check_status(take_answer(), "200");
    ck_assert_int_eq(announced, 5);
    ck_assert_uint_eq(received, 10);
    end();
}
END_TEST

START_TEST(a_route_can_say_it_for_all_its_requests) /* A4 */
{
    const struct bight_http_route_options options = { .size = sizeof options, .decode = true };
    begin();
    ck_assert_int_eq(bight_http_route_full(site, "/route", collect, NULL, NULL, &options), 0);
    pack_text("Hello");
    check_status(post("/route"), "200");
    ck_assert_str_eq(text, "Hello");
    check_status(post("/plain"), "415");
    end();
}
END_TEST

START_TEST(of_taking_it_as_it_is_and_decoding_the_last_said_counts) /* A4 */
{
    begin();
    pack_text("Hello");
    check_status(post("/last/decoded"), "200");
    ck_assert_uint_eq(received, 5);
    received = 0;
    check_status(post("/last/raw"), "200");
    ck_assert_uint_eq(received, body_size);
    ck_assert(memcmp(text, body, body_size) == 0);
    end();
}
END_TEST

START_TEST(how_it_is_cut_changes_nothing) /* A4, H1 */
{
    static const char *const targets[] = { "/collect", "/read", "/consume" };
    begin();
    wanted = 7;
    pack_text("a body that is cut wherever it can be");
    size_t size = body_size;
    pack(" and another member", strlen(" and another member")); /* several are one body */
    for (size_t cut = 1; cut <= size + 25; cut++) {
        memset(text, 0, sizeof text);
        received = 0;
        send_coded(targets[cut % 3], _i == 0 ? LENGTH : CHUNKED, GZIP, cut);
        settle();
        check_status(take_answer(), "200");
        ck_assert_str_eq(text, "a body that is cut wherever it can be and another member");
    }
    end();
}
END_TEST

START_TEST(nothing_is_a_body_too) /* A4 */
{
    begin();
    body_size = 0;
    send_coded("/collect", CHUNKED, GZIP, 1);
    check_status(take_answer(), "200");
    pack_text("");
    check_status(post("/collect"), "200");
    ck_assert_uint_eq(received, 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- what is refused */

enum damage { CUT, CUT_IN_TRAILER, FLIPPED_SUM, NO_GZIP, BEHIND_IT, BEHIND_ZEROS, DAMAGES };

static void spoil(enum damage damage)
{
    switch (damage) {
    case CUT:
        body_size /= 2;
        break;
    case CUT_IN_TRAILER:
        body_size--;
        break;
    case FLIPPED_SUM:
        body[body_size - 8] ^= 1;
        break;
    case NO_GZIP:
        body[0] = 'x';
        break;
    case BEHIND_IT:
        memcpy(body + body_size, "more", 4);
        body_size += 4;
        break;
    case BEHIND_ZEROS:
    case DAMAGES:
        memset(body + body_size, 0, 512);
        body_size += 512;
        break;
    }
}

START_TEST(what_is_no_gzip_is_400) /* A4 */
{
    static const char *const targets[] = { "/collect", "/read", "/consume", "/save" };
    begin();
    char *lines = pack_lines(200);
    spoil((enum damage)(_i % DAMAGES));
    send_coded(targets[_i / DAMAGES % 4], _i / DAMAGES / 4 == 0 ? LENGTH : CHUNKED, GZIP, 100);
    (void)work();
    const char *said = take_answer();
    check_status(said, "400 ");
    ck_assert(has_line(said, "Connection: close"));
    ck_assert_int_eq(failed, BIGHT_E_SYNTAX);
    ck_assert(is_over());
    ck_assert_uint_eq(count_files(), 0);
    free(lines);
    end();
}
END_TEST

START_TEST(other_codings_and_several_are_415) /* A4 */
{
    static const char *const fields[] = { "Content-Encoding: br\r\n", "Content-Encoding: deflate\r\n",
        "Content-Encoding: gzip, gzip\r\n", GZIP GZIP, "Content-Encoding: br, gzip\r\n",
        "Content-Encoding: gzip, identity, x-gzip\r\n" };
    begin();
    pack_text("Hello");
    send_coded("/collect", LENGTH, fields[_i], SIZE_MAX / 2);
    const char *said = take_answer();
    check_status(said, "415 ");
    ck_assert(has_line(said, "Accept-Encoding: gzip, identity"));
    ck_assert_uint_eq(received, 0);
    end();
}
END_TEST

START_TEST(who_waits_for_100_is_told_to_go_on) /* A4, H5 */
{
    begin();
    pack_text("Hello");
    send_coded("/collect", LENGTH, GZIP "Expect: 100-continue\r\n", SIZE_MAX / 2);
    const char *said = take_answer();
    check_status(said, "100 Continue");
    ck_assert_ptr_nonnull(strstr(said, "HTTP/1.1 200 OK"));
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- its ends */

START_TEST(one_that_is_not_read_is_thrown_away) /* A4, H5 */
{
    begin();
    pack_zeros(LARGE);
    send_coded("/", LENGTH, GZIP, SIZE_MAX / 2);
    say(BEHIND);
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    end();
}
END_TEST

static void answer_in_the_middle(struct bight_http_request *request, void *context)
{
    consume(request, context);
    stops_at = 1;
}

START_TEST(one_that_is_answered_in_its_midst_is_thrown_away) /* A4, H5 */
{
    begin();
    limit = UINT64_MAX;
    add_route("/middle", answer_in_the_middle);
    pack_zeros(LARGE);
    send_coded("/middle", _i == 0 ? LENGTH : CHUNKED, GZIP, SIZE_MAX / 2);
    ck_assert_uint_gt(received, 0);
    (void)bight_http_respond_text(kept, 200, "enough");
    settle();
    say(BEHIND);
    settle();
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    end();
}
END_TEST

START_TEST(it_may_be_aborted_inside) /* A4 */
{
    static const char *const targets[] = { "/consume", "/parts" };
    begin();
    limit = UINT64_MAX;
    aborts = true;
    if (_i == 0) {
        pack_zeros(LARGE);
    } else {
        pack_text(FIELD("one", "first") END);
    }
    send_coded(targets[_i], LENGTH, "Content-Type: " MULTIPART "\r\n" GZIP, SIZE_MAX / 2);
    settle();
    ck_assert_uint_eq(pieces, 1);
    ck_assert(is_over());
    end();
}
END_TEST

START_TEST(the_client_may_leave) /* A3, A4 */
{
    begin();
    limit = UINT64_MAX;
    stops_at = 1;
    pack_zeros(LARGE);
    send_coded("/consume", LENGTH, GZIP, SIZE_MAX / 2);
    if (_i == 0) {
        bight_string_end(peer);
    } else {
        bight_string_reset(peer, 0);
    }
    settle();
    ck_assert_int_ne(failed, 0);
    end();
}
END_TEST

START_TEST(one_that_ends_its_side_is_decoded_to_the_end) /* A3, A4 */
{
    begin();
    limit = UINT64_MAX;
    struct bight_http_site *closing = site;
    site = bight_http_site_new_full(
        &(struct bight_http_site_options) { .size = sizeof(struct bight_http_site_options), .half_close = true });
    add_route("/consume", consume);
    bight_string_peer_free(peer);
    connect_peer();
    pack_zeros(LARGE);
    stops_at = 1;
    send_coded("/consume", LENGTH, GZIP, SIZE_MAX / 2);
    bight_string_end(peer);
    stops_at = SIZE_MAX;
    bight_http_request_resume(kept);
    settle();
    ck_assert_uint_eq(received, LARGE);
    check_status(take_answer(), "200");
    bight_http_site_free(closing);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

/* All of it, or no 200. */
static bool decode_without_memory(void *context)
{
    static const char *const targets[] = { "/collect", "/read", "/parts" };
    size_t whole = *(int *)context == 2 ? 11 : 100000;
    int which = *(int *)context;
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    received = pieces = 0;
    stops_at = which == 2 ? 0 : SIZE_MAX;
    failed = 0;
    kept = NULL;
    int code = bight_http_route(site, "/parts", read_parts, NULL);
    code |= bight_http_route(site, "/collect", collect_decoded, NULL);
    code |= bight_http_route(site, "/read", read_decoded, NULL);
    if (reactor != NULL && code == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        send_coded(targets[which], LENGTH, "Content-Type: " MULTIPART "\r\n" GZIP, 700);
        for (unsigned i = 0; i < 10; i++) {
            if (kept != NULL) {
                bight_http_request_resume(kept);
            }
            (void)bight_testing_settle(reactor, 1000);
        }
        const char *said = bight_string_written_text(peer);
        bool is_200 = said != NULL && strstr(said, " 200 ") != NULL;
        good = is_200 ? received == whole : bight_testing_fault_injected();
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(memory_that_is_refused_is_no_shorter_body) /* A4 */
{
    limit = 0;
    wanted = 65536;
    char *lines = pack_lines(10000);
    body_size = 0;
    pack(lines, 100000);
    free(lines);
    if (_i == 2) {
        pack_text(FIELD("one", "first") FIELD("two", "second") END);
    }
    ck_assert_uint_eq(bight_testing_with_faults(decode_without_memory, &(int) { _i }, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, whatever_reads_a_body_reads_what_it_stands_for, 0, 4);
    tcase_add_loop_test(tests, a_form_is_decoded, 0, 2);
    tcase_add_test(tests, a_consumer_of_parts_that_stops_gets_the_rest_later);
    tcase_add_test(tests, its_length_is_not_known_before);
    tcase_add_test(tests, a_route_can_say_it_for_all_its_requests);
    tcase_add_test(tests, of_taking_it_as_it_is_and_decoding_the_last_said_counts);
    tcase_add_loop_test(tests, how_it_is_cut_changes_nothing, 0, 2);
    tcase_add_test(tests, nothing_is_a_body_too);
    tcase_add_loop_test(tests, what_is_no_gzip_is_400, 0, 8 * DAMAGES);
    tcase_add_loop_test(tests, other_codings_and_several_are_415, 0, 6);
    tcase_add_test(tests, who_waits_for_100_is_told_to_go_on);
    tcase_add_test(tests, one_that_is_not_read_is_thrown_away);
    tcase_add_loop_test(tests, one_that_is_answered_in_its_midst_is_thrown_away, 0, 2);
    tcase_add_loop_test(tests, it_may_be_aborted_inside, 0, 2);
    tcase_add_loop_test(tests, the_client_may_leave, 0, 2);
    tcase_add_test(tests, one_that_ends_its_side_is_decoded_to_the_end);
    tcase_add_loop_test(tests, memory_that_is_refused_is_no_shorter_body, 0, 3);
}

BIGHT_TEST_MAIN("http_request_decode", add_tests)
