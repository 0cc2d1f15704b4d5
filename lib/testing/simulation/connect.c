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
#define MAX_TRIES 7

int bi_sim_parse_address(int domain, const struct sockaddr *address, socklen_t size, struct bi_sim_address *parsed)
{
    *parsed = (struct bi_sim_address) { .port = 0 };
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

int bi_sim_parse_target(
    const struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size, struct bi_sim_address *parsed)
{
    int result = bi_sim_parse_address(socket->domain, address, size, parsed);
    if (result < 0) {
        return result;
    }
    bool is_mapped = bi_sim_is_mapped(parsed->ip);
    if (bi_sim_is_any(parsed->ip)) {
        parsed->ip[12] = is_mapped ? 127 : 0;
        parsed->ip[15] = 1;
    }
    return is_mapped && socket->domain == AF_INET6 && socket->only_ipv6 ? -ENETUNREACH : 0;
}

/* ------------------------------------------------------------------------------------------- outcomes */

static void fail(struct bi_sim_socket *socket, int error)
{
    bi_sim_event_disarm(&socket->attempt);
    bi_sim_event_disarm(&socket->give_up);
    socket->error = error;
    socket->state = BI_SIM_FAILED;
    bi_sim_socket_update(socket);
}

static void give_up(struct bi_sim_event *event)
{
    struct bi_sim_socket *socket = BI_CONTAINER(event, struct bi_sim_socket, give_up);
    fail(socket, socket->target == NULL ? EHOSTUNREACH : ETIMEDOUT);
}

static void answer_arrives(struct bi_sim_event *event)
{
    struct bi_sim_socket *socket = BI_CONTAINER(event, struct bi_sim_socket, attempt);
    if (socket->refused) {
        fail(socket, ECONNREFUSED);
        return;
    }
    bi_sim_event_disarm(&socket->give_up);
    socket->state = BI_SIM_CONNECTED;
    bi_sim_socket_update(socket);
}

static uint64_t answer(struct bi_sim_socket *socket, bool refused)
{
    struct bight_simulation *simulation = socket->file.host->simulation;
    uint64_t when = bi_sim_arrival(socket->target, socket->file.host, 0);
    socket->refused = refused;
    bi_sim_event_init(&socket->attempt, simulation, socket->target, socket->file.host, answer_arrives);
    bi_sim_event_arm(&socket->attempt, when);
    return when;
}

static void repeat_later(struct bi_sim_socket *socket)
{
    uint64_t wait = BIGHT_NANOSECONDS_PER_SECOND << socket->tries;
    if (++socket->tries < MAX_TRIES) {
        bi_sim_event_arm(&socket->attempt, socket->file.host->simulation->now + wait);
    }
}

static void request_arrives(struct bi_sim_event *event)
{
    struct bi_sim_socket *socket = BI_CONTAINER(event, struct bi_sim_socket, attempt);
    struct bi_sim_socket *listener = bi_sim_listener_at(socket->target, &socket->remote);
    if (listener == NULL) {
        (void)answer(socket, true);
        return;
    }
    struct bi_sim_socket *child = bi_sim_socket_is_full(listener) ? NULL : bi_sim_socket_child(listener, socket);
    if (child == NULL) {
        repeat_later(socket);
        return;
    }
    /* nothing that the other side sends is there before its answer */
    socket->wire->pipes[child->side].last_arrival = answer(socket, false);
}

/* -------------------------------------------------------------------------------------------- asking */

static int begin(struct bi_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    const struct bight_link_conditions *conditions = &bi_sim_way(host, socket->target)->conditions;
    socket->state = BI_SIM_CONNECTING;
    bi_sim_event_init(&socket->give_up, host->simulation, NULL, NULL, give_up);
    bi_sim_event_arm(&socket->give_up, host->simulation->now + GIVE_UP_AFTER);
    if (bi_sim_fault(host->simulation, conditions->refuse, "refused connection")) {
        (void)answer(socket, true);
    } else if (!bi_sim_fault(host->simulation, conditions->lose_attempt, "lost connection attempt")) {
        bi_sim_event_init(&socket->attempt, host->simulation, host, socket->target, request_arrives);
        bi_sim_event_arm(&socket->attempt, bi_sim_arrival(host, socket->target, 0));
    }
    bi_sim_socket_update(socket);
    return bi_sim_fault(host->simulation, host->kernel.interrupted, "EINTR") ? -EINTR : -EINPROGRESS;
}

/* In the hosts' own network a host that is not there does not answer; other networks have no route. */
static int begin_in_vain(struct bi_sim_socket *socket)
{
    struct bight_simulation *simulation = socket->file.host->simulation;
    if (!bi_sim_is_near(socket->remote.ip)) {
        return -ENETUNREACH;
    }
    socket->state = BI_SIM_CONNECTING;
    bi_sim_event_init(&socket->give_up, simulation, NULL, NULL, give_up);
    bi_sim_event_arm(&socket->give_up, simulation->now + UNREACHABLE_AFTER);
    bi_sim_socket_update(socket);
    return -EINPROGRESS;
}

/* An address of its own, if the socket has none. */
static int bind_source(struct bi_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    bool has_port = socket->bound && socket->local.port != 0;
    if (!has_port && bi_sim_fault(host->simulation, host->kernel.no_ports, "no port left")) {
        return -EADDRNOTAVAIL;
    }
    if (!socket->bound || bi_sim_is_any(socket->local.ip)) {
        bi_sim_own_address(host, socket->remote.ip, socket->local.ip);
    }
    socket->bound = true;
    if (has_port) {
        return bi_sim_connection_exists(socket) ? -EADDRNOTAVAIL : 0;
    }
    return bi_sim_choose_port(socket);
}

int bi_sim_socket_connect(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size)
{
    if (bi_sim_is_datagram(socket)) {
        return bi_sim_datagram_connect(socket, address, size);
    }
    if (socket->state == BI_SIM_CONNECTING) {
        return -EALREADY;
    }
    if (socket->state == BI_SIM_CONNECTED && socket->target != NULL && !socket->connect_told) {
        socket->connect_told = true; /* the outcome of the call that was in progress */
        return 0;
    }
    if (socket->state == BI_SIM_CONNECTED || socket->state == BI_SIM_LISTENING) {
        return -EISCONN;
    }
    if (socket->domain == AF_UNIX) {
        return bi_sim_connect_unix(socket, address, size);
    }
    int result = bi_sim_parse_target(socket, address, size, &socket->remote);
    if (result < 0) {
        return result;
    }
    result = bind_source(socket);
    if (result < 0) {
        return result;
    }
    socket->target = bi_sim_host_at(socket->file.host, socket->remote.ip);
    return socket->target == NULL ? begin_in_vain(socket) : begin(socket);
}
