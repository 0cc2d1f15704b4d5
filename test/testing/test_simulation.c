/* SPDX-License-Identifier: MIT */
/* The simulated kernel without faults: connections over hosts, links, names, time, and the same seed twice. */
#include "simulation_support.h"

#include <errno.h>
#include <signal.h>

#include "testing/simulation/simulation.h"
#include "transport/transport.h"

START_TEST(an_echo_answers_over_tcp) /* E2 */
{
    struct world *world = world_new(1);
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_uint_eq(world->done, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_uint_eq(world->server_ended, 1);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

START_TEST(megabytes_come_back_in_order) /* T6 */
{
    struct world *world = world_new(2);
    world->bytes = 3 * 1024 * 1024;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    ck_assert(bight_simulation_settle(world->simulation, 100000));
    ck_assert_uint_eq(world->done, 1);
    world_free(world);
}
END_TEST

static void check_echo(const char *server, const char *client)
{
    struct world *world = world_new(3);
    world_listen(world, server);
    ck_assert_uint_eq(world->failed, 0);
    world_connect(world, client);
    ck_assert(bight_simulation_settle(world->simulation, 10000));
    ck_assert_uint_eq(world->done, 1);
    ck_assert_uint_eq(world->lost, 1);
    world_free(world);
}

START_TEST(addresses_of_both_families_and_all_stacks_work) /* E5 */
{
    check_echo("tcp:7", "tcp:10.0.0.1:7");
    check_echo("tcp:7", "tcp:[fd00::1]:7");
    check_echo("tcp6:7", "tcp:[fd00::1]:7");
    check_echo("tcp:7:interface=10.0.0.1", "tcp:10.0.0.1:7");
    check_echo("tcp:7:interface=10.0.0.1", "tcp:server:7");
}
END_TEST

static void check_local_echo(const char *server, const char *client)
{
    struct world *world = world_new(4);
    world_listen(world, server);
    world_connect_from(world, world->server, client);
    ck_assert(bight_simulation_settle(world->simulation, 10000));
    ck_assert_uint_eq(world->done, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_DONE);
    ck_assert_uint_eq(world->server_ended, 1);
    world_free(world);
}

START_TEST(a_host_talks_to_itself)
{
    check_local_echo("tcp:7", "tcp:localhost:7");
    check_local_echo("tcp:7:interface=127.0.0.1", "tcp:127.0.0.1:7");
    check_local_echo("unix:/run/echo:mode=600", "unix:/run/echo");
    check_local_echo("unix:@echo", "unix:@echo");
}
END_TEST

START_TEST(a_unix_path_whose_owner_died_is_taken_over)
{
    struct world *world = world_new(5);
    static const struct sockaddr path = { AF_UNIX, "/run/x" };
    struct bight_reactor *other = bight_host_reactor(world->server_host);
    /* bound, not listening, and closed: the path stays */
    const struct bight_system_ops *ops = system_of(other)->ops;
    int fd = ops->socket(system_of(other), AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(ops->bind(system_of(other), fd, &path, 2 + 7), 0);
    ops->close(system_of(other), fd);
    world_listen(world, "unix:/run/x");
    ck_assert_uint_eq(world->failed, 0);
    world_listen(world, "unix:/run/x");
    ck_assert_int_eq(world->last_failure, BIGHT_E_ADDRESS_IN_USE);
    bight_reactor_free(other);
    world_free(world);
}
END_TEST

START_TEST(a_port_is_taken_once_and_free_again_after_closing) /* T18 */
{
    struct world *world = world_new(6);
    world_listen(world, "tcp:7");
    world_listen(world, "tcp:7");
    ck_assert_int_eq(world->last_failure, BIGHT_E_ADDRESS_IN_USE);
    bight_deferred_release(bight_port_stop_listening(world->port));
    world->failed = 0;
    world_listen(world, "tcp:7");
    ck_assert_uint_eq(world->failed, 0);
    world_connect(world, "tcp:server:7");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_uint_eq(world->done, 1);
    world_free(world);
}
END_TEST

START_TEST(a_silent_connection_is_accepted_when_its_time_is_over) /* E7 */
{
    struct world *world = world_new(6);
    world->bytes = 0;
    world_listen(world, "tcp:7:defer=15");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 14.9);
    ck_assert_uint_eq(world->made, 1);
    ck_assert_uint_eq(bight_port_connections(world->port), 0);
    bight_simulation_run(world->simulation, 0.2);
    ck_assert_uint_eq(bight_port_connections(world->port), 1);
    ck_assert_uint_eq(world->lost, 0);
    world_free(world);
}
END_TEST

START_TEST(a_port_that_closes_resets_silent_connections) /* E7, T18 */
{
    struct world *world = world_new(6);
    world->bytes = 0;
    world_listen(world, "tcp:7:defer=15");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    bight_deferred_release(bight_port_stop_listening(world->port));
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->lost, 1);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_LOST);
    world_free(world);
}
END_TEST

