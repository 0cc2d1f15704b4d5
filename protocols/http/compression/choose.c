/* SPDX-License-Identifier: MIT */
/* choose.c - whether an answer is compressed, by what its head says and what its client accepts; and what that changes
 * in the head (A10; RFC 9110, sections 8.4, 8.8.3, 12.5.3). */
#include <string.h>

#include "http/compression/compression.h"
#include "http/message/accept.h"
#include "http/message/etag.h"

#define MAX_LINES 8 /* of a field that are looked at */

static const char coding[] = "gzip";

static struct bi_view field_of(const struct bight_http_request *request, const char *name)
{
    size_t size = 0;
    const char *value = bi_fields_find(&request->answer.fields, name, &size);
    return (struct bi_view) { (const uint8_t *)value, size };
}

static struct bi_lines request_lines(
    const struct bight_http_request *request, enum bi_name name, struct bi_view lines[MAX_LINES])
{
    size_t count = 0;
    for (uint16_t place = bi_head_first(&request->head, name); place != 0 && count < MAX_LINES;
         place = bi_head_next(&request->head, request->bytes, name, NULL, 0, place)) {
        struct bi_span value = request->fields[place - 1].value;
        lines[count++] = (struct bi_view) { request->bytes + value.at, value.size };
    }
    return (struct bi_lines) { lines, count };
}

static bool has_member(struct bi_view list, const char *wanted)
{
    struct bi_view member;
    while (list.at != NULL && bi_list_next(&list, &member)) {
        if (bi_view_equal_nocase(member, bi_view_of(wanted))) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------ types */

/* "text/" with a star, "+xml", or all of it. */
static bool fits(struct bi_view pattern, struct bi_view type)
{
    if (pattern.size > 0 && pattern.at[pattern.size - 1] == '*') {
        pattern.size--;
        type.size = type.size < pattern.size ? type.size : pattern.size;
    } else if (pattern.size > 0 && *pattern.at == '+' && type.size > pattern.size) {
        type = bi_view_from(type, type.size - pattern.size);
    }
    return bi_view_equal_nocase(pattern, type);
}

bool bi_compression_has_type(const char *types, struct bi_view type)
{
    type.size = bi_before(type, ";");
    type = bi_trim(type);
    for (; *types != '\0'; types += strlen(types) + 1) {
        bool is_excluded = *types == '!';
        if (fits(bi_view_of(types + is_excluded), type)) {
            return !is_excluded;
        }
    }
    return false;
}

/* ---------------------------------------------------------------------------------------------- judging */

static bool may_be_coded(const struct bight_http_request *request, int status)
{
    return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304 &&
           request->head.method_known != BI_METHOD_CONNECT;
}

/* What its fields say. */
static bool is_plain(const struct bi_compression *compression, const struct bight_http_request *request,
    const struct bi_http_offer *offer)
{
    struct bi_view own = field_of(request, "Content-Type");
    return field_of(request, "Content-Encoding").at == NULL && field_of(request, "Content-Range").at == NULL &&
           !has_member(field_of(request, "Cache-Control"), "no-transform") &&
           bi_compression_has_type(compression->types, own.at != NULL ? own : offer->type);
}

/* The program's own writing has no most. */
static bool is_worth_it(const struct bi_compression *compression, const struct bi_http_offer *offer)
{
    return offer->length < 0 || ((uint64_t)offer->length >= compression->least &&
                                    (offer->kind == BI_OFFER_STREAM || (uint64_t)offer->length <= compression->most));
}

static bool is_accepted(const struct bight_http_request *request)
{
    static const char *const offers[] = { coding };
    struct bi_view lines[MAX_LINES];
    return bi_accept_choose(BI_ACCEPT_CODING, request_lines(request, BI_NAME_ACCEPT_ENCODING, lines), offers, 1) == 0;
}

enum bi_compressible bi_compression_judge(const struct bi_compression *compression,
    const struct bight_http_request *request, const struct bi_http_offer *offer)
{
    if (!may_be_coded(request, offer->status) || !is_worth_it(compression, offer) ||
        !is_plain(compression, request, offer)) {
        return BI_COMPRESSIBLE_NO;
    }
    return is_accepted(request) ? BI_COMPRESSIBLE_NOW : BI_COMPRESSIBLE_FOR_OTHERS;
}

/* ---------------------------------------------------------------------------------------------- the head */

bool bi_compression_set_vary(struct bight_http_request *request)
{
    struct bi_view vary = field_of(request, "Vary");
    bi_fields_begin(request);
    return has_member(vary, "*") || has_member(vary, "Accept-Encoding") ||
           bi_fields_set(&request->answer.fields, "Vary", "Accept-Encoding", false) == BIGHT_OK;
}

/* What is compressed again need not be the same bytes: only as good as the same (RFC 9110, section 8.8.1). */
static bool weaken_tag(struct bight_http_request *request)
{
    struct bi_view tag = field_of(request, "ETag");
    if (tag.size == 0 || *tag.at != '"') {
        return true;
    }
    char *text = bi_request_allocate(request, tag.size + sizeof "W/");
    if (text == NULL) {
        return false;
    }
    memcpy(text, "W/", 2);
    memcpy(text + 2, tag.at, tag.size);
    text[2 + tag.size] = '\0';
    return bi_fields_set(&request->answer.fields, "ETag", text, true) == BIGHT_OK;
}

/* The coding last: what it says must be true. */
bool bi_compression_set_head(struct bight_http_request *request)
{
    if (!weaken_tag(request) || bi_fields_set(&request->answer.fields, "Content-Encoding", coding, true) != BIGHT_OK) {
        return false;
    }
    bi_fields_remove(&request->answer.fields, "Accept-Ranges");
    return true;
}

/* The client has it compressed: it asked by the weak tag. */
static bool has_weak(struct bi_lines lines, const struct bi_etag *tag)
{
    struct bi_etag one;
    for (size_t i = 0; i < lines.count; i++) {
        struct bi_view list = lines.lines[i];
        while (bi_etag_next(&list, &one) == BI_ETAG_NEXT) {
            if (one.weak && bi_etag_equal_weak(&one, tag)) {
                return true;
            }
        }
    }
    return false;
}

void bi_compression_match_tag(struct bight_http_request *request)
{
    struct bi_etag tag;
    struct bi_view lines[MAX_LINES];
    struct bi_view text = field_of(request, "ETag");
    if (text.at != NULL && bi_etag_parse(text, &tag) && !tag.weak && is_accepted(request) &&
        has_weak(request_lines(request, BI_NAME_IF_NONE_MATCH, lines), &tag) && bi_compression_set_vary(request)) {
        (void)weaken_tag(request);
    }
}
