/* SPDX-License-Identifier: MIT */
/* head.c - where lines end, how much of them there may be, and what comes in which order.
 *
 * What a line says is head_line.c's. A line is judged when its LF has come, first by its length, then by what it says;
 * until then nothing but its length can be wrong. So the same bytes have the same result however they are cut. */
#include "http/message/head.h"

#include <string.h>

#include "http/message/head_line.h"
#include "http/message/head_reader.h"
#include "http/message/tokens.h"

static enum bi_head_result refused(struct bi_head *head, uint16_t status, uint32_t bad_at, const char *why)
{
    (void)bi_head_refuse(head, status, bad_at, why);
    return BI_HEAD_REFUSED;
}

/* A start line and its end have two bytes more than the limit at most. */
static bool is_too_long(const struct bi_head *head, uint32_t size)
{
    return !head->started && size > head->limits.line + 2;
}

static enum bi_head_result refuse_length(struct bi_head *head)
{
    return refused(head, 414, head->parsed + head->limits.line, "a start line that is too long");
}

static enum bi_head_result unfinished(struct bi_head *head, uint32_t seen)
{
    if (!head->started && seen - head->parsed >= head->limits.line + 2) {
        return refuse_length(head);
    }
    if (seen == head->limits.size) {
        return refused(head, 431, seen, "a head that is too large");
    }
    return BI_HEAD_PARTIAL;
}

/* The empty line before a request, if there is one, is none of its own. */
static enum bi_head_result take_empty_line(struct bi_head *head, uint32_t at)
{
    if (head->started) {
        head->size = head->parsed;
        return BI_HEAD_WHOLE;
    }
    if (head->kind == BI_HEAD_REQUEST && at == 0) {
        return BI_HEAD_PARTIAL;
    }
    return refused(head, 400, at, "an empty line in place of a start line");
}

static bool take_words(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    if (head->started) {
        return bi_is(bytes[at], BI_CLASS_SPACE) ? bi_head_fold(head, bytes, at, end)
                                                : bi_head_field_line(head, bytes, at, end);
    }
    head->started = true;
    return head->kind == BI_HEAD_REQUEST ? bi_head_request_line(head, bytes, at, end)
                                         : bi_head_status_line(head, bytes, at, end);
}

/* The line from what has been parsed to the LF at `feed`. PARTIAL: the head goes on. */
static enum bi_head_result take_line(struct bi_head *head, const uint8_t *bytes, uint32_t feed)
{
    uint32_t at = head->parsed;
    bool bare = feed == at || bytes[feed - 1] != '\r';
    uint32_t end = bare ? feed : feed - 1;
    if (is_too_long(head, feed + 1 - at)) {
        return refuse_length(head);
    }
    if (end > at && !take_words(head, bytes, at, end)) {
        return BI_HEAD_REFUSED;
    }
    if (bare && head->kind != BI_HEAD_RESPONSE) {
        return refused(head, 400, feed, "a bare LF");
    }
    head->tolerated = head->tolerated || bare;
    head->parsed = head->scanned = feed + 1;
    return end > at ? BI_HEAD_PARTIAL : take_empty_line(head, at);
}

enum bi_head_result bi_head_parse(struct bi_head *head, const uint8_t *bytes, size_t size)
{
    uint32_t seen = size < head->limits.size ? (uint32_t)size : head->limits.size;
    enum bi_head_result result = BI_HEAD_PARTIAL;
    while (head->scanned < seen) {
        if (head->scanned == head->parsed && bi_head_read(head, bytes, seen)) {
            return BI_HEAD_WHOLE;
        }
        uint32_t from = head->scanned > head->parsed ? head->scanned : head->parsed;
        const uint8_t *found = memchr(bytes + from, '\n', seen - from);
        if (found == NULL) {
            head->scanned = seen;
            break;
        }
        result = take_line(head, bytes, (uint32_t)(found - bytes));
        if (result != BI_HEAD_PARTIAL) {
            return result;
        }
    }
    return unfinished(head, seen);
}

/* One value: white space around each end of a line, and the end, become one SP. */
static void unfold(struct bi_field *field, uint8_t *bytes)
{
    uint8_t *to = bytes + field->value.at;
    const uint8_t *from = to, *end = from + field->value.size;
    while (from < end) {
        if (*from != '\r' && *from != '\n') {
            *to++ = *from++;
            continue;
        }
        while (bi_is(to[-1], BI_CLASS_SPACE)) {
            to--;
        }
        while (bi_is(*from, BI_CLASS_SPACE) || *from == '\r' || *from == '\n') {
            from++;
        }
        *to++ = ' ';
    }
    field->value.size = (uint32_t)(to - bytes) - field->value.at;
    field->folded = false;
}

void bi_head_unfold(struct bi_head *head, uint8_t *bytes)
{
    for (uint16_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].folded) {
            unfold(&head->fields[i], bytes);
        }
    }
    head->folded = false;
}

uint16_t bi_head_next(const struct bi_head *head, const uint8_t *bytes, enum bi_name name, const char *text,
    size_t text_size, uint16_t after)
{
    if (after == 0 && name != BI_NAME_OTHER) {
        return bi_head_first(head, name);
    }
    struct bi_view wanted = { (const uint8_t *)text, text_size };
    for (uint16_t i = after; i < head->field_count; i++) {
        const struct bi_field *field = &head->fields[i];
        struct bi_view own = { bytes + field->name_at, field->name_size };
        if (field->name == name && (name != BI_NAME_OTHER || bi_view_equal_nocase(own, wanted))) {
            return i + 1;
        }
    }
    return 0;
}
