/* SPDX-License-Identifier: MIT */
/* bight/process_output.h - a program run to its end for what it prints or for its status, as one Deferred.
 *
 * Twisted's getProcessOutput and its kin, with an input, a limit of the output and a timeout:
 *
 *     const char *const argv[] = { "sort", "-n", NULL };
 *     struct bight_process_output_options options = { .size = sizeof options, .argv = argv, .input = "3\n1\n", ... };
 *     struct bight_deferred *sorted = bight_get_process_output(reactor, &options);
 *
 * The child leads a process group of its own, so that what it starts goes with it when it is killed. Cancelling kills
 * it; it is reaped when it has died. When the reactor's run ends before, it is killed and reaped there, and the
 * Deferred fails with SHUTDOWN. Everything else of processes is in bight/process.h. */
#ifndef BIGHT_PROCESS_OUTPUT_H
#define BIGHT_PROCESS_OUTPUT_H

#include <bight/process.h>

BIGHT_BEGIN

/* Zero always means the default. All is borrowed for the call; the input is copied. */
struct bight_process_output_options {
    size_t size;      /* sizeof(struct bight_process_output_options) */
    const char *path; /* these four as in struct bight_process_options */
    const char *const *argv;
    const char *const *environment;
    const char *directory;

    const void *input; /* what it reads from its standard input, and then the end */
    size_t input_size;
    size_t output_limit;    /* most bytes of output and errors together. 0: 16 MiB; SIZE_MAX: none */
    double timeout_seconds; /* then it gets SIGTERM. 0: none */
    double grace_seconds;   /* and so long after that SIGKILL. 0: 5 s */

    /* Over when the program itself has exited: a process that has its pipes (a daemon that it has started) lives on and
     * is not waited for. What was in the pipes then is read, and they are closed: later writes fail with EPIPE. False:
     * over when every process has closed the pipes. */
    bool until_exit;

    /* NULL, or more about the process: its identity, session, signal at its parent's death. The four above are taken
     * from here where they are NULL; descriptors, terminal and at_shutdown mean nothing here. */
    const struct bight_process_options *process;
    const void *reserved[4];
};

/* How a program ended and what it printed. */
struct bight_process_output {
    struct bight_bytes *out, *err; /* a hold on each; never NULL, often of size 0; a NUL behind */
    int status;                    /* -1 when a signal ended it */
    int signal;                    /* 0 when none did */
};

/* The type of a result that is a `struct bight_process_output *`. The taker frees it. */
extern BIGHT_API const struct bight_type bight_type_process_output;
BIGHT_API void bight_process_output_free(struct bight_process_output *output);

/* All of these fail with the codes of bight_spawn_process; with OVERFLOW when it printed more than the limit, and was
 * killed for it; with TIMED_OUT; with PROCESS when its status is not available; with SHUTDOWN. They fire when the child
 * has been reaped and its pipes are closed by all processes that have them (see until_exit), at the latest when it was
 * killed. */

/* What it printed to its standard output (bight_type_bytes, with a NUL behind them that is not counted). A status other
 * than 0, or a signal, is a failure (PROCESS_TERMINATED, see bight_process_exit_status) with the last line of its
 * standard error in the message. That it printed to standard error is no failure by itself (in Twisted it is).
 *
 *     struct bight_deferred *bight_get_process_output(struct bight_reactor *reactor,
 *         const struct bight_process_output_options *options); */
#define bight_get_process_output(...) bight_get_process_output_at(BIGHT_HERE, __VA_ARGS__)

/* Its status (bight_type_integer). What it prints goes to /dev/null. A signal is a failure: PROCESS_TERMINATED.
 *
 *     struct bight_deferred *bight_get_process_value(struct bight_reactor *reactor,
 *         const struct bight_process_output_options *options); */
#define bight_get_process_value(...) bight_get_process_value_at(BIGHT_HERE, __VA_ARGS__)

/* Both (bight_type_process_output), however it ended.
 *
 *     struct bight_deferred *bight_get_process_output_and_value(struct bight_reactor *reactor,
 *         const struct bight_process_output_options *options); */
#define bight_get_process_output_and_value(...) bight_get_process_output_and_value_at(BIGHT_HERE, __VA_ARGS__)

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_get_process_output_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_get_process_value_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_get_process_output_and_value_at(
    const char *place, struct bight_reactor *reactor, const struct bight_process_output_options *options);

BIGHT_END

#endif
