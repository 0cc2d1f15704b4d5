/* SPDX-License-Identifier: MIT */
/* Connections that are looked at as they are accepted, before the loop watches them (T17): what that saves, what is
 * lost by it (nothing), and when a port does it. */
#include "net_support.h"

#include <sys/wait.h>

#include "transport/transport.h"

static struct net net;

/* Of the last piece that came. */
static bool was_watched;
static void (*on_piece)(struct bight_protocol *protocol);

/* While it is early there is something else where the watch will be. */
static bool is_watched(const struct bight_protocol *protocol)
{
    struct bight_loop *loop = net.reactor->loop;
    return !protocol->transport->idle.is_early && loop->ops->watch_is_added(loop, bi_watch_of(protocol->transport));
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    was_watched = is_watched(protocol);
    probe_received(protocol, data, size);
    if (on_piece != NULL) {
        on_piece(protocol);
    }
}

static const struct bight_protocol_ops early_ops = {
    .connection_made = probe_made,
    .data_received = received,
    .connection_lost = probe_lost,
    .read_connection_lost = probe_read_end,
};
static struct bight_factory early_factory = BIGHT_FACTORY(struct probe, &early_ops);

static struct bight_port *begin_on(const char *endpoint)
{
    struct outcome outcome;
    net_begin(&net);
    memset(&seen, 0, sizeof seen);
    was_watched = false;
    on_piece = NULL;
    watch_outcome(bight_listen(net.reactor, endpoint, &early_factory), &outcome);
    ck_assert_int_eq(outcome.code, 0);
    return outcome.value;
}

static struct bight_port *begin(void)
{
    return begin_on("tcp:0:interface=127.0.0.1");
}

static void end(struct bight_port *port)
{
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
}

/* A client that has spoken by the time it is accepted. */
static int quick_client(struct bight_port *port)
{
    int fd = far_connect_to(port);
    ck_assert_int_eq(send(fd, "early", 5, MSG_NOSIGNAL), 5);
    return fd;
}

/* A client that has not. */
static void slow_client(struct bight_port *port)
{
    int made = seen.made, fd = far_connect_to(port);
    NET_UNTIL(&net, seen.made == made + 1);
    close(fd);
    NET_UNTIL(&net, seen.lost == made + 1);
}

START_TEST(what_is_there_already_comes_before_there_is_a_watch) /* T17 */
{
    struct bight_port *port = begin();
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.received == 5);
    ck_assert(!was_watched);
    ck_assert(is_watched(seen.last));
    ck_assert_int_eq(send(fd, "later", 5, MSG_NOSIGNAL), 5);
    NET_UNTIL(&net, seen.received == 10);
    ck_assert(was_watched);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    end(port);
}
END_TEST

static void say_goodbye(struct bight_protocol *protocol)
{
    ck_assert_int_eq(bight_transport_write(protocol->transport, "bye", 3), 0);
    ck_assert_int_eq(bight_transport_lose_connection(protocol->transport), 0);
}

/* How many connections had been lost when the last piece came. */
static int lost_before_last;

static void note_lost_before(struct bight_protocol *protocol)
{
    lost_before_last = seen.lost;
    ck_assert_int_eq(bight_transport_set_linger(protocol->transport, 0, 0), 0);
    say_goodbye(protocol);
}

START_TEST(a_connection_that_is_over_at_once_has_sent_its_answer) /* T7, T17 */
{
    char answer[8];
    struct bight_port *port = begin();
    on_piece = say_goodbye;
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.received == 5);
    ck_assert_int_eq(recv(fd, answer, sizeof answer, 0), 3);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end(port);
}
END_TEST

START_TEST(the_end_follows_the_answer_before_other_connections_are_served) /* T3, T7 */
{
    int fds[2];
    struct bight_port *port = begin();
    for (int i = 0; i < 2; i++) {
        fds[i] = far_connect_to(port);
    }
    NET_UNTIL(&net, seen.made == 2);
    NET_UNTIL(&net, is_watched(seen.last));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(send(fds[i], "later", 5, MSG_NOSIGNAL), 5);
    }
    on_piece = note_lost_before;
    NET_UNTIL(&net, seen.received == 10);
    ck_assert_int_eq(lost_before_last, 1);
    ck_assert_int_eq(seen.lost, 2);
    close(fds[0]);
    close(fds[1]);
    end(port);
}
END_TEST

static void abort_it(struct bight_protocol *protocol)
{
    bight_transport_abort_connection(protocol->transport);
}

START_TEST(an_early_piece_may_abort_its_connection) /* T22 */
{
    struct bight_port *port = begin();
    on_piece = abort_it;
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert(far_is_closed(fd));
    close(fd);
    end(port);
}
END_TEST

static void pause_it(struct bight_protocol *protocol)
{
    bight_transport_pause(protocol->transport);
}

START_TEST(a_pause_from_connection_made_keeps_an_early_piece_back) /* T12 */
{
    struct bight_port *port = begin();
    seen.on_made = pause_it;
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.made == 1);
    net_turn(&net, 5);
    ck_assert_uint_eq(seen.received, 0);
    bight_transport_resume(seen.last->transport);
    NET_UNTIL(&net, seen.received == 5);
    close(fd);
    end(port);
}
END_TEST

START_TEST(a_pause_from_an_early_piece_holds) /* T12 */
{
    struct bight_port *port = begin();
    on_piece = pause_it;
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.received == 5);
    ck_assert_int_eq(send(fd, "later", 5, MSG_NOSIGNAL), 5);
    net_turn(&net, 5);
    ck_assert_uint_eq(seen.received, 5);
    bight_transport_resume(seen.last->transport);
    NET_UNTIL(&net, seen.received == 10);
    close(fd);
    end(port);
}
END_TEST

