/* SPDX-License-Identifier: MIT */
/* reserve.c - output that the program composes where it is sent from (bight/sys/output.h).
 *
 * The room is behind what is queued, in the last block, nearly always that of the ready output; the commit moves the
 * block's end, and so the two do what a small write does but its copy. What the commit would have to look at (limits,
 * the flush) is looked at when the room is given, as if all of it were used, for nothing comes between: a commit of at
 * most `most` bytes has nothing left to decide. Where there is no such room (the block is too full, the bytes are too
 * many, or a layer is to have them first) it is in a chunk put aside, which is queued or written by the commit.
 * RESERVED in the state stands for the time between: it makes writes unusual, and flushes too, so that neither pays for
 * looking. Code that needs the queue before the commit forgets what was reserved. */
#include <bight/sys/output.h>

#include <stdio.h>

#include "transport/output.h"
#include "transport/queue.h"

/* With one of these a reservation needs a closer look; while one is open it is this and no other. */
#define UNUSUAL ((BI_LIFE & ~BI_NEW) | BI_WRITE_END | BI_LAYERED | BI_RESERVED)

/* What a text has at first: enough for most lines, and so little that several fit into an output's first block. One
 * that does not fit is formatted twice. */
#define FIRST_TRY 256

/* For something: a reference has no room, nor a file. */
static inline bool has_room(const struct bi_chunk *last, size_t size)
{
    return last != NULL && size - 1 < (size_t)(last->room_end - last->room);
}

/* ------------------------------------------------------------------------------------- misuse */

int bi_reserve_refuse(const char *what)
{
    return bi_usage_error(
        BIGHT_E_USAGE, BIGHT_HERE, "%s before bight_transport_commit: output of this connection is reserved", what);
}

#ifdef BIGHT_DEBUG_CHECKS
int bi_transport_check(const struct bight_transport *transport, const char *what)
{
    if (transport->hub != NULL && bi_reactor_check_thread(transport->hub->reactor, what) != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    return transport->state & BI_RESERVED ? bi_reserve_refuse(what) : BIGHT_OK;
}
#endif

static bool is_wrong_thread(const struct bight_transport *transport, const char *what)
{
    return transport->hub != NULL && bi_reactor_check_thread(transport->hub->reactor, what) != 0;
}

static void end_room(struct bi_output *output)
{
    output->transport->state &= ~BI_RESERVED;
    output->most = output->reserved = 0;
    output->aside = NULL;
}

/* It was made for what has not come: with the flush that was planned, or when nothing else waits for it. */
static bool is_for_nothing(struct bi_output *output, bool is_ready)
{
    return output->queued == 0 && !output->watching && !output->busy &&
           (is_ready || (output->task.run == NULL && output->sent == NULL && !output->settling));
}

/* Nothing was committed, and what was put aside is gone already. Room by `most` in an empty queue is the ready
 * output's, for else something comes before it. */
static void close_room(struct bi_output *output)
{
    bool is_ready = output->most > 0 && output->queued == 0;
    end_room(output);
    if (is_for_nothing(output, is_ready)) {
        if (is_ready) {
            bi_reactor_unqueue(output->transport->hub->reactor, &output->task);
        }
        bi_output_put_back(output);
    } else if (output->queued == 0 && !output->busy) {
        bi_queue_consume(output, 0);
    }
}

void bi_reserve_forget(struct bi_output *output)
{
    if (!(output->transport->state & BI_RESERVED)) {
        return;
    }
    (void)bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE,
        "bight_transport_reserve: %zu bytes were reserved and not committed before the handler returned",
        output->most + output->reserved);
    if (output->aside != NULL) {
        bi_queue_free_aside(output->transport->hub, output->aside);
    }
    end_room(output);
}

/* ---------------------------------------------------------------------------------------- reserving */

