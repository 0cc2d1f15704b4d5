/* SPDX-License-Identifier: MIT */
/* Endpoints over the real kernel: listening, connecting and serving on loopback and UNIX sockets (E1 to E4). */
#include "endpoint_support.h"

#include <sysexits.h>

/* -------------------------------------------------------------------------------------------- tcp */

START_TEST(every_error_of_listening_comes_through_the_deferred) /* E1 */
{
    char in_use[64], message[160];
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    snprintf(in_use, sizeof in_use, "tcp:%u:interface=127.0.0.1", (unsigned)net_port_number(port));
    listen_in_vain(in_use, BIGHT_E_ADDRESS_IN_USE);
    snprintf(message, sizeof message, "cannot listen on \"%s\": the address is already in use", in_use);
    ck_assert_str_eq(bight_failure_message(outcome.failure), message);
    listen_in_vain("tcp:x", BIGHT_E_BAD_VALUE);
    listen_in_vain("tpc:1", BIGHT_E_UNKNOWN_TYPE);
    listen_in_vain(NULL, BIGHT_E_SYNTAX);
    listen_in_vain("tcp:0:interface=192.0.2.1", BIGHT_E_ADDRESS_NOT_AVAILABLE);
    listen_in_vain("tcp6:0:interface=127.0.0.1", BIGHT_E_BAD_VALUE);
    ck_assert_str_eq(bight_failure_message(outcome.failure),
        "cannot listen on \"tcp6:0:interface=127.0.0.1\": column 18: interface is an IPv6 address, not \"127.0.0.1\"");
    stop(port);
    end();
}
END_TEST

START_TEST(a_call_without_reactor_or_factory_is_a_usage_error) /* E1, E2 */
{
    begin();
    watch_outcome(bight_listen(net.reactor, "tcp:0", NULL), &outcome);
    ck_assert_int_eq(outcome.code, BIGHT_E_INVALID_ARGUMENT);
    forget_outcome(&outcome);
    watch_outcome(bight_connect(NULL, "tcp:127.0.0.1:1", &probe_factory), &outcome);
    ck_assert_int_eq(outcome.code, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_serve(NULL, "tcp:0", &probe_factory), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(net.log_count, 4); /* three usage errors, and serve's own line */
    end();
}
END_TEST

START_TEST(the_port_reports_the_number_that_the_kernel_chose) /* E1 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0");
    ck_assert_uint_ne(net_port_number(port), 0);
    stop(port);
    end();
}
END_TEST

static int far_connect6(uint16_t port)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (struct sockaddr *)&in6, sizeof in6);
    if (result == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

START_TEST(without_an_interface_both_families_are_served) /* E1 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0");
    int four = far_connect_to(port), six = far_connect6(net_port_number(port));
    NET_UNTIL(&net, seen.made == (six < 0 ? 1 : 2));
    close(four);
    if (six >= 0) {
        close(six);
    }
    stop(port);
    end();
}
END_TEST

START_TEST(where_there_is_no_ipv6_all_of_ipv4_is_served) /* E1 */
{
    begin();
    struct bight_address address;
    net_fail(&net, NET_SOCKET, 1, EAFNOSUPPORT, false);
    struct bight_port *port = net_listen_on(&net, "tcp:0");
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    ck_assert_int_eq(address.family, BIGHT_ADDRESS_IPV4);
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    close(fd);
    stop(port);
    net_fail(&net, NET_SOCKET, 1, EAFNOSUPPORT, false);
    listen_in_vain("tcp6:0", BIGHT_E_SYSTEM);
    end();
}
END_TEST

START_TEST(tcp6_leaves_ipv4_alone) /* E1 */
{
    begin();
    watch_outcome(bight_listen(net.reactor, "tcp6:0", &probe_factory), &outcome);
    if (outcome.code == 0) { /* a machine without IPv6 cannot tell */
        struct bight_port *port = outcome.value;
        char same[64];
        outcome = (struct outcome) { 0 };
        snprintf(same, sizeof same, "tcp:%u:interface=0.0.0.0", (unsigned)net_port_number(port));
        stop(net_listen_on(&net, same));
        stop(port);
    }
    end();
}
END_TEST

static int option(struct bight_protocol *protocol, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    int fd = bight_transport_descriptor(protocol->transport);
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

START_TEST(connections_inherit_the_ports_options) /* E1 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1:keepalive=yes");
    struct bight_port *slow = net_listen_on(&net, "tcp:0:interface=127.0.0.1:nodelay=no:reuseport=yes");
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    ck_assert_int_ne(option(seen.last, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_ne(option(seen.last, IPPROTO_TCP, 1 /* TCP_NODELAY */), 0);
    int other = far_connect_to(slow);
    NET_UNTIL(&net, seen.made == 2);
    ck_assert_int_eq(option(seen.last, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_eq(option(seen.last, IPPROTO_TCP, 1 /* TCP_NODELAY */), 0);
    char same[64];
    snprintf(same, sizeof same, "tcp:%u:interface=127.0.0.1:reuseport=yes", (unsigned)net_port_number(slow));
    stop(net_listen_on(&net, same));
    close(fd);
    close(other);
    stop(port);
    stop(slow);
    end();
}
END_TEST

START_TEST(an_accepted_connection_costs_no_other_call_than_accept) /* T17 */
{
    begin();
    probe_factory.ops = &plain_factory_ops;
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    net_calm(&net);
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    for (int call = 0; call < NET_CALLS; call++) {
        if (call != NET_ACCEPT && call != NET_RECV) {
            ck_assert_msg(net.calls[call] == 0, "call %d", call);
        }
    }
    ck_assert_int_eq(fcntl(bight_transport_descriptor(seen.last->transport), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    stop(port);
    end();
}
END_TEST

START_TEST(an_endpoint_connects_to_itself_many_times) /* E2, E4 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    char target[64];
    struct outcome outcomes[3];
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    for (int i = 0; i < 3; i++) {
        watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcomes[i]);
    }
    NET_UNTIL(&net, seen.made == 6);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(outcomes[i].code, 0);
        ck_assert_int_ne(option(outcomes[i].value, IPPROTO_TCP, 1 /* TCP_NODELAY */), 0);
        forget_outcome(&outcomes[i]);
    }
    stop(port);
    end();
}
END_TEST

