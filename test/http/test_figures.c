/* SPDX-License-Identifier: MIT */
/* Tests of a site's figures (protocols/http/{server,site}/figures.c): what is counted, and the page that tells. */
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include "site_support.h"

static struct bight_http_request *kept;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void answer_large(struct bight_http_request *request, void *context)
{
    static char large[100000];
    (void)context;
    (void)bight_http_respond(request, 200, NULL, large, sizeof large);
}

static void stream(struct bight_http_request *request, void *context)
{
    static char piece[5000];
    (void)context;
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    (void)bight_http_respond_write(request, piece, sizeof piece);
    (void)bight_http_respond_write(request, piece, 10);
    (void)bight_http_respond_finish(request);
}

static void refuse(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_error(request, 503, NULL);
}

static void begin(void)
{
    begin_site(NULL);
    add_route("GET /", say_hello);
    add_route("/keep", keep);
    add_route("/large", answer_large);
    add_route("/stream", stream);
    add_route("/fail", refuse);
    add_route("GET /metrics", bight_http_figures_handler);
    connect_peer();
}

static struct bight_http_figures figures_now(void)
{
    struct bight_http_figures figures = { .size = sizeof figures };
    ck_assert_int_eq(bight_http_site_read_figures(site, &figures), 0);
    return figures;
}

static void get(const char *path)
{
    char text[200];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    (void)say(text);
}

START_TEST(requests_are_counted_and_answers_by_their_class) /* A15 */
{
    begin();
    get("/");
    get("/");
    get("/nowhere");
    get("/fail");
    get("/slash//no");
    struct bight_http_figures figures = figures_now();
    ck_assert_uint_eq(figures.requests, 5);
    ck_assert_uint_eq(figures.refused, 1);
    ck_assert_uint_eq(figures.answers[2], 2);
    ck_assert_uint_eq(figures.answers[4], 2);
    ck_assert_uint_eq(figures.answers[5], 1);
    ck_assert_uint_eq(figures.latencies[0], 5);
    ck_assert(figures.latency_time == 0);
    end_site();
}
END_TEST

START_TEST(a_head_that_is_no_good_is_refused_and_no_request) /* A15 */
{
    begin();
    (void)say("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    struct bight_http_figures figures = figures_now();
    ck_assert_uint_eq(figures.requests, 0);
    ck_assert_uint_eq(figures.refused, 1);
    ck_assert_uint_eq(figures.answers[4], 1);
    ck_assert_uint_eq(figures.in_flight, 0);
    end_site();
}
END_TEST

/* What a peer has sent and what it has got, to the byte. */
static const char *const paths[] = { "/", "/large", "/nowhere", "/metrics" };

START_TEST(bytes_are_counted_both_ways) /* A15 */
{
    char text[200];
    begin();
    int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[_i]);
    (void)say(text);
    size_t got;
    (void)bight_string_written(peer, &got);
    struct bight_http_figures figures = figures_now();
    ck_assert_uint_eq(figures.bytes_received, (size_t)size);
    ck_assert_uint_eq(figures.bytes_sent, got);
    end_site();
}
END_TEST

START_TEST(of_a_stream_heads_and_pieces_are_counted) /* A15 */
{
    begin();
    get("/stream");
    size_t head = (size_t)(body_of(bight_string_written_text(peer)) - bight_string_written_text(peer));
    ck_assert_uint_eq(figures_now().bytes_sent, head + 5010);
    end_site();
}
END_TEST

static const struct {
    double seconds;
    size_t entry;
} times[] = { { 0, 0 }, { 0.001, 0 }, { 0.0011, 1 }, { 0.005, 1 }, { 0.3, 7 }, { 10, 11 }, { 10.5, 12 }, { 3600, 12 } };

START_TEST(an_answer_that_comes_later_is_counted_by_the_time_it_took) /* A15 */
{
    begin();
    get("/keep");
    ck_assert_uint_eq(figures_now().in_flight, 1);
    bight_testing_advance(reactor, times[_i].seconds);
    (void)bight_http_respond_text(kept, 200, "now");
    bight_http_request_release(kept);
    settle();
    struct bight_http_figures figures = figures_now();
    for (size_t i = 0; i < BIGHT_HTTP_LATENCIES; i++) {
        ck_assert_uint_eq(figures.latencies[i], i == times[_i].entry);
    }
    ck_assert(figures.latency_time > times[_i].seconds - 1e-6 && figures.latency_time < times[_i].seconds + 1e-6);
    ck_assert_uint_eq(figures.in_flight, 0);
    end_site();
}
END_TEST

START_TEST(limits_of_latencies_rise_to_infinity) /* A15 */
{
    for (size_t i = 1; i < BIGHT_HTTP_LATENCIES; i++) {
        ck_assert(bight_http_latency_limit(i) > bight_http_latency_limit(i - 1));
    }
    ck_assert(bight_http_latency_limit(BIGHT_HTTP_LATENCIES - 1) > 1e300);
    ck_assert(bight_http_latency_limit(SIZE_MAX) > 1e300);
}
END_TEST

