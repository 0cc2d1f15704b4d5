/* SPDX-License-Identifier: MIT */
/* proxy.h - the proxies of a client or a call, and which of them a URL is asked through (C7). */
#ifndef BI_HTTP_PROXY_H
#define BI_HTTP_PROXY_H

#include <bight/protocols/http_client.h>

#include "http/message/url.h"

struct bi_proxy {
    const char *name, *authorization; /* whom it is; the value of Proxy-Authorization, NULL: none */
    bool is_ipv6;
    uint16_t port;
};

/* Counted; in one piece with its texts, which hold passwords and are wiped. */
struct bi_proxies {
    uint32_t holds;
    struct bi_proxy for_http, for_https; /* name NULL: none */
    const char *except;                  /* what NO_PROXY says */
    size_t size;
    char text[];
};

/* What the options say about proxies, over `base` (perhaps NULL): *proxies gets it with a hold, NULL: none. 0,
 * OUT_OF_MEMORY, or INVALID_ARGUMENT with *why. */
int bi_proxies_read(struct bi_proxies **proxies, struct bi_proxies *base, const struct bight_http_call_options *options,
    const char **why);
/* NULL is allowed. */
struct bi_proxies *bi_proxies_hold(struct bi_proxies *proxies);
void bi_proxies_release(struct bi_proxies *proxies);

/* NULL: none. `text` is the URL. */
const struct bi_proxy *bi_proxies_choose(
    const struct bi_proxies *proxies, const struct bi_url *url, struct bi_view text);

#endif
