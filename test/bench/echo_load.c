/* SPDX-License-Identifier: MIT */
/* echo_load.c - a closed-loop load on several servers that echo or broadcast, in one run: only ratios between
 * neighbours in time mean anything on a machine whose speed drifts.
 *
 * All servers are connected at once and loaded in turn, in slices of some milliseconds and in shuffled order. Each
 * connection keeps DEPTH messages of SIZE bytes under way. With -B one connection alone sends and all receive: a
 * message is under way until the last has it, and each delivery counts as a message. One line per server: rate, server
 * CPU per message, and the medians of both in relation to the first server of the same round.
 *
 * Usage: echo_load [-B] [-c CONNECTIONS] [-s SIZE] [-P DEPTH] [-d SECONDS] [-q SLICE_MS] PORT:PID ... */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_TARGETS 8

struct connection {
    int fd;
    size_t partial; /* bytes of an unfinished answer */
    size_t unsent;  /* bytes that the kernel has not taken */
    unsigned place; /* -B: of the publication that comes next, in its target's `missing` */
};

struct target {
    int port, pid, epoll;
    struct connection *connections;
    unsigned flying;       /* deliveries that have not arrived */
    unsigned *missing;     /* -B: how many have yet to receive it, of each publication under way */
    double *rates, *costs; /* per round */
    uint64_t messages, cpu;
};

static unsigned connection_count = 50, depth = 1;
static size_t message_size = 64;
static double seconds = 2, slice = 0.02;
static struct target targets[MAX_TARGETS];
static unsigned target_count, round_count;
static char *payload, answer[262144];
static bool sending, broadcasting;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Nanoseconds on a CPU so far. */
static uint64_t cpu_of(int pid)
{
    char path[64];
    unsigned long long used = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu", &used) != 1) {
        fail(path);
    }
    fclose(file);
    return used;
}

