/* SPDX-License-Identifier: MIT */
/* recorder.c - a recording reactor: what a test sees of it, and how it completes or fails what is pending.
 *
 * The sockets are recorder_socket.c's, the look-ups those of a resolver that only writes them down. The test's calls
 * change a socket's state, announce it, and settle the reactor, so that the production code finds out as it would from
 * a poll. Timers: timers.c. */
#include "testing/kit/recorder.h"

#include <bight/memory.h>

#include <errno.h>
#include <string.h>

#define TURNS 1000

struct look_up {
    struct bi_link link; /* in no list: answered or cancelled */
    struct bight_promise promise;
    uint16_t port;
    char name[];
};

static void settle(struct bight_recorder *recorder)
{
    (void)bi_testing_settle_quietly(recorder->reactor, TURNS);
}

static size_t count_sockets(const struct bight_recorder *recorder, enum bi_recorded_state state)
{
    size_t count = 0;
    while (bi_recorded_find(recorder, state, count) != NULL) {
        count++;
    }
    return count;
}

/* ---------------------------------------------------------------------------------------- look-ups */

static void release_look_up(void *context)
{
    struct look_up *look_up = context;
    bi_list_remove(&look_up->link);
    bight_free(look_up);
}

static void cancel_look_up(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context; /* released next */
}

