/* SPDX-License-Identifier: MIT */
/* host.h - the host that a request or a route is for, in one form that can be compared. RFC 3986, section 3.2.2. */
#ifndef BI_HTTP_HOST_H
#define BI_HTTP_HOST_H

#include "http/message/tokens.h"

#define BI_HOST_SIZE 256

/* Writes the host of an authority that has been checked: without its port and one dot at the end, in lower case, an
 * IPv6 address as RFC 5952 wants it, with its brackets. Returns its size; 0: it is empty,
 * longer than any host, or something else in brackets. */
size_t bi_host_read(struct bi_view authority, uint8_t out[BI_HOST_SIZE]);

#endif
