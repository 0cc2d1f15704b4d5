/* SPDX-License-Identifier: MIT */
/* context.c - contexts: made from settings, counted, and what gives each connection its session.
 *
 * A context is an SSL_CTX and the settings that it was made from. Sessions hold the SSL_CTX, not the context. */
#include "tls/context.h"

#include <stdatomic.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <openssl/err.h>

#include "base/check.h"
#include "tls/defaults.h"
#include "tls/identity.h"
#include "tls/trust.h"
#include "tls/verify.h"

struct bight_tls {
    atomic_size_t holds;
    struct bi_tls_settings settings;
    SSL_CTX *ctx;
};

/* ------------------------------------------------------------------------------------------- making */

static void use_trust(SSL_CTX *ctx, const struct bi_tls_settings *settings, struct bi_tls_problems *problems)
{
    bi_tls_use_verification(ctx, settings->verification);
    if (settings->verification != BI_TLS_UNVERIFIED) {
        X509_STORE *store = bi_tls_trust(&settings->ca, problems);
        SSL_CTX_set_cert_store(ctx, store); /* takes the hold; NULL is allowed, and the problem is known */
    }
}

static void fill(SSL_CTX *ctx, const struct bi_tls_settings *settings, struct bi_tls_problems *problems)
{
    if (!bi_tls_use_defaults(ctx, settings)) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_TLS, "OpenSSL cannot be set up"));
    }
    for (size_t i = 0; i < settings->identity_count; i++) {
        (void)bi_tls_use_identity(ctx, &settings->identities[i], problems);
    }
    use_trust(ctx, settings, problems);
}

/* NULL: problems were added. */
static SSL_CTX *make_ctx(const struct bi_tls_settings *settings, struct bi_tls_problems *problems)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(settings->is_server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_TLS, "OpenSSL cannot be set up"));
        return NULL;
    }
    fill(ctx, settings, problems);
    if (problems->count > 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static void dispose(struct bight_tls *tls)
{
    SSL_CTX_free(tls->ctx);
    bi_tls_settings_finish(&tls->settings);
    bight_free(tls);
}

static bool make(struct bight_tls *tls, struct bight_failure **failure)
{
    struct bi_tls_problems problems = { .count = 0 };
    tls->ctx = make_ctx(&tls->settings, &problems);
    if (tls->ctx == NULL) {
        *failure = bi_tls_sum_up(
            &problems, tls->settings.is_server ? "the TLS server cannot be set up" : "the TLS client cannot be set up");
    }
    return tls->ctx != NULL;
}

static struct bight_tls *allocate(struct bight_failure **failure)
{
    struct bight_tls *tls = bight_calloc(1, sizeof *tls);
    *failure = tls == NULL ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY) : NULL;
    if (tls != NULL) {
        atomic_init(&tls->holds, 1);
    }
    return tls;
}

/* `code`: what became of its settings. */
static struct bight_tls *finish_making(struct bight_tls *tls, int code, struct bight_failure **failure)
{
    if (code != BIGHT_OK) {
        *failure = bight_failure_of(code);
    }
    if (code != BIGHT_OK || !make(tls, failure)) {
        dispose(tls);
        return NULL;
    }
    return tls;
}

struct bight_tls *bight_tls_server_new(const struct bight_tls_server_options *options, struct bight_failure **failure)
{
    struct bight_tls *tls = allocate(failure);
    return tls == NULL ? NULL : finish_making(tls, bi_tls_settings_of_server(&tls->settings, options), failure);
}

static void warn_of_blindness(void)
{
    bight_log(BIGHT_LOG_WARNING, "tls", NULL, "a TLS client does not verify its peers, as it was asked to");
}

struct bight_tls *bight_tls_client_new(const struct bight_tls_client_options *options, struct bight_failure **failure)
{
    struct bight_tls *tls = allocate(failure);
    tls = tls == NULL ? NULL : finish_making(tls, bi_tls_settings_of_client(&tls->settings, options), failure);
    if (tls != NULL && tls->settings.verification == BI_TLS_UNVERIFIED) {
        warn_of_blindness();
    }
    return tls;
}

struct bight_tls *bight_tls_hold(struct bight_tls *tls)
{
    atomic_fetch_add_explicit(&tls->holds, 1, memory_order_relaxed);
    return tls;
}

void bight_tls_release(struct bight_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    size_t before = atomic_fetch_sub_explicit(&tls->holds, 1, memory_order_acq_rel);
    BI_INVARIANT(before > 0);
    if (before == 1) {
        dispose(tls);
    }
}

bool bi_tls_is_server(const struct bight_tls *tls)
{
    return tls->settings.is_server;
}

/* ----------------------------------------------------------------------------------------- sessions */

static int prepare(SSL *ssl, const struct bight_tls *tls, const char *name)
{
    if (tls->settings.is_server) {
        SSL_set_accept_state(ssl);
        return BIGHT_OK;
    }
    SSL_set_connect_state(ssl);
    if (name == NULL && tls->settings.verification != BI_TLS_UNVERIFIED) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: a client that verifies needs the name of the peer");
    }
    return name == NULL ? BIGHT_OK : bi_tls_expect(ssl, name);
}

SSL *bi_tls_session_new(struct bight_tls *tls, const char *name, uint16_t port, struct bight_failure **failure)
{
    (void)port;
    SSL *ssl = SSL_new(tls->ctx);
    int code = ssl == NULL ? BIGHT_E_OUT_OF_MEMORY : prepare(ssl, tls, name);
    if (code == BIGHT_OK) {
        *failure = NULL;
        return ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    *failure = bight_failure_of(code);
    return NULL;
}
