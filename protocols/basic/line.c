/* SPDX-License-Identifier: MIT */
/* line.c - the line receiver: bytes in, lines out.
 *
 * What delivers is here; what programs call to steer it is in line_control.c, the buffer in line_buffer.c. Input is a
 * span: the chunk that the transport handed over, or the buffer, taken out of the receiver while it is looked at. Whole
 * lines are views of the span; only what is left when a span ends is copied. Each byte is scanned once. Between any
 * two handlers the state is looked at again, since a handler may have paused, closed, switched or turned to raw. The
 * events depend on the stream alone, never on how it was cut. */
#include "line.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

/* Of a factory without a table. */
static const struct bight_line_ops no_ops = { .connection_made = NULL };

struct bi_line_rule bi_line_rule_of(const struct bight_line_receiver *receiver)
{
    const struct bight_line_factory *factory = (const struct bight_line_factory *)receiver->base.factory;
    const struct bight_line_ops *ops = factory->ops != NULL ? factory->ops : &no_ops;
    struct bi_line_rule rule = { .ops = ops, .limit = factory->limit == 0 ? 16384 : factory->limit };
    rule.limit = rule.limit < LINE_LIMIT_CEILING ? rule.limit : LINE_LIMIT_CEILING;
    rule.either = factory->delimiter == NULL || factory->delimiter[0] == '\0';
    rule.delimiter = rule.either ? "\n" : factory->delimiter;
    rule.delimiter_size = strnlen(rule.delimiter, 255);
    rule.longest = rule.limit + (rule.either ? 2 : rule.delimiter_size);
    return rule;
}

/* How many bytes there are to the end of the first delimiter that ends after `from`; 0: there is none. */
static size_t find_end(const struct bi_line_rule *rule, const uint8_t *data, size_t from, size_t size)
{
    const uint8_t *at = data + from, *end = data + size;
    size_t length = rule->delimiter_size;
    while (at < end && (at = memchr(at, rule->delimiter[length - 1], (size_t)(end - at))) != NULL) {
        at++;
        if ((size_t)(at - data) >= length && memcmp(at - length, rule->delimiter, length) == 0) {
            return (size_t)(at - data);
        }
    }
    return 0;
}

/* What of a line that ends (with its delimiter) after `end` bytes is the line. */
static size_t line_size(const struct bi_line_rule *rule, const uint8_t *data, size_t end)
{
    size_t size = end - rule->delimiter_size;
    return rule->either && size > 0 && data[size - 1] == '\r' ? size - 1 : size;
}

bool bi_line_may_go_on(const struct bight_line_receiver *receiver)
{
    return (receiver->state & (LINE_PAUSED | LINE_OVER)) == 0 && bight_transport_is_open(receiver->base.transport);
}

static void advance(struct bight_line_span *span, size_t size)
{
    span->data += size;
    span->size -= size;
    span->given = 0;
}

static void give_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, const uint8_t *line, size_t size)
{
    if (rule->ops->line_received != NULL) {
        rule->ops->line_received(receiver, (const char *)line, size);
    }
}

/* The limit was passed; the span begins behind it. */
static void give_length_exceeded(struct bight_line_receiver *receiver, const struct bi_line_rule *rule)
{
    receiver->state |= LINE_SKIPPING;
    if (rule->ops->line_length_exceeded != NULL) {
        rule->ops->line_length_exceeded(receiver, rule->limit);
    } else {
        (void)bight_transport_lose_connection(receiver->base.transport);
    }
}

static void give_raw(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    const uint8_t *data = span->data;
    size_t size = span->size;
    advance(span, size);
    span->given = size;
    if (rule->ops->raw_data_received != NULL) {
        rule->ops->raw_data_received(receiver, data, size);
    }
    span->given = 0;
}

/* A span that begins with a new line: gives one line of it, or keeps an unfinished one. */
static void read_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    const uint8_t *line = span->data;
    size_t looked_at = span->size < rule->longest ? span->size : rule->longest;
    size_t end = find_end(rule, line, 0, looked_at);
    size_t size = end == 0 ? 0 : line_size(rule, line, end);
    if (size > rule->limit || (end == 0 && looked_at == rule->longest)) {
        advance(span, rule->limit);
        give_length_exceeded(receiver, rule);
    } else if (end != 0) {
        advance(span, end);
        give_line(receiver, rule, line, size);
    } else if (bi_line_buffer_append(receiver, line, span->size)) {
        advance(span, span->size);
    }
}

/* The buffer has grown to the line's end, or to its limit. It is taken out of the receiver while handlers run. */
static void finish_buffered_line(struct bight_line_receiver *receiver, const struct bi_line_rule *rule, size_t end)
{
    uint8_t *line = receiver->buffer;
    size_t used = receiver->used;
    size_t size = end == 0 ? 0 : line_size(rule, line, end);
    bi_line_buffer_detach(receiver);
    if (end != 0 && size <= rule->limit) {
        give_line(receiver, rule, line, size);
    } else {
        struct bight_line_span rest = { .data = line + rule->limit, .size = used - rule->limit };
        bi_line_span_enter(receiver, &rest);
        give_length_exceeded(receiver, rule);
        bi_line_consume(receiver, &rest);
        bi_line_span_leave(receiver, &rest);
    }
    bight_free(line);
}

