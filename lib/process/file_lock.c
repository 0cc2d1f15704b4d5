/* SPDX-License-Identifier: MIT */
/* file_lock.c - the lock between processes: the kernel's lock on a file, and those who wait for it here.
 *
 * The file is opened for each try and kept open while it is locked, so nobody waits at a file that has lost its name.
 * An acquisition is a *turn*: it waits in the lock's list, is the value that its Deferred fires with, and has a number
 * by which a late discard is told from one that still means something. The kernel tells nobody when a lock gets free:
 * the file is tried again by a timer of the reactor's, while somebody waits. All locks of a reactor stand in a ring
 * that is an attachment, for its shutdown, its end and a fork. */
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
#include "system/quiet.h"

#define FIRST_DELAY (BIGHT_NANOSECONDS_PER_SECOND / 1000)
#define LONGEST_DELAY (BIGHT_NANOSECONDS_PER_SECOND / 4)

struct bight_file_lock {
    struct bi_link link;           /* in its hub */
    struct bight_reactor *reactor; /* NULL: has gone */
    struct bi_wheel_entry again;   /* when the file is tried again */
    struct bi_link waiting;        /* turns */
    uint64_t delay;
    uint64_t number; /* of the last turn that began */
    size_t holds;    /* the owner's, the turns', and those of whoever is at work on it */
    int fd;          /* -1: the file is not locked by this */
    bool is_held;
    bool is_handing; /* somewhere on the stack it is being handed over */
    bool is_freed;
    char path[];
};

struct turn {
    struct bi_link link; /* in the lock's `waiting` */
    struct bight_file_lock *lock;
    struct bight_promise promise;
    uint64_t number;
};

struct hub {
    struct bi_attachment attachment;
    struct bi_link locks;
};

