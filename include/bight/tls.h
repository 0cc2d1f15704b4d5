/* SPDX-License-Identifier: MIT */
/* bight/tls.h - secure connections: contexts, which say who we are, whom we trust, and what we offer.
 *
 * A context is made once from options, is read-only afterwards but for bight_tls_reload, and serves any number of
 * connections of the reactors of any threads; so it may be made in a thread of a pool, which is the place for reading
 * files. L1 to L15 of docs/semantics.md say what it promises. The defaults are safe, and what weakens them is an option
 * whose name says so. */
#ifndef BIGHT_TLS_H
#define BIGHT_TLS_H

#include <bight/bytes.h>
#include <bight/deferred.h>
#include <bight/failure.h>

BIGHT_BEGIN

struct bight_tls; /* a context; counted */

enum bight_tls_version { BIGHT_TLS_DEFAULT, BIGHT_TLS_1_2, BIGHT_TLS_1_3 };

/* Text in PEM: in a file, or in memory. One of the two, or neither: there is none. */
struct bight_pem {
    const char *file;
    const void *text; /* copied, and wiped when it is no longer needed */
    size_t size;
};

/* Writes the password that decrypts a key to `buffer`, without a NUL, and returns its length; negative: there is none.
 * Called while a context is made or reloaded, in that thread. */
typedef int (*bight_password_function)(char *buffer, size_t size, void *context);

/* A certificate of one's own and its key. */
struct bight_tls_identity {
    struct bight_pem certificate;     /* the chain, from one's own certificate upwards, may follow in it, and the key */
    struct bight_pem key;             /* none: it is in `certificate` */
    struct bight_pem chain;           /* what links the certificate to a root, unless it is in `certificate` */
    bight_password_function password; /* NULL: an encrypted key is an error. There is no prompt on a terminal */
    void *password_context;           /* must live as long as the context */
};

/* What the peer's certificate says. */
struct bight_tls_certificate {
    const char *subject;      /* "CN=a.example,O=Example" (RFC 2253), escaped, cut after 1023 bytes; may be "" */
    const char *const *names; /* of hosts, and addresses, that it is for (SAN), at most 1,000 */
    size_t name_count;
    const char *serial;            /* in hexadecimal digits */
    int64_t not_before, not_after; /* in seconds since 1970 */
    uint8_t sha256[32];            /* its fingerprint: SHA-256 of `der` */
    const uint8_t *der;
    size_t der_size;
};

/* ------------------------------------------------------------------------------------------- servers */

enum bight_tls_client_auth {
    BIGHT_TLS_CLIENT_AUTH_REQUIRED,
    BIGHT_TLS_CLIENT_AUTH_OPTIONAL /* a certificate that is sent must be good all the same */
};

/* What a client says in its first message; good while it is asked about. */
struct bight_tls_hello;

/* The host name that the client wants to talk to, in lower case; NULL: it does not say. */
BIGHT_API const char *bight_tls_hello_name(const struct bight_tls_hello *hello);

/* The protocols that it offers (ALPN), in its order, at most 64: NULL past the end. */
BIGHT_API const char *bight_tls_hello_protocol(const struct bight_tls_hello *hello, size_t index);

/* Chooses the context that serves a client, another server's or NULL: the one that was asked. Now: a hold in *chosen,
 * which is taken, and NULL is returned. Or later: a Deferred (taken) that fires with a value of bight_type_tls, or with
 * no value; a failure refuses the client. `hello` is good until the function returns. What is chosen does not choose
 * again. Called in the reactor's thread. */
typedef struct bight_deferred *(*bight_tls_choose_function)(
    const struct bight_tls_hello *hello, struct bight_tls **chosen, void *context);

/* The type of a result that is a `struct bight_tls *` hold. */
extern BIGHT_API const struct bight_type bight_type_tls;

struct bight_tls_server_options {
    size_t size;                                 /* sizeof(struct bight_tls_server_options) */
    const struct bight_tls_identity *identities; /* several for several kinds of key: ECDSA beside RSA */
    size_t identity_count;                       /* at most 16 */
    /* A directory of more certificates, which are chosen by the name that the client wants (SNI): NAME.pem with all of
     * it, or NAME/fullchain.pem and NAME/privkey.pem. The names in a certificate count, not those of files: exact ones
     * before wildcards, and of several for one name the one that ends last. At most 10,000. NULL: none. */
    const char *directory;
    /* A client that names none of our names, or no name, is refused (unrecognized_name). Without it, it is served with
     * `identities`. */
    bool refuses_unknown_names;
    const char *alpn;                       /* "h2,http/1.1": the first that the client offers too; NULL: none */
    struct bight_pem client_ca;             /* issuers of the certificates that clients must have; none: no issuer */
    enum bight_tls_client_auth client_auth; /* with client_ca */
    struct bight_pem crl; /* lists of revoked certificates; the issuer of each client's must have one in it */
    enum bight_tls_version min_version, max_version; /* the defaults are 1.2 and 1.3 */
    bool without_tickets;                            /* sessions are not resumed */
    const char *keylog_file; /* the keys of all sessions are appended to it (for Wireshark); logged as a warning */
    bight_tls_choose_function choose; /* NULL: by `directory` alone */
    void *choose_context;             /* must live as long as the context and its connections' handshakes */
};

