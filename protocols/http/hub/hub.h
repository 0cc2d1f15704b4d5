/* SPDX-License-Identifier: MIT */
/* hub.h - what the files of a hub share: messages, topics, subscriptions. */
#ifndef BI_HTTP_HUB_H
#define BI_HTTP_HUB_H

#include <bight/protocols/http_hub.h>
#include <bight/protocols/websocket.h>
#include <bight/sys/hash.h>

#include "http/message/hub_id.h"

struct bi_topic;

/* The text is the same for all, and what is written of it is made once for all that get it at the same time. */
struct bight_http_hub_message {
    size_t holds;
    struct bi_topic *topic; /* of which it has a hold */
    uint64_t number;
    struct bight_http_event *event; /* NULL until somebody wants it, and again when it has been told; so is */
    struct bight_websocket_message *frame;
    char id[BI_HUB_ID_SIZE];
    size_t size;
    char text[]; /* and a NUL */
};

/* Its history is a ring, in order of numbers. */
struct bi_topic {
    struct bight_http_hub *hub; /* NULL: it has ended */
    struct bi_topic *next, **previous;
    size_t holds; /* the hub's, messages', and one while something is told */
    struct bight_http_hub_message **ring;
    size_t room, start, count, bytes;
    uint64_t dropped; /* up to here nothing is kept, and something may have been */
    struct bight_http_hub_subscription *first;
    struct bight_http_hub_subscription *walking; /* whose turn is next */
    size_t publishing;                           /* messages that are being kept */
    uint64_t used;                               /* when it was last used */
    struct bight_timer timer;                    /* until it may end */
    bool is_aging, is_telling;
    size_t name_size;
    char name[]; /* and a NUL */
};

struct bight_http_hub_subscription {
    struct bi_topic *topic; /* NULL: it has ended */
    struct bight_http_hub_subscription *next, **previous;
    const struct bight_http_hub_listener *listener;
    void *context;
    bight_release_function release; /* of the context; NULL: none */
    size_t holds;
    uint64_t cursor; /* what was told last */
    struct bight_timer timer;
    bool is_begun, is_paused, is_telling, has_gap;
    bool is_kept; /* it stays until it is unsubscribed, also when it has ended */
};

/* A message on its way to the store. */
struct bi_publishing {
    struct bi_publishing *next;
    struct bight_http_hub *hub; /* NULL: it has been freed */
    struct bight_http_hub_message *message;
    struct bight_promise promise;
    char *id; /* with which the Deferred is to fire */
    struct bight_failure *failure;
    bool is_settled;
};

struct bight_http_hub {
    struct bight_reactor *reactor;
    size_t holds;
    bool is_freed, is_flushing;
    struct bight_hash topics; /* by name; borrowed */
    struct bi_topic *first;
    struct bi_publishing *oldest, **behind; /* in order of their numbers */
    uint64_t last, committed;               /* numbers: given to a message, and to one that is acknowledged */
    uint64_t forgotten;                     /* the highest that a topic had which has ended */
    size_t max_messages, max_bytes, max_topics, max_message;
    uint64_t max_age; /* nanoseconds */
    const struct bight_http_hub_store *store;
    void *store_context;
    char epoch[BI_HUB_EPOCH_SIZE];
};

/* hub.c */
void bi_http_hub_release(struct bight_http_hub *hub);

/* message.c: made with the next number; NULL when out of memory. */
struct bight_http_hub_message *bi_hub_message_new(
    struct bi_topic *topic, uint64_t number, const void *text, size_t size);
void bi_hub_message_release(struct bight_http_hub_message *message);
/* What is written of it to a stream of events, and to a WebSocket (as JSON); NULL when out of memory. */
struct bight_http_event *bi_hub_message_event(struct bight_http_hub_message *message);
struct bight_websocket_message *bi_hub_message_frame(struct bight_http_hub_message *message);
void bi_hub_message_forget_forms(struct bight_http_hub_message *message);

/* topic.c: the one with the name, which is made if need be; NULL: *code says why. One that is not used is to be given
 * to bi_topic_rest afterwards. */
struct bi_topic *bi_topic_of(struct bight_http_hub *hub, const char *name, int *code);
void bi_topic_release(struct bi_topic *topic);
/* It is not used any more for now. */
void bi_topic_rest(struct bi_topic *topic);
/* Nothing of it stays but what others hold. Its subscriptions end. */
void bi_topic_end(struct bi_topic *topic);
/* Room for one more message, besides those that are being published. 0 or OUT_OF_MEMORY. */
int bi_topic_reserve(struct bi_topic *topic);
/* Takes the message, for which there is room, and tells it. */
void bi_topic_add(struct bi_topic *topic, struct bight_http_hub_message *message);
/* The first message past a number; NULL: there is none. */
struct bight_http_hub_message *bi_topic_next(const struct bi_topic *topic, uint64_t number);

/* subscription.c: tells what there is to tell. */
void bi_subscription_tell(struct bight_http_hub_subscription *subscription);
/* With its hub. */
void bi_subscription_end(struct bight_http_hub_subscription *subscription);

#endif
