/* SPDX-License-Identifier: MIT */
/* publisher.c - sends the same to many connections: subscriptions, what waits for each, what is dropped.
 *
 * A message is written to a transport that is not above its high mark; else it joins the subscriber's backlog, a ring
 * of holds that is there only while something waits. Meanwhile the subscriber is the transport's push producer, which
 * is resumed when there is room. That may be inside one of the program's own calls, so it goes on with the backlog on a
 * later turn, and from turn to turn until it is paused again or nothing is left. A subscription is tied to its
 * connection by a Deferred that it fires when it ends first. Nothing of the program's runs while messages are handed
 * out but the pause of its own producers; what such a one publishes waits until the present message has gone to all. */
#include <bight/publisher.h>

#include <bight/memory.h>

#include <stdio.h>

#include "base/list.h"
#include "base/options.h"
#include "base/slab.h"
#include "transport/state.h"

#define MESSAGES_UNLESS_TOLD 1024
#define BYTES_UNLESS_TOLD ((size_t)1 << 20)
#define FIRST_ROOM 8

/* What was published inside a publish. */
struct message {
    struct bi_link link;
    struct bight_bytes *bytes;
    struct bight_subscription except;
};

struct bight_publisher {
    struct bi_link subscribers;
    struct bi_link put_off; /* messages */
    size_t message_limit, byte_limit;
    enum bight_publisher_policy policy;
    struct bight_publisher_figures figures;
    bool is_publishing, is_freed;
};

struct subscriber {
    uint64_t generation; /* the slab's */
    struct bi_link link;
    struct bight_publisher *publisher;
    struct bight_transport *transport;
    struct bight_promise tie;
    struct bi_task task;
    struct bight_bytes **ring; /* what waits: `count` from `first` on, of `room` */
    size_t first, count, room, bytes;
    uint64_t dropped;
    bool is_producing, is_paused;
};

static struct bi_slab_kind kind = { .name = "subscription", .slot_size = sizeof(struct subscriber) };
static _Thread_local struct bi_slab slab = { .kind = &kind };

static struct subscriber *find(struct bight_subscription subscription)
{
    bool is_there = subscription.slot != NULL && bi_slot_is_current(subscription.slot, subscription.generation);
    return is_there ? subscription.slot : NULL;
}

/* ------------------------------------------------------------------------------------------- the backlog */

static struct bight_bytes *take_oldest(struct subscriber *subscriber)
{
    struct bight_bytes *bytes = subscriber->ring[subscriber->first];
    subscriber->first = (subscriber->first + 1) % subscriber->room;
    subscriber->count--;
    subscriber->bytes -= bight_bytes_size(bytes);
    subscriber->publisher->figures.waiting_messages--;
    subscriber->publisher->figures.waiting_bytes -= bight_bytes_size(bytes);
    return bytes;
}

static bool grow(struct subscriber *subscriber)
{
    size_t room = subscriber->room == 0 ? FIRST_ROOM : 2 * subscriber->room;
    struct bight_bytes **ring = bight_malloc(room * sizeof(struct bight_bytes *));
    if (ring == NULL) {
        return false;
    }
    for (size_t i = 0; i < subscriber->count; i++) {
        ring[i] = subscriber->ring[(subscriber->first + i) % subscriber->room];
    }
    bight_free(subscriber->ring);
    subscriber->ring = ring;
    subscriber->first = 0;
    subscriber->room = room;
    return true;
}

static bool append(struct subscriber *subscriber, struct bight_bytes *bytes)
{
    if (subscriber->count == subscriber->room && !grow(subscriber)) {
        return false;
    }
    subscriber->ring[(subscriber->first + subscriber->count) % subscriber->room] = bight_bytes_hold(bytes);
    subscriber->count++;
    subscriber->bytes += bight_bytes_size(bytes);
    subscriber->publisher->figures.waiting_messages++;
    subscriber->publisher->figures.waiting_bytes += bight_bytes_size(bytes);
    return true;
}

static void drop_oldest(struct subscriber *subscriber)
{
    bight_bytes_release(take_oldest(subscriber));
}

