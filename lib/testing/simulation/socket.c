/* SPDX-License-Identifier: MIT */
/* socket.c - the life of a socket but for its stream: made, bound, listening, accepting, closed. Datagram sockets
 * are datagram.c's, and share making, binding and names.
 *
 * A connection that came in is a socket without a descriptor in the queue of its listener until it is accepted; one
 * more than the backlog may wait there, as on Linux. Closing a listener resets those that wait. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "testing/simulation/simulation.h"
#include "testing/kit/testing.h"

/* ------------------------------------------------------------------------------------------ making */

struct bight_sim_socket *bight_sim_socket_new(struct bight_host *host, int domain)
{
    struct bight_sim_socket *socket = bight_sim_allocate(sizeof *socket);
    if (socket != NULL) {
        bight_sim_socket_init(socket, &bight_sim_socket_ops, host, domain);
        bight_sim_socket_update(socket);
    }
    return socket;
}

void bight_sim_socket_init(
    struct bight_sim_socket *socket, const struct bight_sim_file_ops *ops, struct bight_host *host, int domain)
{
    bight_sim_file_init(&socket->file, ops, host);
    socket->domain = domain;
    bight_list_init(&socket->link);
    bight_list_init(&socket->queue);
}

static unsigned readiness(const struct bight_sim_socket *socket)
{
    switch (socket->state) {
    case BIGHT_SIM_LISTENING:
        return socket->queued != 0 ? BIGHT_READABLE : 0;
    case BIGHT_SIM_CONNECTING:
        return 0;
    case BIGHT_SIM_CONNECTED:
        return bight_sim_stream_readiness(socket);
    case BIGHT_SIM_NEW:
    case BIGHT_SIM_FAILED:
        break;
    }
    return BIGHT_READABLE | BIGHT_WRITABLE; /* EPOLLHUP */
}

void bight_sim_socket_update(struct bight_sim_socket *socket)
{
    bool is_datagram = bight_sim_is_datagram(socket);
    bight_sim_file_set_ready(&socket->file, is_datagram ? bight_sim_datagram_readiness(socket) : readiness(socket));
}

void bight_sim_socket_news(struct bight_sim_socket *socket)
{
    bight_sim_socket_update(socket);
    bight_sim_file_news(&socket->file);
}

int bight_sim_socket_take_error(struct bight_sim_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    bight_sim_socket_update(socket);
    return error;
}

int bight_sim_disturbance(struct bight_sim_socket *socket, bool would_work)
{
    struct bight_host *host = socket->file.host;
    if (bight_sim_fault(host->simulation, host->kernel.interrupted, "EINTR")) {
        return -EINTR;
    }
    if (would_work && bight_sim_fault(host->simulation, host->kernel.would_block, "EAGAIN")) {
        bight_sim_file_news(&socket->file); /* who is told no is told when to come again */
        return -EAGAIN;
    }
    return 0;
}

int bight_sim_lack_of_memory(struct bight_sim_socket *socket, bool would_work)
{
    struct bight_host *host = socket->file.host;
    return would_work && bight_sim_fault(host->simulation, host->kernel.no_buffers, "ENOMEM") ? -ENOMEM : 0;
}

int bight_sim_socket_bind(struct bight_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    struct bight_sim_address parsed;
    if (socket->bound || socket->state != BIGHT_SIM_NEW) {
        return -EINVAL;
    }
    if (socket->domain == AF_UNIX) {
        return bight_sim_bind_unix(socket, address, size);
    }
    int result = bight_sim_parse_address(socket->domain, address, size, &parsed);
    return result < 0 ? result : bight_sim_bind_ip(socket, &parsed);
}

/* --------------------------------------------------------------------------------------- listening */

int bight_sim_socket_listen(struct bight_sim_socket *socket, int backlog)
{
    if (bight_sim_is_datagram(socket)) {
        return -EOPNOTSUPP;
    }
    if (socket->state != BIGHT_SIM_NEW && socket->state != BIGHT_SIM_LISTENING) {
        return -EINVAL;
    }
    int result = 0;
    if (socket->domain == AF_UNIX) {
        result = socket->bound ? 0 : -EINVAL;
    } else if (!socket->bound) {
        const struct bight_sim_address any = { .port = 0 };
        result = bight_sim_bind_ip(socket, &any);
    } else {
        result = bight_sim_may_listen(socket);
    }
    if (result < 0) {
        return result;
    }
    socket->state = BIGHT_SIM_LISTENING;
    socket->backlog = backlog < 0 ? SOMAXCONN : backlog;
    bight_sim_socket_update(socket);
    return 0;
}

bool bight_sim_socket_is_full(const struct bight_sim_socket *listener)
{
    return listener->queued > (size_t)listener->backlog;
}

struct bight_sim_socket *bight_sim_socket_child(struct bight_sim_socket *listener, struct bight_sim_socket *client)
{
    struct bight_sim_socket *child = bight_sim_socket_new(listener->file.host, listener->domain);
    if (child == NULL) {
        return NULL;
    }
    child->local = client->remote;
    child->remote = client->local;
    child->no_delay = listener->no_delay;
    child->keepalive = listener->keepalive;
    child->reset_at_close = listener->reset_at_close; /* SO_LINGER */
    child->node = listener->node;
    child->remote_node = client->node;
    child->state = BIGHT_SIM_CONNECTED;
    if (!bight_sim_wire_new(client, child)) {
        bight_testing_plain_free(child);
        return NULL;
    }
    if (child->node != NULL) {
        child->node->holds++;
    }
    if (child->remote_node != NULL) {
        child->remote_node->holds++;
    }
    bight_list_append(&listener->queue, &child->link);
    listener->queued++;
    bight_sim_socket_update(child);
    bight_sim_socket_update(listener);
    return child;
}

