/* SPDX-License-Identifier: MIT */
/* Tests of the client against a server that misbehaves on demand: each thing that a server can do wrong ends a call in
 * the one documented way, in its time, and leaves a client that serves the next one as if nothing had been. */
#include "misbehaved_support.h"

#include "http/coding/gzip.h"

static const struct {
    const char *method, *script, *expected;
    double seconds; /* by when; 0: at once */
} rows[] = {
    /* What a body may not be. */
    { "GET", "length=10&size=5&end=close", "INCOMPLETE", 0 },
    { "GET", "length=10&size=5", "TIMED_OUT/3", 64 },
    { "GET", "length=5&size=10", "200 'FIVE'", 0 },
    { "GET", "framing=both", "SYNTAX", 0 },
    { "GET", "framing=twice", "SYNTAX", 0 },
    { "GET", "framing=chunked&cut=50&end=close", "INCOMPLETE", 0 },
    { "GET", "coding=bomb", "TOO_LONG", 0 },
    { "GET", "coding=bomb&framing=chunked", "TOO_LONG", 0 },
    { "GET", "coding=bomb&framing=close", "TOO_LONG", 0 },
    { "GET", "endless=body", "TOO_LONG", 0 },
    { "GET", "endless=body&framing=chunked", "TOO_LONG", 10 },
    { "GET", "endless=body&framing=close", "TOO_LONG", 10 },
    { "GET", "length=99999999999999&size=5", "TOO_LONG", 0 },
    { "HEAD", "bodied=yes", "200 ''", 0 },
    { "GET", "status=204&size=5", "204 ''", 0 },
    { "GET", "status=304&size=5", "304 ''", 0 },
    /* What a head may not be. */
    { "GET", "endless=head", "TOO_LONG", 0 },
    { "GET", "endless=interim", "TOO_LONG", 0 },
    { "GET", "interim=16", "200 'FIVE'", 0 },
    { "GET", "interim=17", "TOO_LONG", 0 },
    { "GET", "status=101", "SYNTAX", 0 },
    { "GET", "status=101&field=Upgrade%3A+x&field=Connection%3A+upgrade", "SYNTAX", 0 },
    { "GET", "garbage=1", "TIMED_OUT/3", 64 }, /* not a line yet */
    { "GET", "garbage=1&end=close", "INCOMPLETE", 0 },
    { "GET", "garbage=100000", "SYNTAX", 0 },
    { "GET", "field=A+%3A+b", "SYNTAX", 0 },
    { "GET", "field=A%3A+%01", "SYNTAX", 0 },
    /* Who is slow. */
    { "GET", "wait=59", "200 'FIVE'", 64 },
    { "GET", "wait=61", "TIMED_OUT/2", 64 },
    { "GET", "cut=0", "TIMED_OUT/2", 64 },
    { "GET", "cut=20", "TIMED_OUT/3", 64 },
    { "GET", "cut=40", "TIMED_OUT/3", 64 },
    { "GET", "pace=1&size=3", "200 'THREE'", 64 },
    { "GET", "pace=61", "TIMED_OUT/3", 64 },
    { "GET", "endless=body&framing=chunked&pace=1", "TIMED_OUT/4", 320 },
    { "GET", "endless=head&pace=1", "TIMED_OUT/4", 320 },
    { "GET", "endless=interim&pace=1", "TIMED_OUT/4", 320 },
    /* Redirects. */
    { "GET", "loop=yes", "LIMIT/302", 0 },
    { "GET", "hops=10", "200 'FIVE'", 0 },
    { "GET", "hops=11", "LIMIT/302", 0 },
    { "GET", "hops=3&via=307&status=404", "404 'FIVE'", 0 },
    { "GET", "to=ftp%3A%2F%2Fserver%2F", "SYNTAX/302", 0 },
    { "GET", "to=http%3A%2F%2Fserver%2F%3Fcut%3D30%26end%3Dreset", "INCOMPLETE<CONNECTION_LOST", 0 },
    { "GET", "to=http%3A%2F%2Fnowhere%2F", "NAME_NOT_FOUND", 0 },
    /* Connections that are not what they seem. */
    { "GET", "cut=0&end=close", "INCOMPLETE", 0 },
    { "GET", "cut=0&end=reset", "INCOMPLETE<CONNECTION_LOST", 0 },
    { "GET", "unasked=HTTP%2F1.1+200+OK%0D%0A%0D%0A", "200 'FIVE'", 0 },
    { "GET", "unasked=x&after=0.5", "200 'FIVE'", 0 },
    { "GET", "after=0.5&end=close", "200 'FIVE'", 0 },
    { "GET", "after=0.5&end=reset", "200 'FIVE'", 0 },
    { "GET", "when=line", "200 'FIVE'", 0 },
    { "POST", "when=line", "200 'FIVE'", 0 },
    { "POST", "when=head", "200 'FIVE'", 0 },
    { "POST", "when=head&end=close", "200 'FIVE'", 0 },
    { "POST", "when=head&deaf=10", "200 'FIVE'", 0 },
    { "POST", "deaf=70", "TIMED_OUT/3", 64 },
    { "GET", "", "200 'FIVE'", 0 },
    { "GET", "framing=chunked", "200 'FIVE'", 0 },
    { "GET", "framing=close", "200 'FIVE'", 0 },
    { "GET", "coding=gzip&framing=chunked&chunk=3", "200 'FIVE'", 0 },
};

