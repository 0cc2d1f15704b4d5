/* SPDX-License-Identifier: MIT */
/* stream_factory.c - what makes streams: the function that a server's factory calls with each, factories from the heap,
 * streams as results.
 *
 * A factory from the heap is counted: by its owner, by its use (from started to stopped), and by each of its streams
 * until that one's memory goes. */
#include <bight/log.h>
#include <bight/memory.h>

#include "transport/stream.h"

/* --------------------------------------------------------------------------------------------- serving */

/* What a peer can bring about by going away is no error of the program's. */
static void log_failure(const struct bight_failure *failure)
{
    if (bight_failure_is(failure, BIGHT_E_CONNECTION)) {
        bight_log(BIGHT_LOG_INFO, "stream", failure, "the connection ended while it was served");
    } else {
        bight_log(BIGHT_LOG_ERROR, "stream", failure, "serving a stream failed");
    }
}

static void served(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        log_failure(failure);
    }
    bight_result_clear(result);
    (void)bight_stream_begin_close(context);
}

static void leave_stream(void *context)
{
    bight_stream_release(context);
}

void bight_stream_serve(struct bight_stream *stream)
{
    const struct bight_stream_factory *factory = (const struct bight_stream_factory *)stream->base.factory;
    struct bight_deferred *done = factory->function == NULL ? NULL : factory->function(stream, factory->base.context);
    if (done == NULL) {
        return;
    }
    bight_stream_hold(stream);
    int code = bight_deferred_add_callbacks_full(done, served, served, stream, leave_stream);
    if (code != 0) {
        bight_stream_abort(stream);
        bight_stream_release(stream);
    }
    bight_deferred_release(done);
}

/* ------------------------------------------------------------------------------------ counted factories */

struct counted_factory {
    struct bight_stream_factory base;
    uint32_t holds;
};

void bight_stream_factory_leave(struct bight_factory *factory)
{
    struct counted_factory *counted = (struct counted_factory *)factory;
    if (--counted->holds == 0) {
        bight_free(counted);
    }
}

static void started(struct bight_factory *factory)
{
    ((struct counted_factory *)factory)->holds++;
}

static struct bight_protocol *build(struct bight_factory *factory, const struct bight_address *peer)
{
    struct bight_protocol *protocol = bight_protocol_new(factory);
    (void)peer;
    if (protocol != NULL) {
        ((struct bight_stream *)protocol)->flags |= STREAM_COUNTED;
        ((struct counted_factory *)factory)->holds++;
    }
    return protocol;
}

static const struct bight_factory_ops counted_ops = {
    .build_protocol = build,
    .started = started,
    .stopped = bight_stream_factory_leave,
};

struct bight_stream_factory *bight_stream_factory_new(bight_stream_function function, void *context)
{
    struct counted_factory *counted = bight_malloc(sizeof *counted);
    if (counted == NULL) {
        return NULL;
    }
    *counted = (struct counted_factory) { BIGHT_STREAM_FACTORY(struct bight_stream, function, context), 1 };
    counted->base.base.ops = &counted_ops;
    return &counted->base;
}

void bight_stream_factory_free(struct bight_stream_factory *factory)
{
    if (factory != NULL) {
        bight_stream_factory_leave(&factory->base);
    }
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
