/* SPDX-License-Identifier: MIT */
/* mailbox.c - calls from other threads into the loop's (R9).
 *
 * A mailbox is counted and outlives its reactor, so other threads hold it and never the reactor. It is a lock, a FIFO
 * of calls, and a descriptor that the loop watches: an eventfd, or a pipe where there is none. One wake-up is
 * written for each batch: the first call into a taken-out queue writes, the rest find `signalled` set.
 *
 * The lock is guarded (base/fork.h), so the queue is whole in the child of a fork (R13). The loop reads `first` without
 * the lock to see whether anything waits. It takes out the whole queue at once and makes the calls a turn's worth at a
 * time. The system table is used only under the lock and until the mailbox is closed.
 *
 * The limit is of what programs ask for. Jobs that are done and calls that block pass too, which cannot be refused and
 * are limited by their pools and threads. */
#include "reactor/mailbox.h"

#include <bight/memory.h>

#include "reactor/state.h"

/* Most calls that one turn makes; what is left over waits until timers and descriptors have had their turn. */
#define CALLS_PER_TURN 1024

/* A call of bight_call_from_thread. */
struct asked_call {
    struct bi_call call;
    struct bight_mailbox *mailbox; /* which it is in */
    bight_timer_function function;
    void *context;
    bight_release_function release;
};

/* --------------------------------------------------------------------------------------- the wake-up */

static void on_wake_up(int fd, short what, void *context)
{
    struct bight_mailbox *mailbox = context;
    (void)fd;
    (void)what;
    bi_waker_drain(&mailbox->waker);
    bi_reactor_wake(mailbox->reactor);
}

static int start_watching(struct bight_mailbox *mailbox)
{
    struct bight_loop *loop = mailbox->reactor->loop;
    struct bight_watch *watch = (struct bight_watch *)mailbox->watch;
    loop->ops->watch_init(loop, watch, mailbox->waker.read_fd, BIGHT_READABLE, on_wake_up, mailbox);
    return bi_reactor_add_watch(mailbox->reactor, watch, mailbox->waker.read_fd);
}

/* --------------------------------------------------------------------------------------- open and close */

