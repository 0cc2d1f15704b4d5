/* SPDX-License-Identifier: MIT */
/* reverse_test.c - tests reverse.c's protocol without a network and without waiting. */
#undef NDEBUG
#include <bight/testing.h>

#include <assert.h>
#include <string.h>

#include "reverse.h"

static void lines_are_reversed(struct bight_reactor *reactor)
{
    struct bight_string_peer *peer = bight_string_connect(reactor, &reverse_factory.base, true);
    bight_string_feed_text(peer, "tide\r\nbig");
    bight_string_feed_text(peer, "ht\r\nquit\r\n");
    assert(strcmp(bight_string_written_text(peer), "ready\r\nedit\r\nthgib\r\n2 lines, goodbye\r\n") == 0);
    assert(bight_string_is_shut(peer));
    bight_string_peer_free(peer);
}

static void the_silent_are_dropped(struct bight_reactor *reactor)
{
    struct bight_string_peer *peer = bight_string_connect(reactor, &reverse_factory.base, true);
    bight_testing_advance(reactor, 59);
    assert(!bight_string_is_closed(peer));
    bight_testing_advance(reactor, 6);
    assert(bight_string_is_closed(peer));
    bight_string_peer_free(peer);
}

int main(void)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    reverse_factory.limit = 512;
    lines_are_reversed(reactor);
    the_silent_are_dropped(reactor);
    bight_reactor_free(reactor);
    return 0;
}
