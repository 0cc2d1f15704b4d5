/* SPDX-License-Identifier: MIT */
/* types.h - the endpoint types that bight brings. */
#ifndef BIGHT_ENDPOINT_TYPES_H
#define BIGHT_ENDPOINT_TYPES_H

#include <bight/sys/endpoint.h>

extern const struct bight_endpoint_type bight_endpoint_tcp_server, bight_endpoint_tcp6_server;
extern const struct bight_endpoint_type bight_endpoint_unix_server, bight_endpoint_fd_server;
extern const struct bight_endpoint_type bight_endpoint_tcp_client, bight_endpoint_unix_client;

#endif
