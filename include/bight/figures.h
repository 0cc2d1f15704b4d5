/* SPDX-License-Identifier: MIT */
/* bight/figures.h - what a reactor does and what holds it up: counters, how long handlers take, a limit on that, and a
 * watchdog that shows what a handler that does not return is doing.
 *
 * A handler here is all that the loop calls until it may go on: a connection's data with everything the protocol does
 * about it and the output that this leaves, a timer's function, a call from a thread. While one runs nothing else is
 * served. All functions are for the reactor's thread, or for the one that made it before it runs. */
#ifndef BIGHT_FIGURES_H
#define BIGHT_FIGURES_H

#include <bight/reactor.h>

BIGHT_BEGIN

/* ------------------------------------------------------------------------------------------ figures */

/* Entry n of handler_times counts the handlers that took from 2^n to less than 2^(n+1) nanoseconds: entry 10 from
 * 1.024 to 2.048 us, entry 20 from 1.05 to 2.10 ms. The first has those of 0 ns too, the last all that took longer. */
#define BIGHT_HANDLER_TIMES 40

struct bight_reactor_figures {
    size_t size;       /* sizeof(struct bight_reactor_figures), set by the caller */
    uint64_t turns;    /* of the loop */
    uint64_t handlers; /* called so far; the one that asks is among them */

    /* Since the last reset, and only while times are measured (bight_reactor_set_timing). */
    bool is_timed; /* they are measured now */
    uint64_t handler_times[BIGHT_HANDLER_TIMES];
    uint64_t handler_time;    /* all together, nanoseconds */
    uint64_t longest_handler; /* nanoseconds */
    const char *longest_kind; /* "connection", "timer", ...; lives for ever. NULL: there was none */
    const char
        *longest_place; /* in debug mode, where it was registered: "chat.c:31"; lives for ever. NULL: not known */
    uint64_t blocks;    /* handlers over the limit of bight_reactor_set_block_limit */

    uint64_t timers_pending; /* calls at a deadline, connections' own timeouts included */
    uint64_t timers_fired;
    uint64_t connections_open; /* that have not been freed: those held after their end count */
    uint64_t connections_accepted;
    uint64_t connections_made; /* not accepted: by connecting, in memory, the pipes of processes */
    uint64_t ports_open;
    uint64_t bytes_received; /* by connections, from the kernel or what stands for it */
    uint64_t bytes_sent;     /* handed to it */
    uint64_t deferreds;      /* alive in the whole process. Counted when asked for: takes time, see below */
    unsigned threads;        /* of all the reactor's pools */
    unsigned threads_busy;
    uint64_t jobs_queued;         /* that no thread has begun */
    uint64_t coroutines;          /* that have begun and not ended */
    uint64_t connections_refused; /* closed as they were accepted: bight_port_refused of all ports */
    const void *reserved[8];
};

/* Fills as much as figures->size says. What is not "since the last reset" counts from the beginning. Deferreds are
 * those of the whole process; other threads may make and free some meanwhile. Costs next to nothing, however much there
 * is, and allocates nothing. 0 or INVALID_ARGUMENT (no size). */
BIGHT_API int bight_reactor_read_figures(struct bight_reactor *reactor, struct bight_reactor_figures *figures);

/* handler_times, handler_time, longest_handler and blocks begin again; a handler that runs now counts as a whole when
 * it has returned. */
BIGHT_API void bight_reactor_reset_figures(struct bight_reactor *reactor);

/* Measures how long handlers take, or no longer. It is on from the beginning where the processor has a counter of
 * constant speed that can be read at next to no cost (most x86-64 and all ARM of 64 bits, Linux), and off elsewhere and
 * with a table of system calls of your own, where each handler costs one or two readings of the table's clock. */
BIGHT_API void bight_reactor_set_timing(struct bight_reactor *reactor, bool on);
BIGHT_API bool bight_reactor_get_timing(const struct bight_reactor *reactor);

/* ------------------------------------------------------------------------------------- what blocks */

/* Warns, after it has returned, of each handler that took longer than `seconds`: how long, its kind, and in debug mode
 * where it was registered. Turns measuring on. 0 or infinity: no more. 0, INVALID_ARGUMENT for a negative or NaN
 * time. */
BIGHT_API int bight_reactor_set_block_limit(struct bight_reactor *reactor, double seconds);
BIGHT_API double bight_reactor_get_block_limit(const struct bight_reactor *reactor); /* 0: none */

/* Starts a thread that warns when one handler has held the loop for `seconds` (at least 0.001) and still does, once for
 * each, up to a quarter of the time late (at most 1 s). The warning says what the handler is and, in a field
 * "backtrace", the functions that the loop's thread was in: innermost first, each as name+offset, or program+offset for
 * addr2line where the name is not known (programs linked with -rdynamic have theirs). The observer of the log is called
 * in the watchdog's thread, while the loop is stuck. Calling again sets another time; 0 or infinity ends the thread, as
 * freeing the reactor does.
 *
 * The backtrace is made by the loop's thread, in a handler of the highest real-time signal (SIGRTMAX or below) that has
 * none when the process's first watchdog starts; it is bight's from then on. It is sent only to a thread that is stuck.
 * System calls in it go on afterwards (SA_RESTART), but those that are never restarted (sleep, poll, see signal(7))
 * return early with EINTR. Without backtrace(3) in the C library (musl), or with that signal blocked, the warning comes
 * without.
 *
 * In the child of a fork there is none until it is set again. It is a thread of the C library's and knows nothing of a
 * reactor's table of system calls: it waits in real time also where the reactor's own is simulated. 0,
 * INVALID_ARGUMENT, OUT_OF_MEMORY, SYSTEM when no thread can be started. */
BIGHT_API int bight_reactor_set_watchdog(struct bight_reactor *reactor, double seconds);
BIGHT_API double bight_reactor_get_watchdog(struct bight_reactor *reactor); /* 0: none */

BIGHT_END

#endif
