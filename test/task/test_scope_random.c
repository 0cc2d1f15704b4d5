/* SPDX-License-Identifier: MIT */
/* test_scope_random.c - random programs of scopes, looping calls and tasks, whose every callback does anything to any
 * of them. What must hold: nothing is used after it has gone (sanitizers), every close and every nursery fires once all
 * is released, and everything that was taken is released once. */
#include <bight/task.h>

#include "base/random.h"
#include "scope_support.h"

#define PLACES 6
#define MAX_OPEN 12
#define MAX_NESTED 3

static uint64_t chance;
static unsigned nested;
static unsigned asked_ends, heard_ends, taken, given_back;

static struct bight_scope *scopes[PLACES];
static struct bight_scope_member members[PLACES];
static struct bight_looping_call *loops[PLACES];
static struct bight_cooperative_task *tasks[PLACES];
static struct bight_cooperator *cooperator;
static struct bight_deferred *held[MAX_OPEN];
static struct bight_promise promises[MAX_OPEN];
static bool paused[MAX_OPEN];

static uint64_t draw(uint64_t below)
{
    return bi_split_mix(&chance) % below;
}

static double draw_time(void)
{
    static const double times[] = { 0, 0, 1, 2, 5, INFINITY };
    return times[draw(6)];
}

static struct bight_scope *any_scope(void)
{
    return scopes[draw(PLACES)];
}

static bool is_there(const struct bight_scope *scope_)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (scope_ != NULL && scopes[i] == scope_) {
            return true;
        }
    }
    return false;
}

static void act(void);

static void act_inside(void)
{
    if (nested < MAX_NESTED && draw(2) == 0) {
        nested++;
        act();
        nested--;
    }
}

static void heard_end(struct bight_result *result, void *context)
{
    (void)context;
    heard_ends++;
    bight_result_clear(result);
    act_inside();
}

static void given(void *context)
{
    (void)context;
    given_back++;
    act_inside();
}

static void cleared_inside(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    act_inside();
}

/* Ours to release. */
static struct bight_deferred *listen(struct bight_deferred *deferred)
{
    asked_ends++;
    bight_deferred_add_both(deferred, heard_end, NULL);
    return deferred;
}

/* What waits for it waits for an end: it must come to one. */
static void let_go_of(size_t place)
{
    struct bight_deferred *deferred = held[place];
    bool is_paused = paused[place];
    held[place] = NULL;
    if (deferred != NULL) {
        (void)bight_abandon(promises[place]);
        if (is_paused) {
            bight_deferred_unpause(deferred);
        }
        bight_deferred_cancel(deferred);
        bight_deferred_release(deferred);
    }
}

/* Takes it; it is held for a while, and some of these are paused. */
static void keep(struct bight_deferred *deferred, struct bight_promise promise)
{
    size_t place = draw(MAX_OPEN);
    while (held[place] != NULL) {
        let_go_of(place);
    }
    held[place] = deferred;
    promises[place] = promise;
    paused[place] = draw(3) == 0;
    if (paused[place]) {
        bight_deferred_pause(deferred);
    }
}

static struct bight_deferred *new_deferred(void)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(deferred, cleared_inside, NULL);
    keep(bight_deferred_hold(deferred), promise);
    return deferred;
}

/* ----------------------------------------------------------------------------------------- members */

static void member_asked_to_close(struct bight_scope_member *member)
{
    act_inside();
    if (draw(2) == 0) {
        bight_scope_leave(member);
    }
}

static void member_asked_to_abort(struct bight_scope_member *member)
{
    bight_scope_leave(member);
    act_inside();
}

static const struct bight_scope_member_ops random_ops = { member_asked_to_close, member_asked_to_abort };

static struct bight_deferred *loop_function(struct bight_looping_call *call, void *context)
{
    (void)call;
    (void)context;
    act_inside();
    return draw(2) == 0 ? new_deferred() : NULL;
}

static enum bight_step task_step(struct bight_cooperative_task *task, void *context)
{
    (void)context;
    act_inside();
    if (draw(2) == 0) {
        (void)bight_cooperative_task_await(task, new_deferred());
    }
    return draw(4) == 0 ? BIGHT_STEP_DONE : BIGHT_STEP_MORE;
}

