/* SPDX-License-Identifier: MIT */
/* choose.c - the choice of context and certificate, by what a client says first.
 *
 * It is made before OpenSSL looks at a ticket, so that one is looked at by whom it would be good for. OpenSSL asks in a
 * callback, which may put the handshake off: then it asks again when the handshake is tried again, which the layer does
 * when it is told so. What the client says is the client's choice, so it is parsed within limits; where it is
 * malformed, OpenSSL refuses it afterwards. */
#include "tls/choose.h"

#include <ctype.h>
#include <string.h>

#include <bight/memory.h>

#include <openssl/err.h>

#include "base/check.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/errors.h"
#include "tls/material.h"
#include "tls/own.h"

enum { MAX_PROTOCOLS = 64, PROTOCOLS_SIZE = 1024 };

struct bight_tls_hello {
    char name[BI_TLS_NAME_SIZE]; /* "": none */
    const char *protocols[MAX_PROTOCOLS + 1];
    char text[PROTOCOLS_SIZE];
};

struct bi_tls_choice {
    struct bight_deferred *deferred;
    struct bight_tls *chosen;
    struct bight_failure *failure;
    bool is_over;
    void (*resume)(void *context);
    void *context;
};

/* ---------------------------------------------------------------------------------------- the hello */

/* A list behind its length in two bytes, which must be all that there is. */
static bool open_list(const unsigned char **data, size_t *size)
{
    if (*size < 2 || (size_t)((*data)[0] << 8 | (*data)[1]) != *size - 2) {
        return false;
    }
    *data += 2;
    *size -= 2;
    return true;
}

/* The first of a list of names is of a host's kind, and there are no others (RFC 6066, 3). */
static void read_name(struct bight_tls_hello *hello, const unsigned char *data, size_t size)
{
    if (!open_list(&data, &size) || size < 3 || data[0] != TLSEXT_NAMETYPE_host_name) {
        return;
    }
    size_t length = (size_t)(data[1] << 8 | data[2]);
    if (length > size - 3 || length >= sizeof hello->name || memchr(data + 3, '\0', length) != NULL) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        hello->name[i] = (char)tolower(data[3 + i]);
    }
    hello->name[length] = '\0';
}

/* What is too much, or no text, is not shown. */
static void read_protocols(struct bight_tls_hello *hello, const unsigned char *data, size_t size)
{
    size_t count = 0, used = 0;
    if (!open_list(&data, &size)) {
        return;
    }
    for (size_t at = 0, length; at < size && count < MAX_PROTOCOLS; at += 1 + length) {
        length = data[at];
        if (length > size - at - 1 || length + 1 > sizeof hello->text - used) {
            break;
        }
        if (memchr(data + at + 1, '\0', length) == NULL) {
            memcpy(hello->text + used, data + at + 1, length);
            hello->text[used + length] = '\0';
            hello->protocols[count++] = hello->text + used;
            used += length + 1;
        }
    }
}

static void read_hello(struct bight_tls_hello *hello, SSL *ssl, bool with_protocols)
{
    const unsigned char *data;
    size_t size;
    hello->name[0] = '\0';
    memset(hello->protocols, 0, sizeof hello->protocols);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1) {
        read_name(hello, data, size);
    }
    if (with_protocols &&
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size) == 1) {
        read_protocols(hello, data, size);
    }
}

const char *bight_tls_hello_name(const struct bight_tls_hello *hello)
{
    return hello->name[0] == '\0' ? NULL : hello->name;
}

const char *bight_tls_hello_protocol(const struct bight_tls_hello *hello, size_t index)
{
    return index < MAX_PROTOCOLS ? hello->protocols[index] : NULL;
}

/* ------------------------------------------------------------------------------------ the certificate */

static int refuse(SSL *ssl, int *alert, int description, struct bight_failure *failure)
{
    bi_tls_set_failure(ssl, failure);
    *alert = description;
    return SSL_CLIENT_HELLO_ERROR;
}

