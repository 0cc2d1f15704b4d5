/* SPDX-License-Identifier: MIT */
/* api_time.c - timers, calls from threads and jobs in the pool (R5 to R10), and scopes' timers (D37).
 *
 * A timer may not be early, nor run before another that is due sooner; a handle is good until its timer has begun to
 * run, and no longer. Calls of one reactor run in their order. */
#include "api_world.h"

static uint64_t now_of(unsigned side)
{
    return bight_clock_now(bight_reactor_clock(world.reactors[side]));
}

/* ------------------------------------------------------------------------------------------ timers */

static bool is_pending(const struct item *item)
{
    return !item->has_run && !item->is_released;
}

bool is_timer(const struct item *item)
{
    return item->timer.slot != NULL && item->deferred == NULL;
}

/* R6. What was armed in this very moment may be seen only after what was found due before. */
static void check_order(const struct item *ran, uint64_t now)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        const struct item *other = &world.items[i];
        if (!is_timer(other) || other->side != ran->side || !is_pending(other) || other->armed_at >= now) {
            continue;
        }
        bool was_first = other->deadline < ran->deadline ||
                         (other->deadline == ran->deadline && other->armed_order < ran->armed_order);
        if (was_first) {
            fuzz_fail("timer %u runs before timer %u, which was due", ran->id, other->id);
        }
    }
}

static void run_timer(void *context)
{
    struct item *item = context;
    uint64_t now = now_of(item->side);
    run_item(item);
    check_asked(item->side, "a timer");
    if (now < item->deadline) {
        fuzz_fail("timer %u runs %llu ns early", item->id, (unsigned long long)(item->deadline - now));
    }
    check_order(item, now);
    if (bight_timer_is_pending(item->timer)) {
        fuzz_fail("timer %u is pending while it runs", item->id);
    }
    act_inside(item->id * 13u, NULL);
}

static void note_armed(struct item *item)
{
    item->deadline = bight_timer_deadline(item->timer);
    item->armed_at = now_of(item->side);
    item->armed_order = ++world.timers_armed;
    item->must_run = true;
}

static double choose_delay(struct fuzz_operation *operation)
{
    static const double delays[] = { 0, 0, 1e-9, 0.001, 0.01, 0.01, 0.3, 1, 20, 70 };
    return delays[fuzz_choose(operation, 10)];
}

void act_call_later(struct fuzz_operation *operation, void *context)
{
    unsigned side = fuzz_choose(operation, 2);
    struct item *item = new_item("timer", side);
    (void)context;
    if (item == NULL) {
        return;
    }
    double delay = choose_delay(operation);
    int code;
    if (fuzz_choose(operation, 3) == 0) {
        uint64_t deadline = now_of(side) + (uint64_t)(delay * 1e9) - fuzz_choose(operation, 2) * 5000000;
        code = bight_call_at_full(world.reactors[side], deadline, run_timer, item, release_item, &item->timer);
    } else {
        code = bight_call_later_full(world.reactors[side], delay, run_timer, item, release_item, &item->timer);
    }
    if (code != 0 || item->has_run) {
        fuzz_fail("call_later answers %d", code);
    }
    note_armed(item);
}

static struct item *find_timer(const struct fuzz_operation *operation)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        struct item *item = &world.items[(operation->subject + i) % world.item_count];
        if (is_timer(item)) {
            return item;
        }
    }
    return NULL;
}

static int use_timer(struct item *item, unsigned how, double seconds)
{
    switch (how) {
    case 0:
        return bight_timer_cancel(item->timer);
    case 1:
        return bight_timer_reset(item->timer, seconds);
    case 2:
        return bight_timer_delay(item->timer, seconds);
    default:
        return bight_timer_reset_at(item->timer, now_of(item->side) + (uint64_t)(seconds * 1e9));
    }
}

void act_timer(struct fuzz_operation *operation, void *context)
{
    struct item *item = find_timer(operation);
    (void)context;
    if (item == NULL) {
        return;
    }
    unsigned how = fuzz_choose(operation, 4);
    bool was_pending = is_pending(item);
    bool is_released = item->is_released;
    if (bight_timer_is_pending(item->timer) != was_pending) {
        fuzz_fail("timer %u is pending or not, wrongly", item->id);
    }
    int code = use_timer(item, how, choose_delay(operation));
    if (code != (was_pending ? 0 : BIGHT_E_STALE)) {
        fuzz_fail("use %u of timer %u answers %d", how, item->id, code);
    }
    if (was_pending && how != 0 && is_pending(item)) {
        note_armed(item);
    }
    if (was_pending && how == 0 && !item->is_released) {
        fuzz_fail("timer %u was cancelled and its context not release", item->id);
    }
    if (!was_pending && is_released != item->is_released) {
        fuzz_fail("a stale handle of timer %u released its context", item->id);
    }
}

