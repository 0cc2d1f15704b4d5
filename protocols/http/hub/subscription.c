/* SPDX-License-Identifier: MIT */
/* subscription.c - who listens to a topic, and how far he has been told.
 *
 * There is one place for each: the number of what he was told last. What is told next is what comes behind it in the
 * history, be it that it has just been published, that he comes back, or that he was slow; and where the history has
 * been cut past that place, there is a gap. */
#include <bight/memory.h>
#include <bight/reactor.h>

#include "http/hub/hub.h"

static void release(struct bight_http_hub_subscription *subscription)
{
    if (--subscription->holds > 0) {
        return;
    }
    if (subscription->release != NULL) {
        subscription->release(subscription->context);
    }
    bight_free(subscription);
}

/* Out of its topic, which is another's to look after. */
static void unlink_from(struct bight_http_hub_subscription *subscription, struct bi_topic *topic)
{
    if (topic->walking == subscription) {
        topic->walking = subscription->next;
    }
    *subscription->previous = subscription->next;
    if (subscription->next != NULL) {
        subscription->next->previous = subscription->previous;
    }
    subscription->topic = NULL;
    bight_timer_cancel(subscription->timer);
}

void bi_subscription_end(struct bight_http_hub_subscription *subscription)
{
    unlink_from(subscription, subscription->topic);
    if (subscription->listener->ended != NULL) {
        subscription->listener->ended(subscription, subscription->context);
    }
    release(subscription);
}

void bight_http_hub_unsubscribe(struct bight_http_hub_subscription *subscription)
{
    struct bi_topic *topic = subscription != NULL ? subscription->topic : NULL;
    bool is_kept = subscription != NULL && subscription->is_kept;
    if (topic != NULL) {
        unlink_from(subscription, topic);
        release(subscription);
        bi_topic_rest(topic);
    }
    if (is_kept) {
        subscription->is_kept = false;
        release(subscription);
    }
}

/* ------------------------------------------------------------------------------------------- telling */

/* It goes on where the history begins; with none, where the hub is. */
static void tell_gap(struct bight_http_hub_subscription *subscription)
{
    const struct bi_topic *topic = subscription->topic;
    char id[BI_HUB_ID_SIZE];
    subscription->has_gap = false;
    subscription->cursor = topic->count > 0 ? topic->dropped : topic->hub->committed;
    bi_hub_id_write(id, topic->hub->epoch, subscription->cursor);
    if (subscription->listener->gap != NULL && !subscription->listener->gap(subscription, id, subscription->context)) {
        subscription->has_gap = subscription->is_paused = true;
    }
}

static void tell_message(struct bight_http_hub_subscription *subscription, struct bight_http_hub_message *message)
{
    uint64_t before = subscription->cursor;
    struct bi_topic *topic = message->topic;
    message->holds++;
    subscription->cursor = message->number;
    if (!subscription->listener->message(subscription, message, subscription->context)) {
        subscription->cursor = before;
        subscription->is_paused = true;
    }
    if (!topic->is_telling) {
        bi_hub_message_forget_forms(message);
    }
    bi_hub_message_release(message);
}

/* False: there is nothing more to tell. */
static bool tell_next(struct bight_http_hub_subscription *subscription)
{
    const struct bi_topic *topic = subscription->topic;
    if (topic == NULL || subscription->is_paused) {
        return false;
    }
    if (subscription->has_gap || subscription->cursor < topic->dropped) {
        tell_gap(subscription);
        return true;
    }
    struct bight_http_hub_message *message = bi_topic_next(topic, subscription->cursor);
    if (message == NULL) {
        return false;
    }
    tell_message(subscription, message);
    return true;
}

void bi_subscription_tell(struct bight_http_hub_subscription *subscription)
{
    if (subscription->is_telling) {
        return; /* the loop that runs goes on to it */
    }
    subscription->holds++;
    subscription->is_telling = true;
    while (tell_next(subscription)) {
    }
    subscription->is_telling = false;
    release(subscription);
}

static void begin(void *context)
{
    struct bight_http_hub_subscription *subscription = context;
    subscription->is_begun = true;
    bi_subscription_tell(subscription);
}

/* On a turn of its own: whoever resumes may be in the midst of something. */
static int begin_later(struct bight_http_hub_subscription *subscription)
{
    subscription->is_begun = false;
    bight_timer_cancel(subscription->timer);
    return bight_call_later(subscription->topic->hub->reactor, 0, begin, subscription, &subscription->timer);
}

/* Without memory to do so later it is done at once. */
void bight_http_hub_resume(struct bight_http_hub_subscription *subscription)
{
    if (subscription == NULL || subscription->topic == NULL || !subscription->is_paused) {
        return;
    }
    subscription->is_paused = false;
    if (begin_later(subscription) != BIGHT_OK) {
        begin(subscription);
    }
}

/* ------------------------------------------------------------------------------------------- subscribing */

/* What is not from here, or has not been yet, was from another hub. */
static void find_place(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub *hub, const char *after)
{
    uint64_t number = hub->committed;
    if (after != NULL && (!bi_hub_id_read(after, hub->epoch, &number) || number > hub->committed)) {
        subscription->has_gap = true;
        number = 0;
    }
    subscription->cursor = number;
}

static void link_in(struct bi_topic *topic, struct bight_http_hub_subscription *subscription)
{
    subscription->topic = topic;
    subscription->next = topic->first;
    subscription->previous = &topic->first;
    if (topic->first != NULL) {
        topic->first->previous = &subscription->next;
    }
    topic->first = subscription;
}

struct bight_http_hub_subscription *bight_http_hub_subscribe(struct bight_http_hub *hub, const char *topic,
    const char *after, const struct bight_http_hub_listener *listener, void *context, int *code)
{
    int ignored;
    code = code != NULL ? code : &ignored;
    *code = hub == NULL ? BIGHT_E_OUT_OF_MEMORY : (hub->is_freed ? BIGHT_E_CLOSED : BIGHT_OK);
    struct bi_topic *found = *code == BIGHT_OK ? bi_topic_of(hub, topic, code) : NULL;
    if (found == NULL) {
        return NULL;
    }
    struct bight_http_hub_subscription *subscription = bight_calloc(1, sizeof *subscription);
    if (subscription == NULL) {
        bi_topic_rest(found);
        *code = BIGHT_E_OUT_OF_MEMORY;
        return NULL;
    }
    subscription->holds = 1;
    subscription->listener = listener;
    subscription->context = context;
    find_place(subscription, hub, after);
    link_in(found, subscription);
    *code = begin_later(subscription);
    if (*code != BIGHT_OK) {
        bight_http_hub_unsubscribe(subscription);
        return NULL;
    }
    return subscription;
}
