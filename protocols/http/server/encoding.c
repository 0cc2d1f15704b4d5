/* SPDX-License-Identifier: MIT */
/* encoding.c - bodies in a Content-Encoding, which are not decoded: refused when asked for, unless the program knows
 * what it asks for (A4). RFC 9110, sections 8.4 and 15.5.16. */
#include "http/message/members.h"
#include "http/server/request.h"

void bight_http_request_accept_encoded(struct bight_http_request *request)
{
    if (request->has_body) {
        request->body.takes_encoded = true;
    }
}

bool bi_encoding_is_accepted(const struct bight_http_request *request)
{
    struct bi_view coding;
    if (request->framing.body == BI_BODY_NONE || request->body.takes_encoded) {
        return true;
    }
    struct bi_members members = bi_members_begin(&request->head, request->bytes, BI_NAME_CONTENT_ENCODING);
    while (bi_members_next(&members, &coding)) {
        if (!bi_view_equal_nocase(coding, bi_view_of("identity"))) {
            return false;
        }
    }
    return true;
}

/* The field tells a client that could send it plainly to do so. If it cannot be allocated, the status alone has to. */
struct bight_failure *bi_encoding_refuse(struct bight_http_request *request)
{
    if (request->answer.state == BI_ANSWER_NONE) {
        (void)bi_fields_set(&request->answer.fields, "Accept-Encoding", "identity", true);
    }
    return bight_http_failure(415, "the body is encoded");
}
