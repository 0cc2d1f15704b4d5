/* SPDX-License-Identifier: MIT */
/* head_reader_core.h - a reader, over whatever compares many bytes at once.
 *
 * Included once by each head_*.c, which defines before:
 *   INLINE                 what its functions are declared with
 *   LANES                  how many bytes are looked at
 *   lanes                  a type for them; load(at) reads them
 *   stops_name, stops_target, stops_value (lanes)   a mask of the lanes that end such an element
 *   mask                   its type, the lowest lane lowest; 0: none
 *   equals(lanes, byte)    the lanes that are the byte, of those in head_reader.h
 *   has_mark(lanes)        those that are `?`, `%` or `.`
 *   first(mask)            the lowest lane
 *   drop(mask, count)      without so many of the lowest, fewer than there are; the others move down
 *   is_name(lanes, before, known, text, size)   it is that name, whose size it has; no byte of it is below `!`
 *   is_token(lanes, before, text, size)   all of it is token characters
 * where the text lies in the lanes, behind the first `before`.
 *
 * At the end of the bytes nothing may be loaded that lies behind it: the last LANES bytes are loaded, and those before
 * the place dropped. So there have to be LANES bytes at least:
 *   read_fewer(head, bytes, size), read_fewer_new(...)   is the one that reads less. */
#include <string.h>

#include "http/message/head_reader.h"
#include "http/message/likely.h"
#include "http/message/names_table.h"

/* What is read, and what is known of it so far: in registers, where writing a field does not make it be read again.
 * Places are offsets, as in fields. */
struct reading {
    const uint8_t *bytes;
    size_t end;
    struct bi_field *fields;
    uint64_t present;
    uint32_t count;
};

#define NOTHING SIZE_MAX

#define DEFINE_FIND(name, stops)                                                                         \
    /* The first byte from `at` on that ends such an element, or the end. */                             \
    INLINE size_t name(const struct reading *reading, size_t at)                                         \
    {                                                                                                    \
        for (; reading->end - at >= LANES; at += LANES) {                                                \
            mask found = stops(load(reading->bytes + at));                                               \
            if (found != 0) {                                                                            \
                return at + first(found);                                                                \
            }                                                                                            \
        }                                                                                                \
        size_t left = reading->end - at;                                                                 \
        if (left == 0) {                                                                                 \
            return at;                                                                                   \
        }                                                                                                \
        mask found = drop(stops(load(reading->bytes + reading->end - LANES)), (unsigned)(LANES - left)); \
        return found != 0 ? at + first(found) : reading->end;                                            \
    }

DEFINE_FIND(find_name_end, stops_name)
DEFINE_FIND(find_target_end, stops_target)
DEFINE_FIND(find_value_end, stops_value)

/* Two bytes are there. */
INLINE bool is_line_end(const struct reading *reading, size_t at)
{
    return memcmp(reading->bytes + at, "\r\n", 2) == 0;
}

/* All up to the lowest of a mask, which is not empty. */
INLINE mask up_to(mask found)
{
    return found ^ (found - 1);
}

/* COUNT: it is no token, or too long for a reader of many bytes at once. */
INLINE unsigned name_of(const uint8_t *text, size_t size)
{
    if (LANES > BI_KNOWN_LONGEST) {
        return BI_NAME_COUNT; /* rare, and a call in the loop would cost all its registers */
    }
    enum bi_name name = bi_name_find(text, size);
    return name != BI_NAME_OTHER || bi_is_token((struct bi_view) { text, size }) ? (unsigned)name : BI_NAME_COUNT;
}

/* The same, of a name that lies in the lanes behind the first `before`. */
INLINE unsigned name_in(lanes bytes, unsigned before, const uint8_t *text, size_t size)
{
    unsigned candidate = bi_name_candidate_of(text, size);
    const struct bi_known_name *known = &bi_known_names[candidate];
    if (BI_USUALLY(known->size == size) && BI_USUALLY(is_name(bytes, before, known, text, size))) {
        return candidate;
    }
    return is_token(bytes, before, text, size) ? BI_NAME_OTHER : BI_NAME_COUNT;
}

INLINE void add_field(struct bi_head *head, struct reading *reading, const struct bi_field *field)
{
    uint64_t bit = UINT64_C(1) << field->name;
    reading->fields[reading->count++] = *field;
    if (BI_RARELY((reading->present & bit) != 0)) {
        head->repeated |= bit;
        return;
    }
    head->first[field->name] = (uint16_t)reading->count;
    reading->present |= bit;
}

/* The line's end in place of `stop`, where a control character is; NOTHING: none is there. HTAB is rare, and would have
 * to be told from the others everywhere. */
INLINE size_t pass_tabs(const struct reading *reading, size_t stop)
{
    while (reading->end - stop >= 2 && reading->bytes[stop] == '\t') {
        stop = find_value_end(reading, stop + 1);
    }
    return reading->end - stop >= 2 && is_line_end(reading, stop) ? stop : NOTHING;
}

