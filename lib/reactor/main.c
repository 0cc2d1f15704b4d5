/* SPDX-License-Identifier: MIT */
/* main.c - a program that is one Deferred (bight_main).
 *
 * The reactor stops when the Deferred has fired; when the reactor was stopped first, by a signal, the Deferred is
 * cancelled. Its last handler may come as late as the reactor's end, or never, so what it writes to is counted: one
 * hold is this file's and one the handler's. Failures go to the log, whose default is a line on standard error. */
#include <bight/log.h>
#include <bight/memory.h>

#include <sysexits.h>

#include "reactor/state.h"

struct program {
    unsigned holds;
    struct bight_reactor *reactor; /* NULL: it has ended */
    struct bight_deferred *(*function)(struct bight_reactor *reactor, int argc, char **argv);
    int argc;
    char **argv;
    struct bight_deferred *deferred; /* held; NULL: none, or it has fired */
    int status;
};

static void release_program(void *context)
{
    struct program *program = context;
    if (--program->holds == 0) {
        bight_free(program);
    }
}

static void stop(struct program *program)
{
    struct bight_reactor *reactor = program->reactor;
    if (bight_reactor_is_running(reactor) && !reactor->state->stop_asked) {
        (void)bight_reactor_stop(reactor);
    }
}

static void report(struct program *program, const struct bight_failure *failure)
{
    program->status = bight_error_exit_status(bight_failure_code(failure));
    bight_log(BIGHT_LOG_ERROR, "main", failure, "the program failed");
}

/* The last handler. Once the program has ended nobody asks how its Deferred did. */
static void finish(struct bight_result *result, void *context)
{
    struct program *program = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (program->reactor != NULL) {
        if (failure != NULL) {
            report(program, failure);
        } else if (result->type == &bight_type_integer) {
            program->status = (int)bight_integer_value(result->value);
        }
        stop(program);
    }
    bight_failure_release(failure);
    bight_result_clear(result);
}

static void begin(void *context)
{
    struct program *program = context;
    struct bight_deferred *deferred = program->function(program->reactor, program->argc, program->argv);
    if (deferred == NULL) {
        stop(program);
        return;
    }
    program->deferred = deferred;
    program->holds++;
    if (bight_deferred_add_both_full(deferred, finish, program, release_program) != 0) {
        program->holds--;
        report(program, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        stop(program);
    }
}

/* The status of the run, unless the Deferred has set one. */
static int run(struct program *program)
{
    struct bight_reactor *reactor = program->reactor;
    int status = 0;
    if (bight_call_when_running(reactor, begin, program) == 0) {
        status = bight_reactor_run(reactor);
    } else {
        report(program, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    program->reactor = NULL;
    if (program->deferred != NULL) {
        bight_deferred_cancel(program->deferred);
    }
    bight_reactor_free(reactor);
    bight_deferred_release(program->deferred);
    return program->status != 0 ? program->status : status;
}

int bight_main(
    struct bight_deferred *(*function)(struct bight_reactor *reactor, int argc, char **argv), int argc, char **argv)
{
    struct program *program = bight_malloc(sizeof *program);
    if (program == NULL) {
        bight_log(BIGHT_LOG_ERROR, "main", bight_failure_of(BIGHT_E_OUT_OF_MEMORY), "cannot begin");
        return EX_OSERR;
    }
    *program = (struct program) { .holds = 1, .function = function, .argc = argc, .argv = argv };
    program->reactor = bight_reactor_new();
    int status = program->reactor != NULL ? run(program) : EX_OSERR;
    release_program(program);
    return status;
}
