/* SPDX-License-Identifier: MIT */
/* The testing kit when its own memory runs out, which is not the memory that the fault loops of <bight/testing.h>
 * count: simulations, recorders and string peers give NULL or an error, lose connections honestly, and leak nothing.
 *
 * The linker puts this file's allocation in the place of the kit's (--wrap). */
#include "simulation_support.h"

#include <errno.h>

#include <bight/testing.h>
#include <bight/testing/recorder.h>

void *__real_bi_testing_plain_realloc(void *memory, size_t size);
void *__wrap_bi_testing_plain_realloc(void *memory, size_t size);

static size_t asked, fail_nth; /* 0: none */

void *__wrap_bi_testing_plain_realloc(void *memory, size_t size)
{
    asked++;
    return asked == fail_nth ? NULL : __real_bi_testing_plain_realloc(memory, size);
}

/* Every allocation fails in its turn; returns how many there were. */
static size_t with_faults(void (*body)(void))
{
    for (fail_nth = 1; fail_nth < 2000; fail_nth++) {
        asked = 0;
        body();
        if (asked < fail_nth) {
            break;
        }
    }
    return fail_nth - 1;
}

static void talk(struct world *world)
{
    world_listen(world, "tcp:8000");
    world_listen(world, "unix:/run/echo");
    world_connect(world, "tcp:server:8000");
    world_connect_from(world, world->server, "unix:/run/echo");
    bight_simulation_run(world->simulation, 300);
}

static void simulate(void)
{
    struct world world = { 0 };
    struct bight_simulation *simulation = bight_simulation_new(1);
    if (simulation == NULL) {
        ck_assert_uint_eq(asked, 1);
        return;
    }
    world_init_on(&world, simulation);
    ck_assert(fail_nth <= asked || (world.server != NULL && world.client != NULL));
    world.bytes = 5000;
    if (world.server != NULL && world.client != NULL) {
        talk(&world);
        /* whatever was missing, each attempt ended, and each connection that was made was lost */
        ck_assert_uint_ge(world.made + world.failed, 2);
        ck_assert_uint_eq(world.made, world.lost);
    }
    ck_assert(!world.out_of_order);
    bight_port_release(world.port);
    bight_reactor_free(world.client);
    bight_reactor_free(world.server);
    bight_simulation_free(simulation);
}

START_TEST(a_simulation_goes_on_without_what_could_not_be_made)
{
    ck_assert_uint_gt(with_faults(simulate), 20);
}
END_TEST

/* ------------------------------------------------------------------------------------- recorders */

static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);

static void discard(struct bight_deferred *deferred)
{
    bight_deferred_cancel(deferred);
    struct bight_result *result = bight_deferred_result(deferred);
    if (result != NULL) {
        bight_result_clear(result);
    }
    bight_deferred_release(deferred);
}

static void record(void)
{
    struct bight_recorder *recorder = bight_recorder_new();
    if (recorder == NULL) {
        return;
    }
    struct bight_reactor *reactor = bight_recorder_reactor(recorder);
    struct bight_deferred *listening = bight_listen(reactor, "tcp:8000", &echo_factory);
    struct bight_deferred *connecting = bight_connect(reactor, "tcp:192.0.2.7:80", &echo_factory);
    bight_testing_settle(reactor, 100);
    struct bight_string_peer *client = bight_recorder_accept(recorder, 0, NULL);
    struct bight_string_peer *server = bight_recorder_complete(recorder, 0);
    ck_assert(asked >= fail_nth || (client != NULL && server != NULL));
    if (client != NULL) {
        bight_string_feed_text(client, "hello");
        ck_assert(asked >= fail_nth || strcmp(bight_string_written_text(client), "hello") == 0);
    }
    bight_string_peer_free(client);
    bight_string_peer_free(server);
    discard(listening);
    discard(connecting);
    bight_recorder_free(recorder);
}

START_TEST(a_recorder_gives_no_peer_without_memory)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_gt(with_faults(record), 4);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_simulation_goes_on_without_what_could_not_be_made);
    tcase_add_test(tests, a_recorder_gives_no_peer_without_memory);
}

BIGHT_TEST_MAIN("kit_memory", add_tests)