static char large[500000];

/* Sends row `row`; a POST has a body that no kernel's buffers take whole. */
static void send_row(int row)
{
    const struct bight_http_call_options options = { .size = sizeof options, .total_seconds = 300 };
    char url[1000];
    (void)snprintf(url, sizeof url, "http://server/x?%s", rows[row].script);
    struct bight_http_call *call = bight_http_call_new(client, rows[row].method, url);
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    if (strcmp(rows[row].method, "POST") == 0) {
        ck_assert_int_eq(bight_http_call_body(call, large, sizeof large, NULL), 0);
    }
    note_misbehaved(bight_http_call_send(call));
}

/* The bodies that are meant in the rows. */
static void name_body(void)
{
    char *body = strchr(heard, '\'');
    size_t size = body != NULL ? strlen(body) - 2 : 0;
    if (size > 0 && bight_http_misbehaving_is(0, 0, body + 1, size)) {
        (void)snprintf(body, 40, "'%s'", size == 5 ? "FIVE" : (size == 3 ? "THREE" : "MANY"));
    }
}

/* A client without zlib is handed what it has not asked for as it comes. */
static void check_row(int row)
{
    name_body();
    if (strstr(rows[row].script, "coding=gzip") != NULL && !bi_gzip_is_built_in()) {
        ck_assert_ptr_eq(strstr(heard, "200 '"), heard);
    } else {
        ck_heard(rows[row].expected);
    }
}

START_TEST(whatever_a_server_does_a_call_ends_as_documented_and_the_client_is_sound) /* C1 C2 C3 C4 C5 C9 */
{
    begin();
    send_row(_i);
    pass(rows[_i].seconds == 0 ? 1 : rows[_i].seconds);
    check_row(_i);
    end_sound();
}
END_TEST

START_TEST(so_it_does_however_the_bytes_are_cut) /* C1 C5 */
{
    const struct bight_link_conditions cut = { .latency = 0.0001, .split = 500, .join = 300 };
    begin();
    bight_simulation_link(network, NULL, NULL, &cut);
    send_row(_i);
    pass(rows[_i].seconds == 0 ? 10 : rows[_i].seconds + 1);
    check_row(_i);
    end_sound();
}
END_TEST

/* ------------------------------------------------------------------------------------------- every byte */

static const char *const bodies[] = { "size=20&", "size=20&framing=chunked&chunk=7&", "size=20&coding=gzip&",
    "size=20&coding=gzip&framing=chunked&chunk=7&" };
static const struct {
    const char *end, *expected;
} ends[] = { { "end=close", "INCOMPLETE" }, { "end=reset", "INCOMPLETE<CONNECTION_LOST" } };

