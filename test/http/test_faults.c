/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused (protocols/http): each allocation of each way through an exchange fails once, and
 * all from it on. What a client gets is a whole answer, or none, or the start of one and a reset. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static struct bight_http_request *kept, *stopped;
static struct bight_http_site *mounted;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "X-Field", "value");
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void has_been_collected(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(context, failure);
    } else {
        (void)bight_http_request_trailer(context, "A");
        (void)bight_http_respond_bytes(context, 200, "text/plain", result->value);
    }
    bight_result_discard(result);
}

static void answer_collected(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    (void)bight_deferred_add_both(deferred, has_been_collected, request);
    bight_deferred_release(deferred);
}

static bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)context;
    (void)bight_http_respond_write(request, data, size);
    return true;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_finish(request);
}

static void echo(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer consumer = {
        .size = sizeof consumer, .data = consume_data, .end = consume_end
    };
    (void)context;
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    (void)bight_http_request_consume(request, 0, &consumer, NULL);
}

static void answer_later(struct bight_http_request *request, void *context)
{
    struct bight_http_response *response = bight_http_response_new(200);
    (void)context;
    (void)bight_http_response_set(response, "A", "b");
    (void)bight_http_response_set_body(response, "text/plain", "later", 5);
    (void)bight_http_respond_later(request, bight_succeed(&bight_type_http_response, response));
}

static void stream(struct bight_http_request *request, void *context)
{
    static char piece[5000];
    (void)context;
    memset(piece, 'x', sizeof piece);
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    (void)bight_http_respond_write(request, piece, sizeof piece);
    (void)bight_http_respond_writef(request, "%2000d", 7);
    (void)bight_http_respond_write(request, "x", 1);
    (void)bight_http_respond_finish(request);
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
    (void)bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory));
}

/* Answers from outside, if it has come so far. */
static void answer_kept(void)
{
    if (kept != NULL) {
        (void)bight_http_request_field(kept, "Host");
        (void)bight_http_request_owner(kept);
        (void)bight_http_respond_text(kept, 200, "kept");
        bight_http_request_release(kept);
        kept = NULL;
    }
}

/* One that waits for its proceeding, which comes from outside as the answers that are kept. */
static bool see(struct bight_http_request *request, void *context)
{
    (void)context;
    const char *wait = bight_http_request_field(request, "X-Wait");
    stopped = wait != NULL ? bight_http_request_hold(request) : NULL;
    return wait == NULL;
}

static void add_field(struct bight_http_request *request, int status, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "X-Status", status == 200 ? "fine" : "so so");
}

static void note_end(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    (void)outcome;
    (void)context;
    (void)bight_http_request_pattern(request);
}

static const struct bight_http_middleware_ops seeing = {
    .size = sizeof seeing, .before = see, .head = add_field, .done = note_end
};

static void let_proceed(void)
{
    struct bight_http_request *request = stopped;
    stopped = NULL; /* the next site's may stop it again */
    if (request != NULL) {
        (void)bight_http_request_proceed(request);
        bight_http_request_release(request);
    }
}

