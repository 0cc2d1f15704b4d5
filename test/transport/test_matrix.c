/* SPDX-License-Identifier: MIT */
/* test_matrix.c - everything done inside everything (T22): each kind of callback x each thing that a program may do
 * there, on sockets, in a running reactor, under sanitizers. A cell passes when nothing crashes or leaks, every
 * protocol that was made has ended once, lent memory was released once, and no factory is left with connections. */
#include <signal.h>

#include "matrix_support.h"

/* ----------------------------------------------------------------------------------------- situations */

static void peer_writes(void)
{
    (void)!send(cell.peer_fd, "hello", 5, MSG_NOSIGNAL);
}

static void in_made(void)
{
    act_in_made = true; /* the connection is started behind this */
}

static void in_data(void)
{
    act_in_data = true;
    peer_writes();
}

static void in_lost(void)
{
    act_in_lost = true;
    bight_transport_abort_connection(transport);
}

static void in_read_lost(void)
{
    act_in_read_lost = true;
    shutdown(cell.peer_fd, SHUT_WR);
}

static void in_read_lost_handled(void)
{
    act_in_read_lost = handle_end = true;
    shutdown(cell.peer_fd, SHUT_WR);
}

static void in_write_lost(void)
{
    act_in_write_lost = true;
    ck_assert_int_eq(bight_transport_lose_write(transport), 0);
}

static void in_replaced(void)
{
    act_in_replaced = true;
    switch_it();
}

static void fill(void)
{
    bight_transport_set_watermarks(transport, 1000, 2000);
    bight_transport_register_producer(transport, &producer, NULL, true);
    for (int i = 0; i < 4; i++) {
        (void)bight_transport_write(transport, large, sizeof large);
    }
}

static void in_pause(void)
{
    act_in_pause = true;
    fill();
}

static void in_resume(void)
{
    act_in_resume = true;
    fill();
}

static void in_stop(void)
{
    act_in_stop = true;
    produce();
    bight_transport_abort_connection(transport);
}

static void in_release(void)
{
    ck_assert_int_eq(bight_transport_write_lent(transport, large, 10000, act_context, NULL), 0);
}

static void in_release_at_loss(void)
{
    fill();
    ck_assert_int_eq(bight_transport_write_lent(transport, large, 10000, act_context, NULL), 0);
    bight_transport_abort_connection(transport);
}

static void in_layer_received(void)
{
    act_in_received = true;
    push_layer();
    peer_writes();
}

static void in_data_over_layer(void)
{
    act_in_data = true;
    push_layer();
    peer_writes();
}

static void in_layer_write(void)
{
    act_in_write = true;
    push_layer();
    (void)bight_transport_write(transport, "x", 1);
}

static void in_layer_write_end(void)
{
    act_in_write_end = true;
    push_layer();
    (void)bight_transport_lose_write(transport);
}

static void in_layer_received_end(void)
{
    act_in_received_end = true;
    push_layer();
    shutdown(cell.peer_fd, SHUT_WR);
}

static void in_layer_free(void)
{
    act_in_free = true;
    push_layer();
    bight_transport_abort_connection(transport);
}

static void in_layer_pop(void)
{
    act_in_free = true;
    push_layer();
    bight_layer_pop(cell.layer);
}

static void in_timer(void)
{
    ck_assert_int_eq(bight_call_later(reactor, 0, act_context, NULL, NULL), 0);
}

static void act_result(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    act();
}

static void in_handler(void)
{
    bight_deferred_add_both(cell.deferred, act_result, NULL);
    (void)bight_callback(cell.promise, NULL, NULL);
}

static void in_handler_at_loss(void)
{
    bight_deferred_add_both(cell.deferred, act_result, NULL);
    bight_transport_abort_connection(transport);
}

static void act_canceller(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    act();
}

static void in_canceller(void)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, act_canceller, NULL);
    bight_deferred_release(bight_protocol_tie(protocol, deferred));
    bight_transport_abort_connection(transport);
}

static void in_factory(void)
{
    act_in_factory = true;
    bight_transport_abort_connection(transport);
}

static void in_linger(void)
{
    bight_transport_lose_connection(transport);
    in_timer();
}

static void in_total_timeout(void)
{
    act_in_lost = true;
    ck_assert_int_eq(bight_transport_set_total_timeout(transport, 1e-9), 0);
}

static void in_timed_out(void)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, act_canceller, NULL);
    ck_assert_int_eq(bight_deferred_add_timeout(deferred, 0, bight_reactor_clock(reactor)), 0);
    forget(deferred);
}

