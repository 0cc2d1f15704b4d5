/* SPDX-License-Identifier: MIT */
/* http_load.c - asks several servers for the same page, in one run: only what is measured close together means anything
 * on a machine whose speed drifts.
 *
 * All servers are loaded in turn, in slices of some milliseconds and in shuffled order. As a rule each connection asks
 * again as soon as it has its answer. With -r it is asked at fixed times, RATE a second, whoever is late: a request
 * counts from when it was due, also while it waits for a connection. With -x each request has a connection of its own,
 * which the server closes.
 *
 * One line per server: rate, server CPU per request, both also as medians of their relation to the first server of the
 * same round, and the percentiles of what an answer took.
 *
 * Usage: http_load [-x] [-p PATH] [-c CONNECTIONS] [-r RATE] [-d SECONDS] [-q SLICE_MS] PORT:PID ... */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define MAX_TARGETS 4
#define SECOND 1e9
#define PATIENCE (5 * SECOND)
#define DISCARDED (8 << 20) /* bytes at once */

struct connection {
    int fd; /* -1: there is none */
    size_t got;
    double due; /* when what is under way should have been asked */
};

struct target {
    int port, pid, epoll;
    struct connection *connections, **idle;
    unsigned idle_count;
    size_t answer_size;    /* 0: not known yet */
    double *rates, *costs; /* per round */
    float *times;          /* of each answer, in microseconds */
    size_t answered, most_times;
    double cpu;
};

static unsigned connection_count = 64;
static double rate, seconds = 2, slice = 0.02;
static bool closing;
static struct target targets[MAX_TARGETS];
static unsigned target_count, round_count;
static const char *target_path = "/";
static char request[512];

/* The slice that is being run. */
static double began, ends;
static uint64_t asked;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL) {
        fail("memory");
    }
    return memory;
}

