/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_hub.h - a hub: messages under topics, to those who listen, and to those who come back (W9).
 *
 *     struct bight_http_hub *hub = bight_http_hub_new(reactor, NULL);
 *
 *     static void follow(struct bight_http_request *request, void *hub)        a route "GET /rooms/{room}"
 *     {
 *         bight_http_hub_respond_events(hub, request, bight_http_request_parameter(request, "room"), NULL);
 *     }
 *     ...
 *     bight_deferred_release(bight_http_hub_publish(hub, "lobby", "hello", 5));
 *
 * Each message has an id. Who was away names the id that he got last and gets what came after it, or is told that there
 * is a gap: what came in between is not kept any more, or the hub is another one, that of before a restart for example.
 * A message that was acknowledged (the Deferred of bight_http_hub_publish has fired) gets to each listener once, in
 * order, or he is told of a gap; while the hub lives, and with a store beyond it.
 *
 * An id is an epoch, which is the hub's own, and a number, which grows: "k3fz-17". To clients it is a text. What a
 * topic's listeners are is not told here, nor who they are: nothing in this interface would be wrong if there were
 * other hubs for the same topics in other processes.
 *
 * Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_HUB_H
#define BIGHT_PROTOCOLS_HTTP_HUB_H

#include <bight/protocols/http_events.h>

BIGHT_BEGIN

struct bight_http_hub;
struct bight_http_hub_message;
struct bight_http_hub_subscription;
struct bight_websocket; /* bight/protocols/websocket.h */

enum { BIGHT_HTTP_HUB_TOPIC_SIZE = 256 }; /* bytes of a topic's name, at most */

/* ------------------------------------------------------------------------------------------- hubs */

/* Where messages are kept beyond the hub's life, in a file for example. */
struct bight_http_hub_store {
    size_t size; /* sizeof(struct bight_http_hub_store) */
    /* Keeps the message, which stays until the Deferred that is returned (taken) has fired: then it is acknowledged and
     * goes to the listeners, in the order in which messages were published; if it fails, nobody gets it. NULL: it is
     * kept already. */
    struct bight_deferred *(*keep)(const struct bight_http_hub_message *message, void *context);
};

struct bight_http_hub_options {
    size_t size;         /* sizeof(struct bight_http_hub_options) */
    size_t max_messages; /* that are kept of a topic: 1000 */
    size_t max_bytes;    /* of them, with 64 more for each: 1 MiB */
    double max_age; /* seconds for which a topic is kept that nobody listens to or writes to: 600. INFINITY: for ever */
    size_t max_topics;  /* 10000 */
    size_t max_message; /* bytes: 64 KiB */
    /* Letters and digits, 1 to 32. NULL: drawn at random. Only a hub that is given all messages of an earlier one
     * (bight_http_hub_restore) may have its epoch. */
    const char *epoch;
    const struct bight_http_hub_store *store; /* borrowed as long as the hub is there. NULL: none */
    void *store_context;
    const void *reserved[4];
};

/* The options may be NULL, and are copied. NULL: there is no memory, or, as a usage error, an option is out of range.
 */
BIGHT_API BIGHT_MUST_USE struct bight_http_hub *bight_http_hub_new(
    struct bight_reactor *reactor, const struct bight_http_hub_options *options);

/* At any time, in callbacks too. Subscriptions are told that it has ended, streams are closed, polls answered, what is
 * still being published fails with CLOSED. Free it before its reactor. NULL is allowed, also below: a hub that could
 * not be made answers OUT_OF_MEMORY. */
BIGHT_API void bight_http_hub_free(struct bight_http_hub *hub);

/* Its own, or that of the options. */
BIGHT_API const char *bight_http_hub_epoch(const struct bight_http_hub *hub);

/* ------------------------------------------------------------------------------------------- messages */

/* Publishes `size` bytes of UTF-8 text, which are copied. The Deferred fires with the message's id (bight_type_text)
 * when it is acknowledged; without a store it has fired, and listeners have got it, when this returns, but for what
 * listeners publish while they are told, which comes behind that. Cancelling it stops the waiting only.
 *
 * It fails with INVALID_ARGUMENT for text that is no UTF-8 and a topic that is none (1 to 256 bytes of UTF-8 without
 * controls); TOO_LONG; LIMIT of topics; OUT_OF_MEMORY; CLOSED; or as the store does. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_hub_publish(
    struct bight_http_hub *hub, const char *topic, const void *text, size_t size);

/* Gives a hub back what its store kept, before anything is published: in order of their numbers, which may have gaps.
 * 0, or a code as above; INVALID_ARGUMENT also for a number that is not past the last one. */
