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

const char *bight_http_request_query(struct bight_http_request *request, const char *name)
{
    struct bi_query query;
    struct bi_query_field field;
    struct bi_view text = view_of(request, request->framing.query);
    bi_query_begin(&query);
    if (!request->framing.has_query || !bi_query_find(&query, &text, bi_view_of(name), &field)) {
        return NULL;
    }
    return decoded(request, field.value, bi_query_decode);
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
