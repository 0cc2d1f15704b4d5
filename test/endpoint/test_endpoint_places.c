/* SPDX-License-Identifier: MIT */
/* test_endpoint_places.c - where a server listens by name, and from where a client comes (interface=, bind=,
 * bindport=), in the simulated network. */
#include "testing/simulation_support.h"

#include <bight/testing.h>

static struct bight_address host_of_last(struct world *world)
{
    struct bight_address address = { .family = BIGHT_ADDRESS_NONE };
    ck_assert_int_eq(bight_transport_host(world->last->transport, &address), 0);
    return address;
}

/* --------------------------------------------------------------------------------------------- bindport */

START_TEST(a_client_comes_from_the_port_that_bindport_says_of_both_families) /* E5 */
{
    static const char *const endpoints[] = { "tcp:10.0.0.1:7:bindport=5000", "tcp:[fd00::1]:7:bindport=5000",
        "tcp:server:7:bindport=5000:bind=10.0.0.2", "tcp:server:7:bindport=5000" };
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        struct world *world = world_new(i + 1);
        world->keep = true;
        world_listen(world, "tcp:7");
        world_connect(world, endpoints[i]);
        bight_simulation_run(world->simulation, 1);
        ck_assert_uint_eq(world->done, 1);
        ck_assert_uint_eq(host_of_last(world).port, 5000);
        world_free(world);
    }
}
END_TEST

START_TEST(a_second_connection_from_the_same_port_to_the_same_peer_has_no_port) /* E2 */
{
    struct world *world = world_new(1);
    world->keep = true;
    world_listen(world, "tcp:7");
    world_connect(world, "tcp:10.0.0.1:7:bindport=5000");
    bight_simulation_run(world->simulation, 1);
    world_connect(world, "tcp:10.0.0.1:7:bindport=5000");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 1);
    ck_assert_int_eq(world->last_failure, BIGHT_E_NO_LOCAL_PORT);
    world_free(world);
}
END_TEST

START_TEST(one_port_has_connections_to_several_peers)
{
    struct world *world = world_new(1);
    world->keep = true;
    world_listen(world, "tcp:7");
    struct bight_port *first = bight_port_hold(world->port);
    world_listen(world, "tcp:8");
    world_connect(world, "tcp:10.0.0.1:7:bindport=5000");
    world_connect(world, "tcp:10.0.0.1:8:bindport=5000");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 2);
    bight_port_release(first);
    world_free(world);
}
END_TEST

/* ---------------------------------------------------------------------------------- a name as interface */

static void listens_on(const char *endpoint, const char *text)
{
    struct bight_address address;
    char shown[BIGHT_ADDRESS_TEXT_SIZE];
    struct world *world = world_new(1);
    world_listen(world, endpoint);
    ck_assert_ptr_null(world->port); /* it has to be looked up */
    bight_simulation_run(world->simulation, 15);
    ck_assert_uint_eq(world->failed, 0);
    ck_assert_int_eq(bight_port_address(world->port, &address), 0);
    bight_address_format(&address, shown, sizeof shown);
    ck_assert_str_eq(shown, text);
    ck_assert_uint_eq(world->echo.ports, 1);
    world_free(world);
}

START_TEST(a_server_listens_on_the_first_address_of_a_name) /* E1 */
{
    listens_on("tcp:7:interface=server", "[fd00::1]:7");
    listens_on("tcp6:7:interface=server", "[fd00::1]:7");
}
END_TEST

START_TEST(an_address_of_another_machine_is_passed_over)
{
    struct bight_address address;
    struct world *world = world_new(1);
    struct bight_host *other = bight_simulation_host(world->simulation, "other");
    ck_assert_int_eq(bight_simulation_name(world->simulation, "both", other), 0);
    ck_assert_int_eq(bight_simulation_name(world->simulation, "both", world->server_host), 0);
    world_listen(world, "tcp:7:interface=both");
    bight_simulation_run(world->simulation, 15);
    ck_assert_int_eq(bight_port_address(world->port, &address), 0);
    world_free(world);
}
END_TEST

static void fails_to_listen(const char *endpoint, int code)
{
    struct world *world = world_new(1);
    world_listen(world, endpoint);
    bight_simulation_run(world->simulation, 15);
    ck_assert_uint_eq(world->failed, 1);
    ck_assert_int_eq(world->last_failure, code);
    ck_assert_uint_eq(world->echo.ports, 0);
    world_free(world);
}

START_TEST(a_name_that_is_unknown_or_somebody_elses_is_an_error) /* E1 */
{
    fails_to_listen("tcp:7:interface=nobody", BIGHT_E_NAME_NOT_FOUND);
    fails_to_listen("tcp:7:interface=client", BIGHT_E_ADDRESS_NOT_AVAILABLE);
}
END_TEST

START_TEST(an_address_in_use_is_an_error_though_the_next_is_free)
{
    struct world *world = world_new(1);
    world_listen(world, "tcp6:7");
    world_listen(world, "tcp:7:interface=server");
    bight_simulation_run(world->simulation, 15);
    ck_assert_int_eq(world->last_failure, BIGHT_E_ADDRESS_IN_USE);
    world_free(world);
}
END_TEST

START_TEST(a_cancel_and_the_reactors_end_stop_the_look_up) /* E3 */
{
    struct world *world = world_new(1);
    struct bight_deferred *listening = bight_listen(world->server, "tcp:7:interface=server", &world->echo);
    ck_assert_uint_eq(world->echo.ports, 1);
    bight_deferred_cancel(listening);
    bight_deferred_add_both(listening, swallow_port, world);
    bight_deferred_release(listening);
    ck_assert_int_eq(world->last_failure, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(world->echo.ports, 0);
    world_listen(world, "tcp:7:interface=server");
    bight_reactor_free(world->server);
    world->server = NULL;
    ck_assert_uint_eq(world->failed, 2);
    ck_assert_uint_eq(world->echo.ports, 0);
    world_free(world);
}
END_TEST

static bool listen_with_little_memory(void *context)
{
    struct world world = { 0 };
    (void)context;
    struct bight_simulation *simulation = bight_simulation_new(1);
    if (simulation == NULL) {
        return true;
    }
    world_init_on(&world, simulation);
    if (world.server != NULL) {
        world_listen(&world, "tcp:7:interface=server");
        bight_simulation_run(simulation, 15);
    }
    bight_port_release(world.port);
    bight_reactor_free(world.client);
    bight_reactor_free(world.server);
    bight_simulation_free(simulation);
    return world.echo.ports == 0;
}

START_TEST(listening_by_name_survives_every_failed_allocation) /* D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(listen_with_little_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_client_comes_from_the_port_that_bindport_says_of_both_families);
    tcase_add_test(tests, a_second_connection_from_the_same_port_to_the_same_peer_has_no_port);
    tcase_add_test(tests, one_port_has_connections_to_several_peers);
    tcase_add_test(tests, a_server_listens_on_the_first_address_of_a_name);
    tcase_add_test(tests, an_address_of_another_machine_is_passed_over);
    tcase_add_test(tests, a_name_that_is_unknown_or_somebody_elses_is_an_error);
    tcase_add_test(tests, an_address_in_use_is_an_error_though_the_next_is_free);
    tcase_add_test(tests, a_cancel_and_the_reactors_end_stop_the_look_up);
    tcase_add_test(tests, listening_by_name_survives_every_failed_allocation);
}

BIGHT_TEST_MAIN("places of endpoints", add_tests)