static void in_build(void)
{
    act_in_build = true;
    connect_another();
}

static void connect_other_factory(void)
{
    int fd = connect_with(&other_factory);
    if (fd >= 0) {
        close(fd);
    }
}

static void in_started(void)
{
    act_in_started = true;
    connect_other_factory();
}

static void in_stopped(void)
{
    act_in_stopped = true;
    connect_other_factory();
}

/* The action is for the cell's connection, from a handler of another. */
static void in_data_of_another(void)
{
    act_in_data = true;
    int fd = connect_with(&other_factory);
    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    close(fd);
}

static void in_loss_of_another(void)
{
    act_in_lost = true;
    close(connect_with(&other_factory));
}

static struct bight_deferred *act_trigger(void *context)
{
    (void)context;
    act();
    return NULL;
}

static void in_trigger(enum bight_trigger_phase phase)
{
    ck_assert_int_eq(bight_add_trigger(reactor, BIGHT_SHUTDOWN, phase, act_trigger, NULL, NULL, NULL), 0);
    bight_reactor_stop(reactor);
}

static void in_before_trigger(void)
{
    in_trigger(BIGHT_BEFORE);
}

static void in_during_trigger(void)
{
    in_trigger(BIGHT_DURING);
}

static void in_after_trigger(void)
{
    in_trigger(BIGHT_AFTER);
}

/* While everything is disconnected. */
static void in_lost_at_shutdown(void)
{
    act_in_lost = true;
    bight_reactor_stop(reactor);
}

static void in_call_from_thread(void)
{
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(bight_call_from_thread(mailbox, act_context, NULL), 0);
    bight_mailbox_release(mailbox);
}

static void act_signal(int number, void *context)
{
    (void)number;
    (void)context;
    act();
}

static void in_signal(void)
{
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, act_signal, NULL), 0);
    raise(SIGUSR1);
}

static struct bight_foreign_watch foreign;

static void act_watch(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    ck_assert_int_eq(bight_unwatch_descriptor(foreign), 0);
    act();
}

static void in_foreign_watch(void)
{
    ck_assert_int_eq(bight_watch_descriptor(reactor, cell.peer_fd, BIGHT_WRITABLE, act_watch, NULL, NULL, &foreign), 0);
}

static void in_connected(void)
{
    listen_on_it();
    struct bight_deferred *deferred = bight_connect(reactor, cell_endpoint(), &cell_factory);
    bight_deferred_add_both(deferred, act_result, NULL);
    bight_deferred_release(deferred);
}

static void in_scope_closed(void)
{
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_protocol_join_scope(protocol, scope), 0);
    struct bight_deferred *deferred = bight_scope_close(scope, 0);
    bight_deferred_add_both(deferred, act_result, NULL);
    bight_deferred_release(deferred);
    bight_scope_free(scope);
}

static const struct {
    const char *name;
    void (*arrange)(void);
} situations[] = {
    { "connection_made", in_made },
    { "data_received", in_data },
    { "connection_lost", in_lost },
    { "read_connection_lost", in_read_lost },
    { "read_connection_lost, handled", in_read_lost_handled },
    { "write_connection_lost", in_write_lost },
    { "protocol_replaced", in_replaced },
    { "producer's pause", in_pause },
    { "producer's resume", in_resume },
    { "producer's stop", in_stop },
    { "release of lent memory", in_release },
    { "release of lent memory at loss", in_release_at_loss },
    { "layer's received", in_layer_received },
    { "data_received over a layer", in_data_over_layer },
    { "layer's write", in_layer_write },
    { "layer's write_end", in_layer_write_end },
    { "layer's received_end", in_layer_received_end },
    { "layer's free", in_layer_free },
    { "layer's free by pop", in_layer_pop },
    { "timer", in_timer },
    { "deferred's handler", in_handler },
    { "tied deferred's handler at loss", in_handler_at_loss },
    { "canceller", in_canceller },
    { "factory's connection_ended", in_factory },
    { "linger", in_linger },
    { "total timeout", in_total_timeout },
    { "canceller by a timeout", in_timed_out },
    { "factory's build_protocol", in_build },
    { "factory's started", in_started },
    { "factory's stopped", in_stopped },
    { "data_received of another", in_data_of_another },
    { "connection_lost of another", in_loss_of_another },
    { "before-trigger", in_before_trigger },
    { "during-trigger", in_during_trigger },
    { "after-trigger", in_after_trigger },
    { "connection_lost at shutdown", in_lost_at_shutdown },
    { "call from a thread", in_call_from_thread },
    { "signal", in_signal },
    { "foreign watch", in_foreign_watch },
    { "connect's handler", in_connected },
    { "scope's end", in_scope_closed },
};