START_TEST(nobody_listening_refuses)
{
    struct world *world = world_new(7);
    world_connect(world, "tcp:10.0.0.1:9");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_int_eq(world->last_failure, BIGHT_E_CONNECTION_REFUSED);
    world_connect(world, "tcp:192.0.2.1:9");
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_int_eq(world->last_failure, BIGHT_E_UNREACHABLE);
    ck_assert_uint_eq(world->made, 0);
    world_free(world);
}
END_TEST

START_TEST(addresses_are_told) /* T1 */
{
    struct world *world = world_new(8);
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    struct bight_address address;
    world->keep = true;
    world_listen(world, "tcp:0");
    ck_assert_int_eq(bight_port_address(world->port, &address), 0);
    ck_assert_uint_ge(address.port, 32768);
    snprintf(text, sizeof text, "tcp:10.0.0.1:%u", address.port);
    world_connect(world, text);
    ck_assert(bight_simulation_settle(world->simulation, 1000));
    ck_assert_int_eq(bight_transport_peer(world->last->transport, &address), 0);
    bight_address_format(&address, text, 9);
    ck_assert_str_eq(text, "10.0.0.1");
    ck_assert_int_eq(bight_transport_host(world->last->transport, &address), 0);
    bight_address_format(&address, text, sizeof text);
    ck_assert_str_eq(text, "10.0.0.2:32768");
    world_free(world);
}
END_TEST

/* ------------------------------------------------------------------------------------------ replaying */

static uint64_t run_with_trouble(uint64_t seed, const char *trace)
{
    struct world *world = world_new(seed);
    const struct bight_link_conditions link = {
        .latency = 0.01, .jitter = 0.01, .split = 300, .join = 200, .reset = 5
    };
    const struct bight_kernel_conditions kernel = {
        .short_read = 200, .would_block = 100, .spurious = 50, .interrupted = 50, .shuffle = 300
    };
    FILE *file = trace == NULL ? NULL : fopen(trace, "w");
    bight_simulation_set_trace(world->simulation, file);
    bight_simulation_link(world->simulation, NULL, NULL, &link);
    bight_host_kernel(world->server_host, &kernel);
    bight_host_kernel(world->client_host, &kernel);
    world_listen(world, "tcp:7");
    for (int i = 0; i < 5; i++) {
        world_connect(world, "tcp:server:7");
    }
    bight_simulation_run(world->simulation, 10);
    bight_simulation_set_trace(world->simulation, NULL);
    if (file != NULL) {
        fclose(file);
    }
    ck_assert_uint_eq(world->made + world->failed, 5);
    return world_free(world);
}

START_TEST(bytes_are_hashed_alike_on_machines_of_either_order)
{
    struct bight_simulation *simulation = bight_simulation_new(1);
    simulation->hash = 0;
    bi_sim_trace_bytes(simulation, "eleven byte", 11);
    ck_assert_uint_eq(bight_simulation_trace_hash(simulation), UINT64_C(0x92aa271f5d1db043));
    bight_simulation_free(simulation);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_hash)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        ck_assert_uint_eq(run_with_trouble(seed, NULL), run_with_trouble(seed, "/dev/null"));
    }
}
END_TEST