BIGHT_API int bight_http_hub_restore(
    struct bight_http_hub *hub, const char *topic, uint64_t number, const void *text, size_t size);

/* Of a message; the texts stay as long as it does. A NUL is behind the text. */
BIGHT_API const char *bight_http_hub_message_topic(const struct bight_http_hub_message *message);
BIGHT_API const char *bight_http_hub_message_id(const struct bight_http_hub_message *message);
BIGHT_API uint64_t bight_http_hub_message_number(const struct bight_http_hub_message *message);
BIGHT_API const char *bight_http_hub_message_text(const struct bight_http_hub_message *message, size_t *size);

/* ------------------------------------------------------------------------------------------- clients of a site */

/* Answers with a stream of events (bight_http_respond_events, whose options these are) that has the topic's messages:
 * `id` and `data`. A client that comes back is sent what it has missed: what it names is the field Last-Event-ID, or
 * the parameter `lastEventId`. A gap is an event `gap`. Under the policy SKIP a client that is slow is sent from the
 * history what it could not take, when it can. `gone` and `caught_up` of the options are not called.
 *
 * 0; CLOSED: there is no stream, as there; INVALID_ARGUMENT or LIMIT for the topic, and then nothing has been answered;
 * OUT_OF_MEMORY: the exchange has been aborted. */
BIGHT_API int bight_http_hub_respond_events(struct bight_http_hub *hub, struct bight_http_request *request,
    const char *topic, const struct bight_http_event_options *options);

/* Answers a poll, now if there are messages after the id that the parameter `after` names, else when there are, or
 * after `seconds` (0: 25) without any. The answer is JSON:
 *
 *     {"id":"k3fz-18","gap":false,"messages":[{"id":"k3fz-18","text":"hello"}]}
 *
 * whose `id` is to be named next. Without `after` it is answered at once, with where the topic stands and no messages.
 * At most 256 KiB of messages; what is more comes with the next poll. Codes as above. */
BIGHT_API int bight_http_hub_respond_poll(
    struct bight_http_hub *hub, struct bight_http_request *request, const char *topic, double seconds);

/* ------------------------------------------------------------------------------------------- WebSockets */

/* Has a socket told of the topic's messages, as text: {"id":"k3fz-17","text":"hello"}, of a gap
 * {"id":"k3fz-16","gap":true}. `after` as of bight_http_hub_subscribe, most often a parameter of the request in
 * `opened`. The program unsubscribes in `closed`, in any case, and both stay until then. When the hub is freed the
 * socket is closed with GOING_AWAY. If slow sockets are skipped (skip_slow), the program resumes in `room`: nothing is
 * lost that is still kept. */
BIGHT_API BIGHT_MUST_USE struct bight_http_hub_subscription *bight_http_hub_subscribe_websocket(
    struct bight_http_hub *hub, const char *topic, const char *after, struct bight_websocket *socket, int *code);

/* ------------------------------------------------------------------------------------------- other listeners */

/* Who listens in another way. Any of them may do anything, unsubscribe and free the hub among it. */
struct bight_http_hub_listener {
    size_t size; /* sizeof(struct bight_http_hub_listener) */
    /* A message, which stays until this returns. False: it was not taken, and nothing comes until
     * bight_http_hub_resume, and then this one first, if it is still kept. */
    bool (*message)(
        struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context);
    /* What came before this and was not told is lost; `id` is where it goes on. False: as of a message. NULL: gaps are
     * not told. */
    bool (*gap)(struct bight_http_hub_subscription *subscription, const char *id, void *context);
    /* The hub has been freed, and the subscription with it. NULL is allowed. */
    void (*ended)(struct bight_http_hub_subscription *subscription, void *context);
};

/* Nothing is told inside this call. `after` is the id of what was got last; NULL: what is published from now on. Table
 * and context are borrowed until the subscription has ended. NULL: *code says why, as above. */
BIGHT_API BIGHT_MUST_USE struct bight_http_hub_subscription *bight_http_hub_subscribe(struct bight_http_hub *hub,
    const char *topic, const char *after, const struct bight_http_hub_listener *listener, void *context, int *code);
BIGHT_API void bight_http_hub_resume(struct bight_http_hub_subscription *subscription);

/* At any time; nothing is told any more. NULL is allowed. */
BIGHT_API void bight_http_hub_unsubscribe(struct bight_http_hub_subscription *subscription);

BIGHT_END

#endif