static struct bight_deferred *record_look_up(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    struct bight_recorder *recorder = BI_CONTAINER(resolver, struct bight_recorder, resolver);
    size_t size = strlen(name) + 1;
    struct look_up *look_up = bight_calloc(1, sizeof *look_up + size);
    if (look_up == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    memcpy(look_up->name, name, size);
    look_up->port = port;
    bi_list_append(&recorder->look_ups, &look_up->link);
    return bight_deferred_new_full(&look_up->promise, cancel_look_up, look_up, release_look_up);
}

static void keep_resolver(struct bight_resolver *resolver)
{
    (void)resolver; /* is the recorder's */
}

static const struct bight_resolver_ops resolver_ops = {
    .size = sizeof(struct bight_resolver_ops), .resolve = record_look_up, .free = keep_resolver
};

static struct look_up *find_look_up(const struct bight_recorder *recorder, size_t index)
{
    for (struct bi_link *link = recorder->look_ups.next; link != &recorder->look_ups; link = link->next) {
        if (index-- == 0) {
            return BI_CONTAINER(link, struct look_up, link);
        }
    }
    return NULL;
}

size_t bight_recorder_look_ups(const struct bight_recorder *recorder)
{
    size_t count = 0;
    while (find_look_up(recorder, count) != NULL) {
        count++;
    }
    return count;
}

const char *bight_recorder_look_up(const struct bight_recorder *recorder, size_t index)
{
    const struct look_up *look_up = find_look_up(recorder, index);
    return look_up == NULL ? NULL : look_up->name;
}

static int make_list(
    const struct look_up *look_up, const char *const *literals, size_t count, struct bight_address_list **list)
{
    *list = bight_address_list_new(count);
    if (*list == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        int code = bight_address_parse_ip(&(*list)->addresses[i], literals[i], look_up->port);
        if (code != 0) {
            bight_free(*list);
            return code;
        }
    }
    return 0;
}

int bight_recorder_answer(struct bight_recorder *recorder, size_t index, const char *const *literals, size_t count)
{
    struct bight_address_list *list = NULL;
    struct look_up *look_up = find_look_up(recorder, index);
    if (look_up == NULL) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    int code = count == 0 ? 0 : make_list(look_up, literals, count, &list);
    if (code != 0) {
        return code;
    }
    struct bight_promise promise = look_up->promise;
    bi_reactor_enter(recorder->reactor);
    if (list != NULL) {
        (void)bight_callback(promise, &bight_type_address_list, list);
    } else {
        (void)bight_errback(promise, bight_failure_of(BIGHT_E_NAME_NOT_FOUND));
    }
    bi_reactor_leave(recorder->reactor);
    settle(recorder);
    return 0;
}

/* ---------------------------------------------------------------------------------- making, freeing */

struct bight_recorder *bight_recorder_new(void)
{
    struct bight_recorder *recorder = bight_calloc(1, sizeof *recorder);
    if (recorder == NULL) {
        return NULL;
    }
    recorder->sockets = bi_recorder_sockets;
    recorder->resolver.ops = &resolver_ops;
    recorder->next_descriptor = BI_TESTING_FIRST_SOCKET;
    bi_list_init(&recorder->all);
    bi_list_init(&recorder->look_ups);
    recorder->reactor = bi_testing_reactor_with(&recorder->sockets);
    if (recorder->reactor == NULL || bight_reactor_set_resolver(recorder->reactor, &recorder->resolver) != BIGHT_OK) {
        bight_reactor_free(recorder->reactor);
        bight_free(recorder);
        return NULL;
    }
    return recorder;
}

/* A look-up whose Deferred is still held is freed by that. */
static void forget_look_ups(struct bight_recorder *recorder)
{
    struct look_up *look_up;
    while ((look_up = find_look_up(recorder, 0)) != NULL) {
        bi_list_remove(&look_up->link);
        (void)bight_abandon(look_up->promise);
    }
}

void bight_recorder_free(struct bight_recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    bight_reactor_free(recorder->reactor);
    forget_look_ups(recorder);
    bight_free(recorder);
}

struct bight_reactor *bight_recorder_reactor(struct bight_recorder *recorder)
{
    return recorder->reactor;
}

/* --------------------------------------------------------------------------------------- listening */

size_t bight_recorder_ports(const struct bight_recorder *recorder)
{
    return count_sockets(recorder, BI_RECORDED_LISTENING);
}

bool bight_recorder_port(const struct bight_recorder *recorder, size_t index, struct bight_address *address)
{
    const struct bi_recorded_socket *socket = bi_recorded_find(recorder, BI_RECORDED_LISTENING, index);
    if (socket != NULL && address != NULL) {
        *address = socket->local;
    }
    return socket != NULL;
}

void bight_recorder_refuse_listening(struct bight_recorder *recorder, int number)
{
    recorder->listen_error = number;
}

static void choose_caller(struct bi_recorded_socket *socket, const struct bight_address *from)
{
    if (from != NULL) {
        socket->remote = *from;
    } else if (socket->local.family == BIGHT_ADDRESS_UNIX) {
        socket->remote = (struct bight_address) { .family = BIGHT_ADDRESS_UNIX };
    } else {
        (void)bight_address_parse_ip(&socket->remote, "192.0.2.1", (uint16_t)(socket->fd & 0x7fff));
    }
}

struct bight_string_peer *bight_recorder_accept(
    struct bight_recorder *recorder, size_t index, const struct bight_address *from)
{
    struct bi_recorded_socket *port = bi_recorded_find(recorder, BI_RECORDED_LISTENING, index);
    struct bi_recorded_socket *socket = port == NULL ? NULL : bi_recorded_new(recorder, port->domain);
    if (socket == NULL) {
        return NULL;
    }
    if (!bi_recorded_connect(socket)) {
        bi_testing_plain_free(socket);
        return NULL;
    }
    struct bight_string_peer *peer = socket->peer;
    socket->state = BI_RECORDED_CONNECTED;
    socket->local = port->local;
    choose_caller(socket, from);
    bi_list_append(&port->queue, &socket->link);
    bi_recorded_announce(port);
    settle(recorder);
    return peer;
}

/* -------------------------------------------------------------------------------------- connecting */

size_t bight_recorder_attempts(const struct bight_recorder *recorder)
{
    return count_sockets(recorder, BI_RECORDED_CONNECTING);
}

bool bight_recorder_attempt(const struct bight_recorder *recorder, size_t index, struct bight_address *address)
{
    const struct bi_recorded_socket *socket = bi_recorded_find(recorder, BI_RECORDED_CONNECTING, index);
    if (socket != NULL && address != NULL) {
        *address = socket->remote;
    }
    return socket != NULL;
}

static void decide(struct bi_recorded_socket *socket, int error)
{
    struct bight_recorder *recorder = socket->recorder;
    socket->error = error;
    socket->state = BI_RECORDED_DECIDED;
    bi_recorded_announce(socket);
    settle(recorder);
}

struct bight_string_peer *bight_recorder_complete(struct bight_recorder *recorder, size_t index)
{
    struct bi_recorded_socket *socket = bi_recorded_find(recorder, BI_RECORDED_CONNECTING, index);
    if (socket == NULL || !bi_recorded_connect(socket)) {
        return NULL;
    }
    struct bight_string_peer *peer = socket->peer;
    decide(socket, 0);
    return peer;
}

bool bight_recorder_fail(struct bight_recorder *recorder, size_t index, int number)
{
    struct bi_recorded_socket *socket = bi_recorded_find(recorder, BI_RECORDED_CONNECTING, index);
    if (socket != NULL) {
        decide(socket, number == 0 ? ECONNREFUSED : number);
    }
    return socket != NULL;
}
