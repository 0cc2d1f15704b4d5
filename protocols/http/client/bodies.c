/* SPDX-License-Identifier: MIT */
/* bodies.c - bodies of calls other than plain bytes: a file, what a program produces, JSON (C8). */
#include "http/client/sending.h"
#include "http/server/json.h"

static int set_type(struct bight_http_call *call, const char *type)
{
    return type != NULL ? bight_http_call_set(call, "Content-Type", type) : BIGHT_OK;
}

int bight_http_call_body_file(struct bight_http_call *call, const char *path, const char *type)
{
    int code = call != NULL ? set_type(call, type) : BIGHT_E_OUT_OF_MEMORY;
    if (code != BIGHT_OK) {
        return code;
    }
    struct bight_http_upload *upload = bi_upload_new(call);
    code = upload != NULL ? bi_upload_add_file(upload, path) : BIGHT_E_OUT_OF_MEMORY;
    return bi_call_remember(call, code, "out of memory");
}

static int take_source(struct bight_http_call *call, int64_t length, const char *type,
    const struct bight_http_body_source *source, void *context, bight_release_function release)
{
    static const char why[] = "the body of an HTTP call: there is no function that makes it";
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (source == NULL || source->begin == NULL) {
        return bi_call_remember(call, bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why), why);
    }
    int code = set_type(call, type);
    struct bight_http_upload *upload = code == BIGHT_OK ? bi_upload_new(call) : NULL;
    if (upload == NULL) {
        return code == BIGHT_OK ? BIGHT_E_OUT_OF_MEMORY : code;
    }
    upload->source = source;
    upload->length = length < 0 ? -1 : length;
    upload->context = context;
    upload->release = release;
    return BIGHT_OK;
}

int bight_http_call_body_source_full(struct bight_http_call *call, int64_t length, const char *type,
    const struct bight_http_body_source *source, void *context, bight_release_function release)
{
    int code = take_source(call, length, type, source, context, release);
    if (code != BIGHT_OK && release != NULL) {
        release(context);
    }
    return code;
}

int bight_http_call_body_source(struct bight_http_call *call, int64_t length, const char *type,
    const struct bight_http_body_source *source, void *context)
{
    return take_source(call, length, type, source, context, NULL);
}

int bight_http_call_body_json(struct bight_http_call *call, struct json_t *json)
{
    struct bight_bytes *bytes = NULL;
    int code = bi_json_write(json, &bytes);
    if (code != BIGHT_OK) {
        return call != NULL ? bi_call_remember(call, code, "the JSON of the call could not be written") : code;
    }
    code = bight_http_call_body_bytes(call, bytes, "application/json");
    bight_bytes_release(bytes);
    return code;
}
