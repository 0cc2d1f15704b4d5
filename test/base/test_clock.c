/* SPDX-License-Identifier: MIT */
/* test_clock.c - what all clocks share, on a clock of one timer: durations, and handles that cannot dangle. */
#include "support.h"

#include <math.h>

#include <bight/clock.h>

/* A clock that holds one timer. */
struct fake_slot {
    struct bight_timer_slot head;
    uint64_t deadline;
    bight_timer_function function;
    bight_release_function release;
    void *context;
};

struct fake_clock {
    struct bight_clock clock;
    uint64_t now;
    struct fake_slot slot;
};

static struct bight_timer_slot *slot_of(struct bight_clock *clock)
{
    return &((struct fake_clock *)clock)->slot.head;
}

static uint64_t fake_now(struct bight_clock *clock)
{
    return ((struct fake_clock *)clock)->now;
}

static int fake_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
    bight_release_function release, struct bight_timer *timer)
{
    struct fake_slot *slot = &((struct fake_clock *)clock)->slot;
    if (slot->head.generation % 2 == 1) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *slot = (struct fake_slot) { { slot->head.generation + 1 }, deadline, function, release, context };
    if (timer != NULL) {
        *timer = (struct bight_timer) { slot, slot->head.generation, clock };
    }
    return BIGHT_OK;
}

static void fake_cancel(struct bight_clock *clock, struct bight_timer_slot *head)
{
    struct fake_slot *slot = (struct fake_slot *)head;
    ck_assert_ptr_eq(slot_of(clock), head);
    ck_assert_int_eq(head->generation % 2, 1);
    head->generation++;
    if (slot->release != NULL) {
        slot->release(slot->context);
    }
}

static void fake_reset_at(struct bight_clock *clock, struct bight_timer_slot *head, uint64_t deadline)
{
    ck_assert_ptr_eq(slot_of(clock), head);
    ck_assert_int_eq(head->generation % 2, 1);
    ((struct fake_slot *)head)->deadline = deadline;
}

static uint64_t fake_deadline(struct bight_clock *clock, const struct bight_timer_slot *head)
{
    ck_assert_ptr_eq(slot_of(clock), head);
    return ((const struct fake_slot *)head)->deadline;
}

static const struct bight_clock_ops fake_ops = {
    .size = sizeof(struct bight_clock_ops),
    .now = fake_now,
    .call_at = fake_call_at,
    .cancel = fake_cancel,
    .reset_at = fake_reset_at,
    .deadline = fake_deadline,
};

static void ignore(void *context)
{
    (void)context;
}

static void count(void *context)
{
    ++*(int *)context;
}

static uint64_t nanoseconds_of(double seconds)
{
    uint64_t nanoseconds = 0;
    ck_assert_int_eq(bight_seconds_to_nanoseconds(seconds, &nanoseconds), BIGHT_OK);
    return nanoseconds;
}

START_TEST(seconds_become_nanoseconds_rounded_up) /* R5 */
{
    ck_assert_uint_eq(nanoseconds_of(0), 0);
    ck_assert_uint_eq(nanoseconds_of(-0.0), 0);
    ck_assert_uint_eq(nanoseconds_of(1), 1000000000);
    ck_assert_uint_eq(nanoseconds_of(0.25), 250000000);
    ck_assert_uint_eq(nanoseconds_of(0.1), 100000000);
    ck_assert_uint_eq(nanoseconds_of(1e-12), 1);
    ck_assert_uint_eq(nanoseconds_of(5e-324), 1);
    ck_assert_uint_eq(nanoseconds_of(1.5e-9), 2);
    ck_assert_uint_eq(nanoseconds_of(315576000.5), UINT64_C(315576000500000000));
}
END_TEST

START_TEST(the_end_of_the_scale_is_the_latest_time) /* R8 */
{
    ck_assert_uint_eq(nanoseconds_of(INFINITY), UINT64_MAX);
    ck_assert_uint_eq(nanoseconds_of(1e300), UINT64_MAX);
    ck_assert_uint_eq(nanoseconds_of(18446744074.0), UINT64_MAX);
    ck_assert_uint_eq(nanoseconds_of(18446744072.0), UINT64_C(18446744072000000000));
}
END_TEST

