/* SPDX-License-Identifier: MIT */
/* etag.c - entity-tags: reading one, or a list of them, and comparing them strongly and weakly (RFC 9110, section
 * 8.8.3).
 *
 * What follows from a comparison is precondition.c's. */
#include "http/message/etag.h"

/* etagc: visible but for the quote, and 0x80 and over. */
static bool is_opaque(uint8_t byte)
{
    return (bi_is(byte, BI_CLASS_VISIBLE) && byte != '"') || byte >= 0x80;
}

static bool take_weakness(struct bi_view *text)
{
    bool weak = text->size >= 2 && text->at[0] == 'W' && text->at[1] == '/';
    (void)bi_take(text, weak ? 2 : 0);
    return weak;
}

/* False: something was taken, but there was no tag. */
static bool take_tag(struct bi_view *text, struct bi_etag *tag)
{
    size_t size = 0;
    tag->weak = take_weakness(text);
    if (!bi_take_byte(text, '"')) {
        return false;
    }
    while (size < text->size && is_opaque(text->at[size])) {
        size++;
    }
    tag->opaque = bi_take(text, size);
    return bi_take_byte(text, '"');
}

bool bi_etag_parse(struct bi_view text, struct bi_etag *tag)
{
    return take_tag(&text, tag) && text.size == 0;
}

enum bi_etag_result bi_etag_next(struct bi_view *list, struct bi_etag *tag)
{
    struct bi_view rest = *list;
    do {
        bi_skip_space(&rest);
    } while (bi_take_byte(&rest, ','));
    if (rest.size == 0) {
        *list = rest;
        return BI_ETAG_END;
    }
    if (!take_tag(&rest, tag)) {
        return BI_ETAG_MALFORMED;
    }
    bi_skip_space(&rest);
    if (rest.size > 0 && !bi_take_byte(&rest, ',')) {
        return BI_ETAG_MALFORMED;
    }
    *list = rest;
    return BI_ETAG_NEXT;
}

bool bi_etag_equal_strong(const struct bi_etag *one, const struct bi_etag *other)
{
    return !one->weak && !other->weak && bi_view_equal(one->opaque, other->opaque);
}

bool bi_etag_equal_weak(const struct bi_etag *one, const struct bi_etag *other)
{
    return bi_view_equal(one->opaque, other->opaque);
}
