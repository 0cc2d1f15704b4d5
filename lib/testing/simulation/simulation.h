/* SPDX-License-Identifier: MIT */
/* simulation.h - the inside of the simulation, for the files of this folder: events, hosts, descriptors, streams,
 * loops.
 *
 * Whatever stands for the kernel's own is allocated past the hook, so that faults of allocation meet bight alone. All
 * that happens later is a struct bi_sim_event in one timing wheel; what crosses the network names its two hosts and
 * waits while they are apart. Nothing here may depend on pointers, real time or the order of memory. */
#ifndef BI_TESTING_SIMULATION_SIMULATION_H
#define BI_TESTING_SIMULATION_SIMULATION_H

#include <bight/testing/simulation.h>

#include <bight/sys/loop.h>

#include "base/check.h"
#include "base/list.h"
#include "reactor/wheel.h"

#define BI_SIM_MILLISECOND (BIGHT_NANOSECONDS_PER_SECOND / 1000)

/* -------------------------------------------------------------------------------------- what happens */

struct bi_sim_event {
    struct bi_wheel_entry entry;
    struct bi_link held; /* next != NULL: waits in the simulation's `held` for the way to heal */
    struct bight_simulation *simulation;
    struct bight_host *from, *to; /* NULL: crosses no network */
    void (*run)(struct bi_sim_event *event);
};

struct bi_sim_name {
    struct bi_link link;
    struct bight_host *host;
    char text[];
};

struct bi_sim_rule {
    struct bi_link link;
    struct bight_host *one, *other; /* NULL: any */
    bool is_partition, apart;
    struct bight_link_conditions conditions;
};

struct bight_simulation {
    uint64_t random[4];
    uint32_t detail; /* of the last fault */
    uint64_t now;
    int64_t wall_offset;
    unsigned turns_now; /* steps since the time last moved */
    struct bi_wheel wheel;
    struct bi_link held;

    struct bight_host **hosts;
    uint32_t host_count;
    struct bi_link names, rules, jobs;
    struct bi_link datagrams; /* under way */

    struct bi_sim_loop **loops; /* in order of making */
    struct bi_sim_loop **order; /* of the present step */
    size_t loop_count, loop_room, order_count;

    struct bi_sim_file **files; /* by descriptor, less FIRST_DESCRIPTOR */
    size_t file_count, file_room;
    int *free_files; /* a ring: the one that has been free for longest is taken */
    size_t free_first, free_count;

    uint64_t hash;
    void *trace;
    uint32_t faults;
    const uint32_t *allowed;
    size_t allowed_count;
    void (*check)(void *context);
    void *check_context;
};

void bi_sim_event_init(struct bi_sim_event *event, struct bight_simulation *simulation, struct bight_host *from,
    struct bight_host *to, void (*run)(struct bi_sim_event *event));
void bi_sim_event_arm(struct bi_sim_event *event, uint64_t when);
void bi_sim_event_disarm(struct bi_sim_event *event);
static inline bool bi_sim_event_is_armed(const struct bi_sim_event *event)
{
    return bi_wheel_is_armed(&event->entry) || event->held.next != NULL;
}

/* Zeroed memory past the hook; NULL without. */
void *bi_sim_allocate(size_t size);

/* --------------------------------------------------------------------------------- random.c, trace.c */

void bi_sim_seed(struct bight_simulation *simulation, uint64_t seed);
uint64_t bi_sim_random(struct bight_simulation *simulation);

/* True when something that goes wrong with a chance of `chance` per mille does. One draw, none for 0. */
bool bi_sim_fault_drawn(struct bight_simulation *simulation, unsigned chance, const char *what);
static inline bool bi_sim_fault(struct bight_simulation *simulation, unsigned chance, const char *what)
{
    return BI_UNLIKELY(chance != 0) && bi_sim_fault_drawn(simulation, chance, what);
}
/* How the last fault goes: 0 to below - 1, without another draw. */
uint64_t bi_sim_detail(const struct bight_simulation *simulation, uint64_t below);

