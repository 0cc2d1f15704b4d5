/* SPDX-License-Identifier: MIT */
/* blocking_call.c - calls from other threads into the loop's that wait for what results from them.
 *
 * A call is shared by the thread that blocks and the loop, and is counted. Under the mailbox's lock it goes from queued
 * to begun to answered, by the loop, or from queued to withdrawn, by its caller whose time is up, or in the child of a
 * fork, where its caller is not. Once it has begun only the loop can end it, so that its caller never returns while the
 * function is running; all that can end it then end in end_call. A loop that will not serve any more answers all of
 * them first. */
#include <bight/memory.h>

#include <errno.h>
#include <math.h>
#include <time.h>

#include "thread/blocking_call.h"

enum state { QUEUED, BEGUN, ANSWERED, WITHDRAWN };

struct blocking_call {
    struct bi_call call;    /* how it comes to the loop */
    struct bi_call give_up; /* how the loop learns that the time is up */
    atomic_uint holds;
    struct bight_mailbox *mailbox;
    const struct bi_crew *crew; /* whose thread blocks; NULL: none's */
    bight_blocking_function function;
    void *context;
    bool is_wanted; /* the value, by the caller */
    /* under the mailbox's lock */
    enum state state;
    pthread_cond_t answered;
    struct bight_result result; /* set before it is answered */
    /* the loop's */
    struct bi_link link;             /* in the mailbox's `begun` */
    struct bi_task task;             /* how it is given up after a fork */
    struct bight_deferred *deferred; /* NULL: no thread waits for it, not yet or no more */
    int reason;                      /* why it was cancelled */
};

static _Thread_local const struct bi_crew *crew_of_this_thread;

void bi_crew_join(const struct bi_crew *crew)
{
    crew_of_this_thread = crew;
}

static void init_condition(struct blocking_call *call)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&call->answered, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* In the child of a fork, a result that is left was for a thread that is not there. */
static void release_call(void *context)
{
    struct blocking_call *call = context;
    if (atomic_fetch_sub_explicit(&call->holds, 1, memory_order_acq_rel) == 1) {
        bight_result_discard(&call->result);
        pthread_cond_destroy(&call->answered);
        bight_free(call);
    }
}

static struct blocking_call *hold_call(struct blocking_call *call)
{
    atomic_fetch_add_explicit(&call->holds, 1, memory_order_relaxed);
    return call;
}

/* --------------------------------------------------------------------------------- in the loop's thread */

/* Under the lock: with what is in the result, or with a code. */
static void answer(struct blocking_call *call, int code)
{
    if (code != 0) {
        bight_result_fail(&call->result, bight_failure_of(code));
    }
    call->state = ANSWERED;
    pthread_cond_signal(&call->answered);
}

/* The end of a call that has begun. Its Deferred is awaited no more. */
static void end_call(struct blocking_call *call, int code)
{
    struct bight_deferred *deferred = call->deferred;
    call->deferred = NULL;
    bi_list_remove(&call->link);
    if (!call->is_wanted && bight_result_failure(&call->result) == NULL) {
        bight_result_clear(&call->result);
    }
    pthread_mutex_lock(&call->mailbox->lock);
    answer(call, code);
    pthread_mutex_unlock(&call->mailbox->lock);
    bight_deferred_release(deferred);
}

static void arrive(struct bight_result *result, void *context)
{
    struct blocking_call *call = context;
    if (call->deferred == NULL) {
        bight_result_discard(result);
        return;
    }
    struct bight_failure *failure = bight_result_failure(result);
    if (call->reason != 0 && failure != NULL && bight_failure_code(failure) == BIGHT_E_CANCELLED) {
        bight_result_fail(result, bight_failure_of(call->reason));
    }
    bight_result_move(&call->result, result);
    end_call(call, 0);
}

/* Cancels what has begun. What goes on in spite of that is not waited for. */
static void give_up(struct blocking_call *call, int reason)
{
    struct bight_deferred *held = bight_deferred_hold(call->deferred);
    hold_call(call);
    call->reason = reason;
    bight_deferred_cancel(held);
    if (call->deferred != NULL) {
        end_call(call, reason);
    }
    bight_deferred_release(held);
    release_call(call);
}

static void begin(struct blocking_call *call)
{
    call->deferred = call->function(call->context);
    if (call->deferred == NULL) {
        end_call(call, 0);
        return;
    }
    bi_list_append(&call->mailbox->begun, &call->link);
    int code = bight_deferred_add_both_full(call->deferred, arrive, hold_call(call), release_call);
    if (code != 0) {
        give_up(call, code);
        release_call(call);
    }
}

