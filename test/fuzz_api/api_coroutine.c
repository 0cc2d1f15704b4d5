/* SPDX-License-Identifier: MIT */
/* api_coroutine.c - coroutines whose bodies wait for any Deferred of the world, act, fire, and spawn more (D35, D36).
 *
 * The model of a body is whether it has begun, waits, has ended, and what it left. A body that waits gives the stack
 * back to whoever resumed it, so how deep the program stands in callbacks is put back to what that one knows. */
#include "api_http.h"

#include <bight/coroutine.h>

#include <string.h>

enum { BODIES = 96 };

struct depth {
    unsigned callbacks, calls;
};

struct body {
    struct item *context; /* released by bight when the body has returned */
    struct item *outer;
    unsigned side, awaits, budget;
    bool is_begun, is_ended, waits, waits_for_plain;
    struct depth resumed_at;
    struct bight_deferred *awaited; /* a hold of ours, now and then */
    int left;                       /* the code of what it left */
};

static struct {
    struct body bodies[BODIES];
    unsigned count;
    struct body *firing; /* it fires a Deferred itself, and the handler may wait */
} state;

/* --------------------------------------------------------------------------------------- waiting */

static struct depth depth_now(void)
{
    return (struct depth) { world.tape->depth, world.in_call };
}

static void set_depth(struct depth depth)
{
    world.tape->depth = depth.callbacks;
    world.in_call = depth.calls;
}

static void begin_wait(struct body *body, struct bight_deferred *deferred, bool is_plain)
{
    body->awaits++;
    body->waits = true;
    body->waits_for_plain = is_plain;
    body->awaited = draw_from(body->context->id * 53u + body->awaits) % 2 == 0 ? bight_deferred_hold(deferred) : NULL;
    fuzz_tell(world.tape, "-> coroutine %u waits", body->context->id);
    set_depth(body->resumed_at);
}

static int wait_for(struct body *body, struct bight_deferred *deferred, bool is_plain, struct bight_result *result)
{
    struct depth mine = depth_now(), before = body->resumed_at;
    begin_wait(body, deferred, is_plain);
    int code = bight_await(deferred, result);
    struct bight_deferred *awaited = body->awaited;
    body->waits = false;
    body->awaited = NULL;
    body->resumed_at = depth_now();
    set_depth((struct depth) { body->resumed_at.callbacks + mine.callbacks - before.callbacks,
        body->resumed_at.calls + mine.calls - before.calls });
    fuzz_tell(world.tape, "-> coroutine %u goes on: %d", body->context->id, code);
    const struct bight_failure *failure = bight_result_failure(result);
    if (code != (failure == NULL ? 0 : bight_failure_code(failure))) {
        fuzz_fail("an await answers %d and gives something else", code);
    }
    bight_deferred_release(awaited);
    return code;
}

void wait_in_handler(void)
{
    struct body *body = state.firing;
    struct bight_result result = { NULL, NULL, NULL };
    state.firing = NULL;
    if (body == NULL || world.is_ending || draw_from(body->context->id * 59u + body->awaits) % 2 == 0) {
        return;
    }
    struct bight_deferred *deferred = plain_deferred(body->side, NULL);
    if (deferred != NULL) {
        (void)wait_for(body, deferred, true, &result);
        bight_result_clear(&result);
    }
}

/* ---------------------------------------------------------------------------------------- a body */

static void fire_something(struct body *body, uint64_t drawn)
{
    for (unsigned i = 0; i < world.item_count && !world.is_ending; i++) {
        struct item *item = &world.items[(drawn + i) % world.item_count];
        if (item->is_plain && bight_promise_is_open(item->promise)) {
            state.firing = body;
            (void)bight_callback(item->promise, NULL, NULL);
            state.firing = NULL;
            return;
        }
    }
}

