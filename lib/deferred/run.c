/* SPDX-License-Identifier: MIT */
/* run.c - levels: how they are added, and the one loop that runs them.
 *
 * A level runs at most once and is over before its handler is called, so the array may be moved or reused by what
 * the handler adds. When a result goes on to another Deferred, be it that one waits (D5) or that a promise is
 * forwarded to (D9), the loop goes on with that one and comes back to the first through an intrusive stack when
 * that has levels left. So neither the depth of a chain nor its order of firing costs any C stack (D12).
 *
 * One that has handed its result to a waiter is at rest, and a level that is added to it runs at once (D10): a loop
 * inside the first one then takes it off the first one's stack and does all there is to do. One that has fired another
 * by its promise is inside its own level meanwhile, so it is blocked until the loop comes back to it. */
#include "deferred/deferred.h"

#include <string.h>

#include <bight/memory.h>

_Thread_local struct bi_inner_loop *bi_inner_loop __attribute__((tls_model("initial-exec")));
_Thread_local uint64_t bi_inner_loops_begun __attribute__((tls_model("initial-exec")));

void bi_listener_tag(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    BI_INVARIANT(!"a mark is never called");
}

/* ------------------------------------------------------------------------------------------- adding */

/* Indexes of waiters point into the array, so levels that have run stay while there are waiters. */
static bool reuse_levels(struct bight_deferred *deferred)
{
    uint32_t left = deferred->count - deferred->next;
    if ((deferred->flags & BI_DEFERRED_WAITED) != 0 || left > deferred->capacity / 2) {
        return false;
    }
    memmove(deferred->levels, deferred->levels + deferred->next, left * sizeof(struct bi_level));
    deferred->next = 0;
    deferred->count = left;
    return true;
}

static int grow_levels(struct bight_deferred *deferred)
{
    if (deferred->capacity > UINT32_MAX / 4) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bool is_inline = deferred->levels == deferred->inline_levels;
    uint32_t capacity = deferred->capacity * (is_inline ? 4 : 2);
    struct bi_level *levels = bight_realloc(is_inline ? NULL : deferred->levels, capacity * sizeof(struct bi_level));
    if (levels == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (is_inline) {
        memcpy(levels, deferred->inline_levels, sizeof(deferred->inline_levels));
    }
    deferred->levels = levels;
    deferred->capacity = capacity;
    return BIGHT_OK;
}

static void hear_out_of_memory(struct bight_deferred *shared, struct bight_result *result, const struct bi_level *level)
{
    struct bight_deferred *other = level->on_result(shared, result, level);
    bight_result_discard(result);
    if (other != NULL) {
        bi_deferred_run(other);
    }
}

/* D34: an errback runs at once, with a result of its own that is not seen elsewhere. */
static void run_out_of_memory(const struct bi_level *level)
{
    struct bight_deferred *shared = (struct bight_deferred *)(uintptr_t)&bi_deferred_out_of_memory;
    struct bight_result result = { &bight_type_failure, bight_failure_of(BIGHT_E_OUT_OF_MEMORY), shared };
    if (level->callback == bi_listener_tag) {
        hear_out_of_memory(shared, &result, level);
        return;
    }
    if (level->errback != NULL) {
        level->errback(&result, level->context);
    }
    bight_result_discard(&result);
    if (level->release != NULL) {
        level->release(level->context);
    }
}

static int add_with_care(struct bight_deferred *deferred, const struct bi_level *level)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        run_out_of_memory(level);
        return BIGHT_OK;
    }
    if (deferred->count == deferred->capacity && !reuse_levels(deferred)) {
        int code = grow_levels(deferred);
        if (code != BIGHT_OK) {
            return code;
        }
    }
    deferred->levels[deferred->count++] = *level;
    if ((deferred->flags & BI_DEFERRED_FIRED) != 0) {
        bi_deferred_run(deferred);
    }
    return BIGHT_OK;
}

static inline bool has_room(const struct bight_deferred *deferred)
{
    return deferred->count < deferred->capacity && (deferred->flags & BI_DEFERRED_FIRED) == 0;
}

/* Apart, so that the common case needs no frame. */
static int __attribute__((noinline)) add_callbacks_with_care(struct bight_deferred *deferred, bight_handler callback,
    bight_handler errback, void *context, bight_release_function release)
{
    struct bi_level level = { callback, { { errback, context, release } } };
    return add_with_care(deferred, &level);
}

static inline int add_callbacks(struct bight_deferred *deferred, bight_handler callback, bight_handler errback,
    void *context, bight_release_function release)
{
    if (BI_UNLIKELY(!has_room(deferred))) {
        return add_callbacks_with_care(deferred, callback, errback, context, release);
    }
    struct bi_level *level = &deferred->levels[deferred->count++];
    level->callback = callback;
    level->errback = errback;
    level->context = context;
    level->release = release;
    return BIGHT_OK;
}

