/* SPDX-License-Identifier: MIT */
/* forwarded.h - what proxies say of those before them: Forwarded (RFC 7239), X-Forwarded-For and its kin.
 *
 * Lists are read from their end, where the nearest proxy has written: nothing that stands before what it wrote, quotes
 * that never end included, can change how that is read. Nothing here knows whom to trust. */
#ifndef BI_HTTP_FORWARDED_H
#define BI_HTTP_FORWARDED_H

#include <bight/address.h>

#include "http/message/tokens.h"

/* Takes the last member off the list, without white space around it; empty ones are skipped. A comma in a quoted
 * string separates nothing. False: there are no more. */
bool bi_forwarded_last(struct bi_view *list, struct bi_view *member);

/* One member of Forwarded: what is not there has NULL; values stand as in a quoted string, escapes as they came. */
struct bi_forwarded {
    struct bi_view client, protocol, host; /* for, proto, host */
};

/* False: it is malformed, or says something twice. */
bool bi_forwarded_parse(struct bi_forwarded *forwarded, struct bi_view member);

/* The address of a node: "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711", and without brackets, as
 * X-Forwarded-For has it, "2001:db8::1". An IPv4 address that is mapped into IPv6 is that address. No zones, no names;
 * the port is 0 if there is none. False: "unknown", "_hidden", all else. */
bool bi_forwarded_address(struct bi_view node, struct bight_address *address);

#endif
