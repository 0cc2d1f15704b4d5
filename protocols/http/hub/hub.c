/* SPDX-License-Identifier: MIT */
/* hub.c - a hub: its life, and publishing: numbers, the store, the order in which messages become known (W9).
 *
 * Numbers are given when a message is published, and messages become known in their order, however late the store is
 * with one of them: who has been told number 17 will not be told number 16. */
#include <bight/clock.h>
#include <bight/memory.h>
#include <bight/reactor.h>
#include <bight/sys/digest.h>

#include <math.h>
#include <string.h>

#include "http/hub/hub.h"
#include "http/message/utf8.h"
#include "http/server/server.h"

#define MAX_MESSAGES 1000
#define MAX_BYTES ((size_t)1 << 20)
#define MAX_TOPICS 10000
#define MAX_MESSAGE 65536
#define MAX_AGE 600.0
#define LAST_NUMBER ((uint64_t)999999999999999999) /* what an id can hold */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                         \
    ((options) != NULL && (options)->size >= offsetof(struct bight_http_hub_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                        \
            : 0)
#define OR(given, otherwise) ((given) != 0 ? (given) : (otherwise))

/* ------------------------------------------------------------------------------------------- life */

void bi_http_hub_release(struct bight_http_hub *hub)
{
    if (--hub->holds == 0) {
        bight_hash_finish(&hub->topics);
        bight_free(hub);
    }
}

static bool may_be(const struct bight_http_hub_options *options)
{
    double age = GIVEN(options, max_age);
    const char *epoch = GIVEN(options, epoch);
    const struct bight_http_hub_store *store = GIVEN(options, store);
    return age >= 0 && (epoch == NULL || bi_hub_is_epoch(epoch)) && (store == NULL || store->keep != NULL);
}

static void take_options(struct bight_http_hub *hub, const struct bight_http_hub_options *options)
{
    double age = GIVEN(options, max_age);
    age = age > 0 ? age : MAX_AGE;
    hub->max_messages = OR(GIVEN(options, max_messages), MAX_MESSAGES);
    hub->max_bytes = OR(GIVEN(options, max_bytes), MAX_BYTES);
    hub->max_topics = OR(GIVEN(options, max_topics), MAX_TOPICS);
    hub->max_message = OR(GIVEN(options, max_message), MAX_MESSAGE);
    hub->max_age = age < 1e9 ? (uint64_t)(age * 1e9) : UINT64_MAX;
    hub->store = GIVEN(options, store);
    hub->store_context = GIVEN(options, store_context);
}

/* The key of the table, and the epoch. */
static int draw(struct bight_http_hub *hub, const char *epoch)
{
    uint64_t key[2];
    uint8_t bytes[8];
    if (bight_random(hub->reactor, key, sizeof key) != BIGHT_OK ||
        bight_random(hub->reactor, bytes, sizeof bytes) != BIGHT_OK) {
        return BIGHT_E_SYSTEM;
    }
    bight_hash_init(&hub->topics, key, NULL);
    if (epoch != NULL) {
        memcpy(hub->epoch, epoch, strlen(epoch) + 1);
    } else {
        bight_hex_encode(bytes, sizeof bytes, hub->epoch);
    }
    return BIGHT_OK;
}

struct bight_http_hub *bight_http_hub_new(struct bight_reactor *reactor, const struct bight_http_hub_options *options)
{
    if (!may_be(options)) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a hub: an age, an epoch or a store that is none");
        return NULL;
    }
    struct bight_http_hub *hub = reactor != NULL ? bight_calloc(1, sizeof *hub) : NULL;
    if (hub == NULL) {
        return NULL;
    }
    hub->reactor = reactor;
    hub->holds = 1;
    hub->behind = &hub->oldest;
    take_options(hub, options);
    if (draw(hub, GIVEN(options, epoch)) != BIGHT_OK) {
        bight_free(hub);
        return NULL;
    }
    return hub;
}

static void drop(struct bi_publishing *publishing)
{
    bight_failure_release(publishing->failure);
    bi_hub_message_release(publishing->message);
    bight_free(publishing->id);
    bight_free(publishing);
}

/* What is with the store goes when the store has answered. */
static void abandon_publishing(struct bight_http_hub *hub)
{
    while (hub->oldest != NULL) {
        struct bi_publishing *publishing = hub->oldest;
        hub->oldest = publishing->next;
        publishing->hub = NULL;
        (void)bight_errback(publishing->promise,
            bight_failure_new(BIGHT_E_CLOSED, 0, NULL, "the hub was freed before the message was told"));
        if (publishing->is_settled) {
            drop(publishing);
        }
    }
    hub->behind = &hub->oldest;
}

void bight_http_hub_free(struct bight_http_hub *hub)
{
    if (hub == NULL || hub->is_freed) {
        return;
    }
    hub->is_freed = true;
    abandon_publishing(hub);
    while (hub->first != NULL) {
        bi_topic_end(hub->first);
    }
    bi_http_hub_release(hub);
}

const char *bight_http_hub_epoch(const struct bight_http_hub *hub)
{
    return hub != NULL ? hub->epoch : NULL;
}

/* ------------------------------------------------------------------------------------------- making a message */

static int check(const struct bight_http_hub *hub, const void *text, size_t size)
{
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (hub->is_freed) {
        return BIGHT_E_CLOSED;
    }
    if (hub->last >= LAST_NUMBER) {
        return BIGHT_E_OVERFLOW;
    }
    if (size > hub->max_message) {
        return BIGHT_E_TOO_LONG;
    }
    return size == 0 || bi_is_utf8(text, size) ? BIGHT_OK : BIGHT_E_INVALID_ARGUMENT;
}