static void run_give_up(struct bi_call *posted, bool dropped)
{
    struct blocking_call *call = BI_CONTAINER(posted, struct blocking_call, give_up);
    (void)dropped;
    if (call->deferred != NULL) {
        give_up(call, BIGHT_E_TIMED_OUT);
    }
    release_call(call);
}

/* Under the lock, of one that has not begun. */
static void refuse(struct blocking_call *call)
{
    if (call->state == QUEUED) {
        answer(call, BIGHT_E_SHUTDOWN);
    }
}

static void run_call(struct bi_call *posted, bool dropped)
{
    struct blocking_call *call = BI_CONTAINER(posted, struct blocking_call, call);
    pthread_mutex_lock(&call->mailbox->lock);
    if (dropped) {
        refuse(call);
    }
    bool begins = call->state == QUEUED;
    if (begins) {
        call->state = BEGUN;
    }
    pthread_mutex_unlock(&call->mailbox->lock);
    if (begins) {
        begin(call);
    }
    release_call(call);
}

/* ------------------------------------------------------------------------------------- the loop's ends */

static bool is_meant(const struct blocking_call *call, const struct bi_crew *crew)
{
    return crew == NULL || call->crew == crew;
}

/* Under the lock: `posted` and all behind it. */
static void refuse_from(struct bi_call *posted, const struct bi_crew *crew)
{
    for (; posted != NULL; posted = posted->next) {
        struct blocking_call *call = BI_CONTAINER(posted, struct blocking_call, call);
        if (posted->run == run_call && is_meant(call, crew)) {
            refuse(call);
        }
    }
}

static void refuse_queued(struct bight_mailbox *mailbox, const struct bi_crew *crew)
{
    pthread_mutex_lock(&mailbox->lock);
    refuse_from(mailbox->taken, crew);
    refuse_from(mailbox->first, crew);
    pthread_mutex_unlock(&mailbox->lock);
}

void bi_blocking_calls_end(struct bight_mailbox *mailbox, const struct bi_crew *crew)
{
    struct bight_reactor *reactor = mailbox->reactor;
    bi_reactor_enter(reactor);
    refuse_queued(mailbox, crew);
    BI_LIST_EACH_NOW (link, &mailbox->begun) {
        struct blocking_call *call = BI_CONTAINER(link, struct blocking_call, link);
        if (is_meant(call, crew)) {
            give_up(call, BIGHT_E_SHUTDOWN);
        }
    }
    bi_reactor_leave(reactor);
}

static void abandon(struct bi_task *task)
{
    struct blocking_call *call = BI_CONTAINER(task, struct blocking_call, task);
    if (call->deferred != NULL) {
        give_up(call, BIGHT_E_ABANDONED);
    }
    release_call(call);
}

/* What the missing threads held is forgotten, and so is what they waited for. */
static void orphan(struct blocking_call *call, unsigned holds)
{
    init_condition(call);
    atomic_store(&call->holds, holds);
}

/* What is left is held by the queue, or by the handler and the task. */
static void be_after_fork(struct bight_mailbox *mailbox)
{
    for (struct bi_link *link = mailbox->begun.next; link != &mailbox->begun; link = link->next) {
        struct blocking_call *call = BI_CONTAINER(link, struct blocking_call, link);
        orphan(call, 2);
        bi_reactor_soon(mailbox->reactor, &call->task, abandon);
    }
    for (struct bi_call *posted = mailbox->first; posted != NULL; posted = posted->next) {
        if (posted->run == run_call) {
            struct blocking_call *call = BI_CONTAINER(posted, struct blocking_call, call);
            orphan(call, 1);
            call->state = WITHDRAWN;
        } else if (posted->run == run_give_up) {
            hold_call(BI_CONTAINER(posted, struct blocking_call, give_up));
        }
    }
}

static void end_all(struct bight_mailbox *mailbox)
{
    bi_blocking_calls_end(mailbox, NULL);
}

static const struct bi_waiting_calls waiting_calls = { .end = end_all, .after_fork = be_after_fork };

/* ------------------------------------------------------------------------------ in the thread that blocks */

static struct blocking_call *new_call(
    struct bight_mailbox *mailbox, bight_blocking_function function, void *context, bool is_wanted)
{
    struct blocking_call *call = bight_calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    init_condition(call);
    call->call.run = run_call;
    call->give_up.run = run_give_up;
    atomic_init(&call->holds, 1);
    call->mailbox = mailbox;
    call->crew = crew_of_this_thread;
    call->function = function;
    call->context = context;
    call->is_wanted = is_wanted;
    bi_list_init(&call->link);
    return call;
}

