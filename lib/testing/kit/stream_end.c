/* SPDX-License-Identifier: MIT */
/* stream_end.c - one end of a stream in memory, and the bottom of a transport over it.
 *
 * The buffers are the kernel's in reality, so they do not come from the hook: a fault of allocation meets bight alone.
 * What lies at the far side, and when bytes go there, is for the owner of the end (string.c, pair.c, recorder.c). */
#include "testing/kit/stream_end.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ buffers */

bool bi_stream_reserve(struct bi_stream_bytes *bytes, size_t more)
{
    size_t needed = bytes->start + bytes->size + more;
    if (needed <= bytes->capacity) {
        return true;
    }
    if (bytes->start > 0) {
        memmove(bytes->data, bytes->data + bytes->start, bytes->size);
        bytes->start = 0;
        return bi_stream_reserve(bytes, more);
    }
    size_t capacity = needed * 2;
    uint8_t *data = bi_testing_plain_realloc(bytes->data, capacity);
    if (data == NULL) {
        return false;
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

bool bi_stream_append(struct bi_stream_bytes *bytes, const void *data, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (!bi_stream_reserve(bytes, size)) {
        return false;
    }
    memcpy(bytes->data + bytes->start + bytes->size, data, size);
    bytes->size += size;
    return true;
}

size_t bi_stream_take(struct bi_stream_bytes *bytes, void *data, size_t size)
{
    size_t taken = size < bytes->size ? size : bytes->size;
    if (taken > 0) {
        memcpy(data, bytes->data + bytes->start, taken);
        bytes->start += taken;
        bytes->size -= taken;
    }
    return taken;
}

void bi_stream_forget(struct bi_stream_bytes *bytes)
{
    bytes->start = bytes->size = 0;
}

void bi_stream_init(struct bi_stream_end *end, const struct bi_stream_end_ops *ops, struct bight_reactor *reactor)
{
    *end = (struct bi_stream_end) { .ops = ops, .reactor = reactor, .chunk = SIZE_MAX, .window = SIZE_MAX };
}

void bi_stream_finish(struct bi_stream_end *end)
{
    bi_testing_plain_free(end->input.data);
    bi_testing_plain_free(end->written.data);
    end->input = end->written = (struct bi_stream_bytes) { 0 };
}

/* ---------------------------------------------------------------------------------------- readiness */

/* A transport that has taken the end waits for news. */
static bool reads(const struct bi_stream_end *end)
{
    bool is_over = end->transport != NULL && end->end_taken && end->reset_number == 0;
    return end->reading && bi_stream_is_readable(end) && !is_over;
}

static bool writes(const struct bi_stream_end *end)
{
    return end->writing && bi_stream_is_writable(end);
}

static void tell(struct bi_task *task)
{
    struct bi_stream_end *end = BI_CONTAINER(task, struct bi_stream_end, task);
    bool readable = reads(end);
    bool writable = writes(end);
    if (readable || writable) {
        bi_stream_announce(end); /* comes again, until it is taken out */
    }
    if (writable) {
        end->ops->writable(end);
    }
    /* What the first call did may have closed the near end, which takes the task out. */
    if (readable && reads(end)) {
        end->ops->readable(end);
    }
}

void bi_stream_announce(struct bi_stream_end *end)
{
    if (end->reactor != NULL && (reads(end) || writes(end)) && end->task.run == NULL) {
        bi_reactor_soon(end->reactor, &end->task, tell);
    }
}

void bi_stream_be_silent(struct bi_stream_end *end)
{
    end->reading = end->writing = false;
    if (end->task.run != NULL) {
        bi_reactor_unqueue(end->reactor, &end->task);
    }
}

static void changed(struct bi_stream_end *end)
{
    if (end->ops->changed != NULL) {
        end->ops->changed(end);
    }
}

/* ------------------------------------------------------------------------------- the near end's calls */

ssize_t bi_stream_receive(struct bi_stream_end *end, void *buffer, size_t size)
{
    if (end->input.size == 0 && end->reset_number != 0) { /* as the kernel: what came before can be read */
        return -end->reset_number;
    }
    if (end->input.size == 0) {
        end->end_taken = end->input_ended;
        return end->input_ended ? 0 : -EAGAIN;
    }
    size_t taken = bi_stream_take(&end->input, buffer, size < end->chunk ? size : end->chunk);
    changed(end);
    return (ssize_t)taken;
}

ssize_t bi_stream_send(struct bi_stream_end *end, const struct iovec *parts, int count)
{
    ssize_t sent = 0;
    if (end->shut || end->reset_number != 0) {
        return -EPIPE;
    }
    for (int i = 0; i < count && end->written.size < end->window; i++) {
        size_t room = end->window - end->written.size;
        size_t size = parts[i].iov_len < room ? parts[i].iov_len : room;
        if (!bi_stream_append(&end->written, parts[i].iov_base, size)) {
            return sent > 0 ? sent : -ENOBUFS;
        }
        sent += (ssize_t)size;
    }
    if (sent == 0) {
        return -EAGAIN;
    }
    changed(end);
    return sent;
}

void bi_stream_shut(struct bi_stream_end *end)
{
    end->shut = true;
    changed(end);
}

void bi_stream_hang_up(struct bi_stream_end *end, bool reset)
{
    bi_stream_be_silent(end);
    end->closed = true;
    end->was_reset = reset;
    changed(end);
}

/* -------------------------------------------------------------------------------- the far end's calls */

bool bi_stream_feed(struct bi_stream_end *end, const void *data, size_t size)
{
    if (end->closed || end->reactor == NULL || end->input_ended || end->reset_number != 0 ||
        !bi_stream_append(&end->input, data, size)) {
        return false;
    }
    bi_stream_announce(end);
    return true;
}

void bi_stream_end_input(struct bi_stream_end *end)
{
    end->input_ended = true;
    bi_stream_announce(end);
}

void bi_stream_reset(struct bi_stream_end *end, int number)
{
    end->reset_number = number == 0 ? ECONNRESET : number;
    bi_stream_announce(end);
}

/* --------------------------------------------------------------------------------------- the bottom */

static struct bi_stream_end *end_of(const struct bight_transport *transport)
{
    return bight_transport_bottom_memory(transport);
}

static ssize_t bottom_receive(struct bight_transport *transport, void *buffer, size_t size)
{
    return bi_stream_receive(end_of(transport), buffer, size);
}

static ssize_t bottom_send(struct bight_transport *transport, const struct iovec *parts, int count)
{
    return bi_stream_send(end_of(transport), parts, count);
}

static int bottom_watch_reading(struct bight_transport *transport, bool on)
{
    end_of(transport)->reading = on;
    bi_stream_announce(end_of(transport));
    return 0;
}

static int bottom_watch_writing(struct bight_transport *transport, struct bight_watch *watch, bool on)
{
    (void)watch;
    end_of(transport)->writing = on;
    bi_stream_announce(end_of(transport));
    return 0;
}

static void bottom_shut_writing(struct bight_transport *transport)
{
    bi_stream_shut(end_of(transport));
}

static void bottom_close(struct bight_transport *transport, bool reset)
{
    bi_stream_hang_up(end_of(transport), reset);
}

static int bottom_address(struct bight_transport *transport, bool peer, struct bight_address *address)
{
    *address = end_of(transport)->addresses[peer];
    return 0;
}

static int bottom_set_option(struct bight_transport *transport, enum bight_transport_option option, bool on)
{
    (void)transport;
    (void)option;
    (void)on;
    return BIGHT_E_NOT_SUPPORTED;
}

static int bottom_probe(struct bight_transport *transport)
{
    return -end_of(transport)->reset_number;
}

static void bottom_ended(struct bight_transport *transport)
{
    struct bi_stream_end *end = end_of(transport);
    bi_stream_be_silent(end);
    end->transport = NULL;
    end->reactor = NULL;
    end->ops->ended(end);
}

static const struct bight_bottom_ops stream_bottom = {
    .size = sizeof(struct bight_bottom_ops),
    .receive = bottom_receive,
    .send = bottom_send,
    .watch_reading = bottom_watch_reading,
    .watch_writing = bottom_watch_writing,
    .shut_writing = bottom_shut_writing,
    .close = bottom_close,
    .address = bottom_address,
    .set_option = bottom_set_option,
    .ended = bottom_ended,
    .probe = bottom_probe,
    .short_read_is_empty = true, /* readiness is told for as long as it lasts */
};

void bi_stream_tell_readable(struct bi_stream_end *end)
{
    bight_transport_readable(end->transport);
}

void bi_stream_tell_writable(struct bi_stream_end *end)
{
    bight_transport_writable(end->transport);
}

bool bi_stream_connect(struct bi_stream_end *end, struct bight_factory *factory, bool accepted)
{
    struct bight_reactor *reactor = end->reactor;
    const struct bight_address *peer = &end->addresses[true];
    int code;
    end->transport = bight_transport_new(reactor, factory, &stream_bottom, end, -1, peer, accepted, &code);
    if (end->transport == NULL) {
        return false;
    }
    bi_reactor_enter(reactor);
    bight_transport_start(end->transport);
    bi_reactor_leave(reactor);
    return true;
}
