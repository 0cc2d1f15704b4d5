/* SPDX-License-Identifier: MIT */
/* connect.c - connect(2) over IP: the request's way to a listener, and the answer's way back.
 *
 * The request travels as an event, and so does the answer: connected or refused. A listener whose queue is full says
 * nothing, and the request is repeated after 1, 2, 4 ... seconds; one that is never answered times out after 127 s, as
 * with Linux's six repetitions (tcp_syn_retries). */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "testing/simulation/simulation.h"

#define GIVE_UP_AFTER (127 * BIGHT_NANOSECONDS_PER_SECOND)
#define UNREACHABLE_AFTER (3 * BIGHT_NANOSECONDS_PER_SECOND)
#define MOST_TRIES 7

int bight_sim_parse_address(
    int domain, const struct sockaddr *address, socklen_t size, struct bight_sim_address *parsed)
{
    *parsed = (struct bight_sim_address) { .port = 0 };
    if (size < sizeof(sa_family_t)) {
        return -EINVAL;
    }
    if (address->sa_family != domain) {
        return -EAFNOSUPPORT;
    }
    if (domain == AF_INET) {
        struct sockaddr_in in;
        if (size < sizeof in) {
            return -EINVAL;
        }
        memcpy(&in, address, sizeof in);
        parsed->ip[10] = parsed->ip[11] = 0xff;
        memcpy(parsed->ip + 12, &in.sin_addr, sizeof in.sin_addr);
        parsed->port = ntohs(in.sin_port);
        return 0;
    }
    struct sockaddr_in6 in6;
    if (size < sizeof in6) {
        return -EINVAL;
    }
    memcpy(&in6, address, sizeof in6);
    memcpy(parsed->ip, &in6.sin6_addr, sizeof in6.sin6_addr);
    parsed->port = ntohs(in6.sin6_port);
    return 0;
}

int bight_sim_parse_target(const struct bight_sim_socket *socket, const struct sockaddr *address, socklen_t size,
    struct bight_sim_address *parsed)
{
    int result = bight_sim_parse_address(socket->domain, address, size, parsed);
    if (result < 0) {
        return result;
    }
    bool is_mapped = bight_sim_is_mapped(parsed->ip);
    if (bight_sim_is_any(parsed->ip)) {
        parsed->ip[12] = is_mapped ? 127 : 0;
        parsed->ip[15] = 1;
    }
    return is_mapped && socket->domain == AF_INET6 && socket->only_ipv6 ? -ENETUNREACH : 0;
}

/* ------------------------------------------------------------------------------------------- outcomes */

static void fail(struct bight_sim_socket *socket, int error)
{
    bight_sim_event_disarm(&socket->attempt);
    bight_sim_event_disarm(&socket->give_up);
    socket->error = error;
    socket->state = BIGHT_SIM_FAILED;
    bight_sim_socket_update(socket);
}

static void give_up(struct bight_sim_event *event)
{
    struct bight_sim_socket *socket = BIGHT_CONTAINER(event, struct bight_sim_socket, give_up);
    fail(socket, socket->target == NULL ? EHOSTUNREACH : ETIMEDOUT);
}

static void answer_arrives(struct bight_sim_event *event)
{
    struct bight_sim_socket *socket = BIGHT_CONTAINER(event, struct bight_sim_socket, attempt);
    if (socket->refused) {
        fail(socket, ECONNREFUSED);
        return;
    }
    bight_sim_event_disarm(&socket->give_up);
    socket->state = BIGHT_SIM_CONNECTED;
    bight_sim_socket_update(socket);
}

static uint64_t answer(struct bight_sim_socket *socket, bool refused)
{
    struct bight_simulation *simulation = socket->file.host->simulation;
    uint64_t when = bight_sim_arrival(socket->target, socket->file.host, 0);
    socket->refused = refused;
    bight_sim_event_init(&socket->attempt, simulation, socket->target, socket->file.host, answer_arrives);
    bight_sim_event_arm(&socket->attempt, when);
    return when;
}

static void repeat_later(struct bight_sim_socket *socket)
{
    uint64_t wait = BIGHT_NANOSECONDS_PER_SECOND << socket->tries;
    if (++socket->tries < MOST_TRIES) {
        bight_sim_event_arm(&socket->attempt, socket->file.host->simulation->now + wait);
    }
}

