/* SPDX-License-Identifier: MIT */
/* tls_client.c - the endpoint types tls:, ssl: and secure:, for connecting. Those for listening are in tls.c.
 *
 * The context may have to be made in a thread first (tls_contexts.c), so the arguments are copied, and the program's
 * factory is in use meanwhile; what is tried then is the inner endpoint's affair. */
#include <string.h>

#include <bight/memory.h>

#include "endpoint/grammar.h"
#include "endpoint/tls_contexts.h"
#include "endpoint/types/tcp.h"
#include "endpoint/types/tls_words.h"
#include "tls/wrap.h"

enum own_argument { CA, CERT, KEY, PASSWORD, VERIFY, SERVERNAME, ALPN_LIST, CRL, MIN_VERSION, OWN_ARGUMENTS };

#define OWN_RULES(first)                                                                                \
    [(first) + CA] = { "ca", BIGHT_ARGUMENT_TEXT }, [(first) + CERT] = { "cert", BIGHT_ARGUMENT_TEXT }, \
               [(first) + KEY] = { "key", BIGHT_ARGUMENT_TEXT },                                        \
               [(first) + PASSWORD] = { "password", BIGHT_ARGUMENT_TEXT, .secret = true },              \
               [(first) + VERIFY] = { "verify", BIGHT_ARGUMENT_BOOLEAN },                               \
               [(first) + SERVERNAME] = { "servername", BIGHT_ARGUMENT_TEXT },                          \
               [(first) + ALPN_LIST] = { "alpn", BIGHT_ARGUMENT_TEXT },                                 \
               [(first) + CRL] = { "crl", BIGHT_ARGUMENT_TEXT },                                        \
               [(first) + MIN_VERSION] = { "min_version", BIGHT_ARGUMENT_TEXT }

#define OWN_HELP                                                                                    \
    "[:ca=FILE-or-DIRECTORY][:cert=FILE][:key=FILE][:password=@FILE][:verify=no][:servername=NAME]" \
    "[:alpn=h2,http/1.1][:crl=FILE][:min_version=1.3]"

/* ---------------------------------------------------------------------------------- what is connected to */

/* Of the wrapped factory: the context comes when it has been made. */
struct goal {
    struct bight_tls *tls; /* NULL: not yet */
    uint16_t port;
    char name[]; /* empty: none is verified */
};

static struct bight_layer *make_layer(void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    const struct goal *goal = context;
    const char *name = goal->name[0] == '\0' ? NULL : goal->name;
    return bi_tls_wrap(bight_transport_reactor(transport), goal->tls, name, goal->port, failure);
}

static void release_goal(void *context)
{
    struct goal *goal = context;
    bight_tls_release(goal->tls);
    bight_free(goal);
}

/* What is left of "[::1]" is what a certificate has. */
static struct goal *new_goal(const char *name, size_t size, uint16_t port)
{
    bool has_brackets = size >= 2 && name[0] == '[' && name[size - 1] == ']';
    struct goal *goal = bight_calloc(1, sizeof *goal + size + 1);
    if (goal != NULL) {
        memcpy(goal->name, name + has_brackets, size - (has_brackets ? 2 : 0));
        goal->port = port;
    }
    return goal;
}

/* --------------------------------------------------------------------------------------- an attempt */

/* What waits for its context. The arguments are the type's table's. */
struct attempt {
    struct bight_reactor *reactor;
    struct bight_factory *wrapped;
    struct goal *goal; /* the factory's */
    bool is_over_tcp;
    size_t count, texts_size;
    struct bight_argument arguments[];
    /* their texts follow */
};

static void free_attempt(void *context)
{
    struct attempt *attempt = context;
    bight_wrapped_factory_release(attempt->wrapped);
    explicit_bzero(&attempt->arguments[attempt->count], attempt->texts_size); /* a password may be among them */
    bight_free(attempt);
}

static size_t count_texts(const struct bight_argument *arguments, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += arguments[i].given ? arguments[i].text_size + 1 : 0;
    }
    return size;
}

