/* SPDX-License-Identifier: MIT */
/* test_permits_random.c - locks, semaphores and conditions under random calls, from inside handlers too, against a
 * model. See sync_random.h. A lock is the semaphore of one; a condition is waited at only with the lock. */
#include "sync_random.h"

enum kind { ACQUIRE, WAIT };

static struct bight_lock *lock; /* one of the two, until it is freed */
static struct bight_semaphore *semaphore;
static struct bight_condition *condition;
static bool with_lock;

/* ---------------------------------------------------------------------------------------------- model */

static size_t held, limit;
static struct list waiting, sleeping; /* for a permit; for a notification */
static struct list tokens;            /* those that stand for a permit, the oldest first */

static bool is_alive(void)
{
    return lock != NULL || semaphore != NULL;
}

static bool can_acquire(void)
{
    return held < limit && waiting.count == 0;
}

/* The lock's waits in a condition have their tokens back in front; here no token outlives such a wait but its own. */
static void give_back(void)
{
    held--;
    while ((size_t)tokens.count > held) {
        tokens.count--;
    }
}

static void compare(void)
{
    if (!is_alive()) {
        return;
    }
    must((with_lock ? bight_lock_waiting(lock) : bight_semaphore_waiting(semaphore)) == (size_t)waiting.count);
    size_t spoken_for = held + (size_t)waiting.count;
    if (with_lock) {
        must(bight_lock_is_locked(lock) == (spoken_for > 0));
    } else {
        must(bight_semaphore_available(semaphore) == (spoken_for < limit ? limit - spoken_for : 0));
    }
    if (condition != NULL) {
        must(bight_condition_waiting(condition) == (size_t)sleeping.count);
    }
}

static void must_be_at_rest(void)
{
    must(!is_alive() || waiting.count == 0 || held >= limit);
}

/* ----------------------------------------------------------------------------------------- firing */

static void random_calls(void);

/* The Deferred of one that was cancelled while it slept is decided, and still waits for its turn at the lock. */
static void check_firing(struct record *record, int code)
{
    must(!record->has_fired);
    record->has_fired = true;
    must(!record->is_decided || code == record->code);
    if (first_of(&waiting) == record) {
        must(is_alive() && held < limit);
        shift(&waiting);
        held++;
        if (code == BIGHT_OK) {
            add_to(&tokens, record);
        }
    } else {
        must(record->is_decided);
    }
}

static void on_firing(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    check_firing(context, failure != NULL ? bight_failure_code(failure) : BIGHT_OK);
    if (failure != NULL) {
        bight_result_clear(result);
    } else {
        must(result->type == (with_lock ? &bight_type_lock : &bight_type_semaphore));
    }
    compare();
    if (depth < DEPTH && roll(3) == 0) {
        random_calls();
    }
}

/* ------------------------------------------------------------------------------------------- calls */

static void call_acquire(void)
{
    struct record *record = new_record(ACQUIRE);
    if (can_acquire()) {
        decide(record, BIGHT_OK, NULL);
        held++;
        add_to(&tokens, record);
    } else {
        add_to(&waiting, record);
    }
    listen_for(record, with_lock ? bight_lock_acquire(lock) : bight_semaphore_acquire(semaphore), on_firing);
}

static void call_try_acquire(void)
{
    bool expected = can_acquire();
    held += expected ? 1 : 0;
    must((with_lock ? bight_lock_try_acquire(lock) : bight_semaphore_try_acquire(semaphore)) == expected);
}

static void call_release(void)
{
    int expected = held > 0 ? BIGHT_OK : BIGHT_E_USAGE;
    if (held > 0) {
        give_back();
    }
    must((with_lock ? bight_lock_release(lock) : bight_semaphore_release(semaphore)) == expected);
}

static void call_resize(void)
{
    if (!with_lock) {
        limit = 1 + roll(4);
        must(bight_semaphore_resize(semaphore, (long)limit) == BIGHT_OK);
    }
}

static void call_wait(void)
{
    if (condition == NULL || held == 0 || tokens.count > 0) {
        return;
    }
    struct record *record = new_record(WAIT);
    add_to(&sleeping, record);
    held--;
    listen_for(record, bight_condition_wait(condition), on_firing);
}

static void call_notify(void)
{
    if (condition == NULL || held == 0) {
        return;
    }
    size_t n = roll(4);
    for (size_t i = 0; i < n && sleeping.count > 0; i++) {
        add_to(&waiting, shift(&sleeping));
    }
    must(bight_condition_notify(condition, n) == BIGHT_OK);
}

