/* SPDX-License-Identifier: MIT */
/* http_stream.h - messages one behind another read by the codec alone, in pieces, each in memory of just its size, so
 * that a sanitizer sees every byte read too far. What is read is told to `note`, in parts that do not depend on how the
 * bytes were cut. */
#ifndef BIGHT_TEST_FUZZ_HTTP_STREAM_H
#define BIGHT_TEST_FUZZ_HTTP_STREAM_H

#include "http/message/chunked.h"
#include "http/message/framing.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_FIELDS 100

enum stream_state {
    STREAM_HEAD,
    STREAM_BODY,
    STREAM_CHUNKED,
    STREAM_TRAILERS,
    STREAM_ENDED, /* nothing more is read: refused, the last message, or another protocol begins */
};

struct stream {
    /* Set by the user. */
    enum bi_head_kind kind;
    enum bi_method asked; /* responses */
    struct bi_head_limits limits;
    void (*note)(struct stream *stream, char event, const void *data, size_t size);

    enum stream_state state;
    struct bi_head head;
    struct bi_framing framing;
    struct bi_chunked chunked;
    struct bi_field fields[STREAM_FIELDS];
    uint64_t left;
    size_t at;       /* what has been read whole */
    const char *why; /* of what was refused */
    uint64_t digest; /* note_digest's */
};

