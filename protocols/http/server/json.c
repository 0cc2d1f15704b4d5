/* SPDX-License-Identifier: MIT */
/* json.c - bodies that are JSON: what may be read as such, what is wrong with it, and how values are written.
 *
 * jansson reads and writes by recursion, and bounds that only when it is built: so the depth of what a client sends is
 * looked at first, in one walk without a stack. Its own words about errors repeat what the client sent, and would stand
 * in pages: so errors have words of ours. */
#include <bight/memory.h>
#include <bight/protocols/http_json.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http/message/media.h"
#include "http/server/answer.h"
#include "http/server/json.h"

#define SMALL 4096 /* bytes that are written without an allocation of ours */

static const char media_type[] = "application/json";

static void destroy(void *value)
{
    json_decref(value);
}

const struct bight_type bight_type_json = { .name = "json", .destroy = destroy };

bool bight_http_has_json(void)
{
    return true;
}

/* ---------------------------------------------------------------------------------------------- reading */

static bool ends_with(struct bi_view text, const char *end)
{
    size_t size = strlen(end);
    return text.size > size &&
           bi_view_equal_nocase((struct bi_view) { text.at + text.size - size, size }, bi_view_of(end));
}

/* RFC 8259, section 11: it has no charset; UTF-8 says what is so. */
static bool is_in_utf8(const struct bi_media_type *media)
{
    uint8_t charset[8];
    size_t size = bi_media_charset(media, charset, sizeof charset);
    return size == 0 || (size == 5 && memcmp(charset, "utf-8", size) == 0);
}

static bool is_json(struct bight_http_request *request)
{
    struct bight_http_view field = bight_http_request_field_raw(request, "Content-Type");
    struct bi_view value = { (const uint8_t *)field.data, field.size };
    struct bi_media_type media;
    return field.data != NULL && bi_media_parse(value, &media) &&
           (bi_media_is(&media, media_type) || ends_with(media.subtype, "+json")) && is_in_utf8(&media);
}

/* Behind the string that begins at `at`, or the end of all. */
static size_t skip_string(const uint8_t *bytes, size_t size, size_t at)
{
    for (at++; at < size && bytes[at] != '"'; at++) {
        at += bytes[at] == '\\';
    }
    return at;
}

/* Of well-formed text; of others it says something, and the parser what is wrong with them. */
static bool is_too_deep(const uint8_t *bytes, size_t size)
{
    size_t depth = 0;
    for (size_t at = 0; at < size; at++) {
        if (bytes[at] == '"') {
            at = skip_string(bytes, size, at);
        } else if (bytes[at] == '[' || bytes[at] == '{') {
            if (++depth > BIGHT_HTTP_JSON_DEPTH) {
                return true;
            }
        } else if (depth > 0 && (bytes[at] == ']' || bytes[at] == '}')) {
            depth--;
        }
    }
    return false;
}

static const char *words_of(enum json_error_code code)
{
    switch ((int)code) {
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "there is more behind its end";
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    case json_error_duplicate_key:
        return "a name is there twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a text holds a NUL";
    case json_error_numeric_overflow:
        return "a number is out of range";
    default:
        return "it is not well-formed";
    }
}

static struct bight_failure *failure_of(const json_error_t *error)
{
    char text[128];
    if (json_error_code(error) == json_error_out_of_memory) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    (void)snprintf(text, sizeof text, "the JSON is wrong at line %d, column %d: %s", error->line, error->column,
        words_of(json_error_code(error)));
    return bight_http_failure(400, text);
}

static void parse(struct bight_result *result, void *context)
{
    const uint8_t *bytes = bight_bytes_data(result->value);
    size_t size = bight_bytes_size(result->value);
    json_error_t error;
    (void)context;
    if (is_too_deep(bytes, size)) {
        bight_result_fail(result, bight_http_failure(400, "the JSON is nested too deeply"));
        return;
    }
    json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        bight_result_fail(result, failure_of(&error));
    } else {
        bight_result_set(result, &bight_type_json, json);
    }
}

/* RFC 9110, section 12.5.1: in an answer the field says what would be accepted. */
static struct bight_failure *refuse_type(struct bight_http_request *request)
{
    if (request->answer.state == BI_ANSWER_NONE) {
        (void)bi_fields_set(&request->answer.fields, "Accept", media_type, true);
    }
    return bight_http_failure(415, "the body is not said to be JSON");
}

