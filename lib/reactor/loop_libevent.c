/* SPDX-License-Identifier: MIT */
/* loop_libevent.c - the loop's body that ships: libevent waits for descriptors, a timerfd for the nearest deadline.
 *
 * A watch is a struct event, and the owner's function is handed to libevent as it is, so a ready descriptor costs
 * libevent's dispatch and nothing more. Deadlines do not use libevent's timers, which are milliseconds late: one
 * timerfd is watched like any descriptor and set when the nearest deadline changes. Where there is no timerfd a
 * libevent timer does its work. The base is the loop's own or, for a guest, the host's (borrowed). */
#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <stdatomic.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/fork.h"
#include "reactor/state.h"
#include "system/descriptor.h"

_Static_assert(BIGHT_READABLE == EV_READ && BIGHT_WRITABLE == EV_WRITE, "a watch's `what` is libevent's");
_Static_assert(BIGHT_EDGE == EV_ET && BIGHT_CLOSED == EV_CLOSED, "a watch's `what` is libevent's");
_Static_assert(sizeof(evutil_socket_t) == sizeof(int), "libevent calls a bight_watch_function as it is");
_Static_assert(sizeof(struct event) >= 64, "the least size of a watch");

struct libevent_loop {
    struct bight_loop loop; /* first */
    struct bight_loop_ops ops;
    struct event_base *base;
    bool hosted;
    unsigned forks;           /* the count of forks of the process whose the kernel's objects are */
    int highest;              /* of the descriptors that libevent found for its base */
    int timer_fd;             /* -1: libevent's timers are used */
    struct event timer_event; /* the timerfd is readable, or libevent's timer fired */
    struct event turn_event;
    void (*due)(void *context);
    void (*turn)(void *context);
    void *context;
};

static inline struct libevent_loop *self(struct bight_loop *loop)
{
    return (struct libevent_loop *)loop;
}

static inline struct event *event_of(struct bight_watch *watch)
{
    return (struct event *)(void *)watch;
}

/* The code for a failed call of libevent, which leaves errno where the kernel set one. */
static int libevent_error(void)
{
    return errno != 0 ? bight_error_from_errno(errno) : BIGHT_E_OUT_OF_MEMORY;
}

/* ------------------------------------------------------------------------------------------ forking */

/* epoll's, a timer's, and a pair for signals. */
enum { DESCRIPTORS_OF_A_BASE = 4 };

static void open_timer(struct libevent_loop *loop);
static void watch_timer(struct libevent_loop *loop);
static void unwatch_timer(struct libevent_loop *loop);

/* libevent ends the process when it finds no descriptors. It closes those that it has before it takes others, so
 * there are enough where the limit has not sunk below their numbers; else it is asked only when there are others. */
static int renew_base(struct libevent_loop *loop)
{
    struct bi_room room;
    int number = bi_room_begin(&room, DESCRIPTORS_OF_A_BASE);
    int code = number != 0 && !bi_room_allows(loop->highest) ? bight_error_from_errno(number) : 0;
    if (code == 0) {
        errno = 0;
        code = event_reinit(loop->base) == 0 ? 0 : libevent_error();
    }
    bi_room_end(&room);
    return code;
}

/* In the child of a fork: kernel objects of its own, with the same watches. First of all the base: until then removing
 * an event would remove it from the parent's epoll. A host does that itself. */
static int separate(struct libevent_loop *loop)
{
    int code = loop->hosted ? 0 : renew_base(loop);
    if (code != 0) {
        return code;
    }
    loop->forks = bi_fork_count;
    unwatch_timer(loop);
    open_timer(loop);
    watch_timer(loop);
    return 0;
}

static int after_fork(struct bight_loop *loop)
{
    return separate(self(loop));
}

static bool is_parents(const struct libevent_loop *loop)
{
    return BI_UNLIKELY(loop->forks != bi_fork_count);
}

/* Before the kernel is told of a watch (R13): a child that has not said so may put its things away, too. */
static void keep_apart(struct libevent_loop *loop)
{
    if (is_parents(loop) && !loop->hosted) {
        (void)separate(loop);
    }
}

/* ------------------------------------------------------------------------------------------ watches */

static void watch_init(struct bight_loop *loop, struct bight_watch *watch, int fd, short what,
    bight_watch_function function, void *context)
{
    (void)event_assign(event_of(watch), self(loop)->base, fd, (short)(what | EV_PERSIST), function, context);
}

/* epoll_ctl(2): EPERM is for what cannot be waited for, a regular file say, and has nothing to do with permissions. */
static int add_event(struct event *event)
{
    errno = 0;
    if (event_add(event, NULL) == 0) {
        return 0;
    }
    return errno == EPERM ? BIGHT_E_NOT_SUPPORTED : libevent_error();
}

static int watch_add(struct bight_loop *loop, struct bight_watch *watch)
{
    keep_apart(self(loop));
    return add_event(event_of(watch));
}

static void watch_remove(struct bight_loop *loop, struct bight_watch *watch)
{
    keep_apart(self(loop));
    (void)event_del(event_of(watch));
}

