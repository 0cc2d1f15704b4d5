/* SPDX-License-Identifier: MIT */
/* tickets.c - stateless tickets, and the secrets that they are encrypted with.
 *
 * A leaked secret lays open all sessions that are resumed with tickets of it (in TLS 1.2), so none lives longer than a
 * day. A ticket is good for two hours, which ends before its secret does. The table of secrets is small: one for each
 * of the hours that count, the next one included, which a supervisor hands out early. */
#include "tls/tickets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <bight/memory.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/fork.h"
#include "base/random.h"
#include "tls/certificate.h"
#include "tls/clock.h"
#include "tls/material.h"
#include "tls/own.h"

enum {
    NAME_SIZE = 16,
    KEY_SIZE = 32,
    SECRETS = 32,        /* more than can count at once */
    HOURS_ACCEPTED = 24, /* after the hour in which it was issued with */
    HOURS_AHEAD = 2,
    TICKET_SECONDS = 2 * 60 * 60
};

struct secret {
    uint64_t hour; /* 0: there is none here */
    uint8_t name[NAME_SIZE], cipher[KEY_SIZE], mac[KEY_SIZE];
};

struct bi_tls_tickets {
    atomic_size_t holds;
    struct secret secrets[SECRETS]; /* that of an hour is at the hour's remainder */
};

/* Over the secrets of all; held for a few instructions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
BI_FORK_GUARD(lock, BI_FORK_TLS, NULL)

uint64_t bi_tls_tickets_hour(void)
{
    return (uint64_t)bi_tls_clock() / 3600;
}

/* -------------------------------------------------------------------------------------- the secrets */

struct bi_tls_tickets *bi_tls_tickets_new(void)
{
    struct bi_tls_tickets *tickets = bight_calloc(1, sizeof *tickets);
    if (tickets != NULL) {
        atomic_init(&tickets->holds, 1);
    }
    return tickets;
}

struct bi_tls_tickets *bi_tls_tickets_hold(struct bi_tls_tickets *tickets)
{
    atomic_fetch_add_explicit(&tickets->holds, 1, memory_order_relaxed);
    return tickets;
}

void bi_tls_tickets_release(struct bi_tls_tickets *tickets)
{
    if (tickets != NULL && atomic_fetch_sub_explicit(&tickets->holds, 1, memory_order_acq_rel) == 1) {
        OPENSSL_cleanse(tickets->secrets, sizeof tickets->secrets);
        bight_free(tickets);
    }
}

static bool counts(const struct secret *secret, uint64_t now)
{
    return secret->hour != 0 && secret->hour + HOURS_ACCEPTED > now && secret->hour <= now + HOURS_AHEAD;
}

static void wipe_old(struct bi_tls_tickets *tickets, uint64_t now)
{
    for (size_t i = 0; i < SECRETS; i++) {
        if (tickets->secrets[i].hour != 0 && !counts(&tickets->secrets[i], now)) {
            OPENSSL_cleanse(&tickets->secrets[i], sizeof tickets->secrets[i]);
        }
    }
}

static void put(struct bi_tls_tickets *tickets, uint64_t hour, const uint8_t *bytes)
{
    struct secret *secret = &tickets->secrets[hour % SECRETS];
    secret->hour = hour;
    memcpy(secret->name, bytes, NAME_SIZE);
    memcpy(secret->cipher, bytes + NAME_SIZE, KEY_SIZE);
    memcpy(secret->mac, bytes + NAME_SIZE + KEY_SIZE, KEY_SIZE);
}

int bi_tls_tickets_add(struct bi_tls_tickets *tickets, uint64_t now, uint64_t hour, const uint8_t *bytes)
{
    if (!counts(&(struct secret) { .hour = hour }, now)) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    pthread_mutex_lock(&lock);
    wipe_old(tickets, now);
    put(tickets, hour, bytes);
    pthread_mutex_unlock(&lock);
    return BIGHT_OK;
}

