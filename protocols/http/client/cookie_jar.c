/* SPDX-License-Identifier: MIT */
/* cookie_jar.c - a jar of cookies as a program has it, and the rules by which a server may put one in (C6; RFC 6265bis,
 * section 5.7).
 *
 * Files are cookie_file.c's, calls cookie_jar_call.c's. */
#include "http/client/cookie_jar.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/sys/system.h>

#include <string.h>

#include "http/client/suffixes.h"
#include "http/message/received_cookie.h"

#define DEFAULT_MOST 3000
#define DEFAULT_OF_DOMAIN 50

/* ------------------------------------------------------------------------------------------- its life */

#define GIVEN(options, member)                                                                                      \
    ((options) != NULL &&                                                                                           \
                (options)->size >= offsetof(struct bight_http_cookie_jar_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                     \
            : 0)

struct bight_http_cookie_jar *bight_http_cookie_jar_new(
    struct bight_reactor *reactor, const struct bight_http_cookie_jar_options *options)
{
    struct bight_http_cookie_jar *jar = reactor != NULL ? bight_calloc(1, sizeof *jar) : NULL;
    unsigned most = GIVEN(options, max_cookies), of_domain = GIVEN(options, max_per_domain);
    if (jar == NULL || bight_random(reactor, jar->key, sizeof jar->key) != BIGHT_OK) {
        bight_free(jar);
        return NULL;
    }
    jar->reactor = reactor;
    jar->holds = 1;
    bi_cookie_store_init(
        &jar->store, jar->key, most != 0 ? most : DEFAULT_MOST, of_domain != 0 ? of_domain : DEFAULT_OF_DOMAIN);
    return jar;
}

struct bight_http_cookie_jar *bight_http_cookie_jar_hold(struct bight_http_cookie_jar *jar)
{
    if (jar != NULL) {
        jar->holds++;
    }
    return jar;
}

void bight_http_cookie_jar_release(struct bight_http_cookie_jar *jar)
{
    if (jar != NULL && --jar->holds == 0) {
        bi_cookie_store_finish(&jar->store);
        bight_free(jar);
    }
}

int64_t bi_cookie_jar_now(const struct bight_http_cookie_jar *jar)
{
    struct bight_system *system = bight_reactor_system(jar->reactor);
    return (int64_t)(system->ops->wall_time(system) / BIGHT_NANOSECONDS_PER_SECOND);
}

/* ------------------------------------------------------------------------------------------- the rules */

void bi_cookie_target_of(
    struct bi_cookie_target *target, const struct bi_url *url, struct bi_view text, uint8_t host[BI_COOKIE_MAX_DOMAIN])
{
    size_t size = url->host.size < BI_COOKIE_MAX_DOMAIN ? url->host.size : BI_COOKIE_MAX_DOMAIN;
    for (size_t at = 0; at < size; at++) {
        host[at] = bi_lower(text.at[url->host.at + at]);
    }
    *target = (struct bi_cookie_target) {
        .host = { host, size },
        .path = { text.at + url->path.at, url->path.size },
        .is_ip = url->host_kind != BI_HOST_NAME,
        .is_secure = url->scheme == BI_URL_HTTPS,
    };
}

bool bi_cookie_domain_is_sound(struct bi_view domain)
{
    return domain.size > 0 && domain.size <= BI_COOKIE_MAX_DOMAIN && domain.at[domain.size - 1] != '.' &&
           bi_run(domain, BI_CLASS_VISIBLE) == domain.size;
}

struct bi_view bi_cookie_lower_domain(struct bi_view domain, char room[BI_COOKIE_MAX_DOMAIN + 1])
{
    for (size_t at = 0; at < domain.size; at++) {
        room[at] = (char)bi_lower(domain.at[at]);
    }
    room[domain.size] = '\0';
    return (struct bi_view) { (const uint8_t *)room, domain.size };
}

/* Whom it is for, if the attribute Domain says this. The host itself may be a public suffix, and then is alone with its
 * cookie, as an IP address is, and everybody where the suffixes are not known. */
static bool settle_domain(struct bi_stored_cookie *cookie, struct bi_view domain, const struct bi_cookie_target *from,
    char room[BI_COOKIE_MAX_DOMAIN + 1])
{
    cookie->domain = from->host;
    cookie->is_host_only = true;
    if (domain.size == 0) {
        return true;
    }
    if (!bi_cookie_domain_is_sound(domain)) {
        return false;
    }
    domain = bi_cookie_lower_domain(domain, room);
    bool is_host = bi_view_equal(domain, from->host);
    if (!is_host && (from->is_ip || !bi_cookie_domain_matches(from->host, domain))) {
        return false;
    }
    if (from->is_ip || !bi_suffixes_are_known()) {
        return true;
    }
    if (bi_suffix_is_public(room)) {
        return is_host;
    }
    cookie->domain = domain;
    cookie->is_host_only = false;
    return true;
}

/* SameSite is kept, but nothing here is another site's. */
static bool is_allowed(
    const struct bight_http_cookie_jar *jar, const struct bi_stored_cookie *cookie, const struct bi_cookie_target *from)
{
    return (from->is_secure || !cookie->is_secure) && (cookie->site != BI_COOKIE_SITE_NONE || cookie->is_secure) &&
           (from->is_secure || !bi_cookie_store_protects(&jar->store, cookie));
}

int bi_cookie_jar_take(
    struct bight_http_cookie_jar *jar, const struct bi_cookie_target *from, struct bi_view set_cookie, int64_t now)
{
    struct bi_received_cookie received;
    char room[BI_COOKIE_MAX_DOMAIN + 1];
    if (!bi_received_cookie_read(set_cookie, now, &received)) {
        return BIGHT_E_SYNTAX;
    }
    struct bi_stored_cookie cookie = {
        .name = received.name,
        .value = received.value,
        .path = received.path.size > 0 ? received.path : bi_cookie_default_path(from->path),
        .expires = received.expires,
        .is_persistent = received.is_persistent,
        .is_host_only = received.domain.size == 0, /* which is what a prefix promises */
        .is_secure = received.is_secure,
        .is_http_only = received.is_http_only,
        .site = received.site,
    };
    if (!bi_cookie_keeps_its_prefix(&cookie) || !settle_domain(&cookie, received.domain, from, room) ||
        !is_allowed(jar, &cookie, from)) {
        return BIGHT_E_SYNTAX;
    }
    return bi_cookie_store_put(&jar->store, &cookie, now);
}

/* ------------------------------------------------------------------------------------------- looking */

static struct bi_kept_cookie *kept_of(const struct bight_http_kept_cookie *shown)
{
    return (struct bi_kept_cookie *)(uintptr_t)shown;
}

const struct bight_http_kept_cookie *bight_http_cookie_jar_next(
    const struct bight_http_cookie_jar *jar, const struct bight_http_kept_cookie *after)
{
    if (jar == NULL) {
        return NULL;
    }
    int64_t now = bi_cookie_jar_now(jar);
    const struct bi_link *link = after != NULL ? kept_of(after)->all.next : jar->store.all.next;
    for (; link != &jar->store.all; link = link->next) {
        const struct bi_kept_cookie *cookie = BI_LINKED(struct bi_kept_cookie, all, link);
        if (!bi_cookie_has_expired(&cookie->stored, now)) {
            return &cookie->shown;
        }
    }
    return NULL;
}

/* False: it is no URL of http or https. */
static bool read_target(struct bi_cookie_target *target, const char *url, uint8_t host[BI_COOKIE_MAX_DOMAIN])
{
    struct bi_url parsed;
    struct bi_view text = bi_view_of(url);
    if (!bi_url_parse(&parsed, text) || (parsed.scheme != BI_URL_HTTP && parsed.scheme != BI_URL_HTTPS) ||
        parsed.host.size > BI_COOKIE_MAX_DOMAIN) {
        return false;
    }
    bi_cookie_target_of(target, &parsed, text, host);
    return true;
}

const struct bight_http_kept_cookie *bight_http_cookie_jar_find(
    struct bight_http_cookie_jar *jar, const char *url, const char *name)
{
    struct bi_cookie_target target;
    uint8_t host[BI_COOKIE_MAX_DOMAIN];
    if (jar == NULL || !read_target(&target, url, host)) {
        return NULL;
    }
    (void)bi_cookie_store_choose(&jar->store, &target, bi_cookie_jar_now(jar));
    for (struct bi_link *link = jar->store.chosen.next; link != &jar->store.chosen; link = link->next) {
        const struct bi_kept_cookie *cookie = BI_LINKED(struct bi_kept_cookie, chosen, link);
        if (strcmp(cookie->shown.name, name) == 0) {
            return &cookie->shown;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------- changing */

int bight_http_cookie_jar_set(struct bight_http_cookie_jar *jar, const char *url, const char *set_cookie)
{
    struct bi_cookie_target target;
    uint8_t host[BI_COOKIE_MAX_DOMAIN];
    if (jar == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!read_target(&target, url, host)) {
        return BIGHT_E_SYNTAX;
    }
    return bi_cookie_jar_take(jar, &target, bi_view_of(set_cookie), bi_cookie_jar_now(jar));
}

bool bight_http_cookie_jar_remove(
    struct bight_http_cookie_jar *jar, const char *domain, const char *path, const char *name)
{
    bool was_there = false;
    struct bi_stored_cookie cookie = {
        .name = bi_view_of(name), .domain = bi_view_of(domain), .path = bi_view_of(path)
    };
    for (int turn = 0; jar != NULL && turn < 2; turn++) {
        cookie.is_host_only = turn == 0;
        struct bi_kept_cookie *kept = bi_cookie_store_find(&jar->store, &cookie);
        if (kept != NULL) {
            bi_cookie_store_drop(&jar->store, kept);
            was_there = true;
        }
    }
    return was_there;
}

static void drop_all(struct bight_http_cookie_jar *jar, bool also_persistent)
{
    if (jar == NULL) {
        return;
    }
    for (struct bi_link *link = jar->store.all.next, *next; link != &jar->store.all; link = next) {
        struct bi_kept_cookie *cookie = BI_LINKED(struct bi_kept_cookie, all, link);
        next = link->next;
        if (also_persistent || !cookie->stored.is_persistent) {
            bi_cookie_store_drop(&jar->store, cookie);
        }
    }
}

void bight_http_cookie_jar_clear(struct bight_http_cookie_jar *jar)
{
    drop_all(jar, true);
}

void bight_http_cookie_jar_end_session(struct bight_http_cookie_jar *jar)
{
    drop_all(jar, false);
}
