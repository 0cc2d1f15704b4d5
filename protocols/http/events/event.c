/* SPDX-License-Identifier: MIT */
/* event.c - events as objects: checked, and written down once (A13).
 *
 * An event is counted bytes under another name, so that nothing that is not well-formed gets into a stream. How it is
 * written is message/event.c's. */
#include "http/message/event.h"

#include "http/events/events.h"
#include "http/message/utf8.h"

static struct bi_view view_of(const char *text)
{
    return text != NULL ? bi_view_of(text) : (struct bi_view) { NULL, 0 };
}

/* 0, or why there can be no such event. Text may well be a client's: that it is no UTF-8 is no fault of the program's.
 */
static int check(const struct bi_event *event)
{
    if (event->id.at != NULL && !bi_event_is_id(event->id)) {
        return bi_http_usage(
            BIGHT_E_INVALID_ARGUMENT, "an event: its id holds CR, LF, or what is no UTF-8, or has over 256 bytes");
    }
    if (event->type.at != NULL && !bi_event_is_name(event->type)) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an event: its type holds CR, LF, or what is no UTF-8");
    }
    return event->data.size == 0 || bi_is_utf8(event->data.at, event->data.size) ? BIGHT_OK : BIGHT_E_INVALID_ARGUMENT;
}

struct bight_http_event *bi_event_make(const char *id, const char *type, const void *data, size_t size, int *code)
{
    struct bi_event event = { view_of(id), view_of(type), { data, data != NULL ? size : 0 } };
    uint8_t *content = NULL;
    *code = check(&event);
    if (*code != BIGHT_OK) {
        return NULL;
    }
    struct bight_bytes *bytes =
        size < SIZE_MAX / 16 ? bight_bytes_new_uninitialised(bi_event_write(&event, NULL), &content) : NULL;
    if (bytes == NULL) {
        *code = BIGHT_E_OUT_OF_MEMORY;
        return NULL;
    }
    (void)bi_event_write(&event, (char *)content);
    return (struct bight_http_event *)(void *)bytes;
}

struct bight_http_event *bight_http_event_new(const char *id, const char *type, const void *data, size_t size)
{
    int code;
    return bi_event_make(id, type, data, size, &code);
}

struct bight_http_event *bight_http_event_hold(struct bight_http_event *event)
{
    if (event != NULL) {
        (void)bight_bytes_hold(bi_event_bytes(event));
    }
    return event;
}

void bight_http_event_release(struct bight_http_event *event)
{
    bight_bytes_release(bi_event_bytes(event));
}
