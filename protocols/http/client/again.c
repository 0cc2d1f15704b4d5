/* SPDX-License-Identifier: MIT */
/* again.c - calls that are sent once more because of how they were asked, not of what: each reason counts once.
 *
 * A server that cannot say 100 answers 417 (RFC 9110, section 15.5.18): then it is not asked to. One that was asked for
 * the rest of something, and has it no more, or brings another part, is asked for all of it. */
#include "http/client/again.h"

#include "http/message/content_range.h"
#include "http/client/sending.h"

static struct bi_view field_of(const struct bi_response_parser *parser, enum bi_name name)
{
    size_t index = bi_head_first(&parser->head, name);
    struct bi_span value = index > 0 ? parser->head.fields[index - 1].value : (struct bi_span) { 0, 0 };
    return (struct bi_view) { parser->bytes + value.at, value.size };
}

/* Not every server looks at If-Range: one that says a tag, or a date, says the one that was asked for. */
static bool is_the_same(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    size_t size;
    const char *asked = bi_fields_find(&call->fields, "If-Range", &size);
    struct bi_view validator = { (const uint8_t *)asked, asked != NULL ? size : 0 };
    bool is_tag = validator.size > 0 && validator.at[0] == '"';
    struct bi_view said = field_of(parser, is_tag ? BI_NAME_ETAG : BI_NAME_LAST_MODIFIED);
    return said.size == 0 || bi_view_equal(said, validator);
}

/* It does not go on where we are. */
static bool is_another_part(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    struct bi_content_range range;
    int status = parser->head.status;
    if (call->resumes_at == 0 || (status != 206 && status != 416)) {
        return false;
    }
    bool is_sound = bi_content_range_parse(field_of(parser, BI_NAME_CONTENT_RANGE), &range);
    bool is_whole = status == 416 && is_sound && range.is_unsatisfied && range.total == (int64_t)call->resumes_at;
    bool is_rest = status == 206 && is_sound && !range.is_unsatisfied && range.first == call->resumes_at;
    return !(is_whole || is_rest) || !is_the_same(call, parser);
}

static bool takes_no_questions(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    return parser->head.status == 417 && bi_sending_asks(call);
}

bool bi_again_is_due(struct bight_http_call *call, const struct bi_response_parser *parser)
{
    bool is_plain = takes_no_questions(call, parser), is_whole = is_another_part(call, parser);
    if ((!is_plain && !is_whole) || !bi_sending_is_repeatable(call)) {
        return false;
    }
    if (is_plain) {
        call->asks_no_more = true;
    } else {
        call->resumes_at = 0;
        bi_fields_remove(&call->fields, "Range");
        bi_fields_remove(&call->fields, "If-Range");
    }
    return true;
}