#define BI_SIM_CALLS(X)                                                                                               \
    X(recv)                                                                                                           \
    X(send)                                                                                                           \
    X(sendmsg)                                                                                                        \
    X(read)                                                                                                           \
    X(write)                                                                                                          \
    X(writev)                                                                                                         \
    X(accept4)                                                                                                        \
    X(close)                                                                                                          \
    X(shutdown)                                                                                                       \
    X(socket)                                                                                                         \
    X(bind) X(listen) X(connect) X(getsockopt) X(setsockopt) X(getsockname) X(getpeername) X(fcntl) X(open) X(unlink) \
        X(chmod) X(lstat) X(now) X(wall_time) X(eventfd) X(timerfd_create) X(timerfd_set) X(random) X(identity)       \
            X(start_job) X(watch) X(unwatch) X(call) X(deadline) X(turn) X(resolve) X(time) X(fault) X(recvmsg)       \
                X(loss) X(flock) X(preadv2) X(sendfile)

enum bi_sim_call {
#define BI_SIM_CALL_ENUM_(name) BI_SIM_##name,
    BI_SIM_CALLS(BI_SIM_CALL_ENUM_)
#undef BI_SIM_CALL_ENUM_
        BI_SIM_CALL_COUNT
};

static inline void bi_sim_mix(struct bight_simulation *simulation, uint64_t word)
{
    uint64_t hash = (simulation->hash ^ word) * UINT64_C(0x9fb21c651e98df25);
    simulation->hash = hash ^ (hash >> 29);
}

void bi_sim_trace_line(struct bight_simulation *simulation, const struct bight_host *host, enum bi_sim_call call,
    int64_t fd, int64_t argument, int64_t result);
void bi_sim_trace_bytes(struct bight_simulation *simulation, const void *data, size_t size);
void bi_sim_trace_fault(struct bight_simulation *simulation, const char *what, uint32_t number, bool allowed);

/* --------------------------------------------------------------------------------------------- hosts */

#define BI_SIM_PORT_BUCKETS 256

/* A way from one host to another. */
struct bi_sim_way {
    struct bight_link_conditions conditions;
    uint64_t busy_until;
    uint64_t last_datagram; /* when it arrives */
    bool apart;
};

struct bight_host {
    struct bight_simulation *simulation;
    uint32_t index;
    bool vanished;
    uint16_t next_port;
    struct bight_kernel_conditions kernel;
    size_t descriptors;
    struct bight_address ipv4, ipv6;
    struct bi_sim_way *ways;                   /* by the other's index */
    struct bi_link ports[BI_SIM_PORT_BUCKETS]; /* bound sockets by their port */
    struct bi_link nodes;                      /* UNIX names */
    uint64_t last_inode;
    char name[];
};

static inline void bi_sim_trace(
    const struct bight_host *host, enum bi_sim_call call, int64_t fd, int64_t argument, int64_t result)
{
    struct bight_simulation *simulation = host->simulation;
    bi_sim_mix(simulation, ((uint64_t)call << 56) ^ ((uint64_t)host->index << 32) ^ (uint64_t)fd);
    bi_sim_mix(simulation, (uint64_t)argument ^ ((uint64_t)result << 32) ^ ((uint64_t)result >> 32));
    if (BI_UNLIKELY(simulation->trace != NULL)) {
        bi_sim_trace_line(simulation, host, call, fd, argument, result);
    }
}

/* link.c: how long something takes from one host to the other. */
struct bi_sim_way *bi_sim_way(struct bight_host *from, const struct bight_host *to);
uint64_t bi_sim_latency(struct bight_host *from, struct bight_host *to);
/* When `size` bytes sent now are there: bandwidth, latency and jitter. */
uint64_t bi_sim_arrival(struct bight_host *from, struct bight_host *to, size_t size);
/* Whether nothing can pass: cut, or one of the hosts has vanished. */
bool bi_sim_is_cut(struct bight_host *from, const struct bight_host *to);
/* The new host's ways, by the rules made so far. False when out of memory. */
bool bi_sim_make_ways(struct bight_host *host);
void bi_sim_free_rules(struct bight_simulation *simulation);

/* ---------------------------------------------------------------------------------- loops, watches */

