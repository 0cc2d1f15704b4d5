/* SPDX-License-Identifier: MIT */
/* fuzz_http_etag.c - tags, lists of them and conditions, against a reading of the RFC that copies and backtracks.
 *
 * The first two bytes choose method, state and which fields there are; the others are the fields, one a line. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/date.h"
#include "http/message/precondition.h"
#include "http_lines.h"

#define NOW INT64_C(1780000000)
#define MODIFIED INT64_C(784111777)

enum { FIELDS = 5 };

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* `"..."` or `W/"..."`, looked at from both ends. */
static bool is_tag(struct bi_view text, struct bi_etag *tag)
{
    tag->weak = text.size > 1 && memcmp(text.at, "W/", 2) == 0;
    text = tag->weak ? bi_view_from(text, 2) : text;
    if (text.size < 2 || text.at[0] != '"' || text.at[text.size - 1] != '"') {
        return false;
    }
    tag->opaque = (struct bi_view) { text.at + 1, text.size - 2 };
    for (size_t at = 0; at < tag->opaque.size; at++) {
        uint8_t byte = tag->opaque.at[at];
        if (byte < 0x21 || byte == '"' || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The next piece between commas that no quotes surround. */
static bool next_piece(struct bi_view *list, struct bi_view *piece)
{
    bool quoted = false;
    size_t at = 0;
    if (list->size == 0) {
        return false;
    }
    while (at < list->size && (quoted || list->at[at] != ',')) {
        quoted ^= list->at[at++] == '"';
    }
    *piece = bi_trim((struct bi_view) { list->at, at });
    *list = bi_view_from(*list, at < list->size ? at + 1 : at);
    return true;
}

enum model { NONE, SOME, BROKEN };

static enum model match_list(struct bi_view list, const struct bi_representation *representation, bool weakly)
{
    struct bi_view piece;
    struct bi_etag tag;
    while (next_piece(&list, &piece)) {
        if (piece.size > 0 && !is_tag(piece, &tag)) {
            return BROKEN;
        }
        if (piece.size > 0 && representation->exists && representation->has_etag &&
            bi_view_equal(tag.opaque, representation->etag.opaque) &&
            (weakly || (!tag.weak && !representation->etag.weak))) {
            return SOME;
        }
    }
    return NONE;
}

static enum model match_field(const struct bi_lines *lines, const struct bi_representation *representation, bool weakly)
{
    struct bi_view value = bi_trim(lines->lines[0]);
    if (value.size == 1 && *value.at == '*') {
        return representation->exists ? SOME : NONE;
    }
    return match_list(value, representation, weakly);
}

static bool has_date(const struct bi_lines *lines, const struct bi_representation *representation, int64_t *date)
{
    return lines->count > 0 && representation->exists && representation->has_modified &&
           bi_date_parse(bi_trim(lines->lines[0]), NOW, date);
}

/* Section 13.2.2, step by step. */
static enum bi_precondition_result decide(
    enum bi_method method, const struct bi_conditions *conditions, const struct bi_representation *representation)
{
    bool reads = method == BI_METHOD_GET || method == BI_METHOD_HEAD;
    int64_t date;
    if (method == BI_METHOD_CONNECT || method == BI_METHOD_OPTIONS || method == BI_METHOD_TRACE) {
        return BI_PRECONDITION_PROCEED;
    }
    if (conditions->if_match.count > 0) {
        if (match_field(&conditions->if_match, representation, false) != SOME) {
            return BI_PRECONDITION_FAILED;
        }
    } else if (has_date(&conditions->if_unmodified_since, representation, &date) && representation->modified > date) {
        return BI_PRECONDITION_FAILED;
    }
    if (conditions->if_none_match.count > 0) {
        enum model model = match_field(&conditions->if_none_match, representation, true);
        if (model == SOME) {
            return reads ? BI_PRECONDITION_NOT_MODIFIED : BI_PRECONDITION_FAILED;
        }
        return model == BROKEN && !reads ? BI_PRECONDITION_FAILED : BI_PRECONDITION_PROCEED;
    }
    if (reads && has_date(&conditions->if_modified_since, representation, &date) && representation->modified <= date) {
        return BI_PRECONDITION_NOT_MODIFIED;
    }
    return BI_PRECONDITION_PROCEED;
}

static void read_tags(struct bi_view text)
{
    struct bi_etag tag, model;
    struct bi_view list = text, pieces = text, piece;
    enum bi_etag_result result;
    require(bi_etag_parse(text, &tag) == is_tag(text, &model));
    while ((result = bi_etag_next(&list, &tag)) == BI_ETAG_NEXT) {
        do {
            require(next_piece(&pieces, &piece));
        } while (piece.size == 0);
        require(is_tag(piece, &model) && model.weak == tag.weak && model.opaque.at == tag.opaque.at &&
                model.opaque.size == tag.opaque.size);
    }
    bool more = false;
    while (!more && next_piece(&pieces, &piece)) {
        more = piece.size > 0;
    }
    require(more == (result == BI_ETAG_MALFORMED) && (!more || !is_tag(piece, &model)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_view text = { data, size }, lines[FIELDS];
    if (size < 2) {
        return 0;
    }
    uint8_t choice = *bi_take(&text, 1).at, there = *bi_take(&text, 1).at;
    for (int field = 0; field < FIELDS; field++) {
        lines[field] = next_line(&text);
        read_tags(lines[field]);
    }
    struct bi_representation representation = {
        .exists = (there & 0x10) != 0,
        .has_etag = (there & 0x20) != 0,
        .has_modified = (there & 0x40) != 0,
        .etag = { bi_view_of("a"), (there & 0x80) != 0 },
        .modified = MODIFIED,
    };
    struct bi_conditions conditions = {
        .if_match = { &lines[0], there & 1 },
        .if_none_match = { &lines[1], there >> 1 & 1 },
        .if_modified_since = { &lines[2], there >> 2 & 1 },
        .if_unmodified_since = { &lines[3], there >> 3 & 1 },
    };
    enum bi_method method = (enum bi_method)(choice % BI_METHOD_COUNT);
    require(bi_precondition(method, &conditions, &representation, NOW) == decide(method, &conditions, &representation));
    if (bi_if_range_holds(lines[4], &representation, NOW)) {
        struct bi_lines line = { &lines[4], 1 };
        int64_t date;
        require(representation.exists && (match_list(lines[4], &representation, false) == SOME ||
                                             (has_date(&line, &representation, &date) && date == MODIFIED)));
    }
    return 0;
}
