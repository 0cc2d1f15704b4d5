/* SPDX-License-Identifier: MIT */
/* endpoint.c - `connect:`, endpoint strings that lead through an HTTP proxy (C7). */
#include <bight/memory.h>
#include <bight/protocols/http_client.h>
#include <bight/sys/digest.h>

#include <stdio.h>
#include <string.h>

#include "http/client/endpoint.h"
#include "http/client/tunnel.h"

enum { HOST, PORT, USER, PASSWORD, INNER };

static const struct bight_argument_rule rules[] = {
    [HOST] = { .name = "host", .kind = BIGHT_ARGUMENT_HOST, .positional = true, .required = true },
    [PORT] = { .name = "port",
        .kind = BIGHT_ARGUMENT_PORT,
        .positional = true,
        .required = true,
        .minimum = 1,
        .maximum = 65535 },
    [USER] = { .name = "user", .kind = BIGHT_ARGUMENT_TEXT },
    [PASSWORD] = { .name = "password", .kind = BIGHT_ARGUMENT_TEXT, .secret = true },
    [INNER] = { .name = "endpoint", .kind = BIGHT_ARGUMENT_ENDPOINT, .positional = true, .required = true },
    { .name = NULL },
};

static char *new_target(const struct bight_argument *arguments)
{
    const char *host = arguments[HOST].text;
    bool is_bare = strchr(host, ':') != NULL && host[0] != '[';
    size_t room = strlen(host) + 16;
    char *target = bight_malloc(room);
    if (target != NULL) {
        (void)snprintf(target, room, is_bare ? "[%s]:%d" : "%s:%d", host, (int)arguments[PORT].number);
    }
    return target;
}

/* RFC 7617. NULL: there is none, or no memory. */
static char *new_authorization(const struct bight_argument *arguments)
{
    const char *user = arguments[USER].given ? arguments[USER].text : "";
    const char *password = arguments[PASSWORD].given ? arguments[PASSWORD].text : "";
    size_t size = strlen(user) + 1 + strlen(password), room = 16 + (size + 2) / 3 * 4;
    char *plain = bight_malloc(size + 1), *value = bight_malloc(room);
    if (plain != NULL && value != NULL) {
        (void)snprintf(plain, size + 1, "%s:%s", user, password);
        memcpy(value, "Basic ", 6);
        (void)bight_base64_encode(BIGHT_BASE64, plain, size, value + 6);
        bight_wipe(plain, size);
    } else {
        bight_free(value);
        value = NULL;
    }
    bight_free(plain);
    return value;
}

static struct bight_deferred *fail_with(int code, const char *why)
{
    return bight_fail(bight_failure_new(code, 0, NULL, "%s", why));
}

static struct bight_deferred *connect_by(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    bool has_credentials = arguments[USER].given || arguments[PASSWORD].given;
    if (arguments[USER].given && strchr(arguments[USER].text, ':') != NULL) {
        return fail_with(BIGHT_E_BAD_VALUE, "connect: a user's name with a colon");
    }
    char *target = new_target(arguments), *value = has_credentials ? new_authorization(arguments) : NULL;
    struct bight_deferred *deferred;
    if (target == NULL || (has_credentials && value == NULL)) {
        deferred = bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else {
        const struct bi_tunnel_options options = { .target = target, .authorization = value };
        deferred = bi_tunnel_connect_through(reactor, &arguments[INNER], factory, &options);
    }
    if (value != NULL) {
        bight_wipe(value, strlen(value));
    }
    bight_free(value);
    bight_free(target);
    return deferred;
}

const struct bight_endpoint_type bi_proxy_endpoint = {
    .name = "connect",
    .help = "connect:HOST:PORT[:user=NAME][:password=TEXT]:ENDPOINT",
    .rules = rules,
    .connect = connect_by,
};
