/* SPDX-License-Identifier: MIT */
/* encoding.c - bodies in a Content-Encoding: refused when asked for, unless the program has them decoded (decoding.c),
 * or knows what it asks for (A4). RFC 9110, sections 8.4 and 15.5.16. */
#include "http/coding/gzip.h"
#include "http/message/members.h"
#include "http/server/decoding.h"

/* RFC 9110, section 8.4.1.3: the older name is the same. */
static enum bi_coding coding_of(struct bi_view name)
{
    bool is_gzip = bi_view_equal_nocase(name, bi_view_of("gzip")) || bi_view_equal_nocase(name, bi_view_of("x-gzip"));
    return is_gzip ? BI_CODING_GZIP : BI_CODING_REFUSED;
}

/* A coding of a coding is no use to anybody but who wants to hide how much it is. */
static enum bi_coding find_coding(const struct bight_http_request *request)
{
    struct bi_view name;
    enum bi_coding coding = BI_CODING_NONE;
    struct bi_members members = bi_members_begin(&request->head, request->bytes, BI_NAME_CONTENT_ENCODING);
    while (bi_members_next(&members, &name)) {
        if (!bi_view_equal_nocase(name, bi_view_of("identity"))) {
            coding = coding == BI_CODING_NONE ? coding_of(name) : BI_CODING_REFUSED;
        }
    }
    return coding;
}

void bight_http_request_accept_encoded(struct bight_http_request *request)
{
    if (request->has_body && !request->body.asked) {
        request->body.takes_encoded = true;
        request->body.coding = BI_CODING_NONE;
    }
}

void bight_http_request_decode(struct bight_http_request *request)
{
    if (request->has_body && !request->body.asked && bi_gzip_is_built_in()) {
        request->body.takes_encoded = false;
        request->body.coding = (uint8_t)find_coding(request);
    }
}

bool bi_encoding_is_accepted(const struct bight_http_request *request)
{
    if (request->framing.body == BI_BODY_NONE || request->body.takes_encoded) {
        return true;
    }
    return request->body.coding == BI_CODING_NONE ? find_coding(request) == BI_CODING_NONE
                                                  : request->body.coding == BI_CODING_GZIP;
}

/* The field tells a client what it could send instead. If it cannot be allocated, the status alone has to. */
struct bight_failure *bi_encoding_refuse(struct bight_http_request *request)
{
    const char *accepted = request->body.coding == BI_CODING_NONE ? "identity" : "gzip, identity";
    if (request->answer.state == BI_ANSWER_NONE) {
        (void)bi_fields_set(&request->answer.fields, "Accept-Encoding", accepted, true);
    }
    return bight_http_failure(415, "the body is encoded");
}