static bool watch_is_added(struct bight_loop *loop, const struct bight_watch *watch)
{
    (void)loop;
    return event_pending((const struct event *)(const void *)watch, EV_READ | EV_WRITE, NULL) != 0;
}

static int poll_events(struct bight_loop *loop, bool block)
{
    /* ONCE in either case: NONBLOCK alone goes on polling for as long as anything is ready. */
    int flags = EVLOOP_NO_EXIT_ON_EMPTY | EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK);
    errno = 0;
    return event_base_loop(self(loop)->base, flags) < 0 ? libevent_error() : 0;
}

/* ---------------------------------------------------------------------------------------- deadlines */

static void timer_fired(evutil_socket_t fd, short what, void *context)
{
    struct libevent_loop *loop = context;
    (void)fd;
    (void)what;
    /* The timerfd is not read: telling it the next deadline makes it unreadable, and due() leads to that. */
    loop->due(loop->context);
}

static int set_libevent_timer(struct libevent_loop *loop, uint64_t deadline)
{
    if (deadline == UINT64_MAX) {
        (void)event_del(&loop->timer_event);
        return 0;
    }
    uint64_t now = loop->loop.system->ops->now(loop->loop.system);
    uint64_t microseconds = deadline > now ? (deadline - now - 1) / 1000 + 1 : 0;
    struct timeval delay = { .tv_sec = (time_t)(microseconds / 1000000),
        .tv_usec = (suseconds_t)(microseconds % 1000000) };
    errno = 0;
    return event_add(&loop->timer_event, &delay) == 0 ? 0 : libevent_error();
}

static int set_deadline(struct bight_loop *loop_base, uint64_t deadline)
{
    struct libevent_loop *loop = self(loop_base);
    if (is_parents(loop)) { /* the timerfd is its parent's, too, and no timer of the child's will run */
        return 0;
    }
    if (loop->timer_fd < 0) {
        return set_libevent_timer(loop, deadline);
    }
    /* 0 would disarm; a time that has passed long ago fires at once, as 0 must. */
    uint64_t setting = deadline == UINT64_MAX ? 0 : deadline == 0 ? 1 : deadline;
    int answer = loop_base->system->ops->timerfd_set(loop_base->system, loop->timer_fd, setting);
    return answer < 0 ? bight_error_from_errno(-answer) : 0;
}

/* Once a process: what refuses one refuses the next, and programs work without. */
static void tell_of_no_timer(int code)
{
    static atomic_flag is_told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_told)) {
        bight_log(BIGHT_LOG_WARNING, "reactor", NULL, "no timerfd, so timers are late by milliseconds: %s",
            bight_error_text(code));
    }
}

static void open_timer(struct libevent_loop *loop)
{
    int answer = loop->loop.system->ops->timerfd_create(loop->loop.system);
    loop->timer_fd = answer;
    if (answer < 0) {
        loop->timer_fd = -1;
        tell_of_no_timer(bight_error_from_errno(-answer));
    }
}

static void close_timer(struct libevent_loop *loop)
{
    if (loop->timer_fd >= 0) {
        (void)loop->loop.system->ops->close(loop->loop.system, loop->timer_fd);
        loop->timer_fd = -1;
    }
}

/* Watches the timerfd; without one, or when that is refused, prepares libevent's timer. */
static void watch_timer(struct libevent_loop *loop)
{
    if (loop->timer_fd >= 0) {
        (void)event_assign(&loop->timer_event, loop->base, loop->timer_fd, EV_READ | EV_PERSIST, timer_fired, loop);
        int code = add_event(&loop->timer_event);
        if (code == 0) {
            return;
        }
        tell_of_no_timer(code);
        close_timer(loop);
    }
    (void)event_assign(&loop->timer_event, loop->base, -1, 0, timer_fired, loop);
}

static void unwatch_timer(struct libevent_loop *loop)
{
    (void)event_del(&loop->timer_event);
    close_timer(loop);
}

/* -------------------------------------------------------------------------------------------- turns */

static void take_turn(evutil_socket_t fd, short what, void *context)
{
    struct libevent_loop *loop = context;
    (void)fd;
    (void)what;
    loop->turn(loop->context);
}

static void set_callbacks(
    struct bight_loop *loop_base, void (*due)(void *context), void (*turn)(void *context), void *context)
{
    struct libevent_loop *loop = self(loop_base);
    loop->due = due;
    loop->turn = turn;
    loop->context = context;
}

/* A timer of no time at all, and not event_active: an event made active inside a callback would run before the host
 * polls again, and turns that ask for turns would starve its descriptors. */
static void activate(struct bight_loop *loop_base)
{
    static const struct timeval at_once = { 0, 0 };
    struct libevent_loop *loop = self(loop_base);
    if (event_pending(&loop->turn_event, EV_TIMEOUT, NULL)) {
        return;
    }
    if (event_add(&loop->turn_event, &at_once) < 0) {
        event_active(&loop->turn_event, EV_TIMEOUT, 0); /* which allocates nothing */
    }
}

