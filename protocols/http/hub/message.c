/* SPDX-License-Identifier: MIT */
/* message.c - a hub's messages: their text, their id, and how they are written to streams of events and to WebSockets.
 */
#include <bight/memory.h>

#include <string.h>

#include "http/hub/hub.h"
#include "http/hub/json.h"

struct bight_http_hub_message *bi_hub_message_new(
    struct bi_topic *topic, uint64_t number, const void *text, size_t size)
{
    struct bight_http_hub_message *message = bight_malloc(sizeof *message + size + 1);
    if (message == NULL) {
        return NULL;
    }
    *message = (struct bight_http_hub_message) { .holds = 1, .topic = topic, .number = number, .size = size };
    topic->holds++;
    bi_hub_id_write(message->id, topic->hub->epoch, number);
    if (size > 0) {
        memcpy(message->text, text, size);
    }
    message->text[size] = '\0';
    return message;
}

void bi_hub_message_release(struct bight_http_hub_message *message)
{
    if (--message->holds > 0) {
        return;
    }
    bi_hub_message_forget_forms(message);
    bi_topic_release(message->topic);
    bight_free(message);
}

struct bight_http_event *bi_hub_message_event(struct bight_http_hub_message *message)
{
    if (message->event == NULL) {
        message->event = bight_http_event_new(message->id, NULL, message->text, message->size);
    }
    return message->event;
}

static struct bight_websocket_message *make_frame(const struct bight_http_hub_message *message)
{
    struct bi_http_buffer json = { .start = 0 };
    struct bight_websocket_message *frame = NULL;
    if (bi_hub_json_message(&json, message) == BIGHT_OK) {
        frame =
            bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, bi_http_buffer_data(&json), bi_http_buffer_size(&json));
    }
    bi_http_buffer_free(&json);
    return frame;
}

struct bight_websocket_message *bi_hub_message_frame(struct bight_http_hub_message *message)
{
    if (message->frame == NULL) {
        message->frame = make_frame(message);
    }
    return message->frame;
}

void bi_hub_message_forget_forms(struct bight_http_hub_message *message)
{
    bight_http_event_release(message->event);
    bight_websocket_message_release(message->frame);
    message->event = NULL;
    message->frame = NULL;
}

const char *bight_http_hub_message_topic(const struct bight_http_hub_message *message)
{
    return message->topic->name;
}

const char *bight_http_hub_message_id(const struct bight_http_hub_message *message)
{
    return message->id;
}

uint64_t bight_http_hub_message_number(const struct bight_http_hub_message *message)
{
    return message->number;
}

const char *bight_http_hub_message_text(const struct bight_http_hub_message *message, size_t *size)
{
    if (size != NULL) {
        *size = message->size;
    }
    return message->text;
}
