/* SPDX-License-Identifier: MIT */
/* limit_echo.c - the least that a single-threaded TCP echo can do: bare epoll, one recv and one send a message.
 *
 * The measure for bight-echo: what it spends over this is the price of the framework. With -B it is the measure for
 * broadcast: what any connection sends goes to every connection, one send each. Not a server to use: output that the
 * kernel refuses is kept without a bound, and it ends on the first real error. Usage: limit_echo [-B] [PORT] */
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
#include <unistd.h>

struct connection {
    int fd;
    size_t index; /* among the members */
    char *rest;   /* what the kernel has not taken */
    size_t rest_size;
};

static char buffer[65536];
static int epoll;
static bool broadcasting;
static struct connection **members;
static size_t count, room;

static void watch(struct connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = connection };
    if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void join(struct connection *connection)
{
    if (count == room) {
        room = room * 2 + 16;
        members = realloc(members, room * sizeof *members);
        if (members == NULL) {
            exit(1);
        }
    }
    connection->index = count;
    members[count++] = connection;
}

static void leave(struct connection *connection)
{
    members[connection->index] = members[--count];
    members[connection->index]->index = connection->index;
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) {
            exit(1);
        }
        connection->fd = fd;
        join(connection);
        watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void finish(struct connection *connection)
{
    leave(connection);
    close(connection->fd);
    free(connection->rest);
    free(connection);
}

static void keep(struct connection *connection, const char *data, size_t size)
{
    char *rest = realloc(connection->rest, connection->rest_size + size);
    if (rest == NULL) {
        exit(1);
    }
    memcpy(rest + connection->rest_size, data, size);
    connection->rest = rest;
    connection->rest_size += size;
    watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

static void flush(struct connection *connection)
{
    ssize_t sent = send(connection->fd, connection->rest, connection->rest_size, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->rest_size -= (size_t)sent;
        memmove(connection->rest, connection->rest + sent, connection->rest_size);
    }
    if (connection->rest_size == 0) {
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
}

static void give(struct connection *connection, const char *data, size_t size)
{
    ssize_t sent = connection->rest_size != 0 ? 0 : send(connection->fd, data, size, MSG_NOSIGNAL);
    if (sent < (ssize_t)size) {
        sent = sent < 0 ? 0 : sent;
        keep(connection, data + sent, size - (size_t)sent);
    }
}

static void receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            finish(connection);
        }
        return;
    }
    if (!broadcasting) {
        give(connection, buffer, (size_t)got);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        give(members[i], buffer, (size_t)got);
    }
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) {
        perror("limit_echo");
        exit(1);
    }
    return fd;
}

static void run(struct connection *listener)
{
    struct epoll_event events[512];
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == listener) {
                accept_all(listener->fd);
                continue;
            }
            if ((events[i].events & EPOLLOUT) != 0) {
                flush(connection);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                receive(connection);
            }
        }
    }
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "B")) != -1) {
        if (option != 'B') {
            fprintf(stderr, "usage: limit_echo [-B] [PORT]\n");
            return 64;
        }
        broadcasting = true;
    }
    struct connection listener = { .fd = listen_on((uint16_t)atoi(optind < argc ? argv[optind] : "1234")) };
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&listener, EPOLLIN, EPOLL_CTL_ADD);
    run(&listener);
}
