/* SPDX-License-Identifier: MIT */
/* test_wheel.c - the timing wheel against a model: a plain array that is searched for the earliest entry. */
#include "support.h"

#include "reactor/wheel.h"

#define ENTRIES 400
#define START (UINT64_C(77) << 40)

struct item {
    struct bi_wheel_entry entry;
    uint64_t armed_at; /* counts armings: what is first come; 0: not armed in the model */
};

static struct bi_wheel wheel;
static struct item items[ENTRIES];
static uint64_t armings;
static unsigned fired;
static uint64_t model_now;
static uint64_t seed;
static struct item *log_of_fired[ENTRIES * 4];
static void (*on_fire)(struct item *item);

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* What the model says must fire next of what is due; NULL when nothing is. */
static struct item *earliest_due(void)
{
    struct item *best = NULL;
    for (struct item *item = items; item < items + ENTRIES; item++) {
        if (item->armed_at == 0 || item->entry.deadline > model_now) {
            continue;
        }
        if (best == NULL || item->entry.deadline < best->entry.deadline ||
            (item->entry.deadline == best->entry.deadline && item->armed_at < best->armed_at)) {
            best = item;
        }
    }
    return best;
}

static void fire_checked(struct bi_wheel_entry *entry)
{
    struct item *item = (struct item *)entry;
    ck_assert_ptr_eq(item, earliest_due());
    ck_assert(!bi_wheel_is_armed(entry));
    item->armed_at = 0;
    fired++;
}

static void fire_logged(struct bi_wheel_entry *entry)
{
    log_of_fired[fired++] = (struct item *)entry;
    if (on_fire != NULL) {
        on_fire((struct item *)entry);
    }
}

static void begin(uint64_t now, void (*function)(struct bi_wheel_entry *entry))
{
    memset(items, 0, sizeof items);
    for (struct item *item = items; item < items + ENTRIES; item++) {
        item->entry.function = function;
    }
    armings = 0;
    fired = 0;
    on_fire = NULL;
    model_now = now;
    bi_wheel_init(&wheel, now);
}

static void arm(struct item *item, uint64_t deadline)
{
    item->armed_at = ++armings;
    bi_wheel_arm(&wheel, &item->entry, deadline);
}

static uint64_t model_earliest(void)
{
    uint64_t earliest = UINT64_MAX;
    for (struct item *item = items; item < items + ENTRIES; item++) {
        if (item->armed_at != 0 && item->entry.deadline < earliest) {
            earliest = item->entry.deadline;
        }
    }
    return earliest;
}

static uint64_t armed_in_model(void)
{
    uint64_t armed = 0;
    for (struct item *item = items; item < items + ENTRIES; item++) {
        armed += item->armed_at != 0;
    }
    return armed;
}

/* Deadlines of every size, many of them equal, some in the past, some at the end of the scale. */
static uint64_t random_deadline(void)
{
    uint64_t bits = next_random() % 64;
    uint64_t distance = next_random() & ((UINT64_C(1) << bits) - 1);
    switch (next_random() % 8) {
    case 0:
        return UINT64_MAX - distance % 3;
    case 1:
        return model_now - distance % START;
    case 2:
    case 3:
        return (model_now & ~UINT64_C(0xffff)) + next_random() % 8 * 9000;
    default:
        return distance > UINT64_MAX - model_now ? UINT64_MAX : model_now + distance;
    }
}

static void random_step(void)
{
    struct item *item = &items[next_random() % ENTRIES];
    uint64_t next;
    switch (next_random() % 10) {
    case 0:
        item->armed_at = 0;
        bi_wheel_disarm(&wheel, &item->entry);
        break;
    case 1: /* some time passes, or exactly until the wheel asks for it */
        next = bi_wheel_next(&wheel);
        ck_assert_uint_le(next, model_earliest());
        if (next_random() % 2 == 0) {
            model_now += next_random() & ((UINT64_C(1) << next_random() % 40) - 1);
        } else if (next > model_now && next < UINT64_MAX - 5) {
            model_now = next;
        }
        while (bi_wheel_run(&wheel, model_now, 1 + next_random() % 50)) {
        }
        ck_assert_ptr_null(earliest_due());
        break;
    default:
        arm(item, random_deadline());
    }
    ck_assert_uint_eq(wheel.armed, armed_in_model());
}

START_TEST(any_history_fires_in_the_order_of_deadlines) /* R6 */
{
    for (seed = 1; seed < 4000000; seed = seed * 3 + 7) {
        uint64_t kept = seed;
        begin(START + seed * 777, fire_checked);
        for (int step = 0; step < 6000; step++) {
            random_step();
        }
        seed = kept;
    }
    ck_assert_uint_gt(fired, 100);
}
END_TEST

START_TEST(equal_deadlines_fire_first_come_first_served) /* R6 */
{
    static const uint64_t distances[] = { 0, 5, 70000, 20000000, UINT64_C(5000000000), UINT64_C(1) << 50 };
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        begin(START, fire_logged);
        uint64_t deadline = START + distances[i];
        for (int n = 0; n < 50; n++) {
            arm(&items[n], deadline);
            /* between the armings the wheel may have moved on */
            bi_wheel_run(&wheel, START + distances[i] / 50 * (uint64_t)n, 0);
        }
        arm(&items[7], deadline); /* re-armed: counts as last */
        bi_wheel_run(&wheel, deadline, 1000);
        ck_assert_uint_eq(fired, 50);
        ck_assert_ptr_eq(log_of_fired[7], &items[8]);
        ck_assert_ptr_eq(log_of_fired[48], &items[49]);
        ck_assert_ptr_eq(log_of_fired[49], &items[7]);
    }
}
END_TEST

