/* SPDX-License-Identifier: MIT */
/* types.h - the endpoint types that bight brings. */
#ifndef BI_ENDPOINT_TYPES_TYPES_H
#define BI_ENDPOINT_TYPES_TYPES_H

#include <bight/sys/endpoint.h>

extern const struct bight_endpoint_type bi_endpoint_tcp_server, bi_endpoint_tcp6_server;
extern const struct bight_endpoint_type bi_endpoint_unix_server, bi_endpoint_fd_server;
extern const struct bight_endpoint_type bi_endpoint_tls_server, bi_endpoint_ssl_server, bi_endpoint_secure_server;
extern const struct bight_endpoint_type bi_endpoint_tcp_client, bi_endpoint_unix_client;
extern const struct bight_endpoint_type bi_endpoint_tls_client, bi_endpoint_ssl_client, bi_endpoint_secure_client;

#endif
