/* SPDX-License-Identifier: MIT */
/* Ports: accepting on good days and bad ones, pausing, limits, stopping (T15 to T18). */
#include "net_support.h"

#include <sys/resource.h>
#include <sys/wait.h>

static struct net net;

static struct bight_port *begin_with(const struct bight_factory_ops *ops, const char *endpoint)
{
    net_begin(&net);
    memset(&seen, 0, sizeof seen);
    probe_factory.ops = ops;
    return net_listen_on(&net, endpoint);
}

static struct bight_port *begin(void)
{
    return begin_with(&probe_factory_ops, "tcp:0:interface=127.0.0.1");
}

static void end(struct bight_port *port)
{
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
}

START_TEST(a_factory_starts_with_its_first_port_and_stops_after_its_last_connection) /* T16 */
{
    struct bight_port *port = begin(), *second = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    ck_assert_int_eq(seen.started, 1);
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    net_stop(port);
    net_stop(second);
    net_turn(&net, 3);
    ck_assert_int_eq(seen.stopped, 0);
    close(fd);
    NET_UNTIL(&net, seen.stopped == 1);
    ck_assert_int_eq(seen.lost, 1);
    ck_assert_int_eq(seen.started, 1);
    bight_port_release(second);
    end(port);
    ck_assert_int_eq(seen.stopped, 1);
}
END_TEST

START_TEST(a_factory_belongs_to_one_reactor_at_a_time) /* T16 */
{
    struct net other;
    struct outcome outcome;
    struct bight_port *port = begin();
    net_begin(&other);
    watch_outcome(bight_listen(other.reactor, "tcp:0:interface=127.0.0.1", &probe_factory), &outcome);
    ck_assert_int_eq(outcome.code, BIGHT_E_FACTORY_IN_USE);
    forget_outcome(&outcome);
    net_stop(port);
    struct bight_port *later = net_listen_on(&other, "tcp:0:interface=127.0.0.1");
    ck_assert_int_eq(seen.started, 2);
    bight_port_release(later);
    net_end(&other);
    end(port);
}
END_TEST

START_TEST(a_refused_connection_is_closed_and_the_port_lives_on) /* T15 */
{
    struct bight_port *port = begin();
    seen.refuse = true;
    int refused = far_connect_to(port);
    NET_UNTIL(&net, far_is_closed(refused));
    ck_assert_uint_eq(bight_port_connections(port), 0);
    seen.refuse = false;
    int welcome = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    ck_assert_uint_eq(bight_port_connections(port), 1);
    ck_assert_int_eq(seen.peer.family, BIGHT_ADDRESS_IPV4);
    close(refused);
    close(welcome);
    end(port);
}
END_TEST

START_TEST(a_storm_of_connections_is_accepted_in_batches) /* T17 */
{
    enum { MANY = 150 };
    int fds[MANY];
    struct bight_port *port = begin_with(&plain_factory_ops, "tcp:0:interface=127.0.0.1");
    for (int i = 0; i < MANY; i++) {
        fds[i] = far_connect_to(port);
    }
    net_turn(&net, 1);
    ck_assert_int_gt(seen.made, 0);
    ck_assert_int_le(seen.made, 64);
    NET_UNTIL(&net, seen.made == MANY);
    ck_assert_uint_eq(bight_port_connections(port), MANY);
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
    NET_UNTIL(&net, seen.lost == MANY);
    ck_assert_uint_eq(bight_port_connections(port), 0);
    end(port);
}
END_TEST

/* ------------------------------------------------------------------------------------------ bad days */

START_TEST(without_descriptors_connections_are_closed_and_serving_goes_on) /* T17 */
{
    struct bight_port *port = begin();
    int fds[10];
    for (int i = 0; i < 10; i++) {
        fds[i] = far_connect_to(port);
    }
    struct rlimit before, none = { .rlim_cur = 0 };
    getrlimit(RLIMIT_NOFILE, &before);
    int lowest = dup(0);
    close(lowest);
    none.rlim_cur = (rlim_t)lowest;
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 10; i++) {
        NET_UNTIL(&net, far_is_closed(fds[i]));
    }
    net_turn(&net, 10);
    ck_assert_int_eq(seen.made, 0);
    ck_assert_int_eq(net.log_count, 1);
    ck_assert_ptr_nonnull(strstr(net.logged, "too many open files"));
    unsigned accepts = net.calls[NET_ACCEPT];
    net_turn(&net, 100);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], accepts); /* nothing spins */
    setrlimit(RLIMIT_NOFILE, &before);
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    for (int i = 0; i < 10; i++) {
        close(fds[i]);
    }
    close(fd);
    end(port);
}
END_TEST

