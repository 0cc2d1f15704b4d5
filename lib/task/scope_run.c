/* SPDX-License-Identifier: MIT */
/* scope_run.c - the nursery: a scope that closes when its function's Deferred has fired, and what results from both
 * (D37).
 *
 * The function's Deferred is the *body*. Its result is kept until the scope has ended, which is told by the first level
 * of the scope's own Deferred, so waiting costs no memory. A cancel must not fire the outer Deferred before that:
 * it is a patient one, whose canceller only sets the end going. */
#include "task/scope.h"

#include <bight/memory.h>

#include "base/check.h"
#include "deferred/deferred.h"

struct nursery {
    struct bi_patience patience; /* the body, held; NULL before and after */
    struct bight_scope *scope;
    struct bight_promise promise;
    struct bight_result result; /* the body's */
    void *context;
    bight_release_function release;
    unsigned busy;
    bool body_has_fired, scope_has_ended;
};

static void free_nursery(struct nursery *nursery)
{
    if (nursery->scope != NULL) {
        nursery->scope->is_nursery = false;
        bight_scope_free(nursery->scope);
    }
    if (nursery->release != NULL) {
        nursery->release(nursery->context);
    }
    bight_free(nursery);
}

/* As a timeout does (D17). */
static void say_timed_out(const struct nursery *nursery, struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    bool is_cancelled = failure != NULL && bight_failure_code(failure) == BIGHT_E_CANCELLED;
    if (is_cancelled && bight_scope_timed_out(nursery->scope)) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_TIMED_OUT));
    }
}

/* When all is over it is fired, so that no cancel reaches the nursery any more, and returned, for the caller to run:
 * nurseries that end inside each other then cost no stack (D12). KEPT keeps it from the context's release function. */
static struct bight_deferred *leave(struct nursery *nursery)
{
    if (--nursery->busy > 0 || !nursery->body_has_fired || !nursery->scope_has_ended) {
        return NULL;
    }
    struct bight_deferred *outer = nursery->promise.slot;
    say_timed_out(nursery, &nursery->result);
    outer->flags |= BI_DEFERRED_KEPT;
    bi_deferred_accept(outer, BIGHT_HERE, nursery->result.type, nursery->result.value);
    free_nursery(nursery);
    outer->flags &= ~(uint32_t)BI_DEFERRED_KEPT;
    return outer;
}

static void leave_and_run(struct nursery *nursery)
{
    struct bight_deferred *outer = leave(nursery);
    if (outer != NULL) {
        bi_deferred_run(outer);
    }
}

/* Its time is the grace, unless it is closing already. */
static void close_scope(struct nursery *nursery)
{
    struct bight_scope *scope = nursery->scope;
    nursery->body_has_fired = true;
    bi_scope_command(scope, BI_SCOPE_CLOSE, bi_scope_time_in(scope, scope->grace));
}

static bool is_tied_here(const struct nursery *nursery, const struct bight_deferred *deferred)
{
    return (deferred->flags & BI_DEFERRED_TIED) != 0 && deferred->owner == &nursery->scope->owner;
}

static struct bight_deferred *hear_body(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    struct nursery *nursery = level->listener;
    struct bight_deferred *body = nursery->patience.awaited;
    (void)from;
    nursery->busy++;
    nursery->patience.awaited = NULL;
    bight_result_move(&nursery->result, result);
    if (is_tied_here(nursery, body)) {
        bight_deferred_tie(body, NULL);
    }
    bight_deferred_release(body);
    close_scope(nursery);
    return leave(nursery);
}

static struct bight_deferred *hear_scope(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    struct nursery *nursery = level->listener;
    (void)from;
    (void)result;
    nursery->busy++;
    nursery->scope_has_ended = true;
    return leave(nursery);
}

/* The body has fired. */
static void cancel_nursery(struct bight_promise promise, void *context)
{
    struct nursery *nursery = context;
    (void)promise;
    nursery->busy++;
    bi_scope_command(nursery->scope, BI_SCOPE_ABORT, 0);
    leave_and_run(nursery);
}

/* Takes the body. The scope's end cancels it too, unless it belongs to another owner. */
static void watch(struct nursery *nursery, struct bight_deferred *body)
{
    nursery->patience.awaited = bight_deferred_hold(body);
    int code = bi_deferred_add_listener(body, hear_body, nursery);
    if (code != BIGHT_OK) {
        nursery->patience.awaited = NULL;
        bight_deferred_release(body);
        bight_deferred_cancel(body);
        bight_result_fail(&nursery->result, bight_failure_of(code));
        close_scope(nursery);
    } else if (nursery->patience.awaited != NULL && (body->flags & BI_DEFERRED_TIED) == 0) {
        bight_deferred_tie(body, &nursery->scope->owner);
    }
    bight_deferred_release(body);
}

static struct nursery *make(const char *place, struct bight_clock *clock)
{
    struct nursery *nursery = bight_calloc(1, sizeof(*nursery));
    if (nursery == NULL) {
        return NULL;
    }
    nursery->scope = bight_scope_new_at(place, clock);
    if (nursery->scope == NULL) {
        bight_free(nursery);
        return NULL;
    }
    nursery->scope->is_nursery = true;
    return nursery;
}

static void run(struct nursery *nursery, bight_scope_function function)
{
    nursery->busy++;
    (void)bi_deferred_add_listener(nursery->scope->ended, hear_scope, nursery); /* the first level has room */
    struct bight_deferred *body = function(nursery->scope, nursery->context);
    if (body != NULL) {
        watch(nursery, body);
    } else {
        close_scope(nursery);
    }
    leave_and_run(nursery);
}

static struct bight_deferred *refuse(const char *place, int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_scope_run_at(const char *place, struct bight_clock *clock, bight_scope_function function,
    void *context, bight_release_function release)
{
    if (clock == NULL || function == NULL) {
        int code =
            bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_scope_run: there is no clock, or no function");
        return refuse(place, code, context, release);
    }
    struct nursery *nursery = make(place, clock);
    if (nursery == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    nursery->context = context;
    nursery->release = release;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &nursery->promise, cancel_nursery, nursery, NULL);
    if (!bight_promise_is_open(nursery->promise)) {
        free_nursery(nursery);
        return deferred;
    }
    deferred->flags |= BI_DEFERRED_PATIENT;
    run(nursery, function);
    return deferred;
}
