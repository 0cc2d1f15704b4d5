/* SPDX-License-Identifier: MIT */
/* trial.c - a test that runs a reactor: the wait for its Deferred, its cleanups one by one, and the look behind it.
 *
 * A run is a walk through steps, each in a call of its own on the reactor, so that whatever the test did has returned
 * by then. What goes wrong is written down and told when the reactor has stopped: telling may end the process. What is
 * awaited has a number; a Deferred that comes when it has been given up finds another number and is left alone. */
#include <string.h>

#include <bight/memory.h>

#include "base/places.h"
#include "testing/kit/trial.h"

#define REPORT_SIZE 5000

/* Turns that closing connections and the like have to be gone. */
#define TURNS_TO_BE_CLEAN 50

struct cleanup {
    struct cleanup *next;
    bight_cleanup_function function;
    void *context;
};

static struct {
    bool begun;
    uint64_t since; /* places noted before are not the trial's */
    struct cleanup *cleanups;
    char report[REPORT_SIZE];
    struct bi_trial_text text; /* into the report */

    /* of a run */
    struct bight_reactor *reactor;
    bight_trial_function function;
    void *context;
    double seconds;
    const char *what; /* is awaited: "the test" or "a cleanup" */
    struct bight_deferred *awaited;
    uintptr_t number; /* of what is awaited */
    struct bight_timer limit;
    unsigned turns;
    bool is_over;
} trial;

static void write_failure(const char *what, const struct bight_failure *failure)
{
    char text[500];
    (void)bight_failure_format(failure, text, sizeof text);
    bi_trial_write(&trial.text, "%s failed: %s\n", what, text);
}

void bight_trial_begin(void)
{
    bight_deferred_set_debug(true);
    trial.begun = true;
    trial.since = bi_places_count();
    trial.report[0] = '\0';
    trial.text = (struct bi_trial_text) { trial.report, sizeof trial.report, 0 };
    bi_trial_begin_logging(NULL);
}

int bight_trial_add_cleanup(bight_cleanup_function function, void *context)
{
    struct cleanup *cleanup = bight_malloc(sizeof *cleanup);
    if (cleanup == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *cleanup = (struct cleanup) { trial.cleanups, function, context };
    trial.cleanups = cleanup;
    return 0;
}

/* NULL when there is none, or it gave none. */
static struct bight_deferred *run_last_cleanup(void)
{
    struct cleanup *cleanup = trial.cleanups;
    trial.cleanups = cleanup->next;
    bight_cleanup_function function = cleanup->function;
    void *context = cleanup->context;
    bight_free(cleanup);
    return function(context);
}

/* The end of every trial: tells what was found. */
static bool conclude(const char *place)
{
    bi_trial_end_logging();
    trial.begun = false;
    (void)bi_trial_write_logged(&trial.text);
    if (trial.text.length == 0) {
        return true;
    }
    size_t end = strlen(trial.report);
    if (end > 0 && trial.report[end - 1] == '\n') {
        trial.report[end - 1] = '\0';
    }
    return bi_trial_fail(place, "%s", trial.report);
}

/* ------------------------------------------------------------------------------------- not run */

static void finish_cleanup(struct bight_deferred *deferred)
{
    struct bight_result *result = bight_deferred_result(deferred);
    if (result == NULL) {
        bi_trial_write(&trial.text, "a cleanup has not finished\n");
        bight_deferred_cancel(deferred);
    } else if (bight_result_failure(result) != NULL) {
        struct bight_failure *failure = bight_result_take_failure(result);
        write_failure("a cleanup", failure);
        bight_failure_release(failure);
    }
    bight_deferred_release(deferred);
}

static void run_cleanups(void)
{
    while (trial.cleanups != NULL) {
        struct bight_deferred *deferred = run_last_cleanup();
        if (deferred != NULL) {
            finish_cleanup(deferred);
        }
    }
}

bool bight_trial_end_at(const char *place, struct bight_reactor *reactor)
{
    run_cleanups();
    if (reactor != NULL) {
        (void)bi_trial_write_left_over(&trial.text, reactor, trial.since);
    } else {
        (void)bi_trial_write_deferreds(&trial.text, trial.since);
    }
    return conclude(place);
}

size_t bight_trial_left_over(struct bight_reactor *reactor, char *text, size_t size)
{
    struct bi_trial_text to = { text, size, 0 };
    if (size > 0) {
        text[0] = '\0';
    }
    return bi_trial_write_left_over(&to, reactor, trial.since);
}

/* ------------------------------------------------------------------------------------- the steps */

static void step(void *context);

static void take_step(void)
{
    (void)bight_timer_cancel(trial.limit);
    if (bight_call_later(trial.reactor, 0, step, NULL, NULL) != 0) {
        bi_trial_write(&trial.text, "no memory to go on\n");
        (void)bight_reactor_stop(trial.reactor);
    }
}

static void awaited_fired(struct bight_result *result, void *context)
{
    if ((uintptr_t)context != trial.number || trial.awaited == NULL) {
        return;
    }
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        write_failure(trial.what, failure);
        bight_failure_release(failure);
    }
    bight_result_clear(result);
    take_step();
}

