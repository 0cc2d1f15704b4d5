/* SPDX-License-Identifier: MIT */
/* tls_contexts.h - the TLS contexts of endpoint strings: a server's own, and clients', which are shared. */
#ifndef BI_ENDPOINT_TLS_CONTEXTS_H
#define BI_ENDPOINT_TLS_CONTEXTS_H

#include <bight/deferred.h>
#include <bight/tls.h>

struct bight_reactor;

/* A server's context with what it needs to be made again. */
struct bi_server_context;

/* Made at once, and reloaded with the reactor's others until it is released; `password` (NULL: none) is copied. NULL:
 * *failure says why. */
struct bi_server_context *bi_server_context_new(struct bight_reactor *reactor, struct bight_tls_server_options *options,
    struct bight_tls_identity *identity, const char *password, struct bight_failure **failure);
void bi_server_context_release(void *context);
struct bight_tls *bi_server_context_tls(const struct bi_server_context *context);

/* What distinguishes clients; texts are NULL when not given. */
struct bi_client_arguments {
    const char *ca, *certificate, *key, *password, *crl, *alpn, *min_version;
    bool without_verification;
};

/* A Deferred of a bight_type_tls: of the same context for the same arguments (L1), which are copied. Making one reads
 * files, in a thread. */
struct bight_deferred *bi_client_context(struct bight_reactor *reactor, const struct bi_client_arguments *arguments);

/* "1.2" and the like; DEFAULT for NULL. */
enum bight_tls_version bi_tls_version_of(const char *text);

#endif
