/* SPDX-License-Identifier: MIT */
/* authority.h - host and port, as in Host and in targets. RFC 3986, section 3.2; RFC 9110, section 7.2. */
#ifndef BI_HTTP_AUTHORITY_H
#define BI_HTTP_AUTHORITY_H

#include "http/message/head.h"

struct bi_authority {
    struct bi_span host; /* brackets of an IPv6 address included; never empty */
    struct bi_span port; /* its digits, none if there was none or an empty one */
    bool has_port;       /* there is a colon */
};

/* False: it is none. No userinfo, no escapes in the host, an IPv6 address in brackets without a zone, a port up to
 * 65535. */
bool bi_authority_parse(struct bi_authority *authority, const uint8_t *bytes, struct bi_span text);

#endif