START_TEST(different_seeds_differ)
{
    uint64_t first = run_with_trouble(1, NULL);
    for (uint64_t seed = 2; seed < 10; seed++) {
        ck_assert_uint_ne(run_with_trouble(seed, NULL), first);
    }
}
END_TEST

/* Known for ever: other compilers and options must come to the same. Change it only with the simulation itself. */
START_TEST(draws_do_not_depend_on_the_compiler)
{
    struct bight_simulation *simulation = bight_simulation_new(42);
    uint64_t sum = 0;
    for (int i = 0; i < 100; i++) {
        sum = sum * 31 + bight_simulation_draw(simulation, 1000003);
    }
    ck_assert_uint_eq(sum, UINT64_C(8461987354401120170));
    bight_simulation_free(simulation);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- time */

START_TEST(latency_and_bandwidth_take_their_time)
{
    struct world *world = world_new(9);
    const struct bight_link_conditions link = { .latency = 0.1, .bytes_per_second = 10000 };
    bight_simulation_link(world->simulation, NULL, NULL, &link);
    world->bytes = 20000;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:10.0.0.1:7");
    ck_assert(bight_simulation_settle(world->simulation, 10000));
    ck_assert_uint_eq(world->done, 1);
    /* there and back to connect; 2 s of bytes there, the echo of the first 16 KiB on its way back meanwhile */
    ck_assert(world->last_lost_at > 2.4 && world->last_lost_at < 4.8);
    world_free(world);
}
END_TEST

static void note_time(void *context)
{
    struct world *world = context;
    world->last_lost_at = bight_simulation_now(world->simulation);
}

START_TEST(a_jump_of_the_wall_clock_moves_no_timer) /* R8 */
{
    struct world *world = world_new(10);
    struct bight_system *system = system_of(world->client);
    bight_call_later(world->client, 5, note_time, world, NULL);
    bight_simulation_run(world->simulation, 1);
    uint64_t before = system->ops->wall_time(system);
    bight_simulation_jump_wall_clock(world->simulation, -86400);
    ck_assert_uint_eq(before - system->ops->wall_time(system), UINT64_C(86400000000000));
    bight_simulation_run(world->simulation, 10);
    ck_assert(world->last_lost_at == 5);
    ck_assert(bight_simulation_now(world->simulation) == 11);
    world_free(world);
}
END_TEST

static void alarm_called(int fd, short what, void *context)
{
    struct world *world = context;
    struct bight_system *system = system_of(world->client);
    uint64_t expirations = 0;
    ck_assert_int_eq(what, BIGHT_READABLE);
    ck_assert_int_eq(system->ops->read(system, fd, &expirations, sizeof expirations), sizeof expirations);
    ck_assert_int_eq(system->ops->read(system, fd, &expirations, sizeof expirations), -EAGAIN);
    ck_assert_uint_eq(expirations, 1);
    note_time(world);
}

START_TEST(a_timerfd_is_readable_at_its_time)
{
    struct world *world = world_new(19);
    struct bight_system *system = system_of(world->client);
    struct bight_foreign_watch watch;
    int fd = system->ops->timerfd_create(system);
    ck_assert_int_eq(system->ops->timerfd_set(system, fd, system->ops->now(system) + 1000), 0);
    ck_assert_int_eq(system->ops->timerfd_set(system, fd, system->ops->now(system) + 2000000000), 0);
    bight_watch_descriptor(world->client, fd, BIGHT_READABLE, alarm_called, world, NULL, &watch);
    bight_simulation_run(world->simulation, 5);
    ck_assert(world->last_lost_at == 2);
    bight_unwatch_descriptor(watch);
    system->ops->close(system, fd);
    world_free(world);
}
END_TEST

/* -------------------------------------------------------------------------------------------- threads */

static void think(struct bight_result *result, void *context)
{
    bight_result_set(result, &bight_type_integer, bight_integer(*(int *)context * 2));
}

static void thought(struct bight_result *result, void *context)
{
    struct world *world = context;
    world->received += (size_t)bight_integer_value(bight_result_peek(result, &bight_type_integer));
    bight_result_clear(result);
}

START_TEST(jobs_of_the_pool_run_in_this_thread_at_virtual_times) /* R10 */
{
    struct world *world = world_new(11);
    int numbers[4] = { 1, 2, 3, 4 };
    for (int i = 0; i < 4; i++) {
        struct bight_deferred *deferred = bight_defer_to_thread(world->client, think, &numbers[i]);
        bight_deferred_add_callback(deferred, thought, world);
        ck_assert(!bight_deferred_has_fired(deferred));
        bight_deferred_release(deferred);
    }
    struct bight_deferred *cancelled = bight_defer_to_thread(world->client, think, &numbers[0]);
    bight_deferred_cancel(cancelled);
    bight_deferred_add_both(cancelled, connected, world);
    bight_deferred_release(cancelled);
    ck_assert_int_eq(world->last_failure, BIGHT_E_CANCELLED);
    ck_assert(bight_simulation_settle(world->simulation, 100));
    ck_assert_uint_eq(world->received, 20);
    ck_assert(bight_simulation_now(world->simulation) > 0);
    ck_assert(bight_simulation_now(world->simulation) < 0.01);
    world_free(world);
}
END_TEST

START_TEST(jobs_left_at_the_end_let_go) /* R10 */
{
    struct world *world = world_new(12);
    int number = 1;
    struct bight_deferred *deferred = bight_defer_to_thread(world->client, think, &number);
    bight_deferred_add_both(deferred, connected, world);
    bight_deferred_release(deferred);
    struct bight_simulation *simulation = world->simulation;
    bight_reactor_free(world->client);
    ck_assert_int_eq(world->last_failure, BIGHT_E_SHUTDOWN);
    world->client = bight_host_reactor(world->client_host);
    (void)simulation;
    world_free(world);
}
END_TEST

START_TEST(calls_from_threads_wake_the_reactor) /* R9 */
{
    struct world *world = world_new(13);
    struct bight_mailbox *mailbox = bight_reactor_mailbox(world->client);
    const struct bight_kernel_conditions late = { .thread_late = 1000 };
    ck_assert(bight_simulation_settle(world->simulation, 10));
    bight_host_kernel(world->client_host, &late);
    ck_assert_int_eq(bight_call_from_thread(mailbox, note_time, world), 0);
    ck_assert(bight_simulation_settle(world->simulation, 10));
    ck_assert(world->last_lost_at > 0);
    bight_mailbox_release(mailbox);
    world_free(world);
}
END_TEST

/* --------------------------------------------------------------------------------------------- running */

static void stop(void *context)
{
    struct world *world = context;
    ck_assert_int_eq(bight_reactor_stop(world->server), 0);
}

START_TEST(run_lets_the_world_go_on_until_it_is_stopped) /* R3 */
{
    struct world *world = world_new(14);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_call_later(world->server, 3, stop, world, NULL);
    ck_assert_int_eq(bight_reactor_run(world->server), 0);
    ck_assert(bight_simulation_now(world->simulation) == 3);
    ck_assert_uint_eq(world->done, 1);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_LOST);
    ck_assert(bight_simulation_settle(world->simulation, 100));
    ck_assert_uint_eq(world->lost, 1);
    world_free(world);
}
END_TEST

