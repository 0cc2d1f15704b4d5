/* SPDX-License-Identifier: MIT */
/* poll.c - a topic's messages by long polling: an answer that waits until there is something to tell. For clients that
 * can do no better, and programs that are called now and then. */
#include <bight/memory.h>
#include <bight/reactor.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "http/hub/hub.h"
#include "http/hub/json.h"
#include "http/server/answer.h"

#define WAIT 25.0
#define MOST ((size_t)256 << 10)

struct polling {
    struct bi_http_watcher watcher;     /* of its exchange */
    struct bight_http_request *request; /* pending */
    struct bight_http_hub *hub;
    struct bight_http_hub_subscription *subscription; /* NULL: it has ended */
    struct bi_http_buffer messages;                   /* with commas between them */
    struct bight_timer timer;
    bool has_gap, is_answered;
    char id[BI_HUB_ID_SIZE]; /* where the client is to go on */
};

static struct polling *polling_of(struct bi_http_watcher *watcher)
{
    return (struct polling *)(void *)watcher;
}

static void over(struct bi_http_watcher *watcher)
{
    struct polling *polling = polling_of(watcher);
    struct bight_http_request *request = polling->request;
    bight_timer_cancel(polling->timer);
    bight_http_hub_unsubscribe(polling->subscription);
    bi_http_buffer_free(&polling->messages);
    bight_free(polling);
    bi_request_end_pending(request);
}

/* ------------------------------------------------------------------------------------------- answering */

static int respond(struct bight_http_request *request, const struct polling *polling)
{
    char head[BI_HUB_ID_SIZE + 64];
    struct bi_http_buffer text = { .start = 0 };
    int size = snprintf(head, sizeof head, "{\"id\":\"%s\",\"gap\":%s,\"messages\":[", polling->id,
        polling->has_gap ? "true" : "false");
    int code = bi_http_buffer_append(&text, head, (size_t)size);
    if (code == BIGHT_OK) {
        code = bi_http_buffer_append(
            &text, bi_http_buffer_data(&polling->messages), bi_http_buffer_size(&polling->messages));
    }
    code = code == BIGHT_OK ? bi_http_buffer_append(&text, "]}", 2) : code;
    code = code == BIGHT_OK ? bight_http_respond_set(request, "Cache-Control", "no-store") : code;
    if (code == BIGHT_OK) {
        code = bight_http_respond(
            request, 200, "application/json", bi_http_buffer_data(&text), bi_http_buffer_size(&text));
    }
    bi_http_buffer_free(&text);
    return code;
}

/* The exchange may end inside, and the polling with it. */
static void answer(struct polling *polling)
{
    struct bight_http_request *request = polling->request;
    if (polling->is_answered || !bight_http_request_is_open(request)) {
        return;
    }
    polling->is_answered = true;
    bi_request_begin_pending(request);
    if (respond(request, polling) == BIGHT_E_OUT_OF_MEMORY) {
        bi_exchange_abort(request);
    }
    bi_request_end_pending(request);
}

static void answer_now(void *context)
{
    answer(context);
}

static void draining(struct bi_http_watcher *watcher)
{
    answer(polling_of(watcher));
}

/* ------------------------------------------------------------------------------------------- listening */

/* There is something: what else there is now goes with it. */
static void answer_soon(struct polling *polling)
{
    bight_timer_cancel(polling->timer);
    if (bight_call_later(bight_http_request_reactor(polling->request), 0, answer_now, polling, &polling->timer) !=
        BIGHT_OK) {
        answer(polling);
    }
}

static bool tell(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    struct polling *polling = context;
    size_t before = bi_http_buffer_size(&polling->messages);
    (void)subscription;
    if (polling->is_answered || (before > 0 && before + message->size > MOST)) {
        return false;
    }
    if ((before > 0 && bi_http_buffer_append(&polling->messages, ",", 1) != BIGHT_OK) ||
        bi_hub_json_message(&polling->messages, message) != BIGHT_OK) {
        bi_exchange_abort(polling->request);
        return false;
    }
    memcpy(polling->id, message->id, sizeof polling->id);
    if (before == 0) {
        answer_soon(polling);
    }
    return true;
}

static bool tell_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    struct polling *polling = context;
    (void)subscription;
    if (bi_http_buffer_size(&polling->messages) > 0) {
        return false; /* that is behind what it has: the next one */
    }
    polling->has_gap = true;
    memcpy(polling->id, id, strlen(id) + 1);
    answer_soon(polling);
    return true;
}

/* The client asks again, and is told then what it finds. */
static void hub_has_ended(struct bight_http_hub_subscription *subscription, void *context)
{
    struct polling *polling = context;
    (void)subscription;
    polling->subscription = NULL;
    answer(polling);
}

static const struct bight_http_hub_listener listener = {
    .size = sizeof listener, .message = tell, .gap = tell_gap, .ended = hub_has_ended
};

/* ------------------------------------------------------------------------------------------- beginning */

/* Where the client is, if it is told nothing. One that names what is not from here is told of a gap all the same, when
 * it is answered before the subscription can do so, and what is kept with the next poll. */
static void set_place(struct polling *polling, const char *after)
{
    uint64_t number;
    if (after == NULL) {
        bi_hub_id_write(polling->id, polling->hub->epoch, polling->hub->committed);
    } else if (bi_hub_id_read(after, polling->hub->epoch, &number)) {
        memcpy(polling->id, after, strlen(after) + 1);
    } else {
        bi_hub_id_write(polling->id, polling->hub->epoch, 0);
        polling->has_gap = true;
    }
}

static int wait_for_something(struct polling *polling, double seconds)
{
    int code = bi_drain_watch(polling->request, &polling->watcher);
    if (code == BIGHT_OK && seconds < INFINITY) {
        code = bight_call_later(
            bight_http_request_reactor(polling->request), seconds, answer_now, polling, &polling->timer);
    }
    return code;
}

/* Watched from here on: what ends the exchange ends the polling. */
static int begin(struct polling *polling, const char *after, double seconds)
{
    bool waits = after != NULL && !polling->request->connection->draining;
    set_place(polling, after);
    int code = wait_for_something(polling, seconds);
    if (code != BIGHT_OK) {
        (void)bi_drain_watch(polling->request, NULL);
        return code;
    }
    bi_request_begin_pending(polling->request);
    if (!waits) {
        answer(polling);
    }
    return BIGHT_OK;
}

static int start(struct polling *polling, struct bight_http_hub *hub, const char *topic, double seconds)
{
    int code;
    const char *after = bight_http_request_query(polling->request, "after");
    polling->hub = hub;
    polling->subscription = bight_http_hub_subscribe(hub, topic, after, &listener, polling, &code);
    if (polling->subscription == NULL) {
        return code;
    }
    code = begin(polling, after, seconds > 0 ? seconds : WAIT);
    if (code != BIGHT_OK) {
        bight_http_hub_unsubscribe(polling->subscription);
    }
    return code;
}

int bight_http_hub_respond_poll(
    struct bight_http_hub *hub, struct bight_http_request *request, const char *topic, double seconds)
{
    struct polling *polling = bight_calloc(1, sizeof *polling);
    int code = BIGHT_E_OUT_OF_MEMORY;
    if (polling != NULL) {
        polling->watcher = (struct bi_http_watcher) { .draining = draining, .over = over };
        polling->request = request;
        code = start(polling, hub, topic, seconds);
    }
    if (code == BIGHT_OK) {
        return code;
    }
    bight_free(polling);
    if (code == BIGHT_E_OUT_OF_MEMORY) {
        bight_http_respond_abort(request);
    }
    return code;
}