/* The commit says why. */
static uint8_t *refuse(struct bight_transport *transport, int code)
{
    if (transport->hub != NULL) {
        transport->hub->refused = transport->id;
        transport->hub->refused_code = code;
    }
    return NULL;
}

/* The queue's last block, begun if nothing is queued, or nothing but what many are sent; NULL: the room is to be
 * elsewhere. False when out of memory. */
static bool find_block(struct bi_output *output, size_t size, struct bi_chunk **block)
{
    *block = has_room(output->last, size) ? output->last : NULL;
    if ((output->last != NULL && output->last != &output->common) || size > BI_BLOCK_BYTES) {
        return true;
    }
    *block = bi_queue_next_block(output, size);
    if (*block != NULL) {
        bi_queue_append(output, *block);
    }
    return *block != NULL;
}

/* For what a layer is to have first the hub keeps an output with a block, as the ready one, which is lent: the layer
 * may send at once, and that takes the ready one. */
static struct bi_output *borrow(struct bight_transport *transport)
{
    struct bi_hub *hub = transport->hub;
    struct bi_output *output = hub->lent_output;
    hub->lent_output = NULL;
    if (output != NULL) {
        output->transport = transport;
        transport->output = output;
        return output;
    }
    output = bi_output_of(transport);
    struct bi_chunk *block = output == NULL ? NULL : bi_queue_new_block(hub);
    if (block == NULL) {
        return NULL;
    }
    bi_queue_append(output, block);
    return output;
}

static uint8_t *borrow_room(struct bight_transport *transport, size_t size)
{
    struct bi_output *output = borrow(transport);
    if (output == NULL) {
        return NULL;
    }
    output->reserved = size;
    transport->state |= BI_RESERVED;
    return output->first->room;
}

static uint8_t *make_room(struct bight_transport *transport, size_t size)
{
    bool is_layered = (transport->state & BI_LAYERED) != 0;
    if (is_layered && transport->output == NULL && size <= BI_BLOCK_BYTES) {
        return borrow_room(transport, size);
    }
    struct bi_output *output = bi_output_of(transport);
    struct bi_chunk *block = NULL;
    if (output == NULL || (!is_layered && !find_block(output, size, &block))) {
        return NULL;
    }
    uint8_t *room = block == NULL ? NULL : block->room;
    if (block == NULL) {
        output->aside = bi_queue_new_aside(transport->hub, size, &room);
    }
    if (room != NULL) {
        output->reserved = size;
        transport->state |= BI_RESERVED;
    }
    return room;
}

static uint8_t *__attribute__((noinline)) reserve_unusual(struct bight_transport *transport, size_t size)
{
    if (transport->state & BI_RESERVED) {
        (void)bi_reserve_refuse("bight_transport_reserve");
        return NULL;
    }
    if (!bi_takes_output(transport)) {
        return refuse(transport, BIGHT_E_CLOSED);
    }
    if (size > BIGHT_MAX_RESERVE) {
        return refuse(transport, bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
                                     "bight_transport_reserve: %zu bytes are more than BIGHT_MAX_RESERVE", size));
    }
    uint8_t *room = make_room(transport, size > 0 ? size : 1);
    return room != NULL ? room : refuse(transport, bi_write_fail(transport, BIGHT_E_OUT_OF_MEMORY));
}

/* As a write puts its bytes into it, but for the bytes. */
static inline uint8_t *take_ready(struct bight_transport *transport, size_t size)
{
    struct bi_hub *hub = transport->hub;
    struct bi_output *output = hub->ready_output;
    hub->ready_output = NULL;
    output->transport = transport;
    output->most = size;
    transport->output = output;
    transport->state |= BI_RESERVED;
    output->task.run = bi_output_run_flush;
    bi_task_push(&hub->reactor->afterwards, &output->task);
    return output->first->room;
}

