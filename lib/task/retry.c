/* SPDX-License-Identifier: MIT */
/* retry.c - attempts at something, with pauses between them, until one succeeds.
 *
 * Either an attempt's Deferred is listened to, or a timer waits for the next, or the function is being called. A cancel
 * must not fire the outer Deferred before what is under way has ended, so that one is a patient one, whose canceller
 * only sets the end going. The end is decided in `judge`, and comes when the last of our functions has left: so any
 * handler may do anything, and no number of attempts costs stack. */
#include <bight/retry.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/options.h"
#include "base/random.h"
#include "deferred/deferred.h"

#define FIRST_UNLESS_TOLD 1.0
#define FACTOR_UNLESS_TOLD 2.0
#define LONGEST_UNLESS_TOLD 60.0
#define JITTER_UNLESS_TOLD 0.5

struct retry {
    struct bi_patience patience; /* never of one: the canceller is asked, each time */
    struct bight_clock *clock;
    struct bight_retry_policy policy;
    bight_retry_function function;
    void *context;
    bight_release_function release;
    struct bight_promise promise;
    struct bight_deferred *attempt; /* that is under way, held; NULL: none */
    struct bight_timer timer;       /* for the next; it counts as busy */
    double pause;                   /* before the next, in seconds */
    unsigned times, made;
    unsigned busy;
    bool is_pausing, timer_has_run, is_cancelled, is_over, is_quiet;
    struct bight_result result;
    struct bight_failure *causes[BIGHT_RETRY_CAUSES]; /* of attempt n: n % BIGHT_RETRY_CAUSES */
};

/* ------------------------------------------------------------------------------------------- the end */

static void free_retry(struct retry *retry)
{
    for (size_t i = 0; i < BIGHT_RETRY_CAUSES; i++) {
        bight_failure_release(retry->causes[i]);
    }
    bight_result_clear(&retry->result);
    if (retry->release != NULL) {
        retry->release(retry->context);
    }
    bight_free(retry);
}

/* When all is over the outer Deferred is fired, so that no cancel comes here any more, and returned, for the caller to
 * run: the loop that runs the attempt's goes on with it. KEPT keeps it from the context's release function.
 */
static struct bight_deferred *leave(struct retry *retry)
{
    if (--retry->busy > 0 || !retry->is_over) {
        return NULL;
    }
    struct bight_deferred *outer = retry->promise.slot;
    outer->flags |= BI_DEFERRED_KEPT | (retry->is_quiet ? BI_DEFERRED_OWNER_ENDED : 0u);
    bi_deferred_accept(outer, BIGHT_HERE, retry->result.type, retry->result.value);
    retry->result = (struct bight_result) { 0 };
    free_retry(retry);
    outer->flags &= ~(uint32_t)BI_DEFERRED_KEPT;
    return outer;
}

static void leave_and_run(struct retry *retry)
{
    struct bight_deferred *outer = leave(retry);
    if (outer != NULL) {
        bi_deferred_run(outer);
    }
}

static void end_with(struct retry *retry, int code)
{
    retry->is_over = true;
    bight_result_fail(&retry->result, bight_failure_of(code));
}

/* In place of the last one's failure, which stays when there is no memory to say more. */
static void say_how_many(struct retry *retry)
{
    struct bight_failure *newest_first[BIGHT_RETRY_CAUSES];
    size_t count = retry->made < BIGHT_RETRY_CAUSES ? retry->made : BIGHT_RETRY_CAUSES;
    for (size_t i = 0; i < count; i++) {
        newest_first[i] = bight_failure_hold(retry->causes[(retry->made - i) % BIGHT_RETRY_CAUSES]);
    }
    int code = bight_failure_code(newest_first[0]);
    struct bight_failure *all =
        bight_failure_new_many(code, newest_first, count, "%u attempts have failed", retry->made);
    if (bight_failure_cause_count(all) == count) {
        bight_result_fail(&retry->result, all);
    } else {
        bight_failure_release(all);
    }
}

/* ------------------------------------------------------------------------------------------- pauses */

static void begin_attempt(struct retry *retry);

static void pause_is_over(void *context)
{
    struct retry *retry = context;
    retry->is_pausing = false;
    retry->timer_has_run = true;
    begin_attempt(retry);
}

/* After the call, which may have begun another pause; or instead of it, and then the clock has ended. */
static void timer_has_gone(void *context)
{
    struct retry *retry = context;
    bool has_run = retry->timer_has_run;
    retry->timer_has_run = false;
    if (!has_run && retry->is_pausing) {
        retry->is_pausing = false;
        retry->is_quiet = true;
        end_with(retry, BIGHT_E_ABANDONED);
    }
    leave_and_run(retry);
}

/* Without a source of chance the pause is exact. */
static double with_jitter(struct retry *retry, double pause)
{
    uint64_t drawn = 0;
    if (retry->policy.no_jitter || bi_clock_random(retry->clock, &drawn, sizeof drawn) != BIGHT_OK) {
        return pause;
    }
    return pause * (1 - retry->policy.jitter * bi_fraction(drawn));
}

static void begin_pause(struct retry *retry)
{
    double pause = retry->pause < retry->policy.longest ? retry->pause : retry->policy.longest;
    retry->pause = pause * retry->policy.factor;
    retry->is_pausing = true;
    retry->busy++;
    int code = bight_clock_call_later(
        retry->clock, with_jitter(retry, pause), pause_is_over, retry, timer_has_gone, &retry->timer);
    if (code != BIGHT_OK) {
        retry->is_pausing = false;
        retry->busy--;
        end_with(retry, code);
    }
}

