/* SPDX-License-Identifier: MIT */
/* reactor.h - the reactor's inside, for the rooms above it (transport, endpoint, service, testing).
 *
 * Every callback that runs from the loop is bracketed by bi_reactor_enter and bi_reactor_leave. The outermost
 * leave drains the afterwards queue: work that gathers during a handler (output) and is done once behind it. The
 * soon queue is for what must happen on a later turn. Both are intrusive and cannot fail. */
#ifndef BI_REACTOR_REACTOR_H
#define BI_REACTOR_REACTOR_H

#include <bight/reactor.h>
#include <bight/sys/loop.h>
#include <bight/sys/system.h>

#include <pthread.h>

#include "base/check.h"
#include "base/fork.h"
#include "base/list.h"
#include "base/private.h"
#include "reactor/attachment.h"
#include "reactor/meter.h"
#include "reactor/wheel.h"

/* Deferred work. queued is kept by the queue; a task is in one queue at most. */
struct bi_task {
    struct bi_task *next;
    void (*run)(struct bi_task *task); /* NULL: not queued */
};

struct bi_task_queue {
    struct bi_task *first, *last;
};

struct bight_reactor {
    struct bight_clock clock; /* first: a reactor is a clock */
    struct bight_system *system;
    struct bight_loop *loop;
    uint64_t foreign_numbers; /* bi_number_bit of whatever a program watches; perhaps of more */
    unsigned handler_depth;
    bool hosted;
    unsigned forks;      /* the count of forks of the process that owns it (R13) */
    unsigned forks_seen; /* bi_forks_seen when it was made */
    struct bi_task_queue afterwards;
    struct bi_task_queue soon;
    struct bi_attachment *attachments;
    struct bi_meter meter;
    struct bi_traffic traffic;
    struct bi_wheel wheel;
    uint64_t loop_deadline; /* the deadline that the loop has */
    bool timers_due;        /* run a timer pass on this turn */
    /* the rest is lib/reactor's own: see its files */
    struct bi_reactor_state *state;
};

/* R13: this is the child of a fork and has not said that it goes on, so what the kernel knows of the reactor is its
 * parent's alone. */
static inline bool bi_reactor_is_parents(const struct bight_reactor *reactor)
{
    return BI_UNLIKELY(reactor->forks != bi_fork_count);
}

/* There has been a fork since it was made: another process may have copies of its descriptors. */
static inline bool bi_reactor_may_be_shared(const struct bight_reactor *reactor)
{
    return BI_UNLIKELY(reactor->forks_seen != atomic_load_explicit(&bi_forks_seen, memory_order_relaxed));
}

static inline uint64_t bi_number_bit(int fd)
{
    return UINT64_C(1) << ((unsigned)fd & 63);
}

/* watch.c */
int bi_reactor_add_watch_among_foreign(struct bight_reactor *reactor, struct bight_watch *watch, int fd);

/* Adds a watch of `fd`, which is bight's own. A program that closed what it watched may have left the number to it:
 * that is looked for only when such a number is watched at all. 0 or a code. */
static inline int bi_reactor_add_watch(struct bight_reactor *reactor, struct bight_watch *watch, int fd)
{
    if (BI_UNLIKELY((reactor->foreign_numbers & bi_number_bit(fd)) != 0)) {
        return bi_reactor_add_watch_among_foreign(reactor, watch, fd);
    }
    return reactor->loop->ops->watch_add(reactor->loop, watch);
}

static inline void bi_task_push(struct bi_task_queue *queue, struct bi_task *task)
{
    task->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = task;
    } else {
        queue->first = task;
    }
    queue->last = task;
}

BI_PRIVATE_API void bi_reactor_drain_afterwards(struct bight_reactor *reactor);

/* The outermost is what the figures call a handler. `kind` lives for ever; the object is what debug mode knows the
 * place of (base/places.h), NULL when that is nothing. */
static inline void bi_reactor_enter_for(
    struct bight_reactor *reactor, const char *kind, const void *object, uint64_t generation)
{
    if (reactor->handler_depth++ > 0) {
        return;
    }
    struct bi_meter *meter = &reactor->meter;
    bi_meter_beat(meter);
    __atomic_store_n(&meter->kind, kind, __ATOMIC_RELAXED);
    if (meter->mark == 0) {
        bi_meter_begin(reactor, object, generation);
    }
}

static inline void bi_reactor_enter(struct bight_reactor *reactor)
{
    bi_reactor_enter_for(reactor, "handler", NULL, 0);
}

static inline void bi_reactor_leave(struct bight_reactor *reactor)
{
    if (--reactor->handler_depth > 0) {
        return;
    }
    if (reactor->afterwards.first != NULL) {
        bi_reactor_drain_afterwards(reactor);
    }
    bi_meter_beat(&reactor->meter);
    if (reactor->meter.is_timed) {
        bi_meter_stop(reactor);
    }
}

/* In a handler that began as a task: what it is in truth. */
void bi_reactor_name_handler(struct bight_reactor *reactor, const char *kind, const void *object, uint64_t generation);

/* Sees to it that a turn comes soon. On its own loop a turn follows each poll anyway: only a host's loop must be asked.
 * For watch callbacks that leave their work to the turn. */