int bi_mailbox_open(struct bight_reactor *reactor, size_t limit)
{
    struct bight_mailbox *mailbox = bight_calloc(1, sizeof *mailbox + reactor->loop->ops->watch_size);
    if (mailbox == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    atomic_init(&mailbox->holds, 1);
    pthread_mutex_init(&mailbox->lock, NULL);
    mailbox->guard = (struct bi_fork_guard) { .lock = &mailbox->lock, .order = BI_FORK_MAILBOX };
    bi_fork_guard_add(&mailbox->guard);
    atomic_init(&mailbox->made, 0);
    mailbox->tail = &mailbox->first;
    mailbox->thread = pthread_self();
    mailbox->reactor = reactor;
    mailbox->limit = limit;
    bi_list_init(&mailbox->begun);
    int code = bi_waker_open(&mailbox->waker, reactor->system);
    if (code == 0) {
        code = start_watching(mailbox);
    }
    if (code != 0) {
        bi_waker_close(&mailbox->waker);
        bight_mailbox_release(mailbox);
        return code;
    }
    reactor->state->mailbox = mailbox;
    return 0;
}

void bi_mailbox_begin(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    pthread_mutex_lock(&mailbox->lock);
    mailbox->thread = pthread_self();
    mailbox->nobody_waits = false;
    pthread_mutex_unlock(&mailbox->lock);
}

void bi_mailbox_end_waiting(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    pthread_mutex_lock(&mailbox->lock);
    const struct bi_waiting_calls *waiting = mailbox->waiting;
    mailbox->nobody_waits = true;
    pthread_mutex_unlock(&mailbox->lock);
    if (waiting != NULL) {
        waiting->end(mailbox);
    }
}

/* Under the lock. */
static struct bi_call *take_all(struct bight_mailbox *mailbox)
{
    struct bi_call *calls = mailbox->first;
    mailbox->tail = &mailbox->first;
    __atomic_store_n(&mailbox->first, NULL, __ATOMIC_RELEASE);
    mailbox->signalled = false;
    return calls;
}

/* Where the next call behind those taken is linked. */
static struct bi_call **end_of_taken(struct bight_mailbox *mailbox)
{
    struct bi_call **end = &mailbox->taken;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    return end;
}

void bi_mailbox_take(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    struct bi_call **end = end_of_taken(mailbox);
    pthread_mutex_lock(&mailbox->lock);
    *end = take_all(mailbox);
    pthread_mutex_unlock(&mailbox->lock);
}

void bi_mailbox_close(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    if (mailbox == NULL) {
        return;
    }
    reactor->loop->ops->watch_remove(reactor->loop, (struct bight_watch *)mailbox->watch);
    pthread_mutex_lock(&mailbox->lock);
    mailbox->closed = true;
    *end_of_taken(mailbox) = take_all(mailbox);
    bi_waker_close(&mailbox->waker);
    pthread_mutex_unlock(&mailbox->lock);
    struct bi_call *call;
    while ((call = mailbox->taken) != NULL) {
        mailbox->taken = call->next;
        call->run(call, true);
    }
    reactor->state->mailbox = NULL;
    bight_mailbox_release(mailbox);
}

/* Calls that were taken wait before all others. Sets where the next is linked. */
static void put_back_taken(struct bight_mailbox *mailbox)
{
    *end_of_taken(mailbox) = mailbox->first;
    mailbox->first = mailbox->taken;
    mailbox->taken = NULL;
    mailbox->tail = &mailbox->first;
    while (*mailbox->tail != NULL) {
        mailbox->tail = &(*mailbox->tail)->next;
    }
}

/* The loop has its new kernel objects already. Calls that waited at the fork wait in the child too, as timers do. */
int bi_mailbox_after_fork(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    mailbox->thread = pthread_self();
    put_back_taken(mailbox);
    if (mailbox->waiting != NULL) {
        mailbox->waiting->after_fork(mailbox);
    }
    reactor->loop->ops->watch_remove(reactor->loop, (struct bight_watch *)mailbox->watch);
    bi_waker_close(&mailbox->waker);
    mailbox->signalled = false;
    int code = bi_waker_open(&mailbox->waker, reactor->system);
    if (code == 0 && mailbox->first != NULL) {
        mailbox->signalled = true;
        bi_waker_write(&mailbox->waker);
    }
    return code != 0 ? code : start_watching(mailbox);
}

/* ----------------------------------------------------------------------------------------------- holds */

struct bight_mailbox *bi_mailbox_of(const struct bight_reactor *reactor)
{
    return reactor->state->mailbox;
}

struct bight_mailbox *bight_reactor_mailbox(struct bight_reactor *reactor)
{
    return bight_mailbox_hold(reactor->state->mailbox);
}

struct bight_mailbox *bight_mailbox_hold(struct bight_mailbox *mailbox)
{
    atomic_fetch_add_explicit(&mailbox->holds, 1, memory_order_relaxed);
    return mailbox;
}

void bight_mailbox_release(struct bight_mailbox *mailbox)
{
    if (mailbox == NULL || atomic_fetch_sub_explicit(&mailbox->holds, 1, memory_order_acq_rel) != 1) {
        return;
    }
    bi_fork_guard_remove(&mailbox->guard);
    pthread_mutex_destroy(&mailbox->lock);
    bight_free(mailbox);
}

/* ----------------------------------------------------------------------------------------------- calls */

void bi_mailbox_post_locked(struct bight_mailbox *mailbox, struct bi_call *call)
{
    call->next = NULL;
    __atomic_store_n(mailbox->tail, call, __ATOMIC_RELEASE);
    mailbox->tail = &call->next;
    if (!mailbox->signalled && mailbox->waker.write_fd >= 0) {
        mailbox->signalled = true;
        bi_waker_write(&mailbox->waker);
    }
}

int bi_mailbox_post(struct bight_mailbox *mailbox, struct bi_call *call)
{
    pthread_mutex_lock(&mailbox->lock);
    bool closed = mailbox->closed;
    if (!closed) {
        bi_mailbox_post_locked(mailbox, call);
    }
    pthread_mutex_unlock(&mailbox->lock);
    return closed ? BIGHT_E_SHUTDOWN : 0;
}

/* Only the loop adds, so adding needs no atomic instruction. */
static void count_made(struct bight_mailbox *mailbox)
{
    size_t made = atomic_load_explicit(&mailbox->made, memory_order_relaxed);
    atomic_store_explicit(&mailbox->made, made + 1, memory_order_relaxed);
}

static void run_asked_call(struct bi_call *call, bool dropped)
{
    struct asked_call asked = *BI_CONTAINER(call, struct asked_call, call);
    bight_free(BI_CONTAINER(call, struct asked_call, call));
    count_made(asked.mailbox);
    if (!dropped) {
        asked.function(asked.context);
    }
    if (asked.release != NULL) {
        asked.release(asked.context);
    }
}

/* 0, or why it is refused: then nothing was taken. */
static int post_asked(struct bight_mailbox *mailbox, struct bi_call *call)
{
    int code = BIGHT_E_SHUTDOWN;
    pthread_mutex_lock(&mailbox->lock);
    if (!mailbox->closed) {
        size_t made = atomic_load_explicit(&mailbox->made, memory_order_relaxed);
        code = mailbox->asked - made < mailbox->limit ? 0 : BIGHT_E_QUEUE_OVERFLOW;
    }
    if (code == 0) {
        mailbox->asked++;
        bi_mailbox_post_locked(mailbox, call);
    }
    pthread_mutex_unlock(&mailbox->lock);
    return code;
}

int bight_call_from_thread_full(
    struct bight_mailbox *mailbox, bight_timer_function function, void *context, bight_release_function release)
{
    struct asked_call *asked = bight_malloc(sizeof *asked);
    if (asked == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *asked = (struct asked_call) {
        .call.run = run_asked_call, .mailbox = mailbox, .function = function, .context = context, .release = release
    };
    int code = post_asked(mailbox, &asked->call);
    if (code != 0) {
        bight_free(asked);
    }
    return code;
}

int bight_call_from_thread(struct bight_mailbox *mailbox, bight_timer_function function, void *context)
{
    return bight_call_from_thread_full(mailbox, function, context, NULL);
}

bool bi_mailbox_has_taken(const struct bight_reactor *reactor)
{
    return reactor->state->mailbox->taken != NULL;
}

bool bi_mailbox_has_calls(const struct bight_reactor *reactor)
{
    const struct bight_mailbox *mailbox = reactor->state->mailbox;
    return mailbox->taken != NULL || __atomic_load_n(&mailbox->first, __ATOMIC_RELAXED) != NULL;
}

void bi_mailbox_run(struct bight_reactor *reactor)
{
    struct bight_mailbox *mailbox = reactor->state->mailbox;
    if (mailbox->taken == NULL) { /* else some were left over, or this is a turn inside a call */
        bi_mailbox_take(reactor);
    }
    struct bi_call *call;
    for (int calls = 0; calls < CALLS_PER_TURN && (call = mailbox->taken) != NULL; calls++) {
        mailbox->taken = call->next;
        bi_reactor_enter_for(reactor, "call from a thread", NULL, 0);
        call->run(call, false);
        bi_reactor_leave(reactor);
    }
}