/* ----------------------------------------------------------------------------------------- attempts */

static bool is_worth_it(const struct retry *retry, const struct bight_failure *failure)
{
    if (retry->policy.worth_it != NULL) {
        return retry->policy.worth_it(failure, retry->context);
    }
    return !bight_failure_is(failure, BIGHT_E_CANCELLED) && !bight_failure_is(failure, BIGHT_E_USAGE);
}

/* What results from an attempt's result. The predicate may do anything, a cancel included. */
static void judge(struct retry *retry)
{
    const struct bight_failure *failure = bight_result_failure(&retry->result);
    if (failure == NULL || retry->is_cancelled) {
        retry->is_over = true;
        return;
    }
    struct bight_failure **cause = &retry->causes[retry->made % BIGHT_RETRY_CAUSES];
    bight_failure_release(*cause);
    *cause = bight_failure_hold(failure);
    bool may_go_on = retry->times == 0 || retry->made < retry->times;
    if (may_go_on && is_worth_it(retry, failure) && !retry->is_cancelled) {
        bight_result_clear(&retry->result);
        begin_pause(retry);
        return;
    }
    retry->is_over = true;
    if (retry->made > 1 && !retry->is_cancelled) {
        say_how_many(retry);
    }
}

static struct bight_deferred *on_result(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    struct retry *retry = level->listener;
    struct bight_deferred *attempt = retry->attempt;
    (void)from;
    retry->busy++;
    retry->attempt = NULL;
    bight_result_move(&retry->result, result);
    bight_deferred_release(attempt);
    judge(retry);
    return leave(retry);
}

/* Takes the Deferred. */
static void watch(struct retry *retry, struct bight_deferred *attempt)
{
    retry->attempt = bight_deferred_hold(attempt);
    int code = bi_deferred_add_listener(attempt, on_result, retry);
    if (code != BIGHT_OK) {
        retry->attempt = NULL;
        bight_deferred_release(attempt);
        bight_deferred_cancel(attempt);
        end_with(retry, code);
    } else if (retry->is_cancelled && retry->attempt != NULL) {
        bight_deferred_cancel(attempt);
    }
    bight_deferred_release(attempt);
}

static void begin_attempt(struct retry *retry)
{
    retry->busy++;
    retry->made++;
    struct bight_deferred *attempt = retry->function(retry->context);
    watch(retry, attempt != NULL ? attempt : bight_succeed(NULL, NULL));
    leave_and_run(retry);
}

static void cancel_retry(struct bight_promise promise, void *context)
{
    struct retry *retry = context;
    (void)promise;
    retry->busy++;
    retry->is_cancelled = true;
    if (retry->is_pausing) {
        retry->is_pausing = false;
        end_with(retry, BIGHT_E_CANCELLED);
        (void)bight_timer_cancel(retry->timer);
    } else if (retry->attempt != NULL) {
        struct bight_deferred *attempt = bight_deferred_hold(retry->attempt);
        bight_deferred_cancel(attempt);
        bight_deferred_release(attempt);
    }
    leave_and_run(retry);
}

/* ------------------------------------------------------------------------------------------- making */

/* What is wrong with the policy; NULL: nothing. Fills in the defaults. */
static const char *complete(struct bight_retry_policy *policy)
{
    policy->first = policy->first == 0 ? FIRST_UNLESS_TOLD : policy->first;
    policy->factor = policy->factor == 0 ? FACTOR_UNLESS_TOLD : policy->factor;
    policy->longest = policy->longest == 0 ? LONGEST_UNLESS_TOLD : policy->longest;
    policy->jitter = policy->jitter == 0 ? JITTER_UNLESS_TOLD : policy->jitter;
    return !(policy->first > 0 && policy->longest > 0)     ? "a pause is negative or NaN"
           : !(policy->factor >= 1)                        ? "the factor is below 1"
           : !(policy->jitter >= 0 && policy->jitter <= 1) ? "the jitter is not from 0 to 1"
                                                           : NULL;
}

static struct bight_deferred *refuse(const char *place, int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_retry_at(const char *place, struct bight_clock *clock, unsigned times,
    const struct bight_retry_policy *given, bight_retry_function function, void *context,
    bight_release_function release)
{
    struct bight_retry_policy policy;
    bi_take_options(&policy, sizeof policy, given);
    const char *wrong = clock == NULL      ? "there is no clock"
                        : function == NULL ? "there is no function"
                                           : complete(&policy);
    if (wrong != NULL) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_retry: %s", wrong);
        return refuse(place, code, context, release);
    }
    struct retry *retry = bight_calloc(1, sizeof *retry);
    if (retry == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    retry->clock = clock;
    retry->policy = policy;
    retry->function = function;
    retry->context = context;
    retry->release = release;
    retry->times = times;
    retry->pause = policy.first;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &retry->promise, cancel_retry, retry, NULL);
    if (!bight_promise_is_open(retry->promise)) {
        free_retry(retry);
        return deferred;
    }
    deferred->flags |= BI_DEFERRED_PATIENT;
    begin_attempt(retry);
    return deferred;
}
