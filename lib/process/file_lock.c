/* SPDX-License-Identifier: MIT */
/* file_lock.c - the lock between processes: the kernel's lock on a file, and the waiters for it here.
 *
 * The file is opened for each try and kept open while it is locked, so no process waits at a file that has lost its
 * name. Among the waiters through one object it is a lock like any other, a set of permits that has just one; but that
 * is to be had only while the file is locked, and the file is released when a run of the gate leaves it without a
 * holder. The kernel does not report that a lock gets free: a timer of the reactor tries the file again while there are
 * waiters. All locks of a reactor stand in a ring that is an attachment, for its shutdown, its end and a fork. */
#include <bight/file_lock.h>
#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "deferred/deferred.h"
#include "reactor/reactor.h"
#include "sync/permits.h"
#include "system/quiet.h"

#define FIRST_DELAY (BIGHT_NANOSECONDS_PER_SECOND / 1000)
#define LONGEST_DELAY (BIGHT_NANOSECONDS_PER_SECOND / 4)

struct bight_file_lock {
    struct bi_permits permits;
    struct bi_link link;           /* in its hub */
    struct bight_reactor *reactor; /* NULL: has gone */
    struct bi_wheel_entry again;   /* when the file is tried again */
    uint64_t delay;
    int fd; /* -1: the file is not locked by this, and the permit has no holder */
    char path[];
};

struct hub {
    struct bi_attachment attachment;
    struct bi_link locks;
};

static struct bight_file_lock *lock_of(struct bi_gate *gate)
{
    return BI_CONTAINER(gate, struct bight_file_lock, permits.gate);
}

/* ------------------------------------------------------------------------------------------- the file */

/* For people: ten characters and a newline, as lock files have it (Filesystem Hierarchy Standard 3.0, 5.9). Nothing
 * depends on it. */
static void write_process(struct bight_file_lock *lock)
{
    char text[16];
    struct bight_system *system = lock->reactor->system;
    int length = snprintf(text, sizeof text, "%10d\n", (int)getpid());
    ssize_t written = bi_write_quietly(system, lock->fd, text, (size_t)length);
    if (written != length) {
        bight_log(BIGHT_LOG_WARNING, "file lock", NULL, "cannot write the process id into %s", lock->path);
    }
}

/* 0 or -errno. A symbolic link is not followed: in a directory where others may write it could lead anywhere. */
static int lock_file(struct bight_file_lock *lock)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    struct bight_system *system = lock->reactor->system;
    int fd, result;
    do {
        fd = system->ops->open(system, lock->path, flags, 0644);
    } while (fd == -EINTR);
    if (fd < 0) {
        return fd;
    }
    do {
        result = system->ops->flock(system, fd, LOCK_EX | LOCK_NB);
    } while (result == -EINTR);
    if (result < 0) {
        (void)system->ops->close(system, fd);
        return result;
    }
    lock->fd = fd;
    write_process(lock);
    return 0;
}

