/* SPDX-License-Identifier: MIT */
/* broadcast.c - what any connection sends goes to every connection, as counted bytes that are made once.
 *
 * Usage: broadcast ENDPOINT */
#include <stdio.h>
#include <stdlib.h>

#include <bight/bight.h>

struct member {
    struct bight_protocol base;
    size_t index;
};

static struct member **members;
static size_t count, room;

static void made(struct bight_protocol *protocol)
{
    struct member *member = bight_self(struct member, protocol);
    if (count == room) {
        room = room * 2 + 16;
        members = realloc(members, room * sizeof(struct member *));
        if (members == NULL) {
            exit(1);
        }
    }
    member->index = count;
    members[count++] = member;
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bight_bytes *bytes = bight_bytes_new(data, size);
    if (bytes == NULL) {
        (void)bight_transport_abort_connection(protocol->transport);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        (void)bight_transport_write_bytes(members[i]->base.transport, bytes);
    }
    bight_bytes_release(bytes);
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct member *member = bight_self(struct member, protocol);
    (void)reason;
    members[member->index] = members[--count];
    members[member->index]->index = member->index;
}

static const struct bight_protocol_ops ops = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};
static struct bight_factory factory = BIGHT_FACTORY(struct member, &ops);

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: broadcast ENDPOINT\n");
        return 64;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    free(members);
    return status;
}
