/* SPDX-License-Identifier: MIT */
/* api_meet.c - events and barriers: places where several wait for the same moment (D29, D30).
 *
 * At rest nobody waits for a flag that is up, fewer wait at a barrier than its round needs, and none at a broken one.
 */
#include "api_company.h"

#include <bight/sync.h>

#include <string.h>

enum { PLACES = 2 };

static struct {
    struct flag {
        struct bight_event *event;
        unsigned age, waits;
    } flags[PLACES];
    struct gate {
        struct bight_barrier *barrier;
        unsigned age, waits;
    } gates[PLACES];
} state;

static unsigned parties_of(size_t number)
{
    return 2 + 2 * (unsigned)number;
}

/* ------------------------------------------------------------------------------------------ events */

static void on_flag(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct flag *flag = &state.flags[item->order];
    finish_item(item, result);
    flag->waits -= flag->age == item->budget;
    act_inside(item->id * 199u, NULL);
    bight_result_clear(result);
}

static void wait_for_flag(struct fuzz_operation *operation, struct flag *flag)
{
    struct item *item = new_item("wait for an event", operation->subject % 2);
    if (item != NULL) {
        item->order = (unsigned)(flag - state.flags);
        item->budget = flag->age;
        flag->waits++;
        watch_with(item, bight_event_wait(flag->event), on_flag);
        tie_somewhere(operation, item, false);
    }
}

static void end_flag(struct flag *flag)
{
    struct bight_event *event = flag->event;
    *flag = (struct flag) { .age = flag->age + 1 };
    bight_event_free(event);
}

void act_event(struct fuzz_operation *operation, void *context)
{
    struct flag *flag = &state.flags[operation->subject % PLACES];
    (void)context;
    if (flag->event == NULL && !world.is_ending) {
        flag->event = bight_event_new();
    }
    if (flag->event == NULL) {
        return;
    }
    switch (fuzz_choose(operation, 10)) {
    case 0:
        end_flag(flag);
        break;
    case 1:
    case 2:
        bight_event_set(flag->event);
        break;
    case 3:
    case 4:
        bight_event_clear(flag->event);
        break;
    default:
        wait_for_flag(operation, flag);
    }
}

/* ---------------------------------------------------------------------------------------- barriers */

static void on_met(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct gate *gate = &state.gates[item->order];
    bool is_met = bight_result_failure(result) == NULL;
    intptr_t place = is_met ? bight_integer_value(bight_result_peek(result, &bight_type_integer)) : 0;
    finish_item(item, result);
    gate->waits -= gate->age == item->budget;
    if (place < 0 || place >= (intptr_t)parties_of(item->order)) {
        fuzz_fail("a barrier of %u gives the place %td", parties_of(item->order), (ptrdiff_t)place);
    }
    act_inside(item->id * 211u, NULL);
    bight_result_clear(result);
}

static void wait_at_barrier(struct fuzz_operation *operation, struct gate *gate)
{
    struct item *item = new_item("wait at a barrier", operation->subject % 2);
    if (item != NULL) {
        item->order = (unsigned)(gate - state.gates);
        item->budget = gate->age;
        gate->waits++;
        watch_with(item, bight_barrier_wait(gate->barrier), on_met);
        tie_somewhere(operation, item, false);
    }
}

static void end_gate(struct gate *gate)
{
    struct bight_barrier *barrier = gate->barrier;
    *gate = (struct gate) { .age = gate->age + 1 };
    bight_barrier_free(barrier);
}

void act_barrier(struct fuzz_operation *operation, void *context)
{
    struct gate *gate = &state.gates[operation->subject % PLACES];
    (void)context;
    if (gate->barrier == NULL && !world.is_ending) {
        gate->barrier = bight_barrier_new((long)parties_of(operation->subject % PLACES));
    }
    if (gate->barrier == NULL) {
        return;
    }
    switch (fuzz_choose(operation, 12)) {
    case 0:
        end_gate(gate);
        break;
    case 1:
        bight_barrier_break(gate->barrier);
        break;
    case 2:
        bight_barrier_reset(gate->barrier);
        break;
    default:
        wait_at_barrier(operation, gate);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
}

static void check(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        const struct flag *flag = &state.flags[i];
        const struct gate *gate = &state.gates[i];
        if (flag->event != NULL && flag->waits > 0 && bight_event_is_set(flag->event)) {
            fuzz_fail("%u wait for an event that is there", flag->waits);
        }
        if (gate->barrier == NULL) {
            continue;
        }
        size_t waits = bight_barrier_waiting(gate->barrier);
        if (waits != gate->waits || waits >= parties_of(i) || (waits > 0 && bight_barrier_is_broken(gate->barrier))) {
            fuzz_fail("%zu wait at a barrier of %u, and should be %u", waits, parties_of(i), gate->waits);
        }
    }
}

static void end(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        end_flag(&state.flags[i]);
        end_gate(&state.gates[i]);
    }
}

static void finish(void)
{
}

const struct part meeting_part = { begin, check, end, finish };
