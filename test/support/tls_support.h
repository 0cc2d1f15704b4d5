/* SPDX-License-Identifier: MIT */
/* tls_support.h - two TLS sessions that talk through memory, without any layer, and a CA for their certificates. */
#ifndef BIGHT_TEST_TLS_SUPPORT_H
#define BIGHT_TEST_TLS_SUPPORT_H

#include "support.h"

#include <bight/testing.h>
#include <bight/tls.h>

#include <openssl/err.h>

#include "tls/context.h"

static inline struct bight_pem pem_of(const char *text)
{
    return (struct bight_pem) { .text = text, .size = strlen(text) };
}

static inline struct bight_tls *server_of(const struct bight_testing_certificate *certificate)
{
    struct bight_failure *failure;
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    ck_assert_ptr_nonnull(tls);
    return tls;
}

static inline struct bight_tls *client_trusting(const char *ca)
{
    struct bight_failure *failure;
    const struct bight_tls_client_options options = { .size = sizeof options, .ca = pem_of(ca) };
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    ck_assert_ptr_nonnull(tls);
    return tls;
}

/* ----------------------------------------------------------------------------------------- a handshake */

struct tls_end {
    SSL *ssl;
    bool is_done;
    struct bight_failure *failure;
};

struct tls_talk {
    struct tls_end server, client;
};

static inline void begin_end(struct tls_end *end, struct bight_tls *tls, const char *name)
{
    *end = (struct tls_end) { .ssl = bi_tls_session_new(tls, name, 443, &end->failure) };
    ck_assert_ptr_nonnull(end->ssl);
}

static inline void step_end(struct tls_end *end)
{
    if (end->is_done || end->failure != NULL) {
        return;
    }
    int result = SSL_do_handshake(end->ssl);
    int error = SSL_get_error(end->ssl, result);
    if (result == 1) {
        end->is_done = true;
        end->failure = bi_tls_check(end->ssl);
    } else if (error != SSL_ERROR_WANT_READ) {
        end->failure = bi_tls_failure(end->ssl, error, "the handshake failed");
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* What is after a handshake: tickets, and a TLS 1.3 server's view of the client's certificate. */
static inline void read_rest(struct tls_end *end)
{
    char byte;
    if (end->is_done && end->failure == NULL) {
        int result = SSL_read(end->ssl, &byte, 1);
        int error = SSL_get_error(end->ssl, result);
        if (result <= 0 && error != SSL_ERROR_WANT_READ) {
            end->failure = bi_tls_failure(end->ssl, error, "the connection failed");
        }
    }
}

/* A handshake through memory, until neither gets on. */
static inline void talk_tls(struct tls_talk *talk, struct bight_tls *server, struct bight_tls *client, const char *name)
{
    BIO *ours, *theirs;
    begin_end(&talk->server, server, NULL);
    begin_end(&talk->client, client, name);
    ck_assert_int_eq(BIO_new_bio_pair(&ours, 1 << 17, &theirs, 1 << 17), 1);
    SSL_set_bio(talk->server.ssl, ours, ours);
    SSL_set_bio(talk->client.ssl, theirs, theirs);
    for (int i = 0; i < 8; i++) {
        step_end(&talk->client);
        step_end(&talk->server);
    }
    read_rest(&talk->client);
    read_rest(&talk->server);
}

static inline bool both_are_good(const struct tls_talk *talk)
{
    return talk->server.is_done && talk->client.is_done && talk->server.failure == NULL && talk->client.failure == NULL;
}

static inline void end_talk(struct tls_talk *talk)
{
    bight_failure_release(talk->server.failure);
    bight_failure_release(talk->client.failure);
    SSL_free(talk->server.ssl);
    SSL_free(talk->client.ssl);
}

static inline void assert_says(const struct bight_failure *failure, const char *part)
{
    char text[2048] = "no failure";
    if (failure != NULL) {
        bight_failure_describe(failure, text, sizeof text);
    }
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not say \"%s\"", text, part);
}

#endif
