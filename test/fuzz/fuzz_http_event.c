/* SPDX-License-Identifier: MIT */
/* fuzz_http_event.c - what is written of an event is read back as the same, by a reader that does as WHATWG HTML, 9.2.6
 * says; and nothing else is read.
 *
 * The first two bytes are the sizes of id and type (of which 255 is none), which come before the data. */
#include "http/message/event.h"

#include <stdlib.h>

#include "fuzz.h"
#include "http/message/utf8.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What a client has after a stream. */
struct heard {
    char *data, *type, *id; /* of one event, each with as much room as the stream is large */
    size_t data_size, type_size, id_size;
    size_t events, nothings; /* dispatched; and empty lines without data before them */
    bool has_data, has_id;
};

static bool is(struct bi_view name, const char *text)
{
    return bi_view_equal(name, bi_view_of(text));
}

static void hear_field(struct heard *heard, struct bi_view name, struct bi_view value)
{
    if (is(name, "data")) {
        memcpy(heard->data + heard->data_size, value.at, value.size);
        heard->data_size += value.size;
        heard->data[heard->data_size++] = '\n';
        heard->has_data = true;
    } else if (is(name, "event")) {
        memcpy(heard->type, value.at, value.size);
        heard->type_size = value.size;
    } else {
        require(is(name, "id") && memchr(value.at, '\0', value.size) == NULL);
        memcpy(heard->id, value.at, value.size);
        heard->id_size = value.size;
        heard->has_id = true;
    }
}

static void hear_line(struct heard *heard, struct bi_view line)
{
    const uint8_t *colon = memchr(line.at, ':', line.size);
    if (line.size == 0) {
        heard->events += heard->has_data;
        heard->nothings += !heard->has_data;
        return;
    }
    require(colon != NULL); /* none of ours has none */
    struct bi_view name = bi_take(&line, (size_t)(colon - line.at));
    (void)bi_take(&line, 1);
    (void)bi_take_byte(&line, ' ');
    if (name.size > 0) {
        hear_field(heard, name, line);
    }
}

static void hear(struct heard *heard, struct bi_view stream)
{
    while (stream.size > 0) {
        size_t size = 0;
        while (size < stream.size && stream.at[size] != '\n' && stream.at[size] != '\r') {
            size++;
        }
        hear_line(heard, bi_take(&stream, size));
        require(bi_take_byte(&stream, '\n')); /* the last line has an end, too, and it is never another one */
    }
}

/* As a reader has lines: each end is LF. */
static size_t normalise(struct bi_view text, char *out)
{
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        if (text.at[at] == '\r' && at + 1 < text.size && text.at[at + 1] == '\n') {
            continue;
        }
        out[size++] = text.at[at] == '\r' ? '\n' : (char)text.at[at];
    }
    return size;
}

static struct heard hear_all(const char *written, size_t size)
{
    struct heard heard = { .data = malloc(size + 1), .type = malloc(size + 1), .id = malloc(size + 1) };
    hear(&heard, (struct bi_view) { (const uint8_t *)written, size });
    return heard;
}

static void forget(struct heard *heard)
{
    free(heard->data);
    free(heard->type);
    free(heard->id);
}

static void require_same(const struct bi_event *event, const struct heard *heard)
{
    char *data = malloc(event->data.size + 1);
    size_t size = normalise(event->data, data);
    bool dispatches = event->data.at != NULL;
    require(heard->events == dispatches && heard->nothings == !dispatches);
    require(!dispatches || (heard->data_size == size + 1 && memcmp(heard->data, data, size) == 0));
    require(heard->type_size == event->type.size && memcmp(heard->type, event->type.at, heard->type_size) == 0);
    require(heard->has_id == (event->id.at != NULL));
    require(heard->id_size == event->id.size && memcmp(heard->id, event->id.at, heard->id_size) == 0);
    free(data);
}

static void try_event(const struct bi_event *event)
{
    size_t size = bi_event_write(event, NULL);
    char *written = malloc(size);
    require(bi_event_write(event, written) == size);
    require(size <= 7 * event->data.size + event->id.size + event->type.size + 32);
    struct heard heard = hear_all(written, size);
    require_same(event, &heard);
    forget(&heard);
    free(written);
}

static void try_comment(struct bi_view text)
{
    size_t size = bi_event_write_comment(text, NULL);
    char *written = malloc(size);
    require(bi_event_write_comment(text, written) == size);
    struct heard heard = hear_all(written, size);
    require(heard.events == 0 && heard.nothings == 1 && !heard.has_id && heard.type_size == 0);
    forget(&heard);
    free(written);
}

static struct bi_view take_name(struct bi_view *rest, uint8_t size)
{
    static const uint8_t none[1];
    if (size == 255 || size > rest->size) {
        return (struct bi_view) { none, 0 };
    }
    return bi_take(rest, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_event event = { .data = { data, size } };
    if (size < 2) {
        return 0;
    }
    event.data = bi_view_from(event.data, 2);
    event.id = take_name(&event.data, data[0]);
    event.type = take_name(&event.data, data[1]);
    try_comment(event.data);
    if (bi_event_is_id(event.id) && bi_event_is_name(event.type)) {
        try_event(&event);
    }
    return 0;
}
