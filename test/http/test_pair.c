/* SPDX-License-Identifier: MIT */
/* Tests of a whole conversation through a pair of connections, plain and in TLS, cut into pieces of every kind. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

/* ----------------------------------------------------------------------------------------------- the client */

static char answers[1 << 20];
static size_t answers_size;
static struct bight_protocol *client;

static void client_made(struct bight_protocol *protocol)
{
    client = bight_protocol_hold(protocol);
}

static void client_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    ck_assert_uint_lt(answers_size + size, sizeof answers);
    memcpy(answers + answers_size, data, size);
    answers_size += size;
    answers[answers_size] = '\0';
}

static const struct bight_protocol_ops client_ops = { .connection_made = client_made,
    .data_received = client_received };
static struct bight_factory client_factory = BIGHT_FACTORY(struct bight_protocol, &client_ops);

/* ------------------------------------------------------------------------------------------------- the site */

static struct bight_http_request *kept;
static bool was_secure;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    was_secure = bight_http_request_is_secure(request);
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void has_been_collected(struct bight_result *result, void *context)
{
    (void)bight_http_respond_bytes(context, 200, "text/plain", result->value);
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

static void send_large(struct bight_http_request *request, void *context)
{
    static char large[300000];
    (void)context;
    memset(large, 'L', sizeof large);
    (void)bight_http_respond(request, 200, "text/plain", large, sizeof large);
}

static void echo_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo_received };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static void upgrade(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory)), 0);
}

/* ------------------------------------------------------------------------------------------------ the rooms */

static struct bight_pair *pair;
static bool is_tls;

/* Each test runs plain and in TLS, in some cuttings; bytes one by one only where there are few. */
static const size_t chunks[] = { SIZE_MAX, 1400, 7, 1 };
#define LARGE 4
#define SMALL 8

static void begin(int variant)
{
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/keep", keep);
    add_route("/collect", collect);
    add_route("/large", send_large);
    add_route("/upgrade", upgrade);
    answers_size = 0;
    pair = bight_pair_connect(reactor, bight_http_site_factory(site), &client_factory);
    ck_assert_ptr_nonnull(pair);
    is_tls = variant % 2 == 1;
    if (is_tls) {
        ck_assert_int_eq(bight_pair_start_tls(pair, NULL, NULL, NULL), 0);
    }
    bight_pair_set_chunk(pair, chunks[variant / 2]);
}

static void ask(const char *text)
{
    ck_assert_int_eq(bight_transport_write(client->transport, text, strlen(text)), 0);
    ck_assert(bight_pair_pump(pair, 0));
}

static void finish(void)
{
    bight_protocol_release(client);
    bight_pair_free(pair);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

START_TEST(a_conversation_is_the_same_however_it_is_carried) /* H1, H4, H5 */
{
    begin(_i);
    ask(GET POST("/collect", "Content-Length: 5\r\n") "12345" POST(
        "/collect", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n3\r\ndef\r\n0\r\nA: b\r\n\r\n" POST("/",
        "Content-Length: 5\r\n") "56789" GET);
    ck_assert_uint_eq(count_of(answers, "HTTP/1.1 200 OK"), 5);
    ck_assert_uint_eq(count_of(answers, "Hello"), 3);
    ck_assert(strstr(answers, "\r\n\r\n12345HTTP") < strstr(answers, "\r\n\r\nabcdefHTTP"));
    ck_assert_int_eq(was_secure, is_tls);
    finish();
}
END_TEST

START_TEST(large_answers_and_uploads_pass_whole) /* H4 */
{
    static char upload[200100];
    begin(_i);
    ask("GET /large HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    ck_assert_uint_eq(count_of(answers, "LLLLLLLLLL"), 30000);
    ck_assert_str_eq(answers + answers_size - 5, "Hello");
    int size = snprintf(upload, sizeof upload, POST("/collect", "Content-Length: 200000\r\n"));
    memset(upload + size, 'u', 200000);
    upload[size + 200000] = '\0';
    answers_size = 0;
    ask(upload);
    ck_assert_uint_ge(answers_size, 200000);
    finish();
}
END_TEST

START_TEST(what_comes_behind_an_upgrade_is_kept_in_order) /* A14 */
{
    begin(_i);
    ask(GET "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst ");
    ask("second");
    ck_assert_ptr_nonnull(strstr(answers, "Upgrade: echo\r\n\r\nfirst second"));
    finish();
}
END_TEST

START_TEST(the_last_answer_arrives_before_the_end) /* H5, T7 */
{
    begin(_i);
    ask("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET);
    bight_testing_advance(reactor, 10);
    ck_assert_uint_eq(count_of(answers, "LLLLLLLLLL"), 30000);
    ck_assert_uint_eq(count_of(answers, "Hello"), 0);
    ck_assert(bight_pair_is_over(pair));
    finish();
}
END_TEST

START_TEST(a_client_that_leaves_is_noticed_behind_what_waits) /* A3, H4 */
{
    begin(_i);
    ask("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    (void)bight_transport_lose_connection(client->transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "late"), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    bight_testing_advance(reactor, 10);
    ck_assert(bight_pair_is_over(pair));
    finish();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_conversation_is_the_same_however_it_is_carried, 0, SMALL);
    tcase_add_loop_test(tests, large_answers_and_uploads_pass_whole, 0, LARGE);
    tcase_add_loop_test(tests, what_comes_behind_an_upgrade_is_kept_in_order, 0, SMALL);
    tcase_add_loop_test(tests, the_last_answer_arrives_before_the_end, 0, LARGE);
    tcase_add_loop_test(tests, a_client_that_leaves_is_noticed_behind_what_waits, 0, SMALL);
}

BIGHT_TEST_MAIN("http_pair", add_tests)
