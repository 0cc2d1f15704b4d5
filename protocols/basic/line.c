/* SPDX-License-Identifier: MIT */
/* line.c - the line receiver: bytes in, lines out.
 *
 * What delivers is here; what programs call to steer it is in line_control.c. Input is a span: the chunk that the
 * transport handed over. Whole lines are views of the span; only the beginning of a line is copied when a span ends.
 * The NUL behind a line stands where its delimiter begins, and that is put back when the handler has returned, since
 * the memory is the transport's; in memory that is not bight's own nothing is changed, and its lines are copied. Each
 * byte is scanned once. Between any two handlers the transport is asked whether it takes more, since a handler may have
 * paused, closed, switched, pushed a layer or written too much; what is left of the span is given back then. The events
 * depend on the stream alone, never on how it was cut. */
#include "line.h"

#include <bight/log.h>

#include <string.h>

/* Of a factory without a table. */
static const struct bight_line_ops no_ops = { .connection_made = NULL };

struct bi_line_rule bi_line_rule_of(const struct bight_line_receiver *receiver)
{
    const struct bight_line_factory *factory = (const struct bight_line_factory *)receiver->base.factory;
    struct bi_line_rule rule = { .ops = receiver->own->ops, .limit = factory->limit == 0 ? 16384 : factory->limit };
    rule.limit = rule.limit < LINE_LIMIT_CEILING ? rule.limit : LINE_LIMIT_CEILING;
    rule.either = factory->delimiter == NULL || factory->delimiter[0] == '\0';
    rule.delimiter = rule.either ? "\n" : factory->delimiter;
    rule.delimiter_size = strnlen(rule.delimiter, 255);
    rule.longest = rule.limit + (rule.either ? 2 : rule.delimiter_size);
    return rule;
}

/* What of a line that ends (with its delimiter) after `end` bytes is the line. */
static size_t line_size(const struct bi_line_rule *rule, const uint8_t *data, size_t end)
{
    size_t size = end - rule->delimiter_size;
    return rule->either && size > 0 && data[size - 1] == '\r' ? size - 1 : size;
}

/* --------------------------------------------------------------------------------------------- what is kept */

/* False when out of memory: the connection has been aborted, since a stream has no gap. */
static bool keep(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    if (bi_input_append(&receiver->own->input, data, size) == BIGHT_OK) {
        return true;
    }
    bi_input_drop(&receiver->own->input);
    (void)bight_transport_abort_connection(receiver->base.transport);
    return false;
}

/* The last comes first, so that it is behind the others. A connection that wants no more input drops it. */
static void return_span(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    if (span != NULL) {
        return_span(receiver, span->outer);
        (void)bight_transport_give_back(receiver->base.transport, span->data, span->size);
        span->size = 0;
    }
}

void bi_line_return_spans(struct bight_line_receiver *receiver)
{
    return_span(receiver, receiver->own->delivering);
}

void bi_line_return_input(struct bight_line_receiver *receiver)
{
    struct bight_input *input = bi_input_take(&receiver->own->input);
    (void)bight_transport_give_back(receiver->base.transport, bi_input_bytes(input), bi_input_size(input));
    bi_input_drop(&input);
}

/* Makes a span known to handlers. */
static void enter(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    span->outer = receiver->own->delivering;
    receiver->own->delivering = span;
}

static void leave(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    if (span->size > 0) {
        bi_line_return_spans(receiver);
    }
    receiver->own->delivering = span->outer;
}

/* --------------------------------------------------------------------------------------------- delivering */

static void advance(struct bight_line_span *span, size_t size)
{
    span->data += size;
    span->size -= size;
    span->given = 0;
}

/* A line in memory of bight's own. Its delimiter, which is no longer needed, makes place for the NUL. */
static void give_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, const uint8_t *line, size_t size)
{
    if (rule->ops->line_received == NULL) {
        return;
    }
    uint8_t *end = (uint8_t *)(uintptr_t)line + size;
    uint8_t was = *end;
    *end = '\0';
    rule->ops->line_received(receiver, (const char *)line, size);
    *end = was;
}

