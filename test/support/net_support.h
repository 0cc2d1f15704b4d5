/* SPDX-License-Identifier: MIT */
/* net_support.h - for tests over real sockets: a reactor on the fake clock of fake_system.h whose system calls can be
 * made to fail, plain sockets for the far end, and a protocol that writes down what happens to it.
 *
 * Nothing sleeps: what crosses the loopback is there when the system call returns, and tests drive turns until it has
 * been seen. */
#ifndef BIGHT_TEST_NET_SUPPORT_H
#define BIGHT_TEST_NET_SUPPORT_H

#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <bight/bight.h>
#include <bight/sys/endpoint.h>

#include "count_descriptors.h"
#include "fake_system.h"

enum net_call {
    NET_RECV,
    NET_SEND,
    NET_SENDMSG,
    NET_ACCEPT,
    NET_SHUTDOWN,
    NET_SOCKET,
    NET_BIND,
    NET_LISTEN,
    NET_CONNECT,
    NET_GETSOCKOPT,
    NET_SETSOCKOPT,
    NET_GETSOCKNAME,
    NET_OPEN,
    NET_CHMOD,
    NET_LSTAT,
    NET_UNLINK,
    NET_CALLS
};

/* fake.system stands first, so that the table's functions find the rest. */
struct net {
    struct fake_system fake;
    struct bight_reactor *reactor;
    unsigned calls[NET_CALLS];
    unsigned fail_nth[NET_CALLS]; /* counted from 1; 0: none */
    int fail_with[NET_CALLS];     /* -errno */
    bool fail_on[NET_CALLS];      /* and every later one too */
    size_t longest_transfer;      /* of recv, send and sendmsg; 0: as long as asked */
    char logged[2048];            /* messages, one a line */
    int log_count;
};

static inline int net_fault(struct bight_system *system, enum net_call call)
{
    struct net *net = (struct net *)system;
    unsigned count = ++net->calls[call], nth = net->fail_nth[call];
    bool fails = nth != 0 && (count == nth || (net->fail_on[call] && count > nth));
    return fails ? net->fail_with[call] : 0;
}

static inline size_t net_shorten(struct bight_system *system, size_t size)
{
    size_t longest = ((struct net *)system)->longest_transfer;
    return longest != 0 && size > longest ? longest : size;
}

#define NET_REAL(name, ...) bight_system_real()->ops->name(bight_system_real(), __VA_ARGS__)
#define NET_TRY(call, real)                     \
    do {                                        \
        int fault_ = net_fault(system, (call)); \
        return fault_ != 0 ? fault_ : (real);   \
    } while (0)

static inline ssize_t net_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    NET_TRY(NET_RECV, NET_REAL(recv, fd, buffer, net_shorten(system, size), flags));
}
static inline ssize_t net_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    NET_TRY(NET_SEND, NET_REAL(send, fd, data, net_shorten(system, size), flags));
}
static inline ssize_t net_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    struct msghdr first = *message;
    if (((struct net *)system)->longest_transfer != 0) {
        first.msg_iovlen = 1;
    }
    NET_TRY(NET_SENDMSG, NET_REAL(sendmsg, fd, &first, flags));
}
static inline int net_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    NET_TRY(NET_ACCEPT, NET_REAL(accept4, fd, address, size, flags));
}
static inline int net_shutdown(struct bight_system *system, int fd, int how)
{
    NET_TRY(NET_SHUTDOWN, NET_REAL(shutdown, fd, how));
}
static inline int net_socket(struct bight_system *system, int domain, int type, int protocol)
{
    NET_TRY(NET_SOCKET, NET_REAL(socket, domain, type, protocol));
}
static inline int net_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    NET_TRY(NET_BIND, NET_REAL(bind, fd, address, size));
}
static inline int net_listen(struct bight_system *system, int fd, int backlog)
{
    NET_TRY(NET_LISTEN, NET_REAL(listen, fd, backlog));
}
static inline int net_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    NET_TRY(NET_CONNECT, NET_REAL(connect, fd, address, size));
}
static inline int net_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    NET_TRY(NET_GETSOCKOPT, NET_REAL(getsockopt, fd, level, name, value, size));
}
static inline int net_setsockopt(
    struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    NET_TRY(NET_SETSOCKOPT, NET_REAL(setsockopt, fd, level, name, value, size));
}
static inline int net_getsockname(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    NET_TRY(NET_GETSOCKNAME, NET_REAL(getsockname, fd, address, size));
}
static inline int net_open_file(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    NET_TRY(NET_OPEN, NET_REAL(open, path, flags, mode));
}