START_TEST(nobody_there_is_a_refusal) /* E2 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    char target[64];
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    stop(port);
    watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.fired, 0);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECTION_REFUSED);
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, endpoint, &probe_factory), &outcome);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_NO_SUCH_SOCKET);
    ck_assert_ptr_nonnull(strstr(bight_failure_message(outcome.failure), path));
    end();
}
END_TEST

/* The kernel gives a socket the very port that it connects to: by chance, and here for certain. */
static int meet_itself(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    ck_assert_int_eq(bind(fd, address, size), 0);
    return NET_REAL(connect, fd, address, size);
}

START_TEST(a_connection_whose_two_ends_are_one_is_refused) /* E2 */
{
    char target[64];
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    stop(port);
    net.fake.ops.connect = meet_itself;
    watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcome);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(seen.made, 0);
    forget_outcome(&outcome);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ serving */

START_TEST(serving_in_vain_is_one_clear_line_and_an_exit_status) /* E1 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    char in_use[64], line[160];
    snprintf(in_use, sizeof in_use, "tcp:%u:interface=127.0.0.1", (unsigned)net_port_number(port));
    snprintf(line, sizeof line, "cannot listen on \"%s\": the address is already in use\n", in_use);
    ck_assert_int_eq(bight_serve(net.reactor, in_use, &probe_factory), BIGHT_E_ADDRESS_IN_USE);
    ck_assert_str_eq(net.logged, line);
    ck_assert_int_eq(net.log_count, 1);
    ck_assert_int_eq(bight_reactor_run(net.reactor), EX_UNAVAILABLE);
    bight_port_release(port);
    end();
}
END_TEST

START_TEST(serving_on_a_bad_string_is_a_usage_status) /* E1, E6 */
{
    begin();
    ck_assert_int_eq(bight_serve(net.reactor, "tcp:http", &probe_factory), BIGHT_E_BAD_VALUE);
    ck_assert_str_eq(
        net.logged, "cannot listen on \"tcp:http\": column 5: the port is a number from 0 to 65535, not \"http\"\n");
    ck_assert_int_eq(bight_reactor_run(net.reactor), EX_USAGE);
    end();
}
END_TEST

static void stop_reactor(void *reactor)
{
    ck_assert_int_eq(access(path, F_OK), 0);
    bight_reactor_stop(reactor);
}

