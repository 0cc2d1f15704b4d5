/* SPDX-License-Identifier: MIT */
/* reference.c - what a reference means where it was found: RFC 3986, section 5.2, in the room of the caller.
 *
 * Taking URLs apart is url.c's. */
#include "http/message/reference.h"

/* The five parts of any URI. */
struct parts {
    struct bi_view scheme, authority, path, query, fragment;
    bool has_scheme, has_authority, has_query, has_fragment;
};

struct writer {
    uint8_t *buffer;
    size_t room, size;
    bool full;
};

static bool is_scheme(struct bi_view text)
{
    size_t size = 0;
    while (
        size < text.size && (bi_is(text.at[size], size == 0 ? BI_CLASS_ALPHA : BI_CLASS_ALPHA | BI_CLASS_DIGIT) ||
                                (size > 0 && (text.at[size] == '+' || text.at[size] == '-' || text.at[size] == '.')))) {
        size++;
    }
    return size > 0 && size == text.size;
}

static struct parts split(struct bi_view text)
{
    struct parts parts = { 0 };
    size_t colon = bi_before(text, ":/?#");
    if (colon < text.size && text.at[colon] == ':' && is_scheme((struct bi_view) { text.at, colon })) {
        parts.has_scheme = true;
        parts.scheme = bi_take(&text, colon);
        (void)bi_take(&text, 1);
    }
    if (text.size >= 2 && text.at[0] == '/' && text.at[1] == '/') {
        parts.has_authority = true;
        (void)bi_take(&text, 2);
        parts.authority = bi_take(&text, bi_before(text, "/?#"));
    }
    parts.path = bi_take(&text, bi_before(text, "?#"));
    parts.has_query = bi_take_byte(&text, '?');
    parts.query = bi_take(&text, bi_before(text, "#"));
    parts.has_fragment = bi_take_byte(&text, '#');
    parts.fragment = text;
    return parts;
}

static void write_view(struct writer *writer, struct bi_view text)
{
    if (writer->full || text.size > writer->room - writer->size) {
        writer->full = true;
        return;
    }
    if (text.size > 0) {
        memcpy(writer->buffer + writer->size, text.at, text.size);
        writer->size += text.size;
    }
}

static void write_text(struct writer *writer, const char *text)
{
    write_view(writer, bi_view_of(text));
}

/* Where the last segment of what lies from `start` to `end` begins, its slash included. */
static size_t last_segment(const uint8_t *buffer, size_t start, size_t end)
{
    while (end > start && buffer[end - 1] != '/') {
        end--;
    }
    return end > start ? end - 1 : start;
}

static int dots_of(struct bi_view name)
{
    bool one = name.size >= 1 && name.at[0] == '.';
    bool two = name.size == 2 && name.at[1] == '.';
    return one && name.size == 1 ? 1 : one && two ? 2 : 0;
}

/* Section 5.2.4, in place: what has been written from `start` on is read segment by segment, each with the slash before
 * it, and written where the kept ones end. Each byte is taken back at most once. */
static void remove_dots(struct writer *writer, size_t start)
{
    struct bi_view rest = { writer->buffer + start, writer->size - start };
    size_t end = start;
    while (rest.size > 0) {
        size_t slash = *rest.at == '/' ? 1 : 0;
        struct bi_view segment = bi_take(&rest, slash + bi_before(bi_view_from(rest, slash), "/"));
        int dots = dots_of(bi_view_from(segment, slash));
        if (dots == 0) {
            memmove(writer->buffer + end, segment.at, segment.size);
            end += segment.size;
            continue;
        }
        end = dots == 2 ? last_segment(writer->buffer, start, end) : end;
        if (slash == 0) {
            (void)bi_take_byte(&rest, '/'); /* it led a path that has no root */
        } else if (rest.size == 0) {
            writer->buffer[end++] = '/';
        }
    }
    writer->size = end;
}

/* Section 5.2.3: all but the last segment of the base. */
static void write_merged(struct writer *writer, const struct parts *base, struct bi_view path)
{
    size_t size = base->path.size;
    while (size > 0 && base->path.at[size - 1] != '/') {
        size--;
    }
    if (base->has_authority && base->path.size == 0) {
        write_text(writer, "/");
    }
    write_view(writer, (struct bi_view) { base->path.at, size });
    write_view(writer, path);
}

/* False: without an authority it would read as one. */
static bool write_path(struct writer *writer, const struct parts *base, const struct parts *reference)
{
    size_t start = writer->size;
    bool own =
        reference->has_scheme || reference->has_authority || (reference->path.size > 0 && *reference->path.at == '/');
    if (!own && reference->path.size == 0) {
        write_view(writer, base->path);
        return true;
    }
    if (own) {
        write_view(writer, reference->path);
    } else {
        write_merged(writer, base, reference->path);
    }
    if (!writer->full) {
        remove_dots(writer, start);
    }
    bool has_authority = reference->has_authority || (!reference->has_scheme && base->has_authority);
    return has_authority || writer->size - start < 2 || memcmp(writer->buffer + start, "//", 2) != 0;
}

static void write_part(struct writer *writer, bool is_there, const char *sign, struct bi_view part)
{
    if (is_there) {
        write_text(writer, sign);
        write_view(writer, part);
    }
}

size_t bi_reference_resolve(struct bi_view base_text, struct bi_view text, uint8_t *buffer, size_t room)
{
    struct parts base = split(base_text), reference = split(text);
    struct writer writer = { buffer, room, 0, false };
    const struct parts *scheme = reference.has_scheme ? &reference : &base;
    const struct parts *authority = reference.has_scheme || reference.has_authority ? &reference : &base;
    bool same_path = authority == &base && reference.path.size == 0;
    const struct parts *query = same_path && !reference.has_query ? &base : &reference;
    write_view(&writer, scheme->scheme);
    write_text(&writer, ":");
    write_part(&writer, authority->has_authority, "//", authority->authority);
    bool possible = write_path(&writer, &base, &reference);
    write_part(&writer, query->has_query, "?", query->query);
    write_part(&writer, reference.has_fragment, "#", reference.fragment);
    return base.has_scheme && possible && !writer.full ? writer.size : 0;
}
