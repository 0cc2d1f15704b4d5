/* SPDX-License-Identifier: MIT */
/* tcp.h - the arguments of tcp: endpoints, which tls: endpoints begin with, so that one table can be read as both. */
#ifndef BI_ENDPOINT_TYPES_TCP_H
#define BI_ENDPOINT_TYPES_TCP_H

#include "endpoint/types/types.h"

enum bi_tcp_server_argument {
    BI_TCP_PORT,
    BI_TCP_INTERFACE,
    BI_TCP_BACKLOG,
    BI_TCP_REUSEPORT,
    BI_TCP_NODELAY,
    BI_TCP_KEEPALIVE,
    BI_TCP_MAXCONN,
    BI_TCP_DEFER,
    BI_TCP_SERVER_ARGUMENTS
};

#define BI_TCP_LONGEST_DEFER 3600 /* seconds */

#define BI_TCP_SERVER_RULES                                                                      \
    [BI_TCP_PORT] = { "port", BIGHT_ARGUMENT_PORT, .positional = true, .required = true },       \
    [BI_TCP_INTERFACE] = { "interface", BIGHT_ARGUMENT_HOST },                                   \
    [BI_TCP_BACKLOG] = { "backlog", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = INT32_MAX }, \
    [BI_TCP_REUSEPORT] = { "reuseport", BIGHT_ARGUMENT_BOOLEAN },                                \
    [BI_TCP_NODELAY] = { "nodelay", BIGHT_ARGUMENT_BOOLEAN },                                    \
    [BI_TCP_KEEPALIVE] = { "keepalive", BIGHT_ARGUMENT_BOOLEAN },                                \
    [BI_TCP_MAXCONN] = { "maxconn", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = INT32_MAX }, \
    [BI_TCP_DEFER] = { "defer", BIGHT_ARGUMENT_NUMBER, .minimum = 1, .maximum = BI_TCP_LONGEST_DEFER }

#define BI_TCP_SERVER_HELP \
    "[:interface=HOST][:backlog=N][:reuseport=yes][:nodelay=no][:keepalive=yes][:maxconn=N][:defer=SECONDS]"

enum bi_tcp_client_argument {
    BI_TCP_HOST,
    BI_TCP_CLIENT_PORT,
    BI_TCP_TIMEOUT,
    BI_TCP_BIND,
    BI_TCP_BINDPORT,
    BI_TCP_CLIENT_ARGUMENTS
};

#define BI_TCP_CLIENT_RULES                                                                                       \
    [BI_TCP_HOST] = { "host", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true },                        \
    [BI_TCP_CLIENT_PORT] = { "port", BIGHT_ARGUMENT_PORT, .positional = true, .required = true, .minimum = 1,     \
        .maximum = 65535 },                                                                                       \
    [BI_TCP_TIMEOUT] = { "timeout", BIGHT_ARGUMENT_SECONDS }, [BI_TCP_BIND] = { "bind", BIGHT_ARGUMENT_ADDRESS }, \
    [BI_TCP_BINDPORT] = { "bindport", BIGHT_ARGUMENT_PORT, .minimum = 1, .maximum = 65535 }

#define BI_TCP_CLIENT_HELP "[:timeout=SECONDS][:bind=ADDRESS][:bindport=PORT]"

#endif
