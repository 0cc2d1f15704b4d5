/* SPDX-License-Identifier: MIT */
/* bight/sys/loop.h - a reactor's body: what waits for descriptors. libevent's is the one that ships.
 *
 * A watch is a piece of memory of ops->watch_size bytes, aligned as malloc's, that the owner provides (a connection
 * has it right behind itself), so that watching allocates nothing. Callbacks are level-triggered unless EDGE is asked
 * for: they are called again until the condition goes or the watch is removed. Removing is legal in any callback, and a
 * removed watch is not called any more, also when it was ready in the same poll. */
#ifndef BIGHT_SYS_LOOP_H
#define BIGHT_SYS_LOOP_H

#include <bight/reactor.h>
#include <bight/sys/system.h>

BIGHT_BEGIN

/* Added to what is waited for, where the loop's `edge` has them: the callback is called for news only (something has
 * come or become possible since the watch was added or the callback was called), and with CLOSED among what is ready
 * when the peer has sent its last. Errors are reported as READABLE and WRITABLE. All watches of a descriptor are of one
 * kind. The values are libevent's EV_ET and EV_CLOSED. */
#define BIGHT_EDGE 0x20
#define BIGHT_CLOSED 0x80

struct bight_loop;

/* Memory of a watch. Opaque; the real size is the loop's watch_size, which is at least this: what a connection still
 * needs when its watch has gone lies in the same memory. */
struct bight_watch;
#define BIGHT_MIN_WATCH (8 * sizeof(void *))

typedef void (*bight_watch_function)(int fd, short what, void *context);

struct bight_loop_ops {
    size_t size;       /* sizeof(struct bight_loop_ops) */
    size_t watch_size; /* at least BIGHT_MIN_WATCH; a watch is aligned as a pointer is, no more */
    /* Prepares a watch that is not yet added. `what` is READABLE or WRITABLE or both. Never fails. */
    void (*watch_init)(struct bight_loop *loop, struct bight_watch *watch, int fd, short what,
        bight_watch_function function, void *context);
    /* 0 or a code (OUT_OF_MEMORY, SYSTEM). Adding one that is added does nothing. */
    int (*watch_add)(struct bight_loop *loop, struct bight_watch *watch);
    /* Removing one that is not added does nothing. Must be done before the descriptor is closed. */
    void (*watch_remove)(struct bight_loop *loop, struct bight_watch *watch);
    bool (*watch_is_added)(struct bight_loop *loop, const struct bight_watch *watch);
    /* Calls the callbacks of what is ready. With `block`, waits for something first. 0 or a negative code. */
    int (*poll)(struct bight_loop *loop, bool block);
    /* Asks that `function` given to set_wakeup be called from the loop at `deadline` (UINT64_MAX: never), once. */
    int (*set_deadline)(struct bight_loop *loop, uint64_t deadline);
    /* Called once by the reactor: due(context) from the loop when the deadline has passed, and turn(context) when
     * activate was called. */
    void (*set_callbacks)(
        struct bight_loop *loop, void (*due)(void *context), void (*turn)(void *context), void *context);
    /* Makes the loop call turn(context) soon, without blocking before; for a reactor on a host's loop. */
    void (*activate)(struct bight_loop *loop);
    /* In the child of a fork: new kernel objects, the same watches. 0 or a code. */
    int (*after_fork)(struct bight_loop *loop);
    void (*free)(struct bight_loop *loop);
    const void *reserved[8];
};

struct bight_loop {
    const struct bight_loop_ops *ops;
    struct bight_system *system;
    short edge; /* BIGHT_EDGE | BIGHT_CLOSED where watches may have them, else 0 */
};

BIGHT_END

#endif
