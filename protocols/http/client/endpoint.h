/* SPDX-License-Identifier: MIT */
/* endpoint.h - a client's type of endpoint strings, for what registers all of the library's. */
#ifndef BI_HTTP_CLIENT_ENDPOINT_H
#define BI_HTTP_CLIENT_ENDPOINT_H

#include <bight/sys/endpoint.h>

extern const struct bight_endpoint_type bi_proxy_endpoint; /* connect: */

#endif
