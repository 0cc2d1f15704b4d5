/* SPDX-License-Identifier: MIT */
/* stream.c - connected stream sockets: receiving, sending, half-close, close and reset, as Linux does them.
 *
 * Two ends share a wire with a pipe each way; it goes when both are closed, and until then what the first one sent
 * still arrives. Closing with input unread, or with SO_LINGER at 0, resets a TCP peer (RFC 1122, 4.2.2.13); so does
 * data for an end that was closed. What had arrived before a reset can be read, then the error comes once, then the
 * end. UNIX sockets know nothing of lingering; a peer with unread input causes ECONNRESET too (unix(7)). */
#include <errno.h>
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

static struct bi_sim_pipe *output_of(const struct bi_sim_socket *socket)
{
    return &socket->wire->pipes[socket->side];
}

static struct bi_sim_pipe *input_of(const struct bi_sim_socket *socket)
{
    return &socket->wire->pipes[!socket->side];
}

static bool has_input(const struct bi_sim_socket *socket)
{
    return input_of(socket)->arrived != input_of(socket)->taken;
}

static bool is_unix(const struct bi_sim_socket *socket)
{
    return socket->domain == AF_UNIX;
}

/* -------------------------------------------------------------------------------------------- making */

bool bi_sim_wire_new(struct bi_sim_socket *client, struct bi_sim_socket *server)
{
    struct bi_sim_wire *wire = bi_sim_allocate(sizeof *wire);
    if (wire == NULL) {
        return false;
    }
    wire->ends[0] = client;
    wire->ends[1] = server;
    wire->instant = is_unix(client);
    for (int side = 0; side < 2; side++) {
        if (!bi_sim_pipe_init(&wire->pipes[side], wire, side)) {
            bi_sim_pipe_finish(&wire->pipes[0]);
            bi_sim_pipe_finish(&wire->pipes[1]);
            bi_testing_plain_free(wire);
            return false;
        }
    }
    client->wire = server->wire = wire;
    client->side = 0;
    server->side = 1;
    return true;
}

/* --------------------------------------------------------------------------------------- moving bytes */

/* What a call on a socket that is not connected returns, or 0. */
static int unconnected(struct bi_sim_socket *socket, int for_new)
{
    if (socket->error != 0) {
        return -bi_sim_socket_take_error(socket);
    }
    switch (socket->state) {
    case BI_SIM_CONNECTED:
        return 0;
    case BI_SIM_CONNECTING:
        return -EAGAIN;
    default:
        return for_new;
    }
}

ssize_t bi_sim_stream_receive(struct bi_sim_socket *socket, void *buffer, size_t size)
{
    struct bight_host *host = socket->file.host;
    bool is_there = socket->wire != NULL && has_input(socket);
    int result = bi_sim_disturbance(socket, is_there);
    if (result == 0) {
        result = bi_sim_lack_of_memory(socket, is_there);
    }
    if (result != 0) {
        return result;
    }
    if (socket->state == BI_SIM_CONNECTED && has_input(socket) && !socket->shut_reading) {
        size_t asked = size = bi_sim_pipe_before_mark(input_of(socket), size);
        if (size > 1 && bi_sim_fault(host->simulation, host->kernel.short_read, "short read")) {
            uint64_t there = input_of(socket)->arrived - input_of(socket)->taken;
            size = 1 + (size_t)bi_sim_detail(host->simulation, there < size ? there : size);
        }
        size_t got = bi_sim_pipe_take(input_of(socket), buffer, size);
        bi_sim_socket_update(socket);
        if (got < asked && has_input(socket)) {
            bi_sim_file_news(&socket->file); /* a fault alone leaves something behind: it counts as come since */
        }
        return (ssize_t)got;
    }
    if (socket->state == BI_SIM_CONNECTED && input_of(socket)->ended && !is_unix(socket)) {
        return 0; /* before any error, as Linux has it */
    }
    result = unconnected(socket, is_unix(socket) ? -EINVAL : -ENOTCONN);
    if (result != 0) {
        return result;
    }
    return socket->was_reset || socket->shut_reading || input_of(socket)->ended ? 0 : -EAGAIN;
}

/* Memory that the kernel lacks has nothing to do with the socket, which stays writable: no news results from it. */
static int disturb_sending(struct bi_sim_socket *socket, bool has_room)
{
    struct bight_host *host = socket->file.host;
    int result = bi_sim_disturbance(socket, has_room);
    if (result == 0 && has_room && bi_sim_fault(host->simulation, host->kernel.starved, "no memory to send")) {
        result = bi_sim_detail(host->simulation, 2) == 0 ? -ENOBUFS : -ENOMEM;
    }
    return result;
}

