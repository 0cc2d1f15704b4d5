/* SPDX-License-Identifier: MIT */
/* fake_system.h - the kernel with a clock that stands still, for tests of the reactor's own room.
 *
 * Time moves by fake_advance() only, so no test sleeps. The timerfd is an eventfd that is written to when the time it
 * was set to has come. Everything else is the kernel's own. */
#ifndef BIGHT_TEST_FAKE_SYSTEM_H
#define BIGHT_TEST_FAKE_SYSTEM_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "reactor/reactor.h"

struct fake_system {
    struct bight_system system; /* first */
    struct bight_system_ops ops;
    uint64_t now;
    uint64_t deadline; /* what the timerfd was set to; 0: disarmed */
    int timer_fd;
    int timerfd_error;     /* what timerfd_create returns instead; 0: it works */
    int timerfd_set_error; /* what the next timerfd_set returns; once */
    int eventfd_error;
    unsigned clock_reads;
    unsigned timerfd_sets;
    int open; /* timerfds not yet closed */
};

static inline struct fake_system *fake_of(struct bight_system *system)
{
    return (struct fake_system *)system;
}

static inline uint64_t fake_now(struct bight_system *system)
{
    fake_of(system)->clock_reads++;
    return fake_of(system)->now;
}

static inline int fake_eventfd(struct bight_system *system, unsigned initial, int flags)
{
    struct bight_system *real = bight_system_real();
    int error = fake_of(system)->eventfd_error;
    return error != 0 ? error : real->ops->eventfd(real, initial, flags);
}

static inline int fake_timerfd_create(struct bight_system *system)
{
    struct fake_system *fake = fake_of(system);
    struct bight_system *real = bight_system_real();
    if (fake->timerfd_error != 0) {
        return fake->timerfd_error;
    }
    fake->timer_fd = real->ops->eventfd(real, 0, 0);
    return fake->timer_fd;
}

static inline void fake_ring(struct fake_system *fake)
{
    uint64_t one = 1;
    if (fake->deadline != 0 && fake->now >= fake->deadline && fake->timer_fd >= 0) {
        (void)!write(fake->timer_fd, &one, sizeof one);
    }
}

static inline int fake_timerfd_set(struct bight_system *system, int fd, uint64_t deadline)
{
    struct fake_system *fake = fake_of(system);
    uint64_t times;
    int error = fake->timerfd_set_error;
    fake->timerfd_sets++;
    fake->timerfd_set_error = 0;
    if (error != 0) {
        return error;
    }
    (void)!read(fd, &times, sizeof times);
    fake->deadline = deadline;
    fake_ring(fake);
    return 0;
}

static inline void fake_init(struct fake_system *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->ops = *bight_system_real()->ops;
    fake->ops.now = fake_now;
    fake->ops.eventfd = fake_eventfd;
    fake->ops.timerfd_create = fake_timerfd_create;
    fake->ops.timerfd_set = fake_timerfd_set;
    fake->system.ops = &fake->ops;
    fake->now = UINT64_C(1000000000000);
    fake->timer_fd = -1;
}

static inline struct bight_reactor *fake_reactor(struct fake_system *fake)
{
    struct bight_reactor_options options = { .size = sizeof options, .system = &fake->system, .leave_signals = true };
    fake_init(fake);
    return bight_reactor_new_full(&options);
}

/* Moves the time and takes turns until nothing is left to do. */
static inline void fake_advance(struct fake_system *fake, struct bight_reactor *reactor, uint64_t nanoseconds)
{
    fake->now += nanoseconds;
    fake_ring(fake);
    do {
        bi_reactor_turn(reactor, false);
    } while (bi_reactor_has_work(reactor));
}

#endif
