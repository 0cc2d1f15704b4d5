/* SPDX-License-Identifier: MIT */
/* Odd calls on the simulated kernel: addresses of the wrong form, states that do not fit, options that do not exist,
 * several sockets on one port. Scripts against the kernel's answers as in test_simulation_kernel.c, and what only a
 * network of several hosts shows. */
#include "kernel_script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/un.h>

static int make(struct script *script, int domain)
{
    int fd = script->ops->socket(script->system, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bind_to(struct script *script, int fd, const void *address, socklen_t size)
{
    return script->ops->bind(script->system, fd, (const struct sockaddr *)address, size);
}

static int connect_to(struct script *script, int fd, const void *address, socklen_t size)
{
    return script->ops->connect(script->system, fd, (const struct sockaddr *)address, size);
}

static int set(struct script *script, int fd, int level, int name, int value)
{
    return script->ops->setsockopt(script->system, fd, level, name, &value, sizeof value);
}

static int accept_one(struct script *script, int listener)
{
    let_happen(script);
    return script->ops->accept4(script->system, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static struct sockaddr_in6 ipv6(const char *text, uint16_t port)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return in6;
}

/* ------------------------------------------------------------------------------------------- scripts */

static void malformed_addresses(struct script *script)
{
    struct sockaddr_storage big = { .ss_family = AF_UNIX };
    struct sockaddr_in in = loopback(0), foreign = in;
    int fd = make(script, AF_INET), unix_fd = make(script, AF_UNIX);
    note(script, "bind one byte", bind_to(script, fd, &in, 1));
    note(script, "bind eight bytes", bind_to(script, fd, &in, 8));
    note(script, "bind another family", bind_to(script, fd, &big, sizeof big));
    note(script, "connect one byte", connect_to(script, fd, &in, 1));
    note(script, "connect eight bytes", connect_to(script, fd, &in, 8));
    note(script, "connect another family", connect_to(script, fd, &big, sizeof big));
    foreign.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
    note(script, "bind another's address", bind_to(script, fd, &foreign, sizeof foreign));
    note(script, "connect without a name", connect_to(script, unix_fd, &big, sizeof(sa_family_t)));
    note(script, "connect by IP", connect_to(script, unix_fd, &in, sizeof in));
    note(script, "bind by IP", bind_to(script, unix_fd, &in, sizeof in));
    close_fd(script, fd);
    close_fd(script, unix_fd);
}

static void malformed_ipv6_addresses(struct script *script)
{
    struct sockaddr_in in = loopback(9);
    struct sockaddr_in6 mapped = ipv6("::ffff:127.0.0.1", 9);
    if (!has_ipv6(script)) {
        return;
    }
    int fd = make(script, AF_INET6);
    note(script, "bind IPv4's size", bind_to(script, fd, &mapped, sizeof in));
    note(script, "connect IPv4's size", connect_to(script, fd, &mapped, sizeof in));
    note(script, "only IPv6", set(script, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    note(script, "bind IPv4", bind_to(script, fd, &mapped, sizeof mapped));
    note(script, "connect IPv4", connect_to(script, fd, &mapped, sizeof mapped));
    close_fd(script, fd);
}

static void listening_in_odd_states(struct script *script)
{
    struct sockaddr_in in = loopback(0);
    int listener = make(script, AF_INET), client = make(script, AF_INET), nameless = make(script, AF_UNIX);
    note(script, "listen unbound", script->ops->listen(script->system, listener, -1));
    note(script, "listen again", script->ops->listen(script->system, listener, 5));
    note(script, "listen without a name", script->ops->listen(script->system, nameless, 5));
    in.sin_port = htons(port_of(script, listener));
    note(script, "connect a listener", connect_to(script, listener, &in, sizeof in));
    note(script, "connect", connect_to(script, client, &in, sizeof in));
    int server = accept_one(script, listener);
    note(script, "accept", sign(server));
    note(script, "listen connected", script->ops->listen(script->system, client, 5));
    in.sin_port = 0;
    note(script, "bind connected", bind_to(script, client, &in, sizeof in));
    close_fd(script, client);
    close_fd(script, server);
    close_fd(script, listener);
    close_fd(script, nameless);
}

/* The address that is nobody's means this host; a source that is bound stays. */
static void connecting_from_a_bound_socket_to_no_address(struct script *script)
{
    struct sockaddr_in from = loopback(0), to = { .sin_family = AF_INET };
    int listener = make(script, AF_INET), client = make(script, AF_INET), other = make(script, AF_INET);
    note(script, "bind", bind_to(script, listener, &from, sizeof from));
    note(script, "listen", script->ops->listen(script->system, listener, 5));
    to.sin_port = htons(port_of(script, listener));
    note(script, "bind client", bind_to(script, client, &from, sizeof from));
    uint16_t port = port_of(script, client);
    note(script, "connect", connect_to(script, client, &to, sizeof to));
    note(script, "same port", port_of(script, client) == port);
    from.sin_addr.s_addr = 0;
    note(script, "no port yet", set(script, other, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, 1));
    note(script, "bind other", bind_to(script, other, &from, sizeof from));
    note(script, "connect other", connect_to(script, other, &to, sizeof to));
    int first = accept_one(script, listener), second = accept_one(script, listener);
    note(script, "first", sign(first));
    note(script, "second", sign(second));
    note(script, "a port", port_of(script, other) != 0);
    int ends[] = { first, second, client, other, listener };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        close_fd(script, ends[i]);
    }
}

static int listen_shared(struct script *script, uint32_t address, uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = make(script, AF_INET);
    in.sin_addr.s_addr = htonl(address);
    ck_assert_int_eq(set(script, fd, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    note(script, "bind", bind_to(script, fd, &in, sizeof in));
    note(script, "listen", script->ops->listen(script->system, fd, 5));
    return fd;
}

/* Which of several listeners gets a connection: the one on exactly this address. */
static void listeners_on_one_port(struct script *script)
{
    int all = listen_shared(script, INADDR_ANY, 0);
    struct sockaddr_in to = loopback(port_of(script, all));
    int exact = listen_shared(script, INADDR_LOOPBACK, ntohs(to.sin_port));
    int last = listen_shared(script, INADDR_ANY, ntohs(to.sin_port));
    int client = make(script, AF_INET);
    note(script, "connect", connect_to(script, client, &to, sizeof to));
    note(script, "on all", sign(accept_one(script, all)));
    note(script, "on all, the last", sign(accept_one(script, last)));
    int server = accept_one(script, exact);
    note(script, "exact", sign(server));
    int ends[] = { client, server, all, exact, last };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        close_fd(script, ends[i]);
    }
}

static void bind_pair(struct script *script, const char *one, const char *two, bool only_ipv6)
{
    struct sockaddr_in6 in6 = ipv6(one, 0);
    int first = make(script, AF_INET6), second = make(script, AF_INET6);
    ck_assert_int_eq(set(script, first, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    ck_assert_int_eq(set(script, second, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6), 0);
    note(script, "bind first", bind_to(script, first, &in6, sizeof in6));
    in6 = ipv6(two, port_of_any(script, first));
    note(script, "bind second", bind_to(script, second, &in6, sizeof in6));
    close_fd(script, first);
    close_fd(script, second);
}

static void addresses_that_overlap(struct script *script)
{
    if (!has_ipv6(script)) {
        return;
    }
    bind_pair(script, "::1", "::ffff:127.0.0.1", false);
    bind_pair(script, "::ffff:127.0.0.1", "::", false);
    bind_pair(script, "::ffff:127.0.0.1", "::", true);
    bind_pair(script, "::1", "::", true);
    bind_pair(script, "::", "::1", true);
    bind_pair(script, "::1", "::1", false);
    bind_pair(script, "::ffff:0.0.0.0", "::1", false);
}

static void options_of_odd_sizes(struct script *script)
{
    const struct linger off = { 0 }, patient = { .l_onoff = 1, .l_linger = 5 };
    char buffer[2] = { 1, 1 };
    socklen_t size = sizeof buffer;
    int fd = make(script, AF_INET), unix_fd = make(script, AF_UNIX);
    note(script, "short flag", script->ops->setsockopt(script->system, fd, SOL_SOCKET, SO_REUSEADDR, buffer, 2));
    note(script, "short linger", script->ops->setsockopt(script->system, fd, SOL_SOCKET, SO_LINGER, buffer, 2));
    note(script, "no linger", script->ops->setsockopt(script->system, fd, SOL_SOCKET, SO_LINGER, &off, sizeof off));
    note(script, "a linger",
        script->ops->setsockopt(script->system, fd, SOL_SOCKET, SO_LINGER, &patient, sizeof patient));
    note(script, "short answer", script->ops->getsockopt(script->system, fd, SOL_SOCKET, SO_TYPE, buffer, &size));
    note(script, "its size", (long)size);
    note(script, "unknown of TCP", set(script, fd, IPPROTO_TCP, 9999, 1));
    note(script, "unknown of the socket", set(script, unix_fd, SOL_SOCKET, 9999, 1));
    note(script, "IPv6's of IPv4", set(script, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    size = sizeof buffer;
    note(script, "asked", script->ops->getsockopt(script->system, fd, IPPROTO_TCP, 9999, buffer, &size));
    note(script, "asked", script->ops->getsockopt(script->system, fd, SOL_SOCKET, 9999, buffer, &size));
    close_fd(script, fd);
    close_fd(script, unix_fd);
}

static struct sockaddr_un abstract_name(const char *name, socklen_t *size)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    memcpy(un.sun_path + 1, name, strlen(name));
    *size = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name));
    return un;
}

static void abstract_names(struct script *script)
{
    socklen_t size, asked = sizeof(struct sockaddr_un);
    struct sockaddr_un un = abstract_name(script->path, &size), peer = un;
    int listener = make(script, AF_UNIX), client = make(script, AF_UNIX);
    note(script, "connect to nobody", connect_to(script, client, &un, size));
    note(script, "bind", bind_to(script, listener, &un, size));
    note(script, "listen", script->ops->listen(script->system, listener, 1));
    note(script, "connect to a shorter name", connect_to(script, client, &un, size - 1));
    un.sun_path[3]++;
    note(script, "connect to another name", connect_to(script, client, &un, size));
    un.sun_path[3]--;
    note(script, "connect", connect_to(script, client, &un, size));
    note(script, "peer", script->ops->getpeername(script->system, client, (struct sockaddr *)&peer, &asked));
    note(script, "same size", asked == size);
    note(script, "same name", memcmp(&peer, &un, size));
    asked = 4;
    note(script, "short", script->ops->getpeername(script->system, client, (struct sockaddr *)&peer, &asked));
    note(script, "whole size", asked == size);
    close_fd(script, listener);
    close_fd(script, client);
}

static void reading_and_writing_as_files(struct script *script)
{
    char buffer[8];
    struct sockaddr_in in = loopback(0);
    int listener = make(script, AF_INET), client = make(script, AF_INET);
    note(script, "bind", bind_to(script, listener, &in, sizeof in));
    note(script, "listen", script->ops->listen(script->system, listener, 5));
    in.sin_port = htons(port_of(script, listener));
    note(script, "connect", connect_to(script, client, &in, sizeof in));
    int server = accept_one(script, listener);
    note(script, "write", script->ops->write(script->system, client, "abc", 3));
    note(script, "nothing", script->ops->send(script->system, client, "", 0, MSG_NOSIGNAL));
    let_happen(script);
    note(script, "read", script->ops->read(script->system, server, buffer, sizeof buffer));
    note(script, "stop reading", script->ops->shutdown(script->system, server, SHUT_RD));
    note(script, "the end", script->ops->read(script->system, server, buffer, sizeof buffer));
    close_fd(script, client);
    close_fd(script, server);
    close_fd(script, listener);
}

COMPARED(addresses_of_the_wrong_form_or_family_are_refused, malformed_addresses)
COMPARED(ipv6_addresses_of_the_wrong_form_are_refused, malformed_ipv6_addresses)
COMPARED(listening_depends_on_the_state, listening_in_odd_states)
COMPARED(no_address_means_this_host_and_a_bound_port_stays, connecting_from_a_bound_socket_to_no_address)
COMPARED(the_listener_on_exactly_the_address_is_chosen, listeners_on_one_port)
COMPARED(overlapping_addresses_exclude_each_other, addresses_that_overlap)
COMPARED(options_of_odd_sizes_and_names_are_refused, options_of_odd_sizes)
COMPARED(abstract_names_are_compared_to_the_last_byte, abstract_names)
COMPARED(sockets_are_files_too, reading_and_writing_as_files)

/* ---------------------------------------------------------------------------- what needs a network */

static int begin_connecting(struct world *world, int domain, const char *text)
{
    struct bight_system *system = system_of(world->client);
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) };
    int fd = system->ops->socket(system, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), result;
    if (domain == AF_INET) {
        ck_assert_int_eq(inet_pton(AF_INET, text, &in.sin_addr), 1);
        result = system->ops->connect(system, fd, (const struct sockaddr *)&in, sizeof in);
    } else {
        struct sockaddr_in6 in6 = ipv6(text, 7);
        result = system->ops->connect(system, fd, (const struct sockaddr *)&in6, sizeof in6);
    }
    if (result == -EINPROGRESS) {
        ck_assert_int_eq(system->ops->connect(system, fd, (const struct sockaddr *)&in, sizeof in), -EALREADY);
        return fd;
    }
    ck_assert_int_eq(system->ops->close(system, fd), 0);
    return result;
}

static int outcome_of(struct world *world, int fd)
{
    struct bight_system *system = system_of(world->client);
    int error = -1;
    socklen_t size = sizeof error;
    ck_assert_int_eq(system->ops->getsockopt(system, fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    ck_assert_int_eq(system->ops->close(system, fd), 0);
    return error;
}

START_TEST(nobody_answers_for_an_address_without_a_host)
{
    struct world *world = world_new(1);
    int near4 = begin_connecting(world, AF_INET, "10.0.9.9"), near6 = begin_connecting(world, AF_INET6, "fd00::999");
    ck_assert_int_gt(near4, 0);
    ck_assert_int_gt(near6, 0);
    bight_simulation_run(world->simulation, 2.9);
    int early = begin_connecting(world, AF_INET, "10.0.0.0");
    ck_assert_int_gt(early, 0);
    bight_simulation_run(world->simulation, 0.2);
    ck_assert_int_eq(outcome_of(world, near4), EHOSTUNREACH);
    ck_assert_int_eq(outcome_of(world, near6), EHOSTUNREACH);
    ck_assert_int_eq(outcome_of(world, early), 0); /* still under way */
    world_free(world);
}
END_TEST

START_TEST(other_networks_cannot_be_reached)
{
    struct world *world = world_new(1);
    ck_assert_int_eq(begin_connecting(world, AF_INET, "192.0.2.1"), -ENETUNREACH);
    ck_assert_int_eq(begin_connecting(world, AF_INET, "10.1.0.1"), -ENETUNREACH);
    ck_assert_int_eq(begin_connecting(world, AF_INET6, "2001:db8::1"), -ENETUNREACH);
    ck_assert_int_eq(begin_connecting(world, AF_INET6, "2001:db8::7"), -ENETUNREACH);
    world_free(world);
}
END_TEST

START_TEST(two_listeners_that_share_a_port_take_turns)
{
    struct world *world = world_new(3);
    struct script script = { .system = system_of(world->client), .simulation = world->simulation };
    script.ops = script.system->ops;
    int listeners[2] = { listen_shared(&script, INADDR_LOOPBACK, 700), listen_shared(&script, INADDR_LOOPBACK, 700) };
    int taken[2] = { 0 };
    for (int i = 0; i < 20; i++) {
        struct sockaddr_in to = loopback(700);
        int client = make(&script, AF_INET);
        ck_assert_int_eq(connect_to(&script, client, &to, sizeof to), -EINPROGRESS);
        for (int which = 0; which < 2; which++) {
            int server = accept_one(&script, listeners[which]);
            if (server >= 0) {
                taken[which]++;
                close_fd(&script, server);
            }
        }
        close_fd(&script, client);
    }
    ck_assert_int_eq(taken[0] + taken[1], 20);
    ck_assert_int_gt(taken[0], 0);
    ck_assert_int_gt(taken[1], 0);
    close_fd(&script, listeners[0]);
    close_fd(&script, listeners[1]);
    world_free(world);
}
END_TEST

START_TEST(ephemeral_ports_run_out)
{
    struct world *world = world_new(1);
    struct script script = { .system = system_of(world->client), .simulation = world->simulation };
    struct sockaddr_in in = loopback(0);
    static int ends[40000];
    int count = 0, result = 0;
    script.ops = script.system->ops;
    while (result == 0 && count < 40000) {
        ends[count] = make(&script, AF_INET);
        result = bind_to(&script, ends[count], &in, sizeof in);
        count++;
    }
    ck_assert_int_eq(result, -EADDRNOTAVAIL);
    ck_assert_int_eq(count, 60999 - 32768 + 2); /* all, and the one that got none */
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(script.ops->close(script.system, ends[i]), 0);
    }
    world_free(world);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, addresses_of_the_wrong_form_or_family_are_refused);
    tcase_add_test(tests, ipv6_addresses_of_the_wrong_form_are_refused);
    tcase_add_test(tests, listening_depends_on_the_state);
    tcase_add_test(tests, no_address_means_this_host_and_a_bound_port_stays);
    tcase_add_test(tests, the_listener_on_exactly_the_address_is_chosen);
    tcase_add_test(tests, overlapping_addresses_exclude_each_other);
    tcase_add_test(tests, options_of_odd_sizes_and_names_are_refused);
    tcase_add_test(tests, abstract_names_are_compared_to_the_last_byte);
    tcase_add_test(tests, sockets_are_files_too);
    tcase_add_test(tests, nobody_answers_for_an_address_without_a_host);
    tcase_add_test(tests, other_networks_cannot_be_reached);
    tcase_add_test(tests, two_listeners_that_share_a_port_take_turns);
    tcase_add_test(tests, ephemeral_ports_run_out);
}

BIGHT_TEST_MAIN("simulation_calls", add_tests)
