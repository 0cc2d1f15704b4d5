/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused to a client: each allocation of calls with redirects, bodies and trailers fails once,
 * and all from it on. Every call ends in one way or the other. */
#include <bight/protocols/http_client_bodies.h>
#include <bight/protocols/http_client_hooks.h>

#include "client_support.h"

static void answer_both(struct talk *talk, const char *request)
{
    if (strncmp(request, "CONNECT", 7) == 0) {
        say(talk, "HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n");
    } else if (strstr(request, "GET / ") != NULL) {
        say(talk, "HTTP/1.1 302 X\r\nLocation: http://second/elsewhere\r\nContent-Length: 4\r\n\r\nGone");
    } else {
        say(talk, HEAD_200 "X: y\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\nX: y\r\n\r\n");
    }
}

static size_t ended, steps;
static struct bight_tls *lax;

static void end_call(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    ended++;
}

static void send_call(struct bight_http_call *call)
{
    struct bight_deferred *asked = bight_http_call_send(call);
    (void)bight_deferred_add_both(asked, end_call, NULL);
    bight_deferred_release(asked);
}

static struct bight_http_call *full_call(void)
{
    const struct bight_http_call_options options = { .size = sizeof options, .local_address = "10.0.0.1" };
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://first/b");
    (void)bight_http_call_set(call, "A", "b");
    (void)bight_http_call_secret(call, "A");
    (void)bight_http_call_basic_auth(call, "a", "b");
    (void)bight_http_call_body_text(call, "abc");
    (void)bight_http_call_form_field(call, "a", "b");
    (void)bight_http_call_configure(call, &options);
    return call;
}

static void send_through_proxy(const char *url)
{
    const struct bight_http_call_options options = {
        .size = sizeof options, .proxy = "http://a:b@second:80", .no_proxy = "third", .tls = lax
    };
    struct bight_http_call *call = bight_http_call_new(client, "GET", url);
    (void)bight_http_call_configure(call, &options);
    send_call(call);
}

/* Until the end, or a failure. */
static void read_on(struct bight_result *result, void *context)
{
    struct bight_http_response *response = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    bool is_over = bytes == NULL || bight_bytes_size(bytes) == 0;
    bight_result_clear(result);
    struct bight_deferred *read = is_over ? NULL : bight_http_response_read(response, 2);
    if (read == NULL || bight_deferred_add_both(read, read_on, response) != BIGHT_OK) {
        bight_http_response_release(response);
        ended++;
    }
    bight_deferred_release(read);
}

static void read_body(struct bight_result *result, void *context)
{
    if (bight_result_failure(result) != NULL) {
        end_call(result, context);
        return;
    }
    struct bight_http_response *response = bight_result_take(result, &bight_type_http_response);
    struct bight_deferred *read = bight_http_response_read(response, 2);
    if (bight_deferred_add_both(read, read_on, response) != BIGHT_OK) {
        bight_http_response_release(response);
        ended++;
    }
    bight_deferred_release(read);
}

static void stream_call(void)
{
    struct bight_deferred *asked = bight_http_call_stream(bight_http_call_new(client, "GET", "http://first/stream"));
    (void)bight_deferred_add_both(asked, read_body, NULL);
    bight_deferred_release(asked);
}

static struct bight_http_call *form_call(void)
{
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://first/b");
    (void)bight_http_call_part_text(call, "a", "b");
    (void)bight_http_call_part_data(call, "c", "d", 1, "e", "text/plain");
    return call;
}

static struct bight_http_call *file_call(void)
{
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://first/b");
    (void)bight_http_call_part_file(call, "a", "/there/is/no/such/file", NULL, NULL);
    return call;
}

static void say_body(struct bight_http_upload *upload, void *context)
{
    (void)context;
    if (bight_http_upload_write(upload, "abc", 3) == 0) {
        (void)bight_http_upload_finish(upload);
    }
}

static const struct bight_http_body_source source = { .size = sizeof source, .begin = say_body };

static struct bight_http_call *produced_call(void)
{
    const struct bight_http_call_options options = { .size = sizeof options, .expect_from = 1 };
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://first/b");
    (void)bight_http_call_configure(call, &options);
    (void)bight_http_call_body_source(call, -1, NULL, &source, NULL);
    return call;
}

static void note_step(const struct bight_http_trace *trace, enum bight_http_step step, void *context)
{
    (void)context;
    steps += trace->at[step] > 0;
}

static bool may_connect(const struct bight_address *address, const char *host, void *context)
{
    (void)context;
    return address->port == 80 && *host != '\0';
}

static void talk_to_both(void)
{
    const struct bight_http_client_hooks hooks = {
        .size = sizeof hooks, .step = note_step, .may_connect = may_connect
    };
    const struct bight_http_client_options options = { .size = sizeof options, .hooks = &hooks };
    ended = 0;
    client = bight_http_client_new(client_reactor, &options);
    send_call(bight_http_call_new(client, "GET", "http://first/"));
    pass(1);
    send_call(full_call());
    pass(1);
    stream_call();
    send_call(form_call());
    send_call(file_call());
    send_call(produced_call());
    send_through_proxy("http://first/b");
    send_through_proxy("https://first/b");
    pass(100);
}

static bool ask(void *context)
{
    (void)context;
    bight_log_set_observer(count_errors, NULL);
    network = bight_simulation_new(1);
    struct bight_host *host = network != NULL ? bight_simulation_host(network, "client") : NULL;
    client_reactor = host != NULL ? bight_host_reactor(host) : NULL;
    struct peer *first = client_reactor != NULL ? make_peer("first", "tcp:80", NULL) : NULL;
    struct peer *second = first != NULL ? make_peer("second", "tcp:80", NULL) : NULL;
    bool is_fine = true;
    if (second != NULL) {
        first->script = second->script = answer_both;
        talk_to_both();
        is_fine = ended == 8;
    }
    if (network != NULL) {
        end_world();
    }
    return is_fine;
}

START_TEST(memory_that_is_refused_ends_calls_and_nothing_else) /* C1 */
{
    const struct bight_tls_client_options options = { .size = sizeof options, .without_verification = true };
    struct bight_failure *failure = NULL;
    lax = bight_tls_client_new(&options, &failure);
    ck_assert_ptr_nonnull(lax);
    ck_assert_uint_eq(bight_testing_with_faults(ask, NULL, 0), 0);
    bight_tls_release(lax);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, memory_that_is_refused_ends_calls_and_nothing_else);
}

BIGHT_TEST_MAIN("http_client_faults", add_tests)