START_TEST(a_negative_delay_or_none_at_all_is_an_error) /* R5 */
{
    struct fake_clock fake = { .clock = { &fake_ops }, .now = 100 };
    struct bight_timer timer = { NULL, 0 };
    uint64_t untouched = 7;
    ck_assert_int_eq(bight_seconds_to_nanoseconds(-1e-9, &untouched), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_seconds_to_nanoseconds(NAN, &untouched), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_seconds_to_nanoseconds(-INFINITY, &untouched), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(untouched, 7);
    ck_assert_int_eq(bight_clock_call_later(&fake.clock, -1, ignore, NULL, NULL, &timer), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_clock_call_later(&fake.clock, NAN, ignore, NULL, NULL, &timer), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(!bight_timer_is_pending(timer));
    ck_assert_uint_eq(fake.slot.head.generation, 0);
}
END_TEST

START_TEST(without_a_clock_there_is_no_time) /* R5 */
{
    struct bight_timer timer = { NULL, 0 };
    ck_assert_int_eq(bight_clock_call_later(NULL, 1, ignore, NULL, NULL, &timer), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(!bight_timer_is_pending(timer));
}
END_TEST

START_TEST(call_later_counts_from_now) /* R5 */
{
    struct fake_clock fake = { .clock = { &fake_ops }, .now = 100 };
    struct bight_timer timer;
    ck_assert_int_eq(bight_clock_call_later(&fake.clock, 1e-6, ignore, &fake, NULL, &timer), BIGHT_OK);
    ck_assert(bight_timer_is_pending(timer));
    ck_assert_uint_eq(bight_timer_deadline(timer), 1100);
    ck_assert_ptr_eq(fake.slot.context, &fake);
    ck_assert_int_eq(bight_clock_call_later(&fake.clock, 1, ignore, NULL, NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_OK);
    ck_assert_int_eq(bight_clock_call_later(&fake.clock, INFINITY, ignore, NULL, NULL, &timer), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), UINT64_MAX);
}
END_TEST

START_TEST(a_pending_timer_is_moved_and_cancelled) /* R7 */
{
    struct fake_clock fake = { .clock = { &fake_ops }, .now = 1000 };
    struct bight_timer timer;
    int released = 0;
    bight_clock_call_at(&fake.clock, 5000, ignore, &released, count, &timer);
    ck_assert_int_eq(bight_timer_reset(timer, 2e-6), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), 3000);
    ck_assert_int_eq(bight_timer_delay(timer, 1e-6), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), 4000);
    ck_assert_int_eq(bight_timer_delay(timer, -3e-6), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), 1000);
    ck_assert_int_eq(bight_timer_delay(timer, -1), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), 0);
    ck_assert_int_eq(bight_timer_reset_at(timer, UINT64_MAX - 1), BIGHT_OK);
    ck_assert_int_eq(bight_timer_delay(timer, 1), BIGHT_OK);
    ck_assert_uint_eq(bight_timer_deadline(timer), UINT64_MAX);
    ck_assert_int_eq(bight_timer_reset(timer, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_timer_delay(timer, NAN), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(bight_timer_deadline(timer), UINT64_MAX);
    ck_assert_int_eq(released, 0);
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_OK);
    ck_assert_int_eq(released, 1);
}
END_TEST

static void assert_stale(struct bight_timer timer)
{
    ck_assert(!bight_timer_is_pending(timer));
    ck_assert_uint_eq(bight_timer_deadline(timer), 0);
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_reset(timer, 1), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_reset_at(timer, 1), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_delay(timer, 1), BIGHT_E_STALE);
}

START_TEST(a_stale_handle_does_nothing_even_when_its_slot_is_in_use_again) /* R7 */
{
    struct fake_clock fake = { .clock = { &fake_ops } };
    struct bight_timer first, second;
    bight_clock_call_at(&fake.clock, 10, ignore, NULL, NULL, &first);
    ck_assert_int_eq(bight_timer_cancel(first), BIGHT_OK);
    assert_stale(first);
    bight_clock_call_at(&fake.clock, 20, ignore, NULL, NULL, &second);
    ck_assert_ptr_eq(second.slot, first.slot);
    assert_stale(first);
    ck_assert_uint_eq(bight_timer_deadline(second), 20);
    assert_stale((struct bight_timer) { .generation = 0 });
    assert_stale((struct bight_timer) { .generation = 1 });
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, seconds_become_nanoseconds_rounded_up);
    tcase_add_test(tests, the_end_of_the_scale_is_the_latest_time);
    tcase_add_test(tests, a_negative_delay_or_none_at_all_is_an_error);
    tcase_add_test(tests, without_a_clock_there_is_no_time);
    tcase_add_test(tests, call_later_counts_from_now);
    tcase_add_test(tests, a_pending_timer_is_moved_and_cancelled);
    tcase_add_test(tests, a_stale_handle_does_nothing_even_when_its_slot_is_in_use_again);
}

BIGHT_TEST_MAIN("clock", add_tests)
