/* SPDX-License-Identifier: MIT */
/* The simulated kernel with faults: each condition has an effect, and the production code survives it: bytes come in
 * order or the connection is lost, and that once. */
#include "simulation_support.h"

#include <errno.h>

#include <bight/testing.h>

enum { SEEDS = 25 };

static void ignore(void *context)
{
    (void)context;
}

struct trouble {
    struct bight_link_conditions link;
    struct bight_kernel_conditions kernel;
    bool may_lose; /* connections may end before all is echoed */
    bool local;    /* over UNIX sockets */
    size_t bytes;
};

/* Ten connections under the conditions; returns how many faults happened. */
static uint32_t suffer(uint64_t seed, const struct trouble *trouble)
{
    struct world *world = world_new(seed);
    world->bytes = trouble->bytes != 0 ? trouble->bytes : 5000;
    bight_simulation_link(world->simulation, NULL, NULL, &trouble->link);
    world_listen(world, trouble->local ? "unix:/run/echo" : "tcp:7");
    bight_host_kernel(world->server_host, &trouble->kernel);
    bight_host_kernel(world->client_host, &trouble->kernel);
    for (int i = 0; i < 10; i++) {
        if (trouble->local) {
            world_connect_from(world, world->server, "unix:/run/echo");
        } else {
            world_connect(world, "tcp:server:7");
        }
    }
    bight_simulation_run(world->simulation, 300);
    ck_assert_uint_eq(world->made + world->failed, 10);
    ck_assert_uint_eq(world->lost, world->made);
    if (!trouble->may_lose) {
        ck_assert_uint_eq(world->done, 10);
        ck_assert_uint_eq(world->server_ended, 10);
    }
    uint32_t faults = bight_simulation_fault_count(world->simulation);
    world_free(world);
    return faults;
}

static void suffer_all(const struct trouble *trouble)
{
    uint64_t faults = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        faults += suffer(seed, trouble);
    }
    ck_assert_uint_gt(faults, SEEDS / 2);
}

#define SUFFERING(name, ...)                               \
    START_TEST(name)                                       \
    {                                                      \
        static const struct trouble trouble = __VA_ARGS__; \
        suffer_all(&trouble);                              \
    }                                                      \
    END_TEST

SUFFERING(short_reads_are_harmless, { .kernel.short_read = 700 })
SUFFERING(marks_in_the_stream_are_harmless, { .kernel.mark = 700 }) /* T2 */
SUFFERING(short_writes_are_harmless, { .kernel.short_write = 700 })
SUFFERING(storms_of_eagain_are_harmless, { .kernel.would_block = 700 })
SUFFERING(spurious_readiness_is_harmless, { .kernel.spurious = 500 })
SUFFERING(interruptions_are_harmless, { .kernel.interrupted = 500 })
SUFFERING(shuffled_readiness_is_harmless, { .kernel.shuffle = 1000 })
SUFFERING(split_and_joined_segments_are_harmless, { .link = { .jitter = 0.01, .split = 500, .join = 500 } })
SUFFERING(memory_that_the_kernel_lacks_to_send_is_waited_for, { .kernel.starved = 300 })      /* T6 */
SUFFERING(lack_of_buffers_is_survived, { .kernel.no_buffers = 50, .may_lose = true })         /* T17 */
SUFFERING(lack_of_descriptors_is_survived, { .kernel.no_files = 300, .may_lose = true })      /* T17 */
SUFFERING(a_filter_that_forbids_accepting_delays, { .kernel.forbidden = 500 })                /* T17 */
SUFFERING(lack_of_ports_fails_the_attempt_once, { .kernel.no_ports = 300, .may_lose = true }) /* E5 */
SUFFERING(resets_end_connections_once, { .link.reset = 200, .may_lose = true })               /* T3, T5 */
SUFFERING(refusals_fail_the_attempt_once, { .link.refuse = 500, .may_lose = true })           /* E5 */
SUFFERING(lost_attempts_time_out, { .link.lose_attempt = 500, .may_lose = true })             /* E5 */
SUFFERING(failing_names_fail_the_attempt, { .kernel.name_fails = 500, .may_lose = true })     /* E5 */
SUFFERING(late_names_are_waited_for, { .kernel.name_late = 500 })                             /* E5 */
SUFFERING(small_buffers_and_everything_else,
    { /* T13 */
        .link = { .latency = 0.005, .jitter = 0.01, .split = 100, .join = 100, .reset = 3, .refuse = 50 },
        .kernel = { .short_read = 100,
            .short_write = 100,
            .would_block = 100,
            .spurious = 50,
            .interrupted = 50,
            .no_files = 20,
            .no_buffers = 5,
            .shuffle = 100,
            .name_late = 100,
            .thread_late = 100,
            .send_buffer = 1000,
            .receive_buffer = 600 },
        .may_lose = true })