/* Nanoseconds that all threads of the process were on a CPU. */
static double cpu_of(int pid)
{
    char path[300];
    double sum = 0;
    unsigned long long used;
    (void)snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    if (threads == NULL) {
        fail(path);
    }
    for (struct dirent *thread = readdir(threads); thread != NULL; thread = readdir(threads)) {
        (void)snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, thread->d_name);
        FILE *file = thread->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (file != NULL && fscanf(file, "%llu", &used) == 1) {
            sum += (double)used;
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(threads);
    return sum;
}

/* ----------------------------------------------------------------------------------------- one connection */

/* From one of many addresses: each has ports of its own, and many are still in TIME_WAIT. */
static void open_connection(struct target *target, struct connection *connection)
{
    static unsigned turn;
    const int on = 1;
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % 32);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)target->port);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
    if (bind(connection->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(connection->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(target->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        fail("connect");
    }
}

static void send_request(struct connection *connection)
{
    size_t size = strlen(request);
    if (send(connection->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) {
        fail("send");
    }
    connection->got = 0;
}

static void ask(struct target *target, struct connection *connection, double due)
{
    connection->due = due;
    if (connection->fd < 0) {
        open_connection(target, connection); /* it is asked when it is there */
    } else {
        send_request(connection);
    }
}

static void has_answered(struct target *target, struct connection *connection)
{
    if (target->answered == target->most_times) {
        target->most_times = target->most_times * 2 + 4096;
        target->times = allocate(target->times, target->most_times * sizeof *target->times);
    }
    target->times[target->answered++] = (float)((now() - connection->due) / 1e3);
    if (closing) {
        (void)close(connection->fd);
        connection->fd = -1;
    }
    target->idle[target->idle_count++] = connection;
}

/* All answers of a server have the same size, which the first tells. */
static size_t size_of_answer(const char *text, size_t size)
{
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    const char *length = memmem(text, size, "Content-Length: ", 16);
    if (end == NULL || length == NULL || strncmp(text, "HTTP/1.1 200 ", 13) != 0) {
        (void)fprintf(stderr, "an answer that is none: %.*s\n", (int)size, text);
        exit(1);
    }
    return (size_t)(end + 4 - text) + (size_t)strtoul(length + 16, NULL, 10);
}

/* Once it is known what comes nobody has to see it: TCP throws it away without a copy. */
static void receive(struct target *target, struct connection *connection)
{
    char text[4096];
    ssize_t size = target->answer_size == 0 ? recv(connection->fd, text, sizeof text - 1, 0)
                                            : recv(connection->fd, NULL, DISCARDED, MSG_TRUNC);
    if (size < 0 && errno == EAGAIN) {
        return;
    }
    if (size < 0 || (size == 0 && !closing)) {
        fail("receive");
    }
    if (target->answer_size == 0) {
        text[size] = '\0';
        target->answer_size = size_of_answer(text, (size_t)size);
    }
    connection->got += (size_t)size;
    if (connection->got > target->answer_size || (size == 0 && connection->got < target->answer_size)) {
        (void)fprintf(stderr, "an answer of %zu bytes, not %zu\n", connection->got, target->answer_size);
        exit(1);
    }
    if (size == 0 || (!closing && connection->got == target->answer_size)) {
        has_answered(target, connection);
    } else {
        receive(target, connection); /* edges are told of once: more, or its end, may be there */
    }
}

static void handle(struct target *target, const struct epoll_event *event)
{
    struct connection *connection = event->data.ptr;
    if (closing && connection->got == SIZE_MAX && (event->events & EPOLLOUT)) {
        send_request(connection);
    }
    if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && connection->got != SIZE_MAX) {
        receive(target, connection);
    }
}

/* ------------------------------------------------------------------------------------------------- slices */

/* When the next request is due; false: none is by now. */
static bool next_due(double *due)
{
    double time = now();
    *due = rate > 0 ? began + (double)asked * SECOND / rate : time;
    return *due <= time && *due < ends;
}

static void ask_what_is_due(struct target *target)
{
    double due;
    while (target->idle_count > 0 && next_due(&due)) {
        struct connection *connection = target->idle[--target->idle_count];
        asked++;
        if (closing) {
            connection->got = SIZE_MAX; /* not asked yet */
        }
        ask(target, connection, due);
    }
}

/* Until all that was due has been answered. */
static void run_slice(struct target *target, unsigned round)
{
    struct epoll_event events[256];
    double cpu = cpu_of(target->pid), last = now();
    size_t before = target->answered;
    asked = 0;
    began = now();
    ends = began + slice * SECOND;
    ask_what_is_due(target);
    while (target->idle_count < connection_count || now() < ends) {
        int count = epoll_wait(target->epoll, events, 256, rate > 0 ? 0 : 100);
        for (int i = 0; i < count; i++) {
            handle(target, &events[i]);
        }
        ask_what_is_due(target);
        last = count > 0 ? now() : last;
        if (now() - last > PATIENCE) {
            errno = ETIMEDOUT;
            fail("no answer");
        }
    }
    double answers = (double)(target->answered - before);
    cpu = cpu_of(target->pid) - cpu;
    target->cpu += cpu;
    target->rates[round] = answers / (now() - began) * SECOND;
    target->costs[round] = cpu / answers;
}

static void shuffle(unsigned *order)
{
    for (unsigned i = 0; i < target_count; i++) {
        unsigned other = (unsigned)rand() % (i + 1);
        order[i] = order[other];
        order[other] = i;
    }
}

static void run_rounds(unsigned rounds)
{
    unsigned order[MAX_TARGETS];
    for (unsigned round = 0; round < rounds; round++) {
        shuffle(order);
        for (unsigned i = 0; i < target_count; i++) {
            run_slice(&targets[order[i]], round);
        }
    }
}

/* Connections that are kept are open before anything is measured. */
static void prepare(struct target *target, const char *text)
{
    if (sscanf(text, "%d:%d", &target->port, &target->pid) != 2) {
        (void)fprintf(stderr, "not PORT:PID: %s\n", text);
        exit(64);
    }
    target->epoll = epoll_create1(0);
    target->connections = allocate(NULL, connection_count * sizeof *target->connections);
    target->idle = allocate(NULL, connection_count * sizeof(void *));
    target->rates = allocate(NULL, round_count * sizeof(double));
    target->costs = allocate(NULL, round_count * sizeof(double));
    for (unsigned i = 0; i < connection_count; i++) {
        struct connection *connection = &target->connections[i];
        *connection = (struct connection) { .fd = -1 };
        if (!closing) {
            open_connection(target, connection);
        }
        target->idle[target->idle_count++] = connection;
    }
}

/* -------------------------------------------------------------------------------------------------- report */

static double median_ratio(const double *mine, const double *theirs)
{
    double *ratios = allocate(NULL, round_count * sizeof *ratios);
    for (unsigned i = 0; i < round_count; i++) {
        ratios[i] = mine[i] / theirs[i];
    }
    double middle = median(ratios, round_count);
    free(ratios);
    return middle;
}

static int compare_times(const void *left, const void *right)
{
    float difference = *(const float *)left - *(const float *)right;
    return (difference > 0) - (difference < 0);
}

static double percentile(const struct target *target, double percent)
{
    return (double)target->times[(size_t)((double)(target->answered - 1) * percent / 100)];
}

static void report(struct target *target, double rate_ratio, double cost_ratio)
{
    qsort(target->times, target->answered, sizeof *target->times, compare_times);
    printf("{\"rate\": %.0f, \"rate_ratio\": %.4f, \"cpu_ns\": %.1f, \"cpu_ratio\": %.4f, \"p50_us\": %.1f, "
           "\"p99_us\": %.1f, "
           "\"p999_us\": %.1f, \"answers\": %zu}\n",
        median(target->rates, round_count), rate_ratio, target->cpu / (double)target->answered, cost_ratio,
        percentile(target, 50), percentile(target, 99), percentile(target, 99.9), target->answered);
}

static void report_all(void)
{
    double ratios[MAX_TARGETS][2];
    for (unsigned i = 0; i < target_count; i++) {
        ratios[i][0] = median_ratio(targets[i].rates, targets[0].rates);
        ratios[i][1] = median_ratio(targets[i].costs, targets[0].costs);
    }
    for (unsigned i = 0; i < target_count; i++) {
        report(&targets[i], ratios[i][0], ratios[i][1]);
    }
}

static void read_options(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "xp:c:r:d:q:")) != -1;) {
        switch (option) {
        case 'x':
            closing = true;
            break;
        case 'p':
            target_path = optarg;
            break;
        case 'c':
            connection_count = (unsigned)atoi(optarg);
            break;
        case 'r':
            rate = atof(optarg);
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
    read_options(argc, argv);
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target_path,
        closing ? "Connection: close\r\n" : "");
    round_count = (unsigned)(seconds / slice) + 1;
    for (; optind < argc && target_count < MAX_TARGETS; optind++) {
        prepare(&targets[target_count++], argv[optind]);
    }
    run_rounds(round_count < 5 ? round_count : 5); /* to warm up */
    for (unsigned i = 0; i < target_count; i++) {
        targets[i].answered = 0;
        targets[i].cpu = 0;
    }
    run_rounds(round_count);
    report_all();
    return 0;
}
