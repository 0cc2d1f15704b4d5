/* SPDX-License-Identifier: MIT */
/* response.c - a response as a value: made in any thread, what a Deferred brings, sent once or many times.
 *
 * Sending is answer.c's; fields are checked when they are set, by fields.c. */
#include <bight/memory.h>

#include <string.h>

#include "http/server/answer.h"
#include "http/server/response.h"

static struct bight_http_response *make(int status)
{
    struct bight_http_response *response = bight_calloc(1, sizeof *response);
    if (response != NULL) {
        atomic_init(&response->holds, 1);
        response->status = status;
    }
    return response;
}

struct bight_http_response *bight_http_response_new(int status)
{
    if (status < 200 || status > 599) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a response: its status is not from 200 to 599");
        return NULL;
    }
    return make(status);
}

struct bight_http_response *bi_response_received(int status, struct bi_http_buffer *fields, struct bi_http_buffer *body)
{
    struct bight_http_response *response = make(status);
    struct bight_bytes *bytes = response != NULL ? bi_http_buffer_take(body) : NULL;
    if (bytes == NULL) {
        bight_http_response_release(response);
        response = NULL;
    } else {
        response->received = true;
        response->body = bytes;
        response->fields = *fields;
        *fields = (struct bi_http_buffer) { .bytes = NULL };
    }
    return response;
}

struct bight_http_response *bi_response_new_received(
    int status, size_t origin_size, size_t lines_size, void (*finish)(struct bight_http_response *response))
{
    struct bight_http_response *response = bight_malloc(sizeof *response + origin_size + lines_size);
    if (response == NULL) {
        return NULL;
    }
    memset(response, 0, sizeof *response + origin_size);
    atomic_init(&response->holds, 1);
    response->status = status;
    response->received = response->has_own_lines = true;
    response->fields.bytes = response->room + origin_size;
    response->fields.capacity = lines_size;
    response->origin = (struct bi_response_origin *)(void *)response->room;
    response->origin->finish = finish;
    return response;
}

struct bight_http_response *bight_http_response_hold(struct bight_http_response *response)
{
    if (response != NULL) {
        atomic_fetch_add_explicit(&response->holds, 1, memory_order_relaxed);
    }
    return response;
}

void bight_http_response_release(struct bight_http_response *response)
{
    if (response == NULL || atomic_fetch_sub_explicit(&response->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (response->origin != NULL) {
        response->origin->finish(response);
    }
    if (!response->has_own_lines) {
        bi_http_buffer_free(&response->fields);
    }
    bight_bytes_release(response->body);
    bight_free(response->text);
    bight_free(response);
}

static void destroy(void *response)
{
    bight_http_response_release(response);
}

const struct bight_type bight_type_http_response = { .name = "http response", .destroy = destroy };

static int set(struct bight_http_response *response, const char *name, const char *value, bool replace)
{
    if (response == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (response->has_own_lines) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a field of a response: it has come from a server");
    }
    return bi_fields_set(&response->fields, name, value, replace);
}

int bight_http_response_set(struct bight_http_response *response, const char *name, const char *value)
{
    return set(response, name, value, true);
}

int bight_http_response_add(struct bight_http_response *response, const char *name, const char *value)
{
    return set(response, name, value, false);
}

int bight_http_response_take_bytes(struct bight_http_response *response, const char *type, struct bight_bytes *bytes)
{
    int code = response == NULL || bytes == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
    if (code == BIGHT_OK && type != NULL) {
        code = bight_http_response_set(response, "Content-Type", type);
    }
    if (code != BIGHT_OK) {
        bight_bytes_release(bytes);
        return code;
    }
    bight_bytes_release(response->body);
    response->body = bytes;
    return BIGHT_OK;
}

int bight_http_response_set_body(struct bight_http_response *response, const char *type, const void *data, size_t size)
{
    return bight_http_response_take_bytes(response, type, bight_bytes_new(data, size));
}

int bight_http_response_status(const struct bight_http_response *response)
{
    return response == NULL ? 0 : response->status;
}

struct bight_bytes *bight_http_response_body(const struct bight_http_response *response)
{
    return response == NULL ? NULL : response->body;
}

/* A copy with its NUL, since the fields are kept as they are sent. It stays until the next one is asked for. */
const char *bight_http_response_field(struct bight_http_response *response, const char *name)
{
    size_t size;
    const char *value = response == NULL ? NULL : bi_fields_find(&response->fields, name, &size);
    if (value == NULL) {
        return NULL;
    }
    bight_free(response->text);
    response->text = bight_strndup(value, size);
    return response->text;
}

/* Name, NUL, value, NUL, of the line at the cursor, which goes on to the next one. NULL when out of memory. */
static char *copy_line(struct bight_http_response *response, size_t *cursor, size_t *name_size)
{
    const char *line = (const char *)response->fields.bytes + *cursor;
    size_t size = strcspn(line, "\r");
    *cursor += size + 2;
    *name_size = strcspn(line, ":");
    bight_free(response->text);
    response->text = bight_strndup(line, size);
    return response->text;
}

bool bight_http_response_next_field(
    struct bight_http_response *response, size_t *cursor, const char **name, const char **value)
{
    size_t name_size;
    if (response == NULL || *cursor >= response->fields.end) {
        return false;
    }
    char *line = copy_line(response, cursor, &name_size);
    if (line == NULL) {
        return false;
    }
    line[name_size] = '\0';
    if (name != NULL) {
        *name = line;
    }
    if (value != NULL) {
        *value = line + name_size + 2;
    }
    return true;
}

/* Its fields come behind those that the request's answer has been given, but for a type of the body's own. */
static int join_fields(struct bi_http_buffer *fields, const struct bi_http_buffer *own)
{
    size_t size;
    if (bi_http_buffer_size(fields) > 0 && bi_fields_find(own, "Content-Type", &size) != NULL) {
        bi_fields_remove(fields, "Content-Type");
    }
    return bi_http_buffer_append(fields, own->bytes, own->end);
}

int bight_http_respond_response(struct bight_http_request *request, struct bight_http_response *response)
{
    if (response == NULL) {
        return bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    int code = bi_answer_check(request, response->status);
    if (code == BIGHT_OK && response->received) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an answer: the response is one that was received");
    }
    if (code == BIGHT_OK) {
        code = join_fields(&request->answer.fields, &response->fields);
        if (code != BIGHT_OK) {
            bi_exchange_abort(request);
        }
    }
    if (code != BIGHT_OK) {
        return code;
    }
    return response->body == NULL ? bight_http_respond_empty(request, response->status)
                                  : bight_http_respond_bytes(request, response->status, NULL, response->body);
}
