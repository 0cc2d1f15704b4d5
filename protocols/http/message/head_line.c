/* SPDX-License-Identifier: MIT */
/* head_line.c - the elements of a line, one function each, from left to right: the first that is wrong is told.
 *
 * All that H2 refuses in heads is refused here. Where lines end, and how many there may be, is head.c's. */
#include "http/message/head_line.h"

#include <string.h>

#include "http/message/tokens.h"

bool bi_head_refuse(struct bi_head *head, uint16_t status, uint32_t bad_at, const char *why)
{
    head->status = status;
    head->bad_at = bad_at;
    head->why = why;
    return false;
}

/* Where the run of bytes of these classes ends that begins at `at`: `end`, or the first that is none. */
static uint32_t run_end(const uint8_t *bytes, uint32_t at, uint32_t end, unsigned classes)
{
    return at + (uint32_t)bi_run((struct bi_view) { bytes + at, end - at }, classes);
}

/* For the byte at `at`, or the line's end there; `why` is what is wrong if it is no control. */
static bool refuse_byte(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end, const char *why)
{
    if (at < end && bytes[at] == '\r') {
        why = "a bare CR";
    } else if (at < end && bytes[at] == '\0') {
        why = "a NUL";
    } else if (at < end && (bytes[at] < 0x20 || bytes[at] == 0x7f) && bytes[at] != '\t') {
        why = "a control character";
    }
    return bi_head_refuse(head, 400, at, why);
}

/* Advances *at past one SP. */
static bool take_space(struct bi_head *head, const uint8_t *bytes, uint32_t *at, uint32_t end, const char *why)
{
    if (*at == end || bytes[*at] != ' ') {
        return refuse_byte(head, bytes, *at, end, why);
    }
    ++*at;
    return true;
}

static bool take_method(struct bi_head *head, const uint8_t *bytes, uint32_t *at, uint32_t end)
{
    uint32_t stop = run_end(bytes, *at, end, BI_CLASS_TOKEN);
    if (stop == *at || (stop < end && bytes[stop] != ' ')) {
        return refuse_byte(head, bytes, stop, end, "a method that is no token");
    }
    head->method = (struct bi_span) { *at, stop - *at };
    head->method_known = (uint8_t)bi_method_find(bytes + *at, stop - *at);
    *at = stop;
    return true;
}

static bool take_target(struct bi_head *head, const uint8_t *bytes, uint32_t *at, uint32_t end)
{
    uint32_t stop = run_end(bytes, *at, end, BI_CLASS_VISIBLE);
    const uint8_t *fragment = memchr(bytes + *at, '#', stop - *at);
    if (stop == *at && (stop == end || bytes[stop] == ' ')) {
        return bi_head_refuse(head, 400, stop, "a request line that is not of three parts with one space between");
    }
    if (fragment != NULL) {
        return bi_head_refuse(head, 400, (uint32_t)(fragment - bytes), "a target with a fragment");
    }
    if (stop < end && bytes[stop] != ' ') {
        return refuse_byte(head, bytes, stop, end, "a target with other than visible ASCII characters");
    }
    const uint8_t *question = memchr(bytes + *at, '?', stop - *at);
    head->target = (struct bi_span) { *at, stop - *at };
    head->question = question != NULL ? (uint32_t)(question - bytes) : 0;
    *at = stop;
    return true;
}

/* HTTP/1.1: capital letters and one digit on each side of the point. */
static bool take_version(struct bi_head *head, const uint8_t *bytes, uint32_t *at, uint32_t end)
{
    static const char form[] = "HTTP/0.0";
    for (uint32_t i = 0; i < sizeof form - 1; i++, ++*at) {
        bool fits = *at < end && (form[i] == '0' ? bi_is(bytes[*at], BI_CLASS_DIGIT) : bytes[*at] == (uint8_t)form[i]);
        if (!fits) {
            return refuse_byte(head, bytes, *at, end, "a version that is not `HTTP/` and two digits");
        }
    }
    if (bytes[*at - 3] != '1') {
        return bi_head_refuse(head, 505, *at - 3, "a version other than 1");
    }
    head->minor = bytes[*at - 1] > '0';
    return true;
}

