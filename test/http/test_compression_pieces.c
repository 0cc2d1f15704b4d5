/* SPDX-License-Identifier: MIT */
/* Tests of compressed answers that are not sent at once (protocols/http/compression/filter.c, pump.c): streams, and
 * what threads compress. */
#include "compression_support.h"

/* ---------------------------------------------------------------------------------------- piece by piece */

START_TEST(what_has_been_written_of_a_stream_can_be_read) /* A10 */
{
    begin();
    say(ASK("GET", "/stream", GZIP));
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(bight_http_respond_write(streaming, "Hello, ", 7), 0);
    settle();
    struct answer answer = take_parts();
    struct unpacked unpacked = unpack(answer.body, answer.size);
    ck_assert_str_eq(unpacked.text, "Hello, ");
    ck_assert(is_packed(&answer) && !unpacked.is_whole && !answer.has_end);
    free(unpacked.text);
    free_answer(&answer);
    end_site();
    bight_http_request_release(streaming);
}
END_TEST

START_TEST(a_stream_is_whole_at_its_end) /* A10 */
{
    begin();
    say(ASK("GET", "/stream", GZIP));
    for (size_t at = 0; at < 100000; at += 1000) {
        ck_assert_int_eq(bight_http_respond_write(streaming, text + at, 1000), 0);
    }
    ck_assert_int_eq(bight_http_respond_write(streaming, text + 100000, 150000), 0);
    ck_assert_int_eq(bight_http_respond_write(streaming, "", 0), 0);
    ck_assert_int_eq(bight_http_respond_finish(streaming), 0);
    bight_http_request_release(streaming);
    settle();
    struct answer answer = take_parts();
    ck_assert(answer.has_end && unpacks_to(&answer, text, 250000));
    free_answer(&answer);
    ck_assert(is_packed_for(ASK("GET", "/", GZIP))); /* and the connection goes on */
    end_site();
}
END_TEST

static int how; /* as announced, more, less */

static void announce(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_respond_begin(request, 200, "text/plain", 2000), 0);
    ck_assert_int_eq(bight_http_respond_write(request, text, 1000), 0);
    code = how == 0   ? bight_http_respond_write(request, text + 1000, 1000)
           : how == 1 ? bight_http_respond_write(request, text, 1001)
                      : BIGHT_OK;
    if (code == BIGHT_OK) {
        code = bight_http_respond_finish(request);
    }
}

START_TEST(an_announced_length_is_still_looked_at) /* A10, H6 */
{
    static const int codes[] = { 0, BIGHT_E_TOO_LONG, BIGHT_E_INCOMPLETE };
    how = _i;
    begin();
    add_route("/announced", announce);
    say(ASK("GET", "/announced", GZIP));
    settle();
    ck_assert_int_eq(code, codes[_i]);
    ck_assert_uint_eq(usage_errors, _i == 0 ? 0 : 1);
    if (_i == 0) {
        struct answer answer = take_parts();
        ck_assert(unpacks_to(&answer, text, 2000) && !strstr(answer.head, "Content-Length"));
        free_answer(&answer);
    } else {
        ck_assert(bight_string_was_reset(peer));
    }
    end_site();
}
END_TEST

START_TEST(a_stream_to_an_old_client_ends_with_the_connection) /* A10, H6 */
{
    begin();
    say("GET /stream HTTP/1.0\r\nHost: x\r\n" GZIP "\r\n");
    ck_assert_int_eq(bight_http_respond_write(streaming, text, 4000), 0);
    ck_assert_int_eq(bight_http_respond_finish(streaming), 0);
    bight_http_request_release(streaming);
    settle();
    ck_assert(is_over());
    struct answer answer = take_parts();
    ck_assert(unpacks_to(&answer, text, 4000));
    free_answer(&answer);
    end_site();
}
END_TEST

static size_t at;

