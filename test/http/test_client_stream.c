/* SPDX-License-Identifier: MIT */
/* Tests of responses whose bodies are streamed (protocols/http/client/stream.c): pulled and pushed, held up, ended. */
#include "client_support.h"

#define LENGTH_10 HEAD_200 "Content-Length: 10\r\n\r\n"

static struct peer *server;
static struct bight_http_response *response;

static void take_response(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        hear("head %s", bight_error_name(bight_failure_code(failure)));
        bight_result_clear(result);
        return;
    }
    response = bight_result_take(result, &bight_type_http_response);
    hear("head %d", bight_http_response_status(response));
}

static void stream(const char *url, const struct bight_http_call_options *options)
{
    struct bight_http_call *call = bight_http_call_new(client, "GET", url);
    ck_assert_int_eq(bight_http_call_configure(call, options), 0);
    struct bight_deferred *asked = bight_http_call_stream(call);
    bight_deferred_add_both(asked, take_response, NULL);
    bight_deferred_release(asked);
}

static void begin(const char *text)
{
    response = NULL;
    begin_world(NULL);
    server = add_peer("server", NULL, text);
}

static void end(void)
{
    bight_http_response_release(response);
    end_world();
}

static void note_bytes(struct bight_result *result, void *context)
{
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (failure != NULL) {
        hear("%s", bight_error_name(bight_failure_code(failure)));
    } else if (bight_bytes_size(bytes) > 20) {
        hear("[%zu]", bight_bytes_size(bytes));
    } else {
        hear("'%s'", (const char *)bight_bytes_data(bytes));
    }
    bight_result_clear(result);
}

static void read_some(size_t limit)
{
    struct bight_deferred *read = bight_http_response_read(response, limit);
    bight_deferred_add_both(read, note_bytes, NULL);
    bight_deferred_release(read);
    pass(1);
}

/* ------------------------------------------------------------------------------------------- pulled */

static void say_halves(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, LENGTH_10 "01234");
    say_after(talk, 1.5, "56789");
}

START_TEST(a_body_is_pulled_as_it_comes) /* C1 */
{
    begin(NULL);
    server->script = say_halves;
    stream("http://server/", NULL);
    pass(1);
    ck_assert_ptr_null(bight_http_response_body(response));
    read_some(3);
    read_some(0);
    ck_heard("head 200 '012' '34'");
    read_some(0);
    read_some(0);
    read_some(0);
    ck_heard("'56789' '' ''");
    ck_assert_uint_eq(server->open, 1);
    end();
}
END_TEST