static int refuse_name(SSL *ssl, int *alert, const char *name)
{
    const char *wants = *name == '\0' ? "the client does not say whom it wants" : "there is no certificate for ";
    return refuse(ssl, alert, SSL_AD_UNRECOGNIZED_NAME,
        bight_failure_new(BIGHT_E_TLS, 0, NULL, "the TLS handshake was refused: %s%s", wants, name));
}

static int use_identity(SSL *ssl, int *alert, const struct bi_tls_identity *identity)
{
    uint8_t digest[BI_TLS_DIGEST_SIZE];
    if (bi_tls_identity_use(ssl, identity) &&
        bi_tls_material_session_context(bi_tls_material_of(ssl), identity, digest) &&
        SSL_set_session_id_context(ssl, digest, sizeof digest) == 1) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    return refuse(ssl, alert, SSL_AD_INTERNAL_ERROR, bi_tls_take_errors(BIGHT_E_TLS, "choosing a certificate"));
}

static int choose_certificate(SSL *ssl, int *alert, const char *name)
{
    const struct bi_tls_material *material = bi_tls_material_of(ssl);
    const struct bi_tls_named *named =
        material->names == NULL || *name == '\0' ? NULL : bi_tls_names_find(material->names, name);
    if (named == NULL) {
        bool is_refused = material->refuses_unknown_names || material->identity_count == 0;
        return is_refused ? refuse_name(ssl, alert, name) : SSL_CLIENT_HELLO_SUCCESS;
    }
    return named->is_for_everybody ? SSL_CLIENT_HELLO_SUCCESS : use_identity(ssl, alert, named->identity);
}

/* -------------------------------------------------------------------------------------- the context */

/* SSL_set_SSL_CTX takes over certificates and callbacks, and leaves what the session was given when it was made. */
static bool change_context(SSL *ssl, SSL_CTX *ctx)
{
    uint8_t digest[BI_TLS_DIGEST_SIZE];
    if (SSL_set_SSL_CTX(ssl, ctx) != ctx) {
        return false;
    }
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(ctx), NULL);
    SSL_clear_options(ssl, ~UINT64_C(0));
    SSL_set_options(ssl, SSL_CTX_get_options(ctx));
    return SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(ctx)) == 1 &&
           SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(ctx)) == 1 &&
           SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(ctx)) == 1 &&
           bi_tls_material_session_context(bi_tls_material_of_ctx(ctx), NULL, digest) &&
           SSL_set_session_id_context(ssl, digest, sizeof digest) == 1;
}

/* Takes the hold of `chosen` (NULL: it stays as it is). */
static int use_context(SSL *ssl, int *alert, struct bight_tls *chosen)
{
    if (chosen == NULL) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    SSL_CTX *ctx = bi_tls_is_server(chosen) ? bi_tls_hold_ctx(chosen) : NULL;
    bool is_good = ctx != NULL && change_context(ssl, ctx);
    SSL_CTX_free(ctx);
    bight_tls_release(chosen);
    if (is_good) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    struct bight_failure *failure = ctx != NULL
                                        ? bi_tls_take_errors(BIGHT_E_TLS, "changing to the context that was chosen")
                                        : bight_failure_of(bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL,
                                              "TLS: a client's context was chosen for a server"));
    return refuse(ssl, alert, SSL_AD_INTERNAL_ERROR, failure);
}

/* ----------------------------------------------------------------------------------------- choosing */

static void hear_choice(struct bight_result *result, void *context)
{
    struct bi_tls_choice *choice = context;
    choice->is_over = true;
    if (bight_result_failure(result) != NULL) {
        choice->failure = bight_result_take_failure(result);
    } else if (result->type == &bight_type_tls) {
        choice->chosen = bight_result_take(result, &bight_type_tls);
    }
    if (choice->resume != NULL) {
        choice->resume(choice->context); /* the session may go in it, and the choice with it */
    }
}

/* The Deferred's end has no receiver afterwards: the session goes. */
void bi_tls_choice_drop(struct bi_tls_choice *choice)
{
    if (choice == NULL) {
        return;
    }
    choice->resume = NULL;
    if (!choice->is_over) {
        bight_deferred_cancel(choice->deferred);
    }
    bight_deferred_release(choice->deferred);
    bight_failure_release(choice->failure);
    bight_tls_release(choice->chosen);
    bight_free(choice);
}