struct bi_sim_loop {
    struct bight_loop loop; /* first */
    struct bight_system system;
    struct bight_simulation *simulation;
    struct bight_host *host;
    struct bight_reactor *reactor;
    struct bi_sim_event deadline;
    bool due;        /* the deadline has passed */
    bool wants_turn; /* the reactor left work for another turn */
    bool has_turn;   /* a turn of it is on the stack */
    struct bi_link ready, watches;
    size_t watch_count;
    size_t unchecked; /* turns since the invariants were looked at */
    void (*on_due)(void *context);
    void *context;
};

struct bi_sim_watch {
    struct bi_link of_loop; /* next == NULL: not added */
    struct bi_link of_file;
    struct bi_link ready; /* alone: not ready */
    struct bi_sim_loop *loop;
    int fd;
    short what;
    bight_watch_function function;
    void *context;
};

/* A loop on the host with its system, not yet a reactor's. NULL when out of memory. */
struct bi_sim_loop *bi_sim_loop_new(struct bight_host *host);
bool bi_sim_loop_has_work(const struct bi_sim_loop *loop);
/* step.c: lets the world go on once; false when nothing is left to happen up to `last`. */
bool bi_sim_step(struct bight_simulation *simulation, uint64_t last);
/* Between its turns: what must be true of its connections. */
void bi_sim_check_invariants(struct bi_sim_loop *loop);

extern const struct bight_system_ops bi_sim_system_ops;

static inline struct bi_sim_loop *bi_sim_loop_of(struct bight_system *system)
{
    return BI_CONTAINER(system, struct bi_sim_loop, system);
}

/* names.c: a resolver for the reactor of this loop. NULL when out of memory. */
struct bight_resolver *bi_sim_resolver_new(struct bi_sim_loop *loop);
/* thread.c: what the table's start_job does, and what is left of jobs when the simulation goes. */
int bi_sim_start_job(struct bight_system *system, void (*run)(void *context), void *context);
void bi_sim_finish_jobs(struct bight_simulation *simulation);

/* -------------------------------------------------------------------------------------- descriptors */

struct bi_sim_file;

struct bi_sim_file_ops {
    ssize_t (*read)(struct bi_sim_file *file, void *buffer, size_t size);
    ssize_t (*write)(struct bi_sim_file *file, const void *data, size_t size);
    void (*close)(struct bi_sim_file *file); /* and free */
};

struct bi_sim_file {
    const struct bi_sim_file_ops *ops;
    struct bight_host *host;
    int fd; /* -1: has none (yet) */
    unsigned ready;
    struct bi_link watches;
};

void bi_sim_file_init(struct bi_sim_file *file, const struct bi_sim_file_ops *ops, struct bight_host *host);
/* A descriptor for it, or -ENOMEM. */
int bi_sim_file_open(struct bi_sim_file *file);
/* What `fd` names. Anything but an open descriptor of the loop's host is a broken invariant of bight's, told with the
 * place of the call. */
struct bi_sim_file *bi_sim_file_get(const struct bi_sim_loop *loop, int fd, const char *call, const void *caller);
/* NULL when no such descriptor was ever given out: a program's own mistake. */
struct bi_sim_file *bi_sim_file_find(const struct bi_sim_loop *loop, int fd, const char *call, const void *caller);
void bi_sim_file_close(struct bi_sim_file *file, const void *caller);
void bi_sim_file_changed(struct bi_sim_file *file, unsigned ready);
/* Edge-triggered watches report what is ready once more: something came, or a call was cut short by a fault. */
void bi_sim_file_news(struct bi_sim_file *file);
static inline void bi_sim_file_set_ready(struct bi_sim_file *file, unsigned ready)
{
    if (file->ready != ready) {
        bi_sim_file_changed(file, ready);
    }
}
_Noreturn void bi_sim_broken(
    const struct bight_host *host, const char *call, int fd, const char *what, const void *caller);

int bi_sim_eventfd(struct bight_host *host, unsigned initial);
int bi_sim_timerfd(struct bight_host *host);
int bi_sim_timerfd_set(struct bi_sim_file *file, uint64_t deadline);
int bi_sim_null_device(struct bight_host *host);

/* ------------------------------------------------------------------------------------------ sockets */

struct bi_sim_address {
    uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
};

enum bi_sim_socket_state { BI_SIM_NEW, BI_SIM_LISTENING, BI_SIM_CONNECTING, BI_SIM_CONNECTED, BI_SIM_FAILED };

