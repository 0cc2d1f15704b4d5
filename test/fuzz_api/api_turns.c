/* SPDX-License-Identifier: MIT */
/* api_turns.c - locks, conditions and semaphores, whose waits are tied, cancelled, timed, raced and forgotten (D28,
 * D29).
 *
 * The model knows who holds what: nobody, whoever heard so last (until a release), or a run. A lock that is freed is
 * another one from then on; what results from its waits says nothing about the next. */
#include "api_company.h"

#include <bight/sync.h>

#include <string.h>

enum { TURNS = 3 };
enum holder { NOBODY, A_HAND, A_RUN };

static struct {
    struct turn {
        struct bight_lock *lock;
        struct bight_condition *condition;
        unsigned age, holdings, loans, waits; /* loans: to conditions; waits: for the lock or a notification */
        enum holder holder;
    } turns[TURNS];
    struct pass {
        struct bight_semaphore *semaphore;
        unsigned age, held, waits, most, highest; /* highest: of what `most` has been */
    } passes[TURNS];
} state;

static struct turn *turn_of(const struct item *item)
{
    struct turn *turn = &state.turns[item->order];
    return turn->age == item->budget ? turn : NULL;
}

/* ------------------------------------------------------------------------------------------- locks */

static void take_turn(struct turn *turn, enum holder holder)
{
    if (turn->holder != NOBODY) {
        fuzz_fail("a lock is held twice");
    }
    turn->holder = holder;
    turn->holdings++;
}

static void on_turn(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct turn *turn = turn_of(item);
    bool is_held = bight_result_failure(result) == NULL;
    finish_item(item, result);
    if (turn != NULL) {
        turn->waits--;
    }
    if (turn == NULL || !is_held) {
        act_inside(item->id * 107u, NULL);
        bight_result_clear(result);
        return;
    }
    take_turn(turn, A_HAND);
    unsigned holding = turn->holdings, loans = turn->loans;
    act_inside(item->id * 107u, NULL);
    turn = turn_of(item);
    if ((turn == NULL || turn->loans == loans) && draw_from(item->id * 109u) % 3 == 0) {
        if (turn != NULL && turn->holder == A_HAND && turn->holdings == holding) {
            turn->holder = NOBODY;
        }
        bight_result_discard(result);
    }
    bight_result_clear(result);
}

static struct turn *find_turn(unsigned number)
{
    struct turn *turn = &state.turns[number % TURNS];
    if (turn->lock == NULL && !world.is_ending) {
        turn->lock = bight_lock_new();
    }
    return turn->lock == NULL ? NULL : turn;
}

static struct item *item_of_turn(const char *what, unsigned number)
{
    struct turn *turn = find_turn(number);
    struct item *item = turn == NULL ? NULL : new_item(what, number % 2);
    if (item != NULL) {
        item->order = number % TURNS;
        item->budget = turn->age;
    }
    return item;
}

struct bight_deferred *turn_at_lock(unsigned number, struct item **given)
{
    struct item *item = item_of_turn("wait for a turn", number);
    if (item == NULL) {
        return NULL;
    }
    struct turn *turn = find_turn(number);
    turn->waits++;
    struct bight_deferred *deferred = bight_lock_acquire(turn->lock);
    (void)bight_deferred_hold(deferred);
    watch_with(item, deferred, on_turn);
    if (given != NULL) {
        *given = item;
    }
    return deferred;
}

/* The function's part is over, and the lock is released right behind. */
static void on_worked(struct bight_result *result, void *context)
{
    struct turn *turn = turn_of(context);
    (void)result;
    if (turn != NULL && turn->holder != A_RUN) {
        fuzz_fail("a lock was released while work was under way");
    }
    if (turn != NULL) {
        turn->holder = NOBODY;
    }
}

/* The run is over then; it releases the lock as if that had been held throughout. */
static void on_notified_in_run(struct bight_result *result, void *context)
{
    struct turn *turn = turn_of(context);
    (void)result;
    if (turn != NULL) {
        turn->waits--;
        take_turn(turn, A_RUN);
    }
}

static struct bight_deferred *notice_in_run(struct turn *turn, struct item *item)
{
    turn->holder = NOBODY;
    turn->loans++;
    turn->waits++;
    struct bight_deferred *deferred = bight_condition_wait(turn->condition);
    (void)bight_deferred_add_both(deferred, on_notified_in_run, item);
    return deferred;
}

static struct bight_deferred *work_in_turn(void *context)
{
    struct item *item = context;
    struct turn *turn = turn_of(item);
    run_item(item);
    if (turn == NULL) {
        fuzz_fail("work begins under a lock that was freed");
    }
    turn->waits--;
    take_turn(turn, A_RUN);
    act_inside(item->id * 113u, NULL);
    struct bight_deferred *deferred = NULL;
    turn = turn_of(item);
    if (item->id % 3 == 1 && turn != NULL && turn->condition != NULL) {
        deferred = notice_in_run(turn, item);
    } else if (item->id % 3 != 0) {
        deferred = plain_deferred(item->side, NULL);
    }
    if (deferred != NULL) {
        (void)bight_deferred_add_both(deferred, on_worked, item);
    } else {
        on_worked(NULL, item);
    }
    return deferred;
}

