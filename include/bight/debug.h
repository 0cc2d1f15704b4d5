/* SPDX-License-Identifier: MIT */
/* bight/debug.h - a picture of what waits for what.
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
 * no more. What the program or run() does at that signal is done besides. The codes of bight_on_signal. */
BIGHT_API int bight_debug_dump_on_signal(
    struct bight_reactor *reactor, int number, enum bight_dump_format format, const char *path);

BIGHT_END

#endif
