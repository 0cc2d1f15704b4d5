/* SPDX-License-Identifier: MIT */
/* no_proxy.h - what is not asked through a proxy: the list that NO_PROXY has. No I/O, nothing is looked up. */
#ifndef BI_HTTP_NO_PROXY_H
#define BI_HTTP_NO_PROXY_H

#include "http/message/url.h"

/* Whether the list names the host, as it stands in the URL. Entries are separated by commas and white space: `*` is
 * every host; a name is that host and those below it (`.name` and `*.name` too); an IP address that one; a network
 * 10.0.0.0/8 its addresses; each with `:port` that port only. What is none of these names nothing. */
bool bi_no_proxy_has(struct bi_view list, struct bi_view host, enum bi_host_kind kind, uint16_t port);

#endif
