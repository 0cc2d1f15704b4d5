/* SPDX-License-Identifier: MIT */
/* output.c - the way out: what is gathered or left over, and sending it to the bottom.
 *
 * An output exists while something is queued; it and its blocks are pooled. It is a list of chunks: blocks with copied
 * bytes, and references to memory that was lent. Small writes are gathered in the last block and sent by a task behind
 * the handler; large ones are tried at once from where they lie, as chunks on the stack of the write, and only what the
 * kernel refuses is copied. After a refusal nothing is tried until the bottom says writable; of memory that the kernel
 * lacked it says nothing when there is some again, so then a timer tries. Lent memory that has been sent is put aside
 * and released from the task: never inside a write. The checks of the state are write.c's. */
#include "transport/output.h"

#include <errno.h>
#include <string.h>

#include "transport/held.h"
#include "transport/queue.h"

#define SENDS_PER_TURN 8 /* so that one reader that is fast does not hold up the others */

#define FIRST_RETRY (BIGHT_NANOSECONDS_PER_SECOND / 100)
#define LONGEST_RETRY BIGHT_NANOSECONDS_PER_SECOND

/* ------------------------------------------------------------------------------------- the output */

struct bi_output *bi_output_of(struct bight_transport *transport)
{
    if (transport->output != NULL) {
        return transport->output;
    }
    struct bi_output *output = bi_pool_take(&transport->hub->outputs);
    if (output == NULL) {
        return NULL;
    }
    *output = (struct bi_output) { .transport = transport };
    transport->output = output;
    return output;
}

static struct bight_watch *watch_of(struct bi_output *output)
{
    return (struct bight_watch *)(void *)(output + 1);
}

static void schedule_flush(struct bi_output *output)
{
    if (output->task.run == NULL && !output->watching) {
        bi_reactor_afterwards(output->transport->hub->reactor, &output->task, bi_output_run_flush);
    }
}

static void retry(struct bi_wheel_entry *timer);

static void retry_later(struct bi_output *output)
{
    struct bight_reactor *reactor = output->transport->hub->reactor;
    uint64_t longer = output->pause == 0 ? FIRST_RETRY : output->pause * 2;
    output->pause = longer < LONGEST_RETRY ? longer : LONGEST_RETRY;
    output->retry.function = retry;
    bi_reactor_arm(reactor, &output->retry, bi_reactor_now(reactor) + output->pause);
}

/* The bottom says nothing of what it waits for: memory, or a file's bytes. */
static bool waits_elsewhere(struct bi_output *output)
{
    if (BI_UNLIKELY(output->unread)) {
        output->reading = true;
        bi_file_read(output->first->context, output->first->size);
    } else if (BI_UNLIKELY(output->starved)) {
        retry_later(output);
    } else {
        return false;
    }
    return true;
}

static bool waited_elsewhere(struct bi_output *output)
{
    if (BI_UNLIKELY(output->reading)) {
        output->reading = output->unread = false;
    } else if (BI_UNLIKELY(bi_wheel_is_armed(&output->retry))) {
        bi_reactor_disarm(output->transport->hub->reactor, &output->retry);
    } else {
        return false;
    }
    return true;
}

