/* SPDX-License-Identifier: MIT */
/* bight/publisher.h - one sender to many connections, and what happens to those that do not keep up.
 *
 * A message is counted bytes, encoded once, and complete as it is: with its line end, its length, its event-stream
 * frame. What a connection takes is written at once; what is above its high watermark waits for it here, up to a bound,
 * and past that the policy decides. So one that does not read costs the others nothing, and what waits for a thousand
 * of them is in memory once. A subscription ends with its connection; it need not be taken back. */
#ifndef BIGHT_PUBLISHER_H
#define BIGHT_PUBLISHER_H

#include <bight/bytes.h>
#include <bight/transport.h>

BIGHT_BEGIN

struct bight_publisher;

/* What happens to a message for which a subscriber has no room. */
enum bight_publisher_policy {
    BIGHT_DROP_SUBSCRIBER, /* its connection is ended with OVERFLOW: there is no gap before any message */
    BIGHT_DROP_MESSAGE,    /* it does not get this one */
    BIGHT_DROP_OLDEST      /* it gets this one, and not those that have waited longest */
};

/* Zeroed but for `size`: the defaults. The limits are of what waits for one subscriber, apart from what its transport
 * has taken (bight_transport_set_watermarks). */
struct bight_publisher_options {
    size_t size;          /* sizeof(struct bight_publisher_options) */
    size_t message_limit; /* 0: 1024 */
    size_t byte_limit;    /* 0: 1 MiB. A message that is longer never waits */
    enum bight_publisher_policy policy;
};

/* The options may be NULL. NULL when out of memory, and for a policy that there is not, which is a usage error. */
BIGHT_API BIGHT_MUST_USE struct bight_publisher *bight_publisher_new(const struct bight_publisher_options *options);

/* Ends all subscriptions: what waits is dropped, the connections live on. NULL is allowed. */
BIGHT_API void bight_publisher_free(struct bight_publisher *publisher);

/* A subscription: a handle by value, checked whenever it is used. Zeroed, it names none. */
struct bight_subscription {
    void *slot;
    uint64_t generation;
};

/* The protocol's connection gets what is published from now on, until it ends or the protocol is replaced. Subscribed
 * twice it gets everything twice. *subscription may be NULL. All in one thread: that of the connections' reactor. While
 * messages wait the publisher is the transport's producer: what is written after a lose_connection waits for them, and
 * where the program has registered a producer of its own nothing waits, but is dropped as the policy says. 0, CLOSED,
 * or OUT_OF_MEMORY. */
BIGHT_API int bight_publisher_subscribe(
    struct bight_publisher *publisher, struct bight_protocol *protocol, struct bight_subscription *subscription);

/* What waits is dropped, what the transport has taken is sent. 0, or STALE when it has ended. */
BIGHT_API int bight_unsubscribe(struct bight_subscription subscription);

/* Sends a message to all, or to all but one (its sender); that one's handle may be stale. The bytes are borrowed, and
 * held as long as they are needed. All subscribers get messages in the same order: what is published inside a publish
 * (by a producer that is paused there) comes after that one. 0, or OUT_OF_MEMORY for such a one. */
BIGHT_API int bight_publish_bytes(struct bight_publisher *publisher, struct bight_bytes *bytes);
BIGHT_API int bight_publish_bytes_except(
    struct bight_publisher *publisher, struct bight_bytes *bytes, struct bight_subscription except);

/* The same with a copy of `data`. 0 or OUT_OF_MEMORY: then it is not sent. */
BIGHT_API int bight_publish(struct bight_publisher *publisher, const void *data, size_t size);

/* The same with what printf would print, line end and all. INVALID_ARGUMENT too, for what printf cannot print. */
BIGHT_API int bight_publishf(struct bight_publisher *publisher, const char *format, ...) BIGHT_PRINTF(2, 3);
BIGHT_API int bight_vpublishf(struct bight_publisher *publisher, const char *format, va_list arguments)
    BIGHT_PRINTF(2, 0);

struct bight_publisher_figures {
    size_t size;                            /* sizeof(struct bight_publisher_figures), set by the caller */
    size_t subscribers;                     /* now */
    size_t waiting_messages, waiting_bytes; /* now, for all subscribers together; shared bytes count for each */
    /* Since it was made: */
    uint64_t published; /* messages */
    uint64_t
        dropped_messages; /* that a subscriber was to get and did not, those of dropped subscribers not among them */
    uint64_t dropped_subscribers; /* by the policy */
};
/* Fills as much as figures->size says. 0, or INVALID_ARGUMENT for what is no size. */
BIGHT_API int bight_publisher_read_figures(
    const struct bight_publisher *publisher, struct bight_publisher_figures *figures);

/* How many messages this one was to get and did not; 0 when it has ended. */
BIGHT_API uint64_t bight_subscription_dropped(struct bight_subscription subscription);

BIGHT_END

#endif