struct bi_sim_socket {
    struct bi_sim_file file; /* first */
    int domain;
    enum bi_sim_socket_state state;
    struct bi_sim_address local, remote;
    struct bi_sim_address asked;            /* what it was bound to by the program; no port: it was chosen */
    struct bi_sim_node *node, *remote_node; /* UNIX: the name it is bound to; what it has connected to */
    bool only_ipv6, reuse_address, reuse_port, port_later, reset_at_close, no_delay, keepalive, bound;
    int status_flags;
    int error; /* SO_ERROR */
    /* bound: in its host's ports; accepted: in the listener's queue */
    struct bi_link link;
    int backlog;
    struct bi_link queue; /* of connections, or datagrams */
    size_t queued;
    int defer; /* TCP_DEFER_ACCEPT, seconds */
    /* TCP_DEFER_ACCEPT: those that have brought nothing as yet; one such knows whose it is, and when that is over */
    struct bi_link silent;
    struct bi_sim_socket *listener;
    /* connecting */
    struct bi_sim_event attempt, give_up;
    struct bight_host *target;
    unsigned tries;
    bool refused, connect_told;
    /* connected */
    struct bi_sim_wire *wire;
    int side;
    bool shut_reading, shut_writing, was_reset;
};

static inline struct bi_sim_socket *bi_sim_socket_of(struct bi_sim_file *file)
{
    return (struct bi_sim_socket *)file;
}

extern const struct bi_sim_file_ops bi_sim_socket_ops, bi_sim_datagram_ops;

static inline bool bi_sim_is_datagram(const struct bi_sim_socket *socket)
{
    return socket->file.ops == &bi_sim_datagram_ops;
}
static inline bool bi_sim_is_socket(const struct bi_sim_file *file)
{
    return file->ops == &bi_sim_socket_ops || file->ops == &bi_sim_datagram_ops;
}

/* socket.c */
struct bi_sim_socket *bi_sim_socket_new(struct bight_host *host, int domain);
void bi_sim_socket_init(
    struct bi_sim_socket *socket, const struct bi_sim_file_ops *ops, struct bight_host *host, int domain);
int bi_sim_socket_take_error(struct bi_sim_socket *socket);
/* What may go wrong though all is well: 0 or -errno. */
int bi_sim_disturbance(struct bi_sim_socket *socket, bool would_work);
int bi_sim_lack_of_memory(struct bi_sim_socket *socket, bool would_work);
socklen_t bi_sim_give_ip(int domain, const struct bi_sim_address *from, struct sockaddr *address, socklen_t room);
int bi_sim_socket_bind(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size);
int bi_sim_socket_listen(struct bi_sim_socket *socket, int backlog);
int bi_sim_socket_accept(struct bi_sim_socket *socket, struct sockaddr *address, socklen_t *size);
int bi_sim_socket_get_name(const struct bi_sim_socket *socket, bool peer, struct sockaddr *address, socklen_t *size);
void bi_sim_socket_update(struct bi_sim_socket *socket);
/* The same when something has come. */
void bi_sim_socket_news(struct bi_sim_socket *socket);
/* A connected one for a connection that came in, in the listener's queue; NULL when out of memory. */
struct bi_sim_socket *bi_sim_socket_child(struct bi_sim_socket *listener, struct bi_sim_socket *client);
bool bi_sim_socket_is_full(const struct bi_sim_socket *listener);

/* connect.c */
int bi_sim_socket_connect(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size);
int bi_sim_parse_address(int domain, const struct sockaddr *address, socklen_t size, struct bi_sim_address *parsed);
/* The same for where something is to go: "any" is the loopback address, as Linux takes it. */
int bi_sim_parse_target(
    const struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size, struct bi_sim_address *parsed);
