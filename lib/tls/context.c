/* SPDX-License-Identifier: MIT */
/* context.c - contexts: made from settings, counted, and what makes each connection's session.
 *
 * A context is an SSL_CTX with its material, and the settings that both were made from. Sessions hold the SSL_CTX and
 * not the context, so that another can take its place when the context is reloaded. */
#include "tls/context.h"

#include <pthread.h>
#include <stdatomic.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <openssl/err.h>

#include "base/check.h"
#include "base/fork.h"
#include "base/report.h"
#include "tls/choose.h"
#include "tls/defaults.h"
#include "tls/keylog.h"
#include "tls/material.h"
#include "tls/own.h"
#include "tls/verify.h"

struct bight_tls {
    atomic_size_t holds;
    struct bi_tls_settings settings;
    struct bi_tls_tickets *tickets; /* a server's; stay when it is reloaded. NULL: none */
    SSL_CTX *ctx;                   /* with its material; another after a reload */
};

/* Over `ctx` of all contexts; held for a few instructions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
BI_FORK_GUARD(lock, BI_FORK_TLS, NULL)

/* ------------------------------------------------------------------------------------- an SSL_CTX */

static bool use_identities(SSL_CTX *ctx, const struct bi_tls_material *material)
{
    bool is_good = true;
    for (size_t i = 0; i < material->identity_count && is_good; i++) {
        is_good = bi_tls_identity_give(ctx, material->identities[i]);
    }
    return is_good;
}

static bool use_session_context(SSL_CTX *ctx, const struct bi_tls_material *material)
{
    uint8_t digest[BI_TLS_DIGEST_SIZE];
    return bi_tls_material_session_context(material, NULL, digest) &&
           SSL_CTX_set_session_id_context(ctx, digest, sizeof digest) == 1;
}

static bool use_server(SSL_CTX *ctx, const struct bi_tls_material *material)
{
    bi_tls_choose_use(ctx);
    return use_session_context(ctx, material) && bi_tls_tickets_use(ctx);
}

/* All that the material has, which `ctx` has already. False: OpenSSL's queue tells why. */
static bool fill(SSL_CTX *ctx, const struct bi_tls_settings *settings, const struct bi_tls_material *material)
{
    if (!bi_tls_use_defaults(ctx, settings) || !bi_tls_use_verification(ctx, material) ||
        !bi_tls_alpn_use(ctx, &material->alpn, settings->is_server) || !use_identities(ctx, material)) {
        return false;
    }
    if (material->keylog >= 0) {
        bi_tls_keylog_use(ctx);
    }
    bi_tls_sessions_use(ctx);
    return !settings->is_server || use_server(ctx, material);
}

/* Takes the material. NULL: a problem was added. */
static SSL_CTX *make_ctx(
    const struct bi_tls_settings *settings, struct bi_tls_material *material, struct bi_tls_problems *problems)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(settings->is_server ? TLS_server_method() : TLS_client_method());
    bool is_taken = ctx != NULL && bi_tls_set_material(ctx, material);
    if (!is_taken) {
        bi_tls_material_free(material);
    }
    if (!is_taken || !fill(ctx, settings, material)) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_TLS, "OpenSSL cannot use what it is given"));
        SSL_CTX_free(ctx);
        return NULL;
    }
    ERR_clear_error();
    return ctx;
}

static const char *complaint_of(const struct bight_tls *tls)
{
    return tls->settings.is_server ? "the TLS server cannot be set up" : "the TLS client cannot be set up";
}

/* ------------------------------------------------------------------------------------------- making */

static bool make(struct bight_tls *tls, struct bight_failure **failure)
{
    struct bi_tls_problems problems = { .count = 0 };
    struct bi_tls_material *material = bi_tls_material_load(&tls->settings, NULL, tls->tickets, &problems);
    if (problems.count == 0) {
        tls->ctx = make_ctx(&tls->settings, material, &problems);
    } else {
        bi_tls_material_free(material);
    }
    if (problems.count > 0) {
        *failure = bi_tls_sum_up(&problems, complaint_of(tls));
    }
    ERR_clear_error();
    return tls->ctx != NULL;
}

