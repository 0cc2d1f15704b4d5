/* SPDX-License-Identifier: MIT */
/* loop.c - the loop's body on a simulated host: which watches are ready, and calling them.
 *
 * A watch stands in its descriptor's list and, while that is ready for it, in its loop's ready list: readiness is a
 * state, kept up by the descriptors, and a poll walks the list. Loop and table of calls are one allocation. A poll that
 * may block (bight_reactor_run) lets the world go on until something is ready here. */
#include <bight/log.h>

#include "reactor/reactor.h"
#include "testing/simulation/simulation.h"
#include "testing/kit/testing.h"

_Static_assert(sizeof(struct bight_sim_watch) >= BIGHT_LEAST_WATCH, "the least size of a watch");

static struct bight_sim_loop *self_of(struct bight_loop *loop)
{
    return (struct bight_sim_loop *)loop;
}

static struct bight_sim_watch *watch_of(const struct bight_watch *watch)
{
    return (struct bight_sim_watch *)(void *)(uintptr_t)watch;
}

/* ------------------------------------------------------------------------------------------- watches */

static void watch_init(struct bight_loop *loop, struct bight_watch *memory, int fd, short what,
    bight_watch_function function, void *context)
{
    struct bight_sim_watch *watch = watch_of(memory);
    *watch = (struct bight_sim_watch) {
        .loop = self_of(loop), .fd = fd, .what = what, .function = function, .context = context
    };
    bight_list_init(&watch->ready);
}

static int watch_add(struct bight_loop *loop_base, struct bight_watch *memory)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    struct bight_sim_watch *watch = watch_of(memory);
    if (watch->of_loop.next != NULL) {
        return 0;
    }
    struct bight_sim_file *file = bight_sim_file_get(loop, watch->fd, "watch_add", __builtin_return_address(0));
    bight_sim_trace(loop->host, BIGHT_SIM_watch, watch->fd, watch->what, 0);
    bight_list_append(&loop->watches, &watch->of_loop);
    bight_list_append(&file->watches, &watch->of_file);
    loop->watch_count++;
    if ((file->ready & (unsigned)watch->what) != 0) {
        bight_list_append(&loop->ready, &watch->ready);
    }
    return 0;
}

static void watch_remove(struct bight_loop *loop_base, struct bight_watch *memory)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    struct bight_sim_watch *watch = watch_of(memory);
    if (watch->of_loop.next == NULL) {
        return;
    }
    bight_sim_trace(loop->host, BIGHT_SIM_unwatch, watch->fd, watch->what, 0);
    bight_list_remove(&watch->of_loop);
    bight_list_remove(&watch->of_file);
    bight_list_remove(&watch->ready);
    watch->of_loop.next = NULL;
    loop->watch_count--;
}

static bool watch_is_added(struct bight_loop *loop, const struct bight_watch *memory)
{
    (void)loop;
    return watch_of(memory)->of_loop.next != NULL;
}

/* -------------------------------------------------------------------------------------------- polling */

static void call(struct bight_sim_loop *loop, struct bight_sim_watch *watch, unsigned what)
{
    bight_sim_trace(loop->host, BIGHT_SIM_call, watch->fd, what, 0);
    watch->function(watch->fd, (short)what, watch->context);
}

/* A watch is told that it is ready when it is not. */
static void call_without_reason(struct bight_sim_loop *loop)
{
    size_t index = bight_sim_detail(loop->simulation, loop->watch_count);
    struct bight_link *link = loop->watches.next;
    if (link == &loop->watches) {
        return;
    }
    for (; index > 0; index--) {
        link = link->next;
    }
    struct bight_sim_watch *watch = BIGHT_CONTAINER(link, struct bight_sim_watch, of_loop);
    call(loop, watch, (unsigned)watch->what & (BIGHT_READABLE | BIGHT_WRITABLE));
}

/* Moves each in turn behind the rest: n draws give any order. */
static void shuffle(struct bight_sim_loop *loop, struct bight_link *ring)
{
    struct bight_link shuffled;
    size_t count = 0;
    uint64_t order = bight_sim_detail(loop->simulation, UINT32_MAX) | 1;
    for (struct bight_link *link = ring->next; link != ring; link = link->next) {
        count++;
    }
    bight_list_init(&shuffled);
    for (; count > 0; count--) {
        order = order * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        struct bight_link *link = ring->next;
        for (size_t steps = (size_t)((order >> 33) % count); steps > 0; steps--) {
            link = link->next;
        }
        bight_list_remove(link);
        bight_list_append(&shuffled, link);
    }
    bight_list_take_all(ring, &shuffled);
}

/* What has become ready meanwhile waits for the next poll; what is not ready any more has left the ring. */
static void call_ready(struct bight_sim_loop *loop)
{
    struct bight_link polled;
    bight_list_take_all(&polled, &loop->ready);
    if (bight_sim_fault(loop->simulation, loop->host->kernel.shuffle, "shuffled readiness")) {
        shuffle(loop, &polled);
    }
    while (!bight_list_is_empty(&polled)) {
        struct bight_sim_watch *watch = BIGHT_CONTAINER(polled.next, struct bight_sim_watch, ready);
        bight_list_remove(&watch->ready);
        if ((watch->what & BIGHT_EDGE) == 0) {
            bight_list_append(&loop->ready, &watch->ready); /* the level: ready until it is not */
        }
        struct bight_sim_file *file = bight_sim_file_get(loop, watch->fd, "poll", NULL);
        call(loop, watch, (unsigned)watch->what & file->ready);
    }
}

