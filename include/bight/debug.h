/* SPDX-License-Identifier: MIT */
/* bight/debug.h - a picture of what waits for what, and a walk through what a reactor has.
 *
 * Deferreds are in it only in debug mode (BIGHT_DEBUG=1 in the environment, or bight_deferred_set_debug before the
 * first one is made), which remembers where each was made; without it the picture says so, and has the reactor's
 * figures, timers, connections and ports. For the reactor's thread, in a handler or outside; nothing is changed by
 * looking. */
#ifndef BIGHT_DEBUG_H
#define BIGHT_DEBUG_H

#include <bight/figures.h>

BIGHT_BEGIN

enum bight_dump_format {
    BIGHT_DUMP_TEXT = 1, /* for reading */
    BIGHT_DUMP_DOT       /* a directed graph for Graphviz: dot -Tsvg */
};

/* `text` is borrowed for the call and has no NUL. May be called several times. */
typedef void (*bight_dump_function)(const char *text, size_t size, void *context);

/* Each Deferred that is alive and was made in this thread, with a number of its own, the place where it was made, its
 * age in seconds of real time, what state it is in, how many handlers it has left to call, what it waits for (a
 * Deferred that a handler chained or a coroutine awaits) and what its result goes on to (bight_deferred_chain,
 * combinators); each pending timer with its place and when it is due; connections with peer, state, bytes that have not
 * been sent, and the Deferreds tied to them; ports. The whole is put together before `write` is first called, so that
 * this may do anything, and write to a connection. 0, INVALID_ARGUMENT, OUT_OF_MEMORY and then nothing was written. */
BIGHT_API int bight_debug_dump(
    struct bight_reactor *reactor, enum bight_dump_format format, bight_dump_function write, void *context);

/* The same into a file, which is made (mode 0600) or overwritten; a symbolic link is refused. As above, or the code of
 * the error. */
BIGHT_API int bight_debug_dump_file(struct bight_reactor *reactor, enum bight_dump_format format, const char *path);

/* The same at each arrival of a signal (SIGUSR2, say), from the loop: a handler that is stuck is not interrupted (see
 * bight_reactor_set_watchdog). An error is logged. `path` is copied; a second call takes the place of the first; NULL:
 * no more. What the program or run() does at that signal is done as well. The codes of bight_on_signal. */
BIGHT_API int bight_debug_dump_on_signal(
    struct bight_reactor *reactor, int number, enum bight_dump_format format, const char *path);

/* ------------------------------------------------------------------------------------------- walking */

enum bight_item_kind {
    BIGHT_ITEM_PORT = 1,       /* that listens */
    BIGHT_ITEM_CONNECTION = 2, /* that has not ended, whatever it stands on; the pipes of processes are among them */
    BIGHT_ITEM_TIMER = 4       /* a call at a deadline; connections' own timeouts are not among them */
};

struct bight_item {
    enum bight_item_kind kind;
    const char *place; /* where it was made, in debug mode; lives for ever. NULL: not known */
    struct bight_port *port;
    struct bight_transport *transport; /* its protocol is NULL while it is being established */
    struct bight_timer timer;          /* with its deadline: bight_timer_deadline */
    const void *reserved[4];
};

/* The item is borrowed until this returns. False ends the walk. */
typedef bool (*bight_item_function)(const struct bight_item *item, void *context);

/* Calls `function` with each item of these kinds (a sum of them): ports as they were opened, then connections, then
 * timers, the soonest first. What there is is listed before the first call, so the function may do anything but free
 * the reactor: what it ends before its turn is left out, what it begins is not in this walk. Takes time and memory that
 * grow with what there is, and changes nothing. Not only for debugging: a program that has not kept its connections
 * finds them so. 0, INVALID_ARGUMENT, WRONG_THREAD, or OUT_OF_MEMORY and then nothing was called. */
BIGHT_API int bight_reactor_walk(
    struct bight_reactor *reactor, unsigned kinds, bight_item_function function, void *context);

/* One line about it for a log: "connection 4 from 10.0.0.2:5000: open, 0 bytes to send". Returns the length that the
 * whole needs, as snprintf does. */
BIGHT_API size_t bight_item_describe(const struct bight_item *item, char *buffer, size_t size);

BIGHT_END

#endif