/* If all of it is committed there is nothing to look at, as in bi_output_check_limits. */
static inline bool minds_nobody(const struct bight_transport *transport, const struct bi_output *output, size_t size)
{
    return output->task.run != NULL && !output->watching && output->queued + size < BI_MAX_GATHERED &&
           (transport->extension == NULL || output->counted + size <= transport->extension->limit);
}

BI_HOT uint8_t *bight_transport_reserve(struct bight_transport *transport, size_t size)
{
    if (BI_UNLIKELY(is_wrong_thread(transport, "bight_transport_reserve"))) {
        return NULL;
    }
    struct bi_output *output = transport->output;
    if (BI_UNLIKELY(transport->state & UNUSUAL)) {
        return reserve_unusual(transport, size);
    }
    if (BI_LIKELY(bi_output_is_ready(transport, size, BI_BLOCK_BYTES))) {
        return take_ready(transport, size);
    }
    if (output == NULL || !has_room(output->last, size) || !minds_nobody(transport, output, size)) {
        return reserve_unusual(transport, size);
    }
    output->most = size;
    transport->state |= BI_RESERVED;
    return output->last->room;
}

/* --------------------------------------------------------------------------------------- committing */

/* Nothing is reserved: it was refused, or there is no output any more. */
static int commit_none(struct bight_transport *transport)
{
    struct bi_hub *hub = transport->hub;
    if (hub != NULL && hub->refused == transport->id) {
        hub->refused = 0;
        return hub->refused_code;
    }
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_transport_commit: nothing is reserved");
}

/* In the block where it was composed. */
static inline void add_in_place(struct bi_output *output, size_t size)
{
    struct bi_chunk *block = output->last;
    block->room += size;
    block->size += size;
    output->queued += size;
    output->counted += size;
}

/* To a layer. What is large goes by reference. */
static int write_aside(struct bight_transport *transport, struct bi_chunk *chunk)
{
    struct bight_piece piece = { chunk->data, chunk->size, chunk->release, chunk->context, true };
    int code = bi_write_pieces(transport, &piece, 1);
    if (code == BIGHT_OK) {
        chunk->release = NULL;
    }
    bi_queue_free_aside(transport->hub, chunk);
    return code;
}

/* The same of what was composed in the output that is lent. */
static int write_lent(struct bight_transport *transport, struct bi_output *output, size_t size)
{
    struct bi_hub *hub = transport->hub;
    end_room(output);
    transport->output = NULL;
    int code = bight_transport_write(transport, output->first->room, size);
    if (hub->lent_output == NULL) {
        hub->lent_output = output;
    } else {
        bi_queue_free_aside(hub, output->first);
        bi_pool_give(&hub->outputs, output);
    }
    return code;
}

static int add_aside(struct bight_transport *transport, struct bi_output *output, struct bi_chunk *chunk, size_t size)
{
    bi_queue_fill_aside(chunk, size, output->reserved);
    if (transport->state & BI_LAYERED) {
        close_room(output);
        return write_aside(transport, chunk);
    }
    end_room(output);
    bi_queue_append_aside(output, chunk);
    return bi_write_fail(transport, bi_output_check_limits(output));
}

static int check_size(const struct bi_output *output, size_t size)
{
    size_t reserved = output->most + output->reserved;
    if (size > reserved) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_transport_commit: %zu bytes are more than the %zu that were reserved", size, reserved);
    }
    if (output->reserved > 0 && output->aside == NULL && (output->transport->state & BI_LAYERED) &&
        output->queued > 0) {
        return bi_reserve_refuse("something was queued");
    }
    return bi_takes_output(output->transport) ? BIGHT_OK : BIGHT_E_CLOSED;
}

