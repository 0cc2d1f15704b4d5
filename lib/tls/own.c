/* SPDX-License-Identifier: MIT */
/* own.c - OpenSSL's extra data: where ours is found, and that it goes when OpenSSL's goes.
 *
 * OpenSSL counts its objects, and a session may outlive everything else of ours; so what its callbacks need is released
 * by OpenSSL, and nothing points the other way. */
#include "tls/own.h"

#include <bight/memory.h>

#include "base/check.h"
#include "tls/choose.h"
#include "tls/material.h"

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int session_index = -1, context_index = -1;

static void free_own(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *context)
{
    (void)parent, (void)all, (void)index, (void)number, (void)context;
    struct bi_tls_own *own = data;
    if (own != NULL) {
        bi_tls_choice_drop(own->choice);
        bight_failure_release(own->failure);
        bight_free(own->key);
        bight_free(own);
    }
}

static void free_material(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *context)
{
    (void)parent, (void)all, (void)index, (void)number, (void)context;
    bi_tls_material_free(data);
}

static void make_indices(void)
{
    session_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_own);
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_material);
}

/* -------------------------------------------------------------------------------------- of a session */

struct bi_tls_own *bi_tls_own(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, session_index);
}

struct bi_tls_own *bi_tls_own_or_new(SSL *ssl)
{
    struct bi_tls_own *own = bi_tls_own(ssl);
    if (own != NULL) {
        return own;
    }
    own = bight_calloc(1, sizeof *own);
    if (own != NULL && SSL_set_ex_data(ssl, session_index, own) == 0) {
        bight_free(own);
        own = NULL;
    }
    return own;
}

/* -------------------------------------------------------------------------------------- of a context */

bool bi_tls_set_material(SSL_CTX *ctx, struct bi_tls_material *material)
{
    return CRYPTO_THREAD_run_once(&once, make_indices) == 1 && session_index >= 0 && context_index >= 0 &&
           SSL_CTX_set_ex_data(ctx, context_index, material) == 1;
}

struct bi_tls_material *bi_tls_material_of_ctx(const SSL_CTX *ctx)
{
    struct bi_tls_material *material = SSL_CTX_get_ex_data(ctx, context_index);
    BI_INVARIANT(material != NULL);
    return material;
}

struct bi_tls_material *bi_tls_material_of(const SSL *ssl)
{
    return bi_tls_material_of_ctx(SSL_get_SSL_CTX(ssl));
}