bool bi_head_request_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    static const char parts[] = "a request line that is not of three parts with one space between";
    if (!take_method(head, bytes, &at, end) || !take_space(head, bytes, &at, end, parts) ||
        !take_target(head, bytes, &at, end) || !take_space(head, bytes, &at, end, parts) ||
        !take_version(head, bytes, &at, end)) {
        return false;
    }
    return at == end || refuse_byte(head, bytes, at, end, "something behind the version");
}

static bool take_status(struct bi_head *head, const uint8_t *bytes, uint32_t *at, uint32_t end)
{
    uint16_t status = 0;
    for (int digit = 0; digit < 3; digit++, ++*at) {
        if (*at == end || !bi_is(bytes[*at], BI_CLASS_DIGIT)) {
            return refuse_byte(head, bytes, *at, end, "a status that is not of three digits");
        }
        status = (uint16_t)(status * 10 + (bytes[*at] - '0'));
    }
    if (status < 100) {
        return bi_head_refuse(head, 400, *at - 3, "a status below 100");
    }
    head->status = status;
    return true;
}

static bool take_reason(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    if (at == end) {
        head->tolerated = true;
        head->reason = (struct bi_span) { at, 0 };
        return true;
    }
    if (!take_space(head, bytes, &at, end, "a status that is not of three digits")) {
        return false;
    }
    uint32_t stop = run_end(bytes, at, end, BI_CLASS_VALUE);
    head->reason = (struct bi_span) { at, stop - at };
    return stop == end || refuse_byte(head, bytes, stop, end, "a control character");
}

bool bi_head_status_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    return take_version(head, bytes, &at, end) &&
           take_space(head, bytes, &at, end, "a version without a space behind it") &&
           take_status(head, bytes, &at, end) && take_reason(head, bytes, at, end);
}

/* The part of bytes[at] to bytes[end] without white space around it. */
static struct bi_span trimmed(const uint8_t *bytes, uint32_t at, uint32_t end)
{
    struct bi_view text = bi_trim((struct bi_view) { bytes + at, end - at });
    return (struct bi_span) { (uint32_t)(text.at - bytes), (uint32_t)text.size };
}

static void add_field(struct bi_head *head, const struct bi_field *field)
{
    uint64_t bit = UINT64_C(1) << field->name;
    head->fields[head->field_count++] = *field;
    if ((head->present & bit) == 0) {
        head->first[field->name] = head->field_count;
    }
    head->repeated |= head->present & bit;
    head->present |= bit;
}

bool bi_head_field_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    uint32_t colon = run_end(bytes, at, end, BI_CLASS_TOKEN);
    if (colon == at || colon == end || bytes[colon] != ':') {
        bool blank = colon < end && colon > at && bi_is(bytes[colon], BI_CLASS_SPACE);
        return refuse_byte(head, bytes, colon, end,
            blank ? "white space before a colon" : "a field whose name is no token with a colon behind it");
    }
    uint32_t stop = run_end(bytes, colon + 1, end, BI_CLASS_VALUE);
    if (stop < end) {
        return refuse_byte(head, bytes, stop, end, "a control character");
    }
    if (head->field_count >= head->limits.fields) {
        return bi_head_refuse(head, 431, at, "too many fields");
    }
    struct bi_field field = { .name_at = at, .name_size = (uint16_t)(colon - at) };
    field.name = (uint8_t)bi_name_find(bytes + at, field.name_size);
    field.value = trimmed(bytes, colon + 1, end);
    add_field(head, &field);
    return true;
}

bool bi_head_fold(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end)
{
    if (head->kind != BI_HEAD_RESPONSE || head->field_count == 0) {
        return bi_head_refuse(head, 400, at, "white space at the beginning of a line");
    }
    uint32_t stop = run_end(bytes, at, end, BI_CLASS_VALUE);
    if (stop < end) {
        return refuse_byte(head, bytes, stop, end, "a control character");
    }
    struct bi_field *field = &head->fields[head->field_count - 1];
    struct bi_span more = trimmed(bytes, at, end);
    head->tolerated = true;
    if (more.size == 0) {
        return true;
    }
    if (field->value.size == 0) {
        field->value = more;
        return true;
    }
    field->value.size = more.at + more.size - field->value.at;
    field->folded = head->folded = true;
    return true;
}
