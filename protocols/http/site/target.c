/* SPDX-License-Identifier: MIT */
/* target.c - what a request asks for, as its handler reads it: path, parameters, query, host (A1).
 *
 * What else its head says, and its life, is server/request.c's. */
#include <string.h>

#include "http/message/path.h"
#include "http/message/query.h"
#include "http/site/site.h"

static struct bi_view view_of(const struct bight_http_request *request, struct bi_span span)
{
    return (struct bi_view) { request->bytes + span.at, span.size };
}

/* A text of what `decode` makes of `encoded`; NULL when out of memory, or when a NUL is in it. */
static const char *decoded(
    struct bight_http_request *request, struct bi_view encoded, size_t (*decode)(struct bi_view encoded, uint8_t *out))
{
    char *text = bi_request_allocate(request, encoded.size + 1);
    if (text == NULL) {
        return NULL;
    }
    size_t size = decode(encoded, (uint8_t *)text);
    text[size] = '\0';
    return memchr(text, '\0', size) == NULL ? text : NULL;
}

const char *bight_http_request_path(struct bight_http_request *request)
{
    if (request->path_text == NULL && request->path.at != NULL && request->framing.target_kind != BI_TARGET_AUTHORITY) {
        request->path_text = bi_request_text(request, request->path.at, request->path.size);
    }
    return request->path_text;
}

/* The text of the parameter at `index`, copied when it is asked for the first time. */
static const char *parameter_text(struct bight_http_request *request, size_t index)
{
    size_t count = request->parameter_count;
    if (request->parameter_texts == NULL) {
        void *texts = bi_request_allocate(request, count * sizeof *request->parameter_texts);
        if (texts == NULL) {
            return NULL;
        }
        request->parameter_texts = memset(texts, 0, count * sizeof *request->parameter_texts);
    }
    if (request->parameter_texts[index] == NULL) {
        struct bi_span part = request->parameters[index];
        request->parameter_texts[index] =
            decoded(request, (struct bi_view) { request->path.at + part.at, part.size }, bi_path_decode);
    }
    return request->parameter_texts[index];
}

const char *bight_http_request_parameter(struct bight_http_request *request, const char *name)
{
    const struct bight_http_site *site = bi_site_of_request(request);
    if (request->route == NULL) {
        return NULL;
    }
    int index = bi_routes_name(&site->routes, request->route_index, bi_view_of(name));
    return index < 0 || index >= request->parameter_count ? NULL : parameter_text(request, (size_t)index);
}

const char *bight_http_request_pattern(struct bight_http_request *request)
{
    const struct bight_http_site *site = bi_site_of_request(request);
    if (request->route == NULL) {
        return NULL;
    }
    struct bi_view pattern = bi_routes_pattern(&site->routes, request->route_index);
    return bi_request_text(request, pattern.at, pattern.size);
}

/* How far a walk over the query has come, in one number: bytes, 16 bits since a head has no more, and fields. */
#define COUNT_SHIFT 16

_Static_assert(BI_HEAD_CEILING < 1u << COUNT_SHIFT, "a place in a query has room in the cursor");

static bool next_query(const struct bight_http_request *request, size_t *cursor, struct bi_query_field *field)
{
    struct bi_query query;
    struct bi_view whole = request->framing.has_query ? view_of(request, request->framing.query) : bi_view_of("");
    size_t at = *cursor & ((1u << COUNT_SHIFT) - 1);
    if (at > whole.size) {
        return false;
    }
    struct bi_view text = bi_view_from(whole, at);
    bi_query_begin(&query);
    query.count = (uint32_t)(*cursor >> COUNT_SHIFT);
    if (bi_query_next(&query, &text, true, field) != BI_QUERY_FIELD) {
        return false;
    }
    *cursor = (whole.size - text.size) | (size_t)query.count << COUNT_SHIFT;
    return true;
}

/* Likewise, the next one with this name. */
static bool find_query(
    const struct bight_http_request *request, size_t *cursor, const char *name, struct bi_query_field *field)
{
    while (next_query(request, cursor, field)) {
        if (bi_query_equal(field->name, bi_view_of(name))) {
            return true;
        }
    }
    return false;
}

const char *bight_http_request_query(struct bight_http_request *request, const char *name)
{
    size_t cursor = 0;
    struct bi_query_field field;
    return find_query(request, &cursor, name, &field) ? decoded(request, field.value, bi_query_decode) : NULL;
}

const char *bight_http_request_next_query_value(struct bight_http_request *request, const char *name, size_t *cursor)
{
    struct bi_query_field field;
    const char *text = NULL;
    while (text == NULL && find_query(request, cursor, name, &field)) {
        text = decoded(request, field.value, bi_query_decode);
    }
    return text;
}

bool bight_http_request_next_query(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value)
{
    struct bi_query_field field;
    if (!next_query(request, cursor, &field)) {
        return false;
    }
    if (name != NULL) {
        *name = decoded(request, field.name, bi_query_decode);
    }
    if (value != NULL) {
        *value = decoded(request, field.value, bi_query_decode);
    }
    return true;
}

/* NULL when out of memory. */
static struct bight_http_view decoded_view(struct bight_http_request *request, struct bi_view encoded)
{
    char *text = bi_request_allocate(request, encoded.size + 1);
    return (struct bight_http_view) { text, text != NULL ? bi_query_decode(encoded, (uint8_t *)text) : 0 };
}

bool bight_http_request_next_query_raw(
    struct bight_http_request *request, size_t *cursor, struct bight_http_view *name, struct bight_http_view *value)
{
    struct bi_query_field field;
    if (!next_query(request, cursor, &field)) {
        return false;
    }
    if (name != NULL) {
        *name = decoded_view(request, field.name);
    }
    if (value != NULL) {
        *value = decoded_view(request, field.value);
    }
    return true;
}

const char *bight_http_request_host(struct bight_http_request *request)
{
    if (request->host == NULL && request->framing.authority.size > 0) {
        uint8_t host[BI_HOST_SIZE];
        request->host =
            bi_request_text(request, host, bi_host_read(view_of(request, request->framing.authority), host));
    }
    return request->host;
}