/* ------------------------------------------------------------------------------------------- clients */

struct bight_tls_client_options {
    size_t size; /* sizeof(struct bight_tls_client_options) */
    /* Each certificate in it is trusted as it stands, also one that is no CA's. None: what the system trusts. */
    struct bight_pem ca;
    const char *ca_directory;           /* all files in it, read now; beside `ca` or instead of it */
    struct bight_tls_identity identity; /* for servers that ask for one */
    bool without_verification;          /* any peer is believed; logged as a warning */
    const char *alpn;                   /* "h2,http/1.1": what is offered; NULL: nothing */
    struct bight_pem crl;               /* as a server's */
    enum bight_tls_version min_version, max_version;
    bool without_resumption; /* each connection begins with a full handshake */
    const char *keylog_file;
};

/* ----------------------------------------------------------------------------------------- contexts */

/* Makes a context from options (copied). NULL: *failure (when `failure` is not NULL) says why, with every error that
 * there is as a cause of its own: which file, what is wrong with it, and what may help. A certificate of one's own
 * whose time is over, or has not come, is only warned of. Reads files; that takes about a millisecond, and some 100 ms
 * the first time that a client of the process needs what the system trusts. */
BIGHT_API BIGHT_MUST_USE struct bight_tls *bight_tls_server_new(
    const struct bight_tls_server_options *options, struct bight_failure **failure);
BIGHT_API BIGHT_MUST_USE struct bight_tls *bight_tls_client_new(
    const struct bight_tls_client_options *options, struct bight_failure **failure);

/* One more hold; returns the context. In any thread. */
BIGHT_API struct bight_tls *bight_tls_hold(struct bight_tls *tls);

/* NULL is allowed. In any thread. Connections keep what they need of it. */
BIGHT_API void bight_tls_release(struct bight_tls *tls);

/* Reads everything again, for connections that are made from now on; what was given in memory does not change. NULL:
 * all of it is new. Else what could not be used, as when it was made: each such entry keeps what it had, and the others
 * are new. CERTIFICATE_MISMATCH among the causes may mean that a renewal is half done: to be tried again after a
 * second. In any thread. */
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_tls_reload(struct bight_tls *tls);

enum { BIGHT_TLS_TICKET_SECRET_SIZE = 80 };

/* A secret of random bytes for the tickets by which sessions are resumed, for servers that share them: one for each
 * `hour` (seconds since 1970, divided by 3600), given to all of them before that hour begins. Tickets are encrypted
 * with their hour's secret, accepted with it for a day, and it is wiped then. Without one for the present hour a server
 * makes one of its own. 0, or a code: INVALID_ARGUMENT for an hour that is long over or far away, OUT_OF_MEMORY. In any
 * thread. */
BIGHT_API int bight_tls_add_ticket_secret(
    struct bight_tls *tls, uint64_t hour, const uint8_t secret[BIGHT_TLS_TICKET_SECRET_SIZE]);

/* A new key (P-256) and a certificate for these host names and addresses that it has signed itself, good for so many
 * days, both as PEM in one: what cert=FILE takes, and what a client trusts that is given it as `ca`. For trying things
 * out. NULL: *failure (when `failure` is not NULL) says why. The bytes have a private key in them. */
BIGHT_API BIGHT_MUST_USE struct bight_bytes *bight_tls_self_signed(
    const char *const *names, size_t count, unsigned days, struct bight_failure **failure);

/* --------------------------------------------------------------------------------------- connections */

struct bight_transport;

/* Puts TLS under the connection (T19, L5), as a server or a client, whichever the context is for. `name` is the host
 * name or address that a client verifies; NULL for servers, and for clients that do not verify. What was written before
 * goes out as it is; what is written from now on waits for the handshake, which has 10 s, and goes out only if that
 * succeeds. What has come and has not been delivered is taken for the handshake's beginning, and is never delivered.
 * The protocol gets handshake_completed, then data; or the loss, with what was wrong. TLS inside TLS works. 0; CLOSED;
 * INVALID_ARGUMENT (no name where one is needed); OUT_OF_MEMORY. Then all is as it was. */
BIGHT_API int bight_transport_start_tls(struct bight_transport *transport, struct bight_tls *tls, const char *name);

/* What a session is. */
struct bight_tls_session {
    const char *version;                      /* "TLSv1.3" */
    const char *cipher;                       /* "TLS_AES_128_GCM_SHA256" */
    const char *group;                        /* of the key exchange, in IANA's words, "x25519"; NULL: not known */
    const char *alpn;                         /* the protocol that was agreed on; NULL: none */
    const char *server_name;                  /* that the client asked for; NULL: none */
    bool is_resumed;                          /* an earlier session goes on: no full handshake */
    bool is_verified;                         /* the peer's certificate was, and a server's name */
    const struct bight_tls_certificate *peer; /* what the peer's says; NULL: it has none */
};

/* The session of the topmost TLS layer whose handshake is done. NULL: there is none, or no memory. Good as long as the
 * connection, connection_lost included. */
BIGHT_API const struct bight_tls_session *bight_transport_tls(const struct bight_transport *transport);

BIGHT_END

#endif
