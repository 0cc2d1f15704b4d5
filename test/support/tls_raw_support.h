/* SPDX-License-Identifier: MIT */
/* tls_raw_support.h - a TLS peer that a test plays by hand, with OpenSSL over memory, against a connection in memory:
 * for what no peer that is bight's would send. On top of tls_pair_support.h. */
#ifndef BIGHT_TEST_TLS_RAW_SUPPORT_H
#define BIGHT_TEST_TLS_RAW_SUPPORT_H

#include "tls_pair_support.h"

struct raw_peer {
    struct bight_string_peer *peer;
    SSL *ssl;
    BIO *in, *out;
    bool is_open;
};

static struct raw_peer raw;

/* What OpenSSL made goes to the connection; what that wrote goes to OpenSSL. */
static void carry(void)
{
    char bytes[65536];
    int made;
    while ((made = BIO_read(raw.out, bytes, sizeof bytes)) > 0) {
        bight_string_feed(raw.peer, bytes, (size_t)made);
    }
    size_t size;
    const uint8_t *written = bight_string_written(raw.peer, &size);
    if (size > 0) {
        ck_assert_int_eq(BIO_write(raw.in, written, (int)size), (int)size);
        bight_string_clear(raw.peer);
    }
}

static void raw_handshake(void)
{
    for (int i = 0; i < 8 && !raw.is_open; i++) {
        raw.is_open = SSL_do_handshake(raw.ssl) == 1;
        ERR_clear_error();
        carry();
    }
    ck_assert(raw.is_open);
    carry();
}

/* Takes the session. */
static void raw_begin(int side, SSL *ssl)
{
    raw.peer = bight_string_connect(reactor, &ends[side].factory, side == SERVER);
    ck_assert_ptr_nonnull(raw.peer);
    raw.ssl = ssl;
    raw.in = BIO_new(BIO_s_mem());
    raw.out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(raw.in, -1);
    SSL_set_bio(raw.ssl, raw.in, raw.out);
    carry();
    raw_handshake();
}

/* A client by hand, against the server end. */
__attribute__((unused)) static void raw_connect(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_connect_state(ssl);
    raw_begin(SERVER, ssl);
}

/* A server by hand, with the context of the server end, against the client end. */
__attribute__((unused)) static void raw_accept(void)
{
    struct bight_failure *failure;
    raw_begin(CLIENT, bi_tls_session_new(ends[SERVER].tls, NULL, 0, &failure));
}

static void raw_write(const void *data, size_t size)
{
    ck_assert_int_eq(SSL_write(raw.ssl, data, (int)size), (int)size);
}

/* What the connection has written so far, decrypted, or -1 with SSL's error in *error. */
__attribute__((unused)) static int raw_read(void *buffer, int size, int *error)
{
    carry();
    int got = SSL_read(raw.ssl, buffer, size);
    *error = SSL_get_error(raw.ssl, got);
    ERR_clear_error();
    return got;
}

__attribute__((unused)) static struct bight_transport *raw_transport(void)
{
    struct bight_protocol *protocol = bight_string_protocol(raw.peer);
    return protocol == NULL ? NULL : protocol->transport;
}

static void raw_free(void)
{
    SSL_free(raw.ssl);
    bight_string_peer_free(raw.peer);
}

#endif