static inline int net_chmod(struct bight_system *system, const char *path, mode_t mode)
{
    NET_TRY(NET_CHMOD, NET_REAL(chmod, path, mode));
}
static inline int net_lstat(struct bight_system *system, const char *path, mode_t *type)
{
    NET_TRY(NET_LSTAT, NET_REAL(lstat, path, type));
}
static inline int net_unlink(struct bight_system *system, const char *path)
{
    NET_TRY(NET_UNLINK, NET_REAL(unlink, path));
}

static inline void net_observe(const struct bight_log_event *event, void *context)
{
    struct net *net = context;
    size_t used = strlen(net->logged);
    if (event->level >= BIGHT_LOG_WARNING) {
        net->log_count++;
        snprintf(net->logged + used, sizeof net->logged - used, "%s\n", event->message);
    }
}

/* Every fault off, every count zero. */
static inline void net_calm(struct net *net)
{
    memset(net->calls, 0, sizeof net->calls);
    memset(net->fail_nth, 0, sizeof net->fail_nth);
    memset(net->fail_on, 0, sizeof net->fail_on);
    net->longest_transfer = 0;
}

static inline void net_fail(struct net *net, enum net_call call, unsigned nth, int number, bool on)
{
    net->calls[call] = 0;
    net->fail_nth[call] = nth;
    net->fail_with[call] = -number;
    net->fail_on[call] = on;
}

static inline void net_begin(struct net *net)
{
    memset(net, 0, sizeof *net);
    bight_log_set_observer(net_observe, net);
    net->reactor = fake_reactor(&net->fake);
    ck_assert_ptr_nonnull(net->reactor);
    struct bight_system_ops *ops = &net->fake.ops;
    ops->recv = net_recv;
    ops->send = net_send;
    ops->sendmsg = net_sendmsg;
    ops->accept4 = net_accept4;
    ops->shutdown = net_shutdown;
    ops->socket = net_socket;
    ops->bind = net_bind;
    ops->listen = net_listen;
    ops->connect = net_connect;
    ops->getsockopt = net_getsockopt;
    ops->setsockopt = net_setsockopt;
    ops->getsockname = net_getsockname;
    ops->open = net_open_file;
    ops->chmod = net_chmod;
    ops->lstat = net_lstat;
    ops->unlink = net_unlink;
}

static inline void net_end(struct net *net)
{
    bight_reactor_free(net->reactor);
    bight_log_set_observer(NULL, NULL);
}

static inline void net_turn(struct net *net, int turns)
{
    for (int i = 0; i < turns; i++) {
        bi_reactor_turn(net->reactor, false);
    }
}

/* Turns until `condition` holds, which is asked once a turn; a test that waits in vain fails. */
#define NET_UNTIL(net, condition)                                                \
    do {                                                                         \
        bool holds_ = (condition);                                               \
        for (int turns_ = 0; !holds_ && turns_ < 20000; turns_++) {              \
            bi_reactor_turn((net)->reactor, false);                              \
            if (turns_ > 1000) {                                                 \
                sched_yield();                                                   \
            }                                                                    \
            holds_ = (condition);                                                \
        }                                                                        \
        ck_assert_msg(holds_, "never came: %s (%s)", #condition, (net)->logged); \
    } while (0)

/* ---------------------------------------------------------------------------------- the near end */

struct probe {
    struct bight_protocol base;
    bool echoes;
};

/* What the probes have seen; one test runs in one process. */
static struct {
    int made, lost, ended, started, stopped, read_ends;
    size_t received;
    int reason;       /* code of the last loss */
    int reason_errno; /* and its errno */
    struct bight_protocol *last;
    uint8_t bytes[64];    /* the first that came */
    bool echo, keep_open; /* keep_open: handles the peer's EOF */
    bool refuse;          /* build_protocol returns NULL */
    struct bight_address peer;
    void (*on_made)(struct bight_protocol *protocol);
} seen;

static inline void probe_made(struct bight_protocol *protocol)
{
    seen.made++;
    seen.last = protocol;
    if (seen.on_made != NULL) {
        seen.on_made(protocol);
    }
}
static inline void probe_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && seen.received + i < sizeof seen.bytes; i++) {
        seen.bytes[seen.received + i] = data[i];
    }
    seen.received += size;
    if (seen.echo) {
        bight_transport_write(protocol->transport, data, size);
    }
}
static inline bool probe_read_end(struct bight_protocol *protocol)
{
    (void)protocol;
    seen.read_ends++;
    return seen.keep_open;
}
static inline void probe_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    seen.lost++;
    seen.reason = bight_failure_code(reason);
    seen.reason_errno = bight_failure_errno(reason);
    seen.last = seen.last == protocol ? NULL : seen.last;
}
static inline struct bight_protocol *probe_build(struct bight_factory *factory, const struct bight_address *peer)
{
    seen.peer = *peer;
    return seen.refuse ? NULL : bight_protocol_new(factory);
}
static inline void probe_started(struct bight_factory *factory)
{
    (void)factory;
    seen.started++;
}
static inline void probe_stopped(struct bight_factory *factory)
{
    (void)factory;
    seen.stopped++;
}
static inline void probe_ended(struct bight_factory *factory, const struct bight_failure *reason)
{
    (void)factory;
    (void)reason;
    seen.ended++;
}

