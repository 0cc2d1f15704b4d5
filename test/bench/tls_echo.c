/* SPDX-License-Identifier: MIT */
/* tls_echo.c - gives back what it is sent, through TLS.
 *
 * Usage: tls_echo CERTIFICATE KEY ENDPOINT (files in PEM) */
#include <stdio.h>

#include <bight/bight.h>

static struct bight_tls *tls;

static void made(struct bight_protocol *protocol)
{
    if (bight_transport_start_tls(protocol->transport, tls, NULL) != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops ops = { .connection_made = made, .data_received = received };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static struct bight_tls *make_context(const char *certificate, const char *key)
{
    const struct bight_tls_identity identity = { .certificate.file = certificate, .key.file = key };
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    struct bight_failure *failure;
    struct bight_tls *made_of = bight_tls_server_new(&options, &failure);
    if (made_of == NULL) {
        bight_log(BIGHT_LOG_ERROR, "tls_echo", failure, "no context");
        bight_failure_release(failure);
    }
    return made_of;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: tls_echo CERTIFICATE KEY ENDPOINT\n");
        return 64;
    }
    tls = make_context(argv[1], argv[2]);
    if (tls == NULL) {
        return 1;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[3], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_tls_release(tls);
    return status;
}
