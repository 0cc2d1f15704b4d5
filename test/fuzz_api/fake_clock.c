/* SPDX-License-Identifier: MIT */
/* fake_clock.c - the clock of the Deferred fuzzer, good for both bodies of the table. */
#include "fake_clock.h"

#include <stdlib.h>

enum { TIMERS = 1024 };

struct fake_timer {
    struct bight_timer_slot slot; /* a pending one's generation is odd */
    uint64_t deadline;
    bight_timer_function function;
    void *context;
    bight_release_function release;
    struct fake_timer *next;
};

static struct {
    struct bight_clock base;
    uint64_t now;
    struct fake_timer *first;
} fake;
static struct fake_timer timers[TIMERS];

static uint64_t fake_now(struct bight_clock *clock)
{
    (void)clock;
    return fake.now;
}

static void link_timer(struct fake_timer *timer)
{
    struct fake_timer **place = &fake.first;
    while (*place != NULL && (*place)->deadline <= timer->deadline) {
        place = &(*place)->next;
    }
    timer->next = *place;
    *place = timer;
}

static void unlink_timer(const struct fake_timer *timer)
{
    struct fake_timer **place = &fake.first;
    while (*place != timer) {
        place = &(*place)->next;
    }
    *place = timer->next;
}

static int fake_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
    bight_release_function release, struct bight_timer *handle)
{
    struct fake_timer *timer = timers;
    while (timer < timers + TIMERS && timer->slot.generation % 2 == 1) {
        timer++;
    }
    if (timer == timers + TIMERS) {
        abort();
    }
    timer->slot.generation++;
    timer->deadline = deadline;
    timer->function = function;
    timer->context = context;
    timer->release = release;
    link_timer(timer);
    *handle = (struct bight_timer) { timer, timer->slot.generation, clock };
    return 0;
}

static void end_timer(struct fake_timer *timer, bool runs)
{
    unlink_timer(timer);
    timer->slot.generation++;
    if (runs) {
        timer->function(timer->context);
    }
    if (timer->release != NULL) {
        timer->release(timer->context);
    }
}

static void fake_cancel(struct bight_clock *clock, struct bight_timer_slot *slot)
{
    (void)clock;
    end_timer((struct fake_timer *)slot, false);
}

static void fake_reset_at(struct bight_clock *clock, struct bight_timer_slot *slot, uint64_t deadline)
{
    struct fake_timer *timer = (struct fake_timer *)slot;
    (void)clock;
    unlink_timer(timer);
    timer->deadline = deadline;
    link_timer(timer);
}

static uint64_t fake_deadline(struct bight_clock *clock, const struct bight_timer_slot *slot)
{
    (void)clock;
    return ((const struct fake_timer *)slot)->deadline;
}

static const struct bight_clock_ops fake_ops = {
    .size = sizeof(struct bight_clock_ops),
    .now = fake_now,
    .call_at = fake_call_at,
    .cancel = fake_cancel,
    .reset_at = fake_reset_at,
    .deadline = fake_deadline,
};

struct bight_clock *fake_clock_begin(void)
{
    fake.base.ops = &fake_ops;
    fake.now = BIGHT_NANOSECONDS_PER_SECOND;
    while (fake.first != NULL) {
        fake_cancel(&fake.base, &fake.first->slot);
    }
    return &fake.base;
}

void fake_clock_pass(double seconds)
{
    uint64_t end = fake.now + (uint64_t)(seconds * BIGHT_NANOSECONDS_PER_SECOND);
    while (fake.first != NULL && fake.first->deadline <= end) {
        fake.now = fake.first->deadline > fake.now ? fake.first->deadline : fake.now;
        end_timer(fake.first, true);
    }
    fake.now = end > fake.now ? end : fake.now;
}
