/* SPDX-License-Identifier: MIT */
/* bight/reactor.h - the reactor: waits for events and calls their handlers.
 *
 * There is no global reactor; each thread may run its own (R1). Unless a comment says otherwise a function here may
 * be called only in the reactor's thread: the one that runs it or, until it runs, the one that made it. The
 * numbered statements R1 to R13 of docs/semantics.md are the contract. */
#ifndef BIGHT_REACTOR_H
#define BIGHT_REACTOR_H

#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_reactor;
struct bight_system;
struct bight_loop;
struct event_base; /* libevent's, for a reactor that is a guest on it */

/* ------------------------------------------------------------------------------- making and running */

struct bight_reactor_options {
    size_t size;                 /* sizeof(struct bight_reactor_options) */
    struct bight_system *system; /* NULL: the kernel. Borrowed */
    struct bight_loop *loop;     /* NULL: libevent. Taken: freed with the reactor */
    struct event_base *host;     /* run as a guest on this event_base (borrowed); excludes loop */
    bool leave_signals;          /* run() does not handle SIGINT and SIGTERM; ignored ones it never handles */
    double shutdown_seconds;     /* how long before-triggers' Deferreds are awaited; 0: 10 s (R3) */
    unsigned thread_limit;       /* most threads of the pool; 0: 10 (R10) */
    size_t call_limit;           /* most calls from threads that wait; 0: 1000000 (R9) */
};

/* NULL when out of memory, when the kernel refuses, or when the libevent at hand is not like the one that bight was
 * built with (logged). Without a timerfd, also logged, timers are late by milliseconds. See bight_reactor_after_fork
 * about descriptors that run out. options may be NULL. */
BIGHT_API BIGHT_MUST_USE struct bight_reactor *bight_reactor_new(void);
BIGHT_API BIGHT_MUST_USE struct bight_reactor *bight_reactor_new_full(const struct bight_reactor_options *options);

/* Serves until stopped; returns an exit status: 0, or what bight_reactor_fail() set. Usage errors (inside run, on a
 * host's base) return 70 (EX_SOFTWARE) and log a line. May be called again. */
BIGHT_API int bight_reactor_run(struct bight_reactor *reactor);

/* Marks, no more (R3). When the present turn is over the loop serves on until what was asked for by then has been done:
 * calls when running, calls from threads, timers that are due. Then before-triggers are run and their Deferreds
 * awaited, then everything is disconnected. What is asked for as late as that waits for the next run. 0, or NOT_RUNNING
 * before run (a usage error). A second stop waits for one turn more and for no Deferred. */
BIGHT_API int bight_reactor_stop(struct bight_reactor *reactor);

/* As stop; on a host's event_base this is how a guest is shut down. The Deferred fires empty when all is
 * disconnected and the triggers have run. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_reactor_stop_later(struct bight_reactor *reactor);

/* Makes the coming or present run() end with this exit status, at once if it has not begun. The first non-zero
 * status stays. Used where a program cannot go on: a port is in use. */
BIGHT_API void bight_reactor_fail(struct bight_reactor *reactor, int status);

/* Disconnects what is left (connection_lost is called), drops timers and frees all. NULL is allowed; inside run or a
 * handler it is a usage error and does nothing. What is asked of it meanwhile is refused with SHUTDOWN. */
BIGHT_API void bight_reactor_free(struct bight_reactor *reactor);

/* True from the during-triggers of startup on, until the last trigger of the shutdown has run (R2). */
BIGHT_API bool bight_reactor_is_running(const struct bight_reactor *reactor);

/* R13: in the child of a fork that goes on using the reactor, before anything else (on a host's event_base after the
 * host's event_reinit). Ports and connections are then both processes'; a UNIX path stays the parent's to remove, and
 * what was written before the fork the parent's to send. Of what the parent has too the child's shutdown, its timeouts
 * and bight_reactor_free only close the descriptor; but what the child itself asks of a connection (a write, a loss, an
 * abort) is done to the one connection that there is. A loss that was under way has ended in the child.
 *
 * 0, or a code when the child cannot have kernel objects of its own (no descriptors): the reactor is still the parent's
 * then, and this may be tried again. libevent ends the process when it finds no descriptor: it is asked only when there
 * are some, but another thread could be faster.
 *
 * A child that does not go on may put away what there is, the reactor too: that disturbs nothing of the parent's,
 * except on a host's event_base, on which the host has to call event_reinit first. Running the reactor there is a usage
 * error (70), and so is coming back to its loop from a handler that has forked. A child is known by the C library's
 * fork(); one that was made past it (_Fork, clone) is not. */
