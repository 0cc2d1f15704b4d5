/* SPDX-License-Identifier: MIT */
/* client.h - a request's client as logs name it. */
#ifndef BI_HTTP_CLIENT_H
#define BI_HTTP_CLIENT_H

#include "http/middleware/provided.h"

/* The text of an address, kept for the next request, which mostly has the same. A zeroed one is ready for use. */
struct bi_client_text {
    struct bight_address address;
    size_t size;
    char text[64];
};

/* "192.0.2.1", "2001:db8::1", "unix:", without a port; NULL: there is none. Stays until the next call. */
struct bi_view bi_client_text(struct bi_client_text *kept, struct bight_http_request *request);

#endif
