/* SPDX-License-Identifier: MIT */
/* socket.c - the life of a socket but for its stream: made, bound, listening, accepting, closed. Datagram sockets
 * are datagram.c's, and share making, binding and names.
 *
 * A connection that came in is a socket without a descriptor in the queue of its listener until it is accepted; one
 * more than the backlog may wait there, as on Linux. With TCP_DEFER_ACCEPT it comes into the queue when it has brought
 * something, or after that time. Closing a listener resets those that wait. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

/* ------------------------------------------------------------------------------------------ making */

struct bi_sim_socket *bi_sim_socket_new(struct bight_host *host, int domain)
{
    struct bi_sim_socket *socket = bi_sim_allocate(sizeof *socket);
    if (socket != NULL) {
        bi_sim_socket_init(socket, &bi_sim_socket_ops, host, domain);
        bi_sim_socket_update(socket);
    }
    return socket;
}

void bi_sim_socket_init(
    struct bi_sim_socket *socket, const struct bi_sim_file_ops *ops, struct bight_host *host, int domain)
{
    bi_sim_file_init(&socket->file, ops, host);
    socket->domain = domain;
    bi_list_init(&socket->link);
    bi_list_init(&socket->queue);
    bi_list_init(&socket->silent);
}

static unsigned readiness(const struct bi_sim_socket *socket)
{
    switch (socket->state) {
    case BI_SIM_LISTENING:
        return socket->queued != 0 ? BIGHT_READABLE : 0;
    case BI_SIM_CONNECTING:
        return 0;
    case BI_SIM_CONNECTED:
        return bi_sim_stream_readiness(socket);
    case BI_SIM_NEW:
    case BI_SIM_FAILED:
        break;
    }
    return BIGHT_READABLE | BIGHT_WRITABLE; /* EPOLLHUP */
}

static void join_queue(struct bi_sim_socket *child, struct bi_sim_socket *listener)
{
    bi_list_append(&listener->queue, &child->link);
    listener->queued++;
    bi_sim_socket_update(listener);
}

/* It has brought something, its end perhaps, or has been waited for long enough. One that was reset comes into the
 * queue as well: Linux forgets it, unless it was there already. */
static void end_silence(struct bi_sim_socket *child)
{
    struct bi_sim_socket *listener = child->listener;
    child->listener = NULL;
    bi_sim_event_disarm(&child->give_up);
    bi_list_remove(&child->link);
    join_queue(child, listener);
}

static void waited_long_enough(struct bi_sim_event *event)
{
    end_silence(BI_CONTAINER(event, struct bi_sim_socket, give_up));
}

static void keep_silent(struct bi_sim_socket *child, struct bi_sim_socket *listener)
{
    struct bight_simulation *simulation = listener->file.host->simulation;
    child->listener = listener;
    bi_list_append(&listener->silent, &child->link);
    bi_sim_event_init(&child->give_up, simulation, NULL, NULL, waited_long_enough);
    bi_sim_event_arm(&child->give_up, simulation->now + (uint64_t)listener->defer * BIGHT_NANOSECONDS_PER_SECOND);
}

void bi_sim_socket_update(struct bi_sim_socket *socket)
{
    bool is_datagram = bi_sim_is_datagram(socket);
    unsigned ready = is_datagram ? bi_sim_datagram_readiness(socket) : readiness(socket);
    bi_sim_file_set_ready(&socket->file, ready);
    if (socket->listener != NULL && (ready & BIGHT_READABLE)) {
        end_silence(socket);
    }
}

void bi_sim_socket_news(struct bi_sim_socket *socket)
{
    bi_sim_socket_update(socket);
    bi_sim_file_news(&socket->file);
}

int bi_sim_socket_take_error(struct bi_sim_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    bi_sim_socket_update(socket);
    return error;
}

