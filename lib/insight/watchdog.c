/* SPDX-License-Identifier: MIT */
/* watchdog.c - a thread that warns while a handler holds the loop.
 *
 * It looks at the reactor's beat (meter.h) four times in the time that is allowed; a beat that says "in a handler" and
 * has not changed for so long is reported once. The loop does nothing for it. It waits by a condition variable, so that
 * it can be ended at once, and calls the kernel without the reactor's table: it belongs to real time. */
#include <bight/debug.h>
#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fork.h"
#include "base/moment.h"
#include "insight/backtrace.h"
#include "reactor/reactor.h"
#include "thread/start.h"

#define LOOKS_A_LIMIT 4
#define MIN_LIMIT (BIGHT_NANOSECONDS_PER_SECOND / 1000)
#define LONGEST_NAP BIGHT_NANOSECONDS_PER_SECOND
#define BACKTRACE_SIZE 3000

struct watchdog {
    struct bi_attachment attachment;
    const struct bi_meter *meter; /* the reactor's, of which only single words are read */
    pthread_t thread;
    bool has_thread;
    bool has_backtraces;
    pthread_mutex_t asking; /* held while the loop's thread is asked where it is: too long for a fork to wait */
    pthread_mutex_t lock;
    struct bi_fork_guard guard;
    pthread_cond_t changed;
    /* under the lock */
    uint64_t limit;
    pthread_t loop;
    bool is_ending;
    /* the thread's own */
    uint64_t beat, since; /* the last beat seen, and when it was new */
    bool is_reported;
    struct bi_backtrace where;
    char text[BACKTRACE_SIZE];
};

static uint64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * BIGHT_NANOSECONDS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* ---------------------------------------------------------------------------------------- reporting */