START_TEST(a_client_that_has_gone_by_then_is_heard_to_its_end) /* T11, T17 */
{
    struct bight_port *port = begin();
    close(quick_client(port));
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_uint_eq(seen.received, 5);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end(port);
}
END_TEST

static struct bight_port *to_be_stopped;

static void stop_port(struct bight_protocol *protocol)
{
    (void)protocol;
    net_stop(to_be_stopped);
}

START_TEST(an_early_piece_may_stop_the_port) /* T18, T22 */
{
    struct bight_port *port = to_be_stopped = begin();
    on_piece = stop_port;
    int first = quick_client(port), second = quick_client(port);
    NET_UNTIL(&net, seen.received == 10);
    close(first);
    close(second);
    NET_UNTIL(&net, seen.lost == 2);
    end(port);
}
END_TEST

static void stop_reactor(struct bight_protocol *protocol)
{
    bight_reactor_stop(bight_transport_reactor(protocol->transport));
}

START_TEST(once_a_stop_is_asked_for_a_connection_waits_for_its_watch) /* R4, T17 */
{
    struct bight_port *port = begin();
    seen.on_made = stop_reactor;
    int fd = quick_client(port);
    ck_assert_int_eq(bight_reactor_run(net.reactor), 0);
    ck_assert_int_eq(seen.lost, 1);
    ck_assert(seen.received == 0 || was_watched);
    close(fd);
    end(port);
}
END_TEST

START_TEST(a_child_of_a_fork_serves_what_was_to_be_looked_at) /* R13 */
{
    int status = -1;
    struct bight_port *port = begin();
    int fd = quick_client(port);
    NET_UNTIL(&net, seen.made == 1);
    ck_assert_uint_eq(seen.received, 0);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(net.reactor) == 0;
        for (int i = 0; i < 100 && seen.received < 5; i++) {
            bi_reactor_turn(net.reactor, false);
        }
        _exit(good && seen.received == 5 && was_watched ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    end(port);
}
END_TEST

START_TEST(where_clients_wait_to_be_greeted_few_are_looked_at) /* T17 */
{
    struct bight_port *port = begin();
    slow_client(port);
    net_calm(&net);
    for (int i = 0; i < 16; i++) {
        slow_client(port);
    }
    ck_assert_uint_eq(net.calls[NET_RECV], 16); /* the ends */
    end(port);
}
END_TEST

START_TEST(a_port_learns_that_clients_speak_first) /* T17 */
{
    struct bight_port *port = begin();
    slow_client(port);
    int fds[64];
    for (int i = 0; i < 64; i++) {
        fds[i] = quick_client(port);
        NET_UNTIL(&net, seen.received == (size_t)(i + 1) * 5);
    }
    ck_assert(!was_watched);
    for (int i = 0; i < 64; i++) {
        close(fds[i]);
    }
    NET_UNTIL(&net, seen.lost == 1 + 64);
    end(port);
}
END_TEST

START_TEST(a_deferred_connection_is_accepted_with_its_first_bytes_and_before_one_that_is_silent) /* E7, T17 */
{
    struct bight_port *port = begin_on("tcp:0:interface=127.0.0.1:defer=60");
    int silent = far_connect_to(port);
    for (int i = 1; i <= 40; i++) {
        int fd = quick_client(port);
        NET_UNTIL(&net, seen.received == (size_t)i * 5);
        ck_assert(!was_watched);
        ck_assert_int_eq(seen.made, i);
        close(fd);
        NET_UNTIL(&net, seen.lost == i);
    }
    ck_assert_int_eq(send(silent, "speaks", 6, MSG_NOSIGNAL), 6);
    NET_UNTIL(&net, seen.made == 41 && seen.received == 206);
    close(silent);
    NET_UNTIL(&net, seen.lost == 41);
    end(port);
}
END_TEST

START_TEST(of_a_deferred_connection_that_ends_in_silence_the_end_is_told) /* E7, T5 */
{
    struct bight_port *port = begin_on("tcp:0:interface=127.0.0.1:defer=60");
    int fd = far_connect_to(port);
    close(fd);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_DONE);
    end(port);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_there_already_comes_before_there_is_a_watch);
    tcase_add_test(tests, a_connection_that_is_over_at_once_has_sent_its_answer);
    tcase_add_test(tests, the_end_follows_the_answer_before_other_connections_are_served);
    tcase_add_test(tests, an_early_piece_may_abort_its_connection);
    tcase_add_test(tests, a_pause_from_connection_made_keeps_an_early_piece_back);
    tcase_add_test(tests, a_pause_from_an_early_piece_holds);
    tcase_add_test(tests, a_client_that_has_gone_by_then_is_heard_to_its_end);
    tcase_add_test(tests, an_early_piece_may_stop_the_port);
    tcase_add_test(tests, once_a_stop_is_asked_for_a_connection_waits_for_its_watch);
    tcase_add_test(tests, a_child_of_a_fork_serves_what_was_to_be_looked_at);
    tcase_add_test(tests, where_clients_wait_to_be_greeted_few_are_looked_at);
    tcase_add_test(tests, a_port_learns_that_clients_speak_first);
    tcase_add_test(tests, a_deferred_connection_is_accepted_with_its_first_bytes_and_before_one_that_is_silent);
    tcase_add_test(tests, of_a_deferred_connection_that_ends_in_silence_the_end_is_told);
}

BIGHT_TEST_MAIN("early", add_tests)