/* An unfinished line is in the buffer: adds to it as far as the next byte that might end it. */
static void continue_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    size_t room = receiver->used < rule->longest ? rule->longest - receiver->used : 0;
    size_t size = span->size < room ? span->size : room;
    const uint8_t *last = size == 0 ? NULL : memchr(span->data, rule->delimiter[rule->delimiter_size - 1], size);
    size = last == NULL ? size : (size_t)(last - span->data) + 1;
    if (!bi_line_buffer_append(receiver, span->data, size)) {
        return;
    }
    advance(span, size);
    size_t end = find_end(rule, receiver->buffer, receiver->used - 1, receiver->used);
    if (end != 0 || receiver->used >= rule->longest) {
        finish_buffered_line(receiver, rule, end);
    }
}

/* Throws away what belongs to a line that was too long. What might be the beginning of its delimiter is kept in the
 * buffer: at most one byte less than the delimiter has. */
static void skip_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    size_t overlap = rule->delimiter_size - 1, held = receiver->used;
    size_t joined = span->size < overlap ? span->size : overlap;
    if (held > 0 && !bi_line_buffer_append(receiver, span->data, joined)) {
        return;
    }
    size_t end = held == 0 ? 0 : find_end(rule, receiver->buffer, held, receiver->used);
    end = end != 0 ? end - held : find_end(rule, span->data, 0, span->size);
    if (end != 0) {
        receiver->state &= ~(uint32_t)LINE_SKIPPING;
        bi_line_buffer_drop(receiver);
        advance(span, end);
        return;
    }
    if (held == 0 || span->size > overlap) {
        bi_line_buffer_drop(receiver);
        (void)bi_line_buffer_append(receiver, span->data + span->size - joined, joined);
    } else if (receiver->used > overlap) {
        receiver->start = receiver->used - (uint32_t)overlap;
        bi_line_buffer_compact(receiver);
    }
    advance(span, span->size);
}

void bi_line_consume(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    struct bi_line_rule rule = bi_line_rule_of(receiver);
    while (span->size > 0 && bi_line_may_go_on(receiver)) {
        if ((receiver->state & LINE_RAW) != 0) {
            if (receiver->used > 0) {
                bi_line_drain(receiver);
            } else {
                give_raw(receiver, &rule, span);
            }
        } else if ((receiver->state & LINE_SKIPPING) != 0) {
            skip_line(receiver, &rule, span);
        } else if (receiver->used > 0) {
            continue_line(receiver, &rule, span);
        } else {
            read_line(receiver, &rule, span);
        }
    }
}

void bi_line_drain(struct bight_line_receiver *receiver)
{
    uint8_t *memory = receiver->buffer;
    uint32_t used = receiver->used, room = receiver->room;
    struct bight_line_span span = { .data = memory + receiver->start, .size = used - receiver->start };
    receiver->state &= ~(uint32_t)LINE_PENDING;
    bi_line_buffer_detach(receiver);
    bi_line_span_enter(receiver, &span);
    bi_line_consume(receiver, &span);
    if (span.size > 0 && receiver->buffer == NULL && (receiver->state & LINE_OVER) == 0) {
        bi_line_buffer_attach(receiver, memory, used - (uint32_t)span.size, used, room);
        memory = NULL;
        span.size = 0;
    }
    bi_line_span_leave(receiver, &span);
    bight_free(memory);
}

void bi_line_drain_pending(struct bight_line_receiver *receiver)
{
    while ((receiver->state & LINE_PENDING) != 0 && bi_line_may_go_on(receiver)) {
        bi_line_drain(receiver);
    }
    if (!bight_transport_is_open(receiver->base.transport)) {
        bi_line_buffer_drop(receiver);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    if ((receiver->state & (LINE_PENDING | LINE_PAUSED)) != 0) {
        if (bi_line_buffer_append(receiver, data, size)) {
            receiver->state |= LINE_PENDING;
        }
    } else {
        struct bight_line_span span = { .data = data, .size = size };
        bi_line_span_enter(receiver, &span);
        bi_line_consume(receiver, &span);
        bi_line_span_leave(receiver, &span);
    }
    bi_line_drain_pending(receiver);
}

/* Nobody would hear anything. */
static void refuse(struct bight_line_receiver *receiver)
{
    bight_log(BIGHT_LOG_ERROR, "usage", NULL,
        "a line receiver's factory has no table of handlers: BIGHT_LINE_FACTORY was given NULL");
    (void)bight_transport_abort_connection(receiver->base.transport);
}

static void connection_made(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    if (ops == &no_ops) {
        refuse(receiver);
    }
    if (ops->connection_made != NULL) {
        ops->connection_made(receiver);
    }
}

static void finish(struct bight_line_receiver *receiver)
{
    receiver->state |= LINE_OVER;
    bi_line_buffer_drop(receiver);
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    finish(receiver);
    if (ops->connection_lost != NULL) {
        ops->connection_lost(receiver, reason);
    }
}

static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    return ops->read_connection_lost != NULL && ops->read_connection_lost(receiver);
}

static void write_connection_lost(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    if (ops->write_connection_lost != NULL) {
        ops->write_connection_lost(receiver);
    }
}

static void protocol_replaced(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    finish(receiver);
    if (ops->protocol_replaced != NULL) {
        ops->protocol_replaced(receiver);
    }
}

static void handshake_completed(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = bi_line_rule_of(receiver).ops;
    if (ops->handshake_completed != NULL) {
        ops->handshake_completed(receiver);
    }
}

const struct bight_protocol_ops bight_line_protocol_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = connection_lost,
    .read_connection_lost = read_connection_lost,
    .write_connection_lost = write_connection_lost,
    .protocol_replaced = protocol_replaced,
    .handshake_completed = handshake_completed,
};
