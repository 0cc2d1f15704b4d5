/* SPDX-License-Identifier: MIT */
/* line_control.c - what programs call on a line receiver: sending, modes, pausing, forgetting, switching.
 *
 * Nothing here delivers: inside a handler the delivering loop sees the change when the handler has returned, outside
 * one a timer of no delay does it on a later turn. */
#include "line.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------ sending */

/* The byte at `index` of the text with the delimiter behind it. */
static char byte_at(const char *line, size_t size, const char *delimiter, size_t index)
{
    return index < size ? line[index] : delimiter[index - size];
}

/* True when a delimiter begins in the text, be it one that ends in the delimiter which is sent after it. */
static bool holds_delimiter(const char *line, size_t size, const char *delimiter, size_t length)
{
    for (size_t start = 0; start < size; start++) {
        size_t same = 0;
        while (same < length && byte_at(line, size, delimiter, start + same) == delimiter[same]) {
            same++;
        }
        if (same == length) {
            return true;
        }
    }
    return false;
}

static bool is_one_line(const struct bi_line_rule *rule, const char *line, size_t size)
{
    bool line_ends = memchr(rule->delimiter, '\n', rule->delimiter_size) != NULL ||
                     memchr(rule->delimiter, '\r', rule->delimiter_size) != NULL;
    if (line_ends && size > 0 && (memchr(line, '\n', size) != NULL || memchr(line, '\r', size) != NULL)) {
        return false;
    }
    return !holds_delimiter(line, size, rule->delimiter, rule->delimiter_size);
}

int bight_line_send(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct bi_line_rule rule = bi_line_rule_of(receiver);
    if (!is_one_line(&rule, line, size)) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    const char *delimiter = rule.either ? "\r\n" : rule.delimiter;
    struct iovec parts[2] = { { (void *)(uintptr_t)line, size },
        { (void *)(uintptr_t)delimiter, rule.either ? 2 : rule.delimiter_size } };
    return bight_transport_write_sequence(receiver->base.transport, parts, 2);
}

int bight_line_send_text(struct bight_line_receiver *receiver, const char *line)
{
    return bight_line_send(receiver, line, strlen(line));
}

/* ---------------------------------------------------------------------------------- pause and resume */

static void release_receiver(void *context)
{
    bight_protocol_release(&((struct bight_line_receiver *)context)->base);
}

static void deliver_later(void *context)
{
    struct bight_line_receiver *receiver = context;
    receiver->state &= ~(uint32_t)LINE_SCHEDULED;
    bi_line_drain_pending(receiver);
    if ((receiver->state & (LINE_PAUSED | LINE_OVER)) == 0) {
        (void)bight_transport_resume(receiver->base.transport);
    }
}

/* Has what was kept delivered on a later turn; the transport stays paused until then. */
static void schedule(struct bight_line_receiver *receiver)
{
    struct bight_transport *transport = receiver->base.transport;
    if ((receiver->state & LINE_SCHEDULED) != 0) {
        return;
    }
    (void)bight_transport_pause(transport);
    if (bi_input_go_on_later(&receiver->base, deliver_later, release_receiver) == BIGHT_OK) {
        receiver->state |= LINE_SCHEDULED;
    } else {
        (void)bight_transport_abort_connection(transport);
    }
}

static bool is_over(const struct bight_line_receiver *receiver)
{
    return (receiver->state & LINE_OVER) != 0 || !bight_transport_is_open(receiver->base.transport);
}

void bight_line_pause(struct bight_line_receiver *receiver)
{
    receiver->state |= LINE_PAUSED;
    (void)bight_transport_pause(receiver->base.transport);
}

void bight_line_resume(struct bight_line_receiver *receiver)
{
    if ((receiver->state & LINE_PAUSED) == 0 || is_over(receiver)) {
        return;
    }
    receiver->state &= ~(uint32_t)LINE_PAUSED;
    if ((receiver->state & LINE_PENDING) != 0 && receiver->delivering == NULL) {
        schedule(receiver);
    } else {
        (void)bight_transport_resume(receiver->base.transport);
    }
}

/* -------------------------------------------------------------------------------------------- modes */

static size_t undelivered(const struct bight_line_receiver *receiver)
{
    size_t size = bi_input_size(receiver->input);
    for (const struct bight_line_span *span = receiver->delivering; span != NULL; span = span->outer) {
        size += span->size;
    }
    return size;
}

/* Has all undelivered input in receiver->input, in order and behind `size` bytes of `data`. 0, or OUT_OF_MEMORY: then
 * nothing was moved. */
static int gather(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    size_t held = bi_input_size(receiver->input), all = undelivered(receiver);
    int code = bi_input_reserve(&receiver->input, size, all - held);
    if (code != BIGHT_OK || size + all == held) {
        return code;
    }
    (void)bi_input_prepend(&receiver->input, data, size);
    for (struct bight_line_span *span = receiver->delivering; span != NULL; span = span->outer) {
        (void)bi_input_append(&receiver->input, span->data, span->size);
        span->size = 0;
    }
    receiver->state |= LINE_PENDING;
    return BIGHT_OK;
}

size_t bight_line_forget_input(struct bight_line_receiver *receiver)
{
    size_t size = undelivered(receiver);
    for (struct bight_line_span *span = receiver->delivering; span != NULL; span = span->outer) {
        span->size = 0;
    }
    bi_line_drop_input(receiver);
    receiver->state &= ~(uint32_t)LINE_SKIPPING;
    return size;
}

void bight_line_set_raw_mode(struct bight_line_receiver *receiver)
{
    if (is_over(receiver)) {
        return;
    }
    receiver->state |= LINE_RAW;
    receiver->state &= ~(uint32_t)LINE_SKIPPING;
    if (receiver->input != NULL) {
        receiver->state |= LINE_PENDING;
        if (receiver->delivering == NULL && (receiver->state & LINE_PAUSED) == 0) {
            schedule(receiver);
        }
    }
}

/* Puts `data` before everything else that waits. */
static int put_back(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    int code = gather(receiver, data, size);
    if (code != BIGHT_OK) {
        (void)bight_transport_abort_connection(receiver->base.transport);
        return code;
    }
    receiver->state &= ~(uint32_t)LINE_SKIPPING;
    if (receiver->delivering == NULL && (receiver->state & LINE_PAUSED) == 0) {
        schedule(receiver);
    }
    return BIGHT_OK;
}

int bight_line_set_line_mode(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    struct bight_line_span *span = receiver->delivering;
    if (is_over(receiver)) {
        return BIGHT_E_CLOSED;
    }
    receiver->state &= ~(uint32_t)LINE_RAW;
    if (size == 0) {
        return 0;
    }
    if (receiver->input == NULL && span != NULL && span->size == 0 && size <= span->given &&
        data == span->data - size) {
        span->data = data;
        span->size = size;
        span->given = 0;
        return 0;
    }
    return put_back(receiver, data, size);
}

int bight_line_switch_protocol(struct bight_line_receiver *receiver, struct bight_protocol *protocol)
{
    if (is_over(receiver)) {
        return BIGHT_E_CLOSED;
    }
    int code = gather(receiver, NULL, 0);
    if (code != BIGHT_OK) {
        return code;
    }
    bight_protocol_hold(&receiver->base);
    code = bight_transport_switch_protocol(
        receiver->base.transport, protocol, bi_input_bytes(receiver->input), bi_input_size(receiver->input));
    if (code == BIGHT_OK) {
        (void)bight_line_forget_input(receiver);
        receiver->state |= LINE_OVER;
    }
    bight_protocol_release(&receiver->base);
    return code;
}
