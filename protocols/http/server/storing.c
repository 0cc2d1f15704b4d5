/* SPDX-License-Identifier: MIT */
/* storing.c - bytes on their way to the disk, and their Deferred (A4).
 *
 * As soon as enough of them wait no more are taken from the connection. What was not kept goes with a job too, since
 * removing a large file takes its time; where no job can be had any more, at the reactor's end, the last hold removes
 * it on the spot. */
#include <bight/thread.h>

#include "http/server/storing.h"

void bi_storing_init(struct bi_storing *storing, const struct bi_storing_ops *ops, struct bight_http_request *request)
{
    storing->ops = ops;
    atomic_init(&storing->holds, 1);
    atomic_init(&storing->is_over, false);
    storing->request = request;
    storing->reactor = request != NULL ? bight_http_request_reactor(request) : NULL;
}

/* Where the body is no request's there is nothing that waits for an answer. */
static void begin_pending(struct bight_http_request *request)
{
    if (request != NULL) {
        bi_request_begin_pending(request);
    }
}

static void end_pending(struct bight_http_request *request)
{
    if (request != NULL) {
        bi_request_end_pending(request);
    }
}

/* In whatever thread: the reactor's, but when a job was left behind by its end. */
void bi_storing_drop(struct bi_storing *storing)
{
    if (atomic_fetch_sub_explicit(&storing->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (storing->ops->discard != NULL) {
        storing->ops->discard(storing);
    }
    bi_http_buffer_free(&storing->waiting);
    bi_http_buffer_free(&storing->writing);
    storing->ops->free(storing);
}

static void drop_hold(void *context)
{
    bi_storing_drop(context);
}

struct bi_storing *bi_storing_hold(struct bi_storing *storing)
{
    atomic_fetch_add_explicit(&storing->holds, 1, memory_order_relaxed);
    return storing;
}

/* -------------------------------------------------------------------------------------- in the thread */

static void work(struct bight_result *result, void *context)
{
    struct bi_storing *storing = context;
    struct bi_http_buffer *writing = &storing->writing;
    struct bight_failure *failure =
        storing->ops->write(storing, bi_http_buffer_data(writing), bi_http_buffer_size(writing), storing->is_last);
    writing->start = writing->end;
    if (failure != NULL) {
        bight_result_fail(result, failure);
    }
}

static void discard(struct bight_result *result, void *context)
{
    struct bi_storing *storing = context;
    (void)result;
    storing->ops->discard(storing);
}

/* ----------------------------------------------------------------------------------------------- its end */

static void ignore(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

/* Behind the last job, if there was one. */
static void discard_later(struct bi_storing *storing)
{
    if (storing->ops->discard == NULL || !storing->ops->is_there(storing)) {
        return;
    }
    struct bight_deferred *discarding =
        bight_defer_to_thread_full(storing->reactor, discard, bi_storing_hold(storing), drop_hold);
    (void)bight_deferred_add_both(discarding, ignore, NULL); /* when out of memory that is logged */
    bight_deferred_release(discarding);
}

/* Nothing more is taken of the body. */
static void end(struct bi_storing *storing)
{
    atomic_store(&storing->is_over, true);
    storing->ops->stop(storing);
    if (storing->working == NULL) {
        discard_later(storing);
    }
}

static void cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    end(context);
}

/* The Deferred has fired. */
static void release(void *context)
{
    struct bi_storing *storing = context;
    struct bight_http_request *request = storing->request;
    storing->request = NULL;
    bi_storing_drop(storing);
    end_pending(request);
}

struct bight_deferred *bi_storing_defer(struct bi_storing *storing)
{
    begin_pending(storing->request);
    bi_storing_hold(storing);
    return bight_deferred_new_full(&storing->promise, cancel, storing, release);
}

/* The request waits for its answer until the handlers have run: the Deferred's own hold goes before. */
void bi_storing_fail(struct bi_storing *storing, struct bight_failure *failure)
{
    struct bight_http_request *request = storing->request;
    begin_pending(request);
    end(storing);
    (void)bight_errback(storing->promise, failure);
    end_pending(request);
}

static void succeed(struct bi_storing *storing)
{
    struct bight_http_request *request = storing->request;
    begin_pending(request);
    end(storing);
    storing->ops->succeed(storing);
    end_pending(request);
}

/* ---------------------------------------------------------------------------------------------- its jobs */

static void has_worked(struct bight_result *result, void *context);

/* Hands what waits to a thread, if none has something yet. The handler may run at once, and all be over. */
static void advance(struct bi_storing *storing)
{
    bool has_more = bi_http_buffer_size(&storing->waiting) > 0 || (storing->has_ended && !storing->is_last);
    if (storing->working != NULL || !has_more) {
        return;
    }
    struct bi_http_buffer empty = storing->writing;
    empty.start = empty.end = 0;
    storing->writing = storing->waiting;
    storing->waiting = empty;
    storing->is_last = storing->has_ended;
    struct bight_deferred *working =
        bight_defer_to_thread_full(storing->reactor, work, bi_storing_hold(storing), drop_hold);
    storing->working = bight_deferred_hold(working);
    if (bight_deferred_add_both(working, has_worked, storing) != BIGHT_OK) {
        bi_storing_fail(storing, bight_failure_of(BIGHT_E_OUT_OF_MEMORY)); /* and the job has the file yet */
        bight_deferred_release(working);
        storing->working = NULL;
        bight_deferred_cancel(working);
    }
    bight_deferred_release(working);
}

static void go_on(struct bi_storing *storing)
{
    if (storing->ops->wrote != NULL) {
        storing->ops->wrote(storing);
    }
    if (atomic_load(&storing->is_over)) {
        return;
    }
    if (storing->is_last) {
        succeed(storing);
        return;
    }
    advance(storing);
    if (!atomic_load(&storing->is_over) && bi_http_buffer_size(&storing->waiting) < BI_STORING_WINDOW) {
        storing->ops->resume != NULL ? storing->ops->resume(storing) : bight_http_request_resume(storing->request);
    }
}

/* What a job has left. One that did not come back, at the reactor's end, may work on the file yet. */
static void take_up(struct bi_storing *storing, struct bight_failure *failure)
{
    struct bight_deferred *working = storing->working;
    bool is_back = failure == NULL || !bight_failure_is(failure, BIGHT_E_CANCELLED);
    storing->working = is_back ? NULL : working;
    if (atomic_load(&storing->is_over)) {
        if (is_back) {
            discard_later(storing);
        }
    } else if (failure != NULL) {
        bi_storing_fail(storing, bight_failure_hold(failure));
    } else {
        go_on(storing);
    }
    storing->working = is_back ? storing->working : NULL;
    bight_deferred_release(working);
}

static void has_worked(struct bight_result *result, void *context)
{
    struct bi_storing *storing = bi_storing_hold(context);
    struct bight_failure *failure = bight_result_take_failure(result);
    take_up(storing, failure);
    bight_failure_release(failure);
    bi_storing_drop(storing);
}

/* ------------------------------------------------------------------------------------------ what comes in */

bool bi_storing_add(struct bi_storing *storing, const uint8_t *data, size_t size)
{
    bi_storing_hold(storing);
    if (bi_http_buffer_append(&storing->waiting, data, size) != BIGHT_OK) {
        bi_storing_fail(storing, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else {
        advance(storing);
    }
    bool goes_on = bi_http_buffer_size(&storing->waiting) < BI_STORING_WINDOW;
    bi_storing_drop(storing);
    return goes_on;
}

void bi_storing_end(struct bi_storing *storing, bool by_job)
{
    storing->has_ended = true;
    if (by_job || storing->working != NULL || bi_http_buffer_size(&storing->waiting) > 0) {
        advance(storing);
    } else {
        succeed(storing);
    }
}