static const char *const whole[] = { HEAD_200 "Content-Length: 0\r\n\r\n", "HTTP/1.1 204 None\r\n\r\n",
    HEAD_200 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" };

START_TEST(one_without_a_body_ends_at_once) /* C1 */
{
    begin(whole[_i]);
    stream("http://server/", NULL);
    pass(1);
    heard[0] = '\0';
    get("http://server/", "");
    pass(1);
    ck_assert_uint_eq(server->accepted, 1);
    heard[0] = '\0';
    read_some(0);
    ck_heard("''");
    end();
}
END_TEST

START_TEST(a_whole_body_that_nobody_reads_does_not_keep_its_connection) /* C2 */
{
    begin(LENGTH_10 "0123456789");
    stream("http://server/", NULL);
    pass(1);
    get("http://server/", "");
    pass(1);
    ck_heard("head 200 200 '0123456789'");
    ck_assert_uint_eq(server->accepted, 1);
    read_some(4);
    read_some(100);
    read_some(100);
    ck_heard("'0123' '456789' ''");
    end();
}
END_TEST

static size_t sent;

static void produce(void *context)
{
    static char piece[10000];
    struct bight_transport *transport = context;
    sent += bight_transport_write(transport, piece, sizeof piece) == BIGHT_OK ? sizeof piece : 0;
}

static void stop(void *context)
{
    (void)context;
}

static void say_without_end(struct talk *talk, const char *request)
{
    static const struct bight_producer_ops ops = { .resume = produce, .stop = stop };
    (void)request;
    sent = 0;
    say(talk, HEAD_200 "\r\n");
    (void)bight_transport_register_producer(talk->base.transport, &ops, talk->base.transport, false);
}

START_TEST(a_program_that_does_not_read_holds_the_server_up) /* C1 */
{
    const struct bight_http_call_options options = { .size = sizeof options, .between_seconds = 2 };
    begin(NULL);
    server->script = say_without_end;
    stream("http://server/", &options);
    pass(100);
    ck_assert_uint_lt(sent, 1000000);
    size_t before = sent;
    for (int i = 0; i < 200; i++) {
        struct bight_deferred *read = bight_http_response_read(response, 0);
        bight_deferred_add_both(read, note_bytes, NULL);
        bight_deferred_release(read);
        pass(0.1);
        heard[0] = '\0';
    }
    ck_assert_uint_gt(sent, before + 1000000);
    pass(100);
    ck_assert_uint_eq(server->open, 1);
    bight_http_response_release(response);
    response = NULL;
    pass(1);
    ck_assert_uint_eq(server->open, 0);
    end();
}
END_TEST

static const struct {
    const char *text, *expected;
    struct bight_http_call_options options;
    bool ends;
} failures[] = {
    { LENGTH_10 "012", "'012' INCOMPLETE INCOMPLETE", { .size = 0 }, true },
    { HEAD_200 "Transfer-Encoding: chunked\r\n\r\n3\r\n012\r\nx", "'012' SYNTAX SYNTAX", { .size = 0 }, false },
    { LENGTH_10 "012", "'012' TIMED_OUT TIMED_OUT", { .between_seconds = 0.5 }, false },
    { LENGTH_10 "012", "'012' TIMED_OUT TIMED_OUT", { .total_seconds = 1.5 }, false },
    { HEAD_200 "Transfer-Encoding: chunked\r\n\r\n3\r\n012\r\n3\r\n345\r\n", "'012' TOO_LONG TOO_LONG",
        { .max_body = 5 }, false },
    { LENGTH_10 "0123456789", "'0123456789' '' ''", { .size = 0 }, true },
};

static void say_and_end(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, talk->peer->answer);
    hang_up(talk);
}

START_TEST(what_fails_later_fails_the_reading) /* C1 C5 */
{
    struct bight_http_call_options options = failures[_i].options;
    options.size = sizeof options;
    begin(failures[_i].text);
    if (failures[_i].ends) {
        server->script = say_and_end;
    }
    stream("http://server/", &options);
    while (response == NULL) {
        (void)bight_simulation_step(network);
    }
    ck_heard("head 200");
    read_some(0);
    read_some(0);
    read_some(0);
    ck_heard(failures[_i].expected);
    end();
}
END_TEST

START_TEST(a_failure_before_the_head_is_the_calls) /* C1 */
{
    begin("HTTP/1.1 x\r\n\r\n");
    stream("http://server/", NULL);
    pass(1);
    ck_heard("head SYNTAX");
    end();
}
END_TEST

