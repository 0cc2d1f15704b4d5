/* SPDX-License-Identifier: MIT */
/* virtual.c - the testing reactor: a system whose clock is a variable, and a loop that watches nothing.
 *
 * Everything else is the production reactor. The system is the kernel's table with the clock replaced and with calls
 * that would reach a network or a file refused, so that a test that forgets itself fails instead of touching the
 * machine. Eventfds stay real: other threads may wake a testing reactor too. Loop and system are one allocation, freed
 * by the loop's free. The one idea: time passes only in pass_time(), which tells the reactor at once, and in
 * bight_testing_hold_up(), which does not. */
#include <bight/memory.h>
#include <bight/sys/loop.h>

#include <errno.h>
#include <poll.h>

#include "base/check.h"
#include "base/moment.h"
#include "reactor/reactor.h"
#include "service/main.h"
#include "testing/kit/testing.h"
#include "transport/invariants.h"

#define FIRST_MOMENT BIGHT_NANOSECONDS_PER_SECOND
#define EPOCH_SECONDS UINT64_C(1000000000) /* the wall clock's time when the virtual one shows zero */
#define TURNS_AT_ONE_MOMENT 1000
#define MAX_AWAITED 8
#define CHECKED_PER_TURN 32 /* connections; of more the invariants are looked at when the turns are over */

struct virtual_watch {
    struct bi_link link; /* next == NULL: not added */
    int fd;
    short what;
    bight_watch_function function;
    void *context;
    uint64_t rest[3]; /* a watch has its least size, and is aligned as a pointer is */
};
_Static_assert(sizeof(struct virtual_watch) >= BIGHT_MIN_WATCH, "the least size of a watch");

struct virtual_world {
    struct bight_loop loop; /* first */
    struct bight_system system;
    struct bight_system_ops calls;
    uint64_t now;
    uint64_t deadline; /* UINT64_MAX: none was asked for */
    struct bi_link watches;
    void (*due)(void *context);
    void *reactor;                      /* the context of `due` */
    struct bi_testing_sockets *sockets; /* NULL: there are none */
};

static inline struct virtual_world *world_of_loop(struct bight_loop *loop)
{
    return (struct virtual_world *)loop;
}

static inline struct virtual_world *world_of_system(struct bight_system *system)
{
    return BI_CONTAINER(system, struct virtual_world, system);
}

/* ------------------------------------------------------------------------------------------- system */

static uint64_t virtual_now(struct bight_system *system)
{
    return world_of_system(system)->now;
}

static uint64_t virtual_wall_time(struct bight_system *system)
{
    return EPOCH_SECONDS * BIGHT_NANOSECONDS_PER_SECOND + world_of_system(system)->now;
}

static int no_socket(struct bight_system *system, int domain, int type, int protocol)
{
    (void)system;
    (void)domain;
    (void)type;
    (void)protocol;
    return -ENETDOWN;
}

static int no_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    (void)fd;
    (void)address;
    (void)size;
    return -ENETDOWN;
}

static int no_listen(struct bight_system *system, int fd, int backlog)
{
    (void)system;
    (void)fd;
    (void)backlog;
    return -ENETDOWN;
}

static int no_accept(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    (void)system;
    (void)fd;
    (void)address;
    (void)size;
    (void)flags;
    return -ENETDOWN;
}

static int no_open(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    (void)system;
    (void)path;
    (void)flags;
    (void)mode;
    return -EACCES;
}

static int no_unlink(struct bight_system *system, const char *path)
{
    (void)system;
    (void)path;
    return -EACCES;
}

static int no_chmod(struct bight_system *system, const char *path, mode_t mode)
{
    (void)system;
    (void)path;
    (void)mode;
    return -EACCES;
}

static int no_timerfd(struct bight_system *system)
{
    (void)system;
    return -ENOSYS;
}