static struct attempt *new_attempt(const struct bight_argument *arguments, size_t count)
{
    size_t head = sizeof(struct attempt) + count * sizeof *arguments, texts_size = count_texts(arguments, count);
    struct attempt *attempt = bight_calloc(1, head + texts_size);
    if (attempt == NULL) {
        return NULL;
    }
    char *next = (char *)attempt + head;
    for (size_t i = 0; i < count; i++) {
        attempt->arguments[i] = arguments[i];
        if (arguments[i].given) {
            attempt->arguments[i].text = memcpy(next, arguments[i].text, arguments[i].text_size);
            next += arguments[i].text_size + 1;
        }
    }
    attempt->count = count;
    attempt->texts_size = texts_size;
    return attempt;
}

/* The context is there. */
static void go_on(struct bight_result *result, void *context)
{
    struct attempt *attempt = context;
    struct bight_factory *wrapped = attempt->wrapped;
    attempt->goal->tls = bight_result_take(result, &bight_type_tls);
    struct bight_deferred *connecting =
        attempt->is_over_tcp ? bi_endpoint_tcp_client.connect(attempt->reactor, attempt->arguments, wrapped)
                             : bi_endpoint_open_inner(BI_ENDPOINT_CONNECT, attempt->reactor,
                                   &attempt->arguments[attempt->count - 1], wrapped);
    attempt->wrapped = NULL;
    bight_result_chain(result, bi_wrapped_release_after(connecting, wrapped));
}

/* The context could not be made: what is wrong stands in the string. */
static void give_up(struct bight_result *result, void *context)
{
    static const unsigned files[] = { CA, KEY, CRL, CERT };
    const struct attempt *attempt = context;
    const struct bight_argument *own = attempt->arguments + (attempt->is_over_tcp ? BI_TCP_CLIENT_ARGUMENTS : 0);
    struct bight_failure *failure =
        bi_tls_with_columns(own, files, sizeof files / sizeof files[0], bight_result_take_failure(result));
    const char *host = attempt->is_over_tcp ? attempt->arguments[BI_TCP_HOST].text : "the endpoint";
    struct bight_failure *told = bight_failure_new_at(bight_failure_place(failure), bight_failure_code(failure),
        bight_failure_errno(failure), NULL, "cannot connect to %s: %s", host, bight_failure_message(failure));
    bight_failure_release(failure);
    bight_result_fail(result, told);
}

static struct bight_deferred *begin(struct attempt *attempt, const struct bi_client_arguments *wanted)
{
    struct bight_deferred *deferred = bi_client_context(attempt->reactor, wanted);
    int code = bight_deferred_add_callbacks_full(deferred, go_on, give_up, attempt, free_attempt);
    if (code == BIGHT_OK) {
        return deferred;
    }
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    free_attempt(attempt);
    return bight_fail(bight_failure_of(code));
}

static const char *text(const struct bight_argument *argument)
{
    return argument->given ? argument->text : NULL;
}

static bool is_verifying(const struct bight_argument *own)
{
    return !own[VERIFY].given || own[VERIFY].number != 0;
}

static struct bi_client_arguments arguments_of(const struct bight_argument *own)
{
    return (struct bi_client_arguments) {
        .ca = text(&own[CA]),
        .certificate = text(&own[CERT]),
        .key = text(&own[KEY]),
        .password = text(&own[PASSWORD]),
        .crl = text(&own[CRL]),
        .alpn = text(&own[ALPN_LIST]),
        .min_version = text(&own[MIN_VERSION]),
        .without_verification = !is_verifying(own),
    };
}

static struct bight_failure *check(const struct bight_argument *own)
{
    const struct bight_argument *version = &own[MIN_VERSION];
    if (version->given && strcmp(version->text, "1.2") != 0 && strcmp(version->text, "1.3") != 0) {
        return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "column %zu: min_version is 1.2 or 1.3", version->column);
    }
    if (own[KEY].given && !own[CERT].given) {
        return bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL,
            "column %zu: a key without its certificate: cert=FILE is missing", own[KEY].column);
    }
    return NULL;
}