size_t bi_tls_tickets_count(struct bi_tls_tickets *tickets, uint64_t now)
{
    size_t count = 0;
    pthread_mutex_lock(&lock);
    wipe_old(tickets, now);
    for (size_t i = 0; i < SECRETS; i++) {
        count += tickets->secrets[i].hour != 0;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* The present hour's, made when none has been given. False: there is no chance to be had. */
static bool find_present(struct bi_tls_tickets *tickets, struct secret *found)
{
    uint64_t now = bi_tls_tickets_hour();
    uint8_t bytes[BIGHT_TLS_TICKET_SECRET_SIZE];
    const struct secret *secret = &tickets->secrets[now % SECRETS];
    pthread_mutex_lock(&lock);
    wipe_old(tickets, now);
    if (secret->hour != now && bi_random_openssl(NULL, bytes, sizeof bytes) == BIGHT_OK) {
        put(tickets, now, bytes);
        OPENSSL_cleanse(bytes, sizeof bytes);
    }
    *found = *secret;
    pthread_mutex_unlock(&lock);
    return found->hour == now;
}

static bool find_named(struct bi_tls_tickets *tickets, const uint8_t *name, struct secret *found)
{
    uint64_t now = bi_tls_tickets_hour();
    bool is_found = false;
    pthread_mutex_lock(&lock);
    wipe_old(tickets, now);
    for (size_t i = 0; i < SECRETS && !is_found; i++) {
        *found = tickets->secrets[i];
        is_found = found->hour != 0 && CRYPTO_memcmp(found->name, name, NAME_SIZE) == 0;
    }
    pthread_mutex_unlock(&lock);
    return is_found;
}

/* -------------------------------------------------------------------------------------- for OpenSSL */

static bool set_keys(
    const struct secret *secret, const uint8_t *vector, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypts)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, secret->cipher, vector, encrypts ? 1 : 0) == 1 &&
           EVP_MAC_init(mac, secret->mac, KEY_SIZE, parameters) == 1;
}

/* What OpenSSL expects: negative: an error; 0: no ticket; 1: it is good; 2: and one with a new secret is due. */
static int encrypt(struct bi_tls_tickets *tickets, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
    struct secret secret;
    int size = EVP_CIPHER_get_iv_length(EVP_aes_256_cbc());
    int result = -1;
    if (find_present(tickets, &secret) && bi_random_openssl(NULL, vector, (size_t)size) == BIGHT_OK &&
        set_keys(&secret, vector, cipher, mac, true)) {
        memcpy(name, secret.name, NAME_SIZE);
        result = 1;
    }
    OPENSSL_cleanse(&secret, sizeof secret);
    return result;
}

/* In TLS 1.3 a ticket is good once, so another is always due. */
static bool is_due(const SSL *ssl, const struct secret *secret)
{
    return SSL_version(ssl) == TLS1_3_VERSION || secret->hour != bi_tls_tickets_hour();
}

static int decrypt(SSL *ssl, struct bi_tls_tickets *tickets, const unsigned char *name, const unsigned char *vector,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct secret secret;
    int result = 0;
    if (find_named(tickets, name, &secret)) {
        result = !set_keys(&secret, vector, cipher, mac, false) ? -1 : is_due(ssl, &secret) ? 2 : 1;
    }
    OPENSSL_cleanse(&secret, sizeof secret);
    return result;
}

static int use_secret(
    SSL *ssl, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    struct bi_tls_tickets *tickets = bi_tls_material_of(ssl)->tickets;
    if (tickets == NULL) {
        return 0;
    }
    return encrypts != 0 ? encrypt(tickets, name, vector, cipher, mac)
                         : decrypt(ssl, tickets, name, vector, cipher, mac);
}

/* OpenSSL verifies nothing when it resumes a session, so a client could go on for ever with a certificate that has
 * expired. */
static bool is_client_still_good(const SSL_SESSION *session)
{
    X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
    return certificate == NULL || bi_tls_seconds_of(X509_get0_notAfter(certificate)) > bi_tls_clock();
}

static SSL_TICKET_RETURN judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_size,
    SSL_TICKET_STATUS status, void *context)
{
    (void)ssl, (void)name, (void)name_size, (void)context;
    switch (status) {
    case SSL_TICKET_SUCCESS:
        return is_client_still_good(session) ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_SUCCESS_RENEW:
        return is_client_still_good(session) ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
    default:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
}

bool bi_tls_tickets_use(SSL_CTX *ctx)
{
    bool has_tickets = bi_tls_material_of_ctx(ctx)->tickets != NULL;
    if (!has_tickets) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }
    (void)SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
    /* In either case: the client may be another context's in the end, which has some. */
    return SSL_CTX_set_num_tickets(ctx, has_tickets ? 2 : 0) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_secret) == 1 &&
           SSL_CTX_set_session_ticket_cb(ctx, NULL, judge, NULL) == 1;
}
