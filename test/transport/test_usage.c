/* SPDX-License-Identifier: MIT */
/* test_usage.c - what programs are told when they misuse the interface: the line where they did, and what was wrong.
 *
 * That each misuse has its code and does no harm is tested where it belongs; here are the words and the places. */
#include <signal.h>

#include <bight/file_lock.h>
#include <bight/process_output.h>
#include <bight/protocols/line.h>
#include <bight/sys/layer.h>
#include <bight/sys/resolver.h>
#include <bight/sys/scope.h>
#include <bight/sys/service.h>

#include "transport_support.h"

static char said[1024], place[256];

static void listen_in(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level == BIGHT_LOG_ERROR && strcmp(event->system, "usage") == 0) {
        snprintf(said, sizeof said, "%s", event->message);
        snprintf(place, sizeof place, "%s", event->place == NULL ? "" : event->place);
    }
}

static void begin(void)
{
    bight_log_set_observer(listen_in, NULL);
    set_up();
}

#define ck_said(text)                 \
    do {                              \
        ck_assert_str_eq(said, text); \
        said[0] = '\0';               \
    } while (0)

/* The call's own line is named. A macro has one line, however many it takes in the source. */
#define ck_names_this_line(call)             \
    do {                                     \
        place[0] = '\0';                     \
        call;                                \
        ck_assert_str_eq(place, BIGHT_HERE); \
    } while (0)

