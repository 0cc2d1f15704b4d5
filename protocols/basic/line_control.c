/* SPDX-License-Identifier: MIT */
/* line_control.c - what programs call on a line receiver: sending, modes, pausing, forgetting, switching.
 *
 * Nothing here delivers: inside a handler the delivering loop sees the change when the handler has returned; what
 * must come again is given back to the transport, which delivers it on a later turn. */
#include "line.h"

#include <string.h>

#include <bight/sys/output.h>

/* ------------------------------------------------------------------------------------------ sending */

/* The byte at `index` of the text with the delimiter behind it. */
static char byte_at(const char *line, size_t size, const char *delimiter, size_t index)
{
    return index < size ? line[index] : delimiter[index - size];
}

static bool begins_delimiter(const char *line, size_t size, const char *delimiter, size_t length, size_t start)
{
    size_t same = 0;
    while (same < length && byte_at(line, size, delimiter, start + same) == delimiter[same]) {
        same++;
    }
    return same == length;
}

/* True when a delimiter begins in the text, be it one that ends in the delimiter which is sent after it. */
static bool holds_delimiter(const char *line, size_t size, const char *delimiter, size_t length)
{
    const char *at = line;
    while ((at = memchr(at, delimiter[0], size - (size_t)(at - line))) != NULL) {
        if (begins_delimiter(line, size, delimiter, length, (size_t)(at - line))) {
            return true;
        }
        at++;
    }
    return false;
}

static bool holds_line_end(const char *line, size_t size)
{
    return memchr(line, '\n', size) != NULL || memchr(line, '\r', size) != NULL;
}

static bool is_one_line(const struct bi_line_rule *rule, const char *line, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (rule->either) {
        return !holds_line_end(line, size);
    }
    if (holds_line_end(rule->delimiter, rule->delimiter_size) && holds_line_end(line, size)) {
        return false;
    }
    return !holds_delimiter(line, size, rule->delimiter, rule->delimiter_size);
}

/* What is sent behind a line. */
static struct iovec end_of(const struct bi_line_rule *rule)
{
    const char *delimiter = rule->either ? "\r\n" : rule->delimiter;
    return (struct iovec) { (void *)(uintptr_t)delimiter, rule->either ? 2 : rule->delimiter_size };
}

int bight_line_send(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct bi_line_rule rule = bi_line_rule_of(receiver);
    if (!is_one_line(&rule, line, size)) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    struct iovec parts[2] = { { (void *)(uintptr_t)line, size }, end_of(&rule) };
    return bight_transport_write_sequence(receiver->base.transport, parts, 2);
}

int bight_line_send_text(struct bight_line_receiver *receiver, const char *line)
{
    return bight_line_send(receiver, line, strlen(line));
}

int bight_line_vsendf(struct bight_line_receiver *receiver, const char *format, va_list arguments)
{
    struct bight_transport *transport = receiver->base.transport;
    struct bi_line_rule rule = bi_line_rule_of(receiver);
    struct iovec end = end_of(&rule);
    char *text;
    size_t size;
    int code = bight_transport_reserve_format(transport, end.iov_len, &text, &size, format, arguments);
    if (code != BIGHT_OK) {
        return code;
    }
    if (!is_one_line(&rule, text, size)) {
        (void)bight_transport_commit(transport, 0);
        return BIGHT_E_INVALID_ARGUMENT;
    }
    memcpy(text + size, end.iov_base, end.iov_len);
    return bight_transport_commit(transport, size + end.iov_len);
}

int bight_line_sendf(struct bight_line_receiver *receiver, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = bight_line_vsendf(receiver, format, arguments);
    va_end(arguments);
    return code;
}

/* ---------------------------------------------------------------------------------- pause and resume */

void bight_line_pause(struct bight_line_receiver *receiver)
{
    (void)bight_transport_pause(receiver->base.transport);
}

void bight_line_resume(struct bight_line_receiver *receiver)
{
    (void)bight_transport_resume(receiver->base.transport);
}

/* -------------------------------------------------------------------------------------------- modes */

size_t bight_line_forget_input(struct bight_line_receiver *receiver)
{
    size_t size = bi_input_size(receiver->own->input) + bight_transport_forget_input(receiver->base.transport);
    for (struct bight_line_span *span = receiver->own->delivering; span != NULL; span = span->outer) {
        size += span->size;
        span->size = 0;
    }
    bi_input_drop(&receiver->own->input);
    receiver->own->state &= ~(uint32_t)LINE_SKIPPING;
    return size;
}

void bight_line_set_raw_mode(struct bight_line_receiver *receiver)
{
    receiver->own->state |= LINE_RAW;
    receiver->own->state &= ~(uint32_t)LINE_SKIPPING;
    bi_line_return_input(receiver);
}

/* The end of what a raw handler has just been given, with nothing behind it. */
static bool is_end_of_given(const struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    const struct bight_line_span *span = receiver->own->delivering;
    return span != NULL && span->size == 0 && receiver->own->input == NULL && size <= span->given &&
           data == span->data - size;
}

int bight_line_set_line_mode(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    struct bight_transport *transport = receiver->base.transport;
    int code = bight_transport_give_back(transport, NULL, 0);
    if (code != BIGHT_OK) {
        return code;
    }
    receiver->own->state &= ~(uint32_t)LINE_RAW;
    if (size == 0) {
        return BIGHT_OK;
    }
    if (is_end_of_given(receiver, data, size)) {
        receiver->own->delivering->data = data;
        receiver->own->delivering->size = size;
        receiver->own->delivering->given = 0;
        return BIGHT_OK;
    }
    receiver->own->state &= ~(uint32_t)LINE_SKIPPING;
    bi_line_return_spans(receiver);
    bi_line_return_input(receiver);
    return bight_transport_give_back(transport, data, size);
}

int bight_line_switch_protocol(struct bight_line_receiver *receiver, struct bight_protocol *protocol)
{
    int code = bight_transport_switch_protocol(receiver->base.transport, protocol, NULL, 0);
    if (code == BIGHT_OK) {
        bi_line_return_spans(receiver);
        bi_line_return_input(receiver);
    }
    return code;
}