static void connect_one(struct target *target, struct connection *connection, unsigned index)
{
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
    int one = 1;
    to.sin_port = htons((uint16_t)target->port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(0x7f010001 + index % 250); /* many source addresses: enough ports */
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(connection->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    if (bind(connection->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(connection->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connect");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
    epoll_ctl(target->epoll, EPOLL_CTL_ADD, connection->fd, &event);
}

static void open_target(struct target *target, const char *text)
{
    if (sscanf(text, "%d:%d", &target->port, &target->pid) != 2) {
        fprintf(stderr, "echo_load: \"%s\" is not PORT:PID\n", text);
        exit(64);
    }
    target->epoll = epoll_create1(EPOLL_CLOEXEC);
    target->connections = calloc(connection_count, sizeof *target->connections);
    target->missing = calloc(depth, sizeof *target->missing);
    if (target->connections == NULL || target->missing == NULL) {
        fail("calloc");
    }
    for (unsigned i = 0; i < connection_count; i++) {
        connect_one(target, &target->connections[i], i);
    }
    for (unsigned i = 0; i < depth; i++) {
        target->missing[i] = connection_count;
    }
}

static void flush(struct connection *connection)
{
    while (connection->unsent > 0) {
        size_t offset = connection->unsent % message_size == 0 ? 0 : message_size - connection->unsent % message_size;
        size_t size = depth * message_size - offset;
        size = size > connection->unsent ? connection->unsent : size;
        ssize_t sent = send(connection->fd, payload + offset, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno == EAGAIN) {
                return;
            }
            fail("send");
        }
        connection->unsent -= (size_t)sent;
    }
}

static void start(struct target *target, struct connection *connection, unsigned messages)
{
    target->flying += messages * (broadcasting ? connection_count : 1);
    connection->unsent += messages * message_size;
    flush(connection);
}

/* Reads what is there; gives the messages that came back. Edge-triggered: a short read has emptied the socket. */
static unsigned receive(struct connection *connection)
{
    unsigned complete = 0;
    ssize_t got;
    do {
        got = recv(connection->fd, answer, sizeof answer, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            fail("a server closed a connection");
        }
        size_t have = connection->partial + (size_t)(got < 0 ? 0 : got);
        complete += (unsigned)(have / message_size);
        connection->partial = have % message_size;
    } while (got == (ssize_t)sizeof answer);
    return complete;
}

/* The last to connect publishes: a server that reads what it sends has accepted all the others. */
static struct connection *publisher(const struct target *target)
{
    return &target->connections[connection_count - 1];
}

/* Counts off what one connection has received; returns the publications that all have now. All receive them in the same
 * order, so they are over in that order, and the next one takes the place of each. */
static unsigned count_off(struct target *target, struct connection *connection, unsigned deliveries)
{
    unsigned over = 0;
    for (; deliveries > 0; deliveries--) {
        unsigned *missing = &target->missing[connection->place];
        if (--*missing == 0) {
            *missing = connection_count;
            over++;
        }
        connection->place = (connection->place + 1) % depth;
    }
    return over;
}

/* Handles one ready connection; gives the messages that came back. */
static unsigned handle(struct target *target, struct connection *connection)
{
    unsigned back = receive(connection);
    unsigned over = broadcasting ? count_off(target, connection, back) : back;
    target->flying -= back;
    flush(connection);
    if (sending && over > 0) {
        start(target, broadcasting ? publisher(target) : connection, over);
    }
    return back;
}

/* Handles what is ready; gives the messages that came back. */
static unsigned serve(struct target *target, int timeout)
{
    struct epoll_event events[512];
    unsigned complete = 0;
    int count = epoll_wait(target->epoll, events, 512, timeout);
    for (int i = 0; i < count; i++) {
        complete += handle(target, events[i].data.ptr);
    }
    return complete;
}

static void start_all(struct target *target)
{
    if (broadcasting) {
        start(target, publisher(target), depth);
        return;
    }
    for (unsigned i = 0; i < connection_count; i++) {
        start(target, &target->connections[i], depth);
    }
}

static void run_slice(struct target *target, unsigned round)
{
    uint64_t cpu = cpu_of(target->pid), begin = now(), end = begin + (uint64_t)(slice * 1e9);
    uint64_t messages = 0;
    sending = true;
    start_all(target);
    while (now() < end) {
        messages += serve(target, 100);
    }
    sending = false;
    uint64_t silence = now() + 5000000000;
    while (target->flying > 0 && now() < silence) {
        messages += serve(target, 100);
    }
    if (target->flying > 0) {
        fprintf(stderr, "echo_load: of port %d %u messages did not come back\n", target->port, target->flying);
        exit(1);
    }
    double elapsed = (double)(now() - begin);
    uint64_t used = cpu_of(target->pid) - cpu;
    target->rates[round] = (double)messages * 1e9 / elapsed;
    target->costs[round] = messages == 0 ? 0 : (double)used / (double)messages;
    target->messages += messages;
    target->cpu += used;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const double *values, const double *reference)
{
    double *sorted = malloc(round_count * sizeof *sorted);
    for (unsigned i = 0; i < round_count; i++) {
        sorted[i] = reference == NULL ? values[i] : values[i] / reference[i];
    }
    qsort(sorted, round_count, sizeof *sorted, by_value);
    double middle = sorted[round_count / 2];
    free(sorted);
    return middle;
}

static void report(void)
{
    for (unsigned i = 0; i < target_count; i++) {
        struct target *target = &targets[i];
        printf("{\"port\":%d,\"rate\":%.0f,\"rate_ratio\":%.3f,\"cpu_ns\":%.0f,\"cpu_ratio\":%.3f}\n", target->port,
            median(target->rates, NULL), median(target->rates, targets[0].rates), median(target->costs, NULL),
            median(target->costs, targets[0].costs));
    }
}

static void run(void)
{
    unsigned order[MAX_TARGETS];
    srandom((unsigned)now());
    for (unsigned round = 0; round < round_count; round++) {
        for (unsigned i = 0; i < target_count; i++) {
            unsigned j = (unsigned)random() % (i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (unsigned i = 0; i < target_count; i++) {
            run_slice(&targets[order[i]], round);
        }
    }
}

static void options(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "Bc:s:P:d:q:")) != -1) {
        switch (option) {
        case 'B':
            broadcasting = true;
            break;
        case 'c':
            connection_count = (unsigned)atoi(optarg);
            break;
        case 's':
            message_size = (size_t)atol(optarg);
            break;
        case 'P':
            depth = (unsigned)atoi(optarg);
            break;
        case 'd':
            seconds = atof(optarg);
            break;
        case 'q':
            slice = atof(optarg) / 1000;
            break;
        default:
            exit(64);
        }
    }
}

int main(int argc, char **argv)
{
    options(argc, argv);
    payload = calloc(depth, message_size);
    round_count = (unsigned)(seconds / slice) + 1;
    for (int i = optind; i < argc && target_count < MAX_TARGETS; i++) {
        struct target *target = &targets[target_count++];
        target->rates = calloc(round_count, sizeof *target->rates);
        target->costs = calloc(round_count, sizeof *target->costs);
        open_target(target, argv[i]);
    }
    if (target_count == 0 || payload == NULL) {
        fprintf(stderr, "usage: echo_load [-B] [-c N] [-s SIZE] [-P DEPTH] [-d SECONDS] [-q MS] PORT:PID ...\n");
        return 64;
    }
    run();
    report();
    return 0;
}