START_TEST(what_is_served_stops_listening_when_the_run_ends) /* E1 */
{
    begin();
    ck_assert_int_eq(bight_serve(net.reactor, endpoint, &probe_factory), 0);
    bight_call_when_running(net.reactor, stop_reactor, net.reactor);
    ck_assert_int_eq(bight_reactor_run(net.reactor), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(seen.stopped, 1);
    end();
}
END_TEST

static struct bight_promise asked_elsewhere;

static struct bight_deferred *listen_later(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    (void)reactor;
    (void)arguments;
    (void)factory;
    return bight_deferred_new(&asked_elsewhere, NULL, NULL);
}

START_TEST(a_failure_that_comes_later_ends_the_run_too) /* E1 */
{
    static const struct bight_argument_rule rules[] = { { NULL } };
    static const struct bight_endpoint_type later = {
        .name = "later", .help = "later", .rules = rules, .listen = listen_later
    };
    begin();
    ck_assert_int_eq(bight_endpoint_register(&later), 0);
    ck_assert_int_eq(bight_serve(net.reactor, "later", &probe_factory), 0);
    ck_assert_int_eq(net.log_count, 0);
    bight_errback(asked_elsewhere, bight_failure_of(BIGHT_E_PERMISSION_DENIED));
    ck_assert_str_eq(net.logged, "cannot listen on \"later\": permission denied\n");
    ck_assert_int_eq(bight_reactor_run(net.reactor), EX_NOPERM);
    end();
}
END_TEST

/* -------------------------------------------------------------------------------------- system faults */

static const enum net_call listening_calls[] = { NET_SOCKET, NET_SETSOCKOPT, NET_BIND, NET_LISTEN, NET_GETSOCKNAME };

START_TEST(each_system_call_of_listening_may_fail) /* E1 */
{
    begin();
    int before = count_descriptors();
    struct bight_port *warm = net_listen_on(&net, "tcp:0:interface=127.0.0.1"); /* the room's own memory */
    stop(warm);
    before = count_descriptors();
    for (unsigned nth = 1; nth < 8; nth++) {
        const char *string = nth % 2 == 0 ? "tcp:0:keepalive=yes:reuseport=yes" : endpoint;
        net_fail(&net, listening_calls[_i], nth, EIO, false);
        forget_outcome(&outcome);
        watch_outcome(bight_listen(net.reactor, string, &probe_factory), &outcome);
        ck_assert_int_eq(outcome.fired, 1);
        bool failed = net.calls[listening_calls[_i]] >= nth;
        ck_assert_int_eq(outcome.code, failed ? BIGHT_E_SYSTEM : 0);
        if (!failed) {
            net_stop(outcome.value);
        }
        ck_assert_int_eq(count_descriptors(), before);
        ck_assert_int_ne(access(path, F_OK), 0);
    }
    net_calm(&net);
    ck_assert_int_eq(seen.started, seen.stopped);
    end();
}
END_TEST

static const enum net_call connecting_calls[] = { NET_SOCKET, NET_SETSOCKOPT, NET_CONNECT, NET_GETSOCKOPT };

START_TEST(each_system_call_of_connecting_may_fail) /* E2 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    char target[64];
    snprintf(target, sizeof target, "tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    net_fail(&net, connecting_calls[_i], 1, EIO, false);
    watch_outcome(bight_connect(net.reactor, target, &probe_factory), &outcome);
    NET_UNTIL(&net, outcome.fired == 1);
    bool is_optional = connecting_calls[_i] == NET_SETSOCKOPT;
    ck_assert_int_eq(outcome.code, is_optional ? 0 : BIGHT_E_SYSTEM);
    stop(port);
    end();
    ck_assert_int_eq(seen.started, seen.stopped);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_error_of_listening_comes_through_the_deferred);
    tcase_add_test(tests, a_call_without_reactor_or_factory_is_a_usage_error);
    tcase_add_test(tests, the_port_reports_the_number_that_the_kernel_chose);
    tcase_add_test(tests, without_an_interface_both_families_are_served);
    tcase_add_test(tests, where_there_is_no_ipv6_all_of_ipv4_is_served);
    tcase_add_test(tests, tcp6_leaves_ipv4_alone);
    tcase_add_test(tests, connections_inherit_the_ports_options);
    tcase_add_test(tests, an_accepted_connection_costs_no_other_call_than_accept);
    tcase_add_test(tests, an_endpoint_connects_to_itself_many_times);
    tcase_add_test(tests, nobody_there_is_a_refusal);
    tcase_add_test(tests, a_connection_whose_two_ends_are_one_is_refused);
    tcase_add_test(tests, serving_in_vain_is_one_clear_line_and_an_exit_status);
    tcase_add_test(tests, serving_on_a_bad_string_is_a_usage_status);
    tcase_add_test(tests, what_is_served_stops_listening_when_the_run_ends);
    tcase_add_test(tests, a_failure_that_comes_later_ends_the_run_too);
    tcase_add_loop_test(tests, each_system_call_of_listening_may_fail, 0, 5);
    tcase_add_loop_test(tests, each_system_call_of_connecting_may_fail, 0, 4);
}

BIGHT_TEST_MAIN("endpoint", add_tests)