static void drop_backlog(struct subscriber *subscriber)
{
    while (subscriber->count > 0) {
        drop_oldest(subscriber);
    }
    bight_free(subscriber->ring);
    subscriber->ring = NULL;
    subscriber->room = subscriber->first = 0;
}

/* ------------------------------------------------------------------------------------------ the producer */

static bool has_room(const struct bight_transport *transport)
{
    size_t high = transport->extension == NULL ? BI_HIGH_WATERMARK : transport->extension->high;
    return bi_flow_queued(transport) <= high;
}

static void stop_producing(struct subscriber *subscriber)
{
    bi_reactor_unqueue(subscriber->transport->hub->reactor, &subscriber->task);
    if (subscriber->is_producing) {
        subscriber->is_producing = false;
        (void)bight_transport_unregister_producer(subscriber->transport);
    }
}

/* The transport may pause it, stop it, or be aborted, in any write. */
static void go_on(struct bi_task *task)
{
    struct subscriber *subscriber = BI_CONTAINER(task, struct subscriber, task);
    struct bight_transport *transport = subscriber->transport;
    while (subscriber->count > 0 && subscriber->is_producing && !subscriber->is_paused && has_room(transport)) {
        struct bight_bytes *bytes = take_oldest(subscriber);
        (void)bight_transport_write_bytes(transport, bytes);
        bight_bytes_release(bytes);
    }
    if (!subscriber->is_producing || subscriber->count == 0) {
        drop_backlog(subscriber);
        stop_producing(subscriber);
    } else if (!subscriber->is_paused) {
        bi_reactor_soon(transport->hub->reactor, &subscriber->task, go_on);
    }
}

static void pause(void *context)
{
    ((struct subscriber *)context)->is_paused = true;
}

static void resume(void *context)
{
    struct subscriber *subscriber = context;
    subscriber->is_paused = false;
    if (subscriber->task.run == NULL) {
        bi_reactor_soon(subscriber->transport->hub->reactor, &subscriber->task, go_on);
    }
}

/* Nothing more will be taken. */
static void stop(void *context)
{
    struct subscriber *subscriber = context;
    subscriber->is_producing = false;
    drop_backlog(subscriber);
}

static const struct bight_producer_ops producer_ops = { .pause = pause, .resume = resume, .stop = stop };

/* True: it will be resumed when there is room. */
static bool become_producer(struct subscriber *subscriber)
{
    if (subscriber->is_producing) {
        return true;
    }
    if ((subscriber->transport->state & BI_PRODUCING) != 0) {
        return false; /* the program's own */
    }
    subscriber->is_producing = true;
    subscriber->is_paused = false;
    if (bight_transport_register_producer(subscriber->transport, &producer_ops, subscriber, true) != BIGHT_OK) {
        subscriber->is_producing = false;
    }
    return subscriber->is_producing;
}

/* --------------------------------------------------------------------------------------------- leaving */

/* Whatever ends it, once. */
static void leave(struct subscriber *subscriber)
{
    subscriber->publisher->figures.subscribers--;
    bi_list_remove(&subscriber->link);
    drop_backlog(subscriber);
    stop_producing(subscriber);
    bi_slab_give(&slab, subscriber);
}

static void connection_ends(struct bight_promise promise, void *context)
{
    leave(context);
    (void)bight_callback(promise, NULL, NULL);
}

static void end(struct subscriber *subscriber)
{
    struct bight_promise tie = subscriber->tie;
    leave(subscriber);
    (void)bight_callback(tie, NULL, NULL);
}

int bight_unsubscribe(struct bight_subscription subscription)
{
    struct subscriber *subscriber = find(subscription);
    if (subscriber == NULL) {
        return BIGHT_E_STALE;
    }
    end(subscriber);
    return BIGHT_OK;
}

uint64_t bight_subscription_dropped(struct bight_subscription subscription)
{
    const struct subscriber *subscriber = find(subscription);
    return subscriber == NULL ? 0 : subscriber->dropped;
}

/* ------------------------------------------------------------------------------------------- publishing */

static void count_dropped(struct subscriber *subscriber)
{
    subscriber->dropped++;
    subscriber->publisher->figures.dropped_messages++;
}

