/* SPDX-License-Identifier: MIT */
/* defaults.c - versions, ciphers and groups that are good today (L2), and OpenSSL's many switches.
 *
 * openssl.cnf speaks first, when a context is made, for all programs of a machine. So everything that it can say is
 * said again here: options are cleared before they are set. */
#include "tls/defaults.h"

#include <openssl/err.h>

/* Forward secrecy and authenticated encryption, and no finite fields (DHE), which cost much more than curves. */
#define CIPHERS                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* No SHA-1; RSA's old padding is needed by TLS 1.2 only. */
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ed25519:rsa_pss_rsae_sha256:rsa_pss_pss_sha256:ECDSA+SHA384:ECDSA+SHA512:ed448:" \
    "rsa_pss_rsae_sha384:rsa_pss_pss_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha512:"               \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"

enum {
    SECURITY_LEVEL = 2,           /* 112 bits: no RSA below 2048, no SHA-1 in chains */
    MAX_CERTIFICATE_BYTES = 65536 /* in a handshake; OpenSSL's own limit is 100 KiB */
};

/* -------------------------------------------------------------------------------------- what is spoken */

#define GROUPS "X25519:P-256:P-384"

/* A group that the library does not have spoils a list. With a star (OpenSSL 3.5) a key is sent along at once for more
 * than the first, so that a server without the new group needs no second round. */
static bool use_groups(SSL_CTX *ctx)
{
    static const char *const lists[] = { "*X25519MLKEM768:*" GROUPS, "X25519MLKEM768:" GROUPS, GROUPS };
    bool is_good = false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && !is_good; i++) {
        is_good = SSL_CTX_set1_groups_list(ctx, lists[i]) == 1;
    }
    if (is_good) {
        ERR_clear_error();
    }
    return is_good;
}

static bool use_versions(SSL_CTX *ctx, const struct bi_tls_settings *settings)
{
    static const int numbers[] = { 0, TLS1_2_VERSION, TLS1_3_VERSION };
    int min = numbers[settings->min_version], max = numbers[settings->max_version];
    return SSL_CTX_set_min_proto_version(ctx, min != 0 ? min : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, max != 0 ? max : TLS1_3_VERSION) == 1;
}

/* -------------------------------------------------------------------------------------- how it behaves */

static void use_options(SSL_CTX *ctx)
{
    SSL_CTX_clear_options(ctx, ~UINT64_C(0));
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION |
                                 SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_clear_mode(ctx, ~0L);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_NO_AUTO_CHAIN); /* and buffers are released in warm.c */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, MAX_CERTIFICATE_BYTES);
    SSL_CTX_set_read_ahead(ctx, 0);
    SSL_CTX_set_quiet_shutdown(ctx, 0);
    SSL_CTX_set_dh_auto(ctx, 0);
    (void)SSL_CTX_set_max_early_data(ctx, 0);
    (void)SSL_CTX_set_recv_max_early_data(ctx, 0);
}

void bi_tls_use_security(SSL_CTX *ctx)
{
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
}

/* Those of clients' certificates have a list of their own, which openssl.cnf may have set. Each session copies it, so
 * it is there only where it counts. */
static bool use_signatures(SSL_CTX *ctx, const struct bi_tls_settings *settings)
{
    bool are_clients_known =
        settings->is_server ? settings->verification != BI_TLS_UNVERIFIED : settings->identity_count > 0;
    return SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1 &&
           (!are_clients_known || SSL_CTX_set1_client_sigalgs_list(ctx, SIGNATURES) == 1);
}

bool bi_tls_use_defaults(SSL_CTX *ctx, const struct bi_tls_settings *settings)
{
    use_options(ctx);
    bi_tls_use_security(ctx);
    return use_versions(ctx, settings) && SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, SUITES) == 1 && use_groups(ctx) && use_signatures(ctx, settings);
}