/* What does not even end when it is cancelled is left behind. */
static void limit_reached(void *context)
{
    uintptr_t number = trial.number;
    (void)context;
    bi_trial_write(&trial.text, "%s did not finish within %g seconds\n", trial.what, trial.seconds);
    bool had_fired = bight_deferred_has_fired(trial.awaited);
    bight_deferred_cancel(trial.awaited);
    if (trial.number == number && (had_fired || !bight_deferred_has_fired(trial.awaited))) {
        trial.number++;
        take_step();
    }
}

static void await(struct bight_deferred *deferred, const char *what)
{
    trial.what = what;
    trial.awaited = deferred;
    trial.number++;
    trial.limit = (struct bight_timer) { .slot = NULL };
    int code = bight_call_later(trial.reactor, trial.seconds, limit_reached, NULL, &trial.limit);
    if (code == 0) {
        code = bight_deferred_add_both(deferred, awaited_fired, (void *)trial.number);
    }
    if (code != 0) {
        bi_trial_write(&trial.text, "cannot wait for %s: %s\n", what, bight_error_text(code));
        trial.number++;
        take_step();
    }
}

static void look_around(void)
{
    char unused[1];
    if (bight_trial_left_over(trial.reactor, unused, 0) > 0 && ++trial.turns < TURNS_TO_BE_CLEAN) {
        take_step();
        return;
    }
    (void)bi_trial_write_left_over(&trial.text, trial.reactor, trial.since);
    trial.is_over = true;
    (void)bight_reactor_stop(trial.reactor);
}

static void step(void *context)
{
    (void)context;
    bight_deferred_release(trial.awaited);
    trial.awaited = NULL;
    while (trial.cleanups != NULL) {
        struct bight_deferred *deferred = run_last_cleanup();
        if (deferred != NULL) {
            await(deferred, "a cleanup");
            return;
        }
    }
    look_around();
}

static void start(void *context)
{
    (void)context;
    struct bight_deferred *deferred = trial.function(trial.reactor, trial.context);
    if (deferred != NULL) {
        await(deferred, "the test");
    } else {
        take_step();
    }
}

/* --------------------------------------------------------------------------------------- the run */

static void run(struct bight_reactor *reactor)
{
    trial.reactor = reactor;
    trial.is_over = false;
    trial.turns = 0;
    trial.limit = (struct bight_timer) { .slot = NULL };
    if (bight_call_when_running(reactor, start, NULL) != 0) {
        bi_trial_write(&trial.text, "no memory to begin\n");
        return;
    }
    int status = bight_reactor_run(reactor);
    if (status != 0) {
        bi_trial_write(&trial.text, "the reactor ended with status %d\n", status);
    }
    if (!trial.is_over) {
        bi_trial_write(&trial.text, "the reactor stopped before the test was over\n");
    }
    (void)bight_timer_cancel(trial.limit);
    trial.number++;
    bight_deferred_release(trial.awaited);
    trial.awaited = NULL;
}

bool bight_trial_run_at(
    const char *place, struct bight_reactor *reactor, bight_trial_function function, void *context, double seconds)
{
    struct bight_reactor *own = NULL;
    if (!trial.begun) {
        bight_trial_begin();
    }
    if (reactor == NULL) {
        reactor = own = bight_reactor_new();
    }
    trial.function = function;
    trial.context = context;
    trial.seconds = seconds;
    if (reactor != NULL) {
        run(reactor);
    } else {
        bi_trial_write(&trial.text, "there is no reactor\n");
    }
    run_cleanups(); /* when the run did not come to them */
    bight_reactor_free(own);
    return conclude(place);
}