/* port.c: addresses and ports of a host */
struct bight_host *bi_sim_host_at(struct bight_host *seen_from, const uint8_t ip[16]);
bool bi_sim_is_any(const uint8_t ip[16]);
bool bi_sim_is_mapped(const uint8_t ip[16]);
bool bi_sim_is_loopback(const uint8_t ip[16]);
/* In the hosts' own network, where it is not known that no host has an address. */
bool bi_sim_is_near(const uint8_t ip[16]);
void bi_sim_own_address(const struct bight_host *host, const uint8_t peer[16], uint8_t ip[16]);
int bi_sim_bind_ip(struct bi_sim_socket *socket, const struct bi_sim_address *address);
int bi_sim_choose_port(struct bi_sim_socket *socket);
/* Whether another stream of the host has the same two addresses: there can be one such connection at a time. */
bool bi_sim_connection_exists(const struct bi_sim_socket *socket);
int bi_sim_may_listen(const struct bi_sim_socket *socket);
struct bi_sim_socket *bi_sim_listener_at(struct bight_host *host, const struct bi_sim_address *address);
/* The datagram socket that gets what comes from `remote` to `local`, or NULL. */
struct bi_sim_socket *bi_sim_datagrams_at(
    struct bight_host *host, const struct bi_sim_address *local, const struct bi_sim_address *remote);
void bi_sim_forget_port(struct bi_sim_socket *socket);

/* option.c */
int bi_sim_get_option(struct bi_sim_socket *socket, int level, int name, void *value, socklen_t *size);
int bi_sim_set_option(struct bi_sim_socket *socket, int level, int name, const void *value, socklen_t size);

/* unix.c: names that UNIX sockets are bound to. */
struct bi_sim_node {
    struct bi_link link;
    struct bi_sim_socket *socket; /* NULL: a path whose socket was closed */
    uint64_t inode;
    mode_t mode;
    unsigned holds; /* the name space's, the sockets' and the open files' */
    bool listed;
    /* a small file */
    bool is_exclusive; /* locked so */
    unsigned shared;   /* locks */
    size_t content_size;
    char content[8192];
    socklen_t size;
    char name[108];
};
/* Listed, with one hold; NULL when out of memory. */
struct bi_sim_node *bi_sim_node_new(struct bight_host *host, const char *name, size_t size, mode_t mode);
int bi_sim_bind_unix(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size);
int bi_sim_connect_unix(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size);
void bi_sim_unbind_unix(struct bi_sim_socket *socket);
void bi_sim_release_node(struct bi_sim_node *node);
struct bi_sim_node *bi_sim_find_path(struct bight_host *host, const char *path);
int bi_sim_unlink(struct bight_host *host, const char *path);
socklen_t bi_sim_node_address(const struct bi_sim_node *node, struct sockaddr *address, socklen_t room);

/* ------------------------------------------------------------------------------- disk.c: small files */

int bi_sim_open(struct bight_host *host, const char *path, int flags, mode_t mode);
int bi_sim_flock(struct bi_sim_file *file, int operation);
/* What is in the file from `offset` on, at most `size` bytes: their count, 0 at the end, and where they are. -ESPIPE:
 * it is none. */
ssize_t bi_sim_file_look(const struct bi_sim_file *file, uint64_t offset, size_t size, const char **bytes);
bool bi_sim_is_disk(const struct bi_sim_file *file);

/* ------------------------------------------------------------------------------------------ streams */

static inline size_t bi_sim_send_room(const struct bight_host *host)
{
    return host->kernel.send_buffer != 0 ? host->kernel.send_buffer : (size_t)208 * 1024;
}
static inline size_t bi_sim_receive_room(const struct bight_host *host)
{
    return host->kernel.receive_buffer != 0 ? host->kernel.receive_buffer : (size_t)128 * 1024;
}

enum bi_sim_mark { BI_SIM_DATA, BI_SIM_END, BI_SIM_RESET };

struct bi_sim_segment {
    uint64_t end; /* position of its last byte, plus one */
    uint64_t when;
    enum bi_sim_mark mark;
};

enum { BI_SIM_MARKS = 16 };

/* One direction of a stream. Positions count bytes from its beginning: taken <= arrived <= sent. */
struct bi_sim_pipe {
    struct bi_sim_event arrival, acknowledgement;
    struct bi_sim_wire *wire;
    int from; /* side */
    uint8_t *ring;
    size_t ring_size; /* a power of two */
    uint64_t taken, arrived, acknowledged, sent;
    struct bi_sim_segment *segments; /* a ring of what is under way */
    size_t first, count, room;
    uint64_t last_arrival;
    size_t send_room, receive_room;
    uint64_t marks[BI_SIM_MARKS]; /* a ring of positions behind which a receive does not go; more are not made */
    size_t first_mark, mark_count;
    bool ended;   /* the END has arrived */
    bool stalled; /* the receive buffer is full */
};

