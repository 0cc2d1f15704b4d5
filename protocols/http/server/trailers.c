/* SPDX-License-Identifier: MIT */
/* trailers.c - the fields behind a chunked body (H2): read, checked, and found by their names.
 *
 * The body before them is body.c's. */
#include <string.h>

#include "http/server/request.h"

static bool begin_trailers(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    char *memory = bi_request_allocate(
        request, sizeof *body->trailers + BI_HTTP_MAX_TRAILER_FIELDS * sizeof *body->trailers->fields);
    if (memory == NULL) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return false;
    }
    memset(memory, 0, sizeof *body->trailers);
    body->trailers = (struct bi_head *)(void *)memory;
    body->trailers->fields = (struct bi_field *)(void *)(memory + sizeof *body->trailers);
    body->trailers->limits = (struct bi_head_limits) {
        .line = BI_HTTP_MAX_TRAILERS, .size = BI_HTTP_MAX_TRAILERS, .fields = BI_HTTP_MAX_TRAILER_FIELDS
    };
    bi_head_begin(body->trailers, BI_HEAD_TRAILERS);
    return true;
}

/* What a client may not say behind its body, above all how it is framed, ends it. */
static size_t parse_trailers(struct bight_http_request *request, size_t before)
{
    struct bi_http_body *body = &request->body;
    struct bi_head *trailers = body->trailers;
    uint16_t status = 400;
    const char *why = NULL;
    switch (bi_head_parse(trailers, body->trailing.bytes, body->trailing.end)) {
    case BI_HEAD_PARTIAL:
        return body->trailing.end - before;
    case BI_HEAD_REFUSED:
        status = trailers->status;
        why = trailers->why;
        break;
    case BI_HEAD_WHOLE:
        if (bi_framing_check_trailers(trailers, &status, &why)) {
            bi_body_end(request);
            return trailers->size - before;
        }
        break;
    }
    body->trailers = NULL;
    bi_body_fail_with(request, BIGHT_E_SYNTAX, status, why);
    return 1;
}

size_t bi_trailers_read(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_http_body *body = &request->body;
    if (body->trailers == NULL) {
        if (size >= 2 && data[0] == '\r' && data[1] == '\n') {
            bi_body_end(request);
            return 2;
        }
        if (!begin_trailers(request)) {
            return size;
        }
    }
    size_t before = body->trailing.end;
    size_t room = BI_HTTP_MAX_TRAILERS + 1 - before;
    if (bi_http_buffer_append(&body->trailing, data, size < room ? size : room) != BIGHT_OK) {
        bi_body_fail(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return size;
    }
    return parse_trailers(request, before);
}

const char *bight_http_request_trailer(struct bight_http_request *request, const char *name)
{
    const struct bi_http_body *body = &request->body;
    if (!request->has_body || body->trailers == NULL || request->input != BI_INPUT_DONE) {
        return NULL;
    }
    size_t size = strlen(name);
    uint16_t place =
        bi_head_next(body->trailers, body->trailing.bytes, bi_name_find((const uint8_t *)name, size), name, size, 0);
    if (place == 0) {
        return NULL;
    }
    struct bi_span value = body->trailers->fields[place - 1].value;
    return bi_request_text(request, body->trailing.bytes + value.at, value.size);
}
