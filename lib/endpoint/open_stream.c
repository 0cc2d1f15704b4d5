/* SPDX-License-Identifier: MIT */
/* open_stream.c - bight_open_stream: connects with a factory of its own, and gives the stream.
 *
 * The factory, which makes one stream, is its Deferred's until connecting has come to its end, and its stream's. */
#include <bight/stream.h>

static void give_stream(struct bight_result *result, void *context)
{
    struct bight_protocol *protocol = bight_result_take(result, &bight_type_protocol);
    (void)context;
    bight_result_set(result, &bight_type_stream, protocol);
}

static void free_factory(void *factory)
{
    bight_stream_factory_free(factory);
}

struct bight_deferred *bight_open_stream_at(const char *place, struct bight_reactor *reactor, const char *endpoint)
{
    struct bight_stream_factory *factory = bight_stream_factory_new(NULL, NULL);
    if (factory == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *opening = bight_connect_at(place, reactor, endpoint, &factory->base);
    int code = bight_deferred_add_callback_full(opening, give_stream, factory, free_factory);
    if (code == 0) {
        return opening;
    }
    bight_deferred_cancel(opening);
    bight_deferred_release(opening);
    bight_stream_factory_free(factory);
    return bight_fail_at(place, bight_failure_of(code));
}