/* An answer, or a failure: what became of a call that was cut behind `cut` bytes. */
static bool ask_for_a_part(const char *body, unsigned cut, const char *end)
{
    char script[100];
    (void)snprintf(script, sizeof script, "%scut=%u&%s", body, cut, end);
    ask("GET", script);
    pass(1);
    return strncmp(heard, "200", 3) == 0;
}

START_TEST(an_answer_that_is_cut_at_any_byte_is_a_failure_until_it_is_whole) /* C5 C9 */
{
    const char *body = bodies[_i / 2], *end = ends[_i % 2].end;
    unsigned cut = 0;
    begin();
    for (; !ask_for_a_part(body, cut, end); cut++) {
        ck_heard(ends[_i % 2].expected);
        ck_assert_uint_lt(cut, 300);
    }
    ck_assert_uint_gt(cut, 50);
    heard[0] = '\0';
    ck_assert_uint_eq(figures_now().requests, cut + 1);
    end_sound();
}
END_TEST

START_TEST(one_that_stops_at_any_byte_has_its_time) /* C3 */
{
    const struct bight_http_call_options brief = {
        .size = sizeof brief, .first_byte_seconds = 0.1, .between_seconds = 0.2
    };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &brief };
    unsigned cut = 0;
    begin_with(&options);
    for (; !ask_for_a_part(bodies[_i], cut, "end=stay"); cut++) {
        ck_heard(cut == 0 ? "TIMED_OUT/2" : "TIMED_OUT/3");
        ck_assert_uint_lt(cut, 300);
    }
    heard[0] = '\0';
    end_sound();
}
END_TEST

/* ------------------------------------------------------------------------------------------- stale ones */

static const struct {
    const char *next, *method, *expected;
    unsigned requests;
} stale[] = {
    { "next=close", "GET", "200 'FIVE'", 3 },
    { "next=reset", "GET", "200 'FIVE'", 3 },
    { "next=close", "DELETE", "200 'FIVE'", 3 },
    { "next=close", "POST", "INCOMPLETE", 2 },
    { "next=reset", "POST", "INCOMPLETE<CONNECTION_LOST", 2 },
    { "next=silence", "GET", "TIMED_OUT/2", 2 },
};

START_TEST(a_kept_connection_that_ends_as_a_request_comes_costs_a_call_nothing_if_it_may_be_repeated) /* C2 */
{
    begin();
    ask("GET", stale[_i].next);
    pass(1);
    heard[0] = '\0';
    ask(stale[_i].method, "");
    pass(64);
    name_body();
    ck_heard(stale[_i].expected);
    ck_assert_uint_eq(figures_now().requests, stale[_i].requests);
    end_sound();
}
END_TEST

START_TEST(a_connection_that_closes_at_the_moment_of_a_request_does_so_too) /* C2 */
{
    const struct bight_link_conditions far = { .latency = 0.02 };
    begin();
    bight_simulation_link(network, NULL, NULL, &far);
    for (int i = 0; i < 40; i++) {
        ask("GET", "after=1&end=close");
        pass(0.97 + 0.005 * i); /* before, during and after */
        ask("GET", "field=Connection%3A+close");
        pass(2);
        ck_assert_uint_eq(figures_now().open, 0);
        ck_assert_int_eq(strncmp(heard, "200 ", 4), 0);
        ck_assert_ptr_nonnull(strstr(heard + 4, " 200 "));
        heard[0] = '\0';
    }
    end_sound();
}
END_TEST

START_TEST(what_is_sent_again_takes_no_connection_that_was_kept) /* C2 */
{
    const struct bight_link_conditions far = { .latency = 1 };
    const struct bight_http_client_options few = { .size = sizeof few, .max_per_host = 2 + (unsigned)_i };
    begin_with(&few);
    bight_simulation_link(network, NULL, NULL, &far);
    ask("GET", "next=close");
    ask("GET", "wait=6&next=close"); /* comes back while the third one connects again */
    pass(7);
    heard[0] = '\0';
    ask("GET", "");
    pass(20);
    ck_heard("200 'xocuk' 200 'xocuk'");
    bight_simulation_link(network, NULL, NULL, &(const struct bight_link_conditions) { .latency = 0.0001 });
    end_sound();
}
END_TEST

