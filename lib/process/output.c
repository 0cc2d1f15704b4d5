/* SPDX-License-Identifier: MIT */
/* output.c - a program run to its end for its output or its status.
 *
 * A run is the process's protocol. It gathers what comes and decides only in process_ended, when there is no child any
 * more: whatever goes wrong before (the timeout, the limit, a cancel) leaves its verdict and sees to it that the end
 * comes soon. So the memory has one owner, the process, and no path leaves a child behind. */
#include "base/options.h"
#include "process/process.h"

#include <signal.h>
#include <string.h>

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/process_output.h>

enum { LAST_LINE = 200 };
static const size_t default_limit = (size_t)16 << 20;
static const double default_grace = 5;

enum run_kind { RUN_OUTPUT, RUN_VALUE, RUN_BOTH };

struct gathered {
    uint8_t *data;
    size_t size, room;
};

struct run {
    struct bight_process_protocol base;
    struct bight_reactor *reactor;
    struct bight_promise promise;
    enum run_kind kind;
    struct gathered out, err;
    size_t limit;
    double grace;
    bool until_exit;
    struct bight_timer timer;
    struct bight_failure *verdict; /* what it fails with, however it ends; NULL: nothing so far */
};

/* ------------------------------------------------------------------------------------------ gathering */

/* With room for a NUL. */
static bool gather(struct gathered *gathered, const uint8_t *data, size_t size)
{
    if (gathered->room - gathered->size <= size) {
        size_t needed = gathered->size + size + 1;
        size_t room = needed > 2 * gathered->room ? needed : 2 * gathered->room;
        uint8_t *grown = bight_realloc(gathered->data, room);
        if (grown == NULL) {
            return false;
        }
        gathered->data = grown;
        gathered->room = room;
    }
    memcpy(gathered->data + gathered->size, data, size);
    gathered->size += size;
    return true;
}

/* Counted bytes of what was gathered, which moves into them; NULL when out of memory. */
static struct bight_bytes *take(struct gathered *gathered)
{
    if (gathered->size == 0) {
        return bight_bytes_new("", 0);
    }
    gathered->data[gathered->size] = '\0';
    struct bight_bytes *bytes = bight_bytes_new_lent(gathered->data, gathered->size, bight_free, gathered->data);
    if (bytes != NULL) {
        gathered->data = NULL;
    }
    return bytes;
}

static void free_run(void *context)
{
    struct run *run = context;
    bight_failure_release(run->verdict);
    bight_free(run->out.data);
    bight_free(run->err.data);
    bight_free(run);
}

/* --------------------------------------------------------------------------------------- stopping it */

static void judge(struct run *run, int code)
{
    if (run->verdict == NULL) {
        run->verdict = bight_failure_of(code);
    }
}

static void kill_it(struct run *run, int code)
{
    judge(run, code);
    (void)bight_process_abort(run->base.process);
}

static void grace_is_over(void *context)
{
    kill_it(context, BIGHT_E_TIMED_OUT);
}

static void time_is_up(void *context)
{
    struct run *run = context;
    judge(run, BIGHT_E_TIMED_OUT);
    (void)bight_process_signal_group(run->base.process, SIGTERM);
    if (bight_call_later(run->reactor, run->grace, grace_is_over, run, &run->timer) != 0) {
        grace_is_over(run);
    }
}

/* The run goes on until the child has been reaped. */
static void cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    kill_it(context, BIGHT_E_CANCELLED);
}

/* ------------------------------------------------------------------------------------------ its events */

static struct run *run_of(struct bight_process_protocol *protocol)
{
    return bight_process_self(struct run, protocol);
}

static void child_data_received(struct bight_process_protocol *protocol, int child_fd, const uint8_t *data, size_t size)
{
    struct run *run = run_of(protocol);
    if (run->verdict != NULL) {
        return;
    }
    if (size > run->limit - run->out.size - run->err.size) {
        kill_it(run, BIGHT_E_OVERFLOW);
    } else if (!gather(child_fd == 1 ? &run->out : &run->err, data, size)) {
        kill_it(run, BIGHT_E_OUT_OF_MEMORY);
    }
}

