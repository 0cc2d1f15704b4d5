/* SPDX-License-Identifier: MIT */
/* Tests of content codings that are undone while a body is streamed (protocols/http/client/stream.c): as far as it is
 * wanted, and no further. What codings there are is test_client_decode.c's. */
#include "http/coding/gzip.h"

#include "client_support.h"

enum { MOST = 200000, ZEROES = 40 << 20 };

static struct peer *server;
static struct bight_http_response *response;
static uint8_t packed[MOST];
static char said[MOST], text[100000];
static size_t said_size, come, pieces, largest;
static bool is_right, is_blocking;

/* ------------------------------------------------------------------------------------------- the world */

static void say_it_all(struct talk *talk, const char *request)
{
    ck_assert_ptr_nonnull(strstr(request, "\r\nAccept-Encoding: gzip\r\n"));
    (void)bight_transport_write(talk->base.transport, said, said_size);
}

static void begin_peers(void)
{
    server = add_peer("server", NULL, NULL);
    server->script = say_it_all;
    response = NULL;
    come = pieces = largest = 0;
    is_right = true;
    is_blocking = false;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
}

static void begin(void)
{
    begin_world(NULL);
    begin_peers();
}

static void end(void)
{
    bight_http_response_release(response);
    end_world();
}

static size_t pack(const void *data, size_t size)
{
    struct bi_view view = { data, size };
    bool done;
    struct bi_deflater *deflater = bi_deflater_new(9);
    bi_deflater_begin(deflater);
    size = bi_deflater_write(deflater, &view, BI_DEFLATE_END, packed, MOST, &done);
    ck_assert(done);
    bi_deflater_free(deflater);
    return size;
}

static void answer_with(const uint8_t *body, size_t size, size_t cut)
{
    said_size = (size_t)snprintf(
        said, sizeof said, HEAD_200 "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", size - cut);
    memcpy(said + said_size, body, size - cut);
    said_size += size - cut;
}

static void answer_with_zeroes(void)
{
    void *zeroes = calloc(1, ZEROES);
    size_t size = pack(zeroes, ZEROES);
    free(zeroes);
    ck_assert_uint_lt(size, 60000); /* it comes at once */
    answer_with(packed, size, 0);
}

static void take_response(struct bight_result *result, void *context)
{
    (void)context;
    response = bight_result_take(result, &bight_type_http_response);
}

static void ask(uint64_t limit)
{
    const struct bight_http_call_options options = { .size = sizeof options, .max_body = limit };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    struct bight_deferred *asked = bight_http_call_stream(call);
    bight_deferred_add_callback(asked, take_response, NULL);
    bight_deferred_release(asked);
    pass(1);
    ck_assert_ptr_nonnull(response);
}

static void compare(const uint8_t *data, size_t size)
{
    is_right = is_right && come + size <= sizeof text && memcmp(text + come, data, size) == 0;
    come += size;
    pieces++;
    largest = size > largest ? size : largest;
}

static void note_read(struct bight_result *result, void *context)
{
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    bool *goes_on = context;
    if (bytes == NULL) {
        hear("%s", bight_error_name(bight_failure_code(bight_result_failure(result))));
        *goes_on = false;
    } else if (bight_bytes_size(bytes) == 0) {
        hear("end");
        *goes_on = false;
    } else {
        compare(bight_bytes_data(bytes), bight_bytes_size(bytes));
    }
    bight_result_clear(result);
}

static void pull_all(size_t limit)
{
    bool goes_on = true;
    while (goes_on) {
        struct bight_deferred *read = bight_http_response_read(response, limit);
        bight_deferred_add_both(read, note_read, &goes_on);
        bight_deferred_release(read);
        pass(0.1);
    }
}

static bool take(struct bight_http_response *from, const uint8_t *data, size_t size, void *context)
{
    (void)from;
    (void)context;
    compare(data, size);
    return !is_blocking;
}

static void take_end(struct bight_http_response *from, void *context)
{
    (void)from;
    (void)context;
    hear("end");
}

static void take_failure(struct bight_http_response *from, const struct bight_failure *failure, void *context)
{
    (void)from;
    (void)context;
    hear("%s", bight_error_name(bight_failure_code(failure)));
}

static const struct bight_http_response_consumer consumer = {
    .size = sizeof consumer, .data = take, .end = take_end, .failed = take_failure
};

static void push_all(void)
{
    ck_assert_int_eq(bight_http_response_consume(response, &consumer, NULL), 0);
    pass(10);
}

/* ------------------------------------------------------------------------------------------- tests */

START_TEST(what_is_streamed_is_undone_however_it_is_cut) /* C9 */
{
    static const size_t splits[] = { 1, 17, 900, 0 };
    const struct bight_link_conditions cut = { .latency = 0.0001, .split = splits[_i / 3] };
    begin();
    answer_with(packed, pack(text, sizeof text), 0);
    bight_simulation_link(network, NULL, NULL, &cut);
    ask(0);
    ck_assert_ptr_null(bight_http_response_field(response, "Content-Encoding"));
    if (_i % 3 == 0) {
        push_all();
    } else {
        pull_all(_i % 3 == 1 ? 0 : 1000);
    }
    ck_heard("end");
    ck_assert(is_right);
    ck_assert_uint_eq(come, sizeof text);
    end();
}
END_TEST