static bool fits(const struct subscriber *subscriber, size_t size)
{
    const struct bight_publisher *publisher = subscriber->publisher;
    return subscriber->count < publisher->message_limit && size <= publisher->byte_limit - subscriber->bytes;
}

static void drop_subscriber(struct subscriber *subscriber)
{
    struct bight_transport *transport = subscriber->transport;
    subscriber->publisher->figures.dropped_subscribers++;
    end(subscriber);
    bi_close_end(transport, bight_failure_of(BIGHT_E_OVERFLOW), true);
}

static void make_room(struct subscriber *subscriber, size_t size)
{
    while (subscriber->count > 0 && !fits(subscriber, size) && size <= subscriber->publisher->byte_limit) {
        drop_oldest(subscriber);
        count_dropped(subscriber);
    }
}

/* It waits, or is dropped. A transport that takes nothing any more has no use for it. */
static void put_by(struct subscriber *subscriber, struct bight_bytes *bytes)
{
    size_t size = bight_bytes_size(bytes);
    if (!bight_transport_is_open(subscriber->transport)) {
        return;
    }
    if (subscriber->publisher->policy == BIGHT_DROP_OLDEST) {
        make_room(subscriber, size);
    }
    if (fits(subscriber, size) && become_producer(subscriber) && append(subscriber, bytes)) {
        return;
    }
    if (subscriber->publisher->policy == BIGHT_DROP_SUBSCRIBER) {
        drop_subscriber(subscriber);
    } else {
        count_dropped(subscriber);
    }
}

static void hand_out(struct bight_publisher *publisher, struct bight_bytes *bytes, struct bight_subscription except)
{
    const struct subscriber *left_out = find(except);
    publisher->figures.published++;
    BI_LIST_EACH_NOW (link, &publisher->subscribers) {
        struct subscriber *subscriber = BI_CONTAINER(link, struct subscriber, link);
        if (subscriber == left_out) {
            continue;
        }
        if (subscriber->count == 0 && has_room(subscriber->transport)) {
            (void)bight_transport_write_bytes(subscriber->transport, bytes);
        } else {
            put_by(subscriber, bytes);
        }
    }
}

static int put_off(struct bight_publisher *publisher, struct bight_bytes *bytes, struct bight_subscription except)
{
    struct message *message = bight_malloc(sizeof *message);
    if (message == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    message->bytes = bight_bytes_hold(bytes);
    message->except = except;
    bi_list_append(&publisher->put_off, &message->link);
    return BIGHT_OK;
}

static void finish(struct bight_publisher *publisher)
{
    BI_LIST_EACH_TAKEN (link, &publisher->subscribers) {
        bi_list_append(&publisher->subscribers, link);
        end(BI_CONTAINER(link, struct subscriber, link));
    }
    BI_LIST_EACH_TAKEN (waiting, &publisher->put_off) {
        struct message *message = BI_CONTAINER(waiting, struct message, link);
        bight_bytes_release(message->bytes);
        bight_free(message);
    }
    bight_free(publisher);
}

int bight_publish_bytes_except(
    struct bight_publisher *publisher, struct bight_bytes *bytes, struct bight_subscription except)
{
    if (publisher->is_publishing) {
        return put_off(publisher, bytes, except);
    }
    publisher->is_publishing = true;
    hand_out(publisher, bytes, except);
    BI_LIST_EACH_TAKEN (link, &publisher->put_off) {
        struct message *message = BI_CONTAINER(link, struct message, link);
        hand_out(publisher, message->bytes, message->except);
        bight_bytes_release(message->bytes);
        bight_free(message);
    }
    publisher->is_publishing = false;
    if (publisher->is_freed) {
        finish(publisher);
    }
    return BIGHT_OK;
}

int bight_publish_bytes(struct bight_publisher *publisher, struct bight_bytes *bytes)
{
    return bight_publish_bytes_except(publisher, bytes, (struct bight_subscription) { NULL, 0 });
}

int bight_publish(struct bight_publisher *publisher, const void *data, size_t size)
{
    struct bight_bytes *bytes = bight_bytes_new(data, size);
    int code = bytes == NULL ? BIGHT_E_OUT_OF_MEMORY : bight_publish_bytes(publisher, bytes);
    bight_bytes_release(bytes);
    return code;
}

/* *code is 0, or why there are none. */
static struct bight_bytes *format_bytes(const char *format, va_list arguments, int *code)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    uint8_t *content = NULL;
    struct bight_bytes *bytes = size < 0 ? NULL : bight_bytes_new_uninitialised((size_t)size, &content);
    *code = size < 0 ? BIGHT_E_INVALID_ARGUMENT : bytes == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
    if (bytes != NULL && vsnprintf((char *)content, (size_t)size + 1, format, arguments) != size) {
        *code = BIGHT_E_INVALID_ARGUMENT; /* what they point at has changed */
    }
    return bytes;
}

