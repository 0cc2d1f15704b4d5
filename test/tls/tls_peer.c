/* SPDX-License-Identifier: MIT */
/* tls_peer.c - one end of a TLS connection, for tests with peers that are not bight's.
 *
 * Usage: tls_peer serve CERTIFICATE KEY ENDPOINT       gives back what it is sent
 *        tls_peer connect CA NAME ENDPOINT [TIMES]     sends its standard input, then ends; prints what it receives;
 *                                                      so many times, one connection after the other
 * Says on standard error what each connection is, "secure TLSv1.3 resumed ...", and why it ended, "lost TRUNCATED ...".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bight/bight.h>

static struct bight_tls *tls;
static const char *peer_name, *endpoint;
static struct bight_reactor *reactor;
static bool is_client;
static int times = 1;
static char *input;
static size_t input_size;

static void made(struct bight_protocol *protocol)
{
    if (bight_transport_start_tls(protocol->transport, tls, peer_name) != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    } else if (is_client) {
        (void)bight_transport_write(protocol->transport, input, input_size);
        (void)bight_transport_lose_write(protocol->transport);
    }
}

static void secure(struct bight_protocol *protocol)
{
    const struct bight_tls_session *session = bight_transport_tls(protocol->transport);
    fprintf(stderr, "secure %s %s%s\n", session->version, session->is_resumed ? "resumed " : "", session->cipher);
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    if (is_client) {
        (void)fwrite(data, 1, size, stdout);
    } else {
        (void)bight_transport_write(protocol->transport, data, size);
    }
}

static void talk(void);

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    char text[1024];
    (void)protocol;
    bight_failure_describe(reason, text, sizeof text);
    fprintf(stderr, "lost %s %s\n", bight_error_name(bight_failure_code(reason)), text);
    if (is_client && --times > 0) {
        talk();
    } else if (is_client) {
        (void)fflush(stdout);
        bight_reactor_stop(reactor);
    }
}

static const struct bight_protocol_ops ops = {
    .connection_made = made,
    .handshake_completed = secure,
    .data_received = received,
    .connection_lost = lost,
};
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static struct bight_tls *make_server(const char *certificate, const char *key, struct bight_failure **failure)
{
    const struct bight_tls_identity identity = { .certificate.file = certificate, .key.file = key };
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    return bight_tls_server_new(&options, failure);
}

static struct bight_tls *make_client(const char *ca, struct bight_failure **failure)
{
    const struct bight_tls_client_options options = { .size = sizeof options, .ca.file = ca };
    return bight_tls_client_new(&options, failure);
}

static void read_input(void)
{
    ssize_t size;
    do {
        input = realloc(input, input_size + 65536);
        size = input == NULL ? 0 : read(STDIN_FILENO, input + input_size, 65536);
        input_size += size > 0 ? (size_t)size : 0;
    } while (size > 0);
}

static void talk(void)
{
    if (is_client) {
        bight_deferred_release(bight_connect(reactor, endpoint, &factory));
    } else {
        bight_serve(reactor, endpoint, &factory);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: tls_peer serve CERTIFICATE KEY ENDPOINT | connect CA NAME ENDPOINT [TIMES]\n");
        return 64;
    }
    struct bight_failure *failure = NULL;
    is_client = strcmp(argv[1], "connect") == 0;
    peer_name = is_client ? argv[3] : NULL;
    tls = is_client ? make_client(argv[2], &failure) : make_server(argv[2], argv[3], &failure);
    if (tls == NULL) {
        bight_log(BIGHT_LOG_ERROR, "tls_peer", failure, "no context");
        return 1;
    }
    endpoint = argv[4];
    times = argc == 6 ? atoi(argv[5]) : 1;
    if (is_client) {
        read_input();
    }
    reactor = bight_reactor_new();
    talk();
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_tls_release(tls);
    free(input);
    return status;
}