/* ------------------------------------------------------------------------------------- running a cell */

#define STEPS 12

/* The far end reads, and after a while goes away. */
static void step(void *context)
{
    static char sink[65536];
    (void)context;
    while (cell.peer_fd >= 0 && cell.steps > 1 && read(cell.peer_fd, sink, sizeof sink) > 0) {
    }
    if (cell.steps == STEPS / 2) {
        peer_writes();
    }
    if (cell.steps == STEPS - 3) {
        close(cell.peer_fd);
        cell.peer_fd = -1;
    }
    if (++cell.steps < STEPS) {
        ck_assert_int_eq(bight_call_later(reactor, 0, step, NULL, NULL), 0);
    } else {
        (void)bight_reactor_stop(reactor);
    }
}

static void begin(void *arrange)
{
    int code, ends[2];
    struct bight_address nowhere = { 0 };
    void (*function)(void);
    memcpy(&function, arrange, sizeof function);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    cell.peer_fd = ends[1];
    transport = bight_transport_new(reactor, &cell_factory, &bi_socket_bottom, NULL, ends[0], &nowhere, false, &code);
    ck_assert_ptr_nonnull(transport);
    protocol = bight_protocol_hold(bight_transport_protocol(transport));
    cell.held = true;
    cell.deferred = bight_deferred_new(&cell.promise, NULL, NULL);
    bight_protocol_tie(protocol, cell.deferred);
    if (function == in_made) {
        function();
    }
    bight_transport_start(transport);
    if (function != in_made) {
        function();
    }
    step(NULL);
}

static void forget_situation(void)
{
    act_in_made = act_in_data = act_in_lost = act_in_read_lost = act_in_write_lost = act_in_replaced = false;
    act_in_received = act_in_write = act_in_write_end = act_in_received_end = act_in_free = false;
    act_in_pause = act_in_resume = act_in_stop = handle_end = act_in_factory = false;
    act_in_build = act_in_started = act_in_stopped = false;
}

static void ignore_result(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void run_cell(size_t situation, size_t action)
{
    memset(&cell, 0, sizeof cell);
    forget_situation();
    cell.situation = situations[situation].name;
    cell.action = actions[action].name;
    cell.act = actions[action].act;
    protocols_made = protocols_ended = 0;
    reactor = bight_reactor_new();
    void (*arrange)(void) = situations[situation].arrange;
    ck_assert_int_eq(bight_call_when_running(reactor, begin, &arrange), 0);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    bight_reactor_free(reactor);
    ck_assert_msg(cell.acted, "%s: was not called", cell.situation);
    ck_assert_msg(protocols_made == protocols_ended, "%s x %s: %d made, %d ended", cell.situation, cell.action,
        protocols_made, protocols_ended);
    ck_assert_msg(cell.lent == cell.released, "%s x %s: %d lent, %d released", cell.situation, cell.action, cell.lent,
        cell.released);
    ck_assert_msg(cell_factory.connections + cell_factory.ports + other_factory.connections == 0,
        "%s x %s: connections left", cell.situation, cell.action);
    ck_assert_msg(bight_deferred_has_fired(cell.deferred), "%s x %s: not fired", cell.situation, cell.action);
    bight_deferred_add_both(cell.deferred, ignore_result, NULL);
    bight_deferred_release(cell.deferred);
    release();
    if (cell.peer_fd >= 0) {
        close(cell.peer_fd);
    }
}

static int lowest_free_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

START_TEST(every_action_is_legal_in_every_callback) /* T22, R3 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL + 1); /* misuse and unhandled failures are part of it */
    cell_factory.ops = &cell_factory_ops;
    other_factory.ops = &other_factory_ops;
    run_cell((size_t)_i, 0);
    int fd = lowest_free_descriptor();
    for (size_t action = 0; action < sizeof actions / sizeof *actions; action++) {
        run_cell((size_t)_i, action);
    }
    ck_assert_int_eq(lowest_free_descriptor(), fd);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(
        tests, every_action_is_legal_in_every_callback, 0, (int)(sizeof situations / sizeof *situations));
}

BIGHT_TEST_MAIN("matrix", add_tests)