/* The kernel looks for a descriptor before it looks for a connection. */
static int refuse_accepting(struct bight_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    const struct bight_kernel_conditions *kernel = &host->kernel;
    static const int exhausted[] = { ENOBUFS, ENOMEM, ENFILE };
    if (bight_sim_fault(host->simulation, kernel->interrupted, "EINTR")) {
        return -EINTR;
    }
    if (bight_sim_fault(host->simulation, kernel->no_files, "EMFILE")) {
        return -EMFILE;
    }
    if (bight_sim_fault(host->simulation, kernel->no_buffers, "no buffers")) {
        return -exhausted[bight_sim_detail(host->simulation, 3)];
    }
    if (socket->queued != 0 && bight_sim_fault(host->simulation, kernel->would_block, "EAGAIN")) {
        return -EAGAIN;
    }
    if (socket->queued != 0 && bight_sim_fault(host->simulation, kernel->forbidden, "forbidden to accept")) {
        return bight_sim_detail(host->simulation, 2) == 0 ? -EPERM : -EACCES;
    }
    return socket->queued == 0 ? -EAGAIN : 0;
}

int bight_sim_socket_accept(struct bight_sim_socket *socket, struct sockaddr *address, socklen_t *size)
{
    if (bight_sim_is_datagram(socket)) {
        return -EOPNOTSUPP;
    }
    if (socket->state != BIGHT_SIM_LISTENING) {
        return -EINVAL;
    }
    int result = refuse_accepting(socket);
    if (result != 0) {
        return result;
    }
    struct bight_sim_socket *child = BIGHT_CONTAINER(socket->queue.next, struct bight_sim_socket, link);
    result = bight_sim_file_open(&child->file);
    if (result < 0) {
        return -ENOMEM;
    }
    bight_list_remove(&child->link);
    socket->queued--;
    bight_sim_socket_update(socket);
    if (address != NULL) {
        (void)bight_sim_socket_get_name(child, true, address, size);
    }
    return result;
}

/* ------------------------------------------------------------------------------------------- names */

static socklen_t give(struct sockaddr *address, socklen_t room, const void *form, socklen_t used)
{
    memcpy(address, form, used < room ? used : room);
    return used;
}

socklen_t bight_sim_give_ip(int domain, const struct bight_sim_address *from, struct sockaddr *address, socklen_t room)
{
    if (domain == AF_INET) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(from->port) };
        memcpy(&in.sin_addr, from->ip + 12, sizeof in.sin_addr);
        return give(address, room, &in, sizeof in);
    }
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };
    memcpy(&in6.sin6_addr, from->ip, sizeof in6.sin6_addr);
    return give(address, room, &in6, sizeof in6);
}

int bight_sim_socket_get_name(
    const struct bight_sim_socket *socket, bool peer, struct sockaddr *address, socklen_t *size)
{
    if (peer && (socket->state != BIGHT_SIM_CONNECTED || socket->was_reset)) {
        return -ENOTCONN;
    }
    if (socket->domain == AF_UNIX) {
        *size = bight_sim_node_address(peer ? socket->remote_node : socket->node, address, *size);
    } else {
        *size = bight_sim_give_ip(socket->domain, peer ? &socket->remote : &socket->local, address, *size);
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------ the end */

static void drop_queue(struct bight_sim_socket *socket)
{
    while (!bight_list_is_empty(&socket->queue)) {
        struct bight_sim_socket *child = BIGHT_CONTAINER(socket->queue.next, struct bight_sim_socket, link);
        child->reset_at_close = true;
        if (child->domain == AF_UNIX && !child->was_reset) {
            bight_sim_pipe_mark(&child->wire->pipes[child->side], BIGHT_SIM_RESET);
        }
        child->file.ops->close(&child->file);
    }
}

static void close_socket(struct bight_sim_file *file)
{
    struct bight_sim_socket *socket = bight_sim_socket_of(file);
    bight_sim_event_disarm(&socket->attempt);
    bight_sim_event_disarm(&socket->give_up);
    drop_queue(socket);
    if (socket->wire != NULL) {
        bight_sim_stream_close(socket);
    }
    bight_list_remove(&socket->link);
    bight_sim_unbind_unix(socket);
    bight_testing_plain_free(socket);
}

static ssize_t read_socket(struct bight_sim_file *file, void *buffer, size_t size)
{
    return bight_sim_stream_receive(bight_sim_socket_of(file), buffer, size);
}

static ssize_t write_socket(struct bight_sim_file *file, const void *data, size_t size)
{
    const struct iovec part = { (void *)(uintptr_t)data, size };
    return bight_sim_stream_send(bight_sim_socket_of(file), &part, 1, 0);
}

const struct bight_sim_file_ops bight_sim_socket_ops = { read_socket, write_socket, close_socket };