BIGHT_API int bight_reactor_after_fork(struct bight_reactor *reactor);

/* ------------------------------------------------------------------------------------------ time */

/* The reactor as a clock, for add_timeout and scopes. */
BIGHT_API struct bight_clock *bight_reactor_clock(struct bight_reactor *reactor);

/* function(context) runs `seconds` from now, never inside this call (R5). *timer may be NULL. 0, INVALID_ARGUMENT
 * or OUT_OF_MEMORY. _full: release(context) once, after it ran or was dropped (D33). Handles are used with
 * bight_timer_cancel and its kin in bight/clock.h (R7).
 *
 *     int bight_call_later(struct bight_reactor *reactor, double seconds, bight_timer_function function,
 *         void *context, struct bight_timer *timer);
 *     int bight_call_later_full(struct bight_reactor *reactor, double seconds, bight_timer_function function,
 *         void *context, bight_release_function release, struct bight_timer *timer); */
#define bight_call_later(...) bight_call_later_at(BIGHT_HERE, __VA_ARGS__)
#define bight_call_later_full(...) bight_call_later_full_at(BIGHT_HERE, __VA_ARGS__)

/* The same at an absolute deadline in nanoseconds of bight_clock_now(); one in the past runs on a coming turn.
 *
 *     int bight_call_at(struct bight_reactor *reactor, uint64_t deadline, bight_timer_function function,
 *         void *context, struct bight_timer *timer);
 *     int bight_call_at_full(struct bight_reactor *reactor, uint64_t deadline, bight_timer_function function,
 *         void *context, bight_release_function release, struct bight_timer *timer); */
#define bight_call_at(...) bight_call_at_at(BIGHT_HERE, __VA_ARGS__)
#define bight_call_at_full(...) bight_call_at_full_at(BIGHT_HERE, __VA_ARGS__)

/* ------------------------------------------------------------------------------ starting and stopping */

/* Runs when the reactor runs: queued before, on the next turn while running (R2). In a shutdown the next turn is the
 * next run's once everything is being disconnected. *id, which may be NULL, is for bight_remove_trigger. 0,
 * OUT_OF_MEMORY, or SHUTDOWN while the reactor is freed, and then nothing was taken. */
BIGHT_API int bight_call_when_running(struct bight_reactor *reactor, bight_timer_function function, void *context);
BIGHT_API int bight_call_when_running_full(struct bight_reactor *reactor, bight_timer_function function, void *context,
    bight_release_function release, uint64_t *id);

/* The reactor's own events. A program's have names of its own: see bight_fire_event. */
#define BIGHT_STARTUP "startup"
#define BIGHT_SHUTDOWN "shutdown"
enum bight_trigger_phase { BIGHT_BEFORE, BIGHT_DURING, BIGHT_AFTER };

/* A trigger may return a Deferred (taken), or NULL. In the before phase of a shutdown or of a program's own event it is
 * awaited before the next phase begins; elsewhere it is released. */
typedef struct bight_deferred *(*bight_trigger_function)(void *context);

/* Runs each time that the event comes until removed, in the order of adding within a phase (R2, R3; Twisted's
 * addSystemEventTrigger). One that is added while its phase is under way runs the next time; a before-trigger whose
 * Deferreds would be awaited still in this one. The event's name is copied. *id may be NULL. 0; INVALID_ARGUMENT, a
 * usage error, without a function or with an empty name; OUT_OF_MEMORY; SHUTDOWN while the reactor is freed: then
 * nothing was taken. */
BIGHT_API int bight_add_trigger(struct bight_reactor *reactor, const char *event, enum bight_trigger_phase phase,
    bight_trigger_function function, void *context, bight_release_function release, uint64_t *id);

/* Takes back a trigger, or a call when running that has not been made: its context is released. 0 or STALE. */
BIGHT_API int bight_remove_trigger(struct bight_reactor *reactor, uint64_t id);

/* Lets an event of the program's own come: one with any name but those above. Its before-triggers run inside this call;
 * when their Deferreds have fired, however they did, its during-triggers and then its after-triggers run. The Deferred
 * fires empty after the last of them; cancelling it ends the wait alone. An event that is asked for while it is
 * under way comes once more when that is over, on a later turn, for all requests made meanwhile. There is no time
 * limit: that is the triggers' business (bight_deferred_add_timeout). The reactor need not run for what awaits nothing.
 *
 * It fails with INVALID_ARGUMENT, a usage error, for a name of the reactor's own or none; with OUT_OF_MEMORY, and then
 * the event does not come; with SHUTDOWN while the reactor is freed, and with ABANDONED when it is freed before the
 * last trigger has run.
 *
 *     struct bight_deferred *bight_fire_event(struct bight_reactor *reactor, const char *event); */