static void release_work(void *context)
{
    struct item *item = context;
    struct turn *turn = turn_of(item);
    if (!item->has_run && turn != NULL) {
        turn->waits--;
    }
    release_item(item);
}

static void run_in_turn(struct fuzz_operation *operation, unsigned number)
{
    struct item *item = item_of_turn("work in turn", number);
    struct item *outer = item == NULL ? NULL : new_item("Deferred of work in turn", number % 2);
    if (item != NULL && outer == NULL) {
        item->is_released = true;
    }
    if (outer != NULL) {
        struct turn *turn = find_turn(number);
        turn->waits++;
        watch_deferred(outer, bight_lock_run_full(turn->lock, work_in_turn, item, release_work));
        tie_somewhere(operation, outer, true);
    }
}

static void try_turn(struct turn *turn)
{
    bool must = turn->holder == NOBODY && turn->waits == 0, is_locked = bight_lock_is_locked(turn->lock);
    bool is_held = bight_lock_try_acquire(turn->lock);
    if ((is_held && is_locked) || (must && !is_locked && !is_held)) {
        fuzz_fail("trying to take a lock answers %d", is_held);
    }
    if (is_held) {
        take_turn(turn, A_HAND);
    }
}

static void end_turn(struct turn *turn)
{
    struct bight_lock *lock = turn->lock;
    struct bight_condition *condition = turn->condition;
    unsigned age = turn->age + 1;
    *turn = (struct turn) { .age = age };
    if (age % 2 == 0) {
        bight_condition_free(condition);
    }
    bight_lock_free(lock);
    if (age % 2 != 0) {
        bight_condition_free(condition);
    }
}

static void release_turn(struct turn *turn)
{
    bool is_locked = bight_lock_is_locked(turn->lock);
    if (turn->holder == A_HAND || !is_locked) {
        turn->holder = NOBODY;
        int code = bight_lock_release(turn->lock);
        if (code != (is_locked ? 0 : BIGHT_E_USAGE)) {
            fuzz_fail("releasing a lock answers %d", code);
        }
    }
}

void act_turn(struct fuzz_operation *operation, void *context)
{
    struct turn *turn = find_turn(operation->subject);
    struct item *item = NULL;
    (void)context;
    if (turn == NULL) {
        return;
    }
    unsigned how = fuzz_choose(operation, 16);
    fuzz_tell(world.tape, "lock %u: way %u", operation->subject % TURNS, how);
    if (how == 0) {
        end_turn(turn);
    } else if (how == 1) {
        try_turn(turn);
    } else if (how < 8) {
        release_turn(turn);
    } else if (how < 11) {
        run_in_turn(operation, operation->subject);
    } else {
        bight_deferred_release(turn_at_lock(operation->subject, &item));
        tie_somewhere(operation, item, false);
    }
}

/* -------------------------------------------------------------------------------------- conditions */

/* However it ends, the lock is held again, unless that has gone. */
static void on_notified(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct turn *turn = turn_of(item);
    finish_item(item, result);
    if (turn != NULL) {
        turn->waits--;
        take_turn(turn, A_HAND);
    }
    act_inside(item->id * 127u, NULL);
    bight_result_clear(result);
}

static void wait_for_notice(struct fuzz_operation *operation, struct turn *turn)
{
    struct item *item = item_of_turn("wait for a condition", operation->subject);
    unsigned number = fuzz_choose(operation, SCOPES);
    if (item == NULL) {
        return;
    }
    turn->holder = NOBODY;
    turn->loans++;
    turn->waits++;
    watch_with(item, bight_condition_wait(turn->condition), on_notified);
    struct bight_scope *scope = world.scopes[number].scope; /* not before: handlers have run */
    if (item->deferred != NULL && scope != NULL && fuzz_choose(operation, 3) == 0) {
        bight_deferred_tie(item->deferred, bight_scope_owner(scope));
    }
}

void act_condition(struct fuzz_operation *operation, void *context)
{
    struct turn *turn = find_turn(operation->subject);
    (void)context;
    if (turn == NULL) {
        return;
    }
    if (turn->condition == NULL && !world.is_ending) {
        turn->condition = bight_condition_new(turn->lock);
    }
    unsigned how = fuzz_choose(operation, 12);
    fuzz_tell(world.tape, "condition of lock %u: way %u", operation->subject % TURNS, how);
    if (how == 0) {
        struct bight_condition *condition = turn->condition;
        turn->condition = NULL;
        bight_condition_free(condition);
    } else if (turn->condition == NULL || turn->holder != A_HAND) {
        return;
    } else if (how < 7) {
        wait_for_notice(operation, turn);
    } else {
        int code = how < 10 ? bight_condition_notify(turn->condition, 1) : bight_condition_notify_all(turn->condition);
        if (code != 0) {
            fuzz_fail("notifying answers %d", code);
        }
    }
}

