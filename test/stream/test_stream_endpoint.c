/* SPDX-License-Identifier: MIT */
/* test_stream_endpoint.c - streams over the simulated network: opened by clients, served, under its faults (S8). */
#include <bight/testing/simulation.h>

#include "stream_support.h"

static struct bight_simulation *simulation;
static struct bight_reactor *server_reactor;

/* A server that answers each line with itself, and a client that sends some and counts. */
struct session {
    struct bight_stream base;
    struct bight_promise done;
};

static void next_line(struct session *session);

static void answer_line(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    if (line == NULL) {
        struct bight_failure *failure = bight_result_failure(result);
        if (failure == NULL) {
            bight_callback(session->done, NULL, NULL);
        } else {
            bight_errback(session->done, bight_result_take_failure(result));
        }
        return;
    }
    bight_stream_write(&session->base, bight_bytes_data(line), bight_bytes_size(line));
    bight_stream_write(&session->base, "\n", 1);
    next_line(session);
}

static void next_line(struct session *session)
{
    struct bight_deferred *line = bight_stream_read_line(&session->base, 100);
    bight_deferred_add_both(line, answer_line, session);
    bight_deferred_release(line);
}

static struct bight_deferred *serve(struct bight_stream *made, void *context)
{
    struct session *session = bight_stream_self(struct session, made);
    struct bight_deferred *done = bight_deferred_new(&session->done, NULL, NULL);
    (void)context;
    next_line(session);
    return done;
}

static struct bight_stream_factory echoes = BIGHT_STREAM_FACTORY(struct session, serve, NULL);

static void begin(void)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    simulation = bight_simulation_new(1);
    server_reactor = bight_host_reactor(bight_simulation_host(simulation, "server"));
    reactor = bight_host_reactor(bight_simulation_host(simulation, "client"));
    bight_deferred_release(bight_listen(server_reactor, "tcp:7", &echoes.base));
}

static void finish(void)
{
    bight_reactor_free(reactor);
    bight_reactor_free(server_reactor);
    bight_simulation_free(simulation);
}

/* ------------------------------------------------------------------------------------------------ opening */

static struct bight_stream *opened;

static void take_stream(struct bight_result *result, void *context)
{
    (void)context;
    opened = bight_result_take(result, &bight_type_stream);
    ck_assert_ptr_nonnull(opened);
}

static void open_one(void)
{
    struct bight_deferred *opening = bight_open_stream(reactor, "tcp:server:7");
    bight_deferred_add_callback(opening, take_stream, NULL);
    bight_deferred_release(opening);
    bight_simulation_run(simulation, 10);
    ck_assert_ptr_nonnull(opened);
}

START_TEST(opening_gives_a_stream_with_a_hold) /* S8, E2 */
{
    open_one();
    bight_stream_write(opened, "one\ntwo\n", 8);
    bight_stream_write_eof(opened);
    note(bight_stream_read_all(opened, 0));
    bight_simulation_run(simulation, 10);
    ck_heard("'one\\ntwo\\n'");
    ck_assert_int_eq(bight_failure_code(bight_stream_reason(opened)), BIGHT_E_CONNECTION_DONE);
    ck_assert_uint_eq(echoes.base.connections, 0);
    bight_stream_release(opened);
}
END_TEST

START_TEST(what_goes_wrong_comes_through_the_deferred) /* S8, E1 */
{
    note(bight_open_stream(reactor, "tcp:server:8"));
    note(bight_open_stream(reactor, "nonsense:1"));
    bight_simulation_run(simulation, 10);
    ck_heard("UNKNOWN_TYPE ALL_FAILED");
}
END_TEST

START_TEST(opening_can_be_cancelled) /* S8, E3 */
{
    struct bight_deferred *opening = bight_open_stream(reactor, "tcp:server:7");
    bight_deferred_cancel(opening);
    note(opening);
    bight_simulation_run(simulation, 10);
    ck_heard("CANCELLED");
    ck_assert_uint_eq(echoes.base.connections, 0);
}
END_TEST

START_TEST(an_opened_stream_may_outlive_its_reactor) /* T3 */
{
    open_one();
    bight_stream_write(opened, "one\n", 4);
    bight_simulation_run(simulation, 1);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_uint_eq(bight_stream_buffered(opened), 4);
    ck_assert_int_eq(bight_stream_write(opened, "x", 1), BIGHT_E_CLOSED);
    bight_stream_release(opened);
}
END_TEST

/* Half a megabyte each way, through drains and a small window of what is kept. */
static size_t sent, answered;

static void send_more(struct bight_result *result, void *context);

static void count_answer(struct bight_result *result, void *context)
{
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    (void)context;
    ck_assert_ptr_nonnull(bytes);
    answered += bight_bytes_size(bytes);
    if (bight_bytes_size(bytes) > 0) {
        struct bight_deferred *more = bight_stream_read(opened, 1000);
        bight_deferred_add_both(more, count_answer, NULL);
        bight_deferred_release(more);
    }
}

static void send_more(struct bight_result *result, void *context)
{
    static char line[100];
    (void)context;
    ck_assert_ptr_null(bight_result_failure(result));
    memset(line, 'x', 99);
    line[99] = '\n';
    for (int i = 0; i < 1000 && sent < 500000; i++, sent += sizeof line) {
        ck_assert_int_eq(bight_stream_write(opened, line, sizeof line), 0);
    }
    if (sent == 500000) {
        bight_stream_write_eof(opened);
        return;
    }
    struct bight_deferred *drain = bight_stream_drain(opened);
    bight_deferred_add_both(drain, send_more, NULL);
    bight_deferred_release(drain);
}

START_TEST(much_goes_both_ways) /* S1 S4 S6 */
{
    open_one();
    bight_stream_set_limits(opened, 2000, 0);
    struct bight_deferred *first = bight_stream_read(opened, 1000), *start = bight_succeed(NULL, NULL);
    bight_deferred_add_both(first, count_answer, NULL);
    bight_deferred_add_both(start, send_more, NULL);
    bight_deferred_release(first);
    bight_deferred_release(start);
    bight_simulation_run(simulation, 60);
    ck_assert_uint_eq(answered, 500000);
    bight_stream_release(opened);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, begin, finish);
    tcase_add_test(tests, opening_gives_a_stream_with_a_hold);
    tcase_add_test(tests, what_goes_wrong_comes_through_the_deferred);
    tcase_add_test(tests, opening_can_be_cancelled);
    tcase_add_test(tests, an_opened_stream_may_outlive_its_reactor);
    tcase_add_test(tests, much_goes_both_ways);
}

BIGHT_TEST_MAIN("stream_endpoint", add_tests)