/* 0 or a code; *number is its errno. */
static int take_file(struct bight_file_lock *lock, int *number)
{
    *number = 0;
    if (lock->reactor->system->ops->flock == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    *number = -lock_file(lock);
    return *number == EWOULDBLOCK ? BIGHT_E_LOCKED : bight_error_from_errno(*number);
}

/* Unlocking it is for all that have the descriptor, so that a child of a fork does not keep the lock; in such a child
 * that has not said that it goes on, the lock is the parent's. */
static void leave_file(struct bight_file_lock *lock)
{
    if (lock->fd < 0) {
        return;
    }
    struct bight_system *system = lock->reactor->system;
    if (!bi_reactor_is_parents(lock->reactor)) {
        (void)system->ops->flock(system, lock->fd, LOCK_UN);
    }
    (void)system->ops->close(system, lock->fd);
    lock->fd = -1;
}

static struct bight_failure *failure_of(const struct bight_file_lock *lock, int code, int number)
{
    if (number == 0 || code == BIGHT_E_OUT_OF_MEMORY) {
        return bight_failure_of(code);
    }
    return bight_failure_new(
        code, number, bight_failure_from_errno(number, "opening or locking a file"), "cannot lock %s", lock->path);
}

const struct bight_type bight_type_file_lock = {
    .name = "file lock",
    .destroy = bi_token_destroy,
    .discard = bi_token_discard,
};

/* Without the file no waiter is let through: a handler may fork. */
static bool step(struct bi_gate *gate)
{
    struct bight_file_lock *lock = lock_of(gate);
    if (lock->fd < 0) {
        return false;
    }
    if (bi_permits_step(gate)) {
        return true;
    }
    if (lock->permits.held == 0) {
        leave_file(lock);
    }
    return false;
}

/* ------------------------------------------------------------------------------------- trying again */

static void try_again(struct bi_wheel_entry *entry);

static void arm(struct bight_file_lock *lock, uint64_t delay)
{
    lock->delay = delay;
    lock->again.function = try_again;
    bi_reactor_arm(lock->reactor, &lock->again, bi_reactor_now(lock->reactor) + delay);
}

/* While there are waiters and the file is another process's. */
static void arm_if_needed(struct bight_file_lock *lock)
{
    if (lock->fd < 0 && lock->permits.waiting.count > 0 && !bi_wheel_is_armed(&lock->again)) {
        arm(lock, FIRST_DELAY);
    }
}

static void stop_trying(struct bight_file_lock *lock)
{
    if (bi_wheel_is_armed(&lock->again)) {
        bi_reactor_disarm(lock->reactor, &lock->again);
    }
}

/* What is wrong with the file may be right for the next waiter: each gets the result of its own try. */
static void try_again(struct bi_wheel_entry *entry)
{
    struct bight_file_lock *lock = BI_CONTAINER(entry, struct bight_file_lock, again);
    int number;
    int code = take_file(lock, &number);
    if (code == BIGHT_E_LOCKED) {
        arm(lock, lock->delay < LONGEST_DELAY / 2 ? lock->delay * 2 : LONGEST_DELAY);
        return;
    }
    bi_gate_hold(&lock->permits.gate);
    if (code == 0) {
        bi_gate_run(&lock->permits.gate);
    } else {
        struct bight_failure *failure = failure_of(lock, code, number);
        (void)bight_errback(bi_waiter_leave(bi_waiters_first(&lock->permits.waiting)), failure);
        arm_if_needed(lock);
    }
    bi_gate_release(&lock->permits.gate);
}

static void cancel_wait(struct bight_promise promise, void *context)
{
    struct bi_waiter *waiter = context;
    struct bight_file_lock *lock = lock_of(waiter->gate);
    bi_waiter_cancel(promise, waiter);
    if (lock->permits.waiting.count == 0) {
        stop_trying(lock);
    }
}

/* ---------------------------------------------------------------------------- all locks of a reactor */

/* Only those that wait now: a handler may release the lock, come to wait again, or free the lock. */
static void fail_waiting(struct bight_file_lock *lock)
{
    struct bi_waiters failing;
    struct bi_waiter *waiter;
    bi_gate_hold(&lock->permits.gate);
    stop_trying(lock);
    bi_waiters_init(&failing);
    bi_waiters_move(&failing, &lock->permits.waiting);
    while ((waiter = bi_waiters_first(&failing)) != NULL) {
        bi_promise_end(bi_waiter_leave(waiter), bight_failure_of(BIGHT_E_SHUTDOWN));
    }
    bi_gate_release(&lock->permits.gate);
}

static void disconnect(struct bi_attachment *attachment)
{
    struct hub *hub = BI_CONTAINER(attachment, struct hub, attachment);
    BI_LIST_EACH_NOW (link, &hub->locks) {
        fail_waiting(BI_CONTAINER(link, struct bight_file_lock, link));
    }
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct hub *hub = BI_CONTAINER(attachment, struct hub, attachment);
    BI_LIST_EACH_TAKEN (link, &hub->locks) {
        struct bight_file_lock *lock = BI_CONTAINER(link, struct bight_file_lock, link);
        leave_file(lock);
        bi_permits_forfeit(&lock->permits);
        lock->reactor = NULL;
    }
}

static int after_fork(struct bi_attachment *attachment)
{
    struct hub *hub = BI_CONTAINER(attachment, struct hub, attachment);
    for (struct bi_link *link = hub->locks.next; link != &hub->locks; link = link->next) {
        struct bight_file_lock *lock = BI_CONTAINER(link, struct bight_file_lock, link);
        if (lock->fd >= 0) {
            struct bight_system *system = lock->reactor->system;
            (void)system->ops->close(system, lock->fd);
            lock->fd = -1;
            bi_permits_forfeit(&lock->permits);
        }
        arm_if_needed(lock);
    }
    return 0;
}

static bool open_hub(struct bi_attachment *attachment)
{
    bi_list_init(&BI_CONTAINER(attachment, struct hub, attachment)->locks);
    return true;
}

static const struct bi_attachment_kind file_locks = {
    .order = BI_ORDER_FILE_LOCKS,
    .size = sizeof(struct hub),
    .open = open_hub,
    .at = { [BI_DISCONNECTING] = disconnect },
    .finish = finish_hub,
    .after_fork = after_fork,
};

static struct hub *hub_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &file_locks);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct hub, attachment);
}

