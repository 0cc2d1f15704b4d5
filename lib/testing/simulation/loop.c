/* SPDX-License-Identifier: MIT */
/* loop.c - the loop's body on a simulated host: which watches are ready, and calling them.
 *
 * A watch stands in its descriptor's list and, while that is ready for it, in its loop's ready list: readiness is a
 * state, kept up by the descriptors, and a poll walks the list. Loop and table of calls are one allocation. A poll that
 * may block (bight_reactor_run) lets the world go on until something is ready here. Whose turn it is, and when, is
 * step.c's. */
#include <bight/log.h>

#include "reactor/reactor.h"
#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

_Static_assert(sizeof(struct bi_sim_watch) >= BIGHT_MIN_WATCH, "the least size of a watch");

static struct bi_sim_loop *self_of(struct bight_loop *loop)
{
    return (struct bi_sim_loop *)loop;
}

static struct bi_sim_watch *watch_of(const struct bight_watch *watch)
{
    return (struct bi_sim_watch *)(void *)(uintptr_t)watch;
}

/* ------------------------------------------------------------------------------------------- watches */

static void watch_init(struct bight_loop *loop, struct bight_watch *memory, int fd, short what,
    bight_watch_function function, void *context)
{
    struct bi_sim_watch *watch = watch_of(memory);
    *watch = (struct bi_sim_watch) {
        .loop = self_of(loop), .fd = fd, .what = what, .function = function, .context = context
    };
    bi_list_init(&watch->ready);
}

static int watch_add(struct bight_loop *loop_base, struct bight_watch *memory)
{
    struct bi_sim_loop *loop = self_of(loop_base);
    struct bi_sim_watch *watch = watch_of(memory);
    if (watch->of_loop.next != NULL) {
        return 0;
    }
    struct bi_sim_file *file = bi_sim_file_get(loop, watch->fd, "watch_add", __builtin_return_address(0));
    bi_sim_trace(loop->host, BI_SIM_watch, watch->fd, watch->what, 0);
    bi_list_append(&loop->watches, &watch->of_loop);
    bi_list_append(&file->watches, &watch->of_file);
    loop->watch_count++;
    if ((file->ready & (unsigned)watch->what) != 0) {
        bi_list_append(&loop->ready, &watch->ready);
    }
    return 0;
}

static void watch_remove(struct bight_loop *loop_base, struct bight_watch *memory)
{
    struct bi_sim_loop *loop = self_of(loop_base);
    struct bi_sim_watch *watch = watch_of(memory);
    if (watch->of_loop.next == NULL) {
        return;
    }
    bi_sim_trace(loop->host, BI_SIM_unwatch, watch->fd, watch->what, 0);
    bi_list_remove(&watch->of_loop);
    bi_list_remove(&watch->of_file);
    bi_list_remove(&watch->ready);
    watch->of_loop.next = NULL;
    loop->watch_count--;
}

static bool watch_is_added(struct bight_loop *loop, const struct bight_watch *memory)
{
    (void)loop;
    return watch_of(memory)->of_loop.next != NULL;
}

/* -------------------------------------------------------------------------------------------- polling */

static void call(struct bi_sim_loop *loop, struct bi_sim_watch *watch, unsigned what)
{
    bi_sim_trace(loop->host, BI_SIM_call, watch->fd, what, 0);
    watch->function(watch->fd, (short)what, watch->context);
}

/* A watch is told that it is ready when it is not. */
static void call_without_reason(struct bi_sim_loop *loop)
{
    size_t index = bi_sim_detail(loop->simulation, loop->watch_count);
    struct bi_link *link = loop->watches.next;
    if (link == &loop->watches) {
        return;
    }
    for (; index > 0; index--) {
        link = link->next;
    }
    struct bi_sim_watch *watch = BI_CONTAINER(link, struct bi_sim_watch, of_loop);
    call(loop, watch, (unsigned)watch->what & (BIGHT_READABLE | BIGHT_WRITABLE));
}

/* Moves each in turn behind the rest: n draws give any order. */
static void shuffle(struct bi_sim_loop *loop, struct bi_link *ring)
{
    struct bi_link shuffled;
    size_t count = 0;
    uint64_t order = bi_sim_detail(loop->simulation, UINT32_MAX) | 1;
    for (struct bi_link *link = ring->next; link != ring; link = link->next) {
        count++;
    }
    bi_list_init(&shuffled);
    for (; count > 0; count--) {
        order = order * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        struct bi_link *link = ring->next;
        for (size_t steps = (size_t)((order >> 33) % count); steps > 0; steps--) {
            link = link->next;
        }
        bi_list_remove(link);
        bi_list_append(&shuffled, link);
    }
    bi_list_take_all(ring, &shuffled);
}