int bight_deferred_add_callbacks_full(struct bight_deferred *deferred, bight_handler callback, bight_handler errback,
    void *context, bight_release_function release)
{
    return add_callbacks(deferred, callback, errback, context, release);
}

int bight_deferred_add_callbacks(
    struct bight_deferred *deferred, bight_handler callback, bight_handler errback, void *context)
{
    return add_callbacks(deferred, callback, errback, context, NULL);
}

int bi_deferred_add_listener(struct bight_deferred *deferred, bi_on_result_function on_result, void *listener)
{
    struct bi_level level = { bi_listener_tag, { .listener = listener, .on_result = on_result } };
    if (BI_UNLIKELY(!has_room(deferred))) {
        return add_with_care(deferred, &level);
    }
    deferred->levels[deferred->count++] = level;
    return BIGHT_OK;
}

/* D9: fires the promise with the result. When that is refused a value is discarded, and a failure stays for the next
 * errback, or to be reported. */
static struct bight_deferred *forward(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    struct bight_promise promise = level->promise;
    struct bight_deferred *to = promise.slot;
    if (bi_promise_check(BIGHT_HERE, promise) != BIGHT_OK) {
        if (result->type != &bight_type_failure) {
            bight_result_discard(result);
        }
        return NULL;
    }
    struct bight_result moved = { result->type, result->value, NULL };
    result->type = NULL;
    result->value = NULL;
    to->flags |= from->flags & BI_DEFERRED_OWNER_ENDED;
    bi_deferred_accept(to, BIGHT_HERE, moved.type, moved.value);
    return to;
}

int bight_deferred_chain(struct bight_deferred *deferred, struct bight_promise promise)
{
    struct bi_level level = { bi_listener_tag, { .promise = promise, .on_result = forward } };
    return add_with_care(deferred, &level);
}

const struct bight_deferred *bi_deferred_successor(const struct bi_level *level)
{
    if (level->callback != bi_listener_tag) {
        return NULL;
    }
    if (level->on_result != forward) {
        return bi_group_successor(level);
    }
    return bight_promise_is_open(level->promise) ? level->promise.slot : NULL;
}

/* ------------------------------------------------------------------------------------------ running */

/* All is read first: the handler may add levels, which moves the array or reuses this place. */
static inline void run_level(struct bight_deferred *deferred, const struct bi_level *level)
{
    bool failed = deferred->result.type == &bight_type_failure;
    bight_handler handler = failed ? level->errback : level->callback;
    bight_release_function release = level->release;
    void *context = level->context;
    if (handler != NULL) {
        handler(&deferred->result, context);
    }
    if (release != NULL) {
        release(context);
    }
}

/* Passes the result on. What it does may move the levels: so `level` is read before, and is stale when the other is
 * known. */
static struct bight_deferred *call_on_result(struct bight_deferred *deferred, const struct bi_level *level)
{
    bi_on_result_function on_result = level->on_result;
    struct bight_deferred *other = on_result(deferred, &deferred->result, level);
    if (other != NULL && on_result == forward) {
        deferred->flags |= BI_DEFERRED_FORWARDING;
    }
    return other;
}

/* Of a Deferred that is marked as RUNNING: runs levels until there are none, one must wait, or the result went to
 * another Deferred; returns that one. */
static inline struct bight_deferred *run_levels(struct bight_deferred *deferred)
{
    const uint32_t stops = BI_DEFERRED_PAUSED | BI_DEFERRED_WAITING;
    struct bight_deferred *other = NULL;
    while (other == NULL) {
        if (BI_UNLIKELY((deferred->flags & (stops | BI_DEFERRED_WAITED)) != 0)) {
            if ((deferred->flags & stops) != 0) {
                break;
            }
            if (deferred->first_waiter->wait_index == deferred->next) {
                other = bi_deferred_hand_over(deferred);
                continue;
            }
        }
        if (deferred->next == deferred->count) {
            break;
        }
        const struct bi_level *level = &deferred->levels[deferred->next++];
        if (BI_UNLIKELY(level->callback == bi_listener_tag)) {
            other = call_on_result(deferred, level);
            continue;
        }
        run_level(deferred, level);
    }
    deferred->flags &= ~(uint32_t)BI_DEFERRED_RUNNING;
    return other;
}