int bight_vpublishf(struct bight_publisher *publisher, const char *format, va_list arguments)
{
    int code;
    struct bight_bytes *bytes = format_bytes(format, arguments, &code);
    if (code == BIGHT_OK) {
        code = bight_publish_bytes(publisher, bytes);
    }
    bight_bytes_release(bytes);
    return code;
}

int bight_publishf(struct bight_publisher *publisher, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = bight_vpublishf(publisher, format, arguments);
    va_end(arguments);
    return code;
}

/* ---------------------------------------------------------------------------------- making, subscribing */

struct bight_publisher *bight_publisher_new(const struct bight_publisher_options *given)
{
    struct bight_publisher_options options;
    bi_take_options(&options, sizeof options, given);
    if ((unsigned)options.policy > BIGHT_DROP_OLDEST) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_publisher_new: there is no such policy");
        return NULL;
    }
    struct bight_publisher *publisher = bight_calloc(1, sizeof *publisher);
    if (publisher != NULL) {
        bi_list_init(&publisher->subscribers);
        bi_list_init(&publisher->put_off);
        publisher->message_limit = options.message_limit != 0 ? options.message_limit : MESSAGES_UNLESS_TOLD;
        publisher->byte_limit = options.byte_limit != 0 ? options.byte_limit : BYTES_UNLESS_TOLD;
        publisher->policy = options.policy;
    }
    return publisher;
}

/* Inside a publish it goes when that is over. */
void bight_publisher_free(struct bight_publisher *publisher)
{
    if (publisher != NULL && publisher->is_publishing) {
        publisher->is_freed = true;
    } else if (publisher != NULL) {
        finish(publisher);
    }
}

static struct subscriber *make(struct bight_publisher *publisher, struct bight_transport *transport)
{
    struct subscriber *subscriber = bi_slab_take(&slab);
    if (subscriber != NULL) {
        *subscriber = (struct subscriber) {
            .generation = subscriber->generation, .publisher = publisher, .transport = transport
        };
        bi_list_append(&publisher->subscribers, &subscriber->link);
        publisher->figures.subscribers++;
    }
    return subscriber;
}

int bight_publisher_subscribe(
    struct bight_publisher *publisher, struct bight_protocol *protocol, struct bight_subscription *subscription)
{
    if (!bight_transport_is_open(protocol->transport)) {
        return BIGHT_E_CLOSED;
    }
    struct subscriber *subscriber = make(publisher, protocol->transport);
    if (subscriber == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bight_subscription handle = { subscriber, subscriber->generation };
    struct bight_deferred *tied = bight_deferred_new(&subscriber->tie, connection_ends, subscriber);
    if (!bight_promise_is_open(subscriber->tie)) {
        leave(subscriber);
    } else {
        (void)bight_protocol_tie(protocol, tied); /* if out of memory, it is cancelled */
    }
    bight_deferred_release(tied);
    if (find(handle) == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (subscription != NULL) {
        *subscription = handle;
    }
    return BIGHT_OK;
}

int bight_publisher_read_figures(const struct bight_publisher *publisher, struct bight_publisher_figures *figures)
{
    return bi_give_figures("bight_publisher_read_figures", figures, &publisher->figures, sizeof publisher->figures);
}
