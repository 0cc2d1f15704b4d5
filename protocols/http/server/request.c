/* SPDX-License-Identifier: MIT */
/* request.c - a request as its handler sees it: what its head says, holds, owner, attachments.
 *
 * A text is copied out of the head when it is asked for the first time, behind which it stays where it is (A1). */
#include <bight/memory.h>
#include <bight/tls.h>

#include <string.h>

#include "http/server/decoding.h"

#define BLOCK 1024

/* ------------------------------------------------------------------------------------------------ texts */

char *bi_request_allocate(struct bight_http_request *request, size_t size)
{
    size = (size + 7) & ~(size_t)7; /* for structs, too */
    if (size <= BI_HTTP_INLINE_TEXT - request->inline_used) {
        request->inline_used += size;
        return request->inline_text + request->inline_used - size;
    }
    struct bi_http_block *block = request->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size < BLOCK ? BLOCK : size;
        block = bight_malloc(sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct bi_http_block) { .next = request->blocks, .size = room };
        request->blocks = block;
    }
    block->used += size;
    return (char *)(block + 1) + block->used - size;
}

const char *bi_request_text(struct bight_http_request *request, const void *data, size_t size)
{
    char *text = bi_request_allocate(request, size + 1);
    if (text != NULL) {
        memcpy(text, data, size);
        text[size] = '\0';
    }
    return text;
}

