/* SPDX-License-Identifier: MIT */
/* load.c - the session that a request's cookie names, from the store: before the handler, or when that asks for it.
 *
 * Nobody but the request waits for it, so it is cancelled when the request is over. What a store keeps for too long is
 * told by the session's own times. */
#include <bight/memory.h>

#include "http/session/session.h"

#define TOUCHES 10 /* a session is saved again when so many parts of its idle time have passed: one */

/* A Deferred of bight_http_session_load. */
struct bi_session_waiter {
    struct bi_session_waiter *next;
    struct bight_promise promise;
};

void bi_session_forget(struct bi_session *session)
{
    bi_http_buffer_free(&session->values);
    session->id[0] = '\0';
    session->began = session->saved = 0;
}

static bool has_expired(const struct bi_session *session, int64_t now)
{
    const struct bi_sessions *sessions = session->sessions;
    return (double)(now - session->saved) >= sessions->idle_seconds ||
           (double)(now - session->began) >= sessions->absolute_seconds;
}

void bi_session_look_at_times(struct bi_session *session, int64_t now)
{
    if (has_expired(session, now)) {
        bi_session_forget(session);
    } else if ((double)(now - session->saved) * TOUCHES >= session->sessions->idle_seconds) {
        session->is_dirty = true;
    }
}

/* -------------------------------------------------------------------------------------------- what came */

/* The failure, which is the caller's, or NULL. */
static struct bight_failure *take_loaded(
    struct bi_session *session, struct bight_http_request *request, struct bight_result *result)
{
    bool no_memory = false;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        return failure;
    }
    struct bight_bytes *bytes = bight_result_is_empty(result) ? NULL : bight_result_take(result, &bight_type_bytes);
    if (bytes == NULL || !bi_session_read(session, bight_bytes_data(bytes), bight_bytes_size(bytes), &no_memory)) {
        bi_session_forget(session);
    } else {
        bi_session_look_at_times(session, bi_session_wall_time(bight_http_request_reactor(request)));
    }
    bight_bytes_release(bytes);
    return no_memory ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY) : NULL;
}

/* The failure is borrowed. */
static void tell_waiters(struct bi_session *session, struct bight_failure *failure)
{
    struct bi_session_waiter *waiter = session->waiters;
    session->waiters = NULL;
    while (waiter != NULL) {
        struct bi_session_waiter *next = waiter->next;
        struct bight_promise promise = waiter->promise;
        bight_free(waiter);
        (void)(failure != NULL ? bight_errback(promise, bight_failure_hold(failure))
                               : bight_callback(promise, NULL, NULL));
        waiter = next;
    }
}

/* The handler is next, or the answer to what failed. */
static void go_on(struct bi_session *session, struct bight_http_request *request, struct bight_failure *failure)
{
    if (failure != NULL) {
        (void)bight_http_respond_failure(request, bight_failure_hold(failure));
    } else if (session->is_stopped && request->answer.state == BI_ANSWER_NONE) {
        session->is_stopped = false;
        (void)bight_http_request_proceed(request);
    }
}

static void has_loaded(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bi_session *session = bi_session_of(request);
    struct bight_failure *failure = NULL;
    session->loading = NULL;
    if (bight_http_request_is_open(request)) {
        failure = take_loaded(session, request, result);
        session->state = failure == NULL ? BI_SESSION_READY : BI_SESSION_NOT_LOADED;
    } else {
        session->state = BI_SESSION_NOT_LOADED;
        failure = bight_failure_of(BIGHT_E_CLOSED);
    }
    bool is_own = !session->sessions->on_demand && bight_http_request_is_open(request);
    tell_waiters(session, failure);
    if (is_own) {
        go_on(session, request, failure);
    }
    bight_failure_release(failure);
    bight_result_discard(result);
}

/* -------------------------------------------------------------------------------------------- asking */

static void release_request(void *request)
{
    bight_http_request_release(request);
}

/* It is the request's alone. One whose end cannot be told does not wait. */
static void tie(struct bight_deferred *loading, struct bight_http_request *request)
{
    struct bight_owner *owner = bight_http_request_owner(request);
    if (owner == NULL) {
        bight_deferred_cancel(loading);
    } else {
        (void)bight_deferred_tie(loading, owner);
    }
}

int bi_session_load(struct bi_session *session, struct bight_http_request *request)
{
    const struct bi_sessions *sessions = session->sessions;
    struct bight_deferred *loading =
        sessions->store->load(bight_http_request_reactor(request), session->id, sessions->store_context);
    session->state = BI_SESSION_LOADING;
    session->loading = loading;
    bight_http_request_hold(request);
    int code = bight_deferred_add_both_full(loading, has_loaded, request, release_request);
    if (code != BIGHT_OK) {
        session->state = BI_SESSION_NOT_LOADED;
        session->loading = NULL;
        bight_deferred_cancel(loading);
        bight_http_request_release(request);
    } else if (session->loading != NULL) {
        tie(loading, request);
    }
    bight_deferred_release(loading);
    return code;
}

static struct bight_deferred *wait_for(struct bi_session *session)
{
    struct bi_session_waiter *waiter = bight_malloc(sizeof *waiter);
    if (waiter == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_deferred_new(&waiter->promise, NULL, NULL);
    if (deferred == NULL) {
        bight_free(waiter);
        return NULL;
    }
    waiter->next = session->waiters;
    session->waiters = waiter;
    return deferred;
}

struct bight_deferred *bight_http_session_load(struct bight_http_request *request)
{
    struct bi_session *session = bi_session_of(request);
    if (session == NULL) {
        return bight_fail(
            bight_failure_of(bi_http_usage(BIGHT_E_USAGE, "a session cannot be loaded: the site has none")));
    }
    if (session->state == BI_SESSION_READY) {
        return bight_succeed(NULL, NULL);
    }
    if (!bight_http_request_is_open(request)) {
        return bight_fail(bight_failure_of(BIGHT_E_CLOSED));
    }
    struct bight_deferred *waiting = wait_for(session);
    if (session->waiters != NULL && session->state == BI_SESSION_NOT_LOADED &&
        bi_session_load(session, request) != BIGHT_OK) {
        struct bight_failure *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        tell_waiters(session, failure);
        bight_failure_release(failure);
    }
    return waiting;
}