START_TEST(an_answer_before_the_question_is_not_followed_by_a_second_call) /* C2 */
{
    begin();
    ck_assert_int_eq(bight_http_misbehaving_greet(server, "size=3"), 0);
    ask("GET", "");
    pass(1);
    ck_assert_int_eq(bight_http_misbehaving_greet(server, NULL), 0);
    ck_heard("200 'xoc'"); /* nobody can tell */
    ask("GET", "");
    pass(1);
    name_body();
    ck_heard("200 'FIVE'");
    ck_assert_uint_eq(figures_now().connections, 2);
    end_sound();
}
END_TEST

/* ------------------------------------------------------------------------------------------- many */

#define MANY 10000

static unsigned ended;

static void count_one(struct bight_result *result, void *context)
{
    unsigned *good = context;
    *good += bight_result_peek(result, &bight_type_http_response) != NULL;
    ended++;
    bight_result_clear(result);
}

START_TEST(ten_thousand_calls_over_eight_connections_leave_nothing) /* C2 */
{
    unsigned good = 0;
    begin();
    ended = 0;
    for (int i = 0; i < MANY; i++) {
        struct bight_deferred *asked =
            bight_http_get(client, i % 3 == 0 ? "http://server/?framing=chunked" : "http://server/");
        bight_deferred_add_both(asked, count_one, &good);
        bight_deferred_release(asked);
    }
    pass(60);
    ck_assert_uint_eq(ended, MANY);
    ck_assert_uint_eq(good, MANY);
    ck_assert_uint_eq(figures_now().connections, 8);
    ck_assert_uint_eq(figures_now().requests, MANY);
    ck_assert_uint_eq(figures_now().open, 0); /* idle for 15 s */
    end_sound();
}
END_TEST

START_TEST(so_do_ten_thousand_of_which_most_fail) /* C2 */
{
    static const char *const urls[] = { "http://server/", "http://server/?cut=30&end=reset",
        "http://server/?next=close", "http://server/?garbage=5000", "http://server/?length=9&end=close",
        "http://server/?framing=both", "http://server/?endless=interim" };
    unsigned good = 0;
    begin();
    ended = 0;
    for (int i = 0; i < MANY; i++) {
        struct bight_deferred *asked = bight_http_get(client, urls[i % 7]);
        bight_deferred_add_both(asked, count_one, &good);
        bight_deferred_release(asked);
    }
    pass(300);
    ck_assert_uint_eq(ended, MANY);
    ck_assert_uint_ge(good, MANY / 7);
    ck_assert_uint_eq(figures_now().open, 0);
    ck_assert_uint_le(figures_now().most_open, 8);
    end_sound();
}
END_TEST

static void add_tests(TCase *tests)
{
    const int count = sizeof rows / sizeof *rows, body_count = sizeof bodies / sizeof *bodies;
    tcase_add_loop_test(tests, whatever_a_server_does_a_call_ends_as_documented_and_the_client_is_sound, 0, count);
    tcase_add_loop_test(tests, so_it_does_however_the_bytes_are_cut, 0, count);
    tcase_add_loop_test(tests, an_answer_that_is_cut_at_any_byte_is_a_failure_until_it_is_whole, 0, 2 * body_count);
    tcase_add_loop_test(tests, one_that_stops_at_any_byte_has_its_time, 0, body_count);
    tcase_add_loop_test(tests,
        a_kept_connection_that_ends_as_a_request_comes_costs_a_call_nothing_if_it_may_be_repeated, 0,
        sizeof stale / sizeof *stale);
    tcase_add_test(tests, a_connection_that_closes_at_the_moment_of_a_request_does_so_too);
    tcase_add_loop_test(tests, what_is_sent_again_takes_no_connection_that_was_kept, 0, 2);
    tcase_add_test(tests, an_answer_before_the_question_is_not_followed_by_a_second_call);
    tcase_add_test(tests, ten_thousand_calls_over_eight_connections_leave_nothing);
    tcase_add_test(tests, so_do_ten_thousand_of_which_most_fail);
}

BIGHT_TEST_MAIN("http_client_misbehaved", add_tests)
