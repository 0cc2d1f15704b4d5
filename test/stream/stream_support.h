/* SPDX-License-Identifier: MIT */
/* stream_support.h - what the tests of streams share: a stream over a connection in memory, and answers as texts. */
#ifndef BIGHT_TEST_STREAM_SUPPORT_H
#define BIGHT_TEST_STREAM_SUPPORT_H

#include <bight/memory.h>
#include <bight/testing.h>

#include "heard_results.h"
#include "support.h"

static struct bight_reactor *reactor;
static struct bight_string_peer *peer;
static struct bight_stream *stream;

static struct bight_deferred *keep_stream(struct bight_stream *made, void *context)
{
    (void)context;
    stream = made;
    return NULL;
}

static struct bight_stream_factory streams = BIGHT_STREAM_FACTORY(struct bight_stream, keep_stream, NULL);

__attribute__((unused)) static void connect_with(struct bight_stream_factory *factory)
{
    peer = bight_string_connect(reactor, &factory->base, true);
    ck_assert_ptr_nonnull(peer);
}

__attribute__((unused)) static void set_up(void)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    connect_with(&streams);
    ck_assert_ptr_nonnull(stream);
    bight_stream_hold(stream);
}

__attribute__((unused)) static void tear_down(void)
{
    bight_stream_release(stream);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(streams.base.connections, 0);
}

__attribute__((unused)) static void feed(const char *text)
{
    bight_string_feed_text(peer, text);
}

__attribute__((unused)) static size_t feed_size(size_t size)
{
    char *data = malloc(size);
    memset(data, 'x', size);
    size_t left = bight_string_feed(peer, data, size);
    free(data);
    return left;
}

__attribute__((unused)) static void settle(void)
{
    ck_assert_uint_lt(bight_testing_settle(reactor, 10000), 10000);
}

__attribute__((unused)) static void write_size(size_t size)
{
    char *data = calloc(1, size);
    ck_assert_int_eq(bight_stream_write(stream, data, size), 0);
    free(data);
}

/* 100 KiB that the peer does not take. */
__attribute__((unused)) static void fill(void)
{
    bight_string_set_window(peer, 0);
    write_size(100 << 10);
    settle();
}

#endif