START_TEST(a_body_is_read_in_one_way_at_a_time) /* C1 */
{
    static const struct bight_http_response_consumer consumer = { .size = sizeof consumer };
    begin(NULL);
    server->script = say_halves;
    stream("http://server/", NULL);
    pass(1);
    read_some(0);
    struct bight_deferred *read = bight_http_response_read(response, 0);
    struct bight_deferred *second = bight_http_response_read(response, 0);
    bight_failure_release(bight_expect_failure(second, BIGHT_E_USAGE));
    bight_deferred_release(second);
    ck_assert_int_eq(bight_http_response_consume(response, &consumer, NULL), BIGHT_E_USAGE);
    bight_deferred_cancel(read);
    bight_failure_release(bight_expect_failure(read, BIGHT_E_CANCELLED));
    bight_deferred_release(read);
    pass(1);
    read_some(0);
    ck_heard("head 200 '01234' '56789'");
    ck_assert_uint_eq(usage_errors, 2);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- pushed */

static bool takes;

static bool take_data(struct bight_http_response *from, const uint8_t *data, size_t size, void *context)
{
    ck_assert_ptr_eq(from, response);
    ck_assert_ptr_eq(context, &takes);
    hear("'%.*s'", (int)size, (const char *)data);
    return takes;
}

static void take_end(struct bight_http_response *from, void *context)
{
    (void)context;
    hear("end %s", bight_http_response_trailer(from, "A") != NULL ? "with trailers" : "");
}

static void take_failure(struct bight_http_response *from, const struct bight_failure *failure, void *context)
{
    (void)from;
    (void)context;
    hear("%s", bight_error_name(bight_failure_code(failure)));
}

static const struct bight_http_response_consumer consumer = {
    .size = sizeof consumer, .data = take_data, .end = take_end, .failed = take_failure
};

START_TEST(a_body_is_pushed_as_it_comes) /* C1 */
{
    begin(NULL);
    server->script = say_halves;
    stream("http://server/", NULL);
    pass(1);
    takes = true;
    ck_assert_int_eq(bight_http_response_consume(response, &consumer, &takes), 0);
    ck_heard("head 200");
    pass(5);
    ck_heard("'01234' '56789' end ");
    end();
}
END_TEST

START_TEST(a_consumer_may_hold_it_up) /* C1 */
{
    begin(HEAD_200 "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\nA: b\r\n\r\n");
    stream("http://server/", NULL);
    pass(1);
    takes = false;
    ck_assert_int_eq(bight_http_response_consume(response, &consumer, &takes), 0);
    pass(1);
    ck_heard("head 200 'abcd'");
    pass(100);
    bight_http_response_resume(response);
    bight_http_response_resume(response);
    ck_heard("");
    pass(1);
    ck_heard("end with trailers");
    bight_http_response_resume(response);
    end();
}
END_TEST

START_TEST(a_consumer_is_told_of_a_failure) /* C1 */
{
    begin(LENGTH_10 "012");
    stream("http://server/", NULL);
    pass(1);
    takes = true;
    ck_assert_int_eq(bight_http_response_consume(response, &consumer, &takes), 0);
    pass(1);
    bight_http_client_free(client);
    client = NULL;
    ck_heard("head 200 '012' ABANDONED");
    end();
}
END_TEST

static bool release_it(struct bight_http_response *from, const uint8_t *data, size_t size, void *context)
{
    (void)data;
    (void)size;
    (void)context;
    bight_http_response_release(from);
    response = NULL;
    hear("released");
    return true;
}

START_TEST(a_response_may_be_released_in_its_consumer) /* C1 */
{
    static const struct bight_http_response_consumer releasing = {
        .size = sizeof releasing, .data = release_it, .end = take_end, .failed = take_failure
    };
    begin(_i == 0 ? LENGTH_10 "012" : LENGTH_10 "0123456789");
    stream("http://server/", NULL);
    pass(1);
    ck_assert_int_eq(bight_http_response_consume(response, &releasing, NULL), 0);
    pass(1);
    ck_heard("head 200 released");
    ck_assert_uint_eq(server->open, (unsigned)_i);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_body_is_pulled_as_it_comes);
    tcase_add_loop_test(tests, one_without_a_body_ends_at_once, 0, sizeof whole / sizeof *whole);
    tcase_add_test(tests, a_whole_body_that_nobody_reads_does_not_keep_its_connection);
    tcase_add_test(tests, a_program_that_does_not_read_holds_the_server_up);
    tcase_add_loop_test(tests, what_fails_later_fails_the_reading, 0, sizeof failures / sizeof *failures);
    tcase_add_test(tests, a_failure_before_the_head_is_the_calls);
    tcase_add_test(tests, a_body_is_read_in_one_way_at_a_time);
    tcase_add_test(tests, a_body_is_pushed_as_it_comes);
    tcase_add_test(tests, a_consumer_may_hold_it_up);
    tcase_add_test(tests, a_consumer_is_told_of_a_failure);
    tcase_add_loop_test(tests, a_response_may_be_released_in_its_consumer, 0, 2);
}

BIGHT_TEST_MAIN("http_client_stream", add_tests)