static void release_hold(struct bight_file_lock *lock)
{
    if (--lock->holds == 0) {
        bight_free(lock);
    }
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

/* Unlocking it is for all who have the descriptor, so that a child of a fork does not keep the lock; in such a child
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

/* -------------------------------------------------------------------------------------------- turns */

static void destroy_turn(void *value)
{
    struct turn *turn = value;
    release_hold(turn->lock);
    bight_free(turn);
}

static void discard_turn(void *value)
{
    struct turn *turn = value;
    if (turn->lock->is_held && turn->lock->number == turn->number) {
        (void)bight_file_lock_release(turn->lock);
    }
    destroy_turn(turn);
}

const struct bight_type bight_type_file_lock = { "file lock", destroy_turn, discard_turn, { NULL } };

static struct turn *new_turn(struct bight_file_lock *lock)
{
    struct turn *turn = bight_calloc(1, sizeof *turn);
    if (turn != NULL) {
        turn->lock = lock;
        lock->holds++;
        bi_list_init(&turn->link);
    }
    return turn;
}

static uint64_t begin_turn(struct bight_file_lock *lock)
{
    lock->is_held = true;
    return ++lock->number;
}

/* The oldest that waits, taken out of the list. */
static struct turn *next_turn(struct bight_file_lock *lock)
{
    struct turn *turn = BI_CONTAINER(lock->waiting.next, struct turn, link);
    bi_list_remove(&turn->link);
    return turn;
}

static void fail_turn(struct turn *turn, struct bight_failure *failure)
{
    struct bight_promise promise = turn->promise;
    destroy_turn(turn);
    (void)bight_errback(promise, failure);
}

/* The file is locked by this and nobody holds it. A handler that releases comes here again and leaves it to the loop
 * that is on the stack already. */
static void hand_over(struct bight_file_lock *lock)
{
    if (lock->is_handing) {
        return;
    }
    lock->holds++;
    lock->is_handing = true;
    while (!lock->is_held && lock->fd >= 0 && !bi_list_is_empty(&lock->waiting)) { /* a handler may fork */
        struct turn *turn = next_turn(lock);
        turn->number = begin_turn(lock);
        (void)bight_callback(turn->promise, &bight_type_file_lock, turn);
    }
    lock->is_handing = false;
    if (!lock->is_held) {
        leave_file(lock);
    }
    release_hold(lock);
}

/* ------------------------------------------------------------------------------------- trying again */

static void try_again(struct bi_wheel_entry *entry);

static void arm(struct bight_file_lock *lock, uint64_t delay)
{
    lock->delay = delay;
    lock->again.function = try_again;
    bi_reactor_arm(lock->reactor, &lock->again, bi_reactor_now(lock->reactor) + delay);
}

/* While somebody waits and the file is another's. */
static void arm_if_needed(struct bight_file_lock *lock)
{
    if (lock->fd < 0 && !bi_list_is_empty(&lock->waiting) && !bi_wheel_is_armed(&lock->again)) {
        arm(lock, FIRST_DELAY);
    }
}

static void stop_trying(struct bight_file_lock *lock)
{
    if (bi_wheel_is_armed(&lock->again)) {
        bi_reactor_disarm(lock->reactor, &lock->again);
    }
}

/* What is wrong with the file may be right for the next that waits: each hears of its own try. */
static void try_again(struct bi_wheel_entry *entry)
{
    struct bight_file_lock *lock = BI_CONTAINER(entry, struct bight_file_lock, again);
    int number;
    int code = take_file(lock, &number);
    if (code == BIGHT_E_LOCKED) {
        arm(lock, lock->delay < LONGEST_DELAY / 2 ? lock->delay * 2 : LONGEST_DELAY);
        return;
    }
    lock->holds++;
    if (code == 0) {
        hand_over(lock);
    } else {
        fail_turn(next_turn(lock), failure_of(lock, code, number));
        arm_if_needed(lock);
    }
    release_hold(lock);
}

static void cancel_turn(struct bight_promise promise, void *context)
{
    struct turn *turn = context;
    struct bight_file_lock *lock = turn->lock;
    (void)promise;
    bi_list_remove(&turn->link);
    if (bi_list_is_empty(&lock->waiting)) {
        stop_trying(lock);
    }
    destroy_turn(turn);
}

/* Handlers may come to wait anew: only those that wait now are failed. */
static void fail_waiting(struct bight_file_lock *lock, int code)
{
    struct bi_link failing;
    stop_trying(lock);
    bi_list_take_all(&failing, &lock->waiting);
    while (!bi_list_is_empty(&failing)) {
        struct turn *turn = BI_CONTAINER(failing.next, struct turn, link);
        bi_list_remove(&turn->link);
        struct bight_promise promise = turn->promise;
        destroy_turn(turn);
        bi_promise_end(promise, bight_failure_of(code));
    }
}

/* ---------------------------------------------------------------------------- all locks of a reactor */

static void disconnect(struct bi_attachment *attachment)
{
    struct hub *hub = BI_CONTAINER(attachment, struct hub, attachment);
    struct bi_link locks;
    bi_list_take_all(&locks, &hub->locks);
    while (!bi_list_is_empty(&locks)) {
        struct bight_file_lock *lock = BI_CONTAINER(locks.next, struct bight_file_lock, link);
        bi_list_remove(&lock->link);
        bi_list_append(&hub->locks, &lock->link);
        fail_waiting(lock, BIGHT_E_SHUTDOWN); /* not used below: a handler may free it */
    }
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct hub *hub = BI_CONTAINER(attachment, struct hub, attachment);
    while (!bi_list_is_empty(&hub->locks)) {
        struct bight_file_lock *lock = BI_CONTAINER(hub->locks.next, struct bight_file_lock, link);
        bi_list_remove(&lock->link);
        leave_file(lock);
        lock->is_held = false;
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
            lock->is_held = false;
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
    lock->reactor = reactor;
    bi_list_init(&lock->waiting);
    lock->holds = 1;
    lock->fd = -1;
    memcpy(lock->path, path, size);
    bi_list_append(&hub->locks, &lock->link);
    return lock;
}

void bight_file_lock_free(struct bight_file_lock *lock)
{
    if (lock == NULL || lock->is_freed) {
        return;
    }
    lock->is_freed = true;
    lock->is_held = false;
    if (lock->reactor != NULL) {
        bi_list_remove(&lock->link);
        leave_file(lock);
        fail_waiting(lock, BIGHT_E_ABANDONED);
    }
    release_hold(lock);
}

/* 0: the file is locked by this and nobody holds it. */
static int try_lock(struct bight_file_lock *lock, int *number)
{
    *number = 0;
    if (lock->is_freed) {
        return BIGHT_E_ABANDONED;
    }
    if (lock->reactor == NULL) {
        return BIGHT_E_SHUTDOWN;
    }
    int code = bi_reactor_check_thread(lock->reactor, "bight_file_lock");
    if (code != 0) {
        return code;
    }
    if (lock->is_held || !bi_list_is_empty(&lock->waiting)) {
        return BIGHT_E_LOCKED;
    }
    return lock->fd >= 0 ? 0 : take_file(lock, number);
}

int bight_file_lock_try_acquire(struct bight_file_lock *lock)
{
    int number;
    int code = try_lock(lock, &number);
    if (code == 0) {
        (void)begin_turn(lock);
    }
    return code;
}

/* The turn was taken. */
static struct bight_deferred *wait_for(const char *place, struct bight_file_lock *lock, struct turn *turn)
{
    if (bi_reactor_is_ending(lock->reactor)) {
        destroy_turn(turn);
        return bight_fail_at(place, bight_failure_of(BIGHT_E_SHUTDOWN));
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &turn->promise, cancel_turn, turn, NULL);
    if (!bight_promise_is_open(turn->promise)) {
        destroy_turn(turn);
        return deferred;
    }
    bi_list_append(&lock->waiting, &turn->link);
    arm_if_needed(lock);
    return deferred;
}

struct bight_deferred *bight_file_lock_acquire_at(const char *place, struct bight_file_lock *lock)
{
    struct turn *turn = new_turn(lock);
    if (turn == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    int number;
    int code = try_lock(lock, &number);
    if (code == BIGHT_E_LOCKED) {
        return wait_for(place, lock, turn);
    }
    if (code != 0) {
        struct bight_failure *failure = failure_of(lock, code, number);
        destroy_turn(turn);
        return bight_fail_at(place, failure);
    }
    turn->number = begin_turn(lock);
    return bight_succeed_at(place, &bight_type_file_lock, turn);
}

int bight_file_lock_release(struct bight_file_lock *lock)
{
    if (lock->reactor == NULL) {
        return BIGHT_E_SHUTDOWN;
    }
    if (bi_reactor_check_thread(lock->reactor, "bight_file_lock_release") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    if (!lock->is_held) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_file_lock_release: it is not held");
    }
    lock->is_held = false;
    hand_over(lock);
    return 0;
}

bool bight_file_lock_is_locked(const struct bight_file_lock *lock)
{
    return lock->is_held;
}

/* ------------------------------------------------------------------------------------ while it is held */

struct holding {
    struct turn *turn;
    bight_holding_function function;
    void *context;
    bight_release_function release;
};

static void begin(struct bight_result *result, void *context)
{
    struct holding *holding = context;
    holding->turn = bight_result_take(result, &bight_type_file_lock);
    struct bight_deferred *work = holding->function(holding->context);
    if (work != NULL) {
        bight_result_chain(result, work);
    }
}

static void end(struct bight_result *result, void *context)
{
    struct holding *holding = context;
    (void)result;
    if (holding->turn != NULL) {
        discard_turn(holding->turn);
    }
}

static void free_holding(void *context)
{
    struct holding *holding = context;
    if (holding->release != NULL) {
        holding->release(holding->context);
    }
    bight_free(holding);
}

static struct bight_deferred *refuse(const char *place, int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bight_fail_at(place, bight_failure_of(code));
}

/* A new Deferred has room for two levels, so adding them cannot fail. */
struct bight_deferred *bight_file_lock_run_at(const char *place, struct bight_file_lock *lock,
    bight_holding_function function, void *context, bight_release_function release)
{
    if (function == NULL) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_file_lock_run: there is no function");
        return refuse(place, code, context, release);
    }
    struct holding *holding = bight_malloc(sizeof *holding);
    if (holding == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    *holding = (struct holding) { NULL, function, context, release };
    struct bight_deferred *deferred = bight_file_lock_acquire_at(place, lock);
    bight_deferred_add_callback(deferred, begin, holding);
    bight_deferred_add_both_full(deferred, end, holding, free_holding);
    return deferred;
}
