/* SPDX-License-Identifier: MIT */
/* fuzz_tls.c - a TLS connection under arbitrary flights of its peer, cut in arbitrary places.
 *
 * The first byte chooses the side and how the bytes are cut; the rest is what the peer sends. It is fed whole and cut:
 * the protocol must hear the same. OpenSSL's randomness is numbers in a row, begun again for each run, and the time
 * stands still: so a conversation that was recorded goes through once more, and a changed one goes as far as it is
 * right. MAKE_TLS_CORPUS=DIRECTORY records some (with another version of OpenSSL they end earlier). */
#define OPENSSL_SUPPRESS_DEPRECATED /* there is no other way to give it numbers of one's own */
#include <bight/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "fuzz.h"

/* ---------------------------------------------------------------------------- randomness, and the time */

static uint64_t state_of_random;

static int next_bytes(unsigned char *bytes, int size)
{
    for (int i = 0; i < size; i++) {
        state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (unsigned char)(state_of_random >> 56);
    }
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

static const RAND_METHOD in_a_row = { .bytes = next_bytes, .pseudorand = next_bytes, .status = is_seeded };

time_t __wrap_time(time_t *where);

time_t __wrap_time(time_t *where)
{
    const time_t now = 1800000000;
    if (where != NULL) {
        *where = now;
    }
    return now;
}

/* ------------------------------------------------------------------------------------------- one side */

enum { SERVER, CLIENT };

static struct bight_tls *contexts[2];
static uint64_t digest; /* of what the protocol heard */

static void note(uint8_t event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    digest = (digest ^ event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static int side_of(const struct bight_protocol *protocol);

static void made(struct bight_protocol *protocol)
{
    int side = side_of(protocol);
    if (bight_transport_start_tls(protocol->transport, contexts[side], side == CLIENT ? "localhost" : NULL) != 0) {
        abort();
    }
    if (side == CLIENT) {
        (void)bight_transport_write(protocol->transport, "hello", 5);
    }
}

static void secure(struct bight_protocol *protocol)
{
    (void)protocol;
    note('S', NULL, 0);
}

/* Byte by byte: how it was cut must not show. */
static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        note('D', data + i, 1);
    }
    if (side_of(protocol) == SERVER) {
        (void)bight_transport_write(protocol->transport, data, size);
    }
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    int code = bight_failure_code(reason);
    note('L', &code, sizeof code);
}

static const struct bight_protocol_ops ops = {
    .connection_made = made,
    .handshake_completed = secure,
    .data_received = received,
    .connection_lost = lost,
};
static struct bight_factory factories[2] = { BIGHT_FACTORY(struct bight_protocol, &ops),
    BIGHT_FACTORY(struct bight_protocol, &ops) };

static int side_of(const struct bight_protocol *protocol)
{
    return protocol->factory == &factories[SERVER] ? SERVER : CLIENT;
}

/* Once, and for ever. */
static void prepare(void)
{
    struct bight_failure *failure;
    (void)RAND_set_rand_method(&in_a_row);
    state_of_random = 1;
    /* Signed by itself and good for decades: OpenSSL verifies it by the true time. */
    const struct bight_testing_certificate_options decades = { .size = sizeof decades, .begins = -1e9, .ends = 2e9 };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(NULL, &decades);
    const struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options server = {
        .size = sizeof server, .identities = &identity, .identity_count = 1, .without_tickets = true
    };
    const char *root = certificate->certificate;
    const struct bight_tls_client_options client = {
        .size = sizeof client, .ca = { .text = root, .size = strlen(root) }, .without_resumption = true
    };
    contexts[SERVER] = bight_tls_server_new(&server, &failure);
    contexts[CLIENT] = bight_tls_client_new(&client, &failure);
    bight_testing_certificate_free(certificate);
}

static uint64_t digest_of(int side, const uint8_t *data, size_t size, size_t chunk)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    digest = UINT64_C(14695981039346656037);
    state_of_random = 2 + (uint64_t)side;
    struct bight_string_peer *peer = bight_string_connect(reactor, &factories[side], side == SERVER);
    bight_string_feed_chunked(peer, data, size, chunk);
    bight_string_end(peer);
    bight_testing_advance(reactor, 60);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return digest;
}

/* ----------------------------------------------------------------------------------------- the corpus */

struct side {
    struct bight_string_peer *peer;
    uint64_t random;
    uint8_t heard[65536]; /* from the other side */
    size_t size;
};

static void hand_over(struct side *from, struct side *to)
{
    size_t size;
    const uint8_t *written = bight_string_written(from->peer, &size);
    memcpy(to->heard + to->size, written, size);
    state_of_random = to->random;
    bight_string_feed(to->peer, to->heard + to->size, size);
    to->random = state_of_random;
    to->size += size;
    bight_string_clear(from->peer);
}

static void save(const char *directory, const char *name, int side, const struct side *heard)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        (void)fputc(side, file);
        (void)fwrite(heard->heard, 1, heard->size, file);
        (void)fclose(file);
    }
}

static void record(const char *directory)
{
    static struct side sides[2];
    struct bight_reactor *reactor = bight_testing_reactor_new();
    for (int i = 0; i < 2; i++) {
        state_of_random = 2 + (uint64_t)i;
        sides[i].peer = bight_string_connect(reactor, &factories[i], i == SERVER);
        sides[i].random = state_of_random;
    }
    for (int i = 0; i < 6; i++) {
        hand_over(&sides[CLIENT], &sides[SERVER]);
        hand_over(&sides[SERVER], &sides[CLIENT]);
    }
    bight_transport_lose_connection(bight_string_protocol(sides[CLIENT].peer)->transport);
    bight_testing_settle(reactor, 100);
    hand_over(&sides[CLIENT], &sides[SERVER]);
    save(directory, "client-speaks", SERVER, &sides[SERVER]);
    save(directory, "server-speaks", CLIENT, &sides[CLIENT]);
    bight_string_peer_free(sides[0].peer);
    bight_string_peer_free(sides[1].peer);
    bight_reactor_free(reactor);
}

/* Each piece costs some turns, in which everything is checked, so there are few. */
static size_t piece_of(uint8_t choice, size_t size)
{
    enum { MAX_PIECES = 32 };
    size_t chosen = 1 + choice / 2 * 7, least = size / MAX_PIECES;
    return chosen > least ? chosen : least;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (contexts[0] == NULL) {
        prepare();
        if (getenv("MAKE_TLS_CORPUS") != NULL) {
            record(getenv("MAKE_TLS_CORPUS"));
        }
    }
    if (size < 1 || size > 16384) {
        return 0;
    }
    int side = data[0] % 2;
    size_t chunk = piece_of(data[0], size);
    if (digest_of(side, data + 1, size - 1, size) != digest_of(side, data + 1, size - 1, chunk)) {
        abort();
    }
    return 0;
}