static void produce(void *request)
{
    if (at == 100000) {
        ck_assert_int_eq(bight_http_respond_finish(request), 0);
        return;
    }
    ck_assert_int_eq(bight_http_respond_write(request, text + at, 5000), 0);
    at += 5000;
}

static const struct bight_producer_ops producer = { .resume = produce };

static void stream_produced(struct bight_http_request *request, void *context)
{
    (void)context;
    at = 0;
    ck_assert_int_eq(bight_http_respond_begin(request, 200, "text/plain", -1), 0);
    code = bight_http_respond_register_producer(request, &producer, request, false);
}

START_TEST(a_producer_is_compressed_too) /* A10 */
{
    begin();
    add_route("/produced", stream_produced);
    struct answer answer = ask(ASK("GET", "/produced", GZIP));
    ck_assert_int_eq(code, 0);
    ck_assert(answer.has_end && unpacks_to(&answer, text, 100000));
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(streams_beyond_the_limit_go_as_they_are) /* A10 */
{
    const struct bight_http_compression_options options = { .size = sizeof options, .limit = 1 };
    begin_with(&options);
    say(ASK("GET", "/stream", GZIP));
    struct bight_http_request *first = streaming;
    struct bight_string_peer *former = peer;
    connect_peer();
    ck_assert(!is_packed_for(ASK("GET", "/", GZIP)));
    ck_assert(!is_packed_for(ASK("GET", "/stream", GZIP)));
    bight_http_request_release(streaming); /* is aborted */
    ck_assert_int_eq(bight_http_respond_finish(first), 0);
    bight_http_request_release(first);
    settle();
    struct bight_string_peer *second = peer;
    connect_peer();
    ck_assert(is_packed_for(ASK("GET", "/", GZIP)));
    bight_string_peer_free(former);
    bight_string_peer_free(second);
    end_site();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- threads */

START_TEST(large_bodies_are_compressed_by_threads) /* A10 */
{
    begin();
    size = 250000;
    say(_i == 0 ? ASK("GET", "/", GZIP) : ASK("GET", "/bytes", GZIP));
    ck_assert_int_eq(code, 0);
    memset(text, 'x', 10); /* it has its own */
    ck_assert_uint_ge(work(), 2);
    fill();
    struct answer answer = take_parts();
    ck_assert(answer.has_end && unpacks_to(&answer, text, size));
    free_answer(&answer);
    ck_assert(is_packed_for(ASK("GET", "/", GZIP)));
    end_site();
}
END_TEST

static void respond_twice(struct bight_http_request *request, void *context)
{
    respond(request, context);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(bight_http_respond_write(request, "x", 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_text(request, 200, "again"), BIGHT_E_USAGE);
}

START_TEST(an_answer_that_threads_compress_has_been_given) /* A10, A2 */
{
    const struct bight_http_route_options options = { .size = sizeof options, .seconds = 3 };
    begin();
    size = 250000;
    ck_assert_int_eq(bight_http_route_full(site, "/twice", respond_twice, NULL, NULL, &options), 0);
    say(ASK("GET", "/twice", GZIP) ASK("GET", "/secret", ""));
    ck_assert_uint_eq(usage_errors, 3);
    bight_testing_advance(reactor, 10); /* the route's time is the handler's */
    (void)work();
    struct answer answer = take_parts();
    ck_assert(unpacks_to(&answer, text, size));
    free_answer(&answer);
    ck_assert_uint_eq(other_errors, 0);
    end_site();
}
END_TEST

START_TEST(a_slow_client_has_little_made_for_it) /* A10, T13 */
{
    begin();
    size = 290000;
    bight_string_set_window(peer, 1000);
    say(ASK("GET", "/", GZIP));
    ck_assert_uint_eq(work(), 1);
    size_t written;
    (void)bight_string_written(peer, &written);
    ck_assert_uint_le(written, 1000);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_assert_uint_ge(work(), 1);
    end_site();
}
END_TEST

START_TEST(a_client_may_leave_while_threads_compress) /* A3, A10 */
{
    begin();
    size = 250000;
    say(ASK("GET", "/", GZIP));
    settle();
    if (_i == 0) {
        bight_string_reset(peer, 0);
        ck_assert_uint_eq(work(), 1);
    } else if (_i == 1) {
        bight_http_site_free(site);
        site = NULL;
        bight_string_reset(peer, 0);
    }
    ck_assert_uint_eq(other_errors, 0);
    end_site(); /* or while a job is under way */
    (void)run_jobs();
}
END_TEST

static const char *path;

static void serve(struct bight_http_request *request, void *context)
{
    (void)context;
    code = bight_http_respond_file(request, path);
}

static void begin_files(const struct bight_http_compression_options *options)
{
    begin_with(options);
    make_directory();
    add_route("/file", serve);
    size = strlen(text);
    write_file("file.txt", text);
    path = in_directory("file.txt");
}

START_TEST(files_are_read_and_compressed_by_threads) /* A10, F4 */
{
    begin_files(NULL);
    struct answer answer = ask(ASK("GET", "/file", GZIP));
    ck_assert(unpacks_to(&answer, text, size));
    ck_assert_ptr_nonnull(strstr(answer.head, "ETag: W/"));
    ck_assert_ptr_null(strstr(answer.head, "Accept-Ranges"));
    free_answer(&answer);
    struct answer head = ask(ASK("HEAD", "/file", GZIP));
    ck_assert(is_packed(&head) && head.size == 0);
    free_answer(&head);
    answer = ask(ASK("GET", "/file", GZIP "Range: bytes=0-1999\r\n"));
    ck_assert(!is_packed(&answer) && has_line(answer.head, "HTTP/1.1 206 Partial Content"));
    ck_assert_uint_eq(answer.size, 2000);
    free_answer(&answer);
    answer = ask(ASK("GET", "/file", ""));
    ck_assert(!is_packed(&answer) && answer.size == size && has_line(answer.head, "Accept-Ranges: bytes"));
    free_answer(&answer);
    remove_directory();
    end_site();
}
END_TEST

START_TEST(large_files_go_as_they_are) /* A10 */
{
    const struct bight_http_compression_options options = { .size = sizeof options, .most = 200000 };
    begin_files(&options);
    ck_assert(!is_packed_for(ASK("GET", "/file", GZIP)));
    remove_directory();
    end_site();
}
END_TEST

START_TEST(a_file_that_shrinks_while_it_is_compressed_aborts) /* F2 */
{
    begin_files(NULL);
    say(ASK("GET", "/file", GZIP));
    settle();
    (void)run_jobs(); /* it has been opened */
    settle();
    ck_assert_int_eq(truncate(path, 50000), 0);
    (void)work();
    ck_assert(bight_string_was_reset(peer));
    ck_assert_uint_eq(other_errors, 1);
    remove_directory();
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_has_been_written_of_a_stream_can_be_read);
    tcase_add_test(tests, a_stream_is_whole_at_its_end);
    tcase_add_loop_test(tests, an_announced_length_is_still_looked_at, 0, 3);
    tcase_add_test(tests, a_stream_to_an_old_client_ends_with_the_connection);
    tcase_add_test(tests, a_producer_is_compressed_too);
    tcase_add_test(tests, streams_beyond_the_limit_go_as_they_are);
    tcase_add_loop_test(tests, large_bodies_are_compressed_by_threads, 0, 2);
    tcase_add_test(tests, an_answer_that_threads_compress_has_been_given);
    tcase_add_test(tests, a_slow_client_has_little_made_for_it);
    tcase_add_loop_test(tests, a_client_may_leave_while_threads_compress, 0, 3);
    tcase_add_test(tests, files_are_read_and_compressed_by_threads);
    tcase_add_test(tests, large_files_go_as_they_are);
    tcase_add_test(tests, a_file_that_shrinks_while_it_is_compressed_aborts);
}

BIGHT_TEST_MAIN("http_compression_pieces", add_tests)
