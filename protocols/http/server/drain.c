/* SPDX-License-Identifier: MIT */
/* drain.c - waiting until the client has taken what was written of an answer (T13), for programs that write in a loop.
 *
 * The transport tells of room only when it has been above its mark behind an attempt to send. So a drain that seems to
 * have to wait is looked at again on the next turn, behind which that has been made, and only then waits for it. */
#include "http/server/answer.h"

#define HIGH 65536 /* the transport's high watermark */
#define MAX_AT_ONCE                                                                                \
    64 /* drains in a row that are answered in their call: drains in handlers pile up on the stack \
        */

static struct bight_promise take_promise(struct bi_http_drain *drain)
{
    struct bight_promise promise = drain->promise;
    drain->promise = (struct bight_promise) { NULL, 0 };
    bight_timer_cancel(drain->timer);
    return promise;
}

/* The request waits for its end until the handlers have run: the Deferred's own hold goes before. */
static void fire(struct bight_http_request *request, struct bight_failure *failure)
{
    struct bi_http_drain *drain = request->answer.drain;
    drain->at_once = 0;
    bi_request_begin_pending(request);
    if (failure == NULL) {
        (void)bight_callback(take_promise(drain), NULL, NULL);
    } else {
        (void)bight_errback(take_promise(drain), failure);
    }
    bi_request_end_pending(request);
}

static bool is_waiting(const struct bi_http_drain *drain)
{
    return drain != NULL && bight_promise_is_open(drain->promise);
}

static bool has_room(const struct bight_http_request *request)
{
    return bight_transport_queued(request->connection->base.transport) <= HIGH;
}

void bi_drain_look(struct bight_http_request *request)
{
    if (is_waiting(request->answer.drain) && request->connection != NULL && has_room(request)) {
        fire(request, NULL);
    }
}

void bi_drain_warn(struct bight_http_request *request)
{
    const struct bi_http_drain *drain = request->answer.drain;
    if (drain != NULL && drain->watcher != NULL) {
        drain->watcher->draining(drain->watcher);
    }
}

void bi_drain_end(struct bight_http_request *request)
{
    struct bi_http_watcher *watcher = request->answer.drain->watcher;
    if (is_waiting(request->answer.drain)) {
        fire(request, bight_failure_of(BIGHT_E_CLOSED));
    }
    request->answer.drain = NULL;
    if (watcher != NULL) {
        watcher->over(watcher);
    }
}

static void look(void *request)
{
    bi_drain_look(request);
}

static void cancel(struct bight_promise promise, void *context)
{
    struct bight_http_request *request = context;
    (void)promise;
    (void)take_promise(request->answer.drain);
}

static void release_request(void *request)
{
    bi_request_end_pending(request);
}

/* Of the request's own memory. */
static int make(struct bight_http_request *request)
{
    struct bi_http_answer *answer = &request->answer;
    if (answer->drain != NULL) {
        return BIGHT_OK;
    }
    answer->drain = (struct bi_http_drain *)(void *)bi_request_allocate(request, sizeof *answer->drain);
    if (answer->drain == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *answer->drain = (struct bi_http_drain) { .at_once = 0 };
    return BIGHT_OK;
}

int bi_drain_watch(struct bight_http_request *request, struct bi_http_watcher *watcher)
{
    int code = make(request);
    if (code == BIGHT_OK) {
        request->answer.drain->watcher = watcher;
    }
    return code;
}

/* 0, or why nothing can be waited for. */
static int check(struct bight_http_request *request)
{
    struct bi_http_answer *answer = &request->answer;
    if (!bight_http_request_is_open(request)) {
        return BIGHT_E_CLOSED;
    }
    if (!BI_ANSWER_IS_UNDER_WAY(answer->state) || answer->producing || is_waiting(answer->drain)) {
        return bi_http_usage(
            BIGHT_E_USAGE, "a drain of an answer: none has been begun, it has a producer, or somebody waits already");
    }
    return make(request);
}

struct bight_deferred *bight_http_respond_drain(struct bight_http_request *request)
{
    int code = check(request);
    if (code != BIGHT_OK) {
        return bight_fail(bight_failure_of(code));
    }
    struct bi_http_drain *drain = request->answer.drain;
    if (has_room(request) && ++drain->at_once < MAX_AT_ONCE) {
        return bight_succeed(NULL, NULL);
    }
    struct bight_promise promise;
    bi_request_begin_pending(request);
    struct bight_deferred *deferred = bight_deferred_new_full(&promise, cancel, request, release_request);
    if (!bight_promise_is_open(promise)) {
        return deferred;
    }
    drain->promise = promise;
    code = bight_call_later(bight_http_request_reactor(request), 0, look, request, &drain->timer);
    if (code != BIGHT_OK) {
        fire(request, bight_failure_of(code));
    }
    return deferred;
}
