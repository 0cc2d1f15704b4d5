/* SPDX-License-Identifier: MIT */
/* Tests of compressed answers when memory is refused: each allocation fails once, and all from it on. What a client
 * gets is a whole answer, compressed or not, or none, or the start of one and a reset. In steady state there is none.
 */
#include "gzip_support.h"

#define ASK(target) "GET " target " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"

static char text[200000];
static char path[64];

static void respond_small(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "ETag", "\"7\"");
    (void)bight_http_respond(request, 200, "text/plain", text, 5000);
}

static void respond_large(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond(request, 200, "text/plain", text, sizeof text);
}

static void stream(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    (void)bight_http_respond_write(request, text, 3000);
    (void)bight_http_respond_write(request, text, 3000);
    (void)bight_http_respond_finish(request);
}

static void serve(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_file(request, path);
}

static const struct {
    const char *request;
    bight_http_handler handler;
} scripts[] = { { ASK("/small"), respond_small }, { ASK("/large"), respond_large }, { ASK("/stream"), stream },
    { ASK("/file"), serve } };

static bool set_up(void)
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    bool good = reactor != NULL && bight_http_use_compression(site, NULL) == 0;
    for (size_t i = 0; good && i < sizeof scripts / sizeof *scripts; i++) {
        static const char *const patterns[] = { "/small", "/large", "/stream", "/file" };
        good = bight_http_route(site, patterns[i], scripts[i].handler, NULL) == 0;
    }
    if (good) {
        hold_jobs();
    }
    peer = good ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

/* If it came to its end. */
static bool is_right(void)
{
    size_t size;
    const uint8_t *written = bight_string_written(peer, &size);
    if (size == 0 || memmem(written, size, "\r\n\r\n", 4) == NULL || bight_string_was_reset(peer)) {
        return bight_testing_fault_injected();
    }
    return memmem(written, size, "HTTP/1.1 200", 12) == written || bight_testing_fault_injected();
}

static bool play(void *context)
{
    size_t script = *(const size_t *)context;
    bool good = true;
    if (set_up()) {
        (void)bight_string_feed_text(peer, scripts[script].request);
        (void)work();
        good = is_right();
        (void)bight_string_feed_text(peer, scripts[script].request);
        (void)bight_testing_settle(reactor, 1000); /* and one is under way at the end */
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    (void)run_jobs();
    peer = NULL;
    return good;
}

START_TEST(every_allocation_of_a_compressed_answer_may_fail) /* A10, H6 */
{
    size_t script = (size_t)_i;
    memset(text, 'x', sizeof text - 1);
    make_directory();
    write_file("file.txt", text);
    (void)snprintf(path, sizeof path, "%s", in_directory("file.txt"));
    bight_log_set_observer(count_errors, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(play, &script, 0), 0);
    remove_directory();
}
END_TEST

START_TEST(a_compressed_answer_costs_no_allocation) /* A10, H7 */
{
    bight_testing_count_allocations(true);
    memset(text, 'x', sizeof text - 1);
    ck_assert(set_up());
    for (int i = 0; i < 4; i++) {
        say(scripts[0].request);
        bight_string_clear(peer);
    }
    size_t before = bight_testing_allocation_count();
    for (int i = 0; i < 10; i++) {
        say(scripts[0].request);
        bight_string_clear(peer);
    }
    ck_assert_uint_le(bight_testing_allocation_count() - before, (size_t)_i);
    bight_testing_count_allocations(false);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_of_a_compressed_answer_may_fail, 0, 4);
    tcase_add_loop_test(tests, a_compressed_answer_costs_no_allocation, 0, 1);
}

BIGHT_TEST_MAIN("http_compression_faults", add_tests)
