/* SPDX-License-Identifier: MIT */
/* tls.c - the endpoint types tls:, ssl: and secure:, for listening. Those for connecting are in tls_client.c.
 *
 * tls: is tcp: with TLS over it, and its table begins with tcp's; secure: puts TLS over any endpoint. ssl: is what
 * Twisted calls it. Contexts are kept in tls_contexts.c, connections are established by a layer of lib/tls. */
#include <string.h>

#include "endpoint/grammar.h"
#include "endpoint/tls_contexts.h"
#include "endpoint/types/tcp.h"
#include "endpoint/types/tls_words.h"
#include "tls/wrap.h"

enum own_argument {
    CERT,
    KEY,
    CHAIN,
    CERTS,
    STRICT,
    PASSWORD,
    ALPN_LIST,
    CLIENT_CA,
    CLIENT_AUTH,
    CRL,
    MIN_VERSION,
    TICKETS,
    OWN_ARGUMENTS
};

#define OWN_RULES(first)                                                                                  \
    [(first) + CERT] = { "cert", BIGHT_ARGUMENT_TEXT }, [(first) + KEY] = { "key", BIGHT_ARGUMENT_TEXT }, \
               [(first) + CHAIN] = { "chain", BIGHT_ARGUMENT_TEXT },                                      \
               [(first) + CERTS] = { "certs", BIGHT_ARGUMENT_TEXT },                                      \
               [(first) + STRICT] = { "strict", BIGHT_ARGUMENT_BOOLEAN },                                 \
               [(first) + PASSWORD] = { "password", BIGHT_ARGUMENT_TEXT, .secret = true },                \
               [(first) + ALPN_LIST] = { "alpn", BIGHT_ARGUMENT_TEXT },                                   \
               [(first) + CLIENT_CA] = { "client_ca", BIGHT_ARGUMENT_TEXT },                              \
               [(first) + CLIENT_AUTH] = { "client_auth", BIGHT_ARGUMENT_TEXT },                          \
               [(first) + CRL] = { "crl", BIGHT_ARGUMENT_TEXT },                                          \
               [(first) + MIN_VERSION] = { "min_version", BIGHT_ARGUMENT_TEXT },                          \
               [(first) + TICKETS] = { "tickets", BIGHT_ARGUMENT_BOOLEAN }

#define OWN_HELP                                                                                  \
    "[:key=FILE][:chain=FILE][:certs=DIRECTORY][:strict=yes][:password=@FILE][:alpn=h2,http/1.1]" \
    "[:client_ca=FILE][:client_auth=optional][:crl=FILE][:min_version=1.3][:tickets=no]"

/* Those of them that name files. */
static const unsigned files[] = { KEY, CHAIN, CERTS, CLIENT_CA, CRL, CERT };

/* ------------------------------------------------------------------------------------------- contexts */

static struct bight_pem file(const struct bight_argument *argument)
{
    return (struct bight_pem) { .file = argument->given ? argument->text : NULL };
}

static const char *text(const struct bight_argument *argument)
{
    return argument->given ? argument->text : NULL;
}

static struct bight_failure *refuse(const struct bight_argument *argument, const char *what)
{
    char excerpt[BI_EXCERPT_SIZE];
    bi_endpoint_excerpt(argument->text, argument->text_size, excerpt);
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "column %zu: %s, not \"%s\"", argument->column, what, excerpt);
}

static bool is_one_of(const struct bight_argument *argument, const char *one, const char *other)
{
    return !argument->given || strcmp(argument->text, one) == 0 || strcmp(argument->text, other) == 0;
}

/* What the rules cannot say. */
static struct bight_failure *check(const struct bight_argument *own)
{
    if (!is_one_of(&own[CLIENT_AUTH], "required", "optional")) {
        return refuse(&own[CLIENT_AUTH], "client_auth is required or optional");
    }
    if (!is_one_of(&own[MIN_VERSION], "1.2", "1.3")) {
        return refuse(&own[MIN_VERSION], "min_version is 1.2 or 1.3");
    }
    if (own[CLIENT_AUTH].given && !own[CLIENT_CA].given) {
        return bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL,
            "column %zu: client_auth needs client_ca=FILE, whose certificates are accepted", own[CLIENT_AUTH].column);
    }
    bool may_lack = own[STRICT].number != 0 && own[CERTS].given;
    if (!own[CERT].given && !may_lack) {
        return bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL,
            "a certificate is missing: cert=FILE, or certs=DIRECTORY with strict=yes");
    }
    return NULL;
}

static struct bi_server_context *make_context(
    struct bight_reactor *reactor, const struct bight_argument *own, struct bight_failure **failure)
{
    struct bight_tls_identity identity = {
        .certificate = file(&own[CERT]), .key = file(&own[KEY]), .chain = file(&own[CHAIN])
    };
    bool is_optional = own[CLIENT_AUTH].given && strcmp(own[CLIENT_AUTH].text, "optional") == 0;
    struct bight_tls_server_options options = {
        .size = sizeof options,
        .identities = &identity,
        .identity_count = own[CERT].given ? 1 : 0,
        .directory = text(&own[CERTS]),
        .refuses_unknown_names = own[STRICT].number != 0,
        .alpn = text(&own[ALPN_LIST]),
        .client_ca = file(&own[CLIENT_CA]),
        .client_auth = is_optional ? BIGHT_TLS_CLIENT_AUTH_OPTIONAL : BIGHT_TLS_CLIENT_AUTH_REQUIRED,
        .crl = file(&own[CRL]),
        .min_version = bi_tls_version_of(text(&own[MIN_VERSION])),
        .without_tickets = own[TICKETS].given && own[TICKETS].number == 0,
    };
    struct bi_server_context *context =
        bi_server_context_new(reactor, &options, &identity, text(&own[PASSWORD]), failure);
    if (context == NULL) {
        *failure = bi_tls_with_columns(own, files, sizeof files / sizeof files[0], *failure);
    }
    return context;
}

