/* SPDX-License-Identifier: MIT */
/* option.c - getsockopt(2) and setsockopt(2): what bight uses is stored and told back, the rest is ENOPROTOOPT.
 *
 * So an option that bight comes to use is noticed, and must be thought through, before a simulation says that it works.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "testing/simulation/simulation.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static bool is_tcp(const struct bi_sim_socket *socket)
{
    return socket->domain != AF_UNIX && !bi_sim_is_datagram(socket);
}

/* Where a yes-or-no option is kept; NULL for any other. */
static bool *flag_of(struct bi_sim_socket *socket, int level, int name)
{
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_REUSEADDR:
            return &socket->reuse_address;
        case SO_REUSEPORT:
            return &socket->reuse_port;
        case SO_KEEPALIVE:
            return &socket->keepalive;
        default:
            return NULL;
        }
    }
    if (level == IPPROTO_TCP && name == TCP_NODELAY && is_tcp(socket)) {
        return &socket->no_delay;
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && socket->domain == AF_INET6) {
        return &socket->only_ipv6;
    }
    if (level == IPPROTO_IP && name == IP_BIND_ADDRESS_NO_PORT && socket->domain != AF_UNIX) {
        return &socket->port_later;
    }
    return NULL;
}

/* Options that the simulated kernel does not have, but as it has them they are as usual: SO_RCVLOWAT at 1, TCP_CORK at
 * 0. */
static bool has_usual_only(const struct bi_sim_socket *socket, int level, int name)
{
    return (level == SOL_SOCKET && name == SO_RCVLOWAT) || (level == IPPROTO_TCP && name == TCP_CORK && is_tcp(socket));
}

static bool is_deferring(const struct bi_sim_socket *socket, int level, int name)
{
    return level == IPPROTO_TCP && name == TCP_DEFER_ACCEPT && is_tcp(socket);
}

static bool is_usual(int level, const void *value, socklen_t size)
{
    int number = -1;
    if (size >= sizeof number) {
        memcpy(&number, value, sizeof number);
    }
    return number == (level == SOL_SOCKET ? 1 : 0);
}

static int give_number(int number, void *value, socklen_t *size)
{
    socklen_t used = *size < sizeof number ? *size : (socklen_t)sizeof number;
    memcpy(value, &number, used);
    *size = used;
    return 0;
}

int bi_sim_get_option(struct bi_sim_socket *socket, int level, int name, void *value, socklen_t *size)
{
    const bool *flag = flag_of(socket, level, name);
    if (flag != NULL) {
        return give_number(*flag, value, size);
    }
    if (is_deferring(socket, level, name)) {
        return give_number(socket->defer, value, size);
    }
    if (level != SOL_SOCKET) {
        return -ENOPROTOOPT;
    }
    switch (name) {
    case SO_ERROR:
        return give_number(bi_sim_socket_take_error(socket), value, size);
    case SO_TYPE:
        return give_number(bi_sim_is_datagram(socket) ? SOCK_DGRAM : SOCK_STREAM, value, size);
    case SO_DOMAIN:
        return give_number(socket->domain, value, size);
    case SO_ACCEPTCONN:
        return give_number(socket->state == BI_SIM_LISTENING, value, size);
    default:
        return -ENOPROTOOPT;
    }
}

int bi_sim_set_option(struct bi_sim_socket *socket, int level, int name, const void *value, socklen_t size)
{
    bool *flag = flag_of(socket, level, name);
    if (level == SOL_SOCKET && name == SO_LINGER) {
        struct linger linger;
        if (size < sizeof linger) {
            return -EINVAL;
        }
        memcpy(&linger, value, sizeof linger);
        socket->reset_at_close = linger.l_onoff != 0 && linger.l_linger == 0;
        return 0;
    }
    if (has_usual_only(socket, level, name)) {
        return is_usual(level, value, size) ? 0 : -ENOPROTOOPT;
    }
    if (flag == NULL && !is_deferring(socket, level, name)) {
        return -ENOPROTOOPT;
    }
    int number;
    if (size < sizeof number) {
        return -EINVAL;
    }
    memcpy(&number, value, sizeof number);
    if (flag != NULL) {
        *flag = number != 0;
    } else {
        socket->defer = number > 0 ? number : 0;
    }
    return 0;
}