/* What it waits for next; NULL: it ends. */
static struct bight_deferred *next_wait(const struct body *body, uint64_t drawn, bool *is_plain)
{
    *is_plain = drawn % 3 == 0;
    if (*is_plain) {
        return plain_deferred(body->side, NULL);
    }
    if (drawn % 7 == 0 && world.item_count > 0) {
        struct item *item = &world.items[drawn / 21 % world.item_count];
        if (item->deferred != NULL && (item->is_plain || item->is_outer)) {
            item->is_awaited = true;
            return bight_deferred_hold(item->deferred);
        }
    }
    return some_deferred(body->side, drawn / 3);
}

/* What it leaves: what there is, a number, or a failure. */
static void leave(struct body *body, struct bight_result *result)
{
    switch (draw_from(body->context->id * 61u) % 4) {
    case 0:
        bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)body->context->id));
        break;
    case 1:
        bight_result_fail(result, bight_failure_of(BIGHT_E_LIMIT));
        break;
    default:
        break;
    }
    const struct bight_failure *failure = bight_result_failure(result);
    body->left = failure == NULL ? 0 : bight_failure_code(failure);
    body->is_ended = true;
}

static void run_body(struct bight_result *result, void *context)
{
    struct body *body = &state.bodies[((struct item *)context)->order];
    run_item(context);
    body->is_begun = true;
    body->resumed_at = depth_now();
    while (body->awaits < body->budget && !world.is_ending) {
        uint64_t drawn = draw_from((uint64_t)body->context->id << 20 | body->awaits);
        bool is_plain;
        act_inside(drawn, NULL);
        if (drawn % 5 == 0) {
            fire_something(body, drawn / 5);
        }
        struct bight_deferred *deferred = next_wait(body, drawn / 5, &is_plain);
        if (deferred == NULL) {
            break;
        }
        int code = wait_for(body, deferred, is_plain, result);
        if (code != 0 && draw_from(drawn) % 2 == 0) {
            break; /* the failure is what it leaves, perhaps */
        }
    }
    leave(body, result);
}

/* ------------------------------------------------------------------------------------- the outer */

static void on_outer(struct bight_result *result, void *context)
{
    struct item *item = context;
    const struct body *body = &state.bodies[item->order];
    const struct bight_failure *failure = bight_result_failure(result);
    int code = failure == NULL ? 0 : bight_failure_code(failure);
    finish_item(item, result);
    if (body->is_begun && (!body->is_ended || code != body->left)) {
        fuzz_fail("the Deferred of coroutine %u fires with %d", body->context->id, code);
    }
    if (!body->is_begun && code != BIGHT_E_CANCELLED && code != BIGHT_E_LIMIT && code != BIGHT_E_SHUTDOWN) {
        fuzz_fail("coroutine %u does not run: %d", body->context->id, code);
    }
    act_inside(item->id * 67u, NULL);
    bight_result_clear(result);
}

static struct body *new_body(unsigned side, uint64_t drawn)
{
    struct item *context = state.count == BODIES || world.is_ending ? NULL : new_item("coroutine", side);
    struct item *outer = context == NULL ? NULL : new_item("Deferred of a coroutine", side);
    if (outer == NULL) {
        if (context != NULL) {
            context->is_released = true;
        }
        return NULL;
    }
    struct body *body = &state.bodies[state.count];
    *body = (struct body) { .context = context, .outer = outer, .side = side, .budget = (unsigned)(drawn % 6) };
    context->order = outer->order = state.count++;
    outer->is_outer = true;
    return body;
}

static void spawn(struct body *body, uint64_t drawn)
{
    struct bight_reactor *reactor = world.reactors[body->side];
    struct bight_scope *scope = drawn % 3 == 0 ? world.scopes[drawn / 3 % SCOPES].scope : NULL;
    struct bight_deferred *outer =
        scope == NULL ? bight_spawn_full(reactor, run_body, body->context, release_item)
                      : bight_spawn_in_scope_full(scope, reactor, run_body, body->context, release_item);
    watch_with(body->outer, outer, on_outer);
}