#define bight_fire_event(reactor, event) bight_fire_event_at(BIGHT_HERE, (reactor), (event))

/* ---------------------------------------------------------------------------------------- signals */

/* function(number, context) runs in the loop, not in the signal handler, for each arrival (several at once may
 * count as one). NULL brings the default back: while run() has SIGINT and SIGTERM that is to stop, else what stood
 * before; run() has only those that were not ignored when it began (R3). SIGNALS_OWNED when another reactor of the
 * process owns the signals; INVALID_ARGUMENT, also for SIGKILL, SIGSTOP and the faults (SIGSEGV, SIGBUS, SIGFPE,
 * SIGILL); NOT_SUPPORTED on a host's event_base; OUT_OF_MEMORY; SYSTEM. Replaces what was set, also run()'s own SIGINT
 * and SIGTERM. Stays set between runs. In the child of a fork that has not called bight_reactor_after_fork, a signal
 * does what it would have done before any of this. */
typedef void (*bight_signal_function)(int number, void *context);
BIGHT_API int bight_on_signal(struct bight_reactor *reactor, int number, bight_signal_function function, void *context);

/* ---------------------------------------------------------------------------- foreign descriptors */

/* What is waited for, and what a descriptor is. The values are libevent's EV_READ and EV_WRITE. */
#define BIGHT_READABLE 0x02
#define BIGHT_WRITABLE 0x04

struct bight_foreign_watch {
    void *slot;
    uint64_t generation;
};

/* Watches a descriptor that bight does not own; `what` is BIGHT_READABLE, BIGHT_WRITABLE or both; function is called
 * level-triggered. The handle is checked. Unwatch before closing the descriptor: the watch of one that was closed is
 * taken out (its handle is stale) when the number is watched next, with a usage error that says where both were asked
 * for. When bight itself gets the number, for a connection say, such a watch is not called from then on, with a usage
 * error, and the handle stays good. NOT_SUPPORTED for what is no stream of events, a regular file say. Costs time that
 * grows with the number of such watches.
 *
 *     int bight_watch_descriptor(struct bight_reactor *reactor, int fd, short what, void (*function)(int fd,
 *         short what, void *context), void *context, bight_release_function release,
 *         struct bight_foreign_watch *watch); */
#define bight_watch_descriptor(...) bight_watch_descriptor_at(BIGHT_HERE, __VA_ARGS__)
BIGHT_API int bight_unwatch_descriptor(struct bight_foreign_watch watch); /* 0 or STALE */

/* ------------------------------------------------------------------------------------ main programs */

/* Runs a program that is one Deferred: makes a reactor, calls function(reactor, argc, argv) when it runs, stops
 * when the Deferred (taken) fires, and returns the exit status: the value when it is an integer, 0 for any other
 * value; for a failure one line on standard error and its sysexits status. NULL from the function is success. When the
 * reactor is stopped first, by SIGINT, SIGTERM or bight_reactor_stop, the Deferred is cancelled, the loop serves until
 * it has fired (R3 sets the limit), and a CANCELLED is not worth a word. */
typedef struct bight_deferred *(*bight_main_function)(struct bight_reactor *reactor, int argc, char **argv);
BIGHT_API int bight_main(bight_main_function function, int argc, char **argv);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API int bight_call_later_at(const char *place, struct bight_reactor *reactor, double seconds,
    bight_timer_function function, void *context, struct bight_timer *timer);
BIGHT_API int bight_call_later_full_at(const char *place, struct bight_reactor *reactor, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer);
BIGHT_API int bight_call_at_at(const char *place, struct bight_reactor *reactor, uint64_t deadline,
    bight_timer_function function, void *context, struct bight_timer *timer);
BIGHT_API int bight_call_at_full_at(const char *place, struct bight_reactor *reactor, uint64_t deadline,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer);
BIGHT_API int bight_watch_descriptor_at(const char *place, struct bight_reactor *reactor, int fd, short what,
    void (*function)(int fd, short what, void *context), void *context, bight_release_function release,
    struct bight_foreign_watch *watch);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_fire_event_at(
    const char *place, struct bight_reactor *reactor, const char *event);

BIGHT_END

#endif