int bi_sim_disturbance(struct bi_sim_socket *socket, bool would_work)
{
    struct bight_host *host = socket->file.host;
    if (bi_sim_fault(host->simulation, host->kernel.interrupted, "EINTR")) {
        return -EINTR;
    }
    if (would_work && bi_sim_fault(host->simulation, host->kernel.would_block, "EAGAIN")) {
        bi_sim_file_news(&socket->file); /* a refused sender is notified when to try again */
        return -EAGAIN;
    }
    return 0;
}

int bi_sim_lack_of_memory(struct bi_sim_socket *socket, bool would_work)
{
    struct bight_host *host = socket->file.host;
    return would_work && bi_sim_fault(host->simulation, host->kernel.no_buffers, "ENOMEM") ? -ENOMEM : 0;
}

int bi_sim_socket_bind(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    struct bi_sim_address parsed;
    if (socket->bound || socket->state != BI_SIM_NEW) {
        return -EINVAL;
    }
    if (socket->domain == AF_UNIX) {
        return bi_sim_bind_unix(socket, address, size);
    }
    int result = bi_sim_parse_address(socket->domain, address, size, &parsed);
    return result < 0 ? result : bi_sim_bind_ip(socket, &parsed);
}

/* --------------------------------------------------------------------------------------- listening */

int bi_sim_socket_listen(struct bi_sim_socket *socket, int backlog)
{
    if (bi_sim_is_datagram(socket)) {
        return -EOPNOTSUPP;
    }
    if (socket->state != BI_SIM_NEW && socket->state != BI_SIM_LISTENING) {
        return -EINVAL;
    }
    int result = 0;
    if (socket->domain == AF_UNIX) {
        result = socket->bound ? 0 : -EINVAL;
    } else if (!socket->bound) {
        const struct bi_sim_address any = { .port = 0 };
        result = bi_sim_bind_ip(socket, &any);
    } else {
        result = bi_sim_may_listen(socket);
    }
    if (result < 0) {
        return result;
    }
    socket->state = BI_SIM_LISTENING;
    socket->backlog = backlog < 0 ? SOMAXCONN : backlog;
    bi_sim_socket_update(socket);
    return 0;
}

bool bi_sim_socket_is_full(const struct bi_sim_socket *listener)
{
    return listener->queued > (size_t)listener->backlog;
}

struct bi_sim_socket *bi_sim_socket_child(struct bi_sim_socket *listener, struct bi_sim_socket *client)
{
    struct bi_sim_socket *child = bi_sim_socket_new(listener->file.host, listener->domain);
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
    child->state = BI_SIM_CONNECTED;
    if (!bi_sim_wire_new(client, child)) {
        bi_testing_plain_free(child);
        return NULL;
    }
    if (child->node != NULL) {
        child->node->holds++;
    }
    if (child->remote_node != NULL) {
        child->remote_node->holds++;
    }
    bi_sim_socket_update(child);
    if (listener->defer != 0) {
        keep_silent(child, listener);
    } else {
        join_queue(child, listener);
    }
    return child;
}

/* The kernel looks for a descriptor before it looks for a connection. */
static int refuse_accepting(struct bi_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    const struct bight_kernel_conditions *kernel = &host->kernel;
    static const int exhausted[] = { ENOBUFS, ENOMEM, ENFILE };
    if (bi_sim_fault(host->simulation, kernel->interrupted, "EINTR")) {
        return -EINTR;
    }
    if (bi_sim_fault(host->simulation, kernel->no_files, "EMFILE")) {
        return -EMFILE;
    }
    if (bi_sim_fault(host->simulation, kernel->no_buffers, "no buffers")) {
        return -exhausted[bi_sim_detail(host->simulation, 3)];
    }
    if (socket->queued != 0 && bi_sim_fault(host->simulation, kernel->would_block, "EAGAIN")) {
        return -EAGAIN;
    }
    if (socket->queued != 0 && bi_sim_fault(host->simulation, kernel->forbidden, "forbidden to accept")) {
        return bi_sim_detail(host->simulation, 2) == 0 ? -EPERM : -EACCES;
    }
    return socket->queued == 0 ? -EAGAIN : 0;
}

