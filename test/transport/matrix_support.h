/* SPDX-License-Identifier: MIT */
/* matrix_support.h - the columns of test_matrix.c: the present cell, its protocol, layers and producers, and each thing
 * that a program may do inside a callback. */
#ifndef BIGHT_TEST_MATRIX_SUPPORT_H
#define BIGHT_TEST_MATRIX_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <bight/bight.h>

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
static bool handle_end, act_in_factory, act_in_build, act_in_started, act_in_stopped;

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

static struct bight_protocol *factory_built(struct bight_factory *factory, const struct bight_address *address)
{
    (void)address;
    maybe(act_in_build);
    return bight_protocol_new(factory);
}

static void factory_started(struct bight_factory *factory)
{
    (void)factory;
    maybe(act_in_started);
}

static void factory_stopped(struct bight_factory *factory)
{
    (void)factory;
    maybe(act_in_stopped);
}

static const struct bight_factory_ops cell_factory_ops = {
    .build_protocol = factory_built,
    .connection_ended = factory_heard,
};
static struct bight_factory cell_factory = BIGHT_FACTORY(struct bight_protocol, &cell_ops);

static const struct bight_factory_ops other_factory_ops = {
    .started = factory_started,
    .stopped = factory_stopped,
};
static struct bight_factory other_factory = BIGHT_FACTORY(struct bight_protocol, &cell_ops);

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
    .size = sizeof(struct bight_layer_ops),
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

static void resume_it(void)
{
    bight_transport_resume(target());
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

/* Another connection of `factory`: the peer's descriptor, or -1 while all is disconnected. */
static int connect_with(struct bight_factory *factory)
{
    int code, ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    struct bight_address nowhere = { 0 };
    struct bight_transport *other =
        bight_transport_new(reactor, factory, &bi_socket_bottom, NULL, ends[0], &nowhere, false, &code);
    if (other == NULL) {
        ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    bight_transport_start(other);
    return ends[1];
}

static void connect_another(void)
{
    int fd = connect_with(&cell_factory);
    if (fd >= 0) {
        close(fd);
    }
}

static void clear_result(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void forget(struct bight_deferred *deferred)
{
    bight_deferred_add_both(deferred, clear_result, NULL);
    bight_deferred_release(deferred);
}

static const char *cell_endpoint(void)
{
    static char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "unix:@bight-matrix-%d", (int)getpid());
    return endpoint;
}

static void listen_on_it(void)
{
    forget(bight_listen(reactor, cell_endpoint(), &cell_factory));
}

static void listen_and_stop(void)
{
    struct bight_deferred *listening = bight_listen(reactor, cell_endpoint(), &cell_factory);
    struct bight_port *port = bight_result_peek(bight_deferred_result(listening), &bight_type_port);
    if (port != NULL) {
        bight_deferred_release(bight_port_stop_listening(port));
    }
    forget(listening);
}

static void listen_and_connect(void)
{
    listen_on_it();
    forget(bight_connect(reactor, cell_endpoint(), &cell_factory));
}

static void connect_and_cancel(void)
{
    listen_on_it();
    struct bight_deferred *deferred = bight_connect(reactor, cell_endpoint(), &cell_factory);
    bight_deferred_cancel(deferred);
    forget(deferred);
}

static void run_again(void)
{
    ck_assert_int_eq(bight_reactor_run(reactor), EX_SOFTWARE);
}

static void set_timers(void)
{
    struct bight_timer timer;
    ck_assert_int_eq(bight_call_later(reactor, 1000, act_context, NULL, &timer), 0);
    ck_assert_int_eq(bight_call_later(reactor, 0, act_context, NULL, NULL), 0);
    ck_assert_int_eq(bight_timer_cancel(timer), 0);
}

static void close_its_scope(void)
{
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    (void)bight_protocol_join_scope(protocol, scope);
    forget(bight_scope_close(scope, 0));
    bight_scope_free(scope);
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
    { "resume", resume_it },
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
    { "listen", listen_on_it },
    { "listen and stop", listen_and_stop },
    { "listen and connect", listen_and_connect },
    { "connect and cancel", connect_and_cancel },
    { "run", run_again },
    { "timers", set_timers },
    { "scope", close_its_scope },
    { "write, lose, abort", lose_and_write_and_abort },
    { "everything", everything },
};

#endif
