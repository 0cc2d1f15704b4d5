/* SPDX-License-Identifier: MIT */
/* fd.c - the endpoint type fd:, which adopts a listening socket that another program opened (a supervisor, systemd).
 *
 * The descriptor is bight's from then on, and closed with the port; so it can be adopted once in a reactor's life (E4).
 * A UNIX socket's path is its opener's and stays. */
#include <errno.h>

#include "endpoint/listening.h"
#include "endpoint/types.h"

enum argument { DESCRIPTOR };

static const struct bight_argument_rule rules[] = {
    [DESCRIPTOR] = { "descriptor", BIGHT_ARGUMENT_NUMBER, .positional = true, .required = true, .maximum = INT32_MAX },
    { NULL },
};

static struct bight_failure *adopt(
    struct bight_reactor *reactor, const struct bight_argument *argument, const struct bight_listen_options *options)
{
    int fd = (int)argument->number;
    int code = bight_open_is_adopted(reactor, fd) ? BIGHT_E_ALREADY_LISTENED : 0;
    if (code == 0) {
        int result = bight_listen_prepare(reactor, fd, options);
        if (result < 0) {
            return bight_failure_new(BIGHT_E_BAD_VALUE, -result, NULL, "column %zu: descriptor %d is %s",
                argument->column, fd, result == -EBADF ? "not open" : "not a listening socket");
        }
        code = bight_open_adopt(reactor, fd);
    }
    return code == 0 ? NULL : bight_failure_of(code);
}

static struct bight_deferred *listen_fd(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    const struct bight_listen_options options = { .no_delay = true };
    struct bight_failure *failure = adopt(reactor, &arguments[DESCRIPTOR], &options);
    if (failure != NULL) {
        return bight_fail(failure);
    }
    return bight_listening(reactor, factory, (int)arguments[DESCRIPTOR].number, &options, NULL);
}

const struct bight_endpoint_type bight_endpoint_fd_server = {
    .name = "fd", .help = "fd:N", .rules = rules, .listen = listen_fd
};
