/* SPDX-License-Identifier: MIT */
/* event.c - how an event is written in an event stream (A13). What is written is measured by the same walk. */
#include "http/message/event.h"

#include "http/message/utf8.h"
#include "http/message/words.h"

bool bi_event_is_name(struct bi_view text)
{
    return memchr(text.at, '\0', text.size) == NULL && memchr(text.at, '\r', text.size) == NULL &&
           memchr(text.at, '\n', text.size) == NULL && bi_is_utf8(text.at, text.size);
}

bool bi_event_is_id(struct bi_view text)
{
    return text.size <= BI_EVENT_ID && bi_event_is_name(text);
}

/* How many bytes there are before the first CR or LF. */
static size_t line_size(struct bi_view text)
{
    size_t size = 0;
    while (text.size - size >= BI_WORD) {
        uint64_t word = bi_load_word(text.at + size);
        if ((bi_word_has(word, '\r') | bi_word_has(word, '\n')) != 0) {
            break;
        }
        size += BI_WORD;
    }
    while (size < text.size && text.at[size] != '\r' && text.at[size] != '\n') {
        size++;
    }
    return size;
}

/* Takes what ends a line off the beginning of `text`. False: there is nothing, and that was the last line. */
static bool take_end(struct bi_view *text)
{
    bool has_return = bi_take_byte(text, '\r');
    return bi_take_byte(text, '\n') || has_return;
}

static size_t put(char *out, size_t at, const void *data, size_t size)
{
    if (out != NULL && size > 0) {
        memcpy(out + at, data, size);
    }
    return at + size;
}

/* "name: line" and so on; a reader removes one space behind the colon. */
static size_t put_lines(char *out, size_t at, const char *name, struct bi_view text)
{
    bool more = true;
    while (more) {
        struct bi_view line = bi_take(&text, line_size(text));
        at = put(out, at, name, strlen(name));
        at = put(out, at, line.at, line.size);
        at = put(out, at, "\n", 1);
        more = take_end(&text);
    }
    return at;
}

size_t bi_event_write(const struct bi_event *event, char *out)
{
    size_t at = 0;
    if (event->id.at != NULL) {
        at = put_lines(out, at, "id: ", event->id);
    }
    if (event->type.size > 0) {
        at = put_lines(out, at, "event: ", event->type);
    }
    if (event->data.at != NULL) {
        at = put_lines(out, at, "data: ", event->data);
    }
    return put(out, at, "\n", 1);
}

size_t bi_event_write_comment(struct bi_view text, char *out)
{
    size_t at = put_lines(out, 0, text.size > 0 ? ": " : ":", text);
    return put(out, at, "\n", 1);
}