START_TEST(an_endless_storm_of_emfile_without_a_spare_backs_off) /* T17 */
{
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, EMFILE, true);
    net_fail(&net, NET_OPEN, 1, EMFILE, true);
    int fd = far_connect_to(port);
    net_turn(&net, 100);
    unsigned accepts = net.calls[NET_ACCEPT];
    ck_assert_uint_le(accepts, 4);
    ck_assert_int_eq(net.log_count, 1);
    net_turn(&net, 100);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], accepts);
    net_calm(&net);
    fake_advance(&net.fake, net.reactor, BIGHT_NANOSECONDS_PER_SECOND);
    NET_UNTIL(&net, seen.made == 1);
    close(fd);
    end(port);
}
END_TEST

static const int system_wide[] = { ENFILE, ENOBUFS, ENOMEM };

START_TEST(the_systems_own_limits_pause_accepting_for_a_growing_while) /* T17 */
{
    static const uint64_t pauses[] = { 100, 200, 400, 800, 1000, 1000 }; /* milliseconds */
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, system_wide[_i], true);
    int fd = far_connect_to(port);
    net_turn(&net, 5);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], 1);
    for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        fake_advance(&net.fake, net.reactor, pauses[i] * 1000000 - 1);
        net_turn(&net, 5);
        ck_assert_uint_eq(net.calls[NET_ACCEPT], i + 1);
        fake_advance(&net.fake, net.reactor, 1);
        net_turn(&net, 5);
        ck_assert_uint_eq(net.calls[NET_ACCEPT], i + 2);
    }
    ck_assert_int_eq(net.log_count, 1);
    net_calm(&net);
    fake_advance(&net.fake, net.reactor, BIGHT_NANOSECONDS_PER_SECOND);
    NET_UNTIL(&net, seen.made == 1);
    net_fail(&net, NET_ACCEPT, 1, system_wide[_i], false); /* the next bad day begins with a short pause again */
    int another = far_connect_to(port);
    net_turn(&net, 5);
    fake_advance(&net.fake, net.reactor, pauses[0] * 1000000);
    net_turn(&net, 5);
    ck_assert_uint_ge(net.calls[NET_ACCEPT], 2);
    NET_UNTIL(&net, seen.made == 2);
    close(another);
    close(fd);
    end(port);
}
END_TEST

static const int passing[] = { ECONNABORTED, EINTR, EPROTO, EPERM, EACCES, ENETDOWN };

START_TEST(a_connection_that_died_in_the_queue_disturbs_nobody) /* T17 */
{
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, passing[_i], false);
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    ck_assert_int_eq(net.log_count, 0);
    net_fail(&net, NET_ACCEPT, 1, passing[_i], true);
    int second = far_connect_to(port);
    net_turn(&net, 1);
    ck_assert_uint_le(net.calls[NET_ACCEPT], 64); /* one batch a turn, the rest of the loop is served */
    net_calm(&net);
    NET_UNTIL(&net, seen.made == 2);
    close(fd);
    close(second);
    end(port);
}
END_TEST

START_TEST(an_error_that_leaves_its_connection_in_the_queue_is_no_busy_loop) /* T17 */
{
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, passing[_i], true);
    int fd = far_connect_to(port);
    net_turn(&net, 50);
    unsigned accepts = net.calls[NET_ACCEPT];
    ck_assert_uint_le(accepts, 100);
    ck_assert_int_eq(net.log_count, 1);
    fake_advance(&net.fake, net.reactor, BIGHT_NANOSECONDS_PER_SECOND);
    net_turn(&net, 50);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], accepts + 1); /* and pauses again at once */
    ck_assert_int_eq(net.log_count, 1);
    net_calm(&net);
    fake_advance(&net.fake, net.reactor, BIGHT_NANOSECONDS_PER_SECOND);
    NET_UNTIL(&net, seen.made == 1);
    close(fd);
    end(port);
}
END_TEST