/* The last line that is not empty, escaped. */
static void find_last_line(const struct gathered *err, char *text, size_t size)
{
    size_t end = err->size, begin;
    while (end > 0 && (err->data[end - 1] == '\n' || err->data[end - 1] == '\r')) {
        end--;
    }
    for (begin = end; begin > 0 && err->data[begin - 1] != '\n'; begin--) {
    }
    (void)bight_escape(end == 0 ? (const uint8_t *)"" : err->data + begin, end - begin, text, size);
}

/* The same code and status, with what the program said about it. */
static struct bight_failure *describe(const struct run *run, const struct bight_failure *reason)
{
    char line[LAST_LINE];
    find_last_line(&run->err, line, sizeof line);
    if (line[0] == '\0') {
        return bight_failure_hold(reason);
    }
    return bight_failure_new_status(
        bight_failure_code(reason), bight_failure_status(reason), NULL, "%s: %s", bight_failure_message(reason), line);
}

static bool is_known(const struct bight_failure *reason)
{
    int code = bight_failure_code(reason);
    return code == BIGHT_E_PROCESS_DONE || code == BIGHT_E_PROCESS_TERMINATED;
}

static void give_both(struct run *run, const struct bight_failure *reason)
{
    struct bight_process_output *output = bight_calloc(1, sizeof *output);
    if (output != NULL) {
        output->out = take(&run->out);
        output->err = take(&run->err);
    }
    if (output == NULL || output->out == NULL || output->err == NULL) {
        bight_process_output_free(output);
        (void)bight_errback(run->promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    output->status = bight_process_exit_status(reason);
    output->signal = bight_process_exit_signal(reason);
    (void)bight_callback(run->promise, &bight_type_process_output, output);
}

static void give_output(struct run *run, const struct bight_failure *reason)
{
    if (bight_failure_code(reason) != BIGHT_E_PROCESS_DONE) {
        (void)bight_errback(run->promise, describe(run, reason));
        return;
    }
    struct bight_bytes *bytes = take(&run->out);
    if (bytes == NULL) {
        (void)bight_errback(run->promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    (void)bight_callback(run->promise, &bight_type_bytes, bytes);
}

static void give_value(struct run *run, const struct bight_failure *reason)
{
    int status = bight_process_exit_status(reason);
    if (status < 0) {
        (void)bight_errback(run->promise, bight_failure_hold(reason));
        return;
    }
    (void)bight_callback(run->promise, &bight_type_integer, bight_integer(status));
}

static void fire(struct run *run, const struct bight_failure *reason)
{
    if (!bight_promise_is_open(run->promise)) {
        return; /* cancelled */
    }
    if (bi_reactor_is_ending(run->reactor)) {
        judge(run, BIGHT_E_SHUTDOWN); /* it was cut short, whatever it looks like */
    }
    if (run->verdict != NULL || !is_known(reason)) {
        (void)bight_errback(run->promise, bight_failure_hold(run->verdict != NULL ? run->verdict : reason));
    } else if (run->kind == RUN_BOTH) {
        give_both(run, reason);
    } else if (run->kind == RUN_OUTPUT) {
        give_output(run, reason);
    } else {
        give_value(run, reason);
    }
}

/* A process that still has its pipes has them from it. */
static void process_exited(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct bight_process *process = protocol->process;
    (void)reason;
    if (run_of(protocol)->until_exit) {
        for (size_t i = 0; i < process->pipe_count; i++) {
            bi_process_pipe_drain(&process->pipes[i]);
        }
        bi_process_abort_pipes(process);
    }
}

static void process_ended(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct run *run = run_of(protocol);
    (void)bight_timer_cancel(run->timer);
    fire(run, reason);
    free_run(run);
}

static const struct bight_process_protocol_ops run_ops = {
    .child_data_received = child_data_received,
    .process_exited = process_exited,
    .process_ended = process_ended,
};

/* -------------------------------------------------------------------------------------------- starting */

static struct bight_process_options options_of(const struct bight_process_output_options *given)
{
    struct bight_process_options options = { .size = sizeof options };
    if (given->process != NULL) {
        size_t size = given->process->size;
        memcpy(&options, given->process, size < sizeof options ? size : sizeof options);
        options.size = sizeof options;
    }
    options.path = given->path != NULL ? given->path : options.path;
    options.argv = given->argv != NULL ? given->argv : options.argv;
    options.environment = given->environment != NULL ? given->environment : options.environment;
    options.directory = given->directory != NULL ? given->directory : options.directory;
    options.terminal = false;
    options.process_group = !options.new_session;
    options.at_shutdown = BIGHT_CHILD_KILL;
    return options;
}

static int spawn(struct run *run, const struct bight_process_output_options *given, struct bight_failure **failure)
{
    static const struct bight_child_descriptor all[] = {
        { 0, BIGHT_CHILD_READS, -1 },
        { 1, BIGHT_CHILD_WRITES, -1 },
        { 2, BIGHT_CHILD_WRITES, -1 },
    };
    struct bight_process_options options = options_of(given);
    size_t inputs = given->input_size > 0 ? 1 : 0;
    options.descriptors = all + (1 - inputs);
    options.descriptor_count = inputs + (run->kind == RUN_VALUE ? 0 : 2);
    return bight_spawn_process(run->reactor, &run->base, &options, failure);
}

/* It runs. What fails from here on kills it. */
static void feed(struct run *run, const struct bight_process_output_options *given)
{
    int code = 0;
    if (given->input_size > 0) {
        code = bight_process_write(run->base.process, 0, given->input, given->input_size);
        code = code == 0 ? bight_process_close(run->base.process, 0) : code;
    }
    if (code == 0 && given->timeout_seconds > 0) {
        code = bight_call_later(run->reactor, given->timeout_seconds, time_is_up, run, &run->timer);
    }
    if (code != 0) {
        kill_it(run, code);
    }
}

/* What is wrong with the options, in words; NULL: nothing. */
static const char *find_mistake(const struct bight_process_output_options *given)
{
    uint64_t nanoseconds;
    if (given->size == 0) {
        return "the options lack their size";
    }
    if (bight_seconds_to_nanoseconds(given->timeout_seconds, &nanoseconds) != 0 ||
        bight_seconds_to_nanoseconds(given->grace_seconds, &nanoseconds) != 0) {
        return BI_BAD_SECONDS;
    }
    return given->input_size > 0 && given->input == NULL ? "there is no input, only its size" : NULL;
}

static int begin(struct run *run, const char *place, const struct bight_process_output_options *options,
    struct bight_failure **failure)
{
    struct bight_process_output_options given;
    bi_take_options(&given, sizeof given, options);
    const char *mistake = find_mistake(&given);
    if (mistake != NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "the output of a process: %s", mistake);
    }
    run->limit = given.output_limit == 0 ? default_limit : given.output_limit;
    run->until_exit = given.until_exit;
    run->grace = given.grace_seconds > 0 ? given.grace_seconds : default_grace;
    int code = spawn(run, &given, failure);
    if (code == 0) {
        feed(run, &given);
    }
    return code;
}

static struct bight_deferred *start(const char *place, struct bight_reactor *reactor,
    const struct bight_process_output_options *options, enum run_kind kind)
{
    struct bight_failure *failure = NULL;
    struct run *run = bight_calloc(1, sizeof *run);
    if (run == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &run->promise, cancel, run, NULL);
    if (!bight_promise_is_open(run->promise)) {
        free_run(run);
        return deferred;
    }
    run->base.ops = &run_ops;
    run->reactor = reactor;
    run->kind = kind;
    int code = begin(run, place, options, &failure);
    if (code != 0) {
        (void)bight_errback_at(place, run->promise, failure != NULL ? failure : bight_failure_of(code));
        free_run(run);
    }
    return deferred;
}

struct bight_deferred *bight_get_process_output_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options)
{
    return start(place, reactor, options, RUN_OUTPUT);
}

struct bight_deferred *bight_get_process_value_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options)
{
    return start(place, reactor, options, RUN_VALUE);
}

struct bight_deferred *bight_get_process_output_and_value_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options)
{
    return start(place, reactor, options, RUN_BOTH);
}

/* ---------------------------------------------------------------------------------------- as a result */

void bight_process_output_free(struct bight_process_output *output)
{
    if (output != NULL) {
        bight_bytes_release(output->out);
        bight_bytes_release(output->err);
        bight_free(output);
    }
}

static void destroy_value(void *output)
{
    bight_process_output_free(output);
}

const struct bight_type bight_type_process_output = { .name = "process output", .destroy = destroy_value };