static void set_watching(struct bi_output *output, bool on)
{
    struct bight_transport *transport = output->transport;
    if (output->watching == on) {
        return;
    }
    output->watching = on;
    if (on ? waits_elsewhere(output) : waited_elsewhere(output)) {
        return;
    }
    int code = transport->bottom->watch_writing(transport, watch_of(output), on);
    if (on && code != BIGHT_OK) {
        output->watching = false;
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

int bi_output_ask(struct bight_transport *transport)
{
    struct bi_output *output = bi_output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    schedule_flush(output);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ sending */

/* The bottom lacks memory, which is no news to poll for: a socket that has room stays writable all the while. */
static bool is_starved(ssize_t result)
{
    return result == -ENOBUFS || result == -ENOMEM;
}

/* The bottom takes nothing now; it is asked again later. */
static bool is_refusal(ssize_t result)
{
    return result == -EAGAIN || result == -EWOULDBLOCK || result == -EINTR || is_starved(result);
}

/* What a send of `total` bytes that come first has brought: what went leaves the queue. True when more can be tried. */
static bool take_result(struct bi_output *output, ssize_t result, size_t total)
{
    struct bight_transport *transport = output->transport;
    if (result < 0 && !is_refusal(result)) {
        bi_close_broken(transport, (int)-result, "send");
        return false;
    }
    if (result > 0) {
        transport->state |= BI_SENT;
        bi_count_sent(transport, (size_t)result);
        output->pause = 0;
        bi_queue_consume(output, (size_t)result);
    }
    output->starved = is_starved(result);
    output->refused = result < 0 || (size_t)result < total;
    return !output->refused;
}

/* A head that is followed by its file at once need not be a segment of its own. A kernel that waits for more waits for
 * a fifth of a second, so nothing may come between. */
static bool goes_on_with(const struct bi_chunk *file, const struct bight_transport *transport)
{
    return file != NULL && transport->bottom->send_more != NULL && bi_file_is_ready(file->context, file->size);
}

/* What comes first: copied bytes and references up to a file, or of the file. A read of a file may return less than was
 * asked for while the bottom has room: only a refusal tells. */
static ssize_t send_first(struct bi_output *output, size_t *room, size_t *total, bool is_last)
{
    struct bight_transport *transport = output->transport;
    struct iovec parts[BI_PARTS_PER_SEND];
    const struct bi_chunk *file;
    int count = bi_queue_collect(output, parts, total, &file);
    if (count > 0) {
        bool goes_on = !is_last && BI_UNLIKELY(goes_on_with(file, transport));
        return (goes_on ? transport->bottom->send_more : transport->bottom->send)(transport, parts, count);
    }
    ssize_t sent = bi_file_send(output->first->context, output->first->size, room);
    output->unread = sent == BI_FILE_UNREAD;
    *total = sent > 0 ? (size_t)sent : 0;
    return sent;
}

/* Until the queue is empty or the kernel refuses; returns what was sent. */
static size_t send_some(struct bi_output *output)
{
    size_t before, room = BI_FILE_TURN;
    output->refused = output->starved = output->unread = false;
    bi_queue_consume(output, 0);
    before = output->queued;
    for (int i = 0; i < SENDS_PER_TURN && output->queued > 0 && room > 0; i++) {
        size_t total;
        ssize_t result = send_first(output, &room, &total, i == SENDS_PER_TURN - 1);
        if (BI_UNLIKELY(output->unread || bi_is_cut(output->transport)) || !take_result(output, result, total)) {
            break;
        }
    }
    return before - output->queued;
}

/* What the bottom has refused is held; what has not been tried yet is not. */
static bool count_held(struct bi_output *output)
{
    return bi_cap_update(output->transport->hub, &output->held, output->watching ? output->counted : 0);
}

/* Only few connections have a bound that minds it. */
static inline void note_progress(struct bight_transport *transport, size_t sent)
{
    if (BI_UNLIKELY((transport->state & BI_LIFE) || transport->extension != NULL)) {
        bi_close_progress(transport, sent);
    }
}

/* Behind a try that sent so much: what is left waits for the bottom. A watch that stands already would not fire for
 * memory or a file's bytes, nor on edges when nothing was refused; therefore it is removed and set again. */
static void conclude(struct bi_output *output, size_t sent)
{
    struct bight_transport *transport = output->transport;
    if (bi_is_cut(transport)) {
        return;
    }
    if (BI_UNLIKELY(output->watching && output->queued > 0 &&
                    (output->starved || output->unread || (!output->refused && transport->hub->is_edge)))) {
        set_watching(output, false); /* if the kernel takes more, the new watch says so on the next turn */
    }
    set_watching(output, output->queued > 0);
    (void)count_held(output);
    note_progress(transport, sent);
}

static void attempt(struct bi_output *output)
{
    if (BI_UNLIKELY(output->transport->state & BI_RESERVED)) {
        bi_reserve_forget(output);
    }
    output->busy = true; /* the send uses the chunks: what is written from inside it is only queued */
    size_t sent = send_some(output);
    output->busy = false;
    conclude(output, sent);
}

/* The same for a send of all that is queued which has been made already. */
static void take_try(struct bi_output *output, ssize_t sent)
{
    (void)take_result(output, sent, output->queued);
    conclude(output, sent > 0 ? (size_t)sent : 0);
}

/* -------------------------------------------------------------------------------- the ready output */

/* Nearly all output is one small write in a handler, sent whole behind it. For that the hub keeps an output ready that
 * has its block: taking it (write.c) and putting it back writes a few words, the same memory for every connection. */

/* One that is empty becomes the ready one, with a block, if there is none; else it goes. */
static void put_empty(struct bi_hub *hub, struct bi_output *output)
{
    struct bi_chunk *block = hub->ready_output == NULL ? bi_queue_new_block(hub) : NULL;
    if (block == NULL) {
        bi_pool_give(&hub->outputs, output);
        return;
    }
    output->first = output->last = block;
    output->queued = output->counted = 0;
    hub->ready_output = output;
}

/* There is one already; or this has no block but its own, which is too small for what is written to the ready one, or
 * that which others have as well. */
static void __attribute__((noinline)) put_other(struct bi_hub *hub, struct bi_output *output)
{
    bi_queue_retire(output, output->first);
    put_empty(hub, output);
}

/* An output whose only block has been sent becomes the ready one, or goes. */
static inline void put_ready(struct bight_transport *transport, struct bi_output *output)
{
    struct bi_hub *hub = transport->hub;
    struct bi_chunk *block = output->first;
    transport->output = NULL;
    if (BI_UNLIKELY(hub->ready_output != NULL || bi_queue_is_own(output, block))) {
        put_other(hub, output);
        return;
    }
    block->data = block->room = (uint8_t *)(block + 1);
    block->size = output->queued = output->counted = 0;
    hub->ready_output = output;
}

void bi_output_put_back(struct bi_output *output)
{
    struct bight_transport *transport = output->transport;
    if (output->first != NULL) {
        put_ready(transport, output);
    } else {
        transport->output = NULL;
        bi_pool_give(&transport->hub->outputs, output);
    }
}

/* ------------------------------------------------------------------------------------------ flushing */

/* With one of these something waits for what the output does. */
#define WAITED_FOR (BI_LIFE | BI_WRITE_END | BI_THROTTLED | BI_PRODUCING | BI_HELD | BI_CHANGED | BI_RESERVED)

/* Behind an attempt that came from the loop: memory is released, first, since the program's functions may write or end
 * the connection; an empty output goes, and what follows is decided. */
static void finish_attempt(struct bi_output *output)
{
    struct bight_transport *transport = output->transport;
    if (BI_UNLIKELY(output->sent != NULL)) {
        output->settling = true;
        bi_queue_release_sent(output);
        output->settling = false;
    }
    if (bi_is_cut(transport)) {
        return;
    }
    bool is_empty = output->first == NULL && output->sent == NULL && output->task.run == NULL;
    if (is_empty) {
        transport->output = NULL;
        put_empty(transport->hub, output);
        bi_flow_drained(transport);
    }
    if (BI_UNLIKELY((transport->state & WAITED_FOR) || !is_empty || bi_flow_awaits_room(transport))) {
        bi_transport_advance(transport);
    }
}

/* The kernel took a part or nothing, or the connection is broken. Out of line, as the next, so that the usual flush
 * needs no frame for them. */
static void __attribute__((noinline)) sent_in_part(struct bi_output *output, ssize_t sent)
{
    take_try(output, sent);
    finish_attempt(output);
}

/* Something waited for it. The output has gone already, and how much it was does not matter. */
static void __attribute__((noinline)) sent_at_last(struct bight_transport *transport)
{
    if (!bi_is_cut(transport)) {
        note_progress(transport, 0);
        bi_flow_drained(transport);
        bi_transport_advance(transport);
    }
}

static void __attribute__((noinline)) flush_other(struct bi_output *output)
{
    if (bi_is_cut(output->transport)) {
        return;
    }
    if (!output->watching) {
        attempt(output);
    }
    finish_attempt(output);
}

static void retry(struct bi_wheel_entry *timer)
{
    struct bi_output *output = BI_CONTAINER(timer, struct bi_output, retry);
    output->watching = false; /* not by set_watching: that would have the bottom drop a watch that was never added */
    flush_other(output);
}

/* There is nothing but one block, and the bottom is to be given it. */
static inline bool is_one_block(const struct bi_output *output)
{
    const struct bight_transport *transport = output->transport;
    const struct bi_chunk *block = output->first;
    return (BI_LIKELY(!(transport->state & WAITED_FOR)) ||
               (!bi_is_cut(transport) && !(transport->state & BI_RESERVED))) &&
           !output->watching && block != NULL && block == output->last &&
           (BI_LIKELY(block->room != NULL) || block == &output->common) && output->sent == NULL;
}

/* True when one block was all there was, and has been tried. */
static inline bool flush_block(struct bi_output *output)
{
    struct bight_transport *transport = output->transport;
    struct bi_chunk *block = output->first;
    if (BI_UNLIKELY(!is_one_block(output))) {
        return false;
    }
    struct iovec part = { (void *)(uintptr_t)block->data, block->size };
    output->busy = true;
    ssize_t sent = transport->bottom->send(transport, &part, 1);
    output->busy = false;
    if (BI_LIKELY(sent == (ssize_t)part.iov_len)) {
        transport->state |= BI_SENT;
        bi_count_sent(transport, (size_t)sent);
        put_ready(transport, output);
        if (BI_UNLIKELY(transport->state & WAITED_FOR)) {
            sent_at_last(transport);
        }
        return true;
    }
    sent_in_part(output, sent);
    return true;
}

BI_HOT void bi_output_run_flush(struct bi_task *task)
{
    struct bi_output *output = BI_CONTAINER(task, struct bi_output, task);
    if (BI_UNLIKELY(!flush_block(output))) {
        flush_other(output);
    }
}

void bight_transport_writable(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bi_output *output = transport->output;
    if (output == NULL || bi_is_cut(transport)) {
        return;
    }
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    attempt(output);
    finish_attempt(output);
    bi_reactor_leave(reactor);
}

void bi_transport_writable_event(int fd, short what, void *transport)
{
    (void)fd;
    (void)what;
    bight_transport_writable(transport);
}

/* ------------------------------------------------------------------------------------------ writing */

/* Passes the limit, even after an attempt (T13)? Without one a peer that reads would be taken for a slow one. */
static bool is_too_much(struct bi_output *output)
{
    struct bight_transport *transport = output->transport;
    size_t limit = bi_flow_limit(transport);
    if ((output->counted > limit || output->queued >= BI_MAX_GATHERED) && !output->watching && !output->busy) {
        attempt(output);
        bi_flow_check_watermarks(transport);
    }
    return (!count_held(output) || output->counted > limit) && !bi_is_cut(transport);
}

/* Behind what was queued, and tried if it was much: limit and marks are looked at, and the rest is sent behind the
 * handler. Marks below what a handler gathers exist only where they have been set. */
static inline int check_limits(struct bi_output *output, bool was_tried)
{
    struct bight_transport *transport = output->transport;
    if (BI_UNLIKELY(was_tried || output->queued >= BI_MAX_GATHERED || transport->extension != NULL)) {
        if (is_too_much(output)) {
            return BIGHT_E_OVERFLOW;
        }
        if (bi_is_cut(transport)) {
            return BIGHT_OK;
        }
        if (was_tried || output->watching) {
            bi_flow_check_watermarks(transport);
        }
    }
    schedule_flush(output);
    return BIGHT_OK;
}

int bi_output_check_limits(struct bi_output *output)
{
    return check_limits(output, false);
}

int bi_output_gather(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bi_output *output = bi_output_of(transport);
    int code = BI_UNLIKELY(output == NULL) ? BIGHT_E_OUT_OF_MEMORY : bi_queue_append_copy(output, data, size);
    return BI_LIKELY(code == BIGHT_OK) ? check_limits(output, false) : code;
}

/* A write that fails has taken nothing: its reference is forgotten. With several, of which some may have been sent,
 * they count as taken and the connection ends from here. */
static int refuse(struct bi_output *output, const struct bi_write_pass *pass, int code)
{
    if (pass->reference_count > 1) {
        bi_close_end(output->transport, bight_failure_of(code), true);
        return BIGHT_OK;
    }
    if (pass->reference_count == 1) {
        for (struct bi_chunk *chunk = output->first; chunk != NULL; chunk = chunk->next) {
            chunk->release = chunk == pass->reference ? NULL : chunk->release;
        }
        for (struct bi_chunk *chunk = output->sent; chunk != NULL; chunk = chunk->next) {
            if (chunk == pass->reference) {
                bi_close_end(output->transport, bight_failure_of(code), true);
                return BIGHT_OK; /* it was sent: taken */
            }
        }
    }
    return code;
}

int bi_output_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count, ssize_t tried)
{
    size_t total;
    if (!bi_write_add_sizes(pieces, count, &total)) {
        return BIGHT_E_OVERFLOW;
    }
    struct bi_output *output = bi_output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bi_write_pass pass;
    pass.borrowed_count = pass.reference_count = 0;
    pass.reference = NULL;
    bool large = tried != BI_NOT_TRIED || (total >= BI_LARGE_WRITE && !output->watching && !output->busy);
    int code = bi_queue_append_pieces(output, pieces, count, large, &pass);
    if (code == BIGHT_OK && large) {
        tried == BI_NOT_TRIED ? attempt(output) : take_try(output, tried);
    }
    if (pass.borrowed_count > 0) {
        int copied = bi_queue_replace_borrowed(output, bi_is_cut(transport));
        code = code == BIGHT_OK ? copied : code;
    }
    code = code == BIGHT_OK ? check_limits(output, large) : code;
    return code == BIGHT_OK ? code : refuse(output, &pass, code);
}

/* ------------------------------------------------------------------------------------------- files */

int bi_output_send_file(struct bight_transport *transport, struct bi_file *file, size_t size)
{
    struct bi_output *output = bi_output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bi_file_queue(output, file, size);
    if (code == BIGHT_OK) {
        if (output->watching) {
            bi_flow_check_watermarks(transport);
        }
        schedule_flush(output);
    }
    return code;
}

void bi_output_was_read(struct bight_transport *transport)
{
    struct bi_output *output = transport->output;
    if (output != NULL && output->reading && !bi_is_cut(transport)) {
        set_watching(output, false);
        schedule_flush(output);
    }
}

int bi_output_take_queue(struct bight_transport *transport, struct bi_output *from)
{
    struct bi_output *output = bi_output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bi_queue_move(from, output);
    schedule_flush(output);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- the end */

/* What waits for the output to be empty is notified behind the handler, as after a send. A fork inside a send (by what
 * a release function does) finds chunks that are in use: they stay. */
void bi_output_leave_to_parent(struct bight_transport *transport)
{
    struct bi_output *output = transport->output;
    if (transport->state & BI_HELD) {
        bi_held_leave_to_parent(transport);
    }
    if (output != NULL && !output->busy && !bi_is_cut(transport)) {
        bi_reserve_forget(output);
        bi_queue_consume(output, output->queued);
        set_watching(output, false);
        schedule_flush(output);
    }
}

void bi_output_quiet(struct bight_transport *transport)
{
    if (transport->output != NULL) {
        set_watching(transport->output, false);
    }
}

/* Release functions are the program's and may come back here: so they come last, with the output already detached. */
void bi_output_drop(struct bight_transport *transport)
{
    struct bi_output *output = transport->output;
    if (transport->state & BI_HELD) {
        bi_held_drop_all(transport);
    }
    if (output == NULL) {
        return;
    }
    bi_reserve_forget(output);
    transport->output = NULL;
    if (output->task.run != NULL) {
        bi_reactor_unqueue(transport->hub->reactor, &output->task);
    }
    while (output->first != NULL) {
        struct bi_chunk *chunk = output->first;
        output->first = chunk->next;
        bi_queue_drop(output, chunk);
    }
    (void)bi_cap_update(transport->hub, &output->held, 0);
    bi_queue_release_sent(output);
    bi_pool_give(&transport->hub->outputs, output);
}
