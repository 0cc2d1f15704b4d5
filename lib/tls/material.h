/* SPDX-License-Identifier: MIT */
/* material.h - what sessions are made of: all that settings name, read and ready, in the care of an SSL_CTX.
 *
 * Read-only once it is in use. The names, sessions and tickets that are found through it have locks of their own where
 * they change. */
#ifndef BI_TLS_MATERIAL_H
#define BI_TLS_MATERIAL_H

#include <bight/tls.h>

#include "tls/alpn.h"
#include "tls/identity.h"
#include "tls/names.h"
#include "tls/settings.h"
#include "tls/sessions.h"
#include "tls/tickets.h"
#include "tls/trust.h"

struct bi_tls_material {
    bool is_server;
    struct bi_tls_identity **identities; /* as many as the settings have */
    size_t identity_count;
    struct bi_tls_names *names; /* a server's certificates by name; NULL: there is one for all */
    bool refuses_unknown_names;
    enum bi_tls_verification verification;
    struct bi_tls_trust trust;
    struct bi_tls_revoked revoked;
    struct bi_tls_alpn alpn;
    int keylog;                       /* a descriptor; -1: none */
    struct bi_tls_tickets *tickets;   /* a server's; NULL: none */
    struct bi_tls_sessions *sessions; /* a client's; NULL: none are kept */
    bight_tls_choose_function choose;
    void *choose_context;
};

/* Reads all that `settings` name. What cannot be used is a problem, and is taken from `old` (NULL: there is none).
 * `tickets` (borrowed; NULL: none) are a server's. NULL when out of memory. */
struct bi_tls_material *bi_tls_material_load(const struct bi_tls_settings *settings, const struct bi_tls_material *old,
    struct bi_tls_tickets *tickets, struct bi_tls_problems *problems);
void bi_tls_material_free(struct bi_tls_material *material); /* NULL is allowed */

/* What a ticket is good for, in 32 bytes: a server with the certificate for these names, that asks clients for the same
 * certificates. NULL for `identity`: those for everybody. False: want of memory. */
bool bi_tls_material_session_context(
    const struct bi_tls_material *material, const struct bi_tls_identity *identity, uint8_t *digest);

#endif