static void dispose(struct bight_tls *tls)
{
    SSL_CTX_free(tls->ctx);
    bi_tls_tickets_release(tls->tickets);
    bi_tls_settings_finish(&tls->settings);
    bight_free(tls);
    (void)bi_tls_clear_errors(); /* OpenSSL asks for memory also to free some */
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

static int make_tickets(struct bight_tls *tls)
{
    if (tls->settings.is_server && !tls->settings.is_without_resumption) {
        tls->tickets = bi_tls_tickets_new();
        return tls->tickets == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
    }
    return BIGHT_OK;
}

/* `code`: what became of its settings. */
static struct bight_tls *finish_making(struct bight_tls *tls, int code, struct bight_failure **failure)
{
    code = code == BIGHT_OK ? make_tickets(tls) : code;
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
    struct bight_failure *why;
    struct bight_tls *tls = allocate(&why);
    tls = tls == NULL ? NULL : finish_making(tls, bi_tls_settings_of_server(&tls->settings, options), &why);
    bi_failure_tell(failure, why);
    return tls;
}

static void warn_of_blindness(void)
{
    bight_log(BIGHT_LOG_WARNING, "tls", NULL, "a TLS client does not verify its peers, as it was asked to");
}

struct bight_tls *bight_tls_client_new(const struct bight_tls_client_options *options, struct bight_failure **failure)
{
    struct bight_failure *why;
    struct bight_tls *tls = allocate(&why);
    tls = tls == NULL ? NULL : finish_making(tls, bi_tls_settings_of_client(&tls->settings, options), &why);
    bi_failure_tell(failure, why);
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

SSL_CTX *bi_tls_hold_ctx(struct bight_tls *tls)
{
    pthread_mutex_lock(&lock);
    SSL_CTX *ctx = SSL_CTX_up_ref(tls->ctx) == 1 ? tls->ctx : NULL;
    pthread_mutex_unlock(&lock);
    return ctx;
}

/* OpenSSL 3.2 and later make the record layer again, and cannot say that there was no memory for it: such a session has
 * none, and crashes when it is given its BIO. It has failed before its handshake, though, which can be asked. */
static bool choose_side(SSL *ssl, bool is_server)
{
    if (is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return SSL_in_before(ssl) == 1;
}

static int begin_client(SSL *ssl, const struct bight_tls *tls, const char *name, uint16_t port)
{
    if (name == NULL && tls->settings.verification != BI_TLS_UNVERIFIED) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: a client that verifies needs the name of the peer");
    }
    int code = name == NULL ? BIGHT_OK : bi_tls_expect(ssl, name);
    if (code == BIGHT_OK) {
        bi_tls_sessions_offer(ssl, name, port);
    }
    return code;
}

static int begin(SSL *ssl, const struct bight_tls *tls, const char *name, uint16_t port)
{
    if (ssl == NULL || !choose_side(ssl, tls->settings.is_server)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return tls->settings.is_server ? BIGHT_OK : begin_client(ssl, tls, name, port);
}

SSL *bi_tls_session_new(struct bight_tls *tls, const char *name, uint16_t port, struct bight_failure **failure)
{
    SSL_CTX *ctx = bi_tls_hold_ctx(tls);
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    int code = begin(ssl, tls, name, port);
    SSL_CTX_free(ctx);
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    if (code == BIGHT_OK) {
        *failure = NULL;
        return ssl;
    }
    SSL_free(ssl);
    *failure = bight_failure_of(code);
    return NULL;
}

/* ---------------------------------------------------------------------------------------- changing */

/* The old one stays until its last session has gone. */
static void exchange(struct bight_tls *tls, SSL_CTX *ctx)
{
    pthread_mutex_lock(&lock);
    SSL_CTX *old = tls->ctx;
    tls->ctx = ctx;
    pthread_mutex_unlock(&lock);
    SSL_CTX_free(old);
}

/* What was read, or is old, is all that there should be. */
static bool is_whole(const struct bi_tls_material *material, const struct bi_tls_settings *settings)
{
    return material->identity_count == settings->identity_count &&
           (material->names != NULL || settings->directory == NULL);
}

/* NULL: nothing is changed. When memory is wanting, what would be missing is not what is old. */
static SSL_CTX *make_again(
    const struct bight_tls *tls, const struct bi_tls_material *old, struct bi_tls_problems *problems)
{
    struct bi_tls_material *material = bi_tls_material_load(&tls->settings, old, tls->tickets, problems);
    if (problems->lacks_memory || !is_whole(material, &tls->settings)) {
        bi_tls_material_free(material);
        return NULL;
    }
    return make_ctx(&tls->settings, material, problems);
}

struct bight_failure *bight_tls_reload(struct bight_tls *tls)
{
    struct bi_tls_problems problems = { .count = 0 };
    SSL_CTX *old = bi_tls_hold_ctx(tls); /* another thread may exchange it meanwhile */
    SSL_CTX *ctx = old == NULL ? NULL : make_again(tls, bi_tls_material_of_ctx(old), &problems);
    if (ctx != NULL) {
        exchange(tls, ctx);
    }
    SSL_CTX_free(old);
    ERR_clear_error();
    return problems.count == 0 ? NULL : bi_tls_sum_up(&problems, "not all of TLS could be reloaded");
}

int bight_tls_add_ticket_secret(
    struct bight_tls *tls, uint64_t hour, const uint8_t secret[BIGHT_TLS_TICKET_SECRET_SIZE])
{
    if (tls->tickets == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, NULL, "bight_tls_add_ticket_secret: the context issues no tickets");
    }
    return bi_tls_tickets_add(tls->tickets, bi_tls_tickets_hour(), hour, secret);
}