/* Something is ready, or was put off from outside its handlers. */
static bool has_events(const struct bight_sim_loop *loop)
{
    return loop->due || !bight_list_is_empty(&loop->ready) || bight_reactor_has_work_of_its_own(loop->reactor);
}

bool bight_sim_loop_has_work(const struct bight_sim_loop *loop)
{
    return loop->reactor != NULL && !loop->has_turn && (has_events(loop) || loop->wants_turn);
}

/* Inside run(): the others go on. When nothing can ever happen any more the loop would block for ever. */
static int wait_for_events(struct bight_sim_loop *loop)
{
    bool had_turn = loop->has_turn;
    loop->has_turn = true;
    while (!has_events(loop)) {
        if (!bight_sim_step(loop->simulation, UINT64_MAX)) {
            loop->has_turn = had_turn;
            bight_log(BIGHT_LOG_ERROR, "simulation", NULL, "a reactor waits and nothing will ever happen");
            return BIGHT_E_SHUTDOWN;
        }
    }
    loop->has_turn = had_turn;
    return 0;
}

static int poll_watches(struct bight_loop *loop_base, bool block)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    int code = block && !has_events(loop) ? wait_for_events(loop) : 0;
    if (loop->due) {
        loop->due = false;
        loop->on_due(loop->context);
    }
    if (!bight_list_is_empty(&loop->ready)) {
        call_ready(loop);
    }
    if (bight_sim_fault(loop->simulation, loop->host->kernel.spurious, "spurious readiness")) {
        call_without_reason(loop);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------ deadlines */

static void deadline_passed(struct bight_sim_event *event)
{
    BIGHT_CONTAINER(event, struct bight_sim_loop, deadline)->due = true;
}

static int set_deadline(struct bight_loop *loop_base, uint64_t deadline)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    bight_sim_trace(loop->host, BIGHT_SIM_deadline, 0, (int64_t)deadline, 0);
    loop->due = false;
    if (deadline == UINT64_MAX) {
        bight_sim_event_disarm(&loop->deadline);
    } else {
        bight_sim_event_arm(&loop->deadline, deadline);
    }
    return 0;
}

static void set_callbacks(
    struct bight_loop *loop_base, void (*due)(void *context), void (*turn)(void *context), void *context)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    (void)turn; /* only guests on a host's loop are called for turns */
    loop->on_due = due;
    loop->context = context;
}

static void activate(struct bight_loop *loop)
{
    (void)loop;
}

static int after_fork(struct bight_loop *loop)
{
    (void)loop;
    return BIGHT_E_NOT_SUPPORTED;
}

/* --------------------------------------------------------------------------------- making and ending */

static void forget(struct bight_simulation *simulation, const struct bight_sim_loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < simulation->loop_count; i++) {
        if (simulation->loops[i] != loop) {
            simulation->loops[kept++] = simulation->loops[i];
        }
    }
    simulation->loop_count = kept;
    for (size_t i = 0; i < simulation->order_count; i++) {
        if (simulation->order[i] == loop) {
            simulation->order[i] = NULL;
        }
    }
}

static void free_loop(struct bight_loop *loop_base)
{
    struct bight_sim_loop *loop = self_of(loop_base);
    bight_sim_event_disarm(&loop->deadline);
    forget(loop->simulation, loop);
    bight_testing_plain_free(loop);
}

static const struct bight_loop_ops sim_loop_ops = {
    .size = sizeof(struct bight_loop_ops),
    .watch_size = sizeof(struct bight_sim_watch),
    .watch_init = watch_init,
    .watch_add = watch_add,
    .watch_remove = watch_remove,
    .watch_is_added = watch_is_added,
    .poll = poll_watches,
    .set_deadline = set_deadline,
    .set_callbacks = set_callbacks,
    .activate = activate,
    .after_fork = after_fork,
    .free = free_loop,
};

/* Room in both arrays for one loop more. */
static bool make_room(struct bight_simulation *simulation)
{
    if (simulation->loop_count < simulation->loop_room) {
        return true;
    }
    size_t room = simulation->loop_room * 2 + 4;
    struct bight_sim_loop **loops = bight_testing_plain_realloc(simulation->loops, room * sizeof *loops);
    simulation->loops = loops != NULL ? loops : simulation->loops;
    struct bight_sim_loop **order = bight_testing_plain_realloc(simulation->order, room * sizeof *order);
    simulation->order = order != NULL ? order : simulation->order;
    if (loops == NULL || order == NULL) {
        return false;
    }
    simulation->loop_room = room;
    return true;
}

struct bight_sim_loop *bight_sim_loop_new(struct bight_host *host)
{
    struct bight_simulation *simulation = host->simulation;
    struct bight_sim_loop *loop = make_room(simulation) ? bight_sim_allocate(sizeof *loop) : NULL;
    if (loop == NULL) {
        return NULL;
    }
    loop->loop.ops = &sim_loop_ops;
    loop->loop.system = &loop->system;
    loop->loop.edge = BIGHT_EDGE | BIGHT_CLOSED; /* as epoll has them: the transports must not need more */
    loop->system.ops = &bight_sim_system_ops;
    loop->simulation = simulation;
    loop->host = host;
    bight_list_init(&loop->ready);
    bight_list_init(&loop->watches);
    bight_sim_event_init(&loop->deadline, simulation, NULL, NULL, deadline_passed);
    simulation->loops[simulation->loop_count++] = loop;
    return loop;
}
