/* SPDX-License-Identifier: MIT */
/* url.h - absolute URLs of the schemes that HTTP serves, taken apart.
 *
 * RFC 3986, stricter where parsers are known to disagree about who is meant: no escapes in a host, and a host that
 * looks like a number is four dotted decimals or nothing. More lenient in path, query and fragment, where any visible
 * ASCII but
 * `\` may stand unescaped, for it does in the wild. Nothing is decoded or normalized. */
#ifndef BI_HTTP_URL_H
#define BI_HTTP_URL_H

#include "http/message/head.h"
#include "http/message/tokens.h"

enum { BI_URL_LIMIT = 65535 }; /* bytes */

enum bi_url_scheme { BI_URL_HTTP, BI_URL_HTTPS, BI_URL_WS, BI_URL_WSS };

enum bi_host_kind {
    BI_HOST_NAME, /* what a resolver may be asked for: no number in disguise */
    BI_HOST_IPV4,
    BI_HOST_IPV6, /* without its brackets, and without a zone */
};

struct bi_url {
    uint8_t scheme;    /* enum bi_url_scheme */
    uint8_t host_kind; /* enum bi_host_kind */
    bool has_userinfo, has_port, has_query, has_fragment;
    uint16_t port;           /* the scheme's own, if there is none */
    struct bi_span userinfo; /* a password among it: nothing to be shown */
    struct bi_span host;     /* not empty */
    struct bi_span path;     /* empty, or from its slash on */
    struct bi_span query;    /* without `?` */
    struct bi_span fragment; /* without `#`; never of ws and wss */

    /* Of what is refused. */
    uint32_t bad_at;
    const char *why; /* lives for ever */
};

/* False: refused, with `bad_at` and `why`. */
bool bi_url_parse(struct bi_url *url, struct bi_view text);

#endif
