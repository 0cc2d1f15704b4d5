/* SPDX-License-Identifier: MIT */
/* json.c - a message as JSON, {"id":"k3fz-17","text":"hello"}: what clients get that do not get events. */
#include <stdio.h>
#include <string.h>

#include "http/hub/hub.h"
#include "http/hub/json.h"

static int append(struct bi_http_buffer *buffer, const char *text)
{
    return bi_http_buffer_append(buffer, text, strlen(text));
}

/* What stands for itself at the beginning. */
static size_t plain_of(const uint8_t *text, size_t size)
{
    size_t plain = 0;
    while (plain < size && text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\' && text[plain] != 0x7f) {
        plain++;
    }
    return plain;
}

/* The text is UTF-8, so there is nothing else to be escaped (RFC 8259, section 7). */
static int append_string(struct bi_http_buffer *buffer, const char *string, size_t size)
{
    const uint8_t *text = (const uint8_t *)string;
    int code = append(buffer, "\"");
    while (code == BIGHT_OK && size > 0) {
        size_t plain = plain_of(text, size);
        code = bi_http_buffer_append(buffer, text, plain);
        text += plain;
        size -= plain;
        if (code == BIGHT_OK && size > 0) {
            char escape[8];
            (void)snprintf(escape, sizeof escape, "\\u%04x", *text++);
            code = append(buffer, escape);
            size--;
        }
    }
    return code == BIGHT_OK ? append(buffer, "\"") : code;
}

int bi_hub_json_message(struct bi_http_buffer *buffer, const struct bight_http_hub_message *message)
{
    int code = append(buffer, "{\"id\":\"");
    code = code == BIGHT_OK ? append(buffer, message->id) : code;
    code = code == BIGHT_OK ? append(buffer, "\",\"text\":") : code;
    code = code == BIGHT_OK ? append_string(buffer, message->text, message->size) : code;
    return code == BIGHT_OK ? append(buffer, "}") : code;
}
