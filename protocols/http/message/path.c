/* SPDX-License-Identifier: MIT */
/* path.c - paths into their canonical form, and out of it: into text, into a Location.
 *
 * Most paths need no more than a look, eight bytes at a time, that tells that there is nothing to do. Whatever it
 * stops at is read byte by byte, so it may stop too often, but never too seldom. */
#include "http/message/path.h"
#include "http/message/escape.h"

/* Whether one of the eight bytes, and the one behind it, may want a closer look: `%`, `//`, `/.`. */
static inline bool is_strange_here(const uint8_t *at)
{
    uint64_t word = bi_load_word(at);
    uint64_t next = bi_load_word(at + 1);
    uint64_t closely_followed = bi_word_has(next, '/') | bi_word_has(next, '.');
    return (bi_word_has(word, '%') | (bi_word_has(word, '/') & closely_followed)) != 0;
}

static bool is_strange_short(struct bi_view raw)
{
    for (size_t i = 0; i < raw.size; i++) {
        bool followed = i + 1 < raw.size && (raw.at[i + 1] == '/' || raw.at[i + 1] == '.');
        if (raw.at[i] == '%' || (raw.at[i] == '/' && followed)) {
            return true;
        }
    }
    return false;
}

/* The last step overlaps the one before it, and ends one byte short of the end, which may be a `%` that is no escape:
 * that is why it is asked for by itself. */
static bool is_strange(struct bi_view raw)
{
    enum { SEEN = BI_WORD + 1 };
    if (raw.size < SEEN) {
        return is_strange_short(raw);
    }
    size_t last = raw.size - SEEN;
    for (size_t i = 0; i < last; i += BI_WORD) {
        if (is_strange_here(raw.at + i)) {
            return true;
        }
    }
    return is_strange_here(raw.at + last) || raw.at[raw.size - 1] == '%';
}

static bool refuse(struct bi_path *path, size_t at, const char *why)
{
    path->bad_at = (uint32_t)at;
    path->why = why;
    return false;
}

static bool is_dots(const uint8_t *text, size_t size)
{
    return (size == 1 || size == 2) && text[0] == '.' && text[size - 1] == '.';
}

/* Reads the byte or escape at *at, of `end`, into out[*size], and advances both. */
static bool read_byte(struct bi_path *path, struct bi_view raw, size_t *at, size_t end, uint8_t *out, size_t *size)
{
    uint8_t byte = raw.at[*at];
    if (byte != '%') {
        out[(*size)++] = byte;
        (*at)++;
        return true;
    }
    int value = bi_escape_value(raw.at + *at, end - *at);
    if (value <= 0) {
        return refuse(path, *at,
            value == 0 ? "the path holds an escaped NUL" : "a % in the path is not followed by two hexadecimal digits");
    }
    if (value == '/' || value == '%') {
        bi_escape_write(out + *size, (uint8_t)value);
        *size += BI_ESCAPE_SIZE;
    } else {
        out[(*size)++] = (uint8_t)value;
    }
    *at += BI_ESCAPE_SIZE;
    return true;
}

/* Reads the segment at *at, which `end` ends, and advances as above. */
static bool read_segment(struct bi_path *path, struct bi_view raw, size_t *at, size_t end, uint8_t *out, size_t *size)
{
    size_t begin = *at;
    size_t begun = *size;
    while (*at < end) {
        if (!read_byte(path, raw, at, end, out, size)) {
            return false;
        }
    }
    return !is_dots(out + begun, *size - begun) || refuse(path, begin, "a segment of the path is . or ..");
}

static size_t segment_end(struct bi_view raw, size_t at)
{
    const uint8_t *slash = memchr(raw.at + at, '/', raw.size - at);
    return slash != NULL ? (size_t)(slash - raw.at) : raw.size;
}

/* `raw` begins with a slash. */
static bool read_strange(struct bi_path *path, struct bi_view raw, uint8_t *room)
{
    size_t size = 0;
    for (size_t at = 0; at < raw.size;) {
        room[size++] = raw.at[at++];
        size_t end = segment_end(raw, at);
        if (end == at && end < raw.size) {
            return refuse(path, at, "a segment of the path is empty");
        }
        if (!read_segment(path, raw, &at, end, room, &size)) {
            return false;
        }
    }
    path->text = (struct bi_view) { room, size };
    return true;
}

static const uint8_t root[1 + BI_PATH_BEHIND] = "/";

bool bi_path_read(struct bi_path *path, struct bi_view raw, uint8_t *room)
{
    path->why = NULL;
    if (raw.size == 0) {
        path->text = (struct bi_view) { root, 1 };
        return true;
    }
    if (raw.at[0] != '/') {
        return refuse(path, 0, "the path does not begin with /");
    }
    if (is_strange(raw)) {
        return read_strange(path, raw, room);
    }
    path->text = raw;
    return true;
}

size_t bi_path_read_segment(struct bi_path *path, struct bi_view raw, uint8_t *room)
{
    size_t at = 0;
    size_t size = 0;
    path->why = NULL;
    (void)read_segment(path, raw, &at, raw.size, room, &size);
    return size;
}

size_t bi_path_decode(struct bi_view canonical, uint8_t *out)
{
    size_t size = 0;
    for (size_t at = 0; at < canonical.size; size++) {
        bool escaped = canonical.at[at] == '%';
        out[size] = escaped ? (uint8_t)bi_escape_value(canonical.at + at, canonical.size - at) : canonical.at[at];
        at += escaped ? BI_ESCAPE_SIZE : 1;
    }
    return size;
}

bool bi_path_is_plain(struct bi_view canonical)
{
    for (size_t i = 0; i < canonical.size; i++) {
        if (canonical.at[i] == '\\' ||
            (canonical.at[i] == '%' && canonical.at[i + 1] == '2' && canonical.at[i + 2] == 'F')) {
            return false;
        }
    }
    return true;
}

/* RFC 3986: pchar, and `/`. A `%` begins an escape in canonical paths; in queries it is another reader's. */
static bool stands_in_path(uint8_t byte)
{
    static const char others[] = "-._~!$&'()*+,;=:@/%";
    return bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || memchr(others, byte, sizeof others - 1) != NULL;
}

static bool stands_in_query(uint8_t byte)
{
    return byte == '?' || stands_in_path(byte);
}

struct writing {
    uint8_t *out;
    size_t room, size;
};

static void put(struct writing *writing, const uint8_t *bytes, size_t size)
{
    if (writing->size + size <= writing->room) {
        memcpy(writing->out + writing->size, bytes, size);
    }
    writing->size += size;
}

static void put_escaped(struct writing *writing, struct bi_view text, bool (*stands)(uint8_t))
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t escape[BI_ESCAPE_SIZE];
        if (stands(text.at[i])) {
            put(writing, text.at + i, 1);
        } else {
            bi_escape_write(escape, text.at[i]);
            put(writing, escape, sizeof escape);
        }
    }
}

size_t bi_location_write(const struct bi_location *location, uint8_t *out, size_t room)
{
    struct writing writing = { out, room, 0 };
    struct bi_view path = location->path;
    path.size -= location->slash == BI_SLASH_REMOVED ? 1 : 0;
    put_escaped(&writing, path, stands_in_path);
    if (location->slash == BI_SLASH_ADDED) {
        put(&writing, (const uint8_t *)"/", 1);
    }
    if (location->has_query) {
        put(&writing, (const uint8_t *)"?", 1);
        put_escaped(&writing, location->query, stands_in_query);
    }
    return writing.size;
}
