/* SPDX-License-Identifier: MIT */
/* topic.c - a topic: what is kept of it, who is told, and when it ends.
 *
 * A topic is there while somebody listens, while something is kept of it that is not too old, or on its way to the
 * store. One that has ended is not remembered. So that nobody who comes back to a new one of the same name is told that
 * he has missed nothing, the hub remembers the highest number that went with any: those who name a lower one are told
 * of a gap, at worst of one that there was not.
 *
 * Telling may run anything: listeners that leave, publish, free the hub. What is published meanwhile is told by the
 * loop that runs already, so that nobody gets the second message before the first. */
#include <bight/clock.h>
#include <bight/memory.h>
#include <bight/reactor.h>

#include <string.h>

#include "http/hub/hub.h"
#include "http/message/utf8.h"

#define MESSAGE_COST 64
#define FIRST_ROOM 8

/* ------------------------------------------------------------------------------------------- life */

void bi_topic_release(struct bi_topic *topic)
{
    if (--topic->holds == 0) {
        bight_free(topic);
    }
}

static bool is_name(const char *name, size_t size)
{
    if (size == 0 || size > BIGHT_HTTP_HUB_TOPIC_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
            return false;
        }
    }
    return bi_is_utf8((const uint8_t *)name, size);
}

static void link_in(struct bight_http_hub *hub, struct bi_topic *topic)
{
    topic->next = hub->first;
    topic->previous = &hub->first;
    if (hub->first != NULL) {
        hub->first->previous = &topic->next;
    }
    hub->first = topic;
}

static struct bi_topic *make(struct bight_http_hub *hub, const char *name, size_t size, int *code)
{
    struct bi_topic *topic = bight_calloc(1, sizeof *topic + size + 1);
    *code = BIGHT_E_OUT_OF_MEMORY;
    if (topic == NULL || bight_hash_set(&hub->topics, name, size, topic) != BIGHT_OK) {
        bight_free(topic);
        return NULL;
    }
    topic->hub = hub;
    topic->holds = 1;
    topic->dropped = hub->forgotten;
    topic->name_size = size;
    memcpy(topic->name, name, size);
    link_in(hub, topic);
    *code = BIGHT_OK;
    return topic;
}

struct bi_topic *bi_topic_of(struct bight_http_hub *hub, const char *name, int *code)
{
    size_t size = strlen(name);
    *code = is_name(name, size) ? BIGHT_OK : BIGHT_E_INVALID_ARGUMENT;
    struct bi_topic *topic = *code == BIGHT_OK ? bight_hash_get(&hub->topics, name, size) : NULL;
    if (topic != NULL || *code != BIGHT_OK) {
        return topic;
    }
    if (hub->topics.count >= hub->max_topics) {
        *code = BIGHT_E_LIMIT;
        return NULL;
    }
    return make(hub, name, size, code);
}

static struct bight_http_hub_message *at(const struct bi_topic *topic, size_t index)
{
    return topic->ring[(topic->start + index) & (topic->room - 1)];
}

static uint64_t newest(const struct bi_topic *topic)
{
    return topic->count > 0 ? at(topic, topic->count - 1)->number : topic->dropped;
}

static void drop_first(struct bi_topic *topic)
{
    struct bight_http_hub_message *message = at(topic, 0);
    topic->dropped = message->number;
    topic->start = (topic->start + 1) & (topic->room - 1);
    topic->count--;
    topic->bytes -= message->size + MESSAGE_COST;
    bi_hub_message_release(message);
}

void bi_topic_end(struct bi_topic *topic)
{
    struct bight_http_hub *hub = topic->hub;
    uint64_t last = newest(topic);
    hub->forgotten = last > hub->forgotten ? last : hub->forgotten;
    (void)bight_hash_take(&hub->topics, topic->name, topic->name_size);
    *topic->previous = topic->next;
    if (topic->next != NULL) {
        topic->next->previous = topic->previous;
    }
    topic->hub = NULL;
    bight_timer_cancel(topic->timer);
    while (topic->count > 0) {
        drop_first(topic);
    }
    bight_free(topic->ring);
    topic->ring = NULL;
    topic->walking = NULL;
    while (topic->first != NULL) {
        bi_subscription_end(topic->first);
    }
    bi_topic_release(topic);
}

/* ------------------------------------------------------------------------------------------- age */

