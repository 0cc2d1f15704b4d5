/* SPDX-License-Identifier: MIT */
/* datagram.c - UDP sockets: connecting, sending, receiving, as Linux does them.
 *
 * What they share with streams (binding, names, options) is in socket.c, port.c and option.c; how datagrams
 * travel is in flight.c. A socket counts the bytes that have not left yet and those that have come; a buffer takes
 * a datagram while it is not full, and so one more than fits. There is no multicast, no broadcast and no ancillary
 * data. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define LARGEST_IPV4 65507 /* 65535 less the headers of IPv4 and UDP */
#define LARGEST_IPV6 65527 /* 65535 less UDP's, for IPv6 counts its own apart (RFC 8200, 3) */
#define OVERHEAD 256       /* of a datagram in a buffer on top of its bytes: empty ones fill it too */

struct datagram_socket {
    struct bi_sim_socket socket; /* first; queue and queued: the datagrams that have come, and their cost */
    struct bi_link leaving;      /* those that have not left */
    size_t unsent;               /* and their cost */
};

static struct datagram_socket *datagrams_of(struct bi_sim_socket *socket)
{
    return (struct datagram_socket *)socket;
}

static size_t cost_of(const struct bi_sim_datagram *datagram)
{
    return datagram->size + OVERHEAD;
}

struct bi_sim_socket *bi_sim_datagram_new(struct bight_host *host, int domain)
{
    struct datagram_socket *datagrams = bi_sim_allocate(sizeof *datagrams);
    if (datagrams == NULL) {
        return NULL;
    }
    bi_sim_socket_init(&datagrams->socket, &bi_sim_datagram_ops, host, domain);
    bi_list_init(&datagrams->leaving);
    bi_sim_socket_update(&datagrams->socket);
    return &datagrams->socket;
}

unsigned bi_sim_datagram_readiness(const struct bi_sim_socket *socket)
{
    const struct datagram_socket *datagrams = (const struct datagram_socket *)socket;
    unsigned ready = 0;
    if (socket->error != 0) {
        return BIGHT_READABLE | BIGHT_WRITABLE; /* EPOLLERR */
    }
    if (!bi_list_is_empty(&socket->queue) || socket->shut_reading) {
        ready |= BIGHT_READABLE;
    }
    if (datagrams->unsent * 2 < bi_sim_send_room(socket->file.host)) {
        ready |= BIGHT_WRITABLE;
    }
    return ready;
}

/* ------------------------------------------------------------------------------------------- addresses */

/* An IPv6 socket takes addresses of IPv4's own form too. */
static int parse(
    const struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size, struct bi_sim_address *parsed)
{
    struct bi_sim_socket as_ipv4 = { .domain = AF_INET };
    bool is_ipv4 = size >= sizeof(sa_family_t) && address->sa_family == AF_INET && socket->domain == AF_INET6;
    if (is_ipv4 && socket->only_ipv6) {
        return -ENETUNREACH;
    }
    return bi_sim_parse_target(is_ipv4 ? &as_ipv4 : socket, address, size, parsed);
}

static int bind_if_needed(struct bi_sim_socket *socket)
{
    return socket->local.port != 0 || bi_sim_choose_port(socket) == 0 ? 0 : -EAGAIN;
}

/* Where to and where from. *target is NULL for an address of the near network that no host has. */
static int find_route(const struct bi_sim_socket *socket, const struct bi_sim_address *to, struct bight_host **target,
    struct bi_sim_address *from)
{
    struct bight_host *host = socket->file.host;
    *target = bi_sim_host_at(host, to->ip);
    if (*target == NULL && !bi_sim_is_near(to->ip)) {
        return -ENETUNREACH;
    }
    *from = socket->local;
    if (bi_sim_is_any(from->ip)) {
        bi_sim_own_address(host, to->ip, from->ip);
    }
    if (bi_sim_is_mapped(from->ip) != bi_sim_is_mapped(to->ip)) {
        return -ENETUNREACH;
    }
    return bi_sim_is_loopback(from->ip) && *target != host ? -EINVAL : 0;
}

