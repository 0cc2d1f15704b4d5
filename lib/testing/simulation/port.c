/* SPDX-License-Identifier: MIT */
/* port.c - the addresses and ports of a host: which host has an address, what is bound where, what listens, which
 * socket gets a datagram.
 *
 * All addresses have IPv6's form, IPv4 as ::ffff:a.b.c.d. Bound sockets stand in buckets by their port, streams and
 * datagram sockets, which do not get in each other's way. Two may share
 * an address and port when both say SO_REUSEPORT, or both SO_REUSEADDR and neither listens; an IPv6 socket that is not
 * for IPv6 only shares its ports with IPv4. */
#include <errno.h>
#include <string.h>

#include "testing/simulation/simulation.h"

#define FIRST_EPHEMERAL_PORT 32768
#define LAST_EPHEMERAL_PORT 60999

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool bi_sim_is_mapped(const uint8_t ip[16])
{
    return memcmp(ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool bi_sim_is_any(const uint8_t ip[16])
{
    static const uint8_t zero[16];
    return bi_sim_is_mapped(ip) ? memcmp(ip + 12, zero, 4) == 0 : memcmp(ip, zero, 16) == 0;
}

bool bi_sim_is_loopback(const uint8_t ip[16])
{
    static const uint8_t loopback6[16] = { [15] = 1 };
    return bi_sim_is_mapped(ip) ? ip[12] == 127 : memcmp(ip, loopback6, 16) == 0;
}

bool bi_sim_is_near(const uint8_t ip[16])
{
    return bi_sim_is_mapped(ip) ? ip[12] == 10 && ip[13] == 0 : ip[0] == 0xfd;
}

static void form(const struct bight_address *address, uint8_t ip[16])
{
    if (address->family == BIGHT_ADDRESS_IPV6) {
        memcpy(ip, address->at.ipv6, 16);
    } else {
        memcpy(ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(ip + 12, address->at.ipv4, 4);
    }
}

struct bight_host *bi_sim_host_at(struct bight_host *seen_from, const uint8_t ip[16])
{
    struct bight_simulation *simulation = seen_from->simulation;
    uint8_t own[16];
    uint32_t number = (uint32_t)ip[14] << 8 | ip[15];
    if (bi_sim_is_loopback(ip)) {
        return seen_from;
    }
    if (number == 0 || number > simulation->host_count) {
        return NULL;
    }
    struct bight_host *host = simulation->hosts[number - 1];
    form(bi_sim_is_mapped(ip) ? &host->ipv4 : &host->ipv6, own);
    return memcmp(own, ip, 16) == 0 ? host : NULL;
}

void bi_sim_own_address(const struct bight_host *host, const uint8_t peer[16], uint8_t ip[16])
{
    if (bi_sim_is_loopback(peer)) {
        memcpy(ip, peer, 16);
    } else {
        form(bi_sim_is_mapped(peer) ? &host->ipv4 : &host->ipv6, ip);
    }
}

/* ------------------------------------------------------------------------------------------ binding */

static struct bi_link *bucket_of(struct bight_host *host, uint16_t port)
{
    return &host->ports[port % BI_SIM_PORT_BUCKETS];
}

/* Listens or is bound on every address of the family of `ip`. */
static bool covers(const struct bi_sim_socket *socket, const uint8_t ip[16])
{
    const uint8_t *own = socket->local.ip;
    if (!bi_sim_is_any(own)) {
        return memcmp(own, ip, 16) == 0;
    }
    if (bi_sim_is_mapped(ip)) {
        return socket->domain == AF_INET || !socket->only_ipv6;
    }
    return socket->domain == AF_INET6 && !bi_sim_is_mapped(own);
}

static bool overlap(const struct bi_sim_socket *one, const struct bi_sim_socket *other)
{
    bool both_any = bi_sim_is_any(one->local.ip) && bi_sim_is_any(other->local.ip);
    bool shares_ipv4 = !one->only_ipv6 && !other->only_ipv6;
    if (both_any) {
        return one->domain == other->domain || shares_ipv4;
    }
    return covers(one, other->local.ip) || covers(other, one->local.ip);
}

static bool conflicts(const struct bi_sim_socket *one, const struct bi_sim_socket *other, bool will_listen)
{
    bool listens = will_listen || other->state == BI_SIM_LISTENING;
    bool may_share = (one->reuse_port && other->reuse_port) || (one->reuse_address && other->reuse_address && !listens);
    return !may_share && overlap(one, other);
}

/* 0 or -EADDRINUSE. */
static int check_port(const struct bi_sim_socket *socket, bool will_listen)
{
    struct bi_link *bucket = bucket_of(socket->file.host, socket->local.port);
    for (struct bi_link *link = bucket->next; link != bucket; link = link->next) {
        const struct bi_sim_socket *other = BI_CONTAINER(link, struct bi_sim_socket, link);
        bool counts = other != socket && other->local.port == socket->local.port &&
                      bi_sim_is_datagram(other) == bi_sim_is_datagram(socket);
        if (will_listen) {
            counts = counts && other->state == BI_SIM_LISTENING;
        }
        if (counts && conflicts(socket, other, will_listen)) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

static bool is_own(const struct bight_host *host, const uint8_t ip[16])
{
    uint8_t own4[16], own6[16];
    form(&host->ipv4, own4);
    form(&host->ipv6, own6);
    return bi_sim_is_any(ip) || bi_sim_is_loopback(ip) || memcmp(ip, own4, 16) == 0 || memcmp(ip, own6, 16) == 0;
}

static void settle(struct bi_sim_socket *socket)
{
    socket->bound = true;
    bi_list_remove(&socket->link);
    bi_list_append(bucket_of(socket->file.host, socket->local.port), &socket->link);
}

int bi_sim_choose_port(struct bi_sim_socket *socket)
{
    struct bight_host *host = socket->file.host;
    for (int tries = FIRST_EPHEMERAL_PORT; tries <= LAST_EPHEMERAL_PORT; tries++) {
        socket->local.port = host->next_port++;
        if (host->next_port > LAST_EPHEMERAL_PORT) {
            host->next_port = FIRST_EPHEMERAL_PORT;
        }
        if (check_port(socket, false) == 0) {
            settle(socket);
            return 0;
        }
    }
    socket->local.port = 0;
    return -EADDRNOTAVAIL;
}

int bi_sim_bind_ip(struct bi_sim_socket *socket, const struct bi_sim_address *address)
{
    if (!is_own(socket->file.host, address->ip)) {
        return -EADDRNOTAVAIL;
    }
    if (bi_sim_is_mapped(address->ip) && socket->domain == AF_INET6 && socket->only_ipv6) {
        return -EINVAL;
    }
    socket->local = socket->asked = *address;
    if (address->port == 0) {
        socket->bound = true;
        return socket->port_later ? 0 : bi_sim_choose_port(socket);
    }
    int result = check_port(socket, false);
    if (result == 0) {
        settle(socket);
    } else {
        socket->local = socket->asked = (struct bi_sim_address) { .port = 0 };
    }
    return result;
}

static bool is_same(const struct bi_sim_address *one, const struct bi_sim_address *other)
{
    return one->port == other->port && memcmp(one->ip, other->ip, sizeof one->ip) == 0;
}

bool bi_sim_connection_exists(const struct bi_sim_socket *socket)
{
    struct bi_link *bucket = bucket_of(socket->file.host, socket->local.port);
    for (struct bi_link *link = bucket->next; link != bucket; link = link->next) {
        const struct bi_sim_socket *other = BI_CONTAINER(link, struct bi_sim_socket, link);
        bool is_stream = !bi_sim_is_datagram(other) && other->state != BI_SIM_LISTENING;
        if (other != socket && is_stream && is_same(&other->local, &socket->local) &&
            is_same(&other->remote, &socket->remote)) {
            return true;
        }
    }
    return false;
}

void bi_sim_forget_port(struct bi_sim_socket *socket)
{
    bi_list_remove(&socket->link);
    socket->local.port = 0;
    socket->bound = false;
}

/* ---------------------------------------------------------------------------------------- listening */

int bi_sim_may_listen(const struct bi_sim_socket *socket)
{
    return check_port(socket, true);
}

/* One on exactly this address goes before one on all; several with SO_REUSEPORT take turns by chance. */
struct bi_sim_socket *bi_sim_listener_at(struct bight_host *host, const struct bi_sim_address *address)
{
    struct bi_sim_socket *best = NULL;
    uint64_t rivals = 1;
    struct bi_link *bucket = bucket_of(host, address->port);
    for (struct bi_link *link = bucket->next; link != bucket; link = link->next) {
        struct bi_sim_socket *each = BI_CONTAINER(link, struct bi_sim_socket, link);
        if (each->state != BI_SIM_LISTENING || each->local.port != address->port || !covers(each, address->ip)) {
            continue;
        }
        bool is_exact = !bi_sim_is_any(each->local.ip);
        bool best_is_exact = best != NULL && !bi_sim_is_any(best->local.ip);
        if (best == NULL || (is_exact && !best_is_exact)) {
            best = each;
            rivals = 1;
        } else if (is_exact == best_is_exact && bight_simulation_draw(host->simulation, ++rivals) == 0) {
            best = each;
        }
    }
    return best;
}

/* ---------------------------------------------------------------------------------------- datagrams */

/* How well the socket fits, as Linux has it: on exactly this address, then connected to this peer, then of the family;
 * -1: not at all. */
static int fit(
    const struct bi_sim_socket *socket, const struct bi_sim_address *local, const struct bi_sim_address *remote)
{
    bool is_connected = socket->state == BI_SIM_CONNECTED;
    if (!bi_sim_is_datagram(socket) || socket->local.port != local->port || !covers(socket, local->ip)) {
        return -1;
    }
    if (is_connected && (socket->remote.port != remote->port || memcmp(socket->remote.ip, remote->ip, 16) != 0)) {
        return -1;
    }
    return (bi_sim_is_any(socket->local.ip) ? 0 : 4) + (is_connected ? 2 : 0) + (socket->domain == AF_INET ? 1 : 0);
}

/* The same for all that comes from one peer. */
static uint32_t flow_of(const struct bi_sim_address *remote)
{
    uint32_t hash = remote->port;
    for (size_t i = 0; i < sizeof remote->ip; i++) {
        hash = (hash ^ remote->ip[i]) * 0x01000193;
    }
    return hash ^ (hash >> 16);
}

/* Of several that fit as well the last bound; with SO_REUSEPORT one that stays the same for a peer. */
struct bi_sim_socket *bi_sim_datagrams_at(
    struct bight_host *host, const struct bi_sim_address *local, const struct bi_sim_address *remote)
{
    struct bi_sim_socket *best = NULL;
    int best_fit = -1;
    uint32_t rivals = 1;
    struct bi_link *bucket = bucket_of(host, local->port);
    for (struct bi_link *link = bucket->next; link != bucket; link = link->next) {
        struct bi_sim_socket *each = BI_CONTAINER(link, struct bi_sim_socket, link);
        int each_fit = fit(each, local, remote);
        if (each_fit < 0 || each_fit < best_fit) {
            continue;
        }
        bool is_shared = each_fit == best_fit && each->reuse_port && best->reuse_port;
        rivals = is_shared ? rivals + 1 : 1;
        if (!is_shared || flow_of(remote) % rivals == 0) {
            best = each;
            best_fit = each_fit;
        }
    }
    return best;
}