static void init_system(struct virtual_world *world)
{
    world->calls = *bight_system_real()->ops;
    world->calls.now = virtual_now;
    world->calls.wall_time = virtual_wall_time;
    world->calls.socket = no_socket;
    world->calls.bind = no_bind;
    world->calls.connect = no_bind;
    world->calls.listen = no_listen;
    world->calls.accept4 = no_accept;
    world->calls.open = no_open;
    world->calls.unlink = no_unlink;
    world->calls.chmod = no_chmod;
    world->calls.timerfd_create = no_timerfd;
    world->system.ops = &world->calls;
}

/* --------------------------------------------------------------------------------------------- loop */

static void watch_init(struct bight_loop *loop, struct bight_watch *memory, int fd, short what,
    bight_watch_function function, void *context)
{
    struct virtual_watch *watch = (struct virtual_watch *)(void *)memory;
    (void)loop;
    *watch = (struct virtual_watch) { .fd = fd, .what = what, .function = function, .context = context };
}

static bool watch_is_added(struct bight_loop *loop, const struct bight_watch *memory)
{
    (void)loop;
    return ((const struct virtual_watch *)(const void *)memory)->link.next != NULL;
}

static void tell_sockets(struct virtual_world *world, int fd)
{
    if (fd >= BI_TESTING_FIRST_SOCKET && world->sockets != NULL) {
        world->sockets->watched(world->sockets, fd);
    }
}

static int watch_add(struct bight_loop *loop, struct bight_watch *memory)
{
    struct virtual_watch *watch = (struct virtual_watch *)(void *)memory;
    if (!watch_is_added(loop, memory)) {
        bi_list_append(&world_of_loop(loop)->watches, &watch->link);
        tell_sockets(world_of_loop(loop), watch->fd);
    }
    return 0;
}

static void watch_remove(struct bight_loop *loop, struct bight_watch *memory)
{
    struct virtual_watch *watch = (struct virtual_watch *)(void *)memory;
    if (watch_is_added(loop, memory)) {
        bi_list_remove(&watch->link);
        watch->link.next = NULL;
        tell_sockets(world_of_loop(loop), watch->fd);
    }
}

short bi_testing_watched(struct bight_reactor *reactor, int fd)
{
    const struct bi_link *watches = &world_of_loop(reactor->loop)->watches;
    short what = 0;
    for (struct bi_link *link = watches->next; link != watches; link = link->next) {
        const struct virtual_watch *watch = BI_CONTAINER(link, struct virtual_watch, link);
        what |= watch->fd == fd ? watch->what : 0;
    }
    return what;
}

void bi_testing_call_watch(struct bight_reactor *reactor, int fd, short what)
{
    const struct bi_link *watches = &world_of_loop(reactor->loop)->watches;
    for (struct bi_link *link = watches->next; link != watches; link = link->next) {
        const struct virtual_watch *watch = BI_CONTAINER(link, struct virtual_watch, link);
        if (watch->fd == fd && (watch->what & what) != 0) {
            watch->function(fd, what, watch->context);
            return; /* the list may be another now */
        }
    }
}

static void call_if_due(struct virtual_world *world)
{
    if (world->deadline <= world->now) {
        world->deadline = UINT64_MAX;
        world->due(world->reactor);
    }
}

/* Nothing of the virtual world is left to happen: only another thread, or a signal, can go on. */
static int wait_for_threads(struct virtual_world *world)
{
    struct pollfd waited[MAX_AWAITED];
    struct virtual_watch *watches[MAX_AWAITED];
    nfds_t count = 0;
    for (struct bi_link *link = world->watches.next; link != &world->watches && count < MAX_AWAITED;
         link = link->next) {
        struct virtual_watch *watch = BI_CONTAINER(link, struct virtual_watch, link);
        if (watch->fd < BI_TESTING_FIRST_SOCKET) {
            watches[count] = watch;
            waited[count] = (struct pollfd) { watch->fd, POLLIN, 0 };
            count++;
        }
    }
    if (poll(waited, count, -1) <= 0) {
        return 0; /* interrupted: by a signal, whose waker is readable next time */
    }
    for (nfds_t i = 0; i < count; i++) {
        if (waited[i].revents != 0) {
            watches[i]->function(watches[i]->fd, BIGHT_READABLE, watches[i]->context);
            break; /* the callback may have removed others */
        }
    }
    return 0;
}