/* A port that was chosen goes with the peer; what was bound stays. */
static void disconnect(struct bi_sim_socket *socket)
{
    socket->state = BI_SIM_NEW;
    memcpy(socket->local.ip, socket->asked.ip, sizeof socket->local.ip);
    if (socket->asked.port == 0) {
        bi_sim_forget_port(socket);
    }
}

int bi_sim_datagram_connect(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    struct bi_sim_address remote, local;
    struct bight_host *target;
    if (size < sizeof(sa_family_t)) {
        return -EINVAL;
    }
    if (address->sa_family == AF_UNSPEC) {
        disconnect(socket);
        return 0;
    }
    int result = bind_if_needed(socket);
    if (result == 0) {
        result = parse(socket, address, size, &remote);
    }
    if (result == 0) {
        result = find_route(socket, &remote, &target, &local);
    }
    if (result != 0) {
        return result;
    }
    socket->local = local;
    socket->remote = remote;
    socket->state = BI_SIM_CONNECTED;
    return 0;
}

/* --------------------------------------------------------------------------------------------- sending */

static int find_target(
    const struct bi_sim_socket *socket, const struct sockaddr *name, socklen_t name_size, struct bi_sim_address *to)
{
    if (name == NULL) {
        *to = socket->remote;
        return socket->state == BI_SIM_CONNECTED ? 0 : -EDESTADDRREQ;
    }
    int result = parse(socket, name, name_size, to);
    return result == 0 && to->port == 0 && bi_sim_is_mapped(to->ip) ? -EINVAL : result;
}

static int may_send(struct bi_sim_socket *socket)
{
    bool has_room = datagrams_of(socket)->unsent < bi_sim_send_room(socket->file.host);
    if (socket->error != 0) {
        return -bi_sim_socket_take_error(socket);
    }
    if (socket->shut_writing) {
        return -EPIPE;
    }
    int result = bi_sim_disturbance(socket, has_room);
    if (result == 0) {
        result = bi_sim_lack_of_memory(socket, has_room);
    }
    return result == 0 && !has_room ? -EAGAIN : result;
}

static void copy_in(struct bi_sim_datagram *datagram, const struct iovec *parts, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len != 0) {
            memcpy(datagram->bytes + at, parts[i].iov_base, parts[i].iov_len);
            at += parts[i].iov_len;
        }
    }
}

/* Into the void when there is no target. */
static ssize_t set_off(struct bi_sim_socket *socket, struct bi_sim_datagram *datagram)
{
    struct datagram_socket *datagrams = datagrams_of(socket);
    size_t size = datagram->size;
    if (datagram->target == NULL) {
        bi_sim_datagram_free(datagram);
        return (ssize_t)size;
    }
    datagram->sender = socket;
    datagrams->unsent += cost_of(datagram);
    bi_list_append(&datagrams->leaving, &datagram->of_sender);
    bi_sim_datagram_carry(datagram);
    bi_sim_socket_update(socket);
    return (ssize_t)size;
}

ssize_t bi_sim_datagram_send(struct bi_sim_socket *socket, const struct iovec *parts, size_t count,
    const struct sockaddr *name, socklen_t name_size)
{
    struct bi_sim_address to, from;
    struct bight_host *target = NULL;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].iov_len;
    }
    int result = bind_if_needed(socket);
    if (result == 0) {
        result = find_target(socket, name, name_size, &to);
    }
    if (result != 0) {
        return result;
    }
    if (size > (bi_sim_is_mapped(to.ip) ? LARGEST_IPV4 : LARGEST_IPV6)) {
        return -EMSGSIZE;
    }
    result = find_route(socket, &to, &target, &from);
    if (result == 0) {
        result = may_send(socket);
    }
    if (result != 0) {
        return result;
    }
    struct bi_sim_datagram *datagram = bi_sim_datagram_make(socket->file.host, target, size);
    if (datagram == NULL) {
        return -ENOBUFS;
    }
    datagram->from = from;
    datagram->to = to;
    copy_in(datagram, parts, count);
    return set_off(socket, datagram);
}