/* --------------------------------------------------------------------------------- making and ending */

static void free_loop(struct bight_loop *loop_base)
{
    struct libevent_loop *loop = self(loop_base);
    unwatch_timer(loop);
    (void)event_del(&loop->turn_event);
    if (!loop->hosted) {
        event_base_free(loop->base);
    }
    bight_free(loop);
}

static const struct bight_loop_ops libevent_ops = {
    .size = sizeof(struct bight_loop_ops),
    .watch_init = watch_init,
    .watch_add = watch_add,
    .watch_remove = watch_remove,
    .watch_is_added = watch_is_added,
    .poll = poll_events,
    .set_deadline = set_deadline,
    .set_callbacks = set_callbacks,
    .activate = activate,
    .after_fork = after_fork,
    .free = free_loop,
};

/* libevent would print; bight prints nothing but its own log. What libevent warns of, bight's callers get as a code.
 * Process-wide in libevent, and set only by reactors that are not guests of another user of libevent. */
static void libevent_says(int severity, const char *message)
{
    enum bight_log_level level = severity == EVENT_LOG_ERR ? BIGHT_LOG_ERROR : BIGHT_LOG_DEBUG;
    bight_log(level, "libevent", NULL, "%s", message);
}

static struct event_base *take_base(struct libevent_loop *loop, const struct event_config *config)
{
    struct bi_room room;
    bool is_there = bi_room_begin(&room, DESCRIPTORS_OF_A_BASE) == 0;
    struct event_base *base = is_there ? event_base_new_with_config(config) : NULL;
    bi_room_end(&room);
    loop->highest = room.highest;
    return base;
}

/* A base for one thread that never looks at the clock by itself, unless its timers are needed. EVENT_* variables of
 * the environment are ignored. */
static struct event_base *new_base(struct libevent_loop *loop, bool precise_timers)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    int flags = EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NO_CACHE_TIME;
    if (precise_timers) {
        flags |= EVENT_BASE_FLAG_PRECISE_TIMER;
    }
    struct event_base *base = NULL;
    if (event_config_set_flag(config, flags) == 0) {
        event_set_log_callback(libevent_says);
        base = take_base(loop, config);
    }
    event_config_free(config);
    return base;
}

/* Watches may tell news only where the loop knows of the peer's end, and where calls are the kernel's own: a table that
 * cuts a call short leaves something behind that is no news to epoll. */
static short edge_of(const struct libevent_loop *loop)
{
    const int needed = EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE;
    bool is_real = loop->loop.system == bight_system_real();
    return is_real && (event_base_get_features(loop->base) & needed) == needed ? BIGHT_EDGE | BIGHT_CLOSED : 0;
}

/* An event ends with its timeout, and no watch has one. There is a watch in each connection, so it is left out, unless
 * this libevent was seen to write to it. */
static const struct timeval untouched = { -1, -1 };

static size_t find_watch_size(const struct libevent_loop *loop)
{
    const struct timeval *timeout = &loop->timer_event.ev_timeout;
    bool is_last = offsetof(struct event, ev_timeout) + sizeof *timeout == sizeof(struct event);
    bool is_untouched =
        loop->timer_fd >= 0 && timeout->tv_sec == untouched.tv_sec && timeout->tv_usec == untouched.tv_usec;
    return is_last && is_untouched ? offsetof(struct event, ev_timeout) : sizeof(struct event);
}

/* Events lie in memory of the size that libevent's header said; a libevent whose events are larger would write past
 * their ends. */
static bool is_same_libevent(void)
{
    bool fits = event_get_struct_event_size() <= sizeof(struct event);
    if (!fits) {
        bight_log(BIGHT_LOG_CRITICAL, "reactor", NULL,
            "this libevent (%s) is not the one that bight was built with (%s): its events are of %zu bytes, not %zu",
            event_get_version(), LIBEVENT_VERSION, event_get_struct_event_size(), sizeof(struct event));
    }
    return fits;
}

struct bight_loop *bi_loop_libevent_new(struct bight_system *system, struct event_base *host)
{
    struct libevent_loop *loop = is_same_libevent() ? bight_calloc(1, sizeof *loop) : NULL;
    if (loop == NULL) {
        return NULL;
    }
    loop->ops = libevent_ops;
    loop->loop = (struct bight_loop) { .ops = &loop->ops, .system = system };
    loop->hosted = host != NULL;
    loop->forks = bi_fork_count;
    open_timer(loop);
    loop->base = host != NULL ? host : new_base(loop, loop->timer_fd < 0);
    if (loop->base == NULL) {
        close_timer(loop);
        bight_free(loop);
        return NULL;
    }
    loop->loop.edge = edge_of(loop);
    (void)event_assign(&loop->turn_event, loop->base, -1, 0, take_turn, loop);
    loop->timer_event.ev_timeout = untouched;
    watch_timer(loop);
    loop->ops.watch_size = find_watch_size(loop);
    return &loop->loop;
}

const char *bi_libevent_version(void)
{
    return event_get_version();
}