int bi_request_keep_head(struct bight_http_request *request)
{
    if (request->bytes == request->kept.bytes) {
        return BIGHT_OK;
    }
    if (bi_http_buffer_append(&request->kept, request->bytes, request->head.size) != BIGHT_OK) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (request->path.at >= request->bytes && request->path.at < request->bytes + request->head.size) {
        request->path.at = request->kept.bytes + (request->path.at - request->bytes);
    }
    request->bytes = request->kept.bytes;
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- its life */

/* Its memory stays, since the program may know the owner yet, and tie to it. */
void bi_request_end_owner(struct bight_http_request *request)
{
    if (request->owner != NULL) {
        bight_owner_end(request->owner);
    }
}

static void free_blocks(struct bight_http_request *request)
{
    while (request->blocks != NULL) {
        struct bi_http_block *block = request->blocks;
        request->blocks = block->next;
        bight_free(block);
    }
}

static void free_attachments(struct bight_http_request *request)
{
    while (request->attachments != NULL) {
        struct bi_http_attachment *attachment = request->attachments;
        request->attachments = attachment->next;
        if (attachment->type->destroy != NULL) {
            attachment->type->destroy(attachment->value);
        }
        bight_free(attachment);
    }
}

static void clear(struct bight_http_request *request)
{
    bi_http_buffer_free(&request->kept);
    bi_http_buffer_free(&request->backlog);
    bi_fields_end(request);
    if (request->has_body) {
        bi_http_buffer_free(&request->body.collected);
        bi_http_buffer_free(&request->body.trailing);
        bi_decoding_end(request);
        bight_failure_release(request->body.failure);
    }
    bight_owner_free(request->owner);
    free_attachments(request);
    free_blocks(request);
}

void bi_request_free(struct bight_http_request *request)
{
    struct bi_http_server *server = request->server;
    clear(request);
    if (server->spare_count < server->most_spare) {
        bi_http_server_keep(server, request);
    } else {
        bi_http_server_drop(server, request);
    }
}

struct bight_http_request *bight_http_request_hold(struct bight_http_request *request)
{
    bi_request_begin_pending(request);
    return request;
}

void bight_http_request_release(struct bight_http_request *request)
{
    if (request != NULL) {
        bi_request_end_pending(request);
    }
}

bool bight_http_request_is_open(const struct bight_http_request *request)
{
    return request->connection != NULL && !(request->connection->flags & BI_HTTP_CLOSING) &&
           request->answer.state != BI_ANSWER_WHOLE;
}

struct bight_owner *bight_http_request_owner(struct bight_http_request *request)
{
    if (request->owner == NULL) {
        request->owner = bight_owner_new();
        if (request->connection == NULL) {
            bi_request_end_owner(request);
        }
    }
    return request->owner;
}

void bight_http_request_set_gone(struct bight_http_request *request, bight_http_gone_function function, void *context)
{
    request->gone_function = function;
    request->gone_context = context;
}

/* ------------------------------------------------------------------------------------------ attachments */

static struct bi_http_attachment *find_attachment(
    const struct bight_http_request *request, const struct bight_type *type)
{
    struct bi_http_attachment *attachment = request->attachments;
    while (attachment != NULL && attachment->type != type) {
        attachment = attachment->next;
    }
    return attachment;
}

int bight_http_request_attach(struct bight_http_request *request, const struct bight_type *type, void *value)
{
    struct bi_http_attachment *attachment = find_attachment(request, type);
    if (attachment == NULL) {
        attachment = bight_malloc(sizeof *attachment);
        if (attachment == NULL) {
            if (type->destroy != NULL && value != NULL) {
                type->destroy(value);
            }
            return BIGHT_E_OUT_OF_MEMORY;
        }
        *attachment = (struct bi_http_attachment) { .next = request->attachments, .type = type };
        request->attachments = attachment;
    }
    void *former = attachment->value;
    attachment->value = value;
    if (type->destroy != NULL && former != NULL && former != value) {
        type->destroy(former);
    }
    return BIGHT_OK;
}

void *bight_http_request_attached(const struct bight_http_request *request, const struct bight_type *type)
{
    const struct bi_http_attachment *attachment = find_attachment(request, type);
    return attachment != NULL ? attachment->value : NULL;
}

/* ---------------------------------------------------------------------------------------------- the head */

static const char *span_text(struct bight_http_request *request, struct bi_span span)
{
    return bi_request_text(request, request->bytes + span.at, span.size);
}

static struct bight_http_view span_view(const struct bight_http_request *request, struct bi_span span)
{
    return (struct bight_http_view) { (const char *)request->bytes + span.at, span.size };
}

const char *bight_http_request_method(struct bight_http_request *request)
{
    const char *known = bi_method_text((enum bi_method)request->head.method_known);
    if (known != NULL) {
        return known;
    }
    if (request->method == NULL) {
        request->method = span_text(request, request->head.method);
    }
    return request->method != NULL ? request->method : "";
}

struct bight_http_view bight_http_request_target_raw(struct bight_http_request *request)
{
    return span_view(request, request->head.target);
}

int bight_http_request_minor_version(const struct bight_http_request *request)
{
    return request->head.minor;
}

const char *bight_http_request_query_string(struct bight_http_request *request)
{
    if (request->query == NULL && request->framing.has_query) {
        request->query = span_text(request, request->framing.query);
    }
    return request->query;
}

/* ---------------------------------------------------------------------------------------------- fields */

static uint16_t find_field(const struct bight_http_request *request, const char *name)
{
    size_t size = strlen(name);
    enum bi_name known = bi_name_find((const uint8_t *)name, size);
    if (known != BI_NAME_OTHER) {
        return bi_head_first(&request->head, known);
    }
    return bi_head_next(&request->head, request->bytes, known, name, size, 0);
}

/* The texts of fields that were asked for are found again by the field's index. */
static const char *field_text(struct bight_http_request *request, size_t index)
{
    size_t count = request->head.field_count;
    if (request->texts == NULL) {
        request->texts = (const char **)(void *)bi_request_allocate(request, count * sizeof *request->texts);
        if (request->texts == NULL) {
            return NULL;
        }
        memset(request->texts, 0, count * sizeof *request->texts);
    }
    if (request->texts[index] == NULL) {
        request->texts[index] = span_text(request, request->fields[index].value);
    }
    return request->texts[index];
}

struct bi_view bi_request_field(const struct bight_http_request *request, enum bi_name name)
{
    uint16_t place = bi_head_first(&request->head, name);
    if (place == 0) {
        return (struct bi_view) { NULL, 0 };
    }
    struct bi_span value = request->fields[place - 1].value;
    return (struct bi_view) { request->bytes + value.at, value.size };
}

const char *bight_http_request_field(struct bight_http_request *request, const char *name)
{
    uint16_t place = find_field(request, name);
    return place == 0 ? NULL : field_text(request, place - 1u);
}

struct bight_http_view bight_http_request_field_raw(struct bight_http_request *request, const char *name)
{
    uint16_t place = find_field(request, name);
    return place == 0 ? (struct bight_http_view) { NULL, 0 } : span_view(request, request->fields[place - 1].value);
}

bool bight_http_request_next_field(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value)
{
    if (*cursor >= request->head.field_count) {
        return false;
    }
    const struct bi_field *field = &request->fields[*cursor];
    if (name != NULL) {
        *name = bi_name_text((enum bi_name)field->name);
        if (*name == NULL) {
            *name = span_text(request, (struct bi_span) { field->name_at, field->name_size });
        }
    }
    if (value != NULL) {
        *value = field_text(request, *cursor);
    }
    ++*cursor;
    return true;
}

/* ------------------------------------------------------------------------------------------ the connection */

struct bight_transport *bight_http_request_transport(const struct bight_http_request *request)
{
    return request->connection != NULL ? request->connection->base.transport : NULL;
}

struct bight_reactor *bight_http_request_reactor(const struct bight_http_request *request)
{
    return request->server->factory.reactor;
}

int bight_http_request_peer(struct bight_http_request *request, struct bight_address *address)
{
    if (request->has_hooks && request->hooks.client != NULL) {
        *address = *request->hooks.client;
        return BIGHT_OK;
    }
    return bight_http_request_connection_peer(request, address);
}

bool bight_http_request_upgrades(const struct bight_http_request *request)
{
    return request->framing.upgrades;
}

bool bight_http_request_is_secure(const struct bight_http_request *request)
{
    return request->has_hooks && request->hooks.scheme != BI_SCHEME_OF_CONNECTION
               ? request->hooks.scheme == BI_SCHEME_HTTPS
               : bight_http_request_connection_is_secure(request);
}

bool bight_http_request_connection_is_secure(const struct bight_http_request *request)
{
    const struct bight_transport *transport = bight_http_request_transport(request);
    return transport != NULL && bight_transport_tls(transport) != NULL;
}
