/* SPDX-License-Identifier: MIT */
/* pipe.c - a pipe to a child, or its terminal, as a bottom; and the protocol that hands its events on.
 *
 * A pipe goes one way. The end that we write to is watched for reading all the same: the kernel reports an error there
 * when no reader is left, which is the peer's end to us, and reported as one. A terminal goes both ways, is read in
 * portions that say nothing about what is left, and so is watched level-triggered; its EIO is its end. */
#include <errno.h>
#include <fcntl.h>

#include "base/quiet.h"
#include "process/process.h"

enum { USUAL_PIPE_SIZE = 65536 };

static struct bight_system *system_of(const struct bight_transport *transport)
{
    return transport->hub->system;
}

static struct bight_loop *loop_of(const struct bight_transport *transport)
{
    return transport->hub->reactor->loop;
}

static struct bi_process_pipe *pipe_of(const struct bight_transport *transport)
{
    return transport->bottom_memory;
}

/* -------------------------------------------------------------------------------------- moving bytes */

static ssize_t pipe_receive(struct bight_transport *transport, void *buffer, size_t size)
{
    struct bight_system *system = system_of(transport);
    ssize_t got;
    if (!pipe_of(transport)->is_output) {
        return 0; /* only an error is ever reported: there is no reader any more */
    }
    do {
        got = system->ops->read(system, transport->descriptor, buffer, size);
    } while (got == -EINTR);
    return got == -EIO && pipe_of(transport)->is_input ? 0 : got;
}

static ssize_t pipe_send(struct bight_transport *transport, const struct iovec *parts, int count)
{
    struct bight_system *system = system_of(transport);
    struct bi_quiet quiet;
    ssize_t sent;
    bi_quiet_begin(&quiet);
    do {
        sent = system->ops->writev(system, transport->descriptor, parts, count);
    } while (sent == -EINTR);
    bi_quiet_end(&quiet, sent < 0 ? (int)-sent : 0);
    return sent;
}

/* ----------------------------------------------------------------------------------------- watching */

static int watch(struct bight_transport *transport, struct bight_watch *watch, int what, bight_watch_function function)
{
    struct bight_loop *loop = loop_of(transport);
    const struct bi_process_pipe *pipe = pipe_of(transport);
    bool is_terminal = pipe->is_input && pipe->is_output;
    short kind = is_terminal ? 0 : loop->edge & BIGHT_EDGE;
    loop->ops->watch_init(loop, watch, transport->descriptor, (short)(what | kind), function, transport);
    return bi_reactor_add_watch(transport->hub->reactor, watch, transport->descriptor);
}

static int pipe_watch_reading(struct bight_transport *transport, bool on)
{
    struct bight_watch *memory = bight_transport_watch(transport);
    if (on) {
        return watch(transport, memory, BIGHT_READABLE, bi_transport_readable_event);
    }
    loop_of(transport)->ops->watch_remove(loop_of(transport), memory);
    return BIGHT_OK;
}