START_TEST(a_client_that_goes_before_its_answer_has_abandoned_it) /* A15 */
{
    begin();
    get("/keep");
    bight_string_reset(peer, 0);
    struct bight_http_figures figures = figures_now();
    ck_assert_uint_eq(figures.abandoned, 1);
    ck_assert_uint_eq(figures.in_flight, 0);
    ck_assert_uint_eq(figures.connections, 0);
    bight_http_request_release(kept);
    ck_assert_uint_eq(figures_now().answers[5], 0);
    end_site();
}
END_TEST

START_TEST(callers_of_any_size_are_served) /* A15 */
{
    struct bight_http_figures figures = { .size = offsetof(struct bight_http_figures, refused), .refused = 77 };
    begin();
    get("/");
    ck_assert_int_eq(bight_http_site_read_figures(site, &figures), 0);
    ck_assert_uint_eq(figures.requests, 1);
    ck_assert_uint_eq(figures.refused, 77);
    figures.size = 0;
    ck_assert_int_eq(bight_http_site_read_figures(site, &figures), BIGHT_E_INVALID_ARGUMENT);
    figures.size = sizeof figures;
    ck_assert_int_eq(bight_http_site_read_figures(NULL, &figures), BIGHT_E_INVALID_ARGUMENT);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- the page */

START_TEST(the_page_tells_them_as_prometheus_reads_them) /* A15 */
{
    begin();
    get("/");
    get("/nowhere");
    (void)take_answer();
    get("/metrics");
    const char *page = take_answer();
    ck_assert(has_line(page, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    ck_assert(has_line(page, "Cache-Control: no-store"));
    page = body_of(page);
    ck_assert_ptr_nonnull(strstr(page, "# TYPE bight_http_requests_total counter\nbight_http_requests_total 3\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_responses_total{class=\"2xx\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_responses_total{class=\"4xx\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_response_seconds_bucket{le=\"0.001\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_response_seconds_bucket{le=\"10\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_response_seconds_bucket{le=\"+Inf\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_response_seconds_sum 0.000000000\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_response_seconds_count 2\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_requests_in_flight 1\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nbight_http_connections 1\n"));
    end_site();
}
END_TEST

/* Each line is a comment of a metric, or a name with labels and a number. */
START_TEST(each_line_of_the_page_is_one_of_its_format) /* A15 */
{
    begin();
    get("/metrics");
    static char page[10000];
    (void)snprintf(page, sizeof page, "%s", body_of(take_answer()));
    ck_assert_int_eq(page[strlen(page) - 1], '\n');
    size_t lines = 0;
    for (char *line = strtok(page, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#') {
            ck_assert(strncmp(line, "# HELP bight_http_", 18) == 0 || strncmp(line, "# TYPE bight_http_", 18) == 0);
        } else {
            char *end, *number = strrchr(line, ' ');
            ck_assert_ptr_nonnull(number);
            ck_assert(strtod(number + 1, &end) >= 0 && *end == '\0');
            ck_assert_int_eq(strncmp(line, "bight_http_", 11), 0);
        }
        lines++;
    }
    ck_assert_uint_gt(lines, 40);
    end_site();
}
END_TEST

START_TEST(a_site_tells_of_another_one) /* A15 */
{
    begin();
    struct bight_http_site *other = bight_http_site_new();
    ck_assert_int_eq(bight_http_route(other, "GET /metrics", bight_http_figures_handler, site), 0);
    get("/");
    struct bight_deferred *asked = bight_http_testing_get(other, "/metrics");
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_ptr_nonnull(strstr(bight_http_testing_text(response), "\nbight_http_requests_total 1\n"));
    bight_http_response_release(response);
    bight_deferred_release(asked);
    bight_reactor_free(reactor);
    bight_http_site_free(other);
    bight_string_peer_free(peer);
    bight_http_site_free(site);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, requests_are_counted_and_answers_by_their_class);
    tcase_add_test(tests, a_head_that_is_no_good_is_refused_and_no_request);
    tcase_add_loop_test(tests, bytes_are_counted_both_ways, 0, sizeof paths / sizeof *paths);
    tcase_add_test(tests, of_a_stream_heads_and_pieces_are_counted);
    tcase_add_loop_test(
        tests, an_answer_that_comes_later_is_counted_by_the_time_it_took, 0, sizeof times / sizeof *times);
    tcase_add_test(tests, limits_of_latencies_rise_to_infinity);
    tcase_add_test(tests, a_client_that_goes_before_its_answer_has_abandoned_it);
    tcase_add_test(tests, callers_of_any_size_are_served);
    tcase_add_test(tests, the_page_tells_them_as_prometheus_reads_them);
    tcase_add_test(tests, each_line_of_the_page_is_one_of_its_format);
    tcase_add_test(tests, a_site_tells_of_another_one);
}

BIGHT_TEST_MAIN("http_figures", add_tests)