SUFFERING(unix_sockets_in_all_of_that, { .kernel = { .short_read = 200,
                                             .short_write = 200,
                                             .would_block = 200,
                                             .spurious = 100,
                                             .interrupted = 100,
                                             .no_files = 20,
                                             .no_buffers = 5,
                                             .shuffle = 200,
                                             .send_buffer = 1000 },
                                           .link.refuse = 100,
                                           .may_lose = true,
                                           .local = true })

START_TEST(small_buffers_lose_nothing) /* T13 */
{
    static const struct trouble trouble = { .kernel = { .send_buffer = 700, .receive_buffer = 300 }, .bytes = 100000 };
    suffer(1, &trouble);
}
END_TEST

START_TEST(faults_left_out_do_not_happen)
{
    static const uint32_t some[] = { 1, 4 };
    for (int only = 0; only < 2; only++) {
        struct world *world = world_new(17);
        const struct bight_link_conditions link = { .refuse = 1000 };
        bight_simulation_link(world->simulation, NULL, NULL, &link);
        bight_simulation_allow_faults(world->simulation, only ? some : NULL, only ? 2 : 0);
        world_listen(world, "tcp:7");
        for (int i = 0; i < 6; i++) {
            world_connect(world, "tcp:10.0.0.1:7");
        }
        ck_assert(bight_simulation_settle(world->simulation, 1000));
        ck_assert_uint_eq(bight_simulation_fault_count(world->simulation), 6);
        ck_assert_uint_eq(world->failed, only ? 2 : 6);
        ck_assert_uint_eq(world->done, only ? 4 : 0);
        world_free(world);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------- the cable */

START_TEST(a_partition_delays_and_healing_delivers)
{
    struct world *world = world_new(20);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_uint_eq(world->done, 1);
    bight_simulation_partition(world->simulation, world->client_host, world->server_host, true);
    world->bytes = 2000;
    uint8_t more[1000];
    for (size_t i = 0; i < sizeof more; i++) {
        more[i] = pattern_byte(1000 + i);
    }
    bight_transport_write(world->last->transport, more, sizeof more);
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 20);
    ck_assert_uint_eq(world->received, 1000);
    ck_assert_uint_eq(world->made, 1);
    bight_simulation_partition(world->simulation, NULL, NULL, false);
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->received, 4000);
    ck_assert_uint_eq(world->made, 2);
    ck_assert_uint_eq(world->lost, 0);
    world_free(world);
}
END_TEST

START_TEST(connecting_across_a_partition_times_out)
{
    struct world *world = world_new(21);
    world_listen(world, "tcp:7");
    bight_simulation_partition(world->simulation, world->client_host, NULL, true);
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 100);
    ck_assert_uint_eq(world->failed, 1);
    ck_assert(bight_error_is(world->last_failure, BIGHT_E_CONNECT));
    ck_assert(world->last_failed_at >= 30 && world->last_failed_at < 31);
    world_free(world);
}
END_TEST

START_TEST(a_vanished_host_is_noticed_by_the_idle_timeout) /* T24 */
{
    struct world *world = world_new(22);
    world->keep = true;
    world->idle_timeout = 10;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 1);
    bight_host_vanish(world->server_host);
    bight_simulation_run(world->simulation, 30);
    ck_assert_uint_eq(world->lost, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_TIMED_OUT);
    ck_assert(world->last_lost_at > 9.9 && world->last_lost_at < 11.5);
    ck_assert_uint_eq(world->server_ended, 0); /* half open */
    world_free(world);
}
END_TEST

