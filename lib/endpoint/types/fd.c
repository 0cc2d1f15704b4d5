/* SPDX-License-Identifier: MIT */
/* fd.c - the endpoint type fd:, which adopts a listening socket that another program opened (a supervisor, systemd).
 *
 * The descriptor is bight's from then on, and closed with the port; so it can be adopted once (E4). Its number is the
 * kernel's to give again: what is open under it after that is another socket. A UNIX socket's path is its opener's and
 * stays. Making a port of it is listening.c's. */
#include <errno.h>

#include "endpoint/listening.h"
#include "endpoint/types/types.h"

enum argument { DESCRIPTOR, MAXCONN };

static const struct bight_argument_rule rules[] = {
    [DESCRIPTOR] = { "descriptor", BIGHT_ARGUMENT_NUMBER, .positional = true, .required = true, .maximum = INT32_MAX },
    [MAXCONN] = { "maxconn", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = INT32_MAX },
    { NULL },
};

static struct bight_failure *adopt(
    struct bight_reactor *reactor, const struct bight_argument *argument, const struct bi_listen_options *options)
{
    int fd = (int)argument->number;
    if (bi_port_has_descriptor(reactor, fd)) {
        return bight_failure_of(BIGHT_E_ALREADY_LISTENED);
    }
    int result = bi_listen_prepare(reactor, fd, options);
    if (result >= 0) {
        int code = bi_open_adopt(reactor, fd);
        return code == 0 ? NULL : bight_failure_of(code);
    }
    if (result == -EBADF && bi_open_was_adopted(reactor, fd)) {
        return bight_failure_of(BIGHT_E_ALREADY_LISTENED);
    }
    return bight_failure_new(BIGHT_E_BAD_VALUE, -result, NULL, "column %zu: descriptor %d is %s", argument->column, fd,
        result == -EBADF ? "not open" : "not a listening socket");
}

static struct bight_deferred *listen_fd(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    const struct bi_listen_options options = {
        .no_delay = true,
        .max_connections = (size_t)arguments[MAXCONN].number,
    };
    struct bight_failure *failure = adopt(reactor, &arguments[DESCRIPTOR], &options);
    if (failure != NULL) {
        return bight_fail(failure);
    }
    return bi_listening(reactor, factory, (int)arguments[DESCRIPTOR].number, &options, NULL);
}

const struct bight_endpoint_type bi_endpoint_fd_server = {
    .name = "fd", .help = "fd:N[:maxconn=N]", .rules = rules, .listen = listen_fd
};
