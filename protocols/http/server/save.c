/* SPDX-License-Identifier: MIT */
/* save.c - the body of a request goes to a file (A4): pieces are gathered here while a thread of the reactor's pool
 * writes those before, one job at a time, and as soon as enough wait no more are taken from the connection.
 *
 * What is being saved has the asker's hold, until the Deferred has fired, and one of the job that is under way. A draft
 * that was not kept goes with a job too, since removing a large file takes its time; where no job can be had any more,
 * at the reactor's end, the last hold removes it on the spot. */
#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <stdatomic.h>
#include <string.h>

#include "http/server/draft.h"
#include "http/server/request.h"

#define WINDOW 65536 /* bytes that wait for the thread, before the client has to; a last piece may double them */

struct save {
    atomic_uint holds;
    atomic_bool is_over; /* the Deferred has fired, or is about to */
    /* The loop's. */
    struct bight_http_request *request; /* until it is over */
    struct bight_reactor *reactor;
    struct bight_promise promise;
    struct bi_http_buffer waiting;
    struct bight_deferred *working; /* NULL: there is no job */
    bool has_ended;                 /* the body is whole */
    uint64_t reported;
    bight_http_progress_function progress;
    void *context;
    /* The job's, while there is one. */
    struct bi_http_buffer writing;
    bool is_last;
    struct bi_draft draft;
    char path[];
};