/* write(2) and send(2) without MSG_NOSIGNAL would kill the program. */
static ssize_t broken_pipe(const struct bi_sim_socket *socket, int flags)
{
    if ((flags & MSG_NOSIGNAL) == 0) {
        bi_sim_broken(socket->file.host, "send", socket->file.fd, "SIGPIPE", NULL);
    }
    return -EPIPE;
}

static bool cannot_send(const struct bi_sim_socket *socket)
{
    return socket->shut_writing || socket->was_reset || (is_unix(socket) && socket->wire->ends[!socket->side] == NULL);
}

ssize_t bi_sim_stream_send(struct bi_sim_socket *socket, const struct iovec *parts, size_t count, int flags)
{
    struct bight_host *host = socket->file.host;
    size_t size = 0;
    int result = unconnected(socket, is_unix(socket) ? -ENOTCONN : -EPIPE);
    if (result == -EPIPE) {
        return broken_pipe(socket, flags);
    }
    if (result != 0) {
        return result;
    }
    if (cannot_send(socket)) {
        return broken_pipe(socket, flags);
    }
    for (size_t i = 0; i < count; i++) {
        size += parts[i].iov_len;
    }
    if (size == 0) {
        return 0; /* needs nothing that could be lacking */
    }
    size_t room = bi_sim_pipe_room(output_of(socket));
    result = disturb_sending(socket, room != 0);
    if (result != 0) {
        return result;
    }
    if (room == 0) {
        return -EAGAIN;
    }
    size_t limit = size < room ? size : room;
    if (limit > 1 && bi_sim_fault(host->simulation, host->kernel.short_write, "short write")) {
        limit = 1 + (size_t)bi_sim_detail(host->simulation, limit - 1);
    }
    ssize_t sent = bi_sim_pipe_put(output_of(socket), parts, count, limit);
    bi_sim_socket_update(socket);
    if (sent >= 0 && (size_t)sent < size) {
        bi_sim_file_news(&socket->file); /* the same */
    }
    return sent;
}

unsigned bi_sim_stream_readiness(const struct bi_sim_socket *socket)
{
    const struct bi_sim_pipe *output = output_of(socket);
    unsigned ready = 0;
    if (socket->error != 0 || socket->was_reset) {
        return BIGHT_READABLE | BIGHT_WRITABLE; /* EPOLLERR and EPOLLHUP */
    }
    if (has_input(socket) || input_of(socket)->ended || socket->shut_reading) {
        ready |= BIGHT_READABLE;
    }
    if (input_of(socket)->ended) {
        ready |= BIGHT_CLOSED;
    }
    size_t room = bi_sim_pipe_room(output);
    if (cannot_send(socket) || (room != 0 && room * 3 >= output->send_room)) {
        ready |= BIGHT_WRITABLE;
    }
    return ready;
}

/* ------------------------------------------------------------------------------------------ the end */

void bi_sim_stream_shut(struct bi_sim_socket *socket)
{
    if (!socket->shut_writing && !socket->was_reset) {
        socket->shut_writing = true;
        bi_sim_pipe_mark(output_of(socket), BI_SIM_END);
    }
    bi_sim_socket_update(socket);
}

void bi_sim_stream_was_reset(struct bi_sim_socket *socket)
{
    if (socket == NULL || socket->was_reset) {
        return;
    }
    bool is_connecting = socket->state == BI_SIM_CONNECTING;
    socket->was_reset = true;
    socket->error = is_connecting ? ECONNREFUSED : input_of(socket)->ended && !is_unix(socket) ? EPIPE : ECONNRESET;
    if (is_connecting) {
        socket->state = BI_SIM_FAILED;
        bi_sim_event_disarm(&socket->attempt);
        bi_sim_event_disarm(&socket->give_up);
    }
    bi_sim_pipe_clear(output_of(socket));
    bi_sim_socket_news(socket);
}

static void say_farewell(struct bi_sim_socket *socket)
{
    if (socket->was_reset) {
        return;
    }
    if (has_input(socket) || (socket->reset_at_close && !is_unix(socket)) || socket->state != BI_SIM_CONNECTED) {
        bi_sim_pipe_mark(output_of(socket), BI_SIM_RESET);
    } else if (!socket->shut_writing) {
        bi_sim_pipe_mark(output_of(socket), BI_SIM_END);
    }
}

void bi_sim_stream_close(struct bi_sim_socket *socket)
{
    struct bi_sim_wire *wire = socket->wire;
    if (wire->ends[!socket->side] != NULL) {
        say_farewell(socket);
        wire->ends[socket->side] = NULL;
        if (is_unix(socket)) {
            bi_sim_socket_news(wire->ends[!socket->side]); /* it cannot send any more */
        }
        return;
    }
    bi_sim_pipe_finish(&wire->pipes[0]);
    bi_sim_pipe_finish(&wire->pipes[1]);
    bi_testing_plain_free(wire);
}
