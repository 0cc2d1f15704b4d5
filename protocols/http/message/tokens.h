/* SPDX-License-Identifier: MIT */
/* tokens.h - what the values of fields are made of: classes of bytes, tokens, quoted strings, lists.
 *
 * RFC 9110, section 5.6. Nothing here knows a field. What is read is a view of the caller's bytes; reading on advances
 * it. */
#ifndef BI_HTTP_TOKENS_H
#define BI_HTTP_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum bi_class {
    BI_CLASS_TOKEN = 0x01, /* tchar */
    BI_CLASS_VALUE = 0x02, /* what a field's value may hold: HTAB, SP, visible, 0x80 and over */
    BI_CLASS_SPACE = 0x04, /* SP, HTAB */
    BI_CLASS_DIGIT = 0x08,
    BI_CLASS_HEX = 0x10,
    BI_CLASS_ALPHA = 0x20,
    BI_CLASS_VISIBLE = 0x40, /* 0x21 to 0x7e */
    BI_CLASS_QUOTED = 0x80,  /* what stands for itself in a quoted string: a value's but `"` and `\` */
};

extern const uint8_t bi_classes[256];

/* A view of bytes with another owner. */
struct bi_view {
    const uint8_t *at;
    size_t size;
};

/* The values of a field's lines, in their order; those of a list are one list. */
struct bi_lines {
    const struct bi_view *lines;
    size_t count; /* 0: the field is not there */
};

/* Whether it belongs to any of `classes`. */
static inline bool bi_is(uint8_t byte, unsigned classes)
{
    return (bi_classes[byte] & classes) != 0;
}

/* How many bytes at the beginning belong to any of `classes`. */
static inline size_t bi_run(struct bi_view text, unsigned classes)
{
    size_t size = 0;
    while (size < text.size && bi_is(text.at[size], classes)) {
        size++;
    }
    return size;
}

static inline struct bi_view bi_view_of(const char *text)
{
    return (struct bi_view) { (const uint8_t *)text, strlen(text) };
}

/* What is left of `text` behind its first `size` bytes, of which it has as many. */
static inline struct bi_view bi_view_from(struct bi_view text, size_t size)
{
    return (struct bi_view) { text.at + size, text.size - size };
}

/* Takes the first `size` bytes off `text`, of which it has as many, and returns them. */
static inline struct bi_view bi_take(struct bi_view *text, size_t size)
{
    struct bi_view taken = { text->at, size };
    *text = bi_view_from(*text, size);
    return taken;
}

/* Takes one byte if it is there. */
static inline bool bi_take_byte(struct bi_view *text, uint8_t byte)
{
    if (text->size == 0 || *text->at != byte) {
        return false;
    }
    (void)bi_take(text, 1);
    return true;
}

static inline void bi_skip_space(struct bi_view *text)
{
    (void)bi_take(text, bi_run(*text, BI_CLASS_SPACE));
}

/* ASCII alone: no locale. */
static inline uint8_t bi_lower(uint8_t byte)
{
    return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

bool bi_view_equal(struct bi_view one, struct bi_view other);
bool bi_view_equal_nocase(struct bi_view one, struct bi_view other);

/* How many bytes there are before the first of `ends`, punctuation all of them; all of `text` if there is none. */
size_t bi_before(struct bi_view text, const char *ends);

/* Without SP and HTAB around it. */
struct bi_view bi_trim(struct bi_view text);

/* One token, not empty. */
bool bi_is_token(struct bi_view text);

/* What may be sent as a field's value: no CR, LF, NUL or other control but HTAB, and no SP or HTAB at either end, for
 * no reader would see those. Values from a program are trimmed first (bi_trim), as their reader would. */
bool bi_is_field_value(struct bi_view text);

/* Takes a token off the beginning of `text`. False, and nothing taken: there is none. */
bool bi_take_token(struct bi_view *text, struct bi_view *token);

/* Takes a quoted string off the beginning of `text`; *inside is what stands between the quotes, escapes as they came.
 * False, and nothing taken: there is none, it has no end, or it holds what it may not. */
bool bi_take_quoted(struct bi_view *text, struct bi_view *inside);

/* What `inside` means: without its escapes, in `buffer`, if that has `room` for it. Returns its size, whatever the
 * room. */
size_t bi_unquote(struct bi_view inside, uint8_t *buffer, size_t room);

/* The next member of a comma-separated list, taken off its beginning, without white space around it; empty members are
 * skipped. A comma in a quoted string separates nothing; such a string without an end goes on to the end of the list,
 * so that a reader of the member finds it malformed. (Entity-tags are no quoted strings: see etag.h.) False: there are
 * no more. All members together are one walk. */
bool bi_list_next(struct bi_view *list, struct bi_view *member);

#endif
