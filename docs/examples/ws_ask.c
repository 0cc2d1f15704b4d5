/* SPDX-License-Identifier: MIT */
/* ws_ask.c - says something to a WebSocket, and what is answered.
 *
 *     ws_ask URL TEXT [CA-FILE] */
#include <stdio.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/websocket.h>

static void print(struct bight_websocket *socket, const char *text, size_t size)
{
    (void)size;
    printf("%s\n", text);
    bight_websocket_close(socket, 0, "thank you");
}

static void ended(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    printf("%u %s%s\n", code, reason, clean ? "" : " (not clean)");
    bight_reactor_stop(bight_websocket_reactor(socket));
}

static const struct bight_websocket_ops ops = { .text_received = print, .closed = ended };
static struct bight_websocket_factory asking = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ops);

static const char *text_to_say;

static void ask(struct bight_result *result, void *reactor)
{
    struct bight_websocket *socket = bight_result_peek(result, &bight_type_websocket);
    (void)reactor;
    bight_websocket_send_text(socket, text_to_say, strlen(text_to_say));
}

static void complain(struct bight_failure *failure)
{
    char text[300];
    bight_failure_format(failure, text, sizeof text);
    bight_failure_release(failure);
    fprintf(stderr, "%s\n", text);
}

static void fail(struct bight_result *result, void *reactor)
{
    complain(bight_result_take_failure(result));
    bight_reactor_fail(reactor, 69);
    bight_reactor_stop(reactor);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: ws_ask URL TEXT [CA-FILE]\n");
        return 64;
    }
    struct bight_tls_client_options trust = { .size = sizeof trust, .ca = { .file = argc > 3 ? argv[3] : NULL } };
    struct bight_websocket_connect_options options = { .size = sizeof options };
    struct bight_failure *failure = NULL;
    if (argc > 3) {
        options.tls = bight_tls_client_new(&trust, &failure);
    }
    if (failure != NULL) {
        complain(failure);
        return 66;
    }
    text_to_say = argv[2];
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_deferred *connecting = bight_websocket_connect(reactor, argv[1], &asking, &options);
    bight_deferred_add_callbacks(connecting, ask, fail, reactor);
    bight_deferred_release(connecting);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_tls_release(options.tls);
    return status;
}