static int __attribute__((noinline)) commit_unusual(struct bight_transport *transport, size_t size)
{
    struct bi_output *output = transport->output;
    if (!(transport->state & BI_RESERVED)) {
        return commit_none(transport);
    }
    struct bi_chunk *chunk = output->aside;
    int code = check_size(output, size);
    if (code != BIGHT_OK || size == 0) {
        if (chunk != NULL) {
            bi_queue_free_aside(transport->hub, chunk);
        }
        close_room(output);
        return code;
    }
    if (chunk != NULL) {
        return add_aside(transport, output, chunk, size);
    }
    if (BI_LIKELY(transport->state & BI_LAYERED)) {
        return write_lent(transport, output, size);
    }
    end_room(output);
    add_in_place(output, size);
    return bi_write_fail(transport, bi_output_check_limits(output));
}

BI_HOT int bight_transport_commit(struct bight_transport *transport, size_t size)
{
    if (BI_UNLIKELY(is_wrong_thread(transport, "bight_transport_commit"))) {
        return BIGHT_E_WRONG_THREAD;
    }
    struct bi_output *output = transport->output;
    if (BI_UNLIKELY(output == NULL || size - 1 >= output->most)) {
        return commit_unusual(transport, size);
    }
    output->most = 0;
    transport->state &= ~BI_RESERVED;
    add_in_place(output, size);
    return BIGHT_OK;
}

/* ---------------------------------------------------------------------------------------- formatting */

/* Into room for `reserved` bytes, the last `more` of which are to be free. *text is NULL when that does not do: then
 * nothing is reserved, and *size says how large the text is. */
static int __attribute__((format(printf, 6, 0))) format_into(struct bight_transport *transport, size_t reserved,
    size_t more, char **text, size_t *size, const char *format, va_list arguments)
{
    char *room = (char *)bight_transport_reserve(transport, reserved);
    *text = NULL;
    if (room == NULL) {
        return bight_transport_commit(transport, 0);
    }
    int needed = vsnprintf(room, reserved, format, arguments);
    *size = needed < 0 ? 0 : (size_t)needed;
    if (needed >= 0 && *size + more <= reserved) {
        *text = room;
        return BIGHT_OK;
    }
    int code = bight_transport_commit(transport, 0);
    return needed < 0 && code == BIGHT_OK ? BIGHT_E_INVALID_ARGUMENT : code;
}

static int __attribute__((noinline, format(printf, 5, 0))) format_again(
    struct bight_transport *transport, size_t more, char **text, size_t *size, const char *format, va_list arguments)
{
    if (*size > BIGHT_MAX_RESERVE - more) {
        return BIGHT_E_TOO_LONG;
    }
    int code = format_into(transport, *size + more, more, text, size, format, arguments);
    return code == BIGHT_OK && *text == NULL ? BIGHT_E_INVALID_ARGUMENT : code; /* what they point at has changed */
}

int bight_transport_reserve_format(
    struct bight_transport *transport, size_t more, char **text, size_t *size, const char *format, va_list arguments)
{
    if (is_wrong_thread(transport, "bight_transport_reserve_format")) {
        return BIGHT_E_WRONG_THREAD;
    }
    if (transport->state & BI_RESERVED) {
        return bi_reserve_refuse("bight_transport_reserve_format");
    }
    if (more > BIGHT_MAX_RESERVE - FIRST_TRY) {
        return BIGHT_E_TOO_LONG;
    }
    va_list again;
    va_copy(again, arguments);
    more = more > 0 ? more : 1; /* vsnprintf's NUL */
    int code = format_into(transport, FIRST_TRY + more - 1, more, text, size, format, arguments);
    if (BI_UNLIKELY(code == BIGHT_OK && *text == NULL)) {
        code = format_again(transport, more, text, size, format, again);
    }
    va_end(again);
    return code;
}

int bight_transport_vwritef(struct bight_transport *transport, const char *format, va_list arguments)
{
    char *text;
    size_t size;
    int code = bight_transport_reserve_format(transport, 0, &text, &size, format, arguments);
    return code == BIGHT_OK ? bight_transport_commit(transport, size) : code;
}

int bight_transport_writef(struct bight_transport *transport, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = bight_transport_vwritef(transport, format, arguments);
    va_end(arguments);
    return code;
}
