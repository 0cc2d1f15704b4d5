/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused, continued (protocols/http): what a program asks a request for, answers from
 * Deferreds that fire later, coroutines, redirects, pages. An answer is whole, or the connection has been reset. */
#include <bight/memory.h>

#include "site_support.h"

#define AT(method, target) method " " target " HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET(target) AT("GET", target)

static struct bight_promise promise;
static int cancels;

static void count_cancel(struct bight_promise cancelled, void *context)
{
    (void)cancelled;
    (void)context;
    cancels++;
}

static void wait_for(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_deferred_new(&promise, count_cancel, NULL);
    (void)bight_deferred_tie(deferred, bight_http_request_owner(request));
    (void)bight_http_respond_later(request, deferred);
}

static void await_body(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(bight_http_request_collect(request, 0), result) == 0) {
        (void)bight_await(bight_deferred_new(&promise, count_cancel, NULL), result);
    }
}

static void destroy_text(void *text)
{
    bight_free(text);
}

static const struct bight_type note_type = { .name = "note", .destroy = destroy_text };

/* Each text is NULL or what it is without a fault. */
static void ask_all(struct bight_http_request *request, void *context)
{
    const char *const texts[][2] = {
        { bight_http_request_path(request), "/ask/a b" },
        { bight_http_request_parameter(request, "one"), "a b" },
        { bight_http_request_query_string(request), "q=1+2" },
        { bight_http_request_query(request, "q"), "1 2" },
        { bight_http_request_host(request), "x" },
        { bight_http_request_field(request, "x-long"), "a value of some length" },
        { bight_http_request_cookie(request, "c"), "d" },
    };
    bool *good = context;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool is_refused = texts[i][0] == NULL && bight_testing_fault_injected();
        *good = *good && (is_refused || (texts[i][0] != NULL && strcmp(texts[i][0], texts[i][1]) == 0));
    }
    char *note = bight_strdup("note");
    if (note != NULL && bight_http_request_attach(request, &note_type, note) == BIGHT_OK) {
        *good = *good && bight_http_request_attached(request, &note_type) == note;
    }
    (void)bight_http_respond_text(request, 200, "asked");
}

static void redirect(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_redirect(request, 303, "/a long way to somewhere else");
}

static void refuse(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "ETag", "\"1\"");
    (void)bight_http_respond_failure(request, bight_http_failure(409, "taken"));
}

static void fire(int kind)
{
    struct bight_http_response *response;
    switch (kind) {
    case 1:
        (void)bight_callback(promise, &bight_type_text, bight_strdup("text"));
        break;
    case 2:
        (void)bight_callback(promise, &bight_type_bytes, bight_bytes_new("bytes", 5));
        break;
    case 3:
        response = bight_http_response_new(200);
        (void)bight_http_response_set(response, "A", "b");
        (void)bight_http_response_set_body(response, "text/css", "response", 8);
        (void)bight_callback(promise, &bight_type_http_response, response);
        break;
    case 4:
        (void)bight_errback(promise, bight_http_failure(403, "not you"));
        break;
    }
}

static const struct {
    const char *request, *answer; /* what is among the answers without a fault */
    int kind;                     /* of what is fired then; 0: nothing */
} scripts[] = {
    { GET("/later"), "text", 1 },
    { GET("/later"), "bytes", 2 },
    { GET("/later"), "response", 3 },
    { GET("/later"), "not you", 4 },
    { "POST /coroutine HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", "text", 1 },
    { "POST /coroutine HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nA: b\r\n\r\n",
        "response", 3 },
    { "GET /ask/a%20b?q=1+2 HTTP/1.1\r\nHost: X\r\nX-Long: a value of some length\r\nCookie: c=d\r\n\r\n", "asked", 0 },
    { GET("/redirect"), "Location: /a%20long%20way", 0 },
    { GET("/dir"), "Location: /dir/", 0 },
    { AT("POST", "/dir/"), "Allow: GET, HEAD, OPTIONS", 0 },
    { GET("/fail"), "409 Conflict\ntaken", 0 },
};

#define SCRIPTS (int)(sizeof scripts / sizeof *scripts)

static bool set_up(bool *good)
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    promise = (struct bight_promise) { NULL, 0 };
    if (reactor == NULL || bight_http_route(site, "/later", wait_for, NULL) != BIGHT_OK ||
        bight_http_route_coroutine(site, "/coroutine", await_body, NULL) != BIGHT_OK ||
        bight_http_route(site, "/ask/{one}", ask_all, good) != BIGHT_OK ||
        bight_http_route(site, "/redirect", redirect, NULL) != BIGHT_OK ||
        bight_http_route(site, "GET /dir/", redirect, NULL) != BIGHT_OK ||
        bight_http_route(site, "/fail", refuse, NULL) != BIGHT_OK) {
        return false;
    }
    peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    return peer != NULL;
}

/* There is one whole answer with its length, or none. */
static bool is_whole(const char *answer)
{
    const char *length = strstr(answer, "Content-Length: "), *body = body_of(answer);
    if (answer[0] == '\0') {
        return true;
    }
    return body != NULL && length != NULL && strlen(body) == strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static bool play(void *context)
{
    int script = *(const int *)context;
    bool good = true;
    if (set_up(&good)) {
        say(scripts[script].request);
        fire(bight_promise_is_open(promise) ? scripts[script].kind : 0);
        (void)bight_testing_settle(reactor, 1000);
        const char *answer = bight_string_written_text(peer);
        bool is_expected = answer != NULL && strstr(answer, scripts[script].answer) != NULL;
        good = good && (is_expected || bight_testing_fault_injected());
        good = good && (answer == NULL || is_whole(answer) || bight_string_was_reset(peer));
        good = good && (answer == NULL || answer[0] != '\0' || bight_string_is_closed(peer));
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(every_allocation_of_what_a_program_asks_for_may_fail) /* A1, A2, H6, T6 */
{
    int script = _i;
    ck_assert_uint_eq(bight_testing_with_faults(play, &script, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_of_what_a_program_asks_for_may_fail, 0, SCRIPTS);
}

BIGHT_TEST_MAIN("http_faults_later", add_tests)
