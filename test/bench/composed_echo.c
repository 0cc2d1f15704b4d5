/* SPDX-License-Identifier: MIT */
/* composed_echo.c - gives back what it is sent, composed where it is sent from (bight/sys/output.h), or written. Both
 * copy once; what is counted beside that is the way of the bytes. The other two do so in two halves.
 *
 * Usage: composed_echo compose|write|compose-twice|write-twice ENDPOINT */
#include <stdio.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/sys/output.h>

static void compose(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    uint8_t *room = bight_transport_reserve(protocol->transport, size);
    if (room != NULL) {
        memcpy(room, data, size);
        (void)bight_transport_commit(protocol->transport, size);
    }
}

static void compose_twice(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    compose(protocol, data, size / 2);
    compose(protocol, data + size / 2, size - size / 2);
}

static void write_all(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static void write_twice(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    write_all(protocol, data, size / 2);
    write_all(protocol, data + size / 2, size - size / 2);
}

static const struct {
    const char *name;
    struct bight_protocol_ops ops;
} ways[] = {
    { "compose", { .data_received = compose } },
    { "write", { .data_received = write_all } },
    { "compose-twice", { .data_received = compose_twice } },
    { "write-twice", { .data_received = write_twice } },
};

int main(int argc, char **argv)
{
    size_t way = 0;
    while (argc == 3 && way < 4 && strcmp(argv[1], ways[way].name) != 0) {
        way++;
    }
    if (argc != 3 || way == 4) {
        fprintf(stderr, "usage: composed_echo compose|write|compose-twice|write-twice ENDPOINT\n");
        return 64;
    }
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ways[way].ops);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[2], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
