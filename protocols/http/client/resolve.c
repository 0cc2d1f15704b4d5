/* SPDX-License-Identifier: MIT */
/* resolve.c - for programs that follow links: what a reference means where it was found. */
#include <bight/protocols/http_client.h>

#include <string.h>

#include "http/message/reference.h"
#include "http/message/tokens.h"
#include "http/message/url.h"

static bool can_be_asked(struct bi_url *url, struct bi_view text)
{
    return bi_url_parse(url, text) && (url->scheme == BI_URL_HTTP || url->scheme == BI_URL_HTTPS) && !url->has_userinfo;
}

int bight_http_resolve(const char *base, const char *reference, char *url, size_t size)
{
    struct bi_url parsed;
    size_t needed = strlen(base) + strlen(reference) + 2;
    size_t written = bi_reference_resolve(bi_view_of(base), bi_view_of(reference), (uint8_t *)url, size);
    if (written == 0 || written >= size) {
        return size < needed ? BIGHT_E_TOO_LONG : BIGHT_E_SYNTAX;
    }
    struct bi_view text = { (const uint8_t *)url, written };
    if (!can_be_asked(&parsed, text)) {
        return BIGHT_E_SYNTAX;
    }
    url[parsed.has_fragment ? parsed.fragment.at - 1 : written] = '\0';
    return BIGHT_OK;
}
