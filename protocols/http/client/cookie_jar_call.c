/* SPDX-License-Identifier: MIT */
/* cookie_jar_call.c - what calls take from their client's jar, and put into it.
 *
 * It is the URL's host that cookies are of, whatever the program's Host says, and whatever the call goes through. */
#include "http/client/cookie_jar.h"

int bi_call_take_cookies(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    struct bight_http_cookie_jar *jar = call->client->cookies;
    uint16_t index = jar != NULL ? bi_head_first(&parser->head, BI_NAME_SET_COOKIE) : 0;
    struct bi_cookie_target from;
    uint8_t host[BI_COOKIE_MAX_DOMAIN];
    int code = BIGHT_OK;
    if (index == 0) {
        return BIGHT_OK;
    }
    bi_cookie_target_of(&from, &call->url, call->url_text, host);
    int64_t now = bi_cookie_jar_now(jar);
    while (index != 0 && code != BIGHT_E_OUT_OF_MEMORY) {
        struct bi_span value = parser->head.fields[index - 1].value;
        code = bi_cookie_jar_take(jar, &from, (struct bi_view) { parser->bytes + value.at, value.size }, now);
        index = bi_head_next(&parser->head, parser->bytes, BI_NAME_SET_COOKIE, NULL, 0, index);
    }
    return code == BIGHT_E_OUT_OF_MEMORY ? code : BIGHT_OK;
}

size_t bi_call_choose_cookies(const struct bight_http_call *call)
{
    struct bight_http_cookie_jar *jar = call->client->cookies;
    struct bi_cookie_target target;
    uint8_t host[BI_COOKIE_MAX_DOMAIN];
    if (jar->store.count == 0) {
        return 0;
    }
    bi_cookie_target_of(&target, &call->url, call->url_text, host);
    return bi_cookie_store_choose(&jar->store, &target, bi_cookie_jar_now(jar));
}

uint8_t *bi_call_write_cookies(const struct bight_http_call *call, uint8_t *at)
{
    return bi_cookie_store_write(&call->client->cookies->store, at);
}
