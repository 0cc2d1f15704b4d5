/* SPDX-License-Identifier: MIT */
/* form.c - the body of a call as a form, urlencoded (the WHATWG URL standard's application/x-www-form-urlencoded).
 *
 * Fields are written down as they are added; what has been is the body when the call is sent. */
#include "http/client/upload.h"

#include <string.h>

#include "http/message/escape.h"

static bool stands_for_itself(uint8_t byte)
{
    return bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || byte == '*' || byte == '-' || byte == '.' || byte == '_';
}

static uint8_t *put_encoded(uint8_t *at, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (stands_for_itself(byte) || byte == ' ') {
            *at++ = byte == ' ' ? '+' : byte;
        } else {
            bi_escape_write(at, byte);
            at += BI_ESCAPE_SIZE;
        }
    }
    return at;
}

/* The type is set with the first field, and may be set to another one behind it. */
static int begin(struct bight_http_call *call)
{
    return call->form.end > 0 ? BIGHT_OK
                              : bight_http_call_set(call, "Content-Type", "application/x-www-form-urlencoded");
}

int bight_http_call_form_field(struct bight_http_call *call, const char *name, const char *value)
{
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (call->upload != NULL) {
        static const char why[] = "a form of an HTTP call: it has another body already";
        return bi_call_remember(call, bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why), why);
    }
    int code = begin(call);
    if (code != BIGHT_OK) {
        return code;
    }
    uint8_t *room = bi_http_buffer_room(&call->form, 2 + BI_ESCAPE_SIZE * (strlen(name) + strlen(value)));
    if (room == NULL) {
        return bi_call_remember(call, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
    uint8_t *at = room;
    if (call->form.end > 0) {
        *at++ = '&';
    }
    at = put_encoded(at, name);
    *at++ = '=';
    at = put_encoded(at, value);
    call->form.end += (size_t)(at - room);
    return BIGHT_OK;
}

int bi_call_finish_form(struct bight_http_call *call)
{
    if (call->form.end == 0) {
        return call->upload != NULL ? bi_multipart_finish(call->upload) : BIGHT_OK;
    }
    struct bight_bytes *bytes = bi_http_buffer_take(&call->form);
    if (bytes == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bight_bytes_release(call->body);
    call->body = bytes;
    return BIGHT_OK;
}