static const struct {
    const char *pieces[3]; /* each fed by itself */
    const char *answer;    /* is among what was written if no fault was injected */
    bool drains;
    bool is_seen; /* by middleware */
} scripts[] = {
    { { GET GET GET }, "Hello" },
    { { "GET / HTT", "P/1.1\r\nHost: x\r\n", "\r\n" }, "Hello" },
    { { "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n" GET GET, GET }, "keptHTTP/1.1" },
    { { POST("/collect", "Content-Length: 5\r\n") "12345" GET }, "12345HTTP/1.1" },
    { { POST("/collect", "Content-Length: 5\r\n"), "123", "45" GET }, "12345HTTP/1.1" },
    { { POST("/collect", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n", "3\r\ndef\r\n0\r\nA: b\r\n",
          "B: c\r\n\r\n" GET },
        "abcdefHTTP/1.1" },
    { { POST("/collect", "Expect: 100-continue\r\nContent-Length: 5\r\n"), "12345" GET }, "12345HTTP/1.1" },
    { { POST("/", "Content-Length: 5\r\n"), "123", "45" GET }, "HelloHTTP/1.1" },
    { { POST("/keep", "Content-Length: 3\r\n") "abc", GET }, "keptHTTP/1.1" },
    { { POST("/echo", "Content-Length: 6\r\n") "abc", "def", GET }, "0\r\n\r\nHTTP/1.1" },
    { { "GET /later HTTP/1.1\r\nHost: x\r\n\r\n" GET }, "laterHTTP/1.1" },
    { { "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" GET }, "0\r\n\r\nHTTP/1.1" },
    { { "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello", "!" }, "hello!" },
    { { "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "NONSENSE\r\n\r\n" }, "400 Bad Request" },
    { { GET, GET }, "Connection: close", true },
    { { GET GET "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" }, "X-Status: fine", .is_seen = true },
    { { "GET /in/deep HTTP/1.1\r\nHost: x\r\nX-Wait: 1\r\n\r\n" GET }, "X-Status: fine", .is_seen = true },
};

#define SCRIPTS (sizeof scripts / sizeof *scripts)

static int add_middleware(void)
{
    int code = bight_http_route(mounted, "/deep", say_hello, NULL);
    code = code == 0 ? bight_http_use(mounted, &seeing, NULL) : code;
    code = code == 0 ? bight_http_use(site, &seeing, NULL) : code;
    return code == 0 ? bight_http_mount(site, "/in", mounted) : code;
}

static bool set_up(bool is_seen)
{
    static const struct {
        const char *pattern;
        bight_http_handler handler;
    } routes[] = { { "/", say_hello }, { "/keep", keep }, { "/collect", answer_collected }, { "/echo", echo },
        { "/later", answer_later }, { "/stream", stream }, { "/upgrade", upgrade } };
    int code = 0;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    mounted = is_seen ? bight_http_site_new() : NULL;
    kept = stopped = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = bight_http_route(site, routes[i].pattern, routes[i].handler, NULL);
    }
    code = code == 0 && is_seen ? add_middleware() : code;
    peer = code == 0 && reactor != NULL ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

static void drain(void)
{
    struct bight_protocol *protocol = bight_string_protocol(peer);
    if (protocol != NULL && !protocol->ops->drain(protocol)) {
        (void)bight_transport_lose_connection(protocol->transport);
    }
}

static bool play(void *context)
{
    size_t script = *(const size_t *)context;
    bool good = true;
    if (set_up(scripts[script].is_seen)) {
        for (size_t i = 0; i < 3 && scripts[script].pieces[i] != NULL; i++) {
            (void)bight_string_feed_text(peer, scripts[script].pieces[i]);
            if (scripts[script].drains) {
                drain();
            }
        }
        answer_kept();
        let_proceed(); /* in the site, and in the mounted one */
        let_proceed();
        (void)bight_testing_settle(reactor, 1000);
        const char *written = bight_string_written_text(peer);
        good = bight_testing_fault_injected() || (written != NULL && strstr(written, scripts[script].answer) != NULL);
        bight_testing_advance(reactor, 100); /* nothing stays for ever */
        good = good && (bight_string_is_closed(peer) || strstr(scripts[script].answer, "hello") != NULL);
    }
    answer_kept();
    let_proceed();
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    bight_http_site_free(mounted);
    peer = NULL;
    return good;
}

START_TEST(every_allocation_of_an_exchange_may_fail) /* H6, T6 */
{
    size_t script = (size_t)_i;
    ck_assert_uint_eq(bight_testing_with_faults(play, &script, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_of_an_exchange_may_fail, 0, (int)SCRIPTS);
}

BIGHT_TEST_MAIN("http_faults", add_tests)
