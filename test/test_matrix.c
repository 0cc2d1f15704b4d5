/* SPDX-License-Identifier: MIT */
/* test_matrix.c - everything done inside everything (T22): each kind of callback x each thing that a program may do
 * there, on sockets, in a running reactor, under sanitizers. A cell passes when nothing crashes or leaks, every
 * protocol that was made has ended once, lent memory was released once, and no factory is left with connections. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bight/log.h>

#include "transport/socket.h"
#include "transport_support.h"

/* --------------------------------------------------------------------------------- the present cell */

struct cell {
    const char *situation, *action;
    void (*act)(void);
    bool acted;
    int peer_fd;
    bool held;
    struct bight_deferred *deferred;
    struct bight_promise promise;
    int lent, released;
    int steps;
    struct bight_layer *layer; /* one that stays until it is popped */
};

static struct cell cell;
static int protocols_made, protocols_ended;
static uint8_t large[300000];

/* The action, once. */
static void act(void)
{
    if (!cell.acted) {
        cell.acted = true;
        cell.act();
    }
}

/* Said by the situations. */
static bool act_in_made, act_in_data, act_in_lost, act_in_read_lost, act_in_write_lost, act_in_replaced;
static bool handle_end, act_in_factory;

static void maybe(bool wanted)
{
    if (wanted) {
        act();
    }
}

static void cell_made(struct bight_protocol *p)
{
    (void)p;
    protocols_made++;
    maybe(act_in_made);
}

static void cell_data(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    maybe(act_in_data);
}

static void cell_lost(struct bight_protocol *p, const struct bight_failure *reason)
{
    ck_assert_ptr_nonnull(reason);
    ck_assert_int_eq(bight_transport_write(p->transport, "x", 1), BIGHT_E_CLOSED);
    protocols_ended++;
    maybe(act_in_lost);
}

static bool cell_read_lost(struct bight_protocol *p)
{
    (void)p;
    maybe(act_in_read_lost);
    return handle_end;
}

static void cell_write_lost(struct bight_protocol *p)
{
    (void)p;
    maybe(act_in_write_lost);
}

static void cell_replaced(struct bight_protocol *p)
{
    (void)p;
    protocols_ended++;
    maybe(act_in_replaced);
}

static const struct bight_protocol_ops cell_ops = {
    .connection_made = cell_made,
    .data_received = cell_data,
    .connection_lost = cell_lost,
    .read_connection_lost = cell_read_lost,
    .write_connection_lost = cell_write_lost,
    .protocol_replaced = cell_replaced,
};

static void factory_heard(struct bight_factory *factory, const struct bight_failure *reason)
{
    (void)factory;
    (void)reason;
    maybe(act_in_factory);
}

static const struct bight_factory_ops cell_factory_ops = { .connection_ended = factory_heard };
static struct bight_factory cell_factory = BIGHT_FACTORY(struct bight_protocol, &cell_ops);

static void act_context(void *context)
{
    (void)context;
    act();
}

static void release_lent(void *context)
{
    (void)context;
    cell.released++;
}

static void lend(size_t size, bight_release_function release)
{
    if (bight_transport_write_lent(transport, large, size, release, NULL) == 0) {
        cell.lent++;
    }
}

/* The cell's connection, NULL when it may be gone. */
static struct bight_transport *target(void)
{
    return cell.held ? protocol->transport : NULL;
}

/* -------------------------------------------------------------------------------------------- layers */

static bool act_in_received, act_in_write, act_in_write_end, act_in_received_end, act_in_free;

static void layer_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    maybe(act_in_received);
    bight_layer_deliver(layer, data, size);
}

static void layer_received_end(struct bight_layer *layer)
{
    maybe(act_in_received_end);
    bight_layer_deliver_end(layer);
}

static int layer_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    maybe(act_in_write);
    return bight_layer_send(layer, pieces, count);
}

static void layer_write_end(struct bight_layer *layer)
{
    maybe(act_in_write_end);
    bight_layer_send_end(layer);
}

static void layer_free(struct bight_layer *layer)
{
    if (cell.layer == layer) {
        cell.layer = NULL;
    }
    maybe(act_in_free);
    free(layer);
}

static const struct bight_layer_ops layer_ops = {
    .received = layer_received,
    .received_end = layer_received_end,
    .write = layer_write,
    .write_end = layer_write_end,
    .free = layer_free,
};

static void push_layer(void)
{
    struct bight_layer *layer = calloc(1, sizeof *layer);
    layer->ops = &layer_ops;
    if (transport == NULL || bight_transport_push_layer(transport, layer) != 0) {
        free(layer);
        return;
    }
    cell.layer = layer;
}

/* ----------------------------------------------------------------------------------------- producers */

