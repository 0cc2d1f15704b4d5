/* SPDX-License-Identifier: MIT */
/* keep.c - a client that comes back: it connects, and again when its socket has ended, until it is told to stop.
 *
 * All pauses are bight_retry's. A round is one call of it, whose attempt succeeds when a socket has been open for a
 * while; each round but the first begins with an attempt that fails at once, with what the last socket ended with: so a
 * round has its pause before its first connection, and worth_it is asked of every end. That a socket has ended is told
 * by a Deferred that is tied to it. */
#include <bight/memory.h>

#include "http/websocket/socket.h"

#define STEADY_SECONDS 10.0

struct keep {
    size_t holds;
    struct bight_reactor *reactor;
    struct bight_websocket_factory *factory;
    struct bight_websocket_keep_options options;
    struct bight_retry_policy policy;
    bight_retry_predicate worth_it; /* the program's; NULL: the usual */
    struct bight_promise promise;   /* of the program's Deferred */
    struct bight_deferred *round;   /* NULL: none is under way, or it is being begun */
    struct bight_websocket *socket; /* held; NULL: there is none */
    struct bight_promise steady;    /* of the attempt that the socket is */
    struct bight_timer timer;       /* for that */
    struct bight_failure *end;      /* what the round is to begin with; NULL: nothing */
    bool is_in_round;               /* else the socket has been open for a while */
    bool is_calling, is_hopeless;   /* what is called has not returned; nothing will be better next time */
    char url[];
};

static void release_keep(void *context)
{
    struct keep *keep = context;
    if (--keep->holds == 0) {
        bight_failure_release(keep->end);
        bight_free(keep);
    }
}

static struct keep *hold_keep(struct keep *keep)
{
    keep->holds++;
    return keep;
}

/* ------------------------------------------------------------------------------------------- a socket */

static void begin_round(struct keep *keep);

static struct bight_failure *end_of(const struct bight_websocket *socket)
{
    unsigned code = bi_socket_close_code(socket);
    const char *reason = bi_socket_close_reason(socket);
    return bight_failure_new_status(BIGHT_E_CONNECTION_LOST, (int)code, NULL, "the WebSocket has closed with %u%s%s",
        code, reason[0] != '\0' ? ": " : "", reason);
}

/* The socket has ended, or cannot be watched, and is to. */
static void note_end(struct keep *keep)
{
    struct bight_websocket *socket = keep->socket;
    struct bight_failure *end = end_of(socket);
    keep->socket = NULL;
    (void)bight_timer_cancel(keep->timer);
    (void)bight_transport_abort_connection(bight_websocket_transport(socket));
    bight_websocket_release(socket);
    if (bight_promise_is_open(keep->steady)) {
        (void)bight_errback(keep->steady, end);
    } else if (!keep->is_in_round && bight_promise_is_open(keep->promise)) {
        keep->end = end;
        begin_round(keep);
    } else {
        bight_failure_release(end);
    }
}

static void has_ended(struct bight_result *result, void *context)
{
    bight_result_clear(result);
    note_end(context);
}

static void is_steady(void *context)
{
    struct keep *keep = context;
    (void)bight_callback(keep->steady, NULL, NULL);
}

static void watch(struct keep *keep)
{
    struct bight_promise never;
    struct bight_deferred *end = bight_deferred_new(&never, NULL, NULL);
    double seconds = keep->options.steady_seconds;
    int code = bight_call_later(keep->reactor, seconds > 0 ? seconds : STEADY_SECONDS, is_steady, keep, &keep->timer);
    if (code == BIGHT_OK) {
        code = bight_deferred_add_both_full(end, has_ended, hold_keep(keep), release_keep);
        if (code != BIGHT_OK) {
            release_keep(keep);
        }
    }
    if (code != BIGHT_OK) {
        note_end(keep);
    } else if (keep->socket != NULL) {
        (void)bight_protocol_tie(&keep->socket->base, end);
    }
    bight_deferred_release(end);
}

/* ----------------------------------------------------------------------------------------- an attempt */

static void has_opened(struct bight_result *result, void *context)
{
    struct keep *keep = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        int code = bight_failure_code(failure);
        keep->is_hopeless = keep->is_calling && (code == BIGHT_E_SYNTAX || code == BIGHT_E_INVALID_ARGUMENT);
        return;
    }
    struct bight_deferred *steady = bight_deferred_new(&keep->steady, NULL, NULL);
    keep->socket = bight_result_take(result, &bight_type_websocket);
    watch(keep);
    bight_result_chain(result, steady);
}

