/* SPDX-License-Identifier: MIT */
/* fields.c - the fields of an answer to come, as the text that is sent.
 *
 * What could end a line, or a message, is refused here and nowhere else (H6). */
#include <strings.h>
#include <string.h>

#include "http/message/tokens.h"
#include "http/server/request.h"

#define MOST 65536 /* bytes of fields in one answer */
#define KEPT 1024  /* of memory for the next one's */

/* How a message is framed, and how its connection goes on, is not the program's to say. */
static bool is_reserved(enum bi_name name)
{
    switch ((int)name) {
    case BI_NAME_CONNECTION:
    case BI_NAME_CONTENT_LENGTH:
    case BI_NAME_DATE:
    case BI_NAME_KEEP_ALIVE:
    case BI_NAME_TRAILER:
    case BI_NAME_TRANSFER_ENCODING:
    case BI_NAME_UPGRADE:
        return true;
    default:
        return false;
    }
}

static int check(struct bi_view name, struct bi_view value)
{
    if (!bi_is_token(name)) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a field of an answer: its name is no token");
    }
    if (!bi_is_field_value(value)) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a field of an answer: its value holds what no value may hold");
    }
    if (is_reserved(bi_name_find(name.at, name.size))) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a field of an answer: the library sets it itself");
    }
    return BIGHT_OK;
}

/* The line at `at`, and where the next one begins. */
static const uint8_t *line_end(const struct bi_http_buffer *fields, const uint8_t *at)
{
    const uint8_t *end = memchr(at, '\n', (size_t)(fields->bytes + fields->end - at));
    return end + 1;
}

/* `line` ends at `next`, which may be the end of all. Most names are told apart by their first letter, in either case,
 * before a call compares the rest. */
static bool has_name(const uint8_t *line, const uint8_t *next, const char *name, size_t size)
{
    return (size_t)(next - line) > size && line[size] == ':' && ((line[0] ^ (uint8_t)name[0]) & ~0x20) == 0 &&
           strncasecmp((const char *)line, name, size) == 0;
}

const char *bi_fields_find(const struct bi_http_buffer *fields, const char *name, size_t *size)
{
    size_t name_size = strlen(name);
    if (fields->bytes == NULL) {
        return NULL;
    }
    for (const uint8_t *at = fields->bytes; at < fields->bytes + fields->end;) {
        const uint8_t *next = line_end(fields, at);
        if (has_name(at, next, name, name_size)) {
            const char *value = (const char *)at + name_size + 2;
            *size = (size_t)((const char *)next - value) - 2;
            return value;
        }
        at = next;
    }
    return NULL;
}

void bi_fields_remove(struct bi_http_buffer *fields, const char *name)
{
    size_t size = strlen(name);
    for (uint8_t *at = fields->bytes; at < fields->bytes + fields->end;) {
        const uint8_t *next = line_end(fields, at);
        if (has_name(at, next, name, size)) {
            size_t behind = (size_t)(fields->bytes + fields->end - next);
            memmove(at, next, behind);
            fields->end -= (size_t)(next - at);
        } else {
            at += next - at;
        }
    }
}

/* Bytes of those with the name. */
static size_t size_of(const struct bi_http_buffer *fields, const char *name)
{
    size_t name_size = strlen(name), size = 0;
    for (const uint8_t *at = fields->bytes; at != NULL && at < fields->bytes + fields->end;) {
        const uint8_t *next = line_end(fields, at);
        size += has_name(at, next, name, name_size) ? (size_t)(next - at) : 0;
        at = next;
    }
    return size;
}

static void write_line(uint8_t *room, struct bi_view name, const char *value, size_t value_size)
{
    memcpy(room, name.at, name.size);
    memcpy(room + name.size, ": ", 2);
    memcpy(room + name.size + 2, value, value_size);
    memcpy(room + name.size + 2 + value_size, "\r\n", 2);
}

int bi_fields_set(struct bi_http_buffer *fields, const char *name, const char *value, bool replace)
{
    int code = check(bi_view_of(name), bi_view_of(value));
    return code != BIGHT_OK ? code : bi_fields_add(fields, name, value, replace);
}

/* Those that it replaces go when nothing can fail any more. */
int bi_fields_add(struct bi_http_buffer *fields, const char *name, const char *value, bool replace)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    size_t size = name_size + 2 + value_size + 2;
    size_t kept = fields->end - (replace ? size_of(fields, name) : 0);
    if (size > MOST || kept > MOST - size) {
        return BIGHT_E_TOO_LONG;
    }
    uint8_t *room = bi_http_buffer_room(fields, size);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (kept < fields->end) {
        bi_fields_remove(fields, name);
        room = fields->bytes + fields->end;
    }
    write_line(room, (struct bi_view) { (const uint8_t *)name, name_size }, value, value_size);
    fields->end += size;
    return BIGHT_OK;
}

int bi_fields_put(struct bight_http_request *request, const char *name, size_t name_size, const char *value)
{
    struct bi_http_buffer *fields = &request->answer.fields;
    size_t value_size = strlen(value), size = name_size + 2 + value_size + 2;
    bi_fields_begin(request);
    if (fields->end > 0) {
        bi_fields_remove(fields, name);
    }
    uint8_t *room = bi_http_buffer_room(fields, size);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    write_line(room, (struct bi_view) { (const uint8_t *)name, name_size }, value, value_size);
    fields->end += size;
    return BIGHT_OK;
}

/* One is enough: answers in a row have it one after the other. */
void bi_fields_end(struct bight_http_request *request)
{
    struct bi_http_server *server = request->server;
    struct bi_http_buffer *fields = &request->answer.fields;
    if (fields->bytes == NULL || fields->capacity > KEPT || server->spare_fields.bytes != NULL || server->freed) {
        bi_http_buffer_free(fields);
        return;
    }
    fields->start = fields->end = 0;
    server->spare_fields = *fields;
    *fields = (struct bi_http_buffer) { .bytes = NULL };
}

/* --------------------------------------------------------------------------------- by the program */

static int set(struct bight_http_request *request, const char *name, const char *value, bool replace)
{
    if (request->gone) {
        return BIGHT_E_CLOSED;
    }
    if (request->answer.state > BI_ANSWER_ANNOUNCED) {
        return bi_http_usage(BIGHT_E_USAGE, "a field of an answer: its head has been sent");
    }
    bi_fields_begin(request);
    return bi_fields_set(&request->answer.fields, name, value, replace);
}

int bight_http_respond_set(struct bight_http_request *request, const char *name, const char *value)
{
    return set(request, name, value, true);
}

int bight_http_respond_add(struct bight_http_request *request, const char *name, const char *value)
{
    return set(request, name, value, false);
}

void bight_http_respond_close(struct bight_http_request *request)
{
    request->closing = true;
}
