// SPDX-License-Identifier: MIT
// echo.cc - the echo server as C++17 programs write it: the headers' macros and inline functions compile as C++. It
// serves on the endpoint that it is given, tells the port, and ends when its first connection has ended.
#include <bight/bight.h>

#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace
{

struct echo {
    struct bight_protocol base;
    unsigned long messages;
};

void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct echo *self = bight_self(struct echo, protocol);
    self->messages++;
    bight_transport_write(protocol->transport, data, size);
}

void connection_lost(struct bight_protocol *protocol, const struct bight_failure *)
{
    bight_reactor_stop(bight_transport_reactor(protocol->transport));
}

struct bight_protocol_ops echo_table()
{
    struct bight_protocol_ops ops = {};
    ops.data_received = data_received;
    ops.connection_lost = connection_lost;
    return ops;
}

const struct bight_protocol_ops echo_ops = echo_table();
struct bight_factory echo_factory = BIGHT_FACTORY(struct echo, &echo_ops);
struct bight_factory plain_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static_assert(std::is_standard_layout<struct echo>::value, "a protocol begins with its base");

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || plain_factory.protocol_size >= echo_factory.protocol_size) {
        return EXIT_FAILURE;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], &echo_factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
