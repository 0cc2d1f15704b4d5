/* SPDX-License-Identifier: MIT */
/* endpoints.c - `ws:` and `wss:`, endpoint strings that lead through a WebSocket (W8), and the registration of all
 * types that the library has.
 *
 * What they connect to is another string, of tcp: or tls:, into which the arguments that are those types' are put as
 * they were given. */
#include <bight/memory.h>
#include <bight/protocols/http_client.h>

#include <stdio.h>

#include "http/client/endpoint.h"
#include "http/client/tunnel.h"
#include "http/websocket/layer.h"

enum { HOST, PORT, PATH, ORIGIN, SUBPROTOCOL, PASSED };

#define OWN_RULES                                                                                                   \
    [HOST] = { "host", BIGHT_ARGUMENT_HOST, .positional = true, .required = true },                                 \
    [PORT] = { "port", BIGHT_ARGUMENT_PORT, .positional = true, .required = true, .minimum = 1, .maximum = 65535 }, \
    [PATH] = { "path", BIGHT_ARGUMENT_TEXT }, [ORIGIN] = { "origin", BIGHT_ARGUMENT_TEXT },                         \
    [SUBPROTOCOL] = { "subprotocol", BIGHT_ARGUMENT_TEXT }, [PASSED] = { "timeout", BIGHT_ARGUMENT_TEXT },          \
    { "bind", BIGHT_ARGUMENT_TEXT },                                                                                \
    {                                                                                                               \
        "bindport", BIGHT_ARGUMENT_TEXT                                                                             \
    }

#define OWN_HELP \
    "HOST:PORT[:path=/PATH][:subprotocol=NAME][:origin=ORIGIN][:timeout=SECONDS][:bind=ADDRESS][:bindport=PORT]"

static const struct bight_argument_rule ws_rules[] = { OWN_RULES, { .name = NULL } };
static const struct bight_argument_rule wss_rules[] = { OWN_RULES, { "ca", BIGHT_ARGUMENT_TEXT },
    { "cert", BIGHT_ARGUMENT_TEXT }, { "key", BIGHT_ARGUMENT_TEXT }, { "verify", BIGHT_ARGUMENT_TEXT },
    { "servername", BIGHT_ARGUMENT_TEXT }, { "crl", BIGHT_ARGUMENT_TEXT }, { "min_version", BIGHT_ARGUMENT_TEXT },
    { .name = NULL } };

/* ------------------------------------------------------------------------------------------- texts */

static bool is_bare_ipv6(const char *host)
{
    return strchr(host, ':') != NULL && host[0] != '[';
}

static char *new_url(const char *scheme, const struct bight_argument *arguments)
{
    const char *host = arguments[HOST].text, *path = arguments[PATH].given ? arguments[PATH].text : "/";
    size_t room = strlen(host) + strlen(path) + 32;
    char *url = bight_malloc(room);
    if (url != NULL) {
        bool is_bare = is_bare_ipv6(host);
        (void)snprintf(url, room, "%s://%s%s%s:%d%s%s", scheme, is_bare ? "[" : "", host, is_bare ? "]" : "",
            (int)arguments[PORT].number, path[0] == '/' ? "" : "/", path);
    }
    return url;
}

/* ":NAME=VALUE" behind what there is. */
static void add_argument(char *text, size_t room, const char *name, const char *value)
{
    size_t size = strlen(text);
    size += (size_t)snprintf(text + size, room - size, ":%s=", name);
    (void)bight_endpoint_quote(value, text + size, room - size);
}

/* Each byte of a value may become two. */
static char *new_endpoint(
    const char *type, const struct bight_argument_rule *rules, const struct bight_argument *arguments)
{
    size_t room = strlen(type) + 2 * strlen(arguments[HOST].text) + 32;
    for (size_t i = PASSED; rules[i].name != NULL; i++) {
        room += arguments[i].given ? strlen(rules[i].name) + 2 * strlen(arguments[i].text) + 2 : 0;
    }
    char *text = bight_malloc(room);
    if (text == NULL) {
        return NULL;
    }
    (void)snprintf(text, room, "%s:port=%d", type, (int)arguments[PORT].number);
    add_argument(text, room, "host", arguments[HOST].text);
    for (size_t i = PASSED; rules[i].name != NULL; i++) {
        if (arguments[i].given) {
            add_argument(text, room, rules[i].name, arguments[i].text);
        }
    }
    return text;
}

/* --------------------------------------------------------------------------------------- connecting */

static void free_dial(void *context)
{
    bi_dial_free_texts(context);
    bight_free(context);
}

static struct bi_dial *new_dial(
    struct bight_reactor *reactor, const char *url, const struct bight_argument *arguments, struct bight_failure **why)
{
    static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, NULL);
    const char *subprotocols[] = { arguments[SUBPROTOCOL].given ? arguments[SUBPROTOCOL].text : NULL, NULL };
    const struct bight_websocket_connect_options options = { .size = sizeof options,
        .subprotocols = subprotocols,
        .origin = arguments[ORIGIN].given ? arguments[ORIGIN].text : NULL };
    struct bi_dial *dial = bight_calloc(1, sizeof *dial);
    if (dial == NULL) {
        *why = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    dial->target = &plain;
    *why = bi_dial_write(dial, reactor, url, &options);
    if (*why != NULL) {
        free_dial(dial);
        return NULL;
    }
    return dial;
}

/* Takes the dial. */
static struct bight_deferred *connect_with(
    struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory, struct bi_dial *dial)
{
    const struct bight_wrapper wrapper = { .size = sizeof wrapper,
        .name = "WebSocket",
        .place = BIGHT_WRAPPER_ABOVE,
        .make_layer = bi_websocket_layer_new,
        .release = free_dial,
        .context = dial };
    return bi_connect_wrapped(reactor, endpoint, factory, &wrapper);
}

static struct bight_deferred *connect_by(const char *scheme, const char *type, const struct bight_argument_rule *rules,
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    char *url = new_url(scheme, arguments), *endpoint = new_endpoint(type, rules, arguments);
    struct bight_failure *why = NULL;
    struct bi_dial *dial = NULL;
    if (url != NULL && endpoint != NULL) {
        dial = new_dial(reactor, url, arguments, &why);
    }
    struct bight_deferred *deferred = dial != NULL
                                          ? connect_with(reactor, endpoint, factory, dial)
                                          : bight_fail(why != NULL ? why : bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    bight_free(url);
    bight_free(endpoint);
    return deferred;
}

static struct bight_deferred *connect_ws(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    return connect_by("ws", "tcp", ws_rules, reactor, arguments, factory);
}

static struct bight_deferred *connect_wss(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    return connect_by("wss", "tls:alpn=http/1.1", wss_rules, reactor, arguments, factory);
}

static const struct bight_endpoint_type ws = {
    .name = "ws", .help = "ws:" OWN_HELP, .rules = ws_rules, .connect = connect_ws
};
static const struct bight_endpoint_type wss = {
    .name = "wss",
    .help = "wss:" OWN_HELP "[:ca=FILE-or-DIRECTORY][:cert=FILE][:key=FILE][:verify=no]"
            "[:servername=NAME][:crl=FILE][:min_version=1.3]",
    .rules = wss_rules,
    .connect = connect_wss,
};

int bight_http_register_endpoints(void)
{
    static const struct bight_endpoint_type *const types[] = { &bi_proxy_endpoint, &ws, &wss };
    static size_t done;
    int code = BIGHT_OK;
    while (done < sizeof types / sizeof *types && code == BIGHT_OK) {
        code = bight_endpoint_register(types[done]);
        done += code == BIGHT_OK;
    }
    return code;
}