static void swallow(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void drop(struct bight_deferred *deferred)
{
    bight_deferred_add_both(deferred, swallow, NULL);
    bight_deferred_release(deferred);
}

/* Takes the Deferred, and returns the code that it failed with. */
static int code_of(struct bight_deferred *deferred)
{
    struct bight_result *result = bight_deferred_result(deferred);
    int code = result == NULL ? 0 : bight_failure_code(bight_result_failure(result));
    drop(deferred);
    return code;
}

/* ---------------------------------------------------------------------------------------- the words */

START_TEST(it_is_said_what_was_wrong)
{
    begin();
    ck_assert_int_eq(bight_transport_unregister_producer(transport), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_transport_unregister_producer: no producer is registered [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_set_watermarks(transport, 7, 7), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_transport_set_watermarks: the low mark 7 is not below the high one 7 [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_set_idle_timeout(transport, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_said("a timeout of a transport: the number of seconds is negative, or no number [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_switch_protocol(transport, NULL, "", 0), BIGHT_E_USAGE);
    ck_said("bight_transport_switch_protocol: there is no protocol [USAGE]");
    ck_assert_int_eq(bight_transport_switch_protocol(transport, protocol, "", 0), BIGHT_E_USAGE);
    ck_said("bight_transport_switch_protocol: the protocol has, or has had, a connection [USAGE]");
    ck_assert_ptr_null(bight_semaphore_new(0));
    ck_said("bight_semaphore_new: the number is below 1 [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_on_signal(reactor, SIGKILL, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_on_signal: signal 9: there is none, or none can catch it [INVALID_ARGUMENT]");
    tear_down();
}
END_TEST

/* ---------------------------------------------------------------------------------- missing tables */

START_TEST(a_factory_without_a_table_of_handlers_is_refused_where_it_is_given)
{
    struct bight_factory mute = BIGHT_FACTORY(struct bight_protocol, NULL);
    begin();
    ck_names_this_line(ck_assert_int_eq(code_of(bight_listen(reactor, "tcp:0", &mute)), BIGHT_E_INVALID_ARGUMENT));
    ck_said("bight_listen: the factory has no table of handlers: BIGHT_FACTORY was given NULL [INVALID_ARGUMENT]");
    ck_names_this_line(ck_assert_int_eq(code_of(bight_connect(reactor, "unix:/x", &mute)), BIGHT_E_INVALID_ARGUMENT));
    ck_said("bight_connect: the factory has no table of handlers: BIGHT_FACTORY was given NULL [INVALID_ARGUMENT]");
    ck_names_this_line(ck_assert_int_eq(bight_serve(reactor, "tcp:0", &mute), BIGHT_E_INVALID_ARGUMENT));
    ck_said("bight_listen: the factory has no table of handlers: BIGHT_FACTORY was given NULL [INVALID_ARGUMENT]");
    ck_assert_ptr_null(bight_protocol_new(&mute));
    ck_said(
        "bight_protocol_new: the factory has no table of handlers: BIGHT_FACTORY was given NULL [INVALID_ARGUMENT]");
    tear_down();
}
END_TEST

START_TEST(a_factory_that_was_not_initialised_is_told_apart)
{
    struct bight_factory nothing = { .protocol_ops = &probe_ops };
    begin();
    ck_assert_int_eq(code_of(bight_listen(reactor, "tcp:0", &nothing)), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_listen: the factory was not made with BIGHT_FACTORY or its like [INVALID_ARGUMENT]");
    tear_down();
}
END_TEST

static struct bight_protocol *build_another(struct bight_factory *factory, const struct bight_address *from)
{
    (void)factory;
    (void)from;
    return bight_protocol_new(&probe_factory);
}

START_TEST(a_factory_that_builds_its_protocols_itself_needs_no_table) /* T15 */
{
    static const struct bight_factory_ops ops = { .build_protocol = build_another };
    struct bight_factory builder = { .ops = &ops };
    begin();
    struct bight_string_peer *other = bight_string_connect(reactor, &builder, true);
    ck_assert_ptr_nonnull(other);
    drop(bight_listen(reactor, "tcp:0:interface=127.0.0.1", &builder));
    ck_said("");
    bight_string_peer_free(other);
    tear_down();
}
END_TEST

START_TEST(a_line_receiver_without_a_table_is_told_and_its_connection_ended)
{
    struct bight_line_factory mute = BIGHT_LINE_FACTORY(struct bight_line_receiver, NULL);
    begin();
    struct bight_string_peer *other = bight_string_connect(reactor, &mute.base, true);
    ck_said("a line receiver's factory has no table of handlers: BIGHT_LINE_FACTORY was given NULL");
    bight_string_feed_text(other, "hello\n");
    bight_testing_settle(reactor, 10);
    ck_assert(bight_string_was_reset(other));
    bight_string_peer_free(other);
    tear_down();
}
END_TEST

START_TEST(other_tables_that_are_missing_are_told)
{
    struct bight_process_protocol child = BIGHT_PROCESS_PROTOCOL(NULL);
    struct bight_process_options options = { .size = sizeof options, .path = "/bin/true" };
    struct bight_layer layer = { .ops = NULL };
    struct bight_resolver resolver = { .ops = NULL };
    struct bight_scope_member member = { .ops = NULL };
    begin();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_transport_register_producer(transport, NULL, NULL, true), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_transport_register_producer: there is no table of functions [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_spawn_process(reactor, &child, &options, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_spawn_process: there is no protocol, or it has no table of handlers [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_push_layer(transport, &layer), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_transport_push_layer: the layer has no table of functions [INVALID_ARGUMENT]");
    bight_reactor_set_resolver(reactor, &resolver);
    ck_said("bight_reactor_set_resolver: the resolver has no table of functions [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_scope_join(scope, &member, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_said("bight_scope_join: there is no table of functions, or close or abort is missing in it [INVALID_ARGUMENT]");
    bight_scope_free(scope);
    tear_down();
}
END_TEST

/* ---------------------------------------------------------------------------------------- the places */

START_TEST(calls_of_the_reactor_and_its_clock_name_the_callers_line)
{
    begin();
    struct bight_clock *clock = bight_reactor_clock(reactor);
    struct bight_scope *scope = bight_scope_new(clock);
    ck_names_this_line(bight_watch_descriptor(reactor, -1, 2, NULL, NULL, NULL, NULL));
    ck_names_this_line(bight_call_later(reactor, -1, NULL, NULL, NULL));
    ck_names_this_line(bight_call_later_full(reactor, -1, NULL, NULL, NULL, NULL));
    ck_names_this_line(bight_clock_call_later(clock, -1, NULL, NULL, NULL, NULL));
    ck_names_this_line(code_of(bight_sleep(clock, -1)));
    ck_names_this_line(code_of(bight_defer_later(clock, -1, swallow, NULL)));
    ck_names_this_line(bight_scope_call_later(scope, -1, NULL, NULL, NULL, NULL));
    ck_names_this_line(bight_deferred_release(bight_scope_close(scope, -1)));
    ck_names_this_line(code_of(bight_scope_run(NULL, NULL, NULL)));
    ck_names_this_line(code_of(bight_spawn(reactor, NULL, NULL)));
    ck_names_this_line(code_of(bight_defer_to_thread(reactor, NULL, NULL)));
    bight_scope_free(scope);
    tear_down();
}
END_TEST

START_TEST(calls_of_endpoints_streams_and_processes_name_the_callers_line)
{
    struct bight_process_options nothing = { .size = sizeof nothing };
    struct bight_process_output_options no_input = { .size = sizeof no_input, .path = "/bin/cat", .input_size = 1 };
    struct bight_process_protocol child = BIGHT_PROCESS_PROTOCOL(NULL);
    struct bight_stream_factory streams = BIGHT_STREAM_FACTORY(struct bight_stream, NULL, NULL);
    begin();
    struct bight_string_peer *other = bight_string_connect(reactor, &streams.base, true);
    struct bight_stream *stream = (struct bight_stream *)bight_string_protocol(other);
    ck_names_this_line(code_of(bight_listen(NULL, "tcp:0", &probe_factory)));
    ck_names_this_line(code_of(bight_connect(reactor, "tcp:0", NULL)));
    ck_names_this_line(code_of(bight_open_stream(NULL, "tcp:0")));
    ck_names_this_line(bight_serve(reactor, "tcp:0", NULL));
    ck_names_this_line(bight_spawn_process(reactor, &child, &nothing, NULL));
    ck_names_this_line(code_of(bight_get_process_output(reactor, &no_input)));
    ck_names_this_line(code_of(bight_stream_read_until(stream, "", 0, 9)));
    drop(bight_stream_read(stream, 1));
    ck_names_this_line(code_of(bight_stream_read(stream, 1)));
    bight_string_peer_free(other);
    tear_down();
}
END_TEST

START_TEST(calls_of_deferreds_name_the_callers_line)
{
    begin();
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    struct bight_queue *queue = bight_queue_new(NULL);
    ck_names_this_line(bight_callback(promise, &bight_type_failure, NULL));
    ck_assert_int_eq(bight_callback(promise, NULL, NULL), 0);
    ck_names_this_line(bight_callback(promise, NULL, NULL));
    ck_names_this_line(code_of(bight_succeed(&bight_type_deferred, NULL)));
    ck_names_this_line(code_of(bight_fail(NULL)));
    ck_names_this_line(code_of(bight_gather_results(NULL, 2)));
    ck_names_this_line(code_of(bight_race(NULL, 0)));
    ck_names_this_line(code_of(bight_map_limited(NULL, 1, 1, 0, NULL)));
    ck_names_this_line(code_of(bight_maybe_deferred(NULL, NULL)));
    ck_names_this_line(code_of(bight_queue_put_later(queue, &bight_type_failure, NULL)));
    bight_queue_free(queue);
    drop(deferred);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, it_is_said_what_was_wrong);
    tcase_add_test(tests, a_factory_without_a_table_of_handlers_is_refused_where_it_is_given);
    tcase_add_test(tests, a_factory_that_was_not_initialised_is_told_apart);
    tcase_add_test(tests, a_factory_that_builds_its_protocols_itself_needs_no_table);
    tcase_add_test(tests, a_line_receiver_without_a_table_is_told_and_its_connection_ended);
    tcase_add_test(tests, other_tables_that_are_missing_are_told);
    tcase_add_test(tests, calls_of_the_reactor_and_its_clock_name_the_callers_line);
    tcase_add_test(tests, calls_of_endpoints_streams_and_processes_name_the_callers_line);
    tcase_add_test(tests, calls_of_deferreds_name_the_callers_line);
}

BIGHT_TEST_MAIN("usage", add_tests)
