/* SPDX-License-Identifier: MIT */
/* unix.c - the endpoint type unix:, for listening and for connecting. A path that begins with '@' is an abstract name
 * (unix(7)): the '@' stands for the NUL with which such names begin.
 *
 * Sockets and their files are lib/transport's. */
#include <string.h>

#include "endpoint/happy_eyeballs.h"
#include "endpoint/listening.h"
#include "endpoint/types/types.h"

/* NULL, or the failure. A path keeps room for its NUL, as other systems than Linux demand. */
static struct bight_failure *read_path(const struct bight_argument *path, struct bight_address *address)
{
    *address = (struct bight_address) { .family = BIGHT_ADDRESS_UNIX, .path_size = (uint16_t)path->text_size };
    if (path->text_size >= sizeof address->at.path) {
        return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "column %zu: the path has at most %zu bytes, not %zu",
            path->column, sizeof address->at.path - 1, path->text_size);
    }
    memcpy(address->at.path, path->text, path->text_size);
    if (address->at.path[0] == '@') {
        address->at.path[0] = '\0';
    }
    return NULL;
}

/* --------------------------------------------------------------------------------------------- server */

enum server_argument { PATH, MODE, BACKLOG, MAXCONN };

static const struct bight_argument_rule server_rules[] = {
    [PATH] = { "path", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true },
    [MODE] = { "mode", BIGHT_ARGUMENT_OCTAL, .minimum = 0, .maximum = 0777 },
    [BACKLOG] = { "backlog", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = INT32_MAX },
    [MAXCONN] = { "maxconn", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = INT32_MAX },
    { NULL },
};

static struct bight_deferred *listen_unix(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_address address;
    struct bi_listen_options options = {
        .backlog = (int)arguments[BACKLOG].number,
        .has_mode = arguments[MODE].given,
        .mode = (mode_t)arguments[MODE].number,
        .max_connections = (size_t)arguments[MAXCONN].number,
    };
    struct bight_failure *failure = read_path(&arguments[PATH], &address);
    if (failure != NULL) {
        return bight_fail(failure);
    }
    return bi_listening(reactor, factory, bi_listen_unix(reactor, &address, &options), &options, &address);
}

const struct bight_endpoint_type bi_endpoint_unix_server = {
    .name = "unix", .help = "unix:PATH[:mode=660][:backlog=N][:maxconn=N]", .rules = server_rules, .listen = listen_unix
};

/* --------------------------------------------------------------------------------------------- client */

enum client_argument { CLIENT_PATH, TIMEOUT };

static const struct bight_argument_rule client_rules[] = {
    [CLIENT_PATH] = { "path", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true },
    [TIMEOUT] = { "timeout", BIGHT_ARGUMENT_SECONDS },
    { NULL },
};

static struct bight_deferred *connect_unix(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bi_race_options options = {
        .timeout = arguments[TIMEOUT].given ? arguments[TIMEOUT].seconds : BI_CONNECT_TIMEOUT,
    };
    struct bight_failure *failure = read_path(&arguments[CLIENT_PATH], &options.address);
    return failure != NULL ? bight_fail(failure) : bi_race(reactor, factory, &options);
}

const struct bight_endpoint_type bi_endpoint_unix_client = {
    .name = "unix", .help = "unix:PATH[:timeout=SECONDS]", .rules = client_rules, .connect = connect_unix
};