/* Takes `deferred`. NULL when out of memory. */
static struct bi_tls_choice *wait_for(SSL *ssl, struct bight_deferred *deferred)
{
    struct bi_tls_own *own = bi_tls_own_or_new(ssl);
    struct bi_tls_choice *choice = own == NULL ? NULL : bight_calloc(1, sizeof *choice);
    if (choice == NULL || bight_deferred_add_both(deferred, hear_choice, choice) != BIGHT_OK) {
        bight_free(choice);
        bight_deferred_cancel(deferred);
        bight_deferred_release(deferred);
        return NULL;
    }
    choice->deferred = deferred;
    own->choice = choice;
    return choice;
}

static int use_choice(SSL *ssl, int *alert, struct bi_tls_choice *choice)
{
    struct bight_tls *chosen = choice->chosen;
    choice->chosen = NULL;
    if (choice->failure != NULL) {
        return refuse(ssl, alert, SSL_AD_HANDSHAKE_FAILURE,
            bight_failure_new(BIGHT_E_TLS, 0, bight_failure_hold(choice->failure), "the TLS handshake was refused"));
    }
    return use_context(ssl, alert, chosen);
}

/* Now, later, or over meanwhile. */
static int ask(SSL *ssl, int *alert, const struct bight_tls_hello *hello)
{
    const struct bi_tls_material *material = bi_tls_material_of(ssl);
    struct bight_tls *chosen = NULL;
    struct bight_deferred *deferred = material->choose(hello, &chosen, material->choose_context);
    if (deferred == NULL) {
        return use_context(ssl, alert, chosen);
    }
    struct bi_tls_choice *choice = wait_for(ssl, deferred);
    if (choice == NULL) {
        return refuse(ssl, alert, SSL_AD_INTERNAL_ERROR, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return choice->is_over ? use_choice(ssl, alert, choice) : SSL_CLIENT_HELLO_RETRY;
}

static int choose_context(SSL *ssl, int *alert, const struct bight_tls_hello *hello)
{
    struct bi_tls_own *own = bi_tls_own(ssl);
    if (own != NULL && own->choice != NULL && !own->choice->is_over) {
        return SSL_CLIENT_HELLO_RETRY;
    }
    if (own != NULL && own->choice != NULL && !own->has_chosen) {
        own->has_chosen = true;
        return use_choice(ssl, alert, own->choice);
    }
    if (bi_tls_material_of(ssl)->choose == NULL || (own != NULL && own->has_chosen)) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    own = bi_tls_own_or_new(ssl);
    if (own == NULL) {
        return refuse(ssl, alert, SSL_AD_INTERNAL_ERROR, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    int result = ask(ssl, alert, hello);
    own->has_chosen = result != SSL_CLIENT_HELLO_RETRY;
    return result;
}

static int hear_hello(SSL *ssl, int *alert, void *context)
{
    (void)context;
    struct bight_tls_hello hello;
    read_hello(&hello, ssl, bi_tls_material_of(ssl)->choose != NULL);
    int result = choose_context(ssl, alert, &hello);
    return result == SSL_CLIENT_HELLO_SUCCESS ? choose_certificate(ssl, alert, hello.name) : result;
}

/* Tells the client that its name was looked at, and has OpenSSL remember it. */
static int acknowledge(SSL *ssl, int *alert, void *context)
{
    (void)alert, (void)context;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) == NULL ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

void bi_tls_choose_use(SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, hear_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge);
}

void bi_tls_when_chosen(SSL *ssl, void (*resume)(void *context), void *context)
{
    struct bi_tls_choice *choice = bi_tls_own(ssl)->choice;
    choice->resume = resume;
    choice->context = context;
}

static void destroy_tls(void *tls)
{
    bight_tls_release(tls);
}

const struct bight_type bight_type_tls = { .name = "TLS context", .destroy = destroy_tls };
