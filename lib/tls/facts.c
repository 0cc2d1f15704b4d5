/* SPDX-License-Identifier: MIT */
/* facts.c - what is known of a session (versions, names, certificates), gathered at the first query, and kept.
 *
 * What is verified, and when, is verify.c's. */
#include "tls/facts.h"

#include <string.h>

#include <bight/memory.h>

#include "tls/layer.h"
#include "tls/peer.h"

enum { LONGEST_PROTOCOL = 255 };

/* The texts are OpenSSL's, and live as long as the session, but for the one that is no text there. */
struct bi_tls_facts {
    struct bight_tls_session session;
    struct bight_tls_certificate *peer;
    char alpn[LONGEST_PROTOCOL + 1];
};

/* Its address is the key. */
static const char session_key;

/* What OpenSSL knows by number alone, as it does X25519MLKEM768, has a name here, too. */
static const char *find_group(SSL *ssl)
{
    return SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
}

static void fill_alpn(struct bi_tls_facts *facts, const SSL *ssl)
{
    const unsigned char *name;
    unsigned size;
    SSL_get0_alpn_selected(ssl, &name, &size);
    if (size > 0 && size <= LONGEST_PROTOCOL) {
        memcpy(facts->alpn, name, size);
        facts->session.alpn = facts->alpn;
    }
}

/* False when out of memory: that is not the same as no certificate. */
static bool fill_peer(struct bi_tls_facts *facts, const SSL *ssl)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL) {
        return true;
    }
    facts->session.is_verified = bi_tls_is_verifying(ssl);
    facts->peer = bi_tls_describe_certificate(certificate);
    facts->session.peer = facts->peer;
    return facts->peer != NULL;
}

static struct bi_tls_facts *gather(SSL *ssl)
{
    struct bi_tls_facts *facts = bight_calloc(1, sizeof *facts);
    if (facts == NULL) {
        return NULL;
    }
    facts->session.version = SSL_get_version(ssl);
    facts->session.cipher = SSL_get_cipher_name(ssl);
    facts->session.group = find_group(ssl);
    facts->session.server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    facts->session.is_resumed = SSL_session_reused(ssl) == 1;
    fill_alpn(facts, ssl);
    if (!fill_peer(facts, ssl)) {
        bi_tls_facts_free(facts);
        return NULL;
    }
    return facts;
}

const void *bi_tls_tell_facts(const struct bight_layer *layer, const void *key)
{
    struct bi_tls_layer *self = (struct bi_tls_layer *)(uintptr_t)layer; /* what is gathered changes nothing of it */
    if (key != &session_key || !self->was_open) {
        return NULL;
    }
    if (self->facts == NULL) {
        self->facts = gather(self->ssl);
    }
    return self->facts == NULL ? NULL : &self->facts->session;
}

void bi_tls_facts_free(struct bi_tls_facts *facts)
{
    if (facts != NULL) {
        bight_free(facts->peer);
        bight_free(facts);
    }
}

const struct bight_tls_session *bight_transport_tls(const struct bight_transport *transport)
{
    return bight_transport_facts(transport, &session_key);
}