static inline void bi_reactor_wake(struct bight_reactor *reactor)
{
    if (reactor->hosted) {
        reactor->loop->ops->activate(reactor->loop);
    }
}

/* run(task) after the outermost handler has returned; outside any handler at the start of the next turn. The task
 * must not be queued already. It is unqueued before it runs, and may queue itself again. */
static inline void bi_reactor_afterwards(
    struct bight_reactor *reactor, struct bi_task *task, void (*run)(struct bi_task *task))
{
    task->run = run;
    bi_task_push(&reactor->afterwards, task);
    if (BI_UNLIKELY(reactor->handler_depth == 0)) {
        bi_reactor_wake(reactor);
    }
}

/* run(task) on a later turn. */
BI_PRIVATE_API void bi_reactor_soon(
    struct bight_reactor *reactor, struct bi_task *task, void (*run)(struct bi_task *task));

/* Takes a queued task out again (linear in the queue; for rare paths). */
BI_PRIVATE_API void bi_reactor_unqueue(struct bight_reactor *reactor, struct bi_task *task);

/* The monotonic clock, read now. */
static inline uint64_t bi_reactor_now(struct bight_reactor *reactor)
{
    return reactor->system->ops->now(reactor->system);
}

/* Arms an embedded timer and sees to it that the loop wakes for it. Allocates nothing. The entry's function runs
 * bracketed as a handler. */
BI_PRIVATE_API void bi_reactor_arm(struct bight_reactor *reactor, struct bi_wheel_entry *entry, uint64_t deadline);
static inline void bi_reactor_disarm(struct bight_reactor *reactor, struct bi_wheel_entry *entry)
{
    bi_wheel_disarm(&reactor->wheel, entry);
}

/* What a handle of an armed call of bight_call_later and its kin points at; NULL for an embedded timer. For tests. */
BI_PRIVATE_API const struct bight_timer_slot *bi_reactor_call_of(const struct bi_wheel_entry *entry);

/* One turn, for run() and for tests that step: soon, calls from threads, timers, poll. */
BI_PRIVATE_API void bi_reactor_turn(struct bight_reactor *reactor, bool block);

/* In a before-trigger of a shutdown: what it has begun has a time of its own, so the shutdown waits as long, and a
 * second more for what follows from its end. */
void bi_reactor_await_longer(struct bight_reactor *reactor, double seconds);

/* True while a shutdown disconnects everything, and while the reactor is freed: nothing new is to begin then. */
bool bi_reactor_is_ending(const struct bight_reactor *reactor);

/* True while the reactor is freed. */
bool bi_reactor_is_freeing(const struct bight_reactor *reactor);

/* A stop has been asked for, of the present run. */
bool bi_reactor_is_asked_to_stop(const struct bight_reactor *reactor);

/* The option. */
unsigned bi_reactor_thread_limit(const struct bight_reactor *reactor);

/* True when something waits that a turn without blocking would do. */
BI_PRIVATE_API bool bi_reactor_has_work(const struct bight_reactor *reactor);
/* The same without calls that threads have queued: those wake the poll. */
BI_PRIVATE_API bool bi_reactor_has_work_of_its_own(const struct bight_reactor *reactor);

/* In debug builds reports a call from a wrong thread: WRONG_THREAD, else 0. In others it is nothing at all. */
#define bi_reactor_check_thread(reactor, what) bi_reactor_check_thread_at(BIGHT_HERE, (reactor), (what))
#ifdef BIGHT_DEBUG_CHECKS
int bi_reactor_check_thread_at(const char *place, const struct bight_reactor *reactor, const char *what);
#else
static inline int bi_reactor_check_thread_at(const char *place, const struct bight_reactor *reactor, const char *what)
{
    (void)place;
    (void)reactor;
    (void)what;
    return 0;
}
#endif

/* signals.c: the receivers of a signal. They know nothing of each other: all are called, in this order, and each takes
 * back its own. */
enum bi_signal_hearer {
    BI_SIGNAL_CHILDREN, /* before the program's own function, which may wait for whatever child there is */
    BI_SIGNAL_DUMP,
    BI_SIGNAL_PROGRAM, /* bight_on_signal; the only one that keeps run() from stopping */
    BI_SIGNAL_HEARERS
};
/* bight_on_signal for each of them. */
int bi_signals_hear(struct bight_reactor *reactor, enum bi_signal_hearer hearer, int number,
    bight_signal_function function, void *context);
/* An ignored SIGCHLD, as this program's parent may have left it, gets its default: ignored, the kernel itself would
 * reap children, and their status could not be had. True: it was ignored. */
bool bi_signals_heed_children(void);

/* For what the reactor would keep: as check_thread, and SHUTDOWN while it is freed. */
#define bi_reactor_check_use(reactor, what) bi_reactor_check_use_at(BIGHT_HERE, (reactor), (what))
int bi_reactor_check_use_at(const char *place, const struct bight_reactor *reactor, const char *what);

/* Which libevent runs: "2.1.12-stable". Lives for ever. */
const char *bi_libevent_version(void);

#endif