/* The limit was passed; the span begins behind it. */
static void give_length_exceeded(struct bight_line_receiver *receiver, const struct bi_line_rule *rule)
{
    receiver->own->state |= LINE_SKIPPING;
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

static void finish_kept_line(struct bight_line_receiver *receiver, const struct bi_line_rule *rule, size_t end);

/* A line with its delimiter, of `end` bytes, is copied first. */
static void copy_and_give(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, const uint8_t *line, size_t end)
{
    if (keep(receiver, line, end)) {
        finish_kept_line(receiver, rule, end);
    }
}

/* A span that begins with a new line: returns one line of it, or keeps an unfinished one. */
static void read_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    const uint8_t *line = span->data;
    size_t looked_at = span->size < rule->longest ? span->size : rule->longest;
    size_t end = bi_input_find(line, looked_at, 0, rule->delimiter, rule->delimiter_size);
    size_t size = end == 0 ? 0 : line_size(rule, line, end);
    if (size > rule->limit || (end == 0 && looked_at == rule->longest)) {
        advance(span, rule->limit);
        give_length_exceeded(receiver, rule);
    } else if (end != 0) {
        advance(span, end);
        span->is_own ? give_line(receiver, rule, line, size) : copy_and_give(receiver, rule, line, end);
    } else if (keep(receiver, line, span->size)) {
        advance(span, span->size);
    }
}

static void consume(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span);

/* What was kept has grown to the line's end, or to its limit. It is taken out of the receiver while handlers run. */
static void finish_kept_line(struct bight_line_receiver *receiver, const struct bi_line_rule *rule, size_t end)
{
    struct bight_input *input = bi_input_take(&receiver->own->input);
    const uint8_t *line = bi_input_bytes(input);
    size_t size = end == 0 ? 0 : line_size(rule, line, end);
    if (end != 0 && size <= rule->limit) {
        give_line(receiver, rule, line, size);
    } else {
        struct bight_line_span rest = {
            .data = line + rule->limit, .size = bi_input_size(input) - rule->limit, .is_own = true
        };
        enter(receiver, &rest);
        give_length_exceeded(receiver, rule);
        consume(receiver, rule, &rest);
        leave(receiver, &rest);
    }
    bi_input_drop(&input);
}

/* The beginning of a line was kept: adds to it as far as the next byte that might end it. */
static void continue_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    size_t length = rule->delimiter_size, held = bi_input_size(receiver->own->input);
    size_t room = held < rule->longest ? rule->longest - held : 0;
    size_t size = span->size < room ? span->size : room;
    const uint8_t *last = size == 0 ? NULL : memchr(span->data, rule->delimiter[length - 1], size);
    size = last == NULL ? size : (size_t)(last - span->data) + 1;
    if (!keep(receiver, span->data, size)) {
        return;
    }
    advance(span, size);
    held += size;
    size_t end = bi_input_find(
        bi_input_bytes(receiver->own->input), held, held < length ? 0 : held - length, rule->delimiter, length);
    if (end != 0 || held >= rule->longest) {
        finish_kept_line(receiver, rule, end);
    }
}

/* Throws away what belongs to a line that was too long. What might be the beginning of its delimiter is kept: at most
 * one byte less than the delimiter has. */
static void skip_line(
    struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    size_t length = rule->delimiter_size, overlap = length - 1, held = bi_input_size(receiver->own->input);
    size_t joined = span->size < overlap ? span->size : overlap;
    if (held > 0 && !keep(receiver, span->data, joined)) {
        return;
    }
    size_t end = bi_input_find(
        bi_input_bytes(receiver->own->input), bi_input_size(receiver->own->input), 0, rule->delimiter, length);
    end = end != 0 ? end - held : bi_input_find(span->data, span->size, 0, rule->delimiter, length);
    if (end != 0) {
        receiver->own->state &= ~(uint32_t)LINE_SKIPPING;
        bi_input_drop(&receiver->own->input);
        advance(span, end);
        return;
    }
    if (held == 0 || span->size > overlap) {
        bi_input_drop(&receiver->own->input);
        (void)keep(receiver, span->data + span->size - joined, joined);
    } else if (held + joined > overlap) {
        bi_input_consume(&receiver->own->input, held + joined - overlap);
    }
    advance(span, span->size);
}

