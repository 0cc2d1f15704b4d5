/* SPDX-License-Identifier: MIT */
/* logged_echo_await.c - an echo server that says who came, how many bytes they sent, and how it ended. With a stream
 * and a coroutine; logged_echo.c is the same with a protocol.
 *
 * Usage: logged_echo_await [ENDPOINT] */
#include <bight/bight.h>

#include <stdio.h>

static void converse(struct bight_result *result, void *context)
{
    struct bight_stream *stream = context;
    struct bight_address peer = { .family = BIGHT_ADDRESS_NONE };
    char name[BIGHT_ADDRESS_TEXT_SIZE];
    unsigned long bytes = 0;
    (void)bight_transport_peer(bight_stream_transport(stream), &peer);
    bight_address_format(&peer, name, sizeof name);
    printf("%s came\n", name);

    while (bight_await(bight_stream_read(stream, 0), result) == 0) {
        const struct bight_bytes *data = bight_result_peek(result, &bight_type_bytes);
        size_t size = bight_bytes_size(data);
        if (size == 0) {
            break;
        }
        bytes += size;
        printf("%s sent %zu bytes\n", name, size);
        bight_stream_write(stream, bight_bytes_data(data), size);
        if (bight_await(bight_stream_drain(stream), result) != 0) {
            break;
        }
    }
    const struct bight_failure *failure = bight_result_failure(result);
    int code = failure != NULL ? bight_failure_code(failure) : BIGHT_E_CONNECTION_DONE;
    printf("%s went after %lu bytes: %s\n", name, bytes, bight_error_text(code));
}

static struct bight_deferred *talk(struct bight_stream *stream, void *reactor)
{
    return bight_spawn(reactor, converse, stream);
}

static struct bight_stream_factory clients = BIGHT_STREAM_FACTORY(struct bight_stream, talk, NULL);

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct bight_reactor *reactor = bight_reactor_new();
    clients.base.context = reactor;
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:1234", &clients.base);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