START_TEST(deadlines_within_one_tick_are_told_apart_to_the_nanosecond) /* R6 */
{
    begin(START, fire_logged);
    uint64_t base = START + (UINT64_C(300) << BI_WHEEL_TICK_BITS);
    for (unsigned n = 0; n < 100; n++) {
        arm(&items[n], base + 100 - n);
    }
    ck_assert(!bi_wheel_run(&wheel, base + 40, 1000));
    ck_assert_uint_eq(fired, 40);
    ck_assert_ptr_eq(log_of_fired[0], &items[99]);
    ck_assert_ptr_eq(log_of_fired[39], &items[60]);
    ck_assert_uint_eq(bi_wheel_next(&wheel), base + 41);
    bi_wheel_run(&wheel, base + 100, 1000);
    ck_assert_ptr_eq(log_of_fired[99], &items[0]);
}
END_TEST

static void arm_another(struct item *item)
{
    if (fired < 10) {
        arm(item + 1, item->entry.deadline); /* already due */
    }
}

START_TEST(what_is_armed_in_a_pass_waits_for_the_next) /* R5 */
{
    begin(START, fire_logged);
    on_fire = arm_another;
    arm(&items[0], START);
    for (unsigned pass = 1; pass < 10; pass++) {
        ck_assert(!bi_wheel_run(&wheel, START, 1000));
        ck_assert_uint_eq(fired, pass);
        ck_assert_uint_eq(bi_wheel_next(&wheel), START);
    }
}
END_TEST

START_TEST(a_pass_is_bounded_and_the_rest_stays_in_order) /* R4 R6 */
{
    begin(START, fire_logged);
    for (unsigned n = 0; n < 100; n++) {
        arm(&items[n], START + 1000 - n);
    }
    ck_assert(bi_wheel_run(&wheel, START + 2000, 30));
    ck_assert_uint_eq(fired, 30);
    arm(&items[99], START); /* the past: before all that is left */
    arm(&items[98], START + 3000);
    ck_assert(bi_wheel_run(&wheel, START + 2000, 1));
    ck_assert_ptr_eq(log_of_fired[30], &items[99]);
    ck_assert(!bi_wheel_run(&wheel, START + 2000, 1000));
    ck_assert_ptr_eq(log_of_fired[31], &items[69]);
    ck_assert_uint_eq(fired, 101);
    ck_assert_uint_eq(bi_wheel_next(&wheel), START + 3000);
}
END_TEST

START_TEST(a_lone_far_deadline_is_told_exactly) /* R8 */
{
    for (unsigned bit = 0; bit < 64; bit++) {
        begin(12345, fire_logged);
        uint64_t deadline = 12345 + (UINT64_C(1) << bit);
        arm(&items[0], deadline);
        ck_assert_uint_eq(bi_wheel_next(&wheel), deadline);
        bi_wheel_run(&wheel, deadline - 1, 10);
        ck_assert_uint_eq(fired, 0);
        bi_wheel_run(&wheel, deadline, 10);
        ck_assert_uint_eq(fired, 1);
        ck_assert_uint_eq(bi_wheel_next(&wheel), UINT64_MAX);
    }
}
END_TEST

START_TEST(waking_when_told_reaches_every_deadline_in_few_steps) /* R6 */
{
    begin(START, fire_logged);
    uint64_t base = START + (UINT64_C(3) << 56);
    for (unsigned n = 0; n < 100; n++) {
        arm(&items[n], base + n * 3);
    }
    unsigned wakes = 0;
    uint64_t next;
    while ((next = bi_wheel_next(&wheel)) != UINT64_MAX) {
        bi_wheel_run(&wheel, next, 1000);
        ck_assert_uint_lt(++wakes, 110);
    }
    ck_assert_uint_eq(fired, 100);
}
END_TEST

START_TEST(disarming_twice_or_what_never_was_armed_does_nothing) /* R7 */
{
    begin(START, fire_logged);
    bi_wheel_disarm(&wheel, &items[0].entry);
    arm(&items[1], START + 5);
    bi_wheel_disarm(&wheel, &items[1].entry);
    bi_wheel_disarm(&wheel, &items[1].entry);
    ck_assert_uint_eq(wheel.armed, 0);
    ck_assert_uint_eq(bi_wheel_next(&wheel), UINT64_MAX);
}
END_TEST

START_TEST(tearing_down_gives_every_entry_once)
{
    begin(START, fire_logged);
    seed = 99;
    for (unsigned n = 0; n < ENTRIES; n++) {
        arm(&items[n], random_deadline());
    }
    bi_wheel_run(&wheel, START, 3);
    unsigned taken = fired;
    while (bi_wheel_take_any(&wheel) != NULL) {
        taken++;
    }
    ck_assert_uint_eq(taken, ENTRIES);
    ck_assert_uint_eq(wheel.armed, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, any_history_fires_in_the_order_of_deadlines);
    tcase_add_test(tests, equal_deadlines_fire_first_come_first_served);
    tcase_add_test(tests, deadlines_within_one_tick_are_told_apart_to_the_nanosecond);
    tcase_add_test(tests, what_is_armed_in_a_pass_waits_for_the_next);
    tcase_add_test(tests, a_pass_is_bounded_and_the_rest_stays_in_order);
    tcase_add_test(tests, a_lone_far_deadline_is_told_exactly);
    tcase_add_test(tests, waking_when_told_reaches_every_deadline_in_few_steps);
    tcase_add_test(tests, disarming_twice_or_what_never_was_armed_does_nothing);
    tcase_add_test(tests, tearing_down_gives_every_entry_once);
}

BIGHT_TEST_MAIN("wheel", add_tests)