int bi_sim_socket_accept(struct bi_sim_socket *socket, struct sockaddr *address, socklen_t *size)
{
    if (bi_sim_is_datagram(socket)) {
        return -EOPNOTSUPP;
    }
    if (socket->state != BI_SIM_LISTENING) {
        return -EINVAL;
    }
    int result = refuse_accepting(socket);
    if (result != 0) {
        return result;
    }
    struct bi_sim_socket *child = BI_CONTAINER(socket->queue.next, struct bi_sim_socket, link);
    result = bi_sim_file_open(&child->file);
    if (result < 0) {
        return -ENOMEM;
    }
    bi_list_remove(&child->link);
    socket->queued--;
    bi_sim_socket_update(socket);
    if (address != NULL) {
        (void)bi_sim_socket_get_name(child, true, address, size);
    }
    return result;
}

/* ------------------------------------------------------------------------------------------- names */

static socklen_t put_address(struct sockaddr *address, socklen_t room, const void *form, socklen_t used)
{
    memcpy(address, form, used < room ? used : room);
    return used;
}

socklen_t bi_sim_give_ip(int domain, const struct bi_sim_address *from, struct sockaddr *address, socklen_t room)
{
    if (domain == AF_INET) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(from->port) };
        memcpy(&in.sin_addr, from->ip + 12, sizeof in.sin_addr);
        return put_address(address, room, &in, sizeof in);
    }
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };
    memcpy(&in6.sin6_addr, from->ip, sizeof in6.sin6_addr);
    return put_address(address, room, &in6, sizeof in6);
}

int bi_sim_socket_get_name(const struct bi_sim_socket *socket, bool peer, struct sockaddr *address, socklen_t *size)
{
    if (peer && (socket->state != BI_SIM_CONNECTED || socket->was_reset)) {
        return -ENOTCONN;
    }
    if (socket->domain == AF_UNIX) {
        *size = bi_sim_node_address(peer ? socket->remote_node : socket->node, address, *size);
    } else {
        *size = bi_sim_give_ip(socket->domain, peer ? &socket->remote : &socket->local, address, *size);
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------ the end */

static void drop_all(struct bi_link *queue)
{
    while (!bi_list_is_empty(queue)) {
        struct bi_sim_socket *child = BI_CONTAINER(queue->next, struct bi_sim_socket, link);
        child->listener = NULL;
        child->reset_at_close = true;
        if (child->domain == AF_UNIX && !child->was_reset) {
            bi_sim_pipe_mark(&child->wire->pipes[child->side], BI_SIM_RESET);
        }
        child->file.ops->close(&child->file);
    }
}

static void close_socket(struct bi_sim_file *file)
{
    struct bi_sim_socket *socket = bi_sim_socket_of(file);
    bi_sim_event_disarm(&socket->attempt);
    bi_sim_event_disarm(&socket->give_up);
    drop_all(&socket->queue);
    drop_all(&socket->silent);
    if (socket->wire != NULL) {
        bi_sim_stream_close(socket);
    }
    bi_list_remove(&socket->link);
    bi_sim_unbind_unix(socket);
    bi_testing_plain_free(socket);
}

static ssize_t read_socket(struct bi_sim_file *file, void *buffer, size_t size)
{
    return bi_sim_stream_receive(bi_sim_socket_of(file), buffer, size);
}

static ssize_t write_socket(struct bi_sim_file *file, const void *data, size_t size)
{
    const struct iovec part = { (void *)(uintptr_t)data, size };
    return bi_sim_stream_send(bi_sim_socket_of(file), &part, 1, 0);
}

const struct bi_sim_file_ops bi_sim_socket_ops = { read_socket, write_socket, close_socket };