static void request_arrives(struct bight_sim_event *event)
{
    struct bight_sim_socket *socket = BIGHT_CONTAINER(event, struct bight_sim_socket, attempt);
    struct bight_sim_socket *listener = bight_sim_listener_at(socket->target, &socket->remote);
    if (listener == NULL) {
        (void)answer(socket, true);
        return;
    }
    struct bight_sim_socket *child =
        bight_sim_socket_is_full(listener) ? NULL : bight_sim_socket_child(listener, socket);
    if (child == NULL) {
        repeat_later(socket);
        return;
    }
    /* nothing that the other side sends is there before its answer */
    socket->wire->pipes[child->side].last_arrival = answer(socket, false);
}

/* -------------------------------------------------------------------------------------------- asking */

static int begin(struct bight_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    const struct bight_link_conditions *conditions = &bight_sim_way(host, socket->target)->conditions;
    socket->state = BIGHT_SIM_CONNECTING;
    bight_sim_event_init(&socket->give_up, host->simulation, NULL, NULL, give_up);
    bight_sim_event_arm(&socket->give_up, host->simulation->now + GIVE_UP_AFTER);
    if (bight_sim_fault(host->simulation, conditions->refuse, "refused connection")) {
        (void)answer(socket, true);
    } else if (!bight_sim_fault(host->simulation, conditions->lose_attempt, "lost connection attempt")) {
        bight_sim_event_init(&socket->attempt, host->simulation, host, socket->target, request_arrives);
        bight_sim_event_arm(&socket->attempt, bight_sim_arrival(host, socket->target, 0));
    }
    bight_sim_socket_update(socket);
    return bight_sim_fault(host->simulation, host->kernel.interrupted, "EINTR") ? -EINTR : -EINPROGRESS;
}

/* In the hosts' own network nobody answers for a host that is not there; other networks have no route. */
static int begin_in_vain(struct bight_sim_socket *socket)
{
    struct bight_simulation *simulation = socket->file.host->simulation;
    if (!bight_sim_is_near(socket->remote.ip)) {
        return -ENETUNREACH;
    }
    socket->state = BIGHT_SIM_CONNECTING;
    bight_sim_event_init(&socket->give_up, simulation, NULL, NULL, give_up);
    bight_sim_event_arm(&socket->give_up, simulation->now + UNREACHABLE_AFTER);
    bight_sim_socket_update(socket);
    return -EINPROGRESS;
}

/* An address of its own, if the socket has none. */
static int bind_source(struct bight_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    bool has_port = socket->bound && socket->local.port != 0;
    if (!has_port && bight_sim_fault(host->simulation, host->kernel.no_ports, "no port left")) {
        return -EADDRNOTAVAIL;
    }
    if (!socket->bound || bight_sim_is_any(socket->local.ip)) {
        bight_sim_own_address(host, socket->remote.ip, socket->local.ip);
    }
    socket->bound = true;
    return has_port ? 0 : bight_sim_choose_port(socket);
}

int bight_sim_socket_connect(struct bight_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    if (bight_sim_is_datagram(socket)) {
        return bight_sim_datagram_connect(socket, address, size);
    }
    if (socket->state == BIGHT_SIM_CONNECTING) {
        return -EALREADY;
    }
    if (socket->state == BIGHT_SIM_CONNECTED && socket->target != NULL && !socket->connect_told) {
        socket->connect_told = true; /* the outcome of the call that was in progress */
        return 0;
    }
    if (socket->state == BIGHT_SIM_CONNECTED || socket->state == BIGHT_SIM_LISTENING) {
        return -EISCONN;
    }
    if (socket->domain == AF_UNIX) {
        return bight_sim_connect_unix(socket, address, size);
    }
    int result = bight_sim_parse_target(socket, address, size, &socket->remote);
    if (result < 0) {
        return result;
    }
    result = bind_source(socket);
    if (result < 0) {
        return result;
    }
    socket->target = bight_sim_host_at(socket->file.host, socket->remote.ip);
    return socket->target == NULL ? begin_in_vain(socket) : begin(socket);
}