/* -------------------------------------------------------------------------------------- semaphores */

static void on_pass(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct pass *pass = &state.passes[item->order];
    bool is_held = bight_result_failure(result) == NULL, is_same = pass->age == item->budget;
    finish_item(item, result);
    if (is_same) {
        pass->waits--;
        pass->held += is_held;
    }
    if (is_same && is_held && pass->held > pass->highest) {
        fuzz_fail("%u hold a semaphore of %u", pass->held, pass->highest);
    }
    act_inside(item->id * 131u, NULL);
    bight_result_clear(result);
}

static struct pass *find_pass(unsigned number)
{
    struct pass *pass = &state.passes[number % TURNS];
    if (pass->semaphore == NULL && !world.is_ending) {
        pass->most = pass->highest = 1 + number % TURNS;
        pass->semaphore =
            number % TURNS == 2 ? bight_semaphore_new_bounded(pass->most) : bight_semaphore_new(pass->most);
    }
    return pass->semaphore == NULL ? NULL : pass;
}

struct bight_deferred *turn_at_semaphore(unsigned number, struct item **given)
{
    struct pass *pass = find_pass(number);
    struct item *item = pass == NULL ? NULL : new_item("wait for a semaphore", number % 2);
    if (item == NULL) {
        return NULL;
    }
    item->order = number % TURNS;
    item->budget = pass->age;
    pass->waits++;
    struct bight_deferred *deferred = bight_semaphore_acquire(pass->semaphore);
    (void)bight_deferred_hold(deferred);
    watch_with(item, deferred, on_pass);
    if (given != NULL) {
        *given = item;
    }
    return deferred;
}

static void end_pass(struct pass *pass)
{
    struct bight_semaphore *semaphore = pass->semaphore;
    *pass = (struct pass) { .age = pass->age + 1 };
    bight_semaphore_free(semaphore);
}

static void release_pass(struct pass *pass)
{
    if (pass->held > 0) {
        pass->held--;
        int code = bight_semaphore_release(pass->semaphore);
        if (code != 0) {
            fuzz_fail("releasing a semaphore answers %d", code);
        }
    }
}

/* Those who have it keep it, so that for a while more may hold it than fit. */
static void resize_pass(struct pass *pass, unsigned most, bool is_bounded)
{
    unsigned before = pass->most;
    pass->most = most;
    pass->highest = most > pass->highest ? most : pass->highest;
    int code = bight_semaphore_resize(pass->semaphore, (long)most);
    if (code != (is_bounded ? BIGHT_E_NOT_SUPPORTED : 0)) {
        fuzz_fail("resizing a semaphore answers %d", code);
    }
    pass->most = is_bounded ? before : pass->most;
}

void act_semaphore(struct fuzz_operation *operation, void *context)
{
    struct pass *pass = find_pass(operation->subject);
    struct item *item = NULL;
    (void)context;
    if (pass == NULL) {
        return;
    }
    unsigned how = fuzz_choose(operation, 16);
    if (how == 0) {
        end_pass(pass);
    } else if (how == 1) {
        pass->held += bight_semaphore_try_acquire(pass->semaphore);
    } else if (how == 2) {
        resize_pass(pass, 1 + fuzz_choose(operation, 4), operation->subject % TURNS == 2);
    } else if (how < 9) {
        release_pass(pass);
    } else {
        bight_deferred_release(turn_at_semaphore(operation->subject, &item));
        tie_somewhere(operation, item, false);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
}

static void check_turn(const struct turn *turn)
{
    size_t waits = bight_lock_waiting(turn->lock);
    waits += turn->condition == NULL ? 0 : bight_condition_waiting(turn->condition);
    if (bight_lock_is_locked(turn->lock) != (turn->holder != NOBODY)) {
        fuzz_fail("lock %u is %s, and should not be", (unsigned)(turn - state.turns),
            turn->holder == NOBODY ? "held" : "free");
    }
    if (waits != turn->waits || (turn->holder == NOBODY && bight_lock_waiting(turn->lock) > 0)) {
        fuzz_fail("%zu wait for a turn instead of %u", waits, turn->waits);
    }
}

static void check(void)
{
    for (unsigned i = 0; i < TURNS; i++) {
        const struct pass *pass = &state.passes[i];
        if (state.turns[i].lock != NULL) {
            check_turn(&state.turns[i]);
        }
        if (pass->semaphore == NULL) {
            continue;
        }
        size_t free = pass->held < pass->most ? pass->most - pass->held : 0;
        if (bight_semaphore_waiting(pass->semaphore) != pass->waits || (free > 0 && pass->waits > 0) ||
            bight_semaphore_available(pass->semaphore) != free) {
            fuzz_fail("%u wait for a semaphore with %zu free", pass->waits, free);
        }
    }
}

static void end(void)
{
    for (unsigned i = 0; i < TURNS; i++) {
        end_turn(&state.turns[i]);
        end_pass(&state.passes[i]);
    }
}

static void finish(void)
{
}

const struct part turn_part = { begin, check, end, finish };