/* A loop that may block lets the time jump: there is nothing else to wait for. */
static int virtual_poll(struct bight_loop *loop, bool block)
{
    struct virtual_world *world = world_of_loop(loop);
    if (block && world->deadline == UINT64_MAX) {
        return wait_for_threads(world);
    }
    if (block && world->deadline > world->now) {
        world->now = world->deadline;
    }
    call_if_due(world);
    return 0;
}

static int set_deadline(struct bight_loop *loop, uint64_t deadline)
{
    world_of_loop(loop)->deadline = deadline;
    return 0;
}

static void set_callbacks(
    struct bight_loop *loop, void (*due)(void *context), void (*turn)(void *context), void *context)
{
    struct virtual_world *world = world_of_loop(loop);
    (void)turn; /* only guests on a host's loop are called for turns */
    world->due = due;
    world->reactor = context;
}

static void activate(struct bight_loop *loop)
{
    (void)loop;
}

static int after_fork(struct bight_loop *loop)
{
    (void)loop;
    return 0;
}

/* The reactor that this thread made last, and its loop. */
static _Thread_local struct {
    struct bight_reactor *reactor;
    const struct bight_loop *loop;
} latest;

static void free_world(struct bight_loop *loop)
{
    if (latest.loop == loop) {
        latest.reactor = NULL;
        latest.loop = NULL;
    }
    bight_free(world_of_loop(loop));
}

static const struct bight_loop_ops virtual_loop_ops = {
    .size = sizeof(struct bight_loop_ops),
    .watch_size = sizeof(struct virtual_watch),
    .watch_init = watch_init,
    .watch_add = watch_add,
    .watch_remove = watch_remove,
    .watch_is_added = watch_is_added,
    .poll = virtual_poll,
    .set_deadline = set_deadline,
    .set_callbacks = set_callbacks,
    .activate = activate,
    .after_fork = after_fork,
    .free = free_world,
};

/* ------------------------------------------------------------------------------------------ reactor */

struct bi_testing_sockets *bi_testing_sockets_of(struct bight_system *system)
{
    return world_of_system(system)->sockets;
}

struct bight_reactor *bi_testing_reactor_with(struct bi_testing_sockets *sockets)
{
    struct virtual_world *world = bight_calloc(1, sizeof *world);
    if (world == NULL) {
        return NULL;
    }
    init_system(world);
    world->sockets = sockets;
    if (sockets != NULL) {
        sockets->replace(&world->calls);
    }
    world->loop.ops = &virtual_loop_ops;
    world->loop.system = &world->system;
    world->now = FIRST_MOMENT;
    world->deadline = UINT64_MAX;
    bi_list_init(&world->watches);
    struct bight_reactor_options options = {
        .size = sizeof options,
        .system = &world->system,
        .loop = &world->loop,
        .leave_signals = true,
    };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    if (reactor != NULL) {
        latest.reactor = reactor;
        latest.loop = &world->loop;
    }
    return reactor;
}

struct bight_reactor *bight_testing_reactor_new(void)
{
    return bi_testing_reactor_with(NULL);
}

struct bight_reactor *bight_testing_reactor(void)
{
    return latest.reactor;
}

/* Its world, if it is a testing reactor between turns; else NULL and a usage error. */
static bool is_virtual(const struct bight_reactor *reactor, const char *function)
{
    if (reactor->loop->ops == &virtual_loop_ops) {
        return true;
    }
    (void)bi_usage_error(BIGHT_E_NOT_SUPPORTED, BIGHT_HERE, "%s: it is no testing reactor", function);
    return false;
}

static struct virtual_world *world_of(struct bight_reactor *reactor, const char *function)
{
    if (!is_virtual(reactor, function)) {
        return NULL;
    }
    if (reactor->handler_depth > 0) {
        (void)bi_usage_error(BIGHT_E_ALREADY_RUNNING, BIGHT_HERE, "%s: called inside a handler", function);
        return NULL;
    }
    return world_of_loop(reactor->loop);
}