START_TEST(run_ends_when_nothing_can_happen_any_more)
{
    struct world *world = world_new(15);
    bight_log_set_observer(hear_nothing, NULL);
    ck_assert_int_ne(bight_reactor_run(world->server), 0);
    world_free(world);
}
END_TEST

static void step_inside(void *context)
{
    struct world *world = context;
    world->failed += !bight_simulation_step(world->simulation);
}

START_TEST(stepping_inside_a_handler_is_a_usage_error)
{
    struct world *world = world_new(18);
    bight_call_later(world->client, 1, step_inside, world, NULL);
    ck_assert(bight_simulation_settle(world->simulation, 100));
    ck_assert_uint_eq(world->failed, 1);
    world_free(world);
}
END_TEST

static void free_other(void *context)
{
    struct world *world = context;
    bight_reactor_free(world->server);
    world->server = NULL;
}

START_TEST(a_reactor_frees_another_whose_turn_comes) /* T22 */
{
    for (uint64_t seed = 1; seed < 10; seed++) {
        struct world *world = world_new(seed);
        world->keep = true;
        world_listen(world, "tcp:7");
        world_connect(world, "tcp:server:7");
        bight_simulation_run(world->simulation, 0.5);
        bight_call_later(world->client, 0.5, free_other, world, NULL);
        bight_call_later(world->server, 0.5, note_time, world, NULL);
        bight_simulation_run(world->simulation, 1);
        ck_assert_ptr_null(world->server);
        ck_assert_uint_eq(world->lost, 1);
        ck_assert_uint_eq(bight_host_descriptors(world->server_host), 0);
        bight_port_release(world->port);
        world->port = NULL;
        world_free(world);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------- faults of bight */

static void use_closed(bool by_another_host)
{
    struct world *world = world_new(16);
    struct bight_system *system = system_of(world->server);
    int fd = system->ops->socket(system, AF_INET, SOCK_STREAM, 0);
    bight_log_set_observer(hear_nothing, NULL);
    if (by_another_host) {
        system_of(world->client)->ops->close(system_of(world->client), fd);
    }
    system->ops->close(system, fd);
    system->ops->close(system, fd);
}

START_TEST(closing_twice_is_a_broken_invariant)
{
    use_closed(false);
}
END_TEST

START_TEST(using_the_descriptor_of_another_host_is_a_broken_invariant)
{
    use_closed(true);
}
END_TEST

START_TEST(a_turn_that_leaves_an_invariant_of_connections_broken_ends_the_process)
{
    struct world *world = world_new(5);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    bi_hub_of(world->server)->held++;
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->made, 1); /* nobody had a turn */
    (void)bight_transport_write(world->last->transport, "x", 1);
    bight_simulation_run(world->simulation, 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_echo_answers_over_tcp);
    tcase_add_test(tests, megabytes_come_back_in_order);
    tcase_add_test(tests, addresses_of_both_families_and_all_stacks_work);
    tcase_add_test(tests, a_host_talks_to_itself);
    tcase_add_test(tests, a_unix_path_whose_owner_died_is_taken_over);
    tcase_add_test(tests, a_port_is_taken_once_and_free_again_after_closing);
    tcase_add_test(tests, a_silent_connection_is_accepted_when_its_time_is_over);
    tcase_add_test(tests, a_port_that_closes_resets_silent_connections);
    tcase_add_test(tests, nobody_listening_refuses);
    tcase_add_test(tests, addresses_are_told);
    tcase_add_test(tests, bytes_are_hashed_alike_on_machines_of_either_order);
    tcase_add_test(tests, the_same_seed_gives_the_same_hash);
    tcase_add_test(tests, different_seeds_differ);
    tcase_add_test(tests, draws_do_not_depend_on_the_compiler);
    tcase_add_test(tests, latency_and_bandwidth_take_their_time);
    tcase_add_test(tests, a_jump_of_the_wall_clock_moves_no_timer);
    tcase_add_test(tests, jobs_of_the_pool_run_in_this_thread_at_virtual_times);
    tcase_add_test(tests, jobs_left_at_the_end_let_go);
    tcase_add_test(tests, calls_from_threads_wake_the_reactor);
    tcase_add_test(tests, run_lets_the_world_go_on_until_it_is_stopped);
    tcase_add_test(tests, run_ends_when_nothing_can_happen_any_more);
    tcase_add_test_raise_signal(tests, closing_twice_is_a_broken_invariant, SIGABRT);
    tcase_add_test_raise_signal(tests, using_the_descriptor_of_another_host_is_a_broken_invariant, SIGABRT);
    tcase_add_test_raise_signal(tests, a_turn_that_leaves_an_invariant_of_connections_broken_ends_the_process, SIGABRT);
    tcase_add_test(tests, stepping_inside_a_handler_is_a_usage_error);
    tcase_add_test(tests, a_reactor_frees_another_whose_turn_comes);
    tcase_add_test(tests, a_timerfd_is_readable_at_its_time);
}

BIGHT_TEST_MAIN("simulation", add_tests)
