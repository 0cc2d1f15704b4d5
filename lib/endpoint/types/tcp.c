/* SPDX-License-Identifier: MIT */
/* tcp.c - the endpoint types tcp: and tcp6:, for listening and for connecting.
 *
 * Only from checked arguments to the options of lib/transport and of the race; sockets are made there. */
#include "endpoint/types/tcp.h"

#include <errno.h>
#include <string.h>

#include <bight/memory.h>
#include <bight/sys/resolver.h>

#include "endpoint/failures.h"
#include "endpoint/grammar.h"
#include "endpoint/happy_eyeballs.h"
#include "endpoint/listening.h"
#include "transport/socket.h"
#include "transport/transport.h"

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
        .defer = (int)arguments[BI_TCP_DEFER].number,
    };
}

/* ------------------------------------------------------------------------------ on a name's address */

/* From the call until the name has been looked up; counts as a use of the factory, as an attempt to connect does. */
struct named {
    struct bight_reactor *reactor;
    struct bight_factory *factory;
    struct bi_listen_options options;
    char name[];
};

static void release_named(void *context)
{
    struct named *named = context;
    struct bight_factory *factory = named->factory;
    bight_free(named);
    bi_factory_remove_port(factory);
}

/* The first address that is this machine's. One in use is no reason to take the next: two programs would share the name
 * and not notice. -errno. */
static int listen_on_first(const struct named *named, const struct bight_address_list *list)
{
    int fd = -EADDRNOTAVAIL;
    for (size_t i = 0; list != NULL && i < list->count && (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT); i++) {
        if (!named->options.only_ipv6 || list->addresses[i].family == BIGHT_ADDRESS_IPV6) {
            fd = bi_listen_ip(named->reactor, &list->addresses[i], &named->options);
        }
    }
    return fd;
}

/* Says whose fault it was. */
static void fail(const struct named *named, struct bight_result *result, struct bight_failure *cause)
{
    bight_result_fail(
        result, bight_failure_new_many(bight_failure_code(cause), &cause, 1, "interface=%s", named->name));
}

static void looked_up(struct bight_result *result, void *context)
{
    const struct named *named = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        bight_failure_is(failure, BIGHT_E_CANCELLED) ? bight_result_fail(result, failure)
                                                     : fail(named, result, failure);
        return;
    }
    int fd = listen_on_first(named, bight_result_peek(result, &bight_type_address_list));
    if (fd < 0) {
        fail(named, result, bi_listen_failure(-fd, false));
        return;
    }
    struct bight_port *port = bi_port_new(named->reactor, named->factory, fd, &named->options, NULL, &failure);
    if (port == NULL) {
        fail(named, result, failure);
    } else {
        bight_result_set(result, &bight_type_port, port);
    }
}

static struct named *new_named(struct bight_reactor *reactor, struct bight_factory *factory,
    const struct bi_listen_options *options, const struct bight_argument *name, int *code)
{
    struct named *named = bight_malloc(sizeof *named + name->text_size + 1);
    *code = named == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_factory_add_port(factory, reactor);
    if (*code != BIGHT_OK) {
        bight_free(named);
        return NULL;
    }
    *named = (struct named) { .reactor = reactor, .factory = factory, .options = *options };
    memcpy(named->name, name->text, name->text_size + 1);
    return named;
}

static struct bight_deferred *listen_on_name(struct bight_reactor *reactor, struct bight_factory *factory,
    const struct bi_listen_options *options, const struct bight_argument *name, uint16_t port)
{
    int code;
    struct named *named = new_named(reactor, factory, options, name, &code);
    if (named == NULL) {
        return bight_fail(bight_failure_of(code));
    }
    struct bight_deferred *deferred = bight_resolve(reactor, named->name, port);
    code = bight_deferred_add_both_full(deferred, looked_up, named, release_named);
    if (code == BIGHT_OK) {
        return deferred;
    }
    release_named(named);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    return bight_fail(bight_failure_of(code));
}

/* ----------------------------------------------------------------------------------------- any of them */

static struct bight_deferred *listen_on(struct bight_reactor *reactor, const struct bight_argument *arguments,
    struct bight_factory *factory, bool only_ipv6)
{
    const struct bight_argument *interface = &arguments[BI_TCP_INTERFACE];
    struct bi_listen_options options = server_options(arguments, only_ipv6);
    uint16_t port = (uint16_t)arguments[BI_TCP_PORT].number;
    struct bight_address address;
    if (!interface->given) {
        return bi_listening(reactor, factory, bi_listen_any(reactor, port, &options), &options, NULL);
    }
    if (bight_address_parse_ip(&address, interface->text, port) != 0) {
        return listen_on_name(reactor, factory, &options, interface, port);
    }
    if (only_ipv6 && address.family != BIGHT_ADDRESS_IPV6) {
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
    options.bind.port = (uint16_t)arguments[BI_TCP_BINDPORT].number;
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
