/* SPDX-License-Identifier: MIT */
/* serving.c - an echo with limits and a drain, a room from the heap, a page for whoever operates it, and a connection
 * that comes from elsewhere: docs/serving.md, docs/protocols.md and docs/debugging.md show pieces of it.
 *
 * serving ENDPOINT ENDPOINT-OF-THE-ROOM ENDPOINT-OF-THE-PAGE */
#include <bight/bight.h>
#include <bight/debug.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void echo(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_write(p->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

/* ----------------------------------------------------------------------------- a factory from the heap */

struct room {
    size_t visits;
};

struct member {
    struct bight_protocol base;
};

static void came(struct bight_protocol *p)
{
    struct room *room = p->factory->context;
    room->visits++;
    bight_transport_write(p->transport, "welcome\n", 8);
    bight_transport_lose_connection(p->transport);
}

static const struct bight_protocol_ops member_ops = { .connection_made = came };

static void release(struct bight_factory *factory)
{
    bight_free(factory);
}

static const struct bight_factory_ops room_factory_ops = { .release = release };

static int serve_room(struct bight_reactor *reactor, const char *endpoint, struct room *room)
{
    struct bight_factory *factory = bight_malloc(sizeof *factory);
    if (factory == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *factory = (struct bight_factory)BIGHT_FACTORY(struct member, &member_ops);
    factory->ops = &room_factory_ops;
    factory->context = room;
    return bight_serve(reactor, endpoint, factory);
}

/* -------------------------------------------------------------------------------------------- the page */

static bool write_line(const struct bight_item *item, void *transport)
{
    char line[300];
    bight_item_describe(item, line, sizeof line);
    return bight_transport_write(transport, line, strlen(line)) == 0 && bight_transport_write(transport, "\n", 1) == 0;
}

static void asked(struct bight_protocol *p)
{
    unsigned everything = BIGHT_ITEM_PORT | BIGHT_ITEM_CONNECTION | BIGHT_ITEM_TIMER;
    bight_reactor_walk(bight_transport_reactor(p->transport), everything, write_line, p->transport);
    bight_transport_lose_connection(p->transport);
}

static const struct bight_protocol_ops page_ops = { .connection_made = asked };
static struct bight_factory page = BIGHT_FACTORY(struct bight_protocol, &page_ops);

/* ------------------------------------------------------------------------------------- limits and drain */

static void not_listening(struct bight_result *result, void *reactor)
{
    struct bight_failure *failure = bight_result_failure(result);
    bight_reactor_fail(reactor, bight_error_exit_status(bight_failure_code(failure)));
} /* it is not handled here, so it is logged */

static void serve(struct bight_reactor *reactor, const char *endpoint)
{
    struct bight_serve_options options = {
        .size = sizeof options,
        .max_connections = 10000, /* the rest wait in the kernel's queue */
        .max_per_peer = 50,       /* whoever wants more is closed at once */
        .drain_seconds = 30,      /* for who is being served when the program is told to stop */
    };
    struct bight_deferred *port = bight_serve_full(reactor, endpoint, &echo_factory, &options);
    bight_deferred_add_errback(port, not_listening, reactor);
    bight_deferred_release(port);
}

/* ------------------------------------------------------------------------------------------- elsewhere */

static void adopt(struct bight_reactor *reactor, int fd)
{
    int code = bight_adopt_connection(reactor, fd, &echo_factory, NULL);
    if (code != 0) {
        close(fd); /* it is still ours */
    }
}

int main(int argc, char **argv)
{
    struct room room = { 0 };
    int ends[2];
    struct bight_reactor *reactor = bight_reactor_new();
    if (argc != 4 || reactor == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return 64;
    }
    serve(reactor, argv[1]);
    serve_room(reactor, argv[2], &room);
    bight_serve(reactor, argv[3], &page); /* unix:/run/chat.debug:mode=600 */
    adopt(reactor, ends[0]);
    close(ends[1]);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
