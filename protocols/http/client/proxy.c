/* SPDX-License-Identifier: MIT */
/* proxy.c - what is said about proxies, in options or, if asked, in the environment; read once, when a client is made
 * or a call configured.
 *
 * HTTP_PROXY in capitals is never looked at: in a CGI program it is a field of the client's request. A mistake is an
 * error: without its proxy a program would say to the network what was meant for the proxy. */
#include "http/client/proxy.h"
#include "http/client/no_proxy.h"
#include "http/message/escape.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1023, ROOM = 4 * LONGEST }; /* of a proxy's URL; of what is made of it, at most */

/* ------------------------------------------------------------------------------------------- memory */

struct bi_proxies *bi_proxies_hold(struct bi_proxies *proxies)
{
    if (proxies != NULL) {
        proxies->holds++;
    }
    return proxies;
}

void bi_proxies_release(struct bi_proxies *proxies)
{
    if (proxies == NULL || --proxies->holds > 0) {
        return;
    }
    volatile char *at = proxies->text; /* a wipe that no compiler takes for useless */
    for (size_t i = 0; i < proxies->size; i++) {
        at[i] = '\0';
    }
    bight_free(proxies);
}

/* ------------------------------------------------------------------------------------------- one proxy */

/* "user:password" without its escapes, into `plain`; its size, or -1 for a bad escape. */
static int decode(struct bi_view text, uint8_t *plain)
{
    int size = 0;
    for (size_t at = 0; at < text.size; at++) {
        int byte = text.at[at] == '%' ? bi_escape_value(text.at + at, text.size - at) : text.at[at];
        if (byte < 0) {
            return -1;
        }
        at += text.at[at] == '%' ? BI_ESCAPE_SIZE - 1 : 0;
        plain[size++] = (uint8_t)byte;
    }
    return size;
}

/* Returns behind what it has written; NULL with *why. */
static char *write_authorization(struct bi_proxy *proxy, struct bi_view userinfo, char *room, const char **why)
{
    uint8_t plain[LONGEST + 1];
    int size = decode(userinfo, plain);
    if (size < 0) {
        *why = "a proxy: a bad escape in its user or password";
        return NULL;
    }
    if (memchr(plain, ':', (size_t)size) == NULL) {
        plain[size++] = ':'; /* no password */
    }
    proxy->authorization = room;
    memcpy(room, "Basic ", 6);
    size_t length = bight_base64_encode(BIGHT_BASE64, plain, (size_t)size, room + 6);
    return room + 6 + length + 1;
}

/* `given`, perhaps without its scheme. The same. */
static char *write_proxy(struct bi_proxy *proxy, const char *given, char *room, const char **why)
{
    char full[sizeof "http://" + LONGEST];
    struct bi_url url;
    if (strlen(given) > LONGEST - sizeof "http://") {
        *why = "a proxy: its URL is too long";
        return NULL;
    }
    (void)snprintf(full, sizeof full, "%s%s", strstr(given, "://") != NULL ? "" : "http://", given);
    if (!bi_url_parse(&url, bi_view_of(full)) || url.scheme != BI_URL_HTTP || url.host.size > 255) {
        *why = "a proxy is http://[USER:PASSWORD@]HOST[:PORT]";
        return NULL;
    }
    memcpy(room, full + url.host.at, url.host.size);
    room[url.host.size] = '\0';
    proxy->name = room;
    proxy->port = url.port;
    proxy->is_ipv6 = url.host_kind == BI_HOST_IPV6;
    room += url.host.size + 1;
    struct bi_view userinfo = { (const uint8_t *)full + url.userinfo.at, url.userinfo.size };
    return url.has_userinfo ? write_authorization(proxy, userinfo, room, why) : room;
}

/* ------------------------------------------------------------------------------------------- all of them */

struct said {
    const char *http, *https, *except; /* NULL or "": none */
};

static bool is_said(const char *text)
{
    return text != NULL && *text != '\0';
}

static const char *from_environment(const char *name, const char *other, const char *third, const char *fourth)
{
    const char *const names[] = { name, other, third, fourth };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = names[i] != NULL ? getenv(names[i]) : NULL;
        if (is_said(value)) {
            return value;
        }
    }
    return NULL;
}

static struct said look_at_environment(void)
{
    return (struct said) {
        .http = from_environment("http_proxy", "all_proxy", "ALL_PROXY", NULL),
        .https = from_environment("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
        .except = from_environment("no_proxy", "NO_PROXY", NULL, NULL),
    };
}

static int make(struct bi_proxies **made, const struct said *said, const char **why)
{
    size_t except = said->except != NULL ? strlen(said->except) : 0, size = 2 * ROOM + except + 1;
    struct bi_proxies *proxies = bight_calloc(1, sizeof *proxies + size);
    if (proxies == NULL) {
        *why = "out of memory";
        return BIGHT_E_OUT_OF_MEMORY;
    }
    proxies->holds = 1;
    proxies->size = size;
    char *at = proxies->text;
    memcpy(at, except > 0 ? said->except : "", except);
    proxies->except = at;
    at += except + 1;
    at = is_said(said->http) ? write_proxy(&proxies->for_http, said->http, at, why) : at;
    at = at != NULL && is_said(said->https) ? write_proxy(&proxies->for_https, said->https, at, why) : at;
    if (at == NULL) {
        bi_proxies_release(proxies);
        return BIGHT_E_INVALID_ARGUMENT;
    }
    *made = proxies;
    return BIGHT_OK;
}

int bi_proxies_read(
    struct bi_proxies **proxies, struct bi_proxies *base, const struct bight_http_call_options *given, const char **why)
{
    struct bight_http_call_options options = { .size = sizeof options };
    if (given != NULL) {
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    }
    struct said said = { options.proxy, options.proxy, options.no_proxy };
    if (options.proxy == NULL && options.proxy_environment != BIGHT_HTTP_YES) {
        *proxies = options.proxy_environment == BIGHT_HTTP_NO ? NULL : bi_proxies_hold(base);
        return BIGHT_OK;
    }
    said = options.proxy != NULL ? said : look_at_environment();
    said.except = options.no_proxy != NULL ? options.no_proxy : said.except;
    *proxies = NULL;
    return is_said(said.http) || is_said(said.https) ? make(proxies, &said, why) : BIGHT_OK;
}

const struct bi_proxy *bi_proxies_choose(
    const struct bi_proxies *proxies, const struct bi_url *url, struct bi_view text)
{
    if (proxies == NULL) {
        return NULL;
    }
    const struct bi_proxy *proxy = url->scheme == BI_URL_HTTPS ? &proxies->for_https : &proxies->for_http;
    struct bi_view host = { text.at + url->host.at, url->host.size };
    bool goes = proxy->name != NULL &&
                !bi_no_proxy_has(bi_view_of(proxies->except), host, (enum bi_host_kind)url->host_kind, url->port);
    return goes ? proxy : NULL;
}