static void timer_function(void *context)
{
    (void)context;
    act_inside();
}

static struct bight_deferred *nursery_function(struct bight_scope *nursery, void *context)
{
    (void)context;
    act_inside();
    if (draw(2) == 0) {
        (void)bight_scope_set_deadline(nursery, draw_time());
    }
    if (draw(2) == 0 && any_scope() != NULL) {
        (void)bight_scope_join_scope(nursery, scopes[0] != NULL ? scopes[0] : nursery);
    }
    bight_deferred_release(bight_deferred_tie(new_deferred(), bight_scope_owner(nursery)));
    return draw(4) == 0 ? NULL : new_deferred();
}

/* ---------------------------------------------------------------------------------------- operations */

static void make_scope(void)
{
    size_t place = draw(PLACES);
    struct bight_scope *former = scopes[place], *outer = any_scope();
    scopes[place] = NULL;
    bight_scope_free(former);
    if (scopes[place] == NULL) {
        bool is_inside = is_there(outer) && draw(3) > 0;
        scopes[place] = is_inside ? bight_scope_new_inside(outer) : bight_scope_new(&test_clock.base);
    }
}

static void free_scope(void)
{
    size_t place = draw(PLACES);
    struct bight_scope *former = scopes[place];
    scopes[place] = NULL;
    bight_scope_free(former);
}

static void make_loop(void)
{
    size_t place = draw(PLACES);
    struct bight_looping_call *former = loops[place];
    loops[place] = NULL;
    bight_looping_call_free(former);
    if (loops[place] == NULL) {
        taken++;
        loops[place] = bight_looping_call_new_full(&test_clock.base, loop_function, NULL, given);
        (void)bight_looping_call_set_jitter(loops[place], draw(2) == 0 ? 0.5 : 0, 1 + draw(9));
    }
}

static void make_task(void)
{
    size_t place = draw(PLACES);
    struct bight_cooperative_task *former = tasks[place];
    tasks[place] = NULL;
    bight_cooperative_task_release(former);
    if (tasks[place] == NULL) {
        tasks[place] = bight_cooperate_full(cooperator, task_step, NULL, given);
        taken += tasks[place] != NULL ? 1 : 0;
        if (tasks[place] != NULL) {
            bight_deferred_release(listen(bight_cooperative_task_when_done(tasks[place])));
        }
    }
}

/* Making one may have freed the scope. */
static void tie_new(struct bight_scope *scope_)
{
    struct bight_deferred *deferred = new_deferred();
    if (is_there(scope_)) {
        bight_deferred_tie(deferred, bight_scope_owner(scope_));
    }
    bight_deferred_release(deferred);
}

static void act_on_scope(struct bight_scope *scope_, uint64_t what)
{
    struct bight_scope *other = any_scope();
    switch (what) {
    case 0:
        bight_deferred_release(listen(bight_scope_close(scope_, draw_time())));
        break;
    case 1:
        (void)bight_scope_join(scope_, &members[draw(PLACES)], &random_ops);
        break;
    case 2:
        (void)bight_scope_join_scope(scope_, other != NULL ? other : scope_);
        break;
    case 3:
        (void)bight_scope_set_deadline(scope_, draw_time());
        break;
    case 4:
        tie_new(scope_);
        break;
    default:
        taken++;
        if (bight_scope_call_later(scope_, draw_time(), timer_function, NULL, given, NULL) != BIGHT_OK) {
            taken--;
        }
    }
}

static void act_on_loop(struct bight_looping_call *call, uint64_t what)
{
    if (what == 0) {
        bight_deferred_release(listen(bight_looping_call_start(call, draw_time(), draw(2) == 0)));
    } else if (what == 1) {
        (void)bight_looping_call_stop(call);
    } else if (what == 2) {
        (void)bight_looping_call_reset(call);
    } else {
        (void)bight_looping_call_join_scope(call, any_scope());
    }
}