/* Delivers from the span until it is empty or something stands in the way. */
static void consume(struct bight_line_receiver *receiver, const struct bi_line_rule *rule, struct bight_line_span *span)
{
    while (span->size > 0 && bight_transport_takes_input(receiver->base.transport)) {
        if ((receiver->own->state & LINE_RAW) != 0) {
            give_raw(receiver, rule, span);
        } else if ((receiver->own->state & LINE_SKIPPING) != 0) {
            skip_line(receiver, rule, span);
        } else if (receiver->own->input != NULL) {
            continue_line(receiver, rule, span);
        } else {
            read_line(receiver, rule, span);
        }
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    struct bi_line_rule rule = bi_line_rule_of(receiver);
    struct bight_line_span span = { .data = data, .size = size, .is_own = bi_input_is_own(protocol, data, size) };
    enter(receiver, &span);
    consume(receiver, &rule, &span);
    leave(receiver, &span);
}

/* Nothing would be delivered. */
static void refuse(struct bight_line_receiver *receiver)
{
    bight_log(BIGHT_LOG_ERROR, "usage", NULL,
        "a line receiver's factory has no table of handlers: BIGHT_LINE_FACTORY was given NULL");
    (void)bight_transport_abort_connection(receiver->base.transport);
}

static void set_memory(struct bight_protocol *protocol, void *memory)
{
    const struct bight_line_factory *factory = (const struct bight_line_factory *)protocol->factory;
    struct bight_line_state *own = memory;
    own->ops = factory->ops != NULL ? factory->ops : &no_ops;
    ((struct bight_line_receiver *)protocol)->own = own;
}

static void connection_made(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    if (ops == &no_ops) {
        refuse(receiver);
    }
    if (ops->connection_made != NULL) {
        ops->connection_made(receiver);
    }
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    bi_input_drop(&receiver->own->input);
    if (ops->connection_lost != NULL) {
        ops->connection_lost(receiver, reason);
    }
}

static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    return ops->read_connection_lost != NULL && ops->read_connection_lost(receiver);
}

static void write_connection_lost(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    if (ops->write_connection_lost != NULL) {
        ops->write_connection_lost(receiver);
    }
}

static void protocol_replaced(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    bi_input_drop(&receiver->own->input);
    if (ops->protocol_replaced != NULL) {
        ops->protocol_replaced(receiver);
    }
}

static void handshake_completed(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    if (ops->handshake_completed != NULL) {
        ops->handshake_completed(receiver);
    }
}

static void room(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    if (ops->room != NULL) {
        ops->room(receiver);
    }
}

static bool drain(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    return ops->drain != NULL && ops->drain(receiver);
}

static void finish(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    const struct bight_line_ops *ops = receiver->own->ops;
    if (ops->finish != NULL) {
        ops->finish(receiver);
    }
}

static void return_input(struct bight_protocol *protocol)
{
    struct bight_line_receiver *receiver = (struct bight_line_receiver *)protocol;
    bi_line_return_spans(receiver);
    bi_line_return_input(receiver);
    receiver->own->state &= ~(uint32_t)LINE_SKIPPING;
}

const struct bight_protocol_ops bight_line_protocol_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = connection_lost,
    .read_connection_lost = read_connection_lost,
    .write_connection_lost = write_connection_lost,
    .protocol_replaced = protocol_replaced,
    .handshake_completed = handshake_completed,
    .finish = finish,
    .return_input = return_input,
    .room = room,
    .drain = drain,
    .memory_size = sizeof(struct bight_line_state),
    .set_memory = set_memory,
};