START_TEST(what_is_not_wanted_is_not_undone) /* C1 C9 */
{
    begin();
    answer_with_zeroes();
    ask(0);
    is_blocking = true;
    push_all();
    ck_heard("");
    ck_assert_uint_eq(pieces, 1);
    ck_assert_uint_le(largest, 65536);
    is_blocking = false;
    bight_http_response_resume(response);
    pass(100);
    ck_heard("end");
    ck_assert_uint_eq(come, ZEROES);
    end();
}
END_TEST

static size_t seen, most_at_once;

static void look(void *context)
{
    most_at_once = pieces - seen > most_at_once ? pieces - seen : most_at_once;
    seen = pieces;
    if (come < ZEROES) {
        (void)bight_call_later(client_reactor, 0, look, context, NULL);
    }
}

START_TEST(a_stream_of_much_leaves_others_their_turns) /* C9 */
{
    begin();
    answer_with_zeroes();
    ask(0);
    look(NULL);
    push_all();
    ck_heard("end");
    ck_assert_uint_eq(come, ZEROES);
    ck_assert_uint_le(most_at_once, 64);
    end();
}
END_TEST

START_TEST(a_limit_holds_for_what_comes_of_it) /* C3 C9 */
{
    begin();
    answer_with_zeroes();
    ask(1 << 20);
    if (_i == 0) {
        push_all();
    } else {
        pull_all(0);
    }
    ck_heard("TOO_LONG");
    ck_assert_uint_le(come, 1 << 20);
    end();
}
END_TEST

START_TEST(one_that_is_cut_fails_behind_what_could_be_read) /* C5 C9 */
{
    begin();
    answer_with(packed, pack(text, sizeof text), 10);
    ask(0);
    if (_i == 0) {
        push_all();
    } else {
        pull_all(0);
    }
    ck_heard("INCOMPLETE");
    ck_assert(is_right);
    ck_assert_uint_gt(come, sizeof text / 2);
    end();
}
END_TEST

START_TEST(what_is_no_gzip_fails) /* C9 */
{
    begin();
    memcpy(packed, "Hello, world, this is no gzip", 29);
    answer_with(packed, 29, 0);
    ask(0);
    if (_i == 0) {
        push_all();
    } else {
        pull_all(0);
    }
    ck_heard("SYNTAX");
    ck_assert_uint_eq(come, 0);
    end();
}
END_TEST

START_TEST(a_response_may_go_in_the_middle) /* C1 */
{
    begin();
    answer_with_zeroes();
    ask(0);
    is_blocking = true;
    push_all();
    bight_http_response_release(response);
    response = NULL;
    pass(1);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static bool has_ended;

static void read_on(struct bight_result *result, void *context);

static void read_next(struct bight_http_response *from)
{
    struct bight_deferred *read = bight_http_response_read(from, 0);
    if (bight_deferred_add_both(read, read_on, from) != BIGHT_OK) {
        bight_http_response_release(from);
        has_ended = true;
    }
    bight_deferred_release(read);
}

static void read_on(struct bight_result *result, void *context)
{
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    bool is_over = bytes == NULL || bight_bytes_size(bytes) == 0;
    bight_result_clear(result);
    if (is_over) {
        bight_http_response_release(context);
        has_ended = true;
    } else {
        read_next(context);
    }
}

static void read_it(struct bight_result *result, void *context)
{
    struct bight_http_response *from = bight_result_take(result, &bight_type_http_response);
    (void)context;
    bight_result_clear(result);
    if (from != NULL) {
        read_next(from);
    } else {
        has_ended = true;
    }
}

static bool stream_with_faults(void *context)
{
    (void)context;
    bight_log_set_observer(count_errors, NULL);
    network = bight_simulation_new(1);
    struct bight_host *host = network != NULL ? bight_simulation_host(network, "client") : NULL;
    client_reactor = host != NULL ? bight_host_reactor(host) : NULL;
    server = client_reactor != NULL ? make_peer("server", "tcp:80", NULL) : NULL;
    has_ended = true;
    if (server != NULL) {
        server->script = say_it_all;
        client = bight_http_client_new(client_reactor, NULL);
        has_ended = false;
        struct bight_deferred *asked = bight_http_call_stream(bight_http_call_new(client, "GET", "http://server/"));
        has_ended = bight_deferred_add_both(asked, read_it, NULL) != BIGHT_OK || has_ended;
        bight_deferred_release(asked);
        pass(100);
    }
    if (network != NULL) {
        end_world();
    }
    return has_ended;
}

START_TEST(memory_that_is_refused_ends_the_stream) /* C1 C9 */
{
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
    answer_with(packed, pack(text, sizeof text), 0);
    ck_assert_uint_eq(bight_testing_with_faults(stream_with_faults, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_is_streamed_is_undone_however_it_is_cut, 0, 12);
    tcase_add_test(tests, what_is_not_wanted_is_not_undone);
    tcase_add_test(tests, a_stream_of_much_leaves_others_their_turns);
    tcase_add_loop_test(tests, a_limit_holds_for_what_comes_of_it, 0, 2);
    tcase_add_loop_test(tests, one_that_is_cut_fails_behind_what_could_be_read, 0, 2);
    tcase_add_loop_test(tests, what_is_no_gzip_fails, 0, 2);
    tcase_add_test(tests, a_response_may_go_in_the_middle);
    tcase_add_test(tests, memory_that_is_refused_ends_the_stream);
}

BIGHT_TEST_MAIN("http_client_decode_stream", add_tests)
