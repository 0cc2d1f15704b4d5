/* SPDX-License-Identifier: MIT */
/* factory.c - what makes streams: the function that a server's factory calls with each, factories from the heap,
 * streams as results.
 *
 * A factory from the heap is held by its owner, and frees itself when it is no longer needed. */
#include <bight/log.h>
#include <bight/memory.h>

#include "deferred/deferred.h"
#include "stream/stream.h"
#include "transport/transport.h"

enum { ERRORS_A_SECOND = 10 };

/* --------------------------------------------------------------------------------------------- serving */

/* What the program has ended itself, by stopping its reactor or freeing what was waited for, is no news; what a peer
 * can bring about by going away, being slow or sending nonsense is no error of the program's. */
static enum bight_log_level level_of(const struct bight_failure *failure, const struct bi_hub *hub)
{
    static const int by_peer[] = { BIGHT_E_CONNECTION, BIGHT_E_TIMED_OUT, BIGHT_E_TOO_LONG, BIGHT_E_OVERFLOW,
        BIGHT_E_SYNTAX, BIGHT_E_TLS };
    bool is_ending = hub != NULL && bi_reactor_is_ending(hub->reactor);
    if (bight_failure_is(failure, BIGHT_E_CANCELLED) || (is_ending && bight_failure_is(failure, BIGHT_E_CONNECTION))) {
        return BIGHT_LOG_DEBUG;
    }
    for (size_t i = 0; i < sizeof by_peer / sizeof by_peer[0]; i++) {
        if (bight_failure_is(failure, by_peer[i])) {
            return BIGHT_LOG_INFO;
        }
    }
    return BIGHT_LOG_ERROR;
}

/* Peers may know how to bring about an error, so only some a second are told, and the rest counted. */
static bool may_tell_error(struct bi_hub *hub)
{
    uint64_t now = bi_reactor_now(hub->reactor);
    if (now - hub->failures_since >= BIGHT_NANOSECONDS_PER_SECOND) {
        unsigned untold = hub->failures > ERRORS_A_SECOND ? hub->failures - ERRORS_A_SECOND : 0;
        hub->failures_since = now;
        hub->failures = 0;
        if (untold > 0) {
            bight_log(BIGHT_LOG_ERROR, "stream", NULL, "serving %u more streams failed", untold);
        }
    }
    return hub->failures++ < ERRORS_A_SECOND;
}

static void log_failure(const struct bight_stream *stream, const struct bight_failure *failure)
{
    struct bi_hub *hub = stream->base.transport->hub; /* NULL: the reactor has been freed */
    enum bight_log_level level = level_of(failure, hub);
    if (level != BIGHT_LOG_ERROR || hub == NULL || may_tell_error(hub)) {
        bight_log(level, "stream", failure, "serving a stream failed");
    }
}

static void served(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        log_failure(context, failure);
    }
    bight_result_clear(result);
    (void)bi_stream_begin_close(context);
}

/* The function's Deferred is done, or has been dropped. */
static void leave_stream(void *context)
{
    struct bight_stream *stream = context;
    struct bight_deferred *done = stream->own->serving;
    stream->own->serving = NULL;
    bight_deferred_release(done);
    bight_stream_release(stream);
}

/* The end of the peer's side alone counts for those that asked for it; the connection's end for all that did not refuse
 * it. */
void bi_stream_client_left(struct bight_stream *stream, enum bight_stream_leaving how)
{
    const struct bight_stream_factory *factory = (const struct bight_stream_factory *)stream->base.factory;
    bool counts = factory->leaving == how || (factory->leaving == BIGHT_CANCEL_AT_END && how == BIGHT_CANCEL_AT_LOSS);
    if (stream->own->serving != NULL && counts) {
        struct bight_deferred *serving = bight_deferred_hold(stream->own->serving);
        bi_deferred_cancel_for_owner(serving);
        bight_deferred_release(serving);
    }
}

void bi_stream_serve(struct bight_stream *stream)
{
    const struct bight_stream_factory *factory = (const struct bight_stream_factory *)stream->base.factory;
    struct bight_deferred *done = factory->function == NULL ? NULL : factory->function(stream, factory->base.context);
    if (done == NULL) {
        return;
    }
    bight_stream_hold(stream);
    stream->own->serving = bight_deferred_hold(done);
    int code = bight_deferred_add_callbacks_full(done, served, served, stream, leave_stream);
    if (code != 0) {
        bight_stream_abort(stream);
        leave_stream(stream);
    }
    bight_deferred_release(done);
}

/* ------------------------------------------------------------------------------------ from the heap */

static void release(struct bight_factory *factory)
{
    bight_free(factory);
}

static const struct bight_factory_ops heap_ops = { .release = release };

struct bight_stream_factory *bight_stream_factory_new(bight_stream_function function, void *context)
{
    struct bight_stream_factory *factory = bight_malloc(sizeof *factory);
    if (factory == NULL) {
        return NULL;
    }
    *factory = (struct bight_stream_factory)BIGHT_STREAM_FACTORY(struct bight_stream, function, context);
    factory->base.ops = &heap_ops;
    (void)bight_factory_hold(&factory->base);
    return factory;
}

void bight_stream_factory_free(struct bight_stream_factory *factory)
{
    bight_factory_release(factory == NULL ? NULL : &factory->base);
}

/* ---------------------------------------------------------------------------------------- as a result */

static void destroy_value(void *stream)
{
    bight_stream_release(stream);
}

static void discard_value(void *stream)
{
    bight_stream_abort(stream);
    bight_stream_release(stream);
}

const struct bight_type bight_type_stream = { .name = "stream", .destroy = destroy_value, .discard = discard_value };