/* gcc 13 and later see that the address of run_others' local stack is stored, but not that the loop ends only when all
 * have been taken off it. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#define PUSH_IS_DIAGNOSED_APART
#endif

static void push(struct bight_deferred **stack, struct bight_deferred *deferred)
{
    deferred->flags |= BI_DEFERRED_STACKED;
    deferred->below = *stack;
    deferred->link = stack;
    if (*stack != NULL) {
        (*stack)->link = &deferred->below;
    }
    *stack = deferred;
}

#ifdef PUSH_IS_DIAGNOSED_APART
#pragma GCC diagnostic pop
#endif

static void take_off_stack(struct bight_deferred *deferred)
{
    deferred->flags &= ~(uint32_t)BI_DEFERRED_STACKED;
    *deferred->link = deferred->below;
    if (deferred->below != NULL) {
        deferred->below->link = deferred->link;
    }
}

/* False when no level of it may run. A loop that runs it does all of it, so it is taken off an outer loop's stack:
 * nothing is left to come back for. */
static inline bool begin_run(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_BLOCKED) != 0) {
        return false;
    }
    if (BI_UNLIKELY((deferred->flags & BI_DEFERRED_STACKED) != 0)) {
        take_off_stack(deferred);
    }
    deferred->flags |= BI_DEFERRED_RUNNING;
    return true;
}

/* `deferred` has handed its result on to `other`: it is put on the stack when the loop must come back to it. Else it
 * may go, and what is called when it goes may release `other`, which has fired and would be freed before it has run:
 * therefore KEPT, unless it is set already and another's to clear. */
static void set_aside(struct bight_deferred *deferred, struct bight_deferred *other, struct bight_deferred **stack)
{
    const uint32_t more = BI_DEFERRED_WAITED | BI_DEFERRED_FORWARDING;
    if (deferred->next != deferred->count || (deferred->flags & more) != 0) {
        push(stack, deferred);
        return;
    }
    uint32_t mark = BI_DEFERRED_KEPT & ~other->flags;
    other->flags |= mark;
    bi_deferred_collect(deferred);
    other->flags &= ~mark;
}

/* Resumes a coroutine that is not the first of a loop; false when it waits again. Within a gate's loop it counts there,
 * for that comes back here in each of its rounds. An own loop is set around the resume alone: handlers that run between
 * do not count. */
static bool __attribute__((noinline)) resume_another(struct bight_deferred *deferred, struct bi_inner_loop *own)
{
    if (bi_inner_loop != NULL) {
        return deferred->resume(deferred);
    }
    if (own->number == 0) {
        bi_inner_loop_begin(own);
    }
    bi_inner_loop = own;
    bool has_fired = deferred->resume(deferred);
    bi_inner_loop = NULL;
    return has_fired;
}

/* `other` goes on with the result of `deferred`; then those set aside. Calling bi_deferred_run on `other` would be
 * shorter, but costs stack for each link of a chain (D12): therefore one loop. A coroutine goes on inside its resume:
 * it waits again afterwards, or has fired its Deferred, whose levels are next. */
static int __attribute__((noinline)) run_others(struct bight_deferred *deferred, struct bight_deferred *other)
{
    struct bight_deferred *stack = NULL;
    struct bi_inner_loop own = { .number = 0 };
    set_aside(deferred, other, &stack);
    deferred = other;
    bool waits = (deferred->flags & BI_DEFERRED_COROUTINE) != 0 && !deferred->resume(deferred);
    for (;;) {
        other = !waits && begin_run(deferred) ? run_levels(deferred) : NULL;
        if (other != NULL) {
            set_aside(deferred, other, &stack);
            deferred = other;
        } else {
            if (!waits) {
                bi_deferred_collect(deferred);
            }
            if (stack == NULL) {
                return BIGHT_OK;
            }
            deferred = stack;
            take_off_stack(deferred);
            deferred->flags &= ~(uint32_t)BI_DEFERRED_FORWARDING;
        }
        waits = (deferred->flags & BI_DEFERRED_COROUTINE) != 0 && !resume_another(deferred, &own);
    }
}

int bi_deferred_run_marked(struct bight_deferred *deferred)
{
    struct bight_deferred *other = run_levels(deferred);
    if (BI_UNLIKELY(other != NULL)) {
        return run_others(deferred, other);
    }
    if (deferred->holds == 0 || (deferred->flags & BI_DEFERRED_TIED) != 0) {
        bi_deferred_collect(deferred);
    }
    return BIGHT_OK;
}

void bi_deferred_run(struct bight_deferred *deferred)
{
    if (begin_run(deferred)) {
        bi_deferred_run_marked(deferred);
    }
}

/* ------------------------------------------------------------------------------------------ pausing */

void bight_deferred_pause(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return;
    }
    deferred->pauses++;
    deferred->flags |= BI_DEFERRED_PAUSED;
}

void bight_deferred_unpause(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return;
    }
    if (deferred->pauses == 0) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_deferred_unpause: it is not paused");
        return;
    }
    if (--deferred->pauses > 0) {
        return;
    }
    deferred->flags &= ~(uint32_t)BI_DEFERRED_PAUSED;
    if ((deferred->flags & BI_DEFERRED_FIRED) != 0) {
        bi_deferred_run(deferred);
    }
}