struct bight_deferred *spawned(unsigned side, uint64_t drawn)
{
    struct body *body = new_body(side, drawn);
    if (body == NULL) {
        return NULL;
    }
    spawn(body, drawn / 6);
    return body->outer->deferred == NULL ? NULL : bight_deferred_hold(body->outer->deferred);
}

void act_spawn(struct fuzz_operation *operation, void *context)
{
    struct body *body = new_body(operation->subject % 2, fuzz_choose(operation, 6));
    (void)context;
    if (body != NULL) {
        spawn(body, fuzz_choose(operation, 60));
    }
}

/* ------------------------------------------------------------------------------------ operations */

/* What a body waits for is cancelled at once (D36): it does not go on waiting for a Deferred that nothing else keeps.
 */
static void cancel(struct body *body)
{
    bool must_go_on = body->waits && body->waits_for_plain && body->awaited != NULL;
    must_go_on = must_go_on && !bight_deferred_has_fired(body->awaited); /* its handlers may be under way */
    unsigned awaits = body->awaits;
    world.has_cancelled = true;
    bight_deferred_cancel(body->outer->deferred);
    if (must_go_on && body->waits && body->awaits == awaits) {
        fuzz_fail("coroutine %u waits as before it was cancelled", body->context->id);
    }
}

static void set_options(struct fuzz_operation *operation)
{
    struct bight_coroutine_options options = {
        .size = sizeof options,
        .stack_size = (size_t)fuzz_choose(operation, 3) * 256 * 1024,
        .no_guard_pages = fuzz_choose(operation, 2) == 0,
        .pool_limit = fuzz_choose(operation, 4),
        .limit = fuzz_choose(operation, 2) * 6,
    };
    int code = bight_coroutine_set_options(world.reactors[operation->subject % 2], &options);
    if (code != 0) {
        fuzz_fail("setting the options of coroutines answers %d", code);
    }
}

void act_coroutine(struct fuzz_operation *operation, void *context)
{
    (void)context;
    if (fuzz_choose(operation, 6) == 0) {
        set_options(operation);
        return;
    }
    for (unsigned i = 0; i < state.count; i++) {
        struct body *body = &state.bodies[(operation->subject + i) % state.count];
        if (body->outer->deferred != NULL && !body->is_ended) {
            cancel(body);
            return;
        }
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
}

static void check(void)
{
    size_t under_way[2] = { http.running, 0 };
    for (unsigned i = 0; i < state.count; i++) {
        const struct body *body = &state.bodies[i];
        under_way[body->side] += body->is_begun && !body->is_ended;
        if (body->is_begun && !body->is_ended && !body->waits) {
            fuzz_fail("coroutine %u neither waits nor has ended", body->context->id);
        }
        if (body->waits && body->awaited != NULL && bight_deferred_result(body->awaited) != NULL) {
            fuzz_fail("coroutine %u waits for a Deferred that is at rest", body->context->id);
        }
    }
    for (unsigned side = 0; side < 2; side++) {
        struct bight_coroutine_figures figures = { .size = sizeof figures };
        (void)bight_coroutine_read_figures(world.reactors[side], &figures);
        if (figures.coroutines != under_way[side]) {
            fuzz_fail("%zu coroutines instead of %zu", figures.coroutines, under_way[side]);
        }
    }
}

/* The waiters for each other are cut loose. */
static void end(void)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        if (world.items[i].is_awaited && world.items[i].deferred != NULL) {
            world.has_cancelled = true;
            bight_deferred_cancel(world.items[i].deferred);
        }
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < state.count; i++) {
        if (state.bodies[i].is_begun && !state.bodies[i].is_ended) {
            fuzz_fail("coroutine %u has outlived its reactor", state.bodies[i].context->id);
        }
    }
}

const struct part coroutine_part = { begin, check, end, finish };