/* With room for it in its topic. NULL: *code says why. */
static struct bight_http_hub_message *make(
    struct bight_http_hub *hub, const char *name, uint64_t number, struct bi_view text, int *code)
{
    *code = check(hub, text.at, text.size);
    struct bi_topic *topic = *code == BIGHT_OK ? bi_topic_of(hub, name, code) : NULL;
    if (topic == NULL) {
        return NULL;
    }
    struct bight_http_hub_message *message =
        bi_topic_reserve(topic) == BIGHT_OK ? bi_hub_message_new(topic, number, text.at, text.size) : NULL;
    if (message == NULL) {
        bi_topic_rest(topic);
        *code = BIGHT_E_OUT_OF_MEMORY;
    }
    return message;
}

/* Takes the message, which becomes known. Listeners may free the hub. */
static void commit(struct bight_http_hub *hub, struct bight_http_hub_message *message)
{
    hub->committed = message->number;
    bi_topic_add(message->topic, message);
}

int bight_http_hub_restore(
    struct bight_http_hub *hub, const char *topic, uint64_t number, const void *text, size_t size)
{
    int code;
    if (hub != NULL && (number <= hub->last || number > LAST_NUMBER)) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    struct bight_http_hub_message *message = make(hub, topic, number, (struct bi_view) { text, size }, &code);
    if (message != NULL) {
        hub->last = number;
        commit(hub, message);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------- publishing */

/* Takes all that there is of it. */
static void settle(struct bi_publishing *publishing)
{
    struct bight_http_hub *hub = publishing->hub;
    struct bight_http_hub_message *message = publishing->message;
    struct bi_topic *topic = message->topic;
    topic->publishing--;
    if (publishing->failure != NULL) {
        bight_free(publishing->id);
        bi_hub_message_release(message);
        bi_topic_rest(topic);
        (void)bight_errback(publishing->promise, publishing->failure);
    } else {
        commit(hub, message);
        (void)bight_callback(publishing->promise, &bight_type_text, publishing->id);
    }
    bight_free(publishing);
}

static void flush(struct bight_http_hub *hub)
{
    if (hub->is_flushing) {
        return;
    }
    hub->holds++;
    hub->is_flushing = true;
    while (hub->oldest != NULL && hub->oldest->is_settled) {
        struct bi_publishing *publishing = hub->oldest;
        hub->oldest = publishing->next;
        hub->behind = hub->oldest == NULL ? &hub->oldest : hub->behind;
        settle(publishing);
    }
    hub->is_flushing = false;
    bi_http_hub_release(hub);
}

static void settle_now(struct bi_publishing *publishing)
{
    publishing->is_settled = true;
    if (publishing->hub != NULL) {
        flush(publishing->hub);
    } else {
        drop(publishing);
    }
}

/* The store has answered. */
static void was_kept(struct bight_result *result, void *context)
{
    struct bi_publishing *publishing = context;
    if (bight_result_failure(result) != NULL) {
        publishing->failure = bight_result_take_failure(result);
    }
    bight_result_clear(result);
    settle_now(publishing);
}

/* The message is the store's until the Deferred fires, which is why nothing but that ends it; one that cannot be
 * listened to is made to fire. The store may free the hub. */
static void keep(struct bight_http_hub *hub, struct bi_publishing *publishing)
{
    struct bight_deferred *keeping =
        hub->store != NULL ? hub->store->keep(publishing->message, hub->store_context) : NULL;
    if (keeping == NULL) {
        settle_now(publishing);
    } else if (bight_deferred_add_both(keeping, was_kept, publishing) != BIGHT_OK) {
        bight_deferred_cancel(keeping);
        publishing->failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        settle_now(publishing);
    }
    bight_deferred_release(keeping);
}

/* All that is needed is there before anything is promised: what has been told must not be said to have failed. NULL
 * when out of memory. */
static struct bi_publishing *prepare(struct bight_http_hub_message *message, struct bight_deferred **deferred)
{
    struct bi_publishing *publishing = bight_calloc(1, sizeof *publishing);
    char *id = bight_malloc(sizeof message->id);
    if (publishing == NULL || id == NULL) {
        bight_free(publishing);
        bight_free(id);
        return NULL;
    }
    *deferred = bight_deferred_new(&publishing->promise, NULL, NULL);
    if (!bight_promise_is_open(publishing->promise)) {
        bight_deferred_release(*deferred);
        bight_free(publishing);
        bight_free(id);
        return NULL;
    }
    publishing->message = message;
    publishing->id = memcpy(id, message->id, sizeof message->id);
    return publishing;
}

/* A message that will not be published. */
static void forget(struct bight_http_hub_message *message)
{
    struct bi_topic *topic = message->topic;
    topic->holds++;
    bi_hub_message_release(message);
    bi_topic_rest(topic);
    bi_topic_release(topic);
}

static void append(struct bight_http_hub *hub, struct bi_publishing *publishing)
{
    publishing->hub = hub;
    publishing->message->topic->publishing++;
    *hub->behind = publishing;
    hub->behind = &publishing->next;
}

struct bight_deferred *bight_http_hub_publish(
    struct bight_http_hub *hub, const char *topic, const void *text, size_t size)
{
    int code;
    uint64_t number = hub != NULL ? hub->last + 1 : 0;
    struct bight_http_hub_message *message = make(hub, topic, number, (struct bi_view) { text, size }, &code);
    if (message == NULL) {
        return bight_fail(bight_failure_of(code));
    }
    struct bight_deferred *deferred;
    struct bi_publishing *publishing = prepare(message, &deferred);
    if (publishing == NULL) {
        forget(message);
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    hub->last = number;
    append(hub, publishing);
    keep(hub, publishing);
    return deferred;
}