/* A sleeper goes on to the lock; one that was notified passes that on, and keeps its turn. */
static void cancel_wait(struct record *record)
{
    if (remove_from(&sleeping, record)) {
        add_to(&waiting, record);
    } else if (!record->is_decided && sleeping.count > 0) {
        add_to(&waiting, shift(&sleeping));
    }
    if (!record->is_decided) {
        decide(record, BIGHT_E_CANCELLED, NULL);
    }
}

static void call_cancel(void)
{
    struct record *record = pick(false);
    if (record == NULL) {
        return;
    }
    if (record->kind == WAIT) {
        cancel_wait(record);
    } else if (remove_from(&waiting, record)) {
        decide(record, BIGHT_E_CANCELLED, NULL);
    }
    bight_deferred_cancel(record->deferred);
}

/* A result that nobody will see. */
static void call_discard(void)
{
    struct record *record = pick(true);
    struct bight_result *result = record != NULL ? bight_deferred_result(record->deferred) : NULL;
    if (result == NULL) {
        return;
    }
    if (remove_from(&tokens, record)) {
        give_back();
    }
    bight_result_discard(result);
}

/* The token ends with its Deferred, unless a handler is running: then a little later, which changes nothing. */
static void call_let_go(void)
{
    struct record *record = pick(true);
    if (record != NULL && bight_deferred_result(record->deferred) != NULL) {
        remove_from(&tokens, record);
        let_go(record);
    }
}

static void call_free(void)
{
    struct bight_lock *freed_lock = lock;
    struct bight_semaphore *freed_semaphore = semaphore;
    lock = NULL;
    semaphore = NULL;
    tokens.count = 0;
    while (waiting.count > 0) {
        struct record *record = shift(&waiting);
        if (!record->is_decided) {
            decide(record, BIGHT_E_ABANDONED, NULL);
        }
    }
    bight_lock_free(freed_lock);
    bight_semaphore_free(freed_semaphore);
}

/* Who sleeps fails when it has the lock, or at once when that has gone. */
static void call_free_condition(void)
{
    struct bight_condition *freed = condition;
    condition = NULL;
    while (sleeping.count > 0) {
        struct record *record = shift(&sleeping);
        decide(record, BIGHT_E_ABANDONED, NULL);
        if (is_alive()) {
            add_to(&waiting, record);
        }
    }
    bight_condition_free(freed);
}

static void random_call(void)
{
    static void (*const calls[])(void) = { call_acquire, call_acquire, call_acquire, call_release, call_release,
        call_release, call_try_acquire, call_wait, call_wait, call_notify, call_cancel, call_cancel, call_discard,
        call_let_go, call_let_go, call_resize };
    unsigned number = roll(1000);
    if (number < 2) {
        call_free();
    } else if (number < 4) {
        call_free_condition();
    } else {
        calls[roll(sizeof(calls) / sizeof(calls[0]))]();
    }
}

static void random_calls(void)
{
    depth++;
    for (unsigned count = roll(4); count > 0 && is_alive() && record_count < RECORDS; count--) {
        random_call();
        compare();
    }
    depth--;
}

/* ------------------------------------------------------------------------------------------ rounds */

static void begin_round(void)
{
    record_count = depth = 0;
    held = 0;
    waiting.count = sleeping.count = tokens.count = 0;
    with_lock = roll(2) == 0;
    limit = with_lock ? 1 : 1 + roll(4);
    lock = with_lock ? bight_lock_new() : NULL;
    semaphore = with_lock ? NULL : bight_semaphore_new((long)limit);
    condition = with_lock ? bight_condition_new(lock) : NULL;
}

static void end_round(void)
{
    if (is_alive()) {
        call_free();
    }
    if (condition != NULL) {
        call_free_condition();
    }
    for (int i = 0; i < record_count; i++) {
        must(records[i].has_fired);
        if (records[i].deferred != NULL) {
            let_go(&records[i]);
        }
    }
}

START_TEST(random_calls_do_what_the_model_does) /* D28 D29 D30 */
{
    begin();
    uint64_t first = first_seed();
    for (uint64_t number = first; number < first + 4000; number++) {
        begin_random(number);
        begin_round();
        for (int i = 0; i < 60 && is_alive() && record_count < RECORDS; i++) {
            random_calls();
            must_be_at_rest();
        }
        end_round();
    }
    ck_assert_int_eq(reports, 0);
}

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, random_calls_do_what_the_model_does);
}

BIGHT_TEST_MAIN("permits_random", add_tests)
