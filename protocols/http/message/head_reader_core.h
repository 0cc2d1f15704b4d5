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
 *   first(mask)            the lowest lane
 *   drop(mask, count)      without so many of the lowest, fewer than there are; the others move down
 *   is_name(lanes, before, known, text)   the text of the known name's size is that name; no byte of it is below `!`
 *   is_token(lanes, before, text, size)   all of it is token characters
 * where the text lies in the lanes, behind the first `before`.
 *
 * At the end of the bytes nothing may be loaded that lies behind it: the last LANES bytes are loaded, and those before
 * the place dropped. So there have to be LANES bytes at least:
 *   read_fewer(head, bytes, size)   is who reads less. */
#include <string.h>

#include "http/message/head_reader.h"
#include "http/message/names_table.h"

/* What is read, and what is known of it so far: in registers, where writing a field does not make it be read again. */
struct reading {
    const uint8_t *bytes, *end;
    struct bi_field *fields;
    uint64_t present, repeated;
    uint32_t count;
};

#define DEFINE_FIND(name, stops)                                                        \
    /* The first byte from `at` on that ends such an element, or the end. */            \
    INLINE const uint8_t *name(const struct reading *reading, const uint8_t *at)        \
    {                                                                                   \
        for (; reading->end - at >= LANES; at += LANES) {                               \
            mask found = stops(load(at));                                               \
            if (found != 0) {                                                           \
                return at + first(found);                                               \
            }                                                                           \
        }                                                                               \
        if (at == reading->end) {                                                       \
            return at;                                                                  \
        }                                                                               \
        ptrdiff_t left = reading->end - at;                                             \
        mask found = drop(stops(load(reading->end - LANES)), (unsigned)(LANES - left)); \
        return found != 0 ? at + first(found) : reading->end;                           \
    }

DEFINE_FIND(find_name_end, stops_name)
DEFINE_FIND(find_target_end, stops_target)
DEFINE_FIND(find_value_end, stops_value)

INLINE bool is_line_end(const uint8_t *at)
{
    return memcmp(at, "\r\n", 2) == 0;
}

/* COUNT: it is no token, or too long for whoever looks at many bytes. */
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
    unsigned candidate = bi_name_candidate(text, size);
    if (candidate != BI_NAME_OTHER && is_name(bytes, before, &bi_known_names[candidate], text)) {
        return candidate;
    }
    return is_token(bytes, before, text, size) ? BI_NAME_OTHER : BI_NAME_COUNT;
}

INLINE void add_field(struct bi_head *head, struct reading *reading, const struct bi_field *field)
{
    uint64_t bit = UINT64_C(1) << field->name;
    reading->fields[reading->count++] = *field;
    if ((reading->present & bit) == 0) {
        head->first[field->name] = (uint16_t)reading->count;
    }
    reading->repeated |= reading->present & bit;
    reading->present |= bit;
}

/* The line's end in place of `stop`, where a control character is; NULL: none is there. HTAB is rare, and would have to
 * be told from the others everywhere. */
INLINE const uint8_t *pass_tabs(const struct reading *reading, const uint8_t *stop)
{
    while (reading->end - stop >= 2 && *stop == '\t') {
        stop = find_value_end(reading, stop + 1);
    }
    return reading->end - stop >= 2 && is_line_end(stop) ? stop : NULL;
}

/* At once: whoever reads it soon takes both halves together, and would wait for two that were written. */
INLINE struct bi_span span_of(const struct reading *reading, const uint8_t *at, const uint8_t *end)
{
    uint64_t begin = (uint64_t)(at - reading->bytes), size = (uint64_t)(end - at);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t both = begin << 32 | size;
#else
    uint64_t both = size << 32 | begin;
#endif
    struct bi_span span;
    memcpy(&span, &both, sizeof span);
    return span;
}

/* Adds what lies from `at` to the colon, and from there to the line's end, `stop`. */
INLINE void take_field(struct bi_head *head, struct reading *reading, const uint8_t *at, const uint8_t *colon,
    const uint8_t *stop, unsigned name)
{
    const uint8_t *value = colon + 1;
    value += *value == ' ';
    while (*value <= ' ' && value < stop) {
        value++; /* there is nothing below SP but HTAB */
    }
    while (stop[-1] <= ' ' && stop > value) {
        stop--;
    }
    struct bi_field field = { .name_at = (uint32_t)(at - reading->bytes),
        .name_size = (uint16_t)(colon - at),
        .name = (uint8_t)name,
        .value = span_of(reading, value, stop) };
    add_field(head, reading, &field);
}

/* Behind a line that is not all in one look, or has a tab in it; NULL: it is for others. */
INLINE const uint8_t *read_long_field(
    struct bi_head *head, struct reading *reading, const uint8_t *at, lanes bytes, unsigned before, mask of_name)
{
    const uint8_t *colon = of_name != 0 ? at + first(of_name) : find_name_end(reading, at + LANES - before);
    if (colon == at || colon == reading->end || *colon != ':') {
        return NULL;
    }
    size_t size = (size_t)(colon - at);
    unsigned name = of_name != 0 ? name_in(bytes, before, at, size) : name_of(at, size);
    const uint8_t *stop = find_value_end(reading, colon);
    if (reading->end - stop >= 2 && !is_line_end(stop)) {
        stop = pass_tabs(reading, stop);
    }
    if (name == BI_NAME_COUNT || stop == NULL || reading->end - stop < 2) {
        return NULL;
    }
    take_field(head, reading, at, colon, stop, name);
    return stop + 2;
}