static bool act_in_pause, act_in_resume, act_in_stop;

static void producer_pause(void *context)
{
    (void)context;
    maybe(act_in_pause);
}

static void producer_resume(void *context)
{
    (void)context;
    maybe(act_in_resume);
}

static void producer_stop(void *context)
{
    (void)context;
    maybe(act_in_stop);
}

static const struct bight_producer_ops producer = {
    .pause = producer_pause,
    .resume = producer_resume,
    .stop = producer_stop,
};

/* ------------------------------------------------------------------------------------------- actions */

static void lose(void)
{
    bight_transport_lose_connection(target());
}

static void abort_it(void)
{
    bight_transport_abort_connection(target());
}

static void write_small(void)
{
    (void)bight_transport_write(target(), "small", 5);
}

static void write_large(void)
{
    (void)bight_transport_write(target(), large, sizeof large);
}

static void write_lent(void)
{
    lend(sizeof large, release_lent);
}

static void write_bytes(void)
{
    struct bight_bytes *bytes = bight_bytes_new(large, 10000);
    (void)bight_transport_write_bytes(target(), bytes);
    bight_bytes_release(bytes);
}

static void pause_it(void)
{
    bight_transport_pause(target());
}

static void pause_and_resume(void)
{
    bight_transport_pause(target());
    bight_transport_resume(target());
}

static void cancel(void)
{
    bight_deferred_cancel(cell.deferred);
}

static void fire(void)
{
    (void)bight_callback(cell.promise, NULL, NULL);
}

static void stop(void)
{
    (void)bight_reactor_stop(reactor);
}

static void stop_twice(void)
{
    stop();
    stop();
}

static void release(void)
{
    if (cell.held) {
        cell.held = false;
        bight_protocol_release(protocol);
    }
}

static void free_things(void)
{
    bight_reactor_free(reactor);
    bight_protocol_free(protocol);
}

static void switch_it(void)
{
    struct bight_protocol *next = bight_protocol_new(&cell_factory);
    if (bight_transport_switch_protocol(target(), next, "rest", 4) != 0) {
        bight_protocol_free(next);
    }
}

static void lose_write(void)
{
    (void)bight_transport_lose_write(target());
}

static void push_it(void)
{
    push_layer();
}

static void pop_it(void)
{
    if (cell.layer != NULL) {
        bight_layer_pop(cell.layer);
    }
}

static void produce(void)
{
    (void)bight_transport_register_producer(target(), &producer, NULL, true);
}

static void unproduce(void)
{
    (void)bight_transport_unregister_producer(target());
}

static void time_out_soon(void)
{
    (void)bight_transport_set_total_timeout(target(), 1e-9);
    (void)bight_transport_set_idle_timeout(target(), 1e-9);
}

static void tie_another(void)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_release(bight_protocol_tie(protocol, deferred));
}

static void connect_another(void)
{
    int code, ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    struct bight_address nowhere = { 0 };
    struct bight_transport *other =
        bight_transport_new(reactor, &cell_factory, &bight_socket_bottom, NULL, ends[0], &nowhere, false, &code);
    if (other == NULL) {
        ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
        close(ends[0]);
    } else {
        bight_transport_start(other);
    }
    close(ends[1]);
}

static void lose_and_write_and_abort(void)
{
    write_small();
    lose();
    abort_it();
}

static void everything(void)
{
    pause_and_resume();
    write_large();
    push_it();
    write_lent();
    switch_it();
    pop_it();
    connect_another();
    cancel();
    lose_write();
    lose();
    abort_it();
    release();
}

static const struct {
    const char *name;
    void (*act)(void);
} actions[] = {
    { "lose", lose },
    { "abort", abort_it },
    { "write small", write_small },
    { "write large", write_large },
    { "write lent", write_lent },
    { "write bytes", write_bytes },
    { "pause", pause_it },
    { "pause and resume", pause_and_resume },
    { "cancel", cancel },
    { "fire", fire },
    { "stop", stop },
    { "stop twice", stop_twice },
    { "release", release },
    { "free", free_things },
    { "switch", switch_it },
    { "lose write", lose_write },
    { "push", push_it },
    { "pop", pop_it },
    { "produce", produce },
    { "unproduce", unproduce },
    { "time out", time_out_soon },
    { "tie", tie_another },
    { "connect", connect_another },
    { "write, lose, abort", lose_and_write_and_abort },
    { "everything", everything },
};

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
    transport =
        bight_transport_new(reactor, &cell_factory, &bight_socket_bottom, NULL, ends[0], &nowhere, false, &code);
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
    ck_assert_msg(cell_factory.connections == 0, "%s x %s: connections left", cell.situation, cell.action);
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