/* At once: a read soon after takes both halves together, and would wait for two that were written. */
INLINE struct bi_span span_of(size_t at, size_t end)
{
    uint64_t begin = at, size = end - at;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t both = begin << 32 | size;
#else
    uint64_t both = size << 32 | begin;
#endif
    struct bi_span span;
    memcpy(&span, &both, sizeof span);
    return span;
}

INLINE size_t pass_space(const uint8_t *bytes, size_t value, size_t stop)
{
    while (value < stop && bytes[value] <= ' ') {
        value++;
    }
    return value;
}

INLINE size_t drop_space(const uint8_t *bytes, size_t value, size_t stop)
{
    while (stop > value && bytes[stop - 1] <= ' ') {
        stop--;
    }
    return stop;
}

/* Adds what lies from `at` to the colon, and from there to the line's end, `stop`. */
INLINE void take_field(
    struct bi_head *head, struct reading *reading, size_t at, size_t colon, size_t stop, unsigned name)
{
    const uint8_t *bytes = reading->bytes;
    size_t value = colon + 1;
    value += bytes[value] == ' ';
    if (BI_RARELY(bytes[value] <= ' ')) { /* there is nothing below SP but HTAB, or the line's end */
        value = pass_space(bytes, value, stop);
    }
    if (BI_RARELY(bytes[stop - 1] <= ' ')) {
        stop = drop_space(bytes, value, stop);
    }
    struct bi_field field = { .name_at = (uint32_t)at,
        .name_size = (uint16_t)(colon - at),
        .name = (uint8_t)name,
        .value = span_of(value, stop) };
    add_field(head, reading, &field);
}

/* One look at what begins at a place, which is behind the first `before` lanes. */
struct look {
    lanes bytes;
    unsigned before;
    mask of_name, of_value; /* of a line: what ends one, the line's first byte lowest */
};

/* `inner`: there are LANES bytes, so that none before the place has to be dropped. */
INLINE struct look look_at(const struct reading *reading, size_t at, bool inner)
{
    size_t last = reading->end - LANES, from = inner || at < last ? at : last;
    return (struct look) { .bytes = load(reading->bytes + from), .before = inner ? 0 : (unsigned)(at - from) };
}

/* Behind a line that is not all in one look, or has a tab in it; NOTHING: it is for others. */
INLINE size_t read_long_field(struct bi_head *head, struct reading *reading, size_t at, struct look look)
{
    size_t behind = at + LANES - look.before;
    size_t colon = look.of_name != 0 ? at + first(look.of_name) : find_name_end(reading, behind);
    if (colon == at || colon == reading->end || reading->bytes[colon] != ':') {
        return NOTHING;
    }
    const uint8_t *text = reading->bytes + at;
    unsigned name = look.of_name != 0 ? name_in(look.bytes, look.before, text, colon - at) : name_of(text, colon - at);
    size_t stop = look.of_value != 0 ? at + first(look.of_value) : find_value_end(reading, behind);
    if (reading->end - stop >= 2 && !is_line_end(reading, stop)) {
        stop = pass_tabs(reading, stop);
    }
    if (name == BI_NAME_COUNT || stop == NOTHING || reading->end - stop < 2) {
        return NOTHING;
    }
    take_field(head, reading, at, colon, stop, name);
    return stop + 2;
}

/* Behind the line, or NOTHING. Most lines are told from one look. */
INLINE size_t read_field(struct bi_head *head, struct reading *reading, size_t at, bool inner)
{
    struct look look = look_at(reading, at, inner);
    look.of_name = drop(stops_name(look.bytes), look.before);
    look.of_value = drop(stops_value(look.bytes), look.before);
    if (BI_RARELY(look.of_value == 0) || BI_RARELY(look.of_name == 0)) {
        return read_long_field(head, reading, at, look);
    }
    size_t colon = at + first(look.of_name), stop = at + first(look.of_value);
    if (BI_RARELY(colon == at) || BI_RARELY(reading->bytes[colon] != ':')) {
        return NOTHING;
    }
    if (BI_RARELY(reading->end - stop < 2) || BI_RARELY(!is_line_end(reading, stop))) {
        return read_long_field(head, reading, at, look);
    }
    unsigned name = name_in(look.bytes, look.before, reading->bytes + at, colon - at);
    if (BI_RARELY(name == BI_NAME_COUNT)) {
        return NOTHING;
    }
    take_field(head, reading, at, colon, stop, name);
    return stop + 2;
}

/* Behind the method's space, or NOTHING. */
INLINE size_t read_method(struct bi_head *head, const struct reading *reading, size_t at)
{
    size_t size = 3;
    const uint8_t *text = reading->bytes + at;
    if (BI_USUALLY(memcmp(text, "GET ", 4) == 0)) {
        head->method_known = BI_METHOD_GET;
    } else {
        size = bi_run((struct bi_view) { text, reading->end - at }, BI_CLASS_TOKEN);
        if (size == 0 || at + size == reading->end || text[size] != ' ') {
            return NOTHING;
        }
        head->method_known = (uint8_t)bi_method_find(text, size);
    }
    head->method = span_of(at, at + size);
    return at + size + 1;
}

