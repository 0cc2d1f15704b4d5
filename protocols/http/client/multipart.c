/* SPDX-License-Identifier: MIT */
/* multipart.c - the body of a call as a form with files: multipart/form-data as browsers write it (RFC 7578; the HTML
 * standard's "multipart/form-data encoding algorithm").
 *
 * Texts are gathered and become a part of the upload before each file. The boundary is random, so that no file can hold
 * it but by knowing it. */
#include <bight/sys/digest.h>

#include <stdio.h>
#include <string.h>

#include "http/client/sending.h"
#include "http/message/media.h"

#define MOST_PARTS 1000

/* ------------------------------------------------------------------------------------------- what may stand there */

static int misuse(struct bight_http_call *call, const char *why)
{
    return bi_call_remember(call, bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why), why);
}

static bool is_label(const char *text)
{
    return text[strcspn(text, "\r\n")] == '\0';
}

static bool is_type(const char *type)
{
    struct bi_media_type media;
    return bi_is_field_value(bi_view_of(type)) && bi_media_parse(bi_view_of(type), &media);
}

/* ------------------------------------------------------------------------------------------- the text */

static int put(struct bight_http_upload *upload, const char *text)
{
    return bi_http_buffer_append(&upload->text, text, strlen(text));
}

/* Within quotes: a quote would end them. */
static int put_label(struct bight_http_upload *upload, const char *text)
{
    int code = BIGHT_OK;
    while (code == BIGHT_OK && *text != '\0') {
        size_t size = strcspn(text, "\"");
        code = bi_http_buffer_append(&upload->text, text, size);
        text += size;
        if (code == BIGHT_OK && *text == '"') {
            code = put(upload, "%22");
            text++;
        }
    }
    return code;
}

/* The head of a part; of one that is no file `file_name` is NULL, and `type` may be. */
static int put_head(struct bight_http_upload *upload, const char *name, const char *file_name, const char *type)
{
    const struct {
        const char *before, *label;
    } pieces[] = {
        { upload->text.end > 0 || upload->count > 0 ? "\r\n--" : "--", NULL },
        { upload->boundary, NULL },
        { "\r\nContent-Disposition: form-data; name=\"", name },
        { file_name != NULL ? "\"; filename=\"" : "", file_name },
        { type != NULL ? "\"\r\nContent-Type: " : "\"", NULL },
        { type != NULL ? type : "", NULL },
        { "\r\n\r\n", NULL },
    };
    int code = BIGHT_OK;
    for (size_t i = 0; code == BIGHT_OK && i < sizeof pieces / sizeof *pieces; i++) {
        code = put(upload, pieces[i].before);
        if (code == BIGHT_OK && pieces[i].label != NULL) {
            code = put_label(upload, pieces[i].label);
        }
    }
    return code;
}

static int finish_text(struct bight_http_upload *upload)
{
    if (upload->text.end == 0) {
        return BIGHT_OK;
    }
    struct bight_bytes *bytes = bi_http_buffer_take(&upload->text);
    return bytes != NULL ? bi_upload_add_bytes(upload, bytes) : BIGHT_E_OUT_OF_MEMORY;
}

int bi_multipart_finish(struct bight_http_upload *upload)
{
    int code = upload->boundary[0] == '\0' || upload->is_finished ? BIGHT_OK : put(upload, "\r\n--");
    if (upload->boundary[0] == '\0' || upload->is_finished || code != BIGHT_OK) {
        return code;
    }
    code = put(upload, upload->boundary);
    code = code == BIGHT_OK ? put(upload, "--\r\n") : code;
    upload->is_finished = code == BIGHT_OK;
    return code == BIGHT_OK ? finish_text(upload) : code;
}

/* ------------------------------------------------------------------------------------------- the form */

static int begin_form(struct bight_http_call *call)
{
    uint8_t number[16];
    char type[sizeof "multipart/form-data; boundary=" + BI_UPLOAD_BOUNDARY], hexadecimal[33];
    int code = bight_random(call->client->reactor, number, sizeof number);
    if (code != BIGHT_OK) {
        return bi_call_remember(call, code, "there are no random bytes for a form's boundary");
    }
    for (size_t i = 0; i < sizeof number; i++) {
        (void)snprintf(hexadecimal + 2 * i, 3, "%02x", number[i]);
    }
    struct bight_http_upload *upload = bi_upload_new(call);
    if (upload == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    (void)snprintf(upload->boundary, sizeof upload->boundary, "----bight%s", hexadecimal);
    (void)snprintf(type, sizeof type, "multipart/form-data; boundary=%s", upload->boundary);
    return bight_http_call_set(call, "Content-Type", type);
}

/* The head of one more part. 0, or a code that the call remembers. */
static int begin_part(struct bight_http_call *call, const char *name, const char *file_name, const char *type)
{
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!is_label(name) || (file_name != NULL && !is_label(file_name))) {
        return misuse(call, "a form of an HTTP call: a name holds CR or LF");
    }
    if (type != NULL && !is_type(type)) {
        return misuse(call, "a form of an HTTP call: its type is no media type");
    }
    if (call->form.end > 0) {
        return misuse(call, "a form of an HTTP call: it has fields of one that is urlencoded");
    }
    bool has_form = call->upload != NULL && call->upload->boundary[0] != '\0';
    int code = has_form ? BIGHT_OK : begin_form(call);
    if (code == BIGHT_OK && call->upload->form_parts++ == MOST_PARTS) {
        return bi_call_remember(call, BIGHT_E_LIMIT, "the form of the call has more than 1000 parts");
    }
    code = code == BIGHT_OK ? put_head(call->upload, name, file_name, type) : code;
    return bi_call_remember(call, code, "out of memory");
}

int bight_http_call_part_text(struct bight_http_call *call, const char *name, const char *value)
{
    int code = begin_part(call, name, NULL, NULL);
    return code == BIGHT_OK ? bi_call_remember(call, put(call->upload, value), "out of memory") : code;
}

int bight_http_call_part_data(struct bight_http_call *call, const char *name, const void *data, size_t size,
    const char *file_name, const char *type)
{
    int code = begin_part(call, name, file_name, type);
    return code == BIGHT_OK
               ? bi_call_remember(call, bi_http_buffer_append(&call->upload->text, data, size), "out of memory")
               : code;
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int bight_http_call_part_file(
    struct bight_http_call *call, const char *name, const char *path, const char *file_name, const char *type)
{
    file_name = file_name != NULL ? file_name : last_component(path);
    int code = begin_part(call, name, file_name, type != NULL ? type : "application/octet-stream");
    code = code == BIGHT_OK ? finish_text(call->upload) : code;
    code = code == BIGHT_OK ? bi_upload_add_file(call->upload, path) : code;
    return call != NULL ? bi_call_remember(call, code, "out of memory") : code;
}