/* Behind the line, or NULL. Most lines are told from one look. */
INLINE const uint8_t *read_field(struct bi_head *head, struct reading *reading, const uint8_t *at)
{
    const uint8_t *last = reading->end - LANES, *from = at < last ? at : last;
    unsigned before = (unsigned)(at - from);
    lanes bytes = load(from);
    mask of_name = drop(stops_name(bytes), before), of_value = drop(stops_value(bytes), before);
    if (of_name == 0 || of_value == 0) {
        return read_long_field(head, reading, at, bytes, before, of_name);
    }
    const uint8_t *colon = at + first(of_name), *stop = at + first(of_value);
    if (colon == at || *colon != ':') {
        return NULL;
    }
    if (reading->end - stop < 2 || !is_line_end(stop)) {
        return read_long_field(head, reading, at, bytes, before, of_name);
    }
    unsigned name = name_in(bytes, before, at, (size_t)(colon - at));
    if (name == BI_NAME_COUNT) {
        return NULL;
    }
    take_field(head, reading, at, colon, stop, name);
    return stop + 2;
}

/* Behind the method's space, or NULL. */
INLINE const uint8_t *read_method(struct bi_head *head, const struct reading *reading, const uint8_t *at)
{
    uint32_t size = 3;
    if (memcmp(at, "GET ", 4) == 0) {
        head->method_known = BI_METHOD_GET;
    } else {
        size = (uint32_t)bi_run((struct bi_view) { at, (size_t)(reading->end - at) }, BI_CLASS_TOKEN);
        if (size == 0 || at + size == reading->end || at[size] != ' ') {
            return NULL;
        }
        head->method_known = (uint8_t)bi_method_find(at, size);
    }
    head->method = (struct bi_span) { (uint32_t)(at - reading->bytes), size };
    return at + size + 1;
}

/* All up to the lowest of a mask, which is not empty. */
INLINE mask up_to(mask found)
{
    return found ^ (found - 1);
}

/* Where the target ends that begins at `target`. Most are short enough for one look to tell all about them. */
INLINE const uint8_t *read_target(struct bi_head *head, const struct reading *reading, const uint8_t *target)
{
    if (reading->end - target >= LANES) {
        lanes bytes = load(target);
        mask stops = stops_target(bytes);
        if (stops != 0) {
            mask question = equals(bytes, BI_HEAD_QUESTION) & up_to(stops);
            mask slashes = equals(bytes, BI_HEAD_SLASH);
            mask strange = equals(bytes, BI_HEAD_PERCENT) | (slashes & drop(slashes | equals(bytes, BI_HEAD_DOT), 1));
            head->question = question != 0 ? (uint32_t)(target - reading->bytes) + first(question) : 0;
            head->is_usual_path = (strange & up_to(question != 0 ? question : stops)) == 0;
            return target + first(stops);
        }
    }
    const uint8_t *stop = find_target_end(reading, target);
    const uint8_t *question = memchr(target, '?', (size_t)(stop - target));
    head->question = question != NULL ? (uint32_t)(question - reading->bytes) : 0;
    return stop;
}

/* Behind the request line, or NULL. */
INLINE const uint8_t *read_request_line(struct bi_head *head, const struct reading *reading, const uint8_t *at)
{
    static const char version[] = " HTTP/1.?\r\n";
    const uint8_t *target = read_method(head, reading, at);
    if (target == NULL) {
        return NULL;
    }
    const uint8_t *stop = read_target(head, reading, target);
    const uint8_t *line_end = stop + sizeof version - 1;
    if (stop == target || reading->end < line_end || memcmp(stop, version, 8) != 0 || !bi_is(stop[8], BI_CLASS_DIGIT) ||
        !is_line_end(stop + 9) || (size_t)(line_end - at) > head->limits.line + 2) {
        return NULL;
    }
    head->target = span_of(reading, target, stop);
    head->minor = stop[8] > '0';
    head->started = true;
    return line_end;
}

/* Behind the last line in order. */
INLINE const uint8_t *read_fields(struct bi_head *head, struct reading *reading, const uint8_t *at, bool *whole)
{
    while (reading->end - at >= 2) {
        if (is_line_end(at)) {
            *whole = true;
            return at + 2;
        }
        const uint8_t *next = reading->count < head->limits.fields ? read_field(head, reading, at) : NULL;
        if (next == NULL) {
            return at;
        }
        at = next;
    }
    return at;
}

INLINE bool read_lines(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    struct reading reading = { .bytes = bytes,
        .end = bytes + size,
        .fields = head->fields,
        .present = head->present,
        .repeated = head->repeated,
        .count = head->field_count };
    const uint8_t *at = bytes + head->parsed;
    bool whole = false;
    if (size < LANES) {
        return read_fewer(head, bytes, size);
    }
    if (!head->started) {
        at = head->kind == BI_HEAD_REQUEST && size - head->parsed >= 16 ? read_request_line(head, &reading, at) : NULL;
        if (at == NULL) {
            return false;
        }
    }
    at = read_fields(head, &reading, at, &whole);
    head->present = reading.present;
    head->repeated = reading.repeated;
    head->field_count = (uint16_t)reading.count;
    head->parsed = head->size = (uint32_t)(at - bytes);
    return whole;
}
