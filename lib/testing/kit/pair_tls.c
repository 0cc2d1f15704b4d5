/* SPDX-License-Identifier: MIT */
/* pair_tls.c - TLS between the ends of a pair, with contexts of the test's own or with some that are made for it.
 *
 * Pairs themselves are pair.c's, certificates ca.c's. */
#include <bight/testing/ca.h>
#include <bight/testing/pair.h>

#include <string.h>

struct contexts {
    struct bight_tls *server, *client;
};

static void release_contexts(struct contexts *contexts)
{
    bight_tls_release(contexts->server);
    bight_tls_release(contexts->client);
}

static struct bight_tls *make_server(const struct bight_testing_certificate *certificate)
{
    struct bight_failure *failure = NULL;
    const struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    bight_failure_release(failure);
    return tls;
}

static struct bight_tls *make_client(const char *root)
{
    struct bight_failure *failure = NULL;
    const struct bight_tls_client_options options = {
        .size = sizeof options, .ca = { .text = root, .size = strlen(root) }, .without_resumption = true
    };
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    bight_failure_release(failure);
    return tls;
}

/* False when out of memory. */
static bool make_contexts(struct contexts *contexts, const char *name)
{
    const struct bight_testing_certificate_options options = { .size = sizeof options, .names = name };
    struct bight_testing_ca *ca = bight_testing_ca_new("a pair's", NULL);
    const struct bight_testing_certificate *certificate =
        ca == NULL ? NULL : bight_testing_certificate_new(ca, &options);
    if (certificate != NULL) {
        contexts->server = make_server(certificate);
        contexts->client = make_client(bight_testing_ca_pem(ca));
    }
    bight_testing_certificate_free(certificate);
    bight_testing_ca_free(ca);
    return contexts->server != NULL && contexts->client != NULL;
}

static struct bight_transport *transport_of(const struct bight_pair *pair, enum bight_pair_side side)
{
    struct bight_protocol *protocol = bight_pair_protocol(pair, side);
    return protocol == NULL ? NULL : protocol->transport;
}

static int start(struct bight_pair *pair, enum bight_pair_side side, struct bight_tls *tls, const char *name)
{
    struct bight_transport *transport = transport_of(pair, side);
    return transport == NULL ? BIGHT_E_CLOSED : bight_transport_start_tls(transport, tls, name);
}

static bool is_secure(const struct bight_pair *pair, enum bight_pair_side side)
{
    struct bight_transport *transport = transport_of(pair, side);
    return transport != NULL && bight_transport_tls(transport) != NULL;
}

int bight_pair_start_tls(struct bight_pair *pair, struct bight_tls *server, struct bight_tls *client, const char *name)
{
    struct contexts made = { NULL, NULL };
    name = name == NULL ? "localhost" : name;
    if ((server == NULL || client == NULL) && !make_contexts(&made, name)) {
        release_contexts(&made);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bool is_made = server == NULL || client == NULL;
    int code = start(pair, BIGHT_PAIR_SERVER, is_made ? made.server : server, NULL);
    code = code == BIGHT_OK ? start(pair, BIGHT_PAIR_CLIENT, is_made ? made.client : client, name) : code;
    release_contexts(&made);
    if (code != BIGHT_OK) {
        return code;
    }
    (void)bight_pair_pump(pair, 0);
    return is_secure(pair, BIGHT_PAIR_SERVER) && is_secure(pair, BIGHT_PAIR_CLIENT) ? BIGHT_OK : BIGHT_E_TLS;
}
