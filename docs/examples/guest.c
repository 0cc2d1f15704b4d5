/* SPDX-License-Identifier: MIT */
/* guest.c - a reactor on the event_base of a program that has one: an echo server beside the host's own events.
 *
 * docs/first_hour.md explains it. The host keeps its loop and its signals; here it also gives the reactor a descriptor
 * of its own to watch, standard input, whose end ends the program. */
#include <bight/bight.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static struct event_base *host;
static struct bight_reactor *reactor;
static struct bight_foreign_watch input;

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static void leave_loop(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    event_base_loopbreak(host);
}

/* The guest ends first: its connections are lost, its triggers run. Then the host may go. */
static void stop(void)
{
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    bight_deferred_add_both(stopped, leave_loop, NULL);
    bight_deferred_release(stopped);
}

static void stop_on_signal(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    (void)context;
    stop();
}

static void read_input(int fd, short what, void *context)
{
    char text[256];
    ssize_t size = read(fd, text, sizeof text);
    (void)what;
    (void)context;
    if (size <= 0) {
        bight_unwatch_descriptor(input); /* before it is closed */
        stop();
        return;
    }
    printf("%zd bytes of input\n", size);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    host = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = host };
    reactor = bight_reactor_new_full(&options);
    if (argc < 2 || reactor == NULL) {
        return EX_USAGE;
    }
    struct event *terminate = evsignal_new(host, SIGTERM, stop_on_signal, NULL);
    event_add(terminate, NULL);
    bight_serve(reactor, argv[1], &echo_factory);
    bight_watch_descriptor(reactor, STDIN_FILENO, BIGHT_READABLE, read_input, NULL, NULL, &input);
    event_base_dispatch(host); /* the host's loop, and bight's in it */
    bight_reactor_free(reactor);
    event_free(terminate);
    event_base_free(host);
    return 0;
}
