/* SPDX-License-Identifier: MIT */
/* range.c - which part of a representation a Range asks for (RFC 9110, section 14).
 *
 * One part: of several the whole is sent. What the representation is, and how it is sent, is not known here. */
#include "http/message/range.h"

/* A number of any length: what is over 64 bits becomes the largest of them, which no size exceeds. */
static bool take_number(struct bi_view *text, uint64_t *number)
{
    struct bi_view digits = bi_take(text, bi_run(*text, BI_CLASS_DIGIT));
    *number = 0;
    for (size_t at = 0; at < digits.size; at++) {
        uint64_t digit = (uint64_t)(digits.at[at] - '0');
        bool fits = *number <= (UINT64_MAX - digit) / 10;
        *number = fits ? *number * 10 + digit : UINT64_MAX;
    }
    return digits.size > 0;
}

static enum bi_range_result read_suffix(struct bi_view text, uint64_t size, uint64_t *first, uint64_t *count)
{
    uint64_t wanted;
    if (!take_number(&text, &wanted) || text.size > 0) {
        return BI_RANGE_WHOLE;
    }
    if (wanted == 0) {
        return BI_RANGE_UNSATISFIABLE;
    }
    *count = wanted < size ? wanted : size;
    *first = size - *count;
    return size == 0 ? BI_RANGE_WHOLE : BI_RANGE_PART;
}

static enum bi_range_result read_interval(struct bi_view text, uint64_t size, uint64_t *first, uint64_t *count)
{
    uint64_t last = UINT64_MAX;
    if (!take_number(&text, first) || !bi_take_byte(&text, '-')) {
        return BI_RANGE_WHOLE;
    }
    if (text.size > 0 && (!take_number(&text, &last) || text.size > 0 || last < *first)) {
        return BI_RANGE_WHOLE;
    }
    if (*first >= size) {
        return BI_RANGE_UNSATISFIABLE;
    }
    *count = (last < size ? last : size - 1) - *first + 1;
    return BI_RANGE_PART;
}

enum bi_range_result bi_range_parse(struct bi_view value, uint64_t size, uint64_t *first, uint64_t *count)
{
    struct bi_view list = bi_trim(value), unit, one, another;
    *first = 0;
    *count = size;
    if (!bi_take_token(&list, &unit) || !bi_view_equal_nocase(unit, bi_view_of("bytes")) || !bi_take_byte(&list, '=') ||
        !bi_list_next(&list, &one) || bi_list_next(&list, &another)) {
        return BI_RANGE_WHOLE;
    }
    enum bi_range_result result =
        bi_take_byte(&one, '-') ? read_suffix(one, size, first, count) : read_interval(one, size, first, count);
    if (result != BI_RANGE_PART) {
        *first = 0;
        *count = result == BI_RANGE_WHOLE ? size : 0;
    }
    return result;
}