START_TEST(a_flush_to_a_vanished_host_ends) /* T7 */
{
    struct world *world = world_new(23);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    bight_host_vanish(world->server_host);
    uint8_t *much = calloc(1, 1 << 20);
    bight_transport_write(world->last->transport, much, 1 << 20);
    free(much);
    bight_transport_lose_connection(world->last->transport);
    bight_simulation_run(world->simulation, 20);
    ck_assert_uint_eq(world->lost, 0);
    bight_simulation_run(world->simulation, 20);
    ck_assert_uint_eq(world->lost, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_TIMED_OUT);
    world_free(world);
}
END_TEST

START_TEST(lingering_ends_at_its_time) /* T7 */
{
    struct world *world = world_new(24);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    bight_host_vanish(world->server_host); /* never answers the FIN */
    bight_transport_lose_connection(world->last->transport);
    bight_simulation_run(world->simulation, 4);
    ck_assert_uint_eq(world->lost, 0);
    bight_simulation_run(world->simulation, 2);
    ck_assert_uint_eq(world->lost, 1);
    ck_assert(world->last_lost_at >= 6 && world->last_lost_at < 6.1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

START_TEST(half_closing_still_gets_the_answer) /* T11 */
{
    struct world *world = world_new(25);
    world->half_close = true;
    world->keep = true;
    world->bytes = 300000;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    ck_assert(bight_simulation_settle(world->simulation, 10000));
    ck_assert_uint_eq(world->done, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

START_TEST(an_abort_resets_the_peer) /* T5, T10 */
{
    struct world *world = world_new(26);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    bight_transport_abort_connection(world->last->transport);
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_ABORTED);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_LOST);
    world_free(world);
}
END_TEST

/* -------------------------------------------------------------------------------------- descriptors */

START_TEST(serving_goes_on_after_a_storm_of_emfile) /* T17 */
{
    struct world *world = world_new(27);
    const struct bight_kernel_conditions storm = { .no_files = 1000 };
    const struct bight_kernel_conditions calm = { .no_files = 0 };
    world_listen(world, "tcp:7");
    bight_host_kernel(world->server_host, &storm);
    for (int i = 0; i < 20; i++) {
        world_connect(world, "tcp:server:7");
    }
    bight_simulation_run(world->simulation, 3);
    ck_assert_uint_eq(world->done, 0);
    bight_host_kernel(world->server_host, &calm);
    bight_simulation_run(world->simulation, 10);
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 10);
    ck_assert_uint_ge(world->done, 1);
    ck_assert_uint_eq(world->made, world->lost);
    world_free(world);
}
END_TEST

START_TEST(a_filter_that_forbids_every_connection_is_no_busy_loop) /* T17 */
{
    struct world *world = world_new(29);
    const struct bight_kernel_conditions storm = { .forbidden = 1000 }, calm = { .forbidden = 0 };
    world_listen(world, "tcp:7");
    bight_host_kernel(world->server_host, &storm);
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 20);
    ck_assert_uint_lt(bight_simulation_fault_count(world->simulation), 150);
    bight_host_kernel(world->server_host, &calm);
    bight_simulation_run(world->simulation, 10);
    ck_assert_uint_eq(world->done, 1);
    world_free(world);
}
END_TEST

START_TEST(a_full_backlog_delays_and_loses_nobody)
{
    struct world *world = world_new(28);
    world_listen(world, "tcp:7:backlog=2");
    bight_port_pause(world->port);
    for (int i = 0; i < 8; i++) {
        world_connect(world, "tcp:10.0.0.1:7");
    }
    bight_simulation_run(world->simulation, 2);
    ck_assert_uint_eq(world->made, 3);
    bight_port_resume(world->port);
    bight_simulation_run(world->simulation, 20);
    ck_assert_uint_eq(world->done, 8);
    world_free(world);
}
END_TEST