/* What has become ready meanwhile waits for the next poll; what is not ready any more has left the ring. */
static void call_ready(struct bi_sim_loop *loop)
{
    struct bi_link polled;
    bi_list_take_all(&polled, &loop->ready);
    if (bi_sim_fault(loop->simulation, loop->host->kernel.shuffle, "shuffled readiness")) {
        shuffle(loop, &polled);
    }
    BI_LIST_EACH_TAKEN (link, &polled) {
        struct bi_sim_watch *watch = BI_CONTAINER(link, struct bi_sim_watch, ready);
        if ((watch->what & BIGHT_EDGE) == 0) {
            bi_list_append(&loop->ready, &watch->ready); /* the level: ready until it is not */
        }
        struct bi_sim_file *file = bi_sim_file_get(loop, watch->fd, "poll", NULL);
        call(loop, watch, (unsigned)watch->what & file->ready);
    }
}

/* Something is ready, or was deferred from outside its handlers. */
static bool has_events(const struct bi_sim_loop *loop)
{
    return loop->due || !bi_list_is_empty(&loop->ready) || bi_reactor_has_work_of_its_own(loop->reactor);
}

bool bi_sim_loop_has_work(const struct bi_sim_loop *loop)
{
    return loop->reactor != NULL && !loop->has_turn && (has_events(loop) || loop->wants_turn);
}

/* Inside run(): the others go on. When nothing can ever happen any more the loop would block for ever. */
static int wait_for_events(struct bi_sim_loop *loop)
{
    bool had_turn = loop->has_turn;
    loop->has_turn = true;
    bi_sim_check_invariants(loop);
    while (!has_events(loop)) {
        if (!bi_sim_step(loop->simulation, UINT64_MAX)) {
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
    struct bi_sim_loop *loop = self_of(loop_base);
    int code = block && !has_events(loop) ? wait_for_events(loop) : 0;
    if (loop->due) {
        loop->due = false;
        loop->on_due(loop->context);
    }
    if (!bi_list_is_empty(&loop->ready)) {
        call_ready(loop);
    }
    if (bi_sim_fault(loop->simulation, loop->host->kernel.spurious, "spurious readiness")) {
        call_without_reason(loop);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------ deadlines */

static void deadline_passed(struct bi_sim_event *event)
{
    BI_CONTAINER(event, struct bi_sim_loop, deadline)->due = true;
}

static int set_deadline(struct bight_loop *loop_base, uint64_t deadline)
{
    struct bi_sim_loop *loop = self_of(loop_base);
    bi_sim_trace(loop->host, BI_SIM_deadline, 0, (int64_t)deadline, 0);
    loop->due = false;
    if (deadline == UINT64_MAX) {
        bi_sim_event_disarm(&loop->deadline);
    } else {
        bi_sim_event_arm(&loop->deadline, deadline);
    }
    return 0;
}

static void set_callbacks(
    struct bight_loop *loop_base, void (*due)(void *context), void (*turn)(void *context), void *context)
{
    struct bi_sim_loop *loop = self_of(loop_base);
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

static void forget(struct bight_simulation *simulation, const struct bi_sim_loop *loop)
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
    struct bi_sim_loop *loop = self_of(loop_base);
    bi_sim_event_disarm(&loop->deadline);
    forget(loop->simulation, loop);
    bi_testing_plain_free(loop);
}

static const struct bight_loop_ops sim_loop_ops = {
    .size = sizeof(struct bight_loop_ops),
    .watch_size = sizeof(struct bi_sim_watch),
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
    struct bi_sim_loop **loops = bi_testing_plain_realloc(simulation->loops, room * sizeof *loops);
    simulation->loops = loops != NULL ? loops : simulation->loops;
    struct bi_sim_loop **order = bi_testing_plain_realloc(simulation->order, room * sizeof *order);
    simulation->order = order != NULL ? order : simulation->order;
    if (loops == NULL || order == NULL) {
        return false;
    }
    simulation->loop_room = room;
    return true;
}

struct bi_sim_loop *bi_sim_loop_new(struct bight_host *host)
{
    struct bight_simulation *simulation = host->simulation;
    struct bi_sim_loop *loop = make_room(simulation) ? bi_sim_allocate(sizeof *loop) : NULL;
    if (loop == NULL) {
        return NULL;
    }
    loop->loop.ops = &sim_loop_ops;
    loop->loop.system = &loop->system;
    loop->loop.edge = BIGHT_EDGE | BIGHT_CLOSED; /* as epoll has them: the transports must not need more */
    loop->system.ops = &bi_sim_system_ops;
    loop->simulation = simulation;
    loop->host = host;
    bi_list_init(&loop->ready);
    bi_list_init(&loop->watches);
    bi_sim_event_init(&loop->deadline, simulation, NULL, NULL, deadline_passed);
    simulation->loops[simulation->loop_count++] = loop;
    return loop;
}
