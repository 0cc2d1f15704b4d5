/* SPDX-License-Identifier: MIT */
/* main.c - a program that is one Deferred (bight_main), or one coroutine (bight_main_coroutine).
 *
 * The reactor stops when the Deferred has fired; when the reactor was stopped first, by a signal, the Deferred is
 * cancelled, and the loop serves on while it does what it has to do about that. Its last handler may come as late as
 * the reactor's end, or never, so what it writes to is counted: one hold is this file's and one the handler's. Failures
 * go to the log, whose default is a line on standard error. */
#include "service/main.h"

#include <bight/memory.h>

#include <sysexits.h>

#include "base/report.h"
#include "reactor/reactor.h"

struct program {
    unsigned holds;
    struct bight_reactor *reactor; /* NULL: it has ended */
    bight_main_function function;
    bight_main_body body; /* or this one */
    int argc;
    char **argv;
    struct bight_deferred *deferred; /* held; NULL: none, or it has fired */
    bool is_cancelled;               /* the reactor was stopped first */
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
    if (bight_reactor_is_running(reactor) && !bi_reactor_is_asked_to_stop(reactor)) {
        (void)bight_reactor_stop(reactor);
    }
}

static void report(struct program *program, const struct bight_failure *failure)
{
    program->status = bight_error_exit_status(bight_failure_code(failure));
    bi_report_failure(failure);
}

/* The last handler. Once the program has ended the result of its Deferred is not needed. */
static void finish(struct bight_result *result, void *context)
{
    struct program *program = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (program->reactor != NULL) {
        if (failure != NULL && !(program->is_cancelled && bight_failure_is(failure, BIGHT_E_CANCELLED))) {
            report(program, failure);
        } else if (result->type == &bight_type_integer) {
            program->status = (int)bight_integer_value(result->value);
        }
        stop(program);
    }
    bight_failure_release(failure);
    bight_result_clear(result);
}

/* The reactor stops. The Deferred given is that of the program's being through with it. */
static struct bight_deferred *cancel(void *context)
{
    struct program *program = context;
    if (program->deferred == NULL || bight_deferred_has_fired(program->deferred)) {
        return NULL;
    }
    struct bight_promise promise;
    struct bight_deferred *over = bight_deferred_new(&promise, NULL, NULL);
    if (bight_deferred_chain(program->deferred, promise) != 0) {
        (void)bight_abandon(promise);
    }
    program->is_cancelled = true;
    bight_deferred_cancel(program->deferred);
    return over;
}

static void run_body(struct bight_result *result, void *context)
{
    struct program *program = context;
    program->body(result, program->reactor, program->argc, program->argv);
}

static struct bight_deferred *start(struct program *program)
{
    if (program->body == NULL) {
        return program->function(program->reactor, program->argc, program->argv);
    }
    return bight_spawn(program->reactor, run_body, program);
}

static void begin(void *context)
{
    struct program *program = context;
    struct bight_deferred *deferred = start(program);
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
    if (bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, cancel, program, NULL, NULL) == 0 &&
        bight_call_when_running(reactor, begin, program) == 0) {
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

int bi_main_in(struct bight_reactor *reactor, bight_main_function function, bight_main_body body, int argc, char **argv)
{
    struct program *program = reactor != NULL ? bight_malloc(sizeof *program) : NULL;
    if (program == NULL) {
        bi_report_failure(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        bight_reactor_free(reactor);
        return EX_OSERR;
    }
    *program = (struct program) {
        .holds = 1, .reactor = reactor, .function = function, .body = body, .argc = argc, .argv = argv
    };
    int status = run(program);
    release_program(program);
    return status;
}

int bight_main(bight_main_function function, int argc, char **argv)
{
    return bi_main_in(bight_reactor_new(), function, NULL, argc, argv);
}

int bight_main_coroutine(bight_main_body body, int argc, char **argv)
{
    return bi_main_in(bight_reactor_new(), NULL, body, argc, argv);
}