/* In whatever thread: the reactor's, but when a job was left behind by its end. */
static void drop_hold(void *context)
{
    struct save *save = context;
    if (atomic_fetch_sub_explicit(&save->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    bi_draft_discard(&save->draft);
    bi_http_buffer_free(&save->waiting);
    bi_http_buffer_free(&save->writing);
    bight_free(save);
}

static struct save *hold(struct save *save)
{
    atomic_fetch_add_explicit(&save->holds, 1, memory_order_relaxed);
    return save;
}

/* -------------------------------------------------------------------------------------- in the thread */

/* A save that is over keeps nothing. */
static void work(struct bight_result *result, void *context)
{
    struct save *save = context;
    struct bi_http_buffer *writing = &save->writing;
    int number = bi_draft_write(&save->draft, bi_http_buffer_data(writing), bi_http_buffer_size(writing));
    if (number == 0 && save->is_last && !atomic_load(&save->is_over)) {
        number = bi_draft_keep(&save->draft);
    }
    if (number != 0) {
        bight_result_fail(result, bight_failure_from_errno(number, save->path));
    }
}

static void discard(struct bight_result *result, void *context)
{
    struct save *save = context;
    (void)result;
    bi_draft_discard(&save->draft);
}

/* ----------------------------------------------------------------------------------------------- its end */

static void ignore(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

/* Behind the last job, if there was one. */
static void discard_later(struct save *save)
{
    if (save->draft.file < 0) {
        return;
    }
    struct bight_deferred *discarding = bight_defer_to_thread_full(save->reactor, discard, hold(save), drop_hold);
    (void)bight_deferred_add_both(discarding, ignore, NULL); /* when out of memory that is logged */
    bight_deferred_release(discarding);
}

/* Nothing more is taken of the body. */
static void end(struct save *save)
{
    atomic_store(&save->is_over, true);
    bi_body_stop(save->request, save);
    if (save->working == NULL) {
        discard_later(save);
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
    struct save *save = context;
    struct bight_http_request *request = save->request;
    save->request = NULL;
    drop_hold(save);
    bi_request_end_pending(request);
}

/* The request waits for its answer until the handlers have run: the Deferred's own hold goes before. */
static void fail(struct save *save, struct bight_failure *failure)
{
    struct bight_http_request *request = save->request;
    bi_request_begin_pending(request);
    end(save);
    (void)bight_errback(save->promise, failure);
    bi_request_end_pending(request);
}

static void succeed(struct save *save)
{
    struct bight_http_request *request = save->request;
    bi_request_begin_pending(request);
    end(save);
    (void)bight_callback(save->promise, &bight_type_integer, bight_integer((intptr_t)save->reported));
    bi_request_end_pending(request);
}

/* ---------------------------------------------------------------------------------------------- its jobs */

static void has_worked(struct bight_result *result, void *context);

/* Hands what waits to a thread, if none has something yet. The handler may run at once, and `save` be gone. */
static void advance(struct save *save)
{
    bool has_more = bi_http_buffer_size(&save->waiting) > 0 || (save->has_ended && !save->is_last);
    if (save->working != NULL || !has_more) {
        return;
    }
    struct bi_http_buffer empty = save->writing;
    empty.start = empty.end = 0;
    save->writing = save->waiting;
    save->waiting = empty;
    save->is_last = save->has_ended;
    struct bight_deferred *working = bight_defer_to_thread_full(save->reactor, work, hold(save), drop_hold);
    save->working = bight_deferred_hold(working);
    if (bight_deferred_add_both(working, has_worked, save) != BIGHT_OK) {
        fail(save, bight_failure_of(BIGHT_E_OUT_OF_MEMORY)); /* and the job has the draft yet */
        bight_deferred_release(working);
        save->working = NULL;
        bight_deferred_cancel(working);
    }
    bight_deferred_release(working);
}

/* False: it is over by now. */
static bool report(struct save *save)
{
    uint64_t written = save->draft.written;
    bool has_news = written > save->reported;
    save->reported = written;
    if (has_news && save->progress != NULL) {
        save->progress(save->request, written, bight_http_request_content_length(save->request), save->context);
    }
    return !atomic_load(&save->is_over);
}

static void go_on(struct save *save)
{
    if (!report(save)) {
        return;
    }
    if (save->is_last) {
        succeed(save);
        return;
    }
    advance(save);
    if (!atomic_load(&save->is_over) && bi_http_buffer_size(&save->waiting) < WINDOW) {
        bight_http_request_resume(save->request);
    }
}

/* What a job has left. One that did not come back, at the reactor's end, may work on the draft yet. */
static void take_up(struct save *save, struct bight_failure *failure)
{
    struct bight_deferred *working = save->working;
    bool is_back = failure == NULL || !bight_failure_is(failure, BIGHT_E_CANCELLED);
    save->working = is_back ? NULL : working;
    if (atomic_load(&save->is_over)) {
        if (is_back) {
            discard_later(save);
        }
    } else if (failure != NULL) {
        fail(save, bight_failure_hold(failure));
    } else {
        go_on(save);
    }
    save->working = is_back ? save->working : NULL;
    bight_deferred_release(working);
}

static void has_worked(struct bight_result *result, void *context)
{
    struct save *save = hold(context);
    struct bight_failure *failure = bight_result_take_failure(result);
    take_up(save, failure);
    bight_failure_release(failure);
    drop_hold(save);
}

/* ------------------------------------------------------------------------------------------- the consumer */

static bool take(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct save *save = hold(context);
    (void)request;
    if (bi_http_buffer_append(&save->waiting, data, size) != BIGHT_OK) {
        fail(save, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else {
        advance(save);
    }
    bool goes_on = bi_http_buffer_size(&save->waiting) < WINDOW;
    drop_hold(save);
    return goes_on;
}

static void take_end(struct bight_http_request *request, void *context)
{
    struct save *save = context;
    (void)request;
    save->has_ended = true;
    advance(save);
}

static void take_failure(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    fail(context, bight_failure_hold(failure));
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer,
    .data = take,
    .end = take_end,
    .failed = take_failure,
};

/* ------------------------------------------------------------------------------------------ asking for it */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                \
    ((options) != NULL &&                                                                                     \
                (options)->size >= offsetof(struct bight_http_save_options, member) + sizeof(options)->member \
            ? (options)->member                                                                               \
            : 0)

static struct save *new_save(
    struct bight_http_request *request, const char *path, const struct bight_http_save_options *options)
{
    size_t size = strlen(path) + 1;
    struct save *save = bight_calloc(1, sizeof *save + size);
    if (save == NULL) {
        return NULL;
    }
    atomic_init(&save->holds, 1);
    atomic_init(&save->is_over, false);
    memcpy(save->path, path, size);
    save->request = request;
    save->reactor = bight_http_request_reactor(request);
    save->progress = GIVEN(options, progress);
    save->context = GIVEN(options, context);
    save->draft = (struct bi_draft) {
        .path = save->path,
        .name = bi_draft_name_in(save->path),
        .mode = GIVEN(options, mode),
        .replaces = GIVEN(options, replace),
        .is_hurried = GIVEN(options, no_sync),
        .directory = -1,
        .file = -1,
    };
    return save;
}

/* A name that others could guess would be theirs to take, again and again. */
static int draw_number(struct save *save)
{
    return save->reactor == NULL ? BIGHT_E_CLOSED
                                 : bight_random(save->reactor, &save->draft.number, sizeof save->draft.number);
}

static struct bight_failure *why_not(const struct bight_http_request *request, int code)
{
    const struct bight_failure *failure = request->has_body ? request->body.failure : NULL;
    return failure != NULL && bight_failure_code(failure) == code ? bight_failure_hold(failure)
                                                                  : bight_failure_of(code);
}

static void start(struct save *save, uint64_t limit)
{
    int code = draw_number(save);
    if (code == BIGHT_OK) {
        code = bight_http_request_consume(save->request, limit, &consumer, save);
    }
    if (code != BIGHT_OK) {
        fail(save, why_not(save->request, code));
    }
}

struct bight_deferred *bight_http_request_save(
    struct bight_http_request *request, const char *path, const struct bight_http_save_options *options)
{
    if (path == NULL || bi_draft_name_in(path) == NULL) {
        return bight_fail(bight_failure_of(
            bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a body of a request: its path names no file to save it to")));
    }
    struct save *save = new_save(request, path, options);
    if (save == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bi_request_begin_pending(request);
    hold(save);
    struct bight_deferred *deferred = bight_deferred_new_full(&save->promise, cancel, save, release);
    if (bight_promise_is_open(save->promise)) {
        start(save, GIVEN(options, limit));
    }
    drop_hold(save);
    return deferred;
}
