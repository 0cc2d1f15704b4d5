/* SPDX-License-Identifier: MIT */
/* test_fork_connections.c - what the child of a fork does to its parent's connections, ports and loop: nothing (R13).
 */
#include "net_support.h"

#include <sys/wait.h>

enum { TOTAL = 4 << 20 };

static struct net net;
static struct bight_port *port;
static int far;
static uint8_t bytes[TOTAL];

static void begin(void)
{
    net_begin(&net);
    memset(&seen, 0, sizeof seen);
    probe_factory.ops = &plain_factory_ops;
    port = net_listen_on(&net, "tcp:0:interface=127.0.0.1");
    far = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    net_turn(&net, 2); /* it is looked at before it is watched */
    net_calm(&net);
}

static void end(void)
{
    close(far);
    NET_UNTIL(&net, seen.lost == seen.made);
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
}

static int status_of(pid_t child)
{
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Nothing was called that the parent would notice. */
static bool has_kept_quiet(void)
{
    return net.calls[NET_SEND] == 0 && net.calls[NET_SENDMSG] == 0 && net.calls[NET_SHUTDOWN] == 0 &&
           net.calls[NET_SETSOCKOPT] == 0 && net.calls[NET_RECV] == 0;
}

static bool turn_until_lost(void)
{
    for (int i = 0; i < 100 && seen.lost == 0; i++) {
        bi_reactor_turn(net.reactor, false);
    }
    return seen.lost == 1;
}

static void stop(void *context)
{
    (void)context;
    bight_reactor_stop(net.reactor);
}

/* The ways in which a child may put the things away. */
static bool just_free(void)
{
    return true;
}

static bool say_so(void)
{
    return bight_reactor_after_fork(net.reactor) == 0;
}

static bool say_so_and_take_turns(void)
{
    bool good = say_so();
    net_turn(&net, 5);
    return good;
}

static bool say_so_and_end_a_run(void)
{
    bool good = say_so() && bight_call_when_running(net.reactor, stop, NULL) == 0;
    return bight_reactor_run(net.reactor) == 0 && good && seen.lost == 1;
}

static bool stop_listening(void)
{
    net_stop(port);
    return true;
}

static bool lose(void)
{
    (void)bight_transport_lose_connection(seen.last->transport);
    return true;
}

static bool abort_it(void)
{
    return bight_transport_abort_connection(seen.last->transport) == 0;
}

static bool (*const ways[])(
    void) = { just_free, say_so, say_so_and_take_turns, say_so_and_end_a_run, stop_listening, lose, abort_it };
enum { WAYS = sizeof ways / sizeof ways[0] };

static pid_t fork_child(bool (*way)(void))
{
    net_calm(&net);
    pid_t child = fork();
    if (child == 0) {
        bool good = way();
        bight_reactor_free(net.reactor);
        _exit(good && seen.lost == 1 && has_kept_quiet() ? 0 : 1);
    }
    return child;
}

static void drain(size_t *got)
{
    ssize_t size = recv(far, bytes, sizeof bytes, MSG_DONTWAIT);
    *got += size > 0 ? (size_t)size : 0;
}

START_TEST(a_child_leaves_its_parents_output_whole) /* R13 */
{
    size_t got = 0;
    begin();
    ck_assert_int_eq(bight_transport_write(seen.last->transport, bytes, sizeof bytes), 0);
    net_turn(&net, 2);
    ck_assert_uint_gt(bight_transport_queued(seen.last->transport), 0);
    ck_assert_int_eq(status_of(fork_child(ways[_i])), 0);
    NET_UNTIL(&net, (drain(&got), got == TOTAL));
    ck_assert_int_eq(bight_transport_lose_connection(seen.last->transport), 0);
    NET_UNTIL(&net, far_is_closed(far));
    ck_assert_int_eq(recv(far, bytes, 1, 0), 0); /* and no reset */
    end();
}
END_TEST

START_TEST(a_child_leaves_a_close_that_is_under_way_to_its_parent) /* R13 T7 */
{
    size_t got = 0;
    begin();
    bight_transport_write(seen.last->transport, bytes, sizeof bytes);
    bight_transport_lose_connection(seen.last->transport);
    net_turn(&net, 2);
    ck_assert_int_eq(seen.lost, 0);
    bool (*way)(void) = _i < WAYS - 1 ? ways[_i] : just_free; /* an abort would cut it short */
    ck_assert_int_eq(status_of(fork_child(way)), 0);
    NET_UNTIL(&net, (drain(&got), got == TOTAL));
    NET_UNTIL(&net, far_is_closed(far));
    ck_assert_int_eq(recv(far, bytes, 1, 0), 0);
    end();
}
END_TEST

START_TEST(a_child_leaves_the_watches_of_its_parents_connections_alone) /* R13 */
{
    begin();
    ck_assert_int_eq(status_of(fork_child(ways[_i])), 0);
    ck_assert_int_eq(send(far, "x", 1, 0), 1);
    NET_UNTIL(&net, seen.received == 1);
    int another = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 2);
    close(another);
    end();
}
END_TEST

/* The first write is still to be sent when the handler forks: by one process. */
static void write_and_fork(struct bight_protocol *protocol)
{
    static const char text[] = "a greeting";
    bight_transport_write(protocol->transport, text, sizeof text);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(net.reactor) == 0;
        bight_reactor_stop(net.reactor);
        seen.refuse = !good;
        return;
    }
    ck_assert_int_eq(status_of(child), 0);
}