static int pipe_watch_writing(struct bight_transport *transport, struct bight_watch *memory, bool on)
{
    if (on) {
        return watch(transport, memory, BIGHT_WRITABLE, bi_transport_writable_event);
    }
    loop_of(transport)->ops->watch_remove(loop_of(transport), memory);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ closing */

static void pipe_close(struct bight_transport *transport, bool reset)
{
    struct bight_system *system = system_of(transport);
    (void)reset; /* pipes know no such thing */
    pipe_of(transport)->transport = NULL;
    (void)system->ops->close(system, transport->descriptor);
}

static void pipe_ended(struct bight_transport *transport)
{
    struct bight_process *process = pipe_of(transport)->process;
    process->open_pipes--;
    bi_process_look_for_end(process);
}

static const struct bight_bottom_ops pipe_bottom = {
    .size = sizeof(struct bight_bottom_ops),
    .receive = pipe_receive,
    .send = pipe_send,
    .watch_reading = pipe_watch_reading,
    .watch_writing = pipe_watch_writing,
    .close = pipe_close,
    .ended = pipe_ended,
};

/* ------------------------------------------------------------------------------------- its protocol */

struct pipe_protocol {
    struct bight_protocol base;
    struct bi_process_pipe *pipe;
};

static void on_data(struct bight_protocol *base, const uint8_t *data, size_t size)
{
    struct bi_process_pipe *pipe = ((struct pipe_protocol *)(void *)base)->pipe;
    struct bight_process_protocol *protocol = pipe->process->protocol;
    bi_process_make(pipe->process);
    if (protocol->ops->child_data_received != NULL) {
        protocol->ops->child_data_received(protocol, pipe->child_fd, data, size);
    }
}

static void on_lost(struct bight_protocol *base, const struct bight_failure *reason)
{
    struct bi_process_pipe *pipe = ((struct pipe_protocol *)(void *)base)->pipe;
    struct bight_process_protocol *protocol = pipe->process->protocol;
    bi_process_make(pipe->process);
    if (protocol->ops->child_connection_lost != NULL) {
        protocol->ops->child_connection_lost(protocol, pipe->child_fd, reason);
    }
}

static const struct bight_protocol_ops pipe_protocol_ops = { .data_received = on_data, .connection_lost = on_lost };

/* ---------------------------------------------------------------------------------- making, finding */

/* A child may take its time to read what was written to it. */
static int lift_flush_limit(struct bight_transport *transport)
{
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extension->flush = UINT64_MAX;
    return BIGHT_OK;
}

int bi_process_pipe_open(struct bi_process_pipe *pipe, int descriptor)
{
    struct bight_process *process = pipe->process;
    int code;
    process->factory.protocol_size = sizeof(struct pipe_protocol);
    process->factory.protocol_ops = &pipe_protocol_ops;
    struct bight_transport *transport =
        bight_transport_new(process->reactor, &process->factory, &pipe_bottom, pipe, descriptor, NULL, false, &code);
    if (transport == NULL) {
        return code;
    }
    ((struct pipe_protocol *)(void *)transport->protocol)->pipe = pipe;
    pipe->transport = transport;
    process->open_pipes++;
    return pipe->is_input ? lift_flush_limit(transport) : BIGHT_OK;
}

void bi_process_pipe_end(struct bi_process_pipe *pipe)
{
    if (pipe->transport != NULL) {
        bi_close_end_now(pipe->transport, bight_failure_of(BIGHT_E_CONNECTION_LOST));
    }
}

/* A process that has ended has left at most what a pipe holds; others may go on writing for ever. */
void bi_process_pipe_drain(struct bi_process_pipe *pipe)
{
    uint8_t buffer[4096];
    const struct bight_transport *transport = pipe->transport;
    struct bight_system *system = pipe->process->reactor->system;
    int left = transport == NULL ? 0 : system->ops->fcntl(system, transport->descriptor, F_GETPIPE_SZ, 0);
    left = left < 0 ? USUAL_PIPE_SIZE : left;
    while (left > 0 && pipe->is_output && bight_transport_is_open(transport)) {
        size_t room = (size_t)left < sizeof buffer ? (size_t)left : sizeof buffer;
        ssize_t got = pipe_receive(pipe->transport, buffer, room);
        if (got <= 0) {
            return;
        }
        on_data(transport->protocol, buffer, (size_t)got);
        left -= (int)got;
    }
}

struct bi_process_pipe *bi_process_pipe_find(const struct bight_process *process, int child_fd)
{
    int wanted = process->has_terminal && child_fd >= 0 && child_fd <= 2 ? 1 : child_fd;
    for (size_t i = 0; i < process->pipe_count; i++) {
        if (process->pipes[i].child_fd == wanted) {
            return (struct bi_process_pipe *)(uintptr_t)&process->pipes[i];
        }
    }
    return NULL;
}
