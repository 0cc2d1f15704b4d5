/* SPDX-License-Identifier: MIT */
/* test_walk.c - walking a reactor's ports, connections and timers, whatever is done meanwhile (T22). */
#include <bight/debug.h>

#include <bight/testing.h>

#include "heard.h"
#include "testing/simulation_support.h"

static bool tell(const struct bight_item *item, void *context)
{
    char text[200];
    (void)context;
    size_t length = bight_item_describe(item, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_uint_eq(bight_item_describe(item, NULL, 0), length);
    hear("[%s]", text);
    return true;
}

static void nothing(void *context)
{
    (void)context;
}

static struct world *world_with(size_t count)
{
    struct world *world = world_new(1);
    world->keep = true;
    world_listen(world, "tcp:7:interface=10.0.0.1");
    for (size_t i = 0; i < count; i++) {
        world_connect(world, "tcp:10.0.0.1:7");
    }
    bight_simulation_run(world->simulation, 1);
    return world;
}

START_TEST(each_item_is_visited_and_told_in_a_line)
{
    struct world *world = world_with(1);
    bight_call_later(world->server, 3, nothing, NULL, NULL);
    bight_call_later(world->server, 0.5, nothing, NULL, NULL);
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_PORT, tell, NULL), 0);
    ck_heard("[port 10.0.0.1:7: 1 connection]");
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_TIMER, tell, NULL), 0);
    ck_heard("[timer due in 0.500000 s] [timer due in 3.000000 s]");
    ck_assert_int_eq(bight_port_pause(world->port), 0);
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_PORT, tell, NULL), 0);
    ck_heard("[port 10.0.0.1:7: 1 connection, paused]");
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_CONNECTION, tell, NULL), 0);
    ck_assert_ptr_nonnull(strstr(heard, " from 10.0.0.2:"));
    ck_assert_ptr_nonnull(strstr(heard, ": open, 0 bytes to send]"));
    heard[0] = '\0';
    ck_assert_int_eq(bight_reactor_walk(world->client, BIGHT_ITEM_CONNECTION, tell, NULL), 0);
    ck_assert_ptr_nonnull(strstr(heard, " to 10.0.0.1:7: open"));
    heard[0] = '\0';
    world_free(world);
}
END_TEST

START_TEST(a_reactor_with_nothing_has_nothing_and_no_walk_is_an_error)
{
    struct world *world = world_new(1);
    ck_assert_int_eq(bight_reactor_walk(world->server, 7, tell, NULL), 0);
    ck_assert_int_eq(bight_reactor_walk(world->server, 0, tell, NULL), 0);
    ck_heard("");
    ck_assert_int_eq(bight_reactor_walk(world->server, 8, tell, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_reactor_walk(world->server, 7, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    world_free(world);
}
END_TEST

static size_t visited;

static bool end_at_the_second(const struct bight_item *item, void *context)
{
    (void)item;
    (void)context;
    return ++visited < 2;
}

START_TEST(a_walk_ends_when_it_is_told_to)
{
    struct world *world = world_with(5);
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_CONNECTION, end_at_the_second, NULL), 0);
    ck_assert_uint_eq(visited, 2);
    world_free(world);
}
END_TEST

/* ----------------------------------------------------------------------------------- changes meanwhile */

static struct bight_timer timers[3];

static bool change_everything(const struct bight_item *item, void *context)
{
    struct world *world = context;
    visited++;
    if (item->kind == BIGHT_ITEM_CONNECTION) {
        (void)bight_transport_abort_connection(item->transport);
        world_connect(world, "tcp:10.0.0.1:7");
    } else if (item->kind == BIGHT_ITEM_PORT) {
        bight_deferred_release(bight_port_stop_listening(item->port));
        bight_port_release(world->port); /* the last hold but the walk's */
        world->port = NULL;
    } else {
        ck_assert_int_eq(bight_timer_cancel(item->timer), 0);
        (void)bight_timer_cancel(timers[2]); /* its turn never comes */
        bight_call_later(world->server, 1, nothing, NULL, NULL);
    }
    return true;
}

START_TEST(a_walk_survives_whatever_is_done_in_it) /* T22 */
{
    struct world *world = world_with(3);
    for (int i = 0; i < 3; i++) {
        bight_call_later(world->server, 1 + i, nothing, NULL, &timers[i]);
    }
    ck_assert_int_eq(bight_reactor_walk(world->server, 7, change_everything, world), 0);
    ck_assert_uint_eq(visited, 1 + 3 + 2);
    bight_simulation_run(world->simulation, 5);
    ck_assert_uint_eq(world->lost, 3);
    ck_assert_uint_eq(world->failed, 3);
    world_free(world);
}
END_TEST

static bool lose_all(const struct bight_item *item, void *context)
{
    (void)context;
    return bight_transport_lose_connection(item->transport) == 0;
}

START_TEST(connections_that_nobody_has_kept_are_found)
{
    struct world *world = world_with(4);
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_CONNECTION, lose_all, NULL), 0);
    bight_simulation_run(world->simulation, 10);
    ck_assert_uint_eq(world->lost, 4);
    ck_assert_int_eq(world->last_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

static bool see_place(const struct bight_item *item, void *context)
{
    (void)context;
    ck_assert_ptr_nonnull(item->place);
    ck_assert_ptr_nonnull(strstr(item->place, "simulation_support.h:"));
    return tell(item, NULL);
}

START_TEST(in_debug_mode_an_item_says_where_it_was_made) /* D19 */
{
    bight_deferred_set_debug(true);
    struct world *world = world_with(1);
    ck_assert_int_eq(bight_reactor_walk(world->server, BIGHT_ITEM_PORT | BIGHT_ITEM_CONNECTION, see_place, NULL), 0);
    ck_assert_ptr_nonnull(strstr(heard, "simulation_support.h:"));
    heard[0] = '\0';
    world_free(world);
}
END_TEST

static bool walk_with_little_memory(void *context)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    (void)context;
    if (reactor == NULL) {
        return true;
    }
    bool is_set = bight_call_later(reactor, 1, nothing, NULL, NULL) == 0;
    visited = 0;
    int code = bight_reactor_walk(reactor, 7, end_at_the_second, NULL);
    bool is_right = code == BIGHT_E_OUT_OF_MEMORY ? visited == 0 : code == 0 && visited == (is_set ? 1 : 0);
    bight_reactor_free(reactor);
    return is_right;
}

START_TEST(a_walk_survives_every_failed_allocation) /* D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(walk_with_little_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    tcase_add_test(tests, each_item_is_visited_and_told_in_a_line);
    tcase_add_test(tests, a_reactor_with_nothing_has_nothing_and_no_walk_is_an_error);
    tcase_add_test(tests, a_walk_ends_when_it_is_told_to);
    tcase_add_test(tests, a_walk_survives_whatever_is_done_in_it);
    tcase_add_test(tests, connections_that_nobody_has_kept_are_found);
    tcase_add_test(tests, in_debug_mode_an_item_says_where_it_was_made);
    tcase_add_test(tests, a_walk_survives_every_failed_allocation);
}

BIGHT_TEST_MAIN("walk", add_tests)