START_TEST(an_error_that_nobody_expects_is_no_busy_loop) /* T17 */
{
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, EBADF, true);
    int fd = far_connect_to(port);
    net_turn(&net, 50);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], 1);
    ck_assert_int_eq(net.log_count, 1);
    close(fd);
    end(port);
}
END_TEST

START_TEST(stopping_while_backing_off_leaves_no_timer_behind) /* T17, T18 */
{
    struct bight_port *port = begin();
    net_fail(&net, NET_ACCEPT, 1, ENFILE, true);
    int fd = far_connect_to(port);
    net_turn(&net, 2);
    net_stop(port);
    bight_port_release(port);
    fake_advance(&net.fake, net.reactor, 10 * BIGHT_NANOSECONDS_PER_SECOND);
    close(fd);
    net_end(&net);
}
END_TEST

/* ------------------------------------------------------------------------------------ limit and pause */

START_TEST(at_the_limit_connections_wait_until_another_ends) /* T18 */
{
    struct bight_port *port = begin_with(&probe_factory_ops, "tcp:0:interface=127.0.0.1:maxconn=2");
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = far_connect_to(port);
    }
    NET_UNTIL(&net, seen.made == 2);
    unsigned accepts = net.calls[NET_ACCEPT];
    net_turn(&net, 50);
    ck_assert_int_eq(seen.made, 2);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], accepts);
    ck_assert_ptr_nonnull(strstr(net.logged, "has its 2 connections (maxconn)"));
    close(fds[0]);
    NET_UNTIL(&net, seen.made == 3);
    net_turn(&net, 50);
    ck_assert_int_eq(net.log_count, 1); /* it is told once that the limit is met */
    ck_assert_uint_eq(bight_port_connections(port), 2);
    close(fds[1]);
    close(fds[2]);
    end(port);
}
END_TEST

START_TEST(a_paused_port_accepts_nothing_until_resumed) /* T18 */
{
    struct bight_port *port = begin();
    ck_assert_int_eq(bight_port_pause(port), 0);
    ck_assert_int_eq(bight_port_pause(port), 0);
    int fd = far_connect_to(port);
    net_turn(&net, 20);
    ck_assert_int_eq(seen.made, 0);
    ck_assert_uint_eq(net.calls[NET_ACCEPT], 0);
    ck_assert_int_eq(bight_port_resume(port), 0);
    NET_UNTIL(&net, seen.made == 1);
    close(fd);
    end(port);
}
END_TEST

static struct bight_port *paused_in_made;

static void pause_port(struct bight_protocol *protocol)
{
    (void)protocol;
    ck_assert_int_eq(bight_port_pause(paused_in_made), 0);
}

START_TEST(a_pause_from_connection_made_ends_the_batch) /* T18, T22 */
{
    struct bight_port *port = paused_in_made = begin();
    seen.on_made = pause_port;
    int first = far_connect_to(port), second = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    net_turn(&net, 20);
    ck_assert_int_eq(seen.made, 1);
    close(first);
    close(second);
    end(port);
}
END_TEST

/* ------------------------------------------------------------------------------------------- stopping */

START_TEST(live_connections_go_on_after_the_port_has_stopped) /* T18 */
{
    struct bight_port *port = begin();
    struct outcome outcome;
    struct bight_address address;
    seen.echo = true;
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    watch_outcome(bight_port_stop_listening(port), &outcome);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_ptr_null(outcome.type);
    watch_outcome(bight_port_stop_listening(port), &outcome);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(bight_port_pause(port), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_port_resume(port), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_port_address(port, &address), BIGHT_E_CLOSED);
    char back[4] = "";
    ck_assert_int_eq(send(fd, "live", 4, 0), 4);
    NET_UNTIL(&net, recv(fd, back, 4, MSG_PEEK) == 4);
    ck_assert_int_eq(memcmp(back, "live", 4), 0);
    close(fd);
    end(port);
}
END_TEST