/* ------------------------------------------------------------------------------------- the interface */

struct bight_file_lock *bight_file_lock_new(struct bight_reactor *reactor, const char *path)
{
    size_t size = strlen(path) + 1;
    if (bi_reactor_check_thread(reactor, "bight_file_lock_new") != 0) {
        return NULL;
    }
    struct hub *hub = hub_of(reactor);
    struct bight_file_lock *lock = hub != NULL ? bight_calloc(1, sizeof *lock + size) : NULL;
    if (lock == NULL) {
        return NULL;
    }
    bi_permits_init(&lock->permits, &bight_type_file_lock, 1);
    lock->permits.gate.step = step;
    lock->reactor = reactor;
    lock->fd = -1;
    memcpy(lock->path, path, size);
    bi_list_append(&hub->locks, &lock->link);
    return lock;
}

void bight_file_lock_free(struct bight_file_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    if (lock->reactor != NULL) {
        bi_list_remove(&lock->link);
        stop_trying(lock);
        leave_file(lock);
    }
    bi_permits_forfeit(&lock->permits);
    bi_permits_free(&lock->permits, "bight_file_lock_free");
}

/* 0: the file is locked by this and the permit has no holder. */
static int try_lock(struct bight_file_lock *lock, int *number)
{
    *number = 0;
    if (lock->permits.gate.is_freed) {
        return BIGHT_E_ABANDONED;
    }
    if (lock->reactor == NULL) {
        return BIGHT_E_SHUTDOWN;
    }
    int code = bi_reactor_check_thread(lock->reactor, "bight_file_lock");
    if (code != 0) {
        return code;
    }
    if (lock->permits.held > 0 || lock->permits.waiting.count > 0) {
        return BIGHT_E_LOCKED;
    }
    return lock->fd >= 0 ? 0 : take_file(lock, number);
}

int bight_file_lock_try_acquire(struct bight_file_lock *lock)
{
    int number;
    int code = try_lock(lock, &number);
    if (code == 0) {
        (void)bi_permits_try_acquire(&lock->permits);
    }
    return code;
}

static struct bight_deferred *wait_for(const char *place, struct bight_file_lock *lock)
{
    if (bi_reactor_is_ending(lock->reactor)) {
        return bi_refuse_wait(place, BIGHT_E_SHUTDOWN);
    }
    struct bi_waiter *waiter;
    struct bight_deferred *deferred = bi_wait(place, &lock->permits.gate, &lock->permits.waiting, cancel_wait, &waiter);
    arm_if_needed(lock);
    return deferred;
}

static struct bight_deferred *acquire(const char *place, struct bi_permits *permits)
{
    struct bight_file_lock *lock = lock_of(&permits->gate);
    int number;
    int code = try_lock(lock, &number);
    if (code == BIGHT_E_LOCKED) {
        return wait_for(place, lock);
    }
    if (code != 0) {
        return bight_fail_at(place, failure_of(lock, code, number));
    }
    struct bight_deferred *deferred = bi_permits_acquire(place, permits);
    bi_gate_run(&permits->gate); /* if the token cannot be allocated the file is released */
    return deferred;
}

struct bight_deferred *bight_file_lock_acquire_at(const char *place, struct bight_file_lock *lock)
{
    return acquire(place, &lock->permits);
}

int bight_file_lock_release(struct bight_file_lock *lock)
{
    if (lock->reactor == NULL) {
        return BIGHT_E_SHUTDOWN;
    }
    if (bi_reactor_check_thread(lock->reactor, "bight_file_lock_release") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    return bi_permits_release(&lock->permits, "bight_file_lock_release");
}

bool bight_file_lock_is_locked(const struct bight_file_lock *lock)
{
    return lock->permits.held > 0;
}

struct bight_deferred *bight_file_lock_run_at(const char *place, struct bight_file_lock *lock,
    bight_holding_function function, void *context, bight_release_function release)
{
    return bi_permits_run(place, &lock->permits, acquire, function, context, release);
}