static inline void note_digest(struct stream *stream, char event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    stream->digest = (stream->digest ^ (uint8_t)event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        stream->digest = (stream->digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static inline void note_number(struct stream *stream, char event, uint64_t number)
{
    stream->note(stream, event, &number, sizeof number);
}

static inline void stream_begin(struct stream *stream)
{
    static struct bi_known_host known; /* from one execution to the next: it must make no difference */
    stream->head.fields = stream->fields;
    stream->head.limits = stream->limits;
    stream->head.known_host = &known;
    bi_head_begin(&stream->head, stream->kind);
    stream->state = STREAM_HEAD;
}

static inline void stream_refuse(struct stream *stream, unsigned status, size_t place, const char *why)
{
    stream->why = why;
    note_number(stream, 'R', status);
    note_number(stream, '@', place);
    stream->note(stream, 'W', why, strlen(why));
    stream->state = STREAM_ENDED;
}

static inline void stream_message_end(struct stream *stream)
{
    stream->note(stream, '.', NULL, 0);
    if (stream->framing.keeps_alive && !stream->framing.upgrades) {
        stream_begin(stream);
    } else {
        stream->state = STREAM_ENDED;
    }
}

static inline void note_fields(struct stream *stream, const uint8_t *bytes)
{
    for (unsigned i = 0; i < stream->head.field_count; i++) {
        const struct bi_field *field = &stream->head.fields[i];
        stream->note(stream, 'N', bytes + field->name_at, field->name_size);
        stream->note(stream, 'V', bytes + field->value.at, field->value.size);
        note_number(stream, 'n', field->name);
    }
    note_number(stream, 'p', stream->head.present);
    note_number(stream, 'r', stream->head.repeated);
}

static inline void note_start(struct stream *stream, const uint8_t *bytes)
{
    const struct bi_head *head = &stream->head;
    stream->note(stream, 'M', bytes + head->method.at, head->method.size);
    stream->note(stream, 'T', bytes + head->target.at, head->target.size);
    stream->note(stream, 'O', bytes + head->reason.at, head->reason.size);
    note_number(stream, 'v', head->minor);
    note_number(stream, 's', head->status);
    note_number(stream, 't', head->tolerated);
}

static inline void note_framing(struct stream *stream, const uint8_t *bytes)
{
    const struct bi_framing *framing = &stream->framing;
    stream->note(stream, 'A', bytes + framing->authority.at, framing->authority.size);
    stream->note(stream, 'P', bytes + framing->path.at, framing->path.size);
    stream->note(stream, 'Q', bytes + framing->query.at, framing->query.size);
    note_number(stream, 'b', framing->body);
    note_number(stream, 'l', framing->length);
    note_number(stream, 'k', framing->keeps_alive);
    note_number(stream, 'f', framing->expects_continue + 2u * framing->upgrades + 4u * framing->tolerated);
}

static inline bool stream_decide(struct stream *stream, uint8_t *bytes)
{
    struct bi_head *head = &stream->head;
    if (head->folded) {
        bi_head_unfold(head, bytes);
    }
    note_start(stream, bytes);
    note_fields(stream, bytes);
    bool fine = stream->kind == BI_HEAD_REQUEST ? bi_framing_of_request(&stream->framing, head, bytes)
                                                : bi_framing_of_response(&stream->framing, head, bytes, stream->asked);
    if (!fine) {
        stream_refuse(stream, stream->framing.status, 0, stream->framing.why);
        return false;
    }
    note_framing(stream, bytes);
    return true;
}

static inline size_t stream_head(struct stream *stream, uint8_t *bytes, size_t size)
{
    enum bi_head_result result = bi_head_parse(&stream->head, bytes, size);
    if (result == BI_HEAD_REFUSED) {
        stream_refuse(stream, stream->head.status, stream->at + stream->head.bad_at, stream->head.why);
    }
    if (result != BI_HEAD_WHOLE || !stream_decide(stream, bytes)) {
        return 0;
    }
    size_t used = stream->head.size;
    switch ((enum bi_body_kind)stream->framing.body) {
    case BI_BODY_NONE:
        stream_message_end(stream);
        break;
    case BI_BODY_LENGTH:
    case BI_BODY_UNTIL_CLOSE:
        stream->left = stream->framing.body == BI_BODY_LENGTH ? stream->framing.length : UINT64_MAX;
        stream->state = STREAM_BODY;
        break;
    case BI_BODY_CHUNKED:
        bi_chunked_begin(&stream->chunked, stream->kind == BI_HEAD_RESPONSE);
        stream->state = STREAM_CHUNKED;
        break;
    }
    return used;
}

static inline void note_body(struct stream *stream, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        stream->note(stream, 'B', bytes + i, 1);
    }
}

static inline size_t stream_body(struct stream *stream, const uint8_t *bytes, size_t size)
{
    size_t used = size < stream->left ? size : (size_t)stream->left;
    note_body(stream, bytes, used);
    stream->left -= used;
    if (stream->left == 0) {
        stream_message_end(stream);
    }
    return used;
}

static inline size_t stream_chunked(struct stream *stream, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes, *data;
    size_t left = size, data_size;
    enum bi_chunked_result result;
    while ((result = bi_chunked_next(&stream->chunked, &at, &left, &data, &data_size)) == BI_CHUNKED_DATA) {
        note_body(stream, data, data_size);
    }
    if (result == BI_CHUNKED_REFUSED) {
        stream_refuse(stream, 400, stream->at + (size_t)(at - bytes), stream->chunked.why);
    } else if (result == BI_CHUNKED_END) {
        stream->head.limits = (struct bi_head_limits) { .size = 8192, .fields = STREAM_FIELDS };
        bi_head_begin(&stream->head, BI_HEAD_TRAILERS);
        stream->state = STREAM_TRAILERS;
    }
    return size - left;
}

static inline size_t stream_trailers(struct stream *stream, const uint8_t *bytes, size_t size)
{
    uint16_t status;
    const char *why;
    enum bi_head_result result = bi_head_parse(&stream->head, bytes, size);
    if (result == BI_HEAD_REFUSED) {
        stream_refuse(stream, stream->head.status, stream->at + stream->head.bad_at, stream->head.why);
    }
    if (result != BI_HEAD_WHOLE) {
        return 0;
    }
    size_t used = stream->head.size;
    note_fields(stream, bytes);
    if (bi_framing_check_trailers(&stream->head, &status, &why)) {
        stream_message_end(stream);
    } else {
        stream_refuse(stream, status, 0, why);
    }
    return used;
}

static inline size_t stream_step(struct stream *stream, uint8_t *bytes, size_t size)
{
    switch (stream->state) {
    case STREAM_HEAD:
        return stream_head(stream, bytes, size);
    case STREAM_BODY:
        return stream_body(stream, bytes, size);
    case STREAM_CHUNKED:
        return stream_chunked(stream, bytes, size);
    case STREAM_TRAILERS:
        return stream_trailers(stream, bytes, size);
    case STREAM_ENDED:
        break;
    }
    return 0;
}

/* `come` bytes of `data` are there, more than the last time. */
static inline void stream_feed(struct stream *stream, const uint8_t *data, size_t come)
{
    enum stream_state before;
    size_t used;
    do {
        size_t size = come - stream->at;
        uint8_t *bytes = malloc(size > 0 ? size : 1);
        if (bytes == NULL) {
            abort();
        }
        memcpy(bytes, data + stream->at, size);
        before = stream->state;
        used = size > 0 ? stream_step(stream, bytes, size) : 0;
        stream->at += used;
        free(bytes);
    } while (stream->state != STREAM_ENDED && (used > 0 || stream->state != before));
}

/* All of it in pieces of `piece` bytes. */
static inline void stream_read(struct stream *stream, const uint8_t *data, size_t size, size_t piece)
{
    stream->at = 0;
    stream->why = NULL;
    stream->digest = UINT64_C(14695981039346656037);
    stream_begin(stream);
    for (size_t come = 0; come < size && stream->state != STREAM_ENDED;) {
        come = size - come > piece ? come + piece : size;
        stream_feed(stream, data, come);
    }
    note_number(stream, 'E', stream->state);
    note_number(stream, 'e', stream->at);
}

#endif
