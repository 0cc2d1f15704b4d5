/* SPDX-License-Identifier: MIT */
/* echo.c - gives back what it is sent: README.md shows it. */
#include <bight/bight.h>

static void echo(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_write(p->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

int main(void)
{
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, "tcp:1234", &echo_factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