static void act_on_task(struct bight_cooperative_task *task, uint64_t what)
{
    if (what == 0) {
        (void)bight_cooperative_task_pause(task);
    } else if (what == 1) {
        (void)bight_cooperative_task_resume(task);
    } else if (what == 2) {
        (void)bight_cooperative_task_stop(task);
    } else {
        (void)bight_cooperative_task_join_scope(task, any_scope());
    }
}

static void act_on_deferred(size_t place, uint64_t what)
{
    if (what == 0) {
        bight_deferred_cancel(held[place]);
    } else if (what == 1) {
        let_go_of(place);
    } else if (bight_promise_is_open(promises[place])) {
        bight_callback(promises[place], NULL, NULL);
    }
}

static void begin_nursery(void)
{
    taken++;
    struct bight_deferred *deferred = listen(bight_scope_run_full(&test_clock.base, nursery_function, NULL, given));
    keep(deferred, (struct bight_promise) { .slot = NULL });
}

static void act(void)
{
    size_t place = draw(PLACES), open = draw(MAX_OPEN);
    switch (draw(12)) {
    case 0:
    case 1:
        make_scope();
        break;
    case 2:
        free_scope();
        break;
    case 3:
        make_loop();
        break;
    case 4:
        make_task();
        break;
    case 5:
        begin_nursery();
        break;
    case 6:
        bight_scope_leave(&members[place]);
        break;
    case 7:
        if (loops[place] != NULL) {
            act_on_loop(loops[place], draw(4));
        }
        break;
    case 8:
        if (tasks[place] != NULL) {
            act_on_task(tasks[place], draw(4));
        }
        break;
    case 9:
        if (held[open] != NULL) {
            act_on_deferred(open, draw(3));
        }
        break;
    default:
        if (scopes[place] != NULL) {
            act_on_scope(scopes[place], draw(6));
        }
    }
}

/* --------------------------------------------------------------------------------------- a program */

/* One turn of a loop, with time that passes. */
static void turn(double seconds)
{
    test_clock.now += (uint64_t)(seconds * 1e9);
    for (size_t i = 0; i < 16; i++) {
        struct test_timer *timer = &test_clock.timers[i];
        if (timer->pending && timer->deadline <= test_clock.now) {
            struct test_timer due = *timer;
            timer->slot.generation++;
            due.function(due.context);
            timer->pending = false;
            if (due.release != NULL) {
                due.release(due.context);
            }
        }
    }
}

/* Releases all that this file holds, until its callbacks have nothing left to make again. */
static void let_go_of_all(void)
{
    nested = MAX_NESTED;
    bight_cooperator_free(cooperator);
    for (int i = 0; i < PLACES; i++) {
        bight_looping_call_free(loops[i]);
        bight_cooperative_task_release(tasks[i]);
        bight_scope_free(scopes[i]);
        bight_scope_leave(&members[i]);
        loops[i] = NULL;
        tasks[i] = NULL;
        scopes[i] = NULL;
    }
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < MAX_OPEN; i++) {
            let_go_of(i);
        }
        turn(100);
    }
}

static void run_program(uint64_t seed)
{
    chance = seed;
    nested = 0;
    cooperator = bight_cooperator_new(&test_clock.base);
    (void)bight_cooperator_set_slice(cooperator, 0);
    for (int i = 0; i < 300; i++) {
        act();
        if (draw(4) == 0) {
            turn((double)draw(3) / 2);
        }
    }
    let_go_of_all();
    ck_assert_msg(
        asked_ends == heard_ends, "seed %lu: %u ends asked for, %u heard", (unsigned long)seed, asked_ends, heard_ends);
    ck_assert_msg(taken == given_back, "seed %lu: %u taken, %u given back", (unsigned long)seed, taken, given_back);
    ck_assert_uint_eq(timers_pending(), 0);
}

START_TEST(random_programs_leave_nothing_behind) /* R11 R12 D33 D37 */
{
    begin();
    const char *first = getenv("BIGHT_TEST_SEED");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 10) : 1;
    for (uint64_t last = seed + (first != NULL ? 1 : 1000); seed < last; seed++) {
        run_program(seed);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, random_programs_leave_nothing_behind);
}

BIGHT_TEST_MAIN("scope random", add_tests)