static struct bight_deferred *attempt(void *context)
{
    struct keep *keep = context;
    struct bight_failure *end = keep->end;
    keep->end = NULL;
    if (end != NULL) {
        return bight_fail(end);
    }
    struct bight_deferred *connecting =
        bight_websocket_connect(keep->reactor, keep->url, keep->factory, keep->options.connect);
    keep->is_calling = true;
    int code = bight_deferred_add_both(connecting, has_opened, keep);
    keep->is_calling = false;
    if (code != BIGHT_OK) {
        bight_deferred_cancel(connecting);
        bight_deferred_release(connecting);
        return bight_fail(bight_failure_of(code));
    }
    return connecting;
}

static bool is_worth_it(const struct bight_failure *failure, void *context)
{
    const struct keep *keep = context;
    if (keep->is_hopeless) {
        return false;
    }
    return keep->worth_it != NULL
               ? keep->worth_it(failure, keep->options.context)
               : !bight_failure_is(failure, BIGHT_E_CANCELLED) && !bight_failure_is(failure, BIGHT_E_USAGE);
}

/* ------------------------------------------------------------------------------------------- a round */

static void round_is_over(struct bight_result *result, void *context)
{
    struct keep *keep = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_deferred_release(keep->round);
    keep->round = NULL;
    keep->is_in_round = false;
    if (failure != NULL) {
        (void)bight_errback(keep->promise, failure);
    }
}

/* worth_it may have cancelled it all meanwhile. */
static void begin_round(struct keep *keep)
{
    keep->is_in_round = true;
    struct bight_deferred *round =
        bight_retry_full(bight_reactor_clock(keep->reactor), 0, &keep->policy, attempt, hold_keep(keep), release_keep);
    keep->round = round;
    int code = bight_deferred_add_both_full(round, round_is_over, hold_keep(keep), release_keep);
    if (code != BIGHT_OK) {
        keep->round = NULL;
        bight_deferred_cancel(round);
        bight_deferred_release(round);
        (void)bight_errback(keep->promise, bight_failure_of(code));
        release_keep(keep);
    } else if (keep->round != NULL && !bight_promise_is_open(keep->promise)) {
        bight_deferred_cancel(keep->round);
    }
}

/* The end of the round fails the Deferred; without one that is done behind this. */
static void cancel(struct bight_promise promise, void *context)
{
    struct keep *keep = context;
    struct bight_websocket *socket = keep->socket;
    (void)promise;
    if (socket != NULL) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_NORMAL, NULL);
    }
    if (keep->round != NULL) {
        bight_deferred_cancel(keep->round);
    }
}

/* ------------------------------------------------------------------------------------------- a call */

/* As much of options as the caller knows of; what is behind that is zero. */
static void take_options(void *to, size_t room, const void *given, size_t size)
{
    memcpy(to, given, size < room ? size : room);
}

static struct keep *keep_new(const char *url, const struct bight_websocket_keep_options *options)
{
    size_t size = strlen(url) + 1;
    struct keep *keep = bight_calloc(1, sizeof *keep + size);
    if (keep == NULL) {
        return NULL;
    }
    keep->holds = 1;
    memcpy(keep->url, url, size);
    if (options != NULL) {
        take_options(&keep->options, sizeof keep->options, options, options->size);
    }
    const struct bight_retry_policy *policy = keep->options.policy;
    if (policy != NULL) {
        take_options(&keep->policy, sizeof keep->policy, policy, policy->size);
    }
    keep->policy.size = sizeof keep->policy;
    keep->worth_it = keep->policy.worth_it;
    keep->policy.worth_it = is_worth_it;
    return keep;
}

struct bight_deferred *bight_websocket_keep(struct bight_reactor *reactor, const char *url,
    struct bight_websocket_factory *factory, const struct bight_websocket_keep_options *options)
{
    struct keep *keep = keep_new(url, options);
    if (keep == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    keep->reactor = reactor;
    keep->factory = factory;
    struct bight_deferred *deferred = bight_deferred_new_full(&keep->promise, cancel, hold_keep(keep), release_keep);
    if (bight_promise_is_open(keep->promise)) {
        begin_round(keep);
    }
    release_keep(keep);
    return deferred;
}