START_TEST(the_same_port_can_be_listened_on_again) /* T18 */
{
    struct bight_port *port = begin();
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp:%u:interface=127.0.0.1", (unsigned)net_port_number(port));
    int fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    bight_transport_abort_connection(seen.last->transport);
    net_stop(port);
    struct bight_port *again = net_listen_on(&net, endpoint);
    int second = far_connect_to(again);
    NET_UNTIL(&net, seen.made == 2);
    close(fd);
    close(second);
    bight_port_release(again);
    end(port);
}
END_TEST

static struct bight_port *stopped_in_handler;

static void stop_and_release(struct bight_protocol *protocol)
{
    (void)protocol;
    if (stopped_in_handler != NULL) {
        net_stop(stopped_in_handler);
        bight_port_release(stopped_in_handler);
        stopped_in_handler = NULL;
    }
}

START_TEST(a_port_can_be_stopped_and_let_go_of_while_it_accepts) /* T22 */
{
    stopped_in_handler = begin();
    seen.on_made = stop_and_release;
    int first = far_connect_to(stopped_in_handler), second = far_connect_to(stopped_in_handler);
    NET_UNTIL(&net, seen.made == 1);
    NET_UNTIL(&net, far_is_closed(second));
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(seen.stopped, 0);
    close(first);
    NET_UNTIL(&net, seen.stopped == 1);
    close(second);
    net_end(&net);
}
END_TEST

static struct bight_protocol *stop_and_refuse(struct bight_factory *factory, const struct bight_address *peer)
{
    (void)factory;
    (void)peer;
    stop_and_release(NULL);
    return NULL;
}

START_TEST(a_factory_is_stopped_only_after_its_build_protocol_returned) /* T16, T22 */
{
    static const struct bight_factory_ops ops = {
        .build_protocol = stop_and_refuse, .started = probe_started, .stopped = probe_stopped
    };
    stopped_in_handler = begin_with(&ops, "tcp:0:interface=127.0.0.1");
    int fd = far_connect_to(stopped_in_handler);
    NET_UNTIL(&net, seen.stopped == 1);
    NET_UNTIL(&net, far_is_closed(fd));
    close(fd);
    net_end(&net);
}
END_TEST

START_TEST(a_port_that_nobody_holds_goes_on_until_the_reactor_ends) /* D31 */
{
    struct bight_port *port = begin();
    uint16_t number = net_port_number(port);
    bight_port_release(port);
    int fd = far_connect(number);
    NET_UNTIL(&net, seen.made == 1);
    net_end(&net);
    ck_assert_int_eq(seen.lost, 1);
    ck_assert_int_eq(seen.stopped, 1);
    close(fd);
}
END_TEST

START_TEST(a_discarded_port_stops_listening) /* D31 */
{
    struct bight_port *port = begin();
    struct bight_result result = { .type = &bight_type_port, .value = bight_port_hold(port) };
    struct bight_address address;
    bight_result_discard(&result);
    ck_assert_int_eq(bight_port_address(port, &address), BIGHT_E_CLOSED);
    ck_assert_int_eq(seen.stopped, 1);
    end(port);
}
END_TEST

START_TEST(a_hold_keeps_a_ports_memory_beyond_its_reactor) /* D31 */
{
    struct bight_port *port = begin();
    net_end(&net);
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(port, &address), BIGHT_E_CLOSED);
    ck_assert_uint_eq(bight_port_connections(port), 0);
    bight_port_release(port);
}
END_TEST

static const enum net_call path_calls[] = { NET_CHMOD, NET_LSTAT, NET_UNLINK, NET_SOCKET, NET_CONNECT };