/* ------------------------------------------------------------------------------------------ threads */

static void run_call(void *context)
{
    struct item *item = context;
    run_item(item);
    check_call_from_thread(item->side, item->order);
    act_inside(item->id * 17u, NULL);
}

void act_call_from_thread(struct fuzz_operation *operation, void *context)
{
    unsigned side = fuzz_choose(operation, 2);
    struct item *item = new_item("call", side);
    (void)context;
    if (item == NULL) {
        return;
    }
    item->order = world.calls_made[side]++;
    int code = bight_call_from_thread_full(world.mailboxes[side], run_call, item, release_item);
    if (code != 0) {
        fuzz_fail("call_from_thread answers %d", code);
    }
    item->must_run = true;
}

static void run_job(struct bight_result *result, void *context)
{
    struct item *item = context;
    if (item->is_released || item->budget++ > 0) {
        fuzz_fail("job %u runs again", item->id);
    }
    bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)item->id));
}

void act_defer_to_thread(struct fuzz_operation *operation, void *context)
{
    unsigned side = fuzz_choose(operation, 2);
    struct item *item = new_item("job", side);
    struct item *waiter = new_item("Deferred of a job", side);
    (void)context;
    if (item == NULL || waiter == NULL) {
        return;
    }
    watch_deferred(waiter, bight_defer_to_thread_full(world.reactors[side], run_job, item, release_item));
}

/* ------------------------------------------------------------------------------------------- scopes */

void act_scope(struct fuzz_operation *operation, void *context)
{
    struct scope *scope = &world.scopes[operation->subject % SCOPES];
    struct end *end = find_end(operation);
    (void)context;
    if (scope->scope == NULL && !world.is_ending) {
        scope->scope = bight_scope_new(bight_reactor_clock(world.reactors[operation->subject % SCOPES % 2]));
    }
    if (end == NULL || scope->scope == NULL) {
        return;
    }
    bool is_closing = bight_scope_is_closing(scope->scope);
    int code = bight_protocol_join_scope(end->protocol, scope->scope);
    if (code == 0) {
        end->is_unsure = true;
    }
    if (code == 0 ? (is_closing || end->lost) : (code != BIGHT_E_CANCELLED && code != BIGHT_E_CLOSED)) {
        fuzz_fail("join_scope of end %u answers %d", end->id, code);
    }
}

static void run_scope_timer(void *context)
{
    struct item *item = context;
    run_item(item);
    check_asked(item->side, "a timer of a scope");
    act_inside(item->id * 19u, NULL);
}

void act_scope_timer(struct fuzz_operation *operation, void *context)
{
    struct scope *scope = &world.scopes[operation->subject % SCOPES];
    struct item *item = scope->scope == NULL ? NULL : new_item("timer of a scope", operation->subject % SCOPES % 2);
    (void)context;
    if (item == NULL) {
        return;
    }
    bool is_closing = bight_scope_is_closing(scope->scope);
    int code = bight_scope_call_later(scope->scope, choose_delay(operation), run_scope_timer, item, release_item, NULL);
    if (code != (is_closing ? BIGHT_E_CANCELLED : 0)) {
        fuzz_fail("scope_call_later answers %d", code);
    }
    item->is_released = code != 0;
}

void act_end_scope(struct fuzz_operation *operation, void *context)
{
    struct scope *scope = &world.scopes[operation->subject % SCOPES];
    struct bight_scope *ended = scope->scope;
    (void)context;
    if (ended == NULL) {
        return;
    }
    if (fuzz_choose(operation, 2) == 0) {
        scope->scope = NULL;
        bight_scope_free(ended);
        return;
    }
    struct item *item = new_item("end of a scope", operation->subject % SCOPES % 2);
    if (item != NULL) {
        watch_deferred(item, bight_scope_close(ended, fuzz_choose(operation, 3)));
    }
}
