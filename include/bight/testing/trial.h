/* SPDX-License-Identifier: MIT */
/* bight/testing/trial.h - tests whose result comes later: expectations on Deferreds, tests that run a reactor, and what
 * must not be left behind. With any test framework, or none (with Check: bight/testing/check.h).
 *
 * A trial lasts from bight_trial_begin, or the beginning of bight_trial_run, to its end. One at a time in a process;
 * its functions are called in one thread. It turns on debug mode (D19), so that what is left over can be named with the
 * place where it was made, and it is the observer of the log meanwhile. */
#ifndef BIGHT_TESTING_TRIAL_H
#define BIGHT_TESTING_TRIAL_H

#include <bight/bight.h>

BIGHT_BEGIN

/* Told of what is wrong, with the place of the call that found it. NULL: prints one line to standard error and aborts
 * the process. May leave by longjmp or by ending the process, as test frameworks do; when it returns, the call that
 * found it does too, as told there. */
typedef void (*bight_trial_failure_function)(const char *place, const char *message, void *context);
BIGHT_API void bight_trial_set_failure(bight_trial_failure_function function, void *context);

/* ------------------------------------------------------------------------------------ expectations */

/* The Deferred has fired with a value of `type` (NULL: empty): returns the value, now the caller's. NULL when it has
 * not. The Deferred stays the caller's.
 *
 *     void *bight_expect_value(struct bight_deferred *deferred, const struct bight_type *type); */
#define bight_expect_value(deferred, type) bight_expect_value_at(BIGHT_HERE, (deferred), (type))

/* It has failed with a failure of this kind (bight_failure_is): returns it, with a hold for the caller; it counts as
 * handled. NULL when it has not.
 *
 *     struct bight_failure *bight_expect_failure(struct bight_deferred *deferred, int kind); */
#define bight_expect_failure(deferred, kind) bight_expect_failure_at(BIGHT_HERE, (deferred), (kind))

/* It has not fired, or its result is still waited for. False when there is one.
 *
 *     bool bight_expect_no_result(struct bight_deferred *deferred); */
#define bight_expect_no_result(deferred) bight_expect_no_result_at(BIGHT_HERE, (deferred))

/* ------------------------------------------------------------------------------------------ trials */

BIGHT_API void bight_trial_begin(void);

/* Runs function(context) when the present trial is over, the last one added first. It may return a Deferred (taken)
 * that is waited for, or NULL. 0 or OUT_OF_MEMORY. */
typedef struct bight_deferred *(*bight_cleanup_function)(void *context);
BIGHT_API int bight_trial_add_cleanup(bight_cleanup_function function, void *context);

typedef struct bight_deferred *(*bight_trial_function)(struct bight_reactor *reactor, void *context);

/* A test that takes its time: runs `reactor` (NULL: one of its own on the kernel), calls function(reactor, context),
 * waits for the Deferred that it returns (taken; NULL: it is over at once) and for those of the cleanups, each at most
 * `seconds` of the reactor's time, looks whether the reactor is clean, stops it, and ends the trial. What was wrong is
 * told together, behind the run. True when nothing was. On a testing reactor no real time passes.
 *
 *     bool bight_trial_run(struct bight_reactor *reactor, bight_trial_function function, void *context,
 *         double seconds); */
#define bight_trial_run(reactor, function, context, seconds) \
    bight_trial_run_at(BIGHT_HERE, (reactor), (function), (context), (seconds))

/* Ends a trial that was not run: runs the cleanups, whose Deferreds must have fired by then; looks whether `reactor`
 * (NULL: none) is clean, whether Deferreds of the trial are left over, and whether errors were logged. True when
 * nothing was wrong.
 *
 *     bool bight_trial_end(struct bight_reactor *reactor); */
#define bight_trial_end(reactor) bight_trial_end_at(BIGHT_HERE, (reactor))

/* Events of the log from BIGHT_LOG_ERROR on fail the trial, or the run of a scenario (explorer.h), unless they are
 * flushed: forgets those whose failure is of this kind (BIGHT_OK: all, also those without a failure). Returns how
 * many. */
BIGHT_API size_t bight_trial_flush_logged(int kind);

/* What the reactor, and the present trial's Deferreds, leave over at this moment: pending calls, watches of foreign
 * descriptors, ports, attempts to connect, connections, jobs of the pool, Deferreds that were not freed. Writes one
 * line for each, as snprintf would ("" for none), and returns how many. */
BIGHT_API size_t bight_trial_left_over(struct bight_reactor *reactor, char *text, size_t size);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API void *bight_expect_value_at(
    const char *place, struct bight_deferred *deferred, const struct bight_type *type);
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_expect_failure_at(
    const char *place, struct bight_deferred *deferred, int kind);
BIGHT_API bool bight_expect_no_result_at(const char *place, struct bight_deferred *deferred);
BIGHT_API bool bight_trial_run_at(
    const char *place, struct bight_reactor *reactor, bight_trial_function function, void *context, double seconds);
BIGHT_API bool bight_trial_end_at(const char *place, struct bight_reactor *reactor);

BIGHT_END

#endif