START_TEST(what_was_written_before_the_fork_is_sent_once) /* R13 */
{
    pid_t self = getpid();
    begin();
    seen.on_made = write_and_fork;
    int another = far_connect_to(port);
    for (int i = 0; i < 1000 && seen.made < 2; i++) {
        bi_reactor_turn(net.reactor, false);
    }
    if (getpid() != self) {
        net_turn(&net, 3);
        bight_reactor_free(net.reactor);
        _exit(!seen.refuse && has_kept_quiet() ? 0 : 1);
    }
    NET_UNTIL(&net, recv(another, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof "a greeting");
    net_turn(&net, 3);
    ck_assert_int_eq(recv(another, bytes, sizeof bytes, MSG_DONTWAIT), -1);
    close(another);
    end();
}
END_TEST

START_TEST(a_child_that_says_so_may_end_a_connection_for_both) /* R13 */
{
    begin();
    pid_t child = fork();
    if (child == 0) {
        bool good = say_so() && bight_transport_set_linger(seen.last->transport, 0, 0) == 0;
        good = lose() && turn_until_lost() && good;
        bight_reactor_free(net.reactor);
        _exit(good && net.calls[NET_SHUTDOWN] == 1 ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert(far_is_closed(far));
    end();
}
END_TEST

/* ------------------------------------------------------------------------------- what a child has a copy of */

static void lose_without_linger(void)
{
    net_calm(&net);
    ck_assert_int_eq(bight_transport_set_linger(seen.last->transport, 0, 0), 0);
    lose();
    NET_UNTIL(&net, seen.lost == 1);
}

START_TEST(a_close_that_waits_for_nothing_is_one_call) /* T7 */
{
    begin();
    lose_without_linger();
    ck_assert_uint_eq(net.calls[NET_SHUTDOWN], 0);
    ck_assert(far_is_closed(far));
    end();
}
END_TEST

START_TEST(the_peer_sees_a_close_though_a_child_has_a_copy_of_the_descriptor) /* T7, R13 */
{
    int pipe_ends[2];
    begin();
    ck_assert_int_eq(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipe_ends[1]);
        _exit(read(pipe_ends[0], bytes, 1) == 0 ? 0 : 1); /* until the parent has looked */
    }
    lose_without_linger();
    ck_assert_uint_eq(net.calls[NET_SHUTDOWN], 1);
    ck_assert(far_is_closed(far));
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    ck_assert_int_eq(status_of(child), 0);
    end();
}
END_TEST

/* ----------------------------------------------------------------------------------- attempts, runs */

static pid_t forked;

static void fork_in_handler(void *context)
{
    (void)context;
    forked = fork();
}

START_TEST(an_attempt_of_the_parents_is_no_more_the_childs_than_the_connection) /* R13 */
{
    struct outcome outcome;
    char endpoint[64];
    begin();
    snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", net_port_number(port));
    watch_outcome(bight_connect(net.reactor, endpoint, &probe_factory), &outcome);
    bight_call_later(net.reactor, 0, fork_in_handler, NULL, NULL); /* after it has begun and before it can be over */
    net_turn(&net, 1);
    if (forked == 0) {
        bool good = say_so() && stop_listening(); /* the other end is the parent's to accept */
        for (int i = 0; i < 1000 && outcome.fired == 0; i++) {
            bi_reactor_turn(net.reactor, false);
        }
        good = good && outcome.code == 0;
        forget_outcome(&outcome);
        bight_transport_write(seen.last->transport, bytes, sizeof bytes); /* a cut output of its own would be a reset */
        net_calm(&net);
        bight_reactor_free(net.reactor);
        _exit(good && has_kept_quiet() ? 0 : 1);
    }
    ck_assert_int_eq(status_of(forked), 0);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    forget_outcome(&outcome);
    close(far);
    NET_UNTIL(&net, seen.lost >= 1);
    net_stop(port);
    bight_port_release(port);
    net_end(&net);
}
END_TEST

START_TEST(a_child_that_does_not_say_so_is_not_served) /* R13 */
{
    begin();
    pid_t child = fork();
    if (child == 0) {
        int status = bight_reactor_run(net.reactor);
        bool good = status == 70 && net.log_count == 1 && seen.lost == 0;
        bight_reactor_free(net.reactor);
        _exit(good ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    end();
}
END_TEST

START_TEST(the_run_of_a_child_that_does_not_say_so_ends) /* R13 */
{
    begin();
    bight_call_when_running(net.reactor, fork_in_handler, NULL);
    bight_call_when_running(net.reactor, stop, NULL);
    int status = bight_reactor_run(net.reactor);
    if (forked == 0) {
        bool good = status == 70 && !bight_reactor_is_running(net.reactor) && seen.lost == 0;
        bight_reactor_free(net.reactor);
        _exit(good && seen.lost == 1 && has_kept_quiet() ? 0 : 1);
    }
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(status_of(forked), 0);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_child_leaves_its_parents_output_whole, 0, WAYS);
    tcase_add_loop_test(tests, a_child_leaves_a_close_that_is_under_way_to_its_parent, 0, WAYS);
    tcase_add_loop_test(tests, a_child_leaves_the_watches_of_its_parents_connections_alone, 0, WAYS);
    tcase_add_test(tests, what_was_written_before_the_fork_is_sent_once);
    tcase_add_test(tests, a_child_that_says_so_may_end_a_connection_for_both);
    tcase_add_test(tests, a_close_that_waits_for_nothing_is_one_call);
    tcase_add_test(tests, the_peer_sees_a_close_though_a_child_has_a_copy_of_the_descriptor);
    tcase_add_test(tests, an_attempt_of_the_parents_is_no_more_the_childs_than_the_connection);
    tcase_add_test(tests, a_child_that_does_not_say_so_is_not_served);
    tcase_add_test(tests, the_run_of_a_child_that_does_not_say_so_ends);
}

BIGHT_TEST_MAIN("fork_connections", add_tests)
