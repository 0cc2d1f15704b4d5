/* SPDX-License-Identifier: MIT */
/* content_range.c - Content-Range: which part of what a response brings. No I/O, no memory. */
#include "http/message/content_range.h"

#include <string.h>

/* Decimal, up to 2^63 - 1. */
static bool take_number(struct bi_view *text, int64_t *number)
{
    size_t size = bi_run(*text, BI_CLASS_DIGIT);
    *number = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = text->at[i] - '0';
        if (*number > (INT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    text->at += size;
    text->size -= size;
    return size > 0;
}

static bool take_part(struct bi_view *text, struct bi_content_range *range)
{
    int64_t first, last;
    if (!take_number(text, &first) || !bi_take_byte(text, '-') || !take_number(text, &last) || last < first) {
        return false;
    }
    range->first = (uint64_t)first;
    range->last = (uint64_t)last;
    return true;
}

bool bi_content_range_parse(struct bi_view value, struct bi_content_range *range)
{
    struct bi_view unit;
    *range = (struct bi_content_range) { .total = -1 };
    if (!bi_take_token(&value, &unit) || !bi_view_equal_nocase(unit, bi_view_of("bytes")) ||
        !bi_take_byte(&value, ' ')) {
        return false;
    }
    range->is_unsatisfied = bi_take_byte(&value, '*');
    if ((!range->is_unsatisfied && !take_part(&value, range)) || !bi_take_byte(&value, '/')) {
        return false;
    }
    if (!range->is_unsatisfied && bi_take_byte(&value, '*')) {
        return value.size == 0;
    }
    return take_number(&value, &range->total) && value.size == 0 &&
           (range->is_unsatisfied || range->last < (uint64_t)range->total);
}
