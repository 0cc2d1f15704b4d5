/* SPDX-License-Identifier: MIT */
/* received.c - what a client's response has beside status, fields and body: where it came from, trailers. */
#include "http/client/stream.h"

#include <bight/memory.h>

#include <string.h>

void bi_hops_free(struct bi_client_hop *hops)
{
    while (hops != NULL) {
        struct bi_client_hop *next = hops->next;
        bight_free(hops);
        hops = next;
    }
}

static void finish(struct bight_http_response *response)
{
    struct bi_client_origin *origin = bi_received_origin(response);
    if (origin->stream != NULL) {
        bi_body_stream_free(origin->stream);
    }
    bi_hops_free(origin->hops);
    bi_http_buffer_free(&origin->trailers);
}

struct bight_http_response *bi_received_new(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    size_t origin_size = sizeof(struct bi_client_origin) + call->url_text.size + 1;
    struct bight_http_response *response =
        bi_response_new_received(parser->head.status, origin_size, bi_response_lines_size(&parser->head), finish);
    if (response == NULL) {
        return NULL;
    }
    char *url = (char *)response->room + sizeof(struct bi_client_origin);
    memcpy(url, call->url_text.at, call->url_text.size);
    bi_received_origin(response)->url = url;
    uint64_t without = call->decoder != NULL ? BI_NAME_BIT(CONTENT_ENCODING) | BI_NAME_BIT(CONTENT_LENGTH) : 0;
    response->fields.end = bi_response_write_lines(&parser->head, parser->bytes, without, response->fields.bytes);
    return response;
}

/* ------------------------------------------------------------------------------------------- asking */

static const struct bi_client_origin *origin_of(const struct bight_http_response *response)
{
    return response == NULL || response->origin == NULL ? NULL : bi_received_origin(response);
}

const char *bight_http_response_url(const struct bight_http_response *response)
{
    const struct bi_client_origin *origin = origin_of(response);
    return origin == NULL ? NULL : origin->url;
}

bool bight_http_response_hop(const struct bight_http_response *response, size_t index, const char **url, int *status)
{
    const struct bi_client_origin *origin = origin_of(response);
    const struct bi_client_hop *hop = origin == NULL ? NULL : origin->hops;
    for (; hop != NULL && index > 0; index--) {
        hop = hop->next;
    }
    if (hop == NULL) {
        return false;
    }
    if (url != NULL) {
        *url = hop->url;
    }
    if (status != NULL) {
        *status = hop->status;
    }
    return true;
}

const char *bight_http_response_trailer(struct bight_http_response *response, const char *name)
{
    size_t size;
    const struct bi_client_origin *origin = origin_of(response);
    const char *value = origin == NULL ? NULL : bi_fields_find(&origin->trailers, name, &size);
    if (value == NULL) {
        return NULL;
    }
    bight_free(response->text);
    response->text = bight_strndup(value, size);
    return response->text;
}