static const struct bight_protocol_ops probe_ops = {
    .connection_made = probe_made,
    .data_received = probe_received,
    .connection_lost = probe_lost,
    .read_connection_lost = probe_read_end,
};
static const struct bight_factory_ops probe_factory_ops = {
    .build_protocol = probe_build,
    .started = probe_started,
    .stopped = probe_stopped,
    .connection_ended = probe_ended,
};
static const struct bight_factory_ops plain_factory_ops = { .started = probe_started, .stopped = probe_stopped };
static struct bight_factory probe_factory = BIGHT_FACTORY(struct probe, &probe_ops);

/* ----------------------------------------------------------------------------------- results */

struct outcome {
    int fired;
    int code;
    struct bight_failure *failure;
    const struct bight_type *type;
    void *value; /* taken */
};

static inline void note_outcome(struct bight_result *result, void *context)
{
    struct outcome *outcome = context;
    outcome->fired++;
    outcome->failure = bight_result_take_failure(result);
    outcome->code = outcome->failure == NULL ? 0 : bight_failure_code(outcome->failure);
    if (outcome->failure == NULL) {
        outcome->type = result->type;
        outcome->value = result->type == NULL ? NULL : bight_result_take(result, result->type);
    }
}

static inline void forget_outcome(struct outcome *outcome)
{
    struct bight_result result = { .type = outcome->type, .value = outcome->value };
    bight_result_clear(&result);
    bight_failure_release(outcome->failure);
    *outcome = (struct outcome) { 0 };
}

/* Takes the Deferred. The outcome must live until it has fired. */
static inline void watch_outcome(struct bight_deferred *deferred, struct outcome *outcome)
{
    *outcome = (struct outcome) { 0 };
    ck_assert_int_eq(bight_deferred_add_both(deferred, note_outcome, outcome), 0);
    bight_deferred_release(deferred);
}

/* A port that must come at once. */
static inline struct bight_port *net_listen_on(struct net *net, const char *endpoint)
{
    struct outcome outcome;
    probe_factory.ops = probe_factory.ops == NULL ? &plain_factory_ops : probe_factory.ops;
    watch_outcome(bight_listen(net->reactor, endpoint, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_msg(outcome.failure == NULL, "%s: %s", endpoint,
        outcome.failure == NULL ? "" : bight_failure_message(outcome.failure));
    ck_assert_ptr_eq(outcome.type, &bight_type_port);
    return outcome.value;
}

/* A Deferred whose handler could not be added has nobody to tell: it is cancelled. */
__attribute__((unused)) static void watch_if_possible(struct bight_deferred *deferred, struct outcome *outcome)
{
    *outcome = (struct outcome) { 0 };
    if (bight_deferred_add_both(deferred, note_outcome, outcome) != 0) {
        struct bight_result *result = bight_deferred_result(deferred);
        if (result != NULL) {
            bight_result_discard(result);
        } else {
            bight_deferred_cancel(deferred);
        }
        outcome->fired = 1;
        outcome->code = BIGHT_E_OUT_OF_MEMORY;
    }
    bight_deferred_release(deferred);
}

static inline void net_stop(struct bight_port *port)
{
    bight_deferred_release(bight_port_stop_listening(port));
}

static inline uint16_t net_port_number(struct bight_port *port)
{
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    return address.port;
}

/* ---------------------------------------------------------------------------------- the far end */

static inline int far_connect(uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int far_connect_to(struct bight_port *port)
{
    return far_connect(net_port_number(port));
}

/* Whether the near end closed it: EOF or reset. */
static inline bool far_is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

#endif