START_TEST(a_dead_address_is_passed_over_after_a_moment) /* E5 */
{
    struct world *world = world_new(29);
    struct bight_host *dead = bight_simulation_host(world->simulation, "dead");
    ck_assert_int_eq(bight_simulation_name(world->simulation, "service", dead), 0);
    ck_assert_int_eq(bight_simulation_name(world->simulation, "service", world->server_host), 0);
    bight_host_vanish(dead);
    world_listen(world, "tcp:7:interface=10.0.0.1"); /* IPv6 is refused, too */
    world_connect(world, "tcp:service:7");
    bight_simulation_run(world->simulation, 5);
    ck_assert_uint_eq(world->done, 1);
    ck_assert(world->last_lost_at > 0.25 && world->last_lost_at < 1);
    world_free(world);
}
END_TEST

START_TEST(spurious_readiness_does_not_connect) /* E2, E5 */
{
    struct world *world = world_new(30);
    const struct bight_link_conditions slow = { .latency = 1 };
    const struct bight_kernel_conditions spurious = { .spurious = 1000 };
    world->keep = true;
    bight_simulation_link(world->simulation, NULL, NULL, &slow);
    bight_host_kernel(world->client_host, &spurious);
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:10.0.0.1:7");
    for (int i = 0; i < 100; i++) {
        bight_call_later(world->client, i * 0.019, ignore, NULL, NULL); /* turns, and so polls */
    }
    bight_simulation_run(world->simulation, 1.99);
    ck_assert_uint_eq(world->made, 0);
    bight_simulation_run(world->simulation, 0.02);
    ck_assert_uint_eq(world->made, 1);
    world_free(world);
}
END_TEST

/* -------------------------------------------------------------------------------------------- memory */

/* An echo of one connection; every allocation of bight may fail, the simulated kernel's own do not. */
static bool echo_without_memory(void *context)
{
    struct world *world = context;
    memset(world, 0, sizeof *world);
    world_init(world, 31);
    bool complete = world->server != NULL && world->client != NULL;
    if (complete) {
        world_listen(world, "tcp:7");
        world_connect(world, "tcp:server:7");
        bight_simulation_run(world->simulation, 200);
    }
    bool is_answered = !complete || world->failed != 0 || world->lost == 1;
    bool is_done = bight_testing_fault_injected() || world->done == 1;
    bool is_clean = world_finish(world);
    return is_answered && is_done && is_clean;
}

START_TEST(an_echo_survives_every_lack_of_memory) /* T6, T15, D34 */
{
    struct world world;
    bight_log_set_observer(hear_nothing, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(echo_without_memory, &world, 0), 0);
}
END_TEST

/* --------------------------------------------------------------------------------------------- lines */

struct line_count {
    struct bight_line_factory factory;
    size_t lines;
    bool wrong;
};

static void line_received(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct line_count *count = (struct line_count *)receiver->base.factory;
    char expected[32];
    int length = snprintf(expected, sizeof expected, "line %zu", count->lines++);
    count->wrong |= size != (size_t)length || memcmp(line, expected, size) != 0;
}

static const struct bight_line_ops line_ops = { .line_received = line_received };

static void send_lines(struct bight_protocol *protocol)
{
    char line[32];
    for (int i = 0; i < 500; i++) {
        int length = snprintf(line, sizeof line, "line %d\r\n", i);
        bight_transport_write(protocol->transport, line, (size_t)length);
    }
    bight_transport_lose_connection(protocol->transport);
}

START_TEST(lines_are_the_same_however_they_are_cut)
{
    static const struct bight_protocol_ops sender_ops = { .connection_made = send_lines };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *world = world_new(seed);
        const struct bight_link_conditions link = { .split = 700, .jitter = 0.001 };
        const struct bight_kernel_conditions kernel = { .short_read = 900, .short_write = 500, .send_buffer = 300 };
        struct line_count count = { .factory = BIGHT_LINE_FACTORY(struct bight_line_receiver, &line_ops) };
        struct bight_factory sender = BIGHT_FACTORY(struct bight_protocol, &sender_ops);
        bight_simulation_link(world->simulation, NULL, NULL, &link);
        bight_host_kernel(world->server_host, &kernel);
        bight_host_kernel(world->client_host, &kernel);
        bight_deferred_release(bight_listen(world->server, "tcp:23", &count.factory.base));
        bight_deferred_release(bight_connect(world->client, "tcp:server:23", &sender));
        bight_simulation_run(world->simulation, 60);
        ck_assert_uint_eq(count.lines, 500);
        ck_assert(!count.wrong);
        world_free(world);
    }
}
END_TEST