/* ------------------------------------------------------------------------------------------ listening */

static struct bight_layer *make_layer(void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    struct bight_tls *tls = bi_server_context_tls(context);
    return bi_tls_wrap(bight_transport_reactor(transport), tls, NULL, 0, failure);
}

/* NULL: *failure says why. */
static struct bi_server_context *begin(
    struct bight_reactor *reactor, const struct bight_argument *own, struct bight_failure **failure)
{
    *failure = check(own);
    return *failure == NULL ? make_context(reactor, own, failure) : NULL;
}

static struct bight_wrapper wrapper_of(struct bi_server_context *context)
{
    return (struct bight_wrapper) {
        .size = sizeof(struct bight_wrapper),
        .name = "tls",
        .make_layer = make_layer,
        .release = bi_server_context_release,
        .context = context,
    };
}

/* Over tcp, whose arguments stand first. */
static struct bight_deferred *listen_over_tcp(struct bight_reactor *reactor, const struct bight_argument *arguments,
    const struct bight_argument *own, struct bight_factory *factory)
{
    int code;
    struct bight_failure *failure;
    struct bi_server_context *context = begin(reactor, own, &failure);
    if (context == NULL) {
        return bight_fail(failure);
    }
    struct bight_wrapper wrapper = wrapper_of(context);
    struct bight_factory *wrapped = bight_wrapped_factory_new(reactor, factory, &wrapper, &code);
    if (wrapped == NULL) {
        return bight_fail(bight_failure_of(code));
    }
    return bi_wrapped_release_after(bi_endpoint_tcp_server.listen(reactor, arguments, wrapped), wrapped);
}

static struct bight_deferred *listen_tls(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    return listen_over_tcp(reactor, arguments, arguments + BI_TCP_SERVER_ARGUMENTS, factory);
}

static const struct bight_argument_rule tls_rules[] = { BI_TCP_SERVER_RULES, OWN_RULES(BI_TCP_SERVER_ARGUMENTS),
    { NULL } };

const struct bight_endpoint_type bi_endpoint_tls_server = {
    .name = "tls",
    .help = "tls:PORT:cert=FILE" OWN_HELP BI_TCP_SERVER_HELP,
    .rules = tls_rules,
    .listen = listen_tls,
};

static struct bight_deferred *listen_secure(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_failure *failure;
    struct bi_server_context *context = begin(reactor, arguments, &failure);
    if (context == NULL) {
        return bight_fail(failure);
    }
    struct bight_wrapper wrapper = wrapper_of(context);
    return bight_listen_through(reactor, &arguments[OWN_ARGUMENTS], factory, &wrapper);
}

static const struct bight_argument_rule secure_rules[] = {
    OWN_RULES(0), [OWN_ARGUMENTS] = { "endpoint", BIGHT_ARGUMENT_ENDPOINT, .positional = true, .required = true },
    { NULL }
};

const struct bight_endpoint_type bi_endpoint_secure_server = {
    .name = "secure",
    .help = "secure:cert=FILE" OWN_HELP ":ENDPOINT",
    .rules = secure_rules,
    .listen = listen_secure,
};

/* ------------------------------------------------------------------------------------- Twisted's name */

enum ssl_argument { SSL_PRIVATE_KEY = BI_TCP_SERVER_ARGUMENTS, SSL_CERT_KEY, SSL_EXTRA_CHAIN, SSL_ARGUMENTS };

static const struct bight_argument_rule ssl_rules[] = {
    BI_TCP_SERVER_RULES,
    [SSL_PRIVATE_KEY] = { "privateKey", BIGHT_ARGUMENT_TEXT },
    [SSL_CERT_KEY] = { "certKey", BIGHT_ARGUMENT_TEXT },
    [SSL_EXTRA_CHAIN] = { "extraCertChain", BIGHT_ARGUMENT_TEXT },
    { NULL },
};

/* As in Twisted both files may be one, and that is server.pem unless another is named. */
static struct bight_deferred *listen_ssl(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_argument own[OWN_ARGUMENTS] = { 0 };
    own[KEY] = arguments[SSL_PRIVATE_KEY];
    own[CERT] = arguments[SSL_CERT_KEY].given ? arguments[SSL_CERT_KEY] : arguments[SSL_PRIVATE_KEY];
    own[CHAIN] = arguments[SSL_EXTRA_CHAIN];
    if (!own[CERT].given) {
        own[CERT] = (struct bight_argument) {
            .given = true, .column = 1, .text = "server.pem", .text_size = sizeof "server.pem" - 1
        };
    }
    return listen_over_tcp(reactor, arguments, own, factory);
}

const struct bight_endpoint_type bi_endpoint_ssl_server = {
    .name = "ssl",
    .help = "ssl:PORT[:privateKey=FILE][:certKey=FILE][:extraCertChain=FILE]" BI_TCP_SERVER_HELP,
    .rules = ssl_rules,
    .listen = listen_ssl,
};