static uint64_t now_of(const struct bi_topic *topic)
{
    return bight_clock_now(bight_reactor_clock(topic->hub->reactor));
}

static bool is_used(const struct bi_topic *topic)
{
    return topic->first != NULL || topic->publishing > 0 || topic->is_telling;
}

static void await_age(struct bi_topic *topic, uint64_t left);

static void look_at_age(void *context)
{
    struct bi_topic *topic = context;
    uint64_t age = now_of(topic) - topic->used;
    topic->is_aging = false;
    if (is_used(topic)) {
        return;
    }
    if (age >= topic->hub->max_age) {
        bi_topic_end(topic);
    } else {
        await_age(topic, topic->hub->max_age - age);
    }
}

/* Without memory for it the topic stays until somebody comes and goes again. */
static void await_age(struct bi_topic *topic, uint64_t left)
{
    topic->is_aging =
        bight_call_at(topic->hub->reactor, now_of(topic) + left, look_at_age, topic, &topic->timer) == BIGHT_OK;
}

void bi_topic_rest(struct bi_topic *topic)
{
    if (topic->hub == NULL || is_used(topic)) {
        return;
    }
    if (topic->count == 0) {
        bi_topic_end(topic);
        return;
    }
    topic->used = now_of(topic);
    if (!topic->is_aging && topic->hub->max_age != UINT64_MAX) {
        await_age(topic, topic->hub->max_age);
    }
}

/* ------------------------------------------------------------------------------------------- what is kept */

int bi_topic_reserve(struct bi_topic *topic)
{
    size_t room = topic->room > 0 ? topic->room : FIRST_ROOM;
    while (room <= topic->count + topic->publishing) {
        room *= 2;
    }
    if (room == topic->room) {
        return BIGHT_OK;
    }
    struct bight_http_hub_message **ring = bight_calloc(room, sizeof(struct bight_http_hub_message *));
    if (ring == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < topic->count; i++) {
        ring[i] = at(topic, i);
    }
    bight_free(topic->ring);
    topic->ring = ring;
    topic->room = room;
    topic->start = 0;
    return BIGHT_OK;
}

static void trim(struct bi_topic *topic)
{
    while (topic->count > topic->hub->max_messages || topic->bytes > topic->hub->max_bytes) {
        drop_first(topic);
    }
}

static struct bight_http_hub_message *find_next(const struct bi_topic *topic, uint64_t number)
{
    size_t low = 0, high = topic->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(topic, middle)->number > number) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return at(topic, low);
}

/* Whoever keeps up is told the last one. */
struct bight_http_hub_message *bi_topic_next(const struct bi_topic *topic, uint64_t number)
{
    size_t count = topic->count;
    struct bight_http_hub_message *last = count > 0 ? at(topic, count - 1) : NULL;
    if (last == NULL || last->number <= number) {
        return NULL;
    }
    return count == 1 || at(topic, count - 2)->number <= number ? last : find_next(topic, number);
}

/* ------------------------------------------------------------------------------------------- telling */

static void tell_each(struct bi_topic *topic)
{
    topic->walking = topic->first;
    while (topic->walking != NULL) {
        struct bight_http_hub_subscription *subscription = topic->walking;
        topic->walking = subscription->next;
        if (subscription->is_begun) {
            bi_subscription_tell(subscription);
        }
    }
}

static void forget_forms(struct bi_topic *topic)
{
    for (size_t i = topic->count; i > 0 && (at(topic, i - 1)->event != NULL || at(topic, i - 1)->frame != NULL); i--) {
        bi_hub_message_forget_forms(at(topic, i - 1));
    }
}

static void tell(struct bi_topic *topic)
{
    uint64_t told;
    topic->holds++;
    topic->is_telling = true;
    do {
        told = newest(topic);
        tell_each(topic);
    } while (topic->hub != NULL && newest(topic) != told);
    topic->is_telling = false;
    if (topic->hub != NULL) {
        forget_forms(topic);
        trim(topic);
        bi_topic_rest(topic);
    }
    bi_topic_release(topic);
}

void bi_topic_add(struct bi_topic *topic, struct bight_http_hub_message *message)
{
    topic->ring[(topic->start + topic->count) & (topic->room - 1)] = message;
    topic->count++;
    topic->bytes += message->size + MESSAGE_COST;
    if (!topic->is_telling) {
        tell(topic);
    }
}
