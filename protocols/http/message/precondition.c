/* SPDX-License-Identifier: MIT */
/* precondition.c - whether a request with conditions goes on: one function a field, in the order of RFC 9110, section
 * 13.2 (A12).
 *
 * The fields come as views, the representation as its validators: nothing here knows a request or a file. */
#include "http/message/precondition.h"

#include "http/message/date.h"

enum match {
    NO_MATCH,
    MATCH,
    BROKEN, /* no match before what is no tag */
};

typedef bool compare_tags(const struct bi_etag *one, const struct bi_etag *other);

static enum match match_list(
    struct bi_view list, const struct bi_representation *representation, compare_tags *is_equal)
{
    struct bi_etag tag;
    enum bi_etag_result result;
    while ((result = bi_etag_next(&list, &tag)) == BI_ETAG_NEXT) {
        if (representation->exists && representation->has_etag && is_equal(&tag, &representation->etag)) {
            return MATCH;
        }
    }
    return result == BI_ETAG_END ? NO_MATCH : BROKEN;
}

/* `*`, which stands alone, is whatever exists. */
static enum match match_lines(
    const struct bi_lines *lines, const struct bi_representation *representation, compare_tags *is_equal)
{
    enum match found = NO_MATCH;
    if (lines->count == 1 && bi_view_equal(bi_trim(lines->lines[0]), bi_view_of("*"))) {
        return representation->exists ? MATCH : NO_MATCH;
    }
    for (size_t line = 0; line < lines->count && found == NO_MATCH; line++) {
        found = match_list(lines->lines[line], representation, is_equal);
    }
    return found;
}

static bool read_date(
    const struct bi_lines *lines, const struct bi_representation *representation, int64_t now, int64_t *seconds)
{
    return lines->count == 1 && representation->exists && representation->has_modified &&
           bi_date_parse(bi_trim(lines->lines[0]), now, seconds);
}

static bool is_selecting(enum bi_method method)
{
    return method == BI_METHOD_GET || method == BI_METHOD_HEAD;
}

static bool has_conditions(enum bi_method method)
{
    return method != BI_METHOD_CONNECT && method != BI_METHOD_OPTIONS && method != BI_METHOD_TRACE;
}

/* Steps 1 and 2: what must be so still. */
static bool is_unchanged(
    const struct bi_conditions *conditions, const struct bi_representation *representation, int64_t now)
{
    int64_t since;
    if (conditions->if_match.count > 0) {
        return match_lines(&conditions->if_match, representation, bi_etag_equal_strong) == MATCH;
    }
    return !read_date(&conditions->if_unmodified_since, representation, now, &since) ||
           representation->modified <= since;
}

/* Steps 3 and 4: what must be new. */
static bool is_new(enum bi_method method, const struct bi_conditions *conditions,
    const struct bi_representation *representation, int64_t now)
{
    int64_t since;
    if (conditions->if_none_match.count > 0) {
        enum match match = match_lines(&conditions->if_none_match, representation, bi_etag_equal_weak);
        return match == NO_MATCH || (match == BROKEN && is_selecting(method));
    }
    return !is_selecting(method) || !read_date(&conditions->if_modified_since, representation, now, &since) ||
           representation->modified > since;
}

enum bi_precondition_result bi_precondition(enum bi_method method, const struct bi_conditions *conditions,
    const struct bi_representation *representation, int64_t now)
{
    if (!has_conditions(method)) {
        return BI_PRECONDITION_PROCEED;
    }
    if (!is_unchanged(conditions, representation, now)) {
        return BI_PRECONDITION_FAILED;
    }
    if (!is_new(method, conditions, representation, now)) {
        return is_selecting(method) ? BI_PRECONDITION_NOT_MODIFIED : BI_PRECONDITION_FAILED;
    }
    return BI_PRECONDITION_PROCEED;
}

bool bi_if_range_holds(struct bi_view if_range, const struct bi_representation *representation, int64_t now)
{
    struct bi_view text = bi_trim(if_range);
    struct bi_etag tag;
    int64_t date;
    if (!representation->exists) {
        return false;
    }
    if (bi_etag_parse(text, &tag)) {
        return representation->has_etag && bi_etag_equal_strong(&tag, &representation->etag);
    }
    return representation->has_modified && bi_date_parse(text, now, &date) && date == representation->modified &&
           date < now;
}