static ssize_t fail_to_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    (void)system;
    (void)fd;
    (void)data;
    (void)size;
    (void)flags;
    return -EIO;
}

/* The peer must not take it for the end of all that there was to come. */
static void write_in_vain(struct bight_protocol *protocol)
{
    static struct bight_system_ops broken;
    struct bight_system *system = system_of(((struct world *)protocol->factory->context)->server);
    broken = *system->ops;
    broken.send = fail_to_send;
    system->ops = &broken;
    (void)bight_transport_write(protocol->transport, "hello", 5);
}

START_TEST(a_send_that_fails_is_no_orderly_end_to_the_peer) /* T5 */
{
    static const struct bight_protocol_ops ops = { .connection_made = write_in_vain };
    struct world *world = world_new(1);
    world->bytes = 0;
    world->echo.protocol_ops = &ops;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:10.0.0.1:7");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_LOST);
    ck_assert_uint_eq(world->made + world->failed, 1);
    if (world->made == 1) { /* else the reset was there before the connection was looked at */
        ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_LOST);
    }
    world_free(world);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_send_that_fails_is_no_orderly_end_to_the_peer);
    tcase_add_test(tests, short_reads_are_harmless);
    tcase_add_test(tests, marks_in_the_stream_are_harmless);
    tcase_add_test(tests, short_writes_are_harmless);
    tcase_add_test(tests, storms_of_eagain_are_harmless);
    tcase_add_test(tests, spurious_readiness_is_harmless);
    tcase_add_test(tests, interruptions_are_harmless);
    tcase_add_test(tests, shuffled_readiness_is_harmless);
    tcase_add_test(tests, split_and_joined_segments_are_harmless);
    tcase_add_test(tests, memory_that_the_kernel_lacks_to_send_is_waited_for);
    tcase_add_test(tests, lack_of_buffers_is_survived);
    tcase_add_test(tests, lack_of_descriptors_is_survived);
    tcase_add_test(tests, a_filter_that_forbids_accepting_delays);
    tcase_add_test(tests, lack_of_ports_fails_the_attempt_once);
    tcase_add_test(tests, resets_end_connections_once);
    tcase_add_test(tests, refusals_fail_the_attempt_once);
    tcase_add_test(tests, lost_attempts_time_out);
    tcase_add_test(tests, failing_names_fail_the_attempt);
    tcase_add_test(tests, late_names_are_waited_for);
    tcase_add_test(tests, small_buffers_and_everything_else);
    tcase_add_test(tests, unix_sockets_in_all_of_that);
    tcase_add_test(tests, small_buffers_lose_nothing);
    tcase_add_test(tests, faults_left_out_do_not_happen);
    tcase_add_test(tests, a_partition_delays_and_healing_delivers);
    tcase_add_test(tests, connecting_across_a_partition_times_out);
    tcase_add_test(tests, a_vanished_host_is_noticed_by_the_idle_timeout);
    tcase_add_test(tests, a_flush_to_a_vanished_host_ends);
    tcase_add_test(tests, lingering_ends_at_its_time);
    tcase_add_test(tests, half_closing_still_gets_the_answer);
    tcase_add_test(tests, an_abort_resets_the_peer);
    tcase_add_test(tests, serving_goes_on_after_a_storm_of_emfile);
    tcase_add_test(tests, a_filter_that_forbids_every_connection_is_no_busy_loop);
    tcase_add_test(tests, a_full_backlog_delays_and_loses_nobody);
    tcase_add_test(tests, a_dead_address_is_passed_over_after_a_moment);
    tcase_add_test(tests, spurious_readiness_does_not_connect);
    tcase_add_test(tests, an_echo_survives_every_lack_of_memory);
    tcase_add_test(tests, lines_are_the_same_however_they_are_cut);
}

BIGHT_TEST_MAIN("simulation_faults", add_tests)