static void pass_time(struct virtual_world *world, uint64_t moment)
{
    world->now = moment > world->now ? moment : world->now;
    call_if_due(world);
}

/* The wheel may name an earlier moment, at which it only sorts: it is led there, by which nothing fires. */
bool bi_testing_next_deadline(struct bi_wheel *wheel, uint64_t last, uint64_t *deadline)
{
    uint64_t next = bi_wheel_next(wheel);
    while (next != UINT64_MAX && next <= last) {
        bi_wheel_begin(wheel, next);
        if (bi_wheel_is_due(wheel, next)) {
            *deadline = next;
            return true;
        }
        next = bi_wheel_next(wheel);
    }
    return false;
}

size_t bi_testing_settle_quietly(struct bight_reactor *reactor, size_t limit)
{
    size_t turns = 0;
    if (reactor->handler_depth > 0) {
        return 0;
    }
    while (turns < limit && (bi_reactor_has_work(reactor) || reactor->loop_deadline <= bi_reactor_now(reactor))) {
        bi_reactor_turn(reactor, false);
        turns++;
        if (reactor->traffic.open <= CHECKED_PER_TURN) {
            bi_invariants_check(reactor, true);
        }
    }
    bi_invariants_check(reactor, true);
    return turns;
}

size_t bight_testing_settle(struct bight_reactor *reactor, size_t limit)
{
    return world_of(reactor, "bight_testing_settle") == NULL ? 0 : bi_testing_settle_quietly(reactor, limit);
}

/* False, reported, for what is no span of time. */
static bool read_span(double seconds, const char *function, uint64_t *nanoseconds)
{
    if (bight_seconds_to_nanoseconds(seconds, nanoseconds) == 0) {
        return true;
    }
    (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "%s: " BI_BAD_SECONDS, function);
    return false;
}

void bight_testing_advance(struct bight_reactor *reactor, double seconds)
{
    uint64_t nanoseconds;
    uint64_t deadline;
    struct virtual_world *world = world_of(reactor, "bight_testing_advance");
    if (world == NULL || !read_span(seconds, "bight_testing_advance", &nanoseconds)) {
        return;
    }
    uint64_t end = bi_moment_after(world->now, nanoseconds);
    (void)bi_testing_settle_quietly(reactor, TURNS_AT_ONE_MOMENT);
    while (bi_testing_next_deadline(&reactor->wheel, end, &deadline) && deadline > world->now) {
        pass_time(world, deadline);
        (void)bi_testing_settle_quietly(reactor, TURNS_AT_ONE_MOMENT);
    }
    pass_time(world, end);
    bi_reactor_turn(reactor, false);
    (void)bi_testing_settle_quietly(reactor, TURNS_AT_ONE_MOMENT);
}

void bight_testing_hold_up(struct bight_reactor *reactor, double seconds)
{
    uint64_t nanoseconds;
    if (!is_virtual(reactor, "bight_testing_hold_up") || !read_span(seconds, "bight_testing_hold_up", &nanoseconds)) {
        return;
    }
    struct virtual_world *world = world_of_loop(reactor->loop);
    world->now = bi_moment_after(world->now, nanoseconds);
}

void bight_testing_pump(struct bight_reactor *reactor, const double *seconds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bight_testing_advance(reactor, seconds[i]);
    }
}

int bight_testing_main(bight_main_function function, int argc, char **argv)
{
    return bi_main_in(bight_testing_reactor_new(), function, NULL, argc, argv);
}

int bight_testing_main_coroutine(bight_main_body body, int argc, char **argv)
{
    return bi_main_in(bight_testing_reactor_new(), NULL, body, argc, argv);
}

bool bight_testing_jump(struct bight_reactor *reactor)
{
    uint64_t deadline;
    struct virtual_world *world = world_of(reactor, "bight_testing_jump");
    if (world == NULL || !bi_testing_next_deadline(&reactor->wheel, UINT64_MAX, &deadline)) {
        return false;
    }
    pass_time(world, deadline);
    (void)bi_testing_settle_quietly(reactor, TURNS_AT_ONE_MOMENT);
    return true;
}
