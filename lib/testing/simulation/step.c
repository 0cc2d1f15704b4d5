/* SPDX-License-Identifier: MIT */
/* step.c - time: what happens next, and whose turn it is.
 *
 * A step is a moment: the present one while a reactor has something to do, else that of the nearest event. What is due
 * then happens, and each reactor with something to do takes one turn, in an order that is drawn. A reactor is driven as
 * a loop that blocks would be: what others have put into its mailbox does not count until its descriptor is readable,
 * so a wake-up that is lost stays lost. Time stands still while work goes on, except that work without end makes it
 * pass slowly. */
#include "base/moment.h"
#include "reactor/reactor.h"
#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"
#include "transport/invariants.h"

#define PATIENCE 1000 /* turns at one moment before turns cost time */
#define COST_OF_TURN 1000
#define CHECKED_PER_TURN 32 /* connections; of more than that the invariants are looked at the more rarely */

static void advance(struct bight_simulation *simulation, uint64_t moment)
{
    if (moment <= simulation->now) {
        return;
    }
    simulation->now = moment;
    simulation->turns_now = 0;
    bi_sim_mix(simulation, ((uint64_t)BI_SIM_time << 56) ^ moment);
}

/* Those with something to do, shuffled. They may be freed by each other's turns: loop.c takes them out. */
static void find_order(struct bight_simulation *simulation)
{
    size_t count = 0;
    for (size_t i = 0; i < simulation->loop_count; i++) {
        if (bi_sim_loop_has_work(simulation->loops[i])) {
            simulation->order[count++] = simulation->loops[i];
        }
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = bight_simulation_draw(simulation, i);
        struct bi_sim_loop *loop = simulation->order[i - 1];
        simulation->order[i - 1] = simulation->order[other];
        simulation->order[other] = loop;
    }
    simulation->order_count = count;
}

void bi_sim_check_invariants(struct bi_sim_loop *loop)
{
    if (++loop->unchecked * CHECKED_PER_TURN >= loop->reactor->traffic.open) {
        loop->unchecked = 0;
        bi_invariants_check(loop->reactor, true);
    }
}

static void take_turn(struct bi_sim_loop *loop)
{
    bi_sim_trace(loop->host, BI_SIM_turn, 0, 0, 0);
    loop->has_turn = true;
    bi_reactor_turn(loop->reactor, false);
    loop->has_turn = false;
    bi_sim_check_invariants(loop);
    loop->wants_turn = bi_reactor_has_work(loop->reactor);
}

static void take_turns(struct bight_simulation *simulation)
{
    find_order(simulation);
    for (size_t i = 0; i < simulation->order_count; i++) {
        if (simulation->order[i] != NULL) {
            take_turn(simulation->order[i]);
        }
    }
    simulation->order_count = 0;
}

static bool anybody_has_work(const struct bight_simulation *simulation)
{
    for (size_t i = 0; i < simulation->loop_count; i++) {
        if (bi_sim_loop_has_work(simulation->loops[i])) {
            return true;
        }
    }
    return false;
}

bool bi_sim_step(struct bight_simulation *simulation, uint64_t last)
{
    uint64_t moment = simulation->now;
    if (simulation->order_count != 0) {
        (void)bi_usage_error(
            BIGHT_E_ALREADY_RUNNING, BIGHT_HERE, "a simulation is stepped inside a turn of one of its reactors");
        return false;
    }
    if (simulation->check != NULL) {
        simulation->check(simulation->check_context);
    }
    if (!anybody_has_work(simulation)) {
        if (!bi_testing_next_deadline(&simulation->wheel, last, &moment)) {
            return false;
        }
    } else if (++simulation->turns_now > PATIENCE) {
        moment += COST_OF_TURN;
        if (moment > last) {
            return false;
        }
    }
    uint64_t before = simulation->turns_now;
    advance(simulation, moment);
    simulation->turns_now = before > PATIENCE ? PATIENCE : simulation->turns_now;
    (void)bi_wheel_run(&simulation->wheel, simulation->now, SIZE_MAX);
    take_turns(simulation);
    return true;
}

bool bight_simulation_step(struct bight_simulation *simulation)
{
    return bi_sim_step(simulation, UINT64_MAX);
}

void bight_simulation_run(struct bight_simulation *simulation, double seconds)
{
    uint64_t nanoseconds;
    if (bight_seconds_to_nanoseconds(seconds, &nanoseconds) != 0) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_simulation_run: " BI_BAD_SECONDS);
        return;
    }
    uint64_t end = bi_moment_after(simulation->now, nanoseconds);
    while (bi_sim_step(simulation, end)) {
    }
    advance(simulation, end);
}

bool bight_simulation_settle(struct bight_simulation *simulation, size_t steps)
{
    for (; steps > 0; steps--) {
        if (!bight_simulation_step(simulation)) {
            return true;
        }
    }
    return false;
}
