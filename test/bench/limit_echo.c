/* SPDX-License-Identifier: MIT */
/* limit_echo.c - the least that a single-threaded TCP echo can do: bare epoll, one recv and one send a message.
 *
 * The measure for bight-echo: what it spends over this is the price of the framework. Not a server to use: output that
 * the kernel refuses is kept without a bound, and it ends on the first real error. Usage: limit_echo PORT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    char *rest; /* what the kernel has not taken */
    size_t rest_size;
};

static char buffer[65536];
static int epoll;

static void watch(struct connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = connection };
    if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
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
        watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void finish(struct connection *connection)
{
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

static void echo(struct connection *connection)
{
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            finish(connection);
        }
        return;
    }
    ssize_t sent = connection->rest_size != 0 ? 0 : send(connection->fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < got) {
        sent = sent < 0 ? 0 : sent;
        keep(connection, buffer + sent, (size_t)(got - sent));
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

int main(int argc, char **argv)
{
    struct epoll_event events[512];
    struct connection listener = { .fd = listen_on((uint16_t)atoi(argc > 1 ? argv[1] : "1234")) };
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int count = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == &listener) {
                accept_all(listener.fd);
                continue;
            }
            if ((events[i].events & EPOLLOUT) != 0) {
                flush(connection);
            }
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                echo(connection);
            }
        }
    }
}