static const char *read_word(const char *const *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static bool has_moved_on(const struct watchdog *dog)
{
    return __atomic_load_n(&dog->meter->beat, __ATOMIC_RELAXED) != dog->beat;
}

/* The thread is inside a handler, or waits for us in bight_watchdog_leave: it cannot end meanwhile. */
static bool ask(struct watchdog *dog, pthread_t loop)
{
    pthread_mutex_lock(&dog->asking);
    bool is_known = dog->has_backtraces && !has_moved_on(dog) && bi_backtrace_take(loop, &dog->where);
    pthread_mutex_unlock(&dog->asking);
    return is_known;
}

/* Without the lock: the loop's thread may wait for it. */
static void report(struct watchdog *dog, pthread_t loop, uint64_t held)
{
    const char *kind = read_word(&dog->meter->kind);
    const char *place = read_word(&dog->meter->place);
    bool is_known = ask(dog, loop);
    if (has_moved_on(dog)) {
        return; /* it has just come back: bight_reactor_set_block_limit reports those */
    }
    char message[128];
    snprintf(
        message, sizeof message, "a handler has held the loop for %.3f s and still does: %s", (double)held / 1e9, kind);
    struct bight_log_event event = {
        .level = BIGHT_LOG_WARNING, .system = "watchdog", .message = message, .place = place
    };
    struct bight_log_field field = { .name = "backtrace", .kind = BIGHT_FIELD_TEXT, .data = dog->text };
    if (is_known) {
        bi_backtrace_format(&dog->where, dog->text, sizeof dog->text);
        field.size = strlen(dog->text);
        event.fields = &field;
        event.field_count = 1;
    }
    bight_log_event_emit(&event);
}

/* How long the present handler has been at it; 0: none, or it has been reported. */
static uint64_t look(struct watchdog *dog)
{
    uint64_t moment = now();
    if (has_moved_on(dog)) {
        dog->beat = __atomic_load_n(&dog->meter->beat, __ATOMIC_RELAXED);
        dog->since = moment;
        dog->is_reported = false;
        return 0;
    }
    return dog->beat % 2 == 0 || dog->is_reported ? 0 : moment - dog->since;
}

static void look_and_report(struct watchdog *dog)
{
    uint64_t held = look(dog);
    if (held < dog->limit || held == 0) {
        return;
    }
    pthread_t loop = dog->loop;
    dog->is_reported = true;
    pthread_mutex_unlock(&dog->lock);
    report(dog, loop, held);
    pthread_mutex_lock(&dog->lock);
}

/* --------------------------------------------------------------------------------------- the thread */

static void nap(struct watchdog *dog)
{
    uint64_t length = dog->limit / LOOKS_A_LIMIT;
    uint64_t end = now() + (length < LONGEST_NAP ? length : LONGEST_NAP);
    const struct timespec until = { .tv_sec = (time_t)(end / BIGHT_NANOSECONDS_PER_SECOND),
        .tv_nsec = (long)(end % BIGHT_NANOSECONDS_PER_SECOND) };
    (void)pthread_cond_timedwait(&dog->changed, &dog->lock, &until);
}

static void *watch(void *context)
{
    struct watchdog *dog = context;
    pthread_mutex_lock(&dog->lock);
    while (!dog->is_ending) {
        nap(dog);
        if (!dog->is_ending) {
            look_and_report(dog);
        }
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

/* --------------------------------------------------------------------------------- beginning, ending */

/* What is not held during a fork. */
static void init_others(struct bi_fork_guard *guard)
{
    struct watchdog *dog = BI_CONTAINER(guard, struct watchdog, guard);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&dog->asking, NULL);
    (void)pthread_cond_init(&dog->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void init_locks(struct watchdog *dog)
{
    dog->guard = (struct bi_fork_guard) { .lock = &dog->lock, .order = BI_FORK_WATCHDOG, .in_child = init_others };
    (void)pthread_mutex_init(&dog->lock, NULL);
    init_others(&dog->guard);
    bi_fork_guard_add(&dog->guard);
}

static struct watchdog *dog_in(struct bi_attachment *attachment)
{
    return BI_CONTAINER(attachment, struct watchdog, attachment);
}

static bool open_watchdog(struct bi_attachment *attachment)
{
    struct watchdog *dog = dog_in(attachment);
    dog->meter = &attachment->reactor->meter;
    dog->loop = pthread_self();
    dog->since = now();
    dog->has_backtraces = bi_backtrace_begin();
    init_locks(dog);
    return true;
}

/* This thread is the loop's from now on. */
static void follow(struct bi_attachment *attachment)
{
    struct watchdog *dog = dog_in(attachment);
    pthread_mutex_lock(&dog->lock);
    dog->loop = pthread_self();
    pthread_mutex_unlock(&dog->lock);
}

/* This thread may end now: waits while it is being asked where it is. */
static void leave(struct bi_attachment *attachment)
{
    struct watchdog *dog = dog_in(attachment);
    pthread_mutex_lock(&dog->asking);
    pthread_mutex_unlock(&dog->asking);
}

static void end_thread(struct watchdog *dog)
{
    pthread_mutex_lock(&dog->lock);
    dog->is_ending = true;
    (void)pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
    (void)pthread_join(dog->thread, NULL);
}

static void finish(struct bi_attachment *attachment)
{
    struct watchdog *dog = dog_in(attachment);
    if (dog->has_thread) {
        end_thread(dog);
    }
    bi_fork_guard_remove(&dog->guard);
    (void)pthread_cond_destroy(&dog->changed);
    (void)pthread_mutex_destroy(&dog->lock);
    (void)pthread_mutex_destroy(&dog->asking);
}

/* The thread is not here. */
static int after_fork(struct bi_attachment *attachment)
{
    dog_in(attachment)->has_thread = false;
    bi_attachment_drop(attachment);
    return 0;
}

static const struct bi_attachment_kind watchdogs = {
    .order = BI_ORDER_WATCHDOG,
    .size = sizeof(struct watchdog),
    .open = open_watchdog,
    .at = { [BI_RUN_BEGINS] = follow, [BI_RUN_ENDS] = leave },
    .finish = finish,
    .after_fork = after_fork,
};

/* 0 or a code, with which it is gone. */
static int begin(struct watchdog *dog)
{
    int error = bi_thread_start(&dog->thread, watch, dog);
    dog->has_thread = error == 0;
    if (error != 0) {
        bi_attachment_drop(&dog->attachment);
    }
    return error == 0 ? 0 : bight_error_from_errno(error);
}

static void set_limit(struct watchdog *dog, uint64_t limit)
{
    pthread_mutex_lock(&dog->lock);
    dog->limit = limit;
    (void)pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
}

static void end_watchdog(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &watchdogs);
    if (attachment != NULL) {
        bi_attachment_drop(attachment);
    }
}

double bight_reactor_get_watchdog(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &watchdogs);
    if (attachment == NULL || !dog_in(attachment)->has_thread) {
        return 0;
    }
    struct watchdog *dog = dog_in(attachment);
    pthread_mutex_lock(&dog->lock);
    uint64_t limit = dog->limit;
    pthread_mutex_unlock(&dog->lock);
    return bi_seconds_of(limit);
}

int bight_reactor_set_watchdog(struct bight_reactor *reactor, double seconds)
{
    uint64_t limit;
    int code = bight_seconds_to_nanoseconds(seconds, &limit);
    if (code != 0) {
        return code;
    }
    if (limit == 0 || limit == UINT64_MAX) {
        end_watchdog(reactor);
        return 0;
    }
    struct bi_attachment *attachment = bi_attachment_of(reactor, &watchdogs);
    if (attachment == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    set_limit(dog_in(attachment), limit < MIN_LIMIT ? MIN_LIMIT : limit);
    follow(attachment);
    return dog_in(attachment)->has_thread ? 0 : begin(dog_in(attachment));
}
