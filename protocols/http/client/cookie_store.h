/* SPDX-License-Identifier: MIT */
/* cookie_store.h - cookies by domain: put in, found, and evicted when there are too many (RFC 6265bis, sections 5.7 and
 * 5.8).
 *
 * A store knows no reactor, so that a thread may fill one of its own; what time it is, in seconds since 1970 UTC, is
 * said by the caller. Whether a server may set a cookie is cookie_jar.c's. */
#ifndef BI_HTTP_COOKIE_STORE_H
#define BI_HTTP_COOKIE_STORE_H

#include <bight/protocols/http_client_cookies.h>
#include <bight/sys/hash.h>

#include "http/client/links.h"
#include "http/message/stored_cookie.h"

#define BI_COOKIES_SENT 150   /* in one request, */
#define BI_COOKIES_FIELD 8192 /* of so many bytes in all: servers refuse more */

struct bi_cookie_domain {
    struct bi_link cookies; /* longer paths first, then older ones */
    size_t count;
    size_t size;
    char name[];
};

struct bi_kept_cookie {
    struct bight_http_kept_cookie shown;
    struct bi_stored_cookie stored; /* views of `text` and of the domain's name */
    struct bi_cookie_domain *domain;
    uint64_t created;      /* its place in the order in which they came */
    struct bi_link all;    /* in that order */
    struct bi_link used;   /* the one that was used longest ago first */
    struct bi_link own;    /* its domain's */
    struct bi_link chosen; /* to be sent */
    char text[];           /* name, value, path, each with a NUL */
};

struct bi_cookie_store {
    struct bight_hash domains;
    struct bi_link all, used;
    size_t count, secure; /* cookies, and those that are secure */
    size_t most, most_of_domain;
    uint64_t created;
    struct bi_link chosen; /* by bi_cookie_store_choose, until it is called again or the store changes */
};

/* What asks. */
struct bi_cookie_target {
    struct bi_view host; /* in lower case */
    struct bi_view path; /* of the URL, perhaps empty */
    bool is_ip, is_secure;
};

void bi_cookie_store_init(struct bi_cookie_store *store, const uint64_t key[2], size_t most, size_t most_of_domain);
/* Also of a zeroed one. */
void bi_cookie_store_finish(struct bi_cookie_store *store);

/* Keeps a copy, in place of one with its name, domain, path and host-only flag; one that has expired only removes that.
 * What is too much is evicted, perhaps this one. 0 or OUT_OF_MEMORY: then nothing has changed. */
int bi_cookie_store_put(struct bi_cookie_store *store, const struct bi_stored_cookie *cookie, int64_t now);
/* The one that would be replaced; NULL: none. */
struct bi_kept_cookie *bi_cookie_store_find(const struct bi_cookie_store *store, const struct bi_stored_cookie *cookie);
/* Whether one that is secure would be hidden by this one, which has come in the open. */
bool bi_cookie_store_protects(const struct bi_cookie_store *store, const struct bi_stored_cookie *cookie);

/* Puts those that go to the target into `chosen`, in the order of sending; returns the size of the field's value. */
size_t bi_cookie_store_choose(struct bi_cookie_store *store, const struct bi_cookie_target *target, int64_t now);
/* Writes the value of what has been chosen, which has been used then; returns behind it. */
uint8_t *bi_cookie_store_write(struct bi_cookie_store *store, uint8_t *at);

void bi_cookie_store_drop(struct bi_cookie_store *store, struct bi_kept_cookie *cookie);

static inline bool bi_cookie_has_expired(const struct bi_stored_cookie *cookie, int64_t now)
{
    return cookie->is_persistent && cookie->expires <= now;
}

#endif