struct bi_sim_wire {
    struct bi_sim_pipe pipes[2];   /* by the sending side */
    struct bi_sim_socket *ends[2]; /* NULL: closed */
    bool instant;                  /* UNIX: what is sent is there */
};

/* stream.c. Makes the wire and sets both ends; false when out of memory. */
bool bi_sim_wire_new(struct bi_sim_socket *client, struct bi_sim_socket *server);
ssize_t bi_sim_stream_receive(struct bi_sim_socket *socket, void *buffer, size_t size);
ssize_t bi_sim_stream_send(struct bi_sim_socket *socket, const struct iovec *parts, size_t count, int flags);
unsigned bi_sim_stream_readiness(const struct bi_sim_socket *socket);
void bi_sim_stream_shut(struct bi_sim_socket *socket);
void bi_sim_stream_close(struct bi_sim_socket *socket);

/* pipe.c */
bool bi_sim_pipe_init(struct bi_sim_pipe *pipe, struct bi_sim_wire *wire, int from);
void bi_sim_pipe_finish(struct bi_sim_pipe *pipe);
size_t bi_sim_pipe_room(const struct bi_sim_pipe *pipe);
/* Takes what it can of the parts; the count, or -ENOBUFS. */
ssize_t bi_sim_pipe_put(struct bi_sim_pipe *pipe, const struct iovec *parts, size_t count, size_t limit);
size_t bi_sim_pipe_take(struct bi_sim_pipe *pipe, void *buffer, size_t size);
/* How much of `size` bytes stands before the next mark. */
size_t bi_sim_pipe_before_mark(const struct bi_sim_pipe *pipe, size_t size);
/* Sends an END or a RESET behind all data. */
void bi_sim_pipe_mark(struct bi_sim_pipe *pipe, enum bi_sim_mark mark);
/* Forgets what is under way, but for a RESET. */
void bi_sim_pipe_clear(struct bi_sim_pipe *pipe);
/* stream.c: a RESET has come to this end. */
void bi_sim_stream_was_reset(struct bi_sim_socket *socket);

/* ---------------------------------------------------------------------------------------- datagrams */

/* datagram.c: the sockets. NULL when out of memory. */
struct bi_sim_socket *bi_sim_datagram_new(struct bight_host *host, int domain);
int bi_sim_datagram_connect(struct bi_sim_socket *socket, const struct sockaddr *address, socklen_t size);
/* `name` NULL: to the peer. */
ssize_t bi_sim_datagram_send(struct bi_sim_socket *socket, const struct iovec *parts, size_t count,
    const struct sockaddr *name, socklen_t name_size);
ssize_t bi_sim_datagram_receive(struct bi_sim_socket *socket, struct msghdr *message, int flags);
unsigned bi_sim_datagram_readiness(const struct bi_sim_socket *socket);

/* flight.c: what is under way. */
struct bi_sim_datagram {
    struct bi_sim_event event;
    struct bi_link link;      /* under way, or in its receiver's queue */
    struct bi_link of_sender; /* has not left yet */
    struct bi_sim_socket *sender;
    struct bight_host *source, *target;
    struct bi_sim_address from, to;
    uint64_t arrival;
    bool is_refusal; /* says that no socket listens at `from` */
    bool is_lost;
    size_t size;
    uint8_t bytes[];
};

/* NULL when out of memory. */
struct bi_sim_datagram *bi_sim_datagram_make(struct bight_host *source, struct bight_host *target, size_t size);
void bi_sim_datagram_free(struct bi_sim_datagram *datagram);
/* Sets it on its way; takes it. */
void bi_sim_datagram_carry(struct bi_sim_datagram *datagram);
void bi_sim_finish_datagrams(struct bight_simulation *simulation);
/* datagram.c: it has left; it has come (and is the socket's, or freed when its buffer is full). */
void bi_sim_datagram_left(struct bi_sim_datagram *datagram);
void bi_sim_datagram_came(struct bi_sim_socket *socket, struct bi_sim_datagram *datagram);

#endif