/* Under the lock. A thread whose crew is told to end does not begin to wait. */
static int refusal(const struct bight_mailbox *mailbox)
{
    if (mailbox->closed) {
        return BIGHT_E_SHUTDOWN;
    }
    if (pthread_equal(mailbox->thread, pthread_self())) {
        return BIGHT_E_WRONG_THREAD;
    }
    return mailbox->nobody_waits || (crew_of_this_thread != NULL && crew_of_this_thread->is_ending) ? BIGHT_E_SHUTDOWN
                                                                                                    : 0;
}

#define NEVER (-1) /* nanoseconds of a deadline that does not come */

/* Absolute. */
static struct timespec deadline_after(uint64_t nanoseconds)
{
    struct bight_system *real = bight_system_real();
    uint64_t now = real->ops->now(real);
    if (nanoseconds > UINT64_MAX - now) {
        return (struct timespec) { .tv_nsec = NEVER };
    }
    now += nanoseconds;
    return (struct timespec) { .tv_sec = (time_t)(now / BIGHT_NANOSECONDS_PER_SECOND),
        .tv_nsec = (long)(now % BIGHT_NANOSECONDS_PER_SECOND) };
}

/* Under the lock. Once the time is up and it has begun, the answer to the request to give it up is awaited. */
static void await_answer(struct blocking_call *call, struct timespec deadline)
{
    pthread_mutex_t *lock = &call->mailbox->lock;
    while (call->state == QUEUED || call->state == BEGUN) {
        int number = deadline.tv_nsec != NEVER ? pthread_cond_timedwait(&call->answered, lock, &deadline)
                                               : pthread_cond_wait(&call->answered, lock);
        if (number != ETIMEDOUT) {
            continue;
        }
        deadline.tv_nsec = NEVER;
        if (call->state == QUEUED) {
            call->state = WITHDRAWN;
        } else if (call->state == BEGUN) {
            bi_mailbox_post_locked(call->mailbox, &hold_call(call)->give_up);
        }
    }
}

static int give_code(struct bight_result *result, int code)
{
    if (result != NULL) {
        bight_result_fail(result, bight_failure_of(code));
    }
    return code;
}

/* Without the lock: a call that is answered or withdrawn does not change. */
static int give_answer(struct blocking_call *call, struct bight_result *result)
{
    if (call->state == WITHDRAWN) {
        return give_code(result, BIGHT_E_TIMED_OUT);
    }
    const struct bight_failure *failure = bight_result_failure(&call->result);
    int code = failure != NULL ? bight_failure_code(failure) : 0;
    if (result != NULL) {
        bight_result_move(result, &call->result);
    } else {
        bight_result_clear(&call->result);
    }
    return code;
}

static int call_and_wait(struct blocking_call *call, uint64_t patience, struct bight_result *result)
{
    struct bight_mailbox *mailbox = call->mailbox;
    struct timespec deadline = deadline_after(patience);
    pthread_mutex_lock(&mailbox->lock);
    int code = refusal(mailbox);
    if (code == 0) {
        mailbox->waiting = &waiting_calls;
        bi_mailbox_post_locked(mailbox, &hold_call(call)->call);
        await_answer(call, deadline);
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (code == BIGHT_E_WRONG_THREAD) {
        (void)bi_usage_error(
            code, BIGHT_HERE, "bight_blocking_call_from_thread: the loop's own thread would wait for itself");
    }
    return code != 0 ? give_code(result, code) : give_answer(call, result);
}

int bight_blocking_call_from_thread_timeout(struct bight_mailbox *mailbox, bight_blocking_function function,
    void *context, double seconds, struct bight_result *result)
{
    uint64_t patience;
    int code = function != NULL ? bight_seconds_to_nanoseconds(seconds, &patience) : BIGHT_E_INVALID_ARGUMENT;
    if (code != 0) {
        return give_code(result, bi_usage_error(code, BIGHT_HERE, "bight_blocking_call_from_thread: %s",
                                     function == NULL ? "there is no function" : BI_BAD_SECONDS));
    }
    struct blocking_call *call = new_call(mailbox, function, context, result != NULL);
    if (call == NULL) {
        return give_code(result, BIGHT_E_OUT_OF_MEMORY);
    }
    code = call_and_wait(call, patience, result);
    release_call(call);
    return code;
}

int bight_blocking_call_from_thread(
    struct bight_mailbox *mailbox, bight_blocking_function function, void *context, struct bight_result *result)
{
    return bight_blocking_call_from_thread_timeout(mailbox, function, context, HUGE_VAL, result);
}