void bi_sim_datagram_left(struct bi_sim_datagram *datagram)
{
    if (datagram->sender != NULL) {
        datagrams_of(datagram->sender)->unsent -= cost_of(datagram);
        bi_list_remove(&datagram->of_sender);
        bi_sim_socket_update(datagram->sender);
        datagram->sender = NULL;
    }
}

/* ------------------------------------------------------------------------------------------- receiving */

void bi_sim_datagram_came(struct bi_sim_socket *socket, struct bi_sim_datagram *datagram)
{
    struct bight_host *host = socket->file.host;
    if (socket->queued >= bi_sim_receive_room(host)) {
        bi_sim_trace(host, BI_SIM_loss, socket->file.fd, (int64_t)datagram->size, 0);
        bi_sim_datagram_free(datagram);
        return;
    }
    socket->queued += cost_of(datagram);
    bi_list_append(&socket->queue, &datagram->link);
    bi_sim_socket_update(socket);
}

static size_t copy_out(const struct bi_sim_datagram *datagram, const struct iovec *parts, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count && at < datagram->size; i++) {
        size_t left = datagram->size - at;
        size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
        if (size != 0) {
            memcpy(parts[i].iov_base, datagram->bytes + at, size);
            at += size;
        }
    }
    return at;
}

ssize_t bi_sim_datagram_receive(struct bi_sim_socket *socket, struct msghdr *message, int flags)
{
    bool is_there = !bi_list_is_empty(&socket->queue);
    int result = bi_sim_disturbance(socket, is_there);
    if (result == 0) {
        result = bi_sim_lack_of_memory(socket, is_there);
    }
    if (result != 0) {
        return result;
    }
    if (socket->error != 0) {
        return -bi_sim_socket_take_error(socket);
    }
    if (bi_list_is_empty(&socket->queue)) {
        return -EAGAIN;
    }
    struct bi_sim_datagram *datagram = BI_CONTAINER(socket->queue.next, struct bi_sim_datagram, link);
    size_t size = datagram->size, copied = copy_out(datagram, message->msg_iov, message->msg_iovlen);
    message->msg_flags = copied < size ? MSG_TRUNC : 0;
    message->msg_controllen = 0;
    if (message->msg_name != NULL) {
        message->msg_namelen = bi_sim_give_ip(socket->domain, &datagram->from, message->msg_name, message->msg_namelen);
    }
    if ((flags & MSG_PEEK) == 0) {
        socket->queued -= cost_of(datagram);
        bi_sim_datagram_free(datagram);
        bi_sim_socket_update(socket);
    }
    return (ssize_t)((flags & MSG_TRUNC) != 0 ? size : copied);
}

/* ------------------------------------------------------------------------------------------ descriptors */

static ssize_t read_datagram(struct bi_sim_file *file, void *buffer, size_t size)
{
    struct iovec part = { buffer, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    return bi_sim_datagram_receive(bi_sim_socket_of(file), &message, 0);
}

static ssize_t write_datagram(struct bi_sim_file *file, const void *data, size_t size)
{
    const struct iovec part = { (void *)(uintptr_t)data, size };
    return bi_sim_datagram_send(bi_sim_socket_of(file), &part, 1, NULL, 0);
}

/* What is on its way goes on; what was not received is lost. */
static void close_datagrams(struct bi_sim_file *file)
{
    struct bi_sim_socket *socket = bi_sim_socket_of(file);
    struct datagram_socket *datagrams = datagrams_of(socket);
    BI_LIST_EACH_TAKEN (link, &datagrams->leaving) {
        BI_CONTAINER(link, struct bi_sim_datagram, of_sender)->sender = NULL;
    }
    while (!bi_list_is_empty(&socket->queue)) {
        bi_sim_datagram_free(BI_CONTAINER(socket->queue.next, struct bi_sim_datagram, link));
    }
    bi_list_remove(&socket->link);
    bi_testing_plain_free(socket);
}

const struct bi_sim_file_ops bi_sim_datagram_ops = { read_datagram, write_datagram, close_datagrams };
