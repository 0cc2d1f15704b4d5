/* SPDX-License-Identifier: MIT */
/* tcp.c - the endpoint types tcp: and tcp6:, for listening and for connecting.
 *
 * Only from checked arguments to the options of lib/transport and of the race; sockets are made there. */
#include "endpoint/types/tcp.h"

#include <string.h>

#include "endpoint/grammar.h"
#include "endpoint/happy_eyeballs.h"
#include "endpoint/listening.h"
#include "transport/socket.h"

/* --------------------------------------------------------------------------------------------- servers */

static const struct bight_argument_rule server_rules[] = { BI_TCP_SERVER_RULES, { NULL } };

static struct bi_listen_options server_options(const struct bight_argument *arguments, bool only_ipv6)
{
    return (struct bi_listen_options) {
        .backlog = (int)arguments[BI_TCP_BACKLOG].number,
        .only_ipv6 = only_ipv6,
        .reuse_port = arguments[BI_TCP_REUSEPORT].number != 0,
        .no_delay = !arguments[BI_TCP_NODELAY].given || arguments[BI_TCP_NODELAY].number != 0,
        .keepalive = arguments[BI_TCP_KEEPALIVE].number != 0,
        .max_connections = (size_t)arguments[BI_TCP_MAXCONN].number,
    };
}

static struct bight_deferred *listen_on(struct bight_reactor *reactor, const struct bight_argument *arguments,
    struct bight_factory *factory, bool only_ipv6)
{
    const struct bight_argument *interface = &arguments[BI_TCP_INTERFACE];
    struct bi_listen_options options = server_options(arguments, only_ipv6);
    uint16_t port = (uint16_t)arguments[BI_TCP_PORT].number;
    if (!interface->given) {
        return bi_listening(reactor, factory, bi_listen_any(reactor, port, &options), &options, NULL);
    }
    struct bight_address address;
    if (bight_address_parse_ip(&address, interface->text, port) != 0 ||
        (only_ipv6 && address.family != BIGHT_ADDRESS_IPV6)) {
        return bight_fail(bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL,
            "column %zu: interface is an IPv6 address, not \"%s\"", interface->column, interface->text));
    }
    return bi_listening(reactor, factory, bi_listen_ip(reactor, &address, &options), &options, NULL);
}

static struct bight_deferred *listen_tcp(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    return listen_on(reactor, arguments, factory, false);
}

static struct bight_deferred *listen_tcp6(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    return listen_on(reactor, arguments, factory, true);
}

const struct bight_endpoint_type bi_endpoint_tcp_server = {
    .name = "tcp", .help = "tcp:PORT" BI_TCP_SERVER_HELP, .rules = server_rules, .listen = listen_tcp
};
const struct bight_endpoint_type bi_endpoint_tcp6_server = {
    .name = "tcp6", .help = "tcp6:PORT" BI_TCP_SERVER_HELP, .rules = server_rules, .listen = listen_tcp6
};

/* --------------------------------------------------------------------------------------------- clients */

static const struct bight_argument_rule client_rules[] = { BI_TCP_CLIENT_RULES, { NULL } };

/* A literal, in brackets or bare. What stands in brackets must be one. */
static bool read_literal(const struct bight_argument *host, uint16_t port, struct bight_address *address)
{
    char text[64];
    bool has_brackets = host->text_size >= 2 && host->text[0] == '[' && host->text[host->text_size - 1] == ']';
    size_t size = host->text_size - (has_brackets ? 2 : 0);
    if (size >= sizeof text) {
        return false;
    }
    memcpy(text, host->text + has_brackets, size);
    text[size] = '\0';
    return bight_address_parse_ip(address, text, port) == 0;
}

static struct bight_deferred *connect_tcp(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    const struct bight_argument *host = &arguments[BI_TCP_HOST];
    struct bi_race_options options = {
        .port = (uint16_t)arguments[BI_TCP_CLIENT_PORT].number,
        .timeout = arguments[BI_TCP_TIMEOUT].given ? arguments[BI_TCP_TIMEOUT].seconds : BI_CONNECT_TIMEOUT,
    };
    if (arguments[BI_TCP_BIND].given) {
        (void)bight_address_parse_ip(&options.bind, arguments[BI_TCP_BIND].text, 0);
    }
    if (read_literal(host, options.port, &options.address)) {
        return bi_race(reactor, factory, &options);
    }
    if (strpbrk(host->text, "[]") != NULL) {
        char excerpt[BI_EXCERPT_SIZE];
        bi_endpoint_excerpt(host->text, host->text_size, excerpt);
        return bight_fail(bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL,
            "column %zu: brackets are for IPv6 addresses, not for \"%s\"", host->column, excerpt));
    }
    options.name = host->text;
    return bi_race(reactor, factory, &options);
}

const struct bight_endpoint_type bi_endpoint_tcp_client = {
    .name = "tcp", .help = "tcp:HOST:PORT" BI_TCP_CLIENT_HELP, .rules = client_rules, .connect = connect_tcp
};