struct bight_deferred *bight_http_request_json(struct bight_http_request *request, size_t limit)
{
    if (request->framing.body != BI_BODY_NONE && !is_json(request)) {
        return bight_fail(refuse_type(request));
    }
    struct bight_deferred *collecting = bight_http_request_collect(request, limit);
    if (bight_deferred_add_callback(collecting, parse, NULL) == BIGHT_OK) {
        return collecting;
    }
    bight_deferred_cancel(collecting);
    bight_deferred_release(collecting);
    return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

/* ---------------------------------------------------------------------------------------------- writing */

struct text {
    int code;                    /* why it is not whole */
    struct bi_http_buffer large; /* once it is larger than `small` */
    size_t size;                 /* of what is in `small` */
    char small[SMALL];
};

/* jansson writes a token at a time. */
static int write_piece(const char *data, size_t size, void *context)
{
    struct text *text = context;
    if (text->large.bytes == NULL && size <= sizeof text->small - text->size) {
        memcpy(text->small + text->size, data, size);
        text->size += size;
        return 0;
    }
    int code = text->large.bytes != NULL ? BIGHT_OK : bi_http_buffer_append(&text->large, text->small, text->size);
    if (code == BIGHT_OK) {
        code = bi_http_buffer_append(&text->large, data, size);
    }
    if (code != BIGHT_OK) {
        text->code = code;
    }
    return code == BIGHT_OK ? 0 : -1;
}

/* Takes the value. 0, OUT_OF_MEMORY, or INVALID_ARGUMENT: jansson does not say what it could not write, or why. */
static int write_json(struct text *text, json_t *json)
{
    text->large = (struct bi_http_buffer) { .bytes = NULL };
    text->size = 0;
    text->code = BIGHT_E_INVALID_ARGUMENT;
    if (json == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int result = json_dump_callback(json, write_piece, text, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (result != 0) {
        bi_http_buffer_free(&text->large);
    }
    return result == 0 ? BIGHT_OK : text->code;
}

static void free_bytes(void *bytes)
{
    bight_free(bytes);
}

/* What was written, counted; NULL when out of memory. */
static struct bight_bytes *take_bytes(struct text *text)
{
    if (text->large.bytes == NULL) {
        return bight_bytes_new(text->small, text->size);
    }
    struct bight_bytes *bytes = bight_bytes_new_lent(text->large.bytes, text->large.end, free_bytes, text->large.bytes);
    if (bytes == NULL) {
        bi_http_buffer_free(&text->large);
    }
    return bytes;
}

static int respond_with(struct bight_http_request *request, int status, struct text *text)
{
    if (text->large.bytes == NULL) {
        return bight_http_respond(request, status, media_type, text->small, text->size);
    }
    struct bight_bytes *bytes = take_bytes(text);
    int code = bight_http_respond_bytes(request, status, media_type, bytes);
    bight_bytes_release(bytes);
    return code;
}

int bi_json_write(struct json_t *json, struct bight_bytes **bytes)
{
    struct text text;
    int code = write_json(&text, json);
    if (code == BIGHT_OK) {
        *bytes = take_bytes(&text);
        code = *bytes != NULL ? BIGHT_OK : BIGHT_E_OUT_OF_MEMORY;
    }
    return code;
}

int bight_http_respond_json(struct bight_http_request *request, int status, struct json_t *json)
{
    struct text text;
    int code = write_json(&text, json);
    return code == BIGHT_OK ? respond_with(request, status, &text)
                            : bight_http_respond_failure(
                                  request, bight_failure_new(code, 0, NULL, "a JSON value could not be written"));
}

int bight_http_response_take_json(struct bight_http_response *response, struct json_t *json)
{
    struct text text;
    int code = write_json(&text, json);
    return code == BIGHT_OK ? bight_http_response_take_bytes(response, media_type, take_bytes(&text)) : code;
}

bool bi_answer_with_json(struct bight_http_request *request, struct bight_result *result)
{
    if (result->type != &bight_type_json) {
        return false;
    }
    (void)bight_http_respond_json(request, 200, bight_result_take(result, &bight_type_json));
    return true;
}