/* Of a target that ends at the lowest of `stops`. */
INLINE void look_into_target(struct bi_head *head, size_t target, struct look look, mask stops)
{
    mask question = drop(equals(look.bytes, BI_HEAD_QUESTION), look.before) & up_to(stops);
    mask slashes = equals(look.bytes, BI_HEAD_SLASH);
    mask strange = equals(look.bytes, BI_HEAD_PERCENT) | (slashes & drop(slashes | equals(look.bytes, BI_HEAD_DOT), 1));
    head->question = question != 0 ? (uint32_t)target + first(question) : 0;
    head->is_usual_path = (drop(strange, look.before) & up_to(question != 0 ? question : stops)) == 0;
}

/* Where the target ends that begins at `target`. Most are short enough for one look to tell all about them, and many
 * have nothing in them that a closer one would be for. */
INLINE size_t read_target(struct bi_head *head, const struct reading *reading, size_t target)
{
    struct look look = look_at(reading, target, false);
    mask stops = drop(stops_target(look.bytes), look.before);
    if (BI_USUALLY(stops != 0)) {
        head->question = 0;
        head->is_usual_path = true;
        mask slashes = equals(look.bytes, BI_HEAD_SLASH);
        if ((drop(has_mark(look.bytes) | (slashes & drop(slashes, 1)), look.before) & up_to(stops)) != 0) {
            look_into_target(head, target, look, stops);
        }
        return target + first(stops);
    }
    size_t stop = find_target_end(reading, target);
    const uint8_t *question = memchr(reading->bytes + target, '?', stop - target);
    head->question = question != NULL ? (uint32_t)(question - reading->bytes) : 0;
    head->is_usual_path = false;
    return stop;
}

/* Behind the request line, or NOTHING. */
INLINE size_t read_request_line(struct bi_head *head, const struct reading *reading, size_t at)
{
    enum { VERSION = sizeof " HTTP/1.?\r\n" - 1 };
    size_t target = read_method(head, reading, at);
    if (target == NOTHING || target == reading->end) {
        return NOTHING;
    }
    size_t stop = read_target(head, reading, target);
    const uint8_t *version = reading->bytes + stop;
    if (BI_RARELY(stop == target) || BI_RARELY(reading->end - stop < VERSION) ||
        BI_RARELY(memcmp(version, " HTTP/1.", 8) != 0) || BI_RARELY(stop + VERSION - at > head->limits.line + 2)) {
        return NOTHING;
    }
    if (BI_USUALLY(memcmp(version + 7, ".1\r\n", 4) == 0)) {
        head->minor = 1;
    } else if ((uint8_t)(version[8] - '0') > 9 || !is_line_end(reading, stop + 9)) {
        return NOTHING;
    } else {
        head->minor = version[8] != '0';
    }
    head->target = span_of(target, stop);
    return stop + VERSION;
}

/* Moves *at behind one line in order, or the head's end, which is `whole`. False: nothing more is to be read. */
INLINE bool read_next(struct bi_head *head, struct reading *reading, size_t *at, bool *whole, bool inner)
{
    if (is_line_end(reading, *at)) {
        *whole = true;
        *at += 2;
        return false;
    }
    size_t next = BI_USUALLY(reading->count < head->limits.fields) ? read_field(head, reading, *at, inner) : NOTHING;
    if (BI_RARELY(next == NOTHING)) {
        return false;
    }
    *at = next;
    return true;
}

/* Behind the last line in order. */
INLINE size_t read_fields(struct bi_head *head, struct reading *reading, size_t at, bool *whole)
{
    bool more = true;
    while (more && at <= reading->end - LANES) {
        more = read_next(head, reading, &at, whole, true);
    }
    while (more && reading->end - at >= 2) {
        more = read_next(head, reading, &at, whole, false);
    }
    return at;
}

INLINE void conclude(struct bi_head *head, const struct reading *reading, size_t at)
{
    head->present = reading->present;
    head->field_count = (uint16_t)reading->count;
    head->parsed = head->size = (uint32_t)at;
}

INLINE bool read_lines(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    struct reading reading = {
        .bytes = bytes, .end = size, .fields = head->fields, .present = head->present, .count = head->field_count
    };
    size_t at = head->parsed;
    bool whole = false;
    if (size < LANES) {
        return read_fewer(head, bytes, size);
    }
    if (!head->started) {
        at = head->kind == BI_HEAD_REQUEST && size - at >= 16 ? read_request_line(head, &reading, at) : NOTHING;
        if (at == NOTHING) {
            return false;
        }
        head->started = true;
    }
    at = read_fields(head, &reading, at, &whole);
    conclude(head, &reading, at);
    return whole;
}

INLINE bool read_new(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    struct reading reading = { .bytes = bytes, .end = size, .fields = head->fields };
    bool whole = false;
    if (BI_RARELY(size < LANES)) {
        return read_fewer_new(head, bytes, size);
    }
    if (size < 16) {
        return false;
    }
    head->repeated = 0;
    size_t at = read_request_line(head, &reading, 0);
    if (at == NOTHING) {
        return false;
    }
    at = read_fields(head, &reading, at, &whole);
    conclude(head, &reading, at);
    return whole;
}