/* A stale socket lies there, and a call on the way to replace it fails. */
START_TEST(a_path_that_cannot_be_prepared_is_an_error_without_a_port) /* E1 */
{
    char path[64], endpoint[100];
    struct outcome outcome;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct bight_port *port = begin();
    snprintf(path, sizeof path, "/tmp/bight-port-%d", (int)getpid());
    snprintf(endpoint, sizeof endpoint, "unix:%s:mode=600", path);
    memcpy(un.sun_path, path, sizeof path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0), before = 0;
    ck_assert_int_eq(bind(stale, (struct sockaddr *)&un, sizeof un), 0);
    close(stale);
    before = count_descriptors();
    net_fail(&net, path_calls[_i], path_calls[_i] == NET_SOCKET ? 2 : 1, EIO, false);
    watch_outcome(bight_listen(net.reactor, endpoint, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert(outcome.code == BIGHT_E_SYSTEM || outcome.code == BIGHT_E_ADDRESS_IN_USE);
    forget_outcome(&outcome);
    ck_assert_int_eq(count_descriptors(), before);
    net_calm(&net);
    bight_port_release(net_listen_on(&net, endpoint)); /* the next one finds nothing in its way */
    end(port);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(seen.started, seen.stopped);
}
END_TEST

START_TEST(a_child_of_a_fork_leaves_the_ports_path_and_connections_to_the_parent) /* R13 */
{
    char path[64], endpoint[80];
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    snprintf(path, sizeof path, "/tmp/bight-fork-%d", (int)getpid());
    snprintf(endpoint, sizeof endpoint, "unix:%s", path);
    memcpy(un.sun_path, path, sizeof path);
    struct bight_port *port = begin_with(&probe_factory_ops, endpoint);
    seen.echo = true;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    NET_UNTIL(&net, seen.made == 1);
    pid_t child = fork();
    if (child == 0) {
        bool says_so = _i == 1;
        bool good = !says_so || bight_reactor_after_fork(net.reactor) == 0;
        bight_reactor_free(net.reactor); /* which closes the port and loses the connection */
        _exit(good && seen.lost == 1 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    NET_UNTIL(&net, seen.received == 1);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    end(port);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_factory_starts_with_its_first_port_and_stops_after_its_last_connection);
    tcase_add_test(tests, a_factory_belongs_to_one_reactor_at_a_time);
    tcase_add_test(tests, a_refused_connection_is_closed_and_the_port_lives_on);
    tcase_add_test(tests, a_storm_of_connections_is_accepted_in_batches);
    tcase_add_test(tests, without_descriptors_connections_are_closed_and_serving_goes_on);
    tcase_add_test(tests, an_endless_storm_of_emfile_without_a_spare_backs_off);
    tcase_add_loop_test(tests, the_systems_own_limits_pause_accepting_for_a_growing_while, 0, 3);
    tcase_add_loop_test(tests, a_connection_that_died_in_the_queue_disturbs_nobody, 0, 6);
    tcase_add_loop_test(tests, an_error_that_leaves_its_connection_in_the_queue_is_no_busy_loop, 0, 6);
    tcase_add_test(tests, an_error_that_nobody_expects_is_no_busy_loop);
    tcase_add_test(tests, stopping_while_backing_off_leaves_no_timer_behind);
    tcase_add_test(tests, at_the_limit_connections_wait_until_another_ends);
    tcase_add_test(tests, a_paused_port_accepts_nothing_until_resumed);
    tcase_add_test(tests, a_pause_from_connection_made_ends_the_batch);
    tcase_add_test(tests, live_connections_go_on_after_the_port_has_stopped);
    tcase_add_test(tests, the_same_port_can_be_listened_on_again);
    tcase_add_test(tests, a_port_can_be_stopped_and_let_go_of_while_it_accepts);
    tcase_add_test(tests, a_factory_is_stopped_only_after_its_build_protocol_returned);
    tcase_add_test(tests, a_port_that_nobody_holds_goes_on_until_the_reactor_ends);
    tcase_add_test(tests, a_discarded_port_stops_listening);
    tcase_add_loop_test(tests, a_path_that_cannot_be_prepared_is_an_error_without_a_port, 0, 5);
    tcase_add_test(tests, a_hold_keeps_a_ports_memory_beyond_its_reactor);
    tcase_add_loop_test(tests, a_child_of_a_fork_leaves_the_ports_path_and_connections_to_the_parent, 0, 2);
}

BIGHT_TEST_MAIN("port", add_tests)