/* The goal is taken. */
static struct bight_deferred *connect_to(struct bight_reactor *reactor, struct bight_factory *factory,
    struct attempt *attempt, struct goal *goal, const struct bight_argument *own)
{
    int code = BIGHT_E_OUT_OF_MEMORY;
    struct bight_wrapper wrapper = {
        .size = sizeof wrapper, .name = "tls", .make_layer = make_layer, .release = release_goal, .context = goal
    };
    struct bight_factory *wrapped = goal == NULL ? NULL : bight_wrapped_factory_new(reactor, factory, &wrapper, &code);
    if (wrapped == NULL || attempt == NULL) {
        bight_wrapped_factory_release(wrapped);
        if (attempt != NULL) {
            free_attempt(attempt); /* which has no factory yet */
        }
        return bight_fail(bight_failure_of(wrapped == NULL ? code : BIGHT_E_OUT_OF_MEMORY));
    }
    attempt->reactor = reactor;
    attempt->wrapped = wrapped;
    attempt->goal = goal;
    struct bi_client_arguments wanted = arguments_of(own);
    return begin(attempt, &wanted);
}

/* ------------------------------------------------------------------------------------------- the types */

static struct bight_deferred *connect_tls(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    const struct bight_argument *own = arguments + BI_TCP_CLIENT_ARGUMENTS;
    const struct bight_argument *name = own[SERVERNAME].given ? &own[SERVERNAME] : &arguments[BI_TCP_HOST];
    struct bight_failure *failure = check(own);
    if (failure != NULL) {
        return bight_fail(failure);
    }
    struct attempt *attempt = new_attempt(arguments, BI_TCP_CLIENT_ARGUMENTS + OWN_ARGUMENTS);
    if (attempt != NULL) {
        attempt->is_over_tcp = true;
    }
    struct goal *goal = new_goal(name->text, name->text_size, (uint16_t)arguments[BI_TCP_CLIENT_PORT].number);
    return connect_to(reactor, factory, attempt, goal, own);
}

static const struct bight_argument_rule tls_rules[] = { BI_TCP_CLIENT_RULES, OWN_RULES(BI_TCP_CLIENT_ARGUMENTS),
    { NULL } };

const struct bight_endpoint_type bi_endpoint_tls_client = {
    .name = "tls",
    .help = "tls:HOST:PORT" OWN_HELP BI_TCP_CLIENT_HELP,
    .rules = tls_rules,
    .connect = connect_tls,
};

const struct bight_endpoint_type bi_endpoint_ssl_client = {
    .name = "ssl",
    .help = "ssl:HOST:PORT" OWN_HELP BI_TCP_CLIENT_HELP,
    .rules = tls_rules,
    .connect = connect_tls,
};

static struct bight_deferred *connect_secure(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    const struct bight_argument *name = &arguments[SERVERNAME];
    struct bight_failure *failure = check(arguments);
    if (failure == NULL && !name->given && is_verifying(arguments)) {
        failure = bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL,
            "column %zu: whom to expect is missing before the endpoint: servername=NAME",
            arguments[OWN_ARGUMENTS].column);
    }
    if (failure != NULL) {
        return bight_fail(failure);
    }
    struct attempt *attempt = new_attempt(arguments, OWN_ARGUMENTS + 1);
    struct goal *goal = new_goal(name->given ? name->text : "", name->text_size, 0);
    return connect_to(reactor, factory, attempt, goal, arguments);
}

static const struct bight_argument_rule secure_rules[] = {
    OWN_RULES(0), [OWN_ARGUMENTS] = { "endpoint", BIGHT_ARGUMENT_ENDPOINT, .positional = true, .required = true },
    { NULL }
};

const struct bight_endpoint_type bi_endpoint_secure_client = {
    .name = "secure",
    .help = "secure:servername=NAME" OWN_HELP ":ENDPOINT",
    .rules = secure_rules,
    .connect = connect_secure,
};
