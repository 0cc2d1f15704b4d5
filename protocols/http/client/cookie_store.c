/* SPDX-License-Identifier: MIT */
/* cookie_store.c - cookies by domain.
 *
 * Each domain keeps its cookies in the order of sending, so that choosing merges a few short lists and allocates
 * nothing. The ring of use says which one goes when there are too many. */
#include "http/client/cookie_store.h"

#include <bight/memory.h>

#include <string.h>

#define OF(ring, link) BI_LINKED(struct bi_kept_cookie, ring, link)

void bi_cookie_store_init(struct bi_cookie_store *store, const uint64_t key[2], size_t most, size_t most_of_domain)
{
    *store = (struct bi_cookie_store) { .most = most, .most_of_domain = most_of_domain };
    bight_hash_init(&store->domains, key, NULL);
    bi_ring_init(&store->all);
    bi_ring_init(&store->used);
    bi_ring_init(&store->chosen);
}

static void forget_choice(struct bi_cookie_store *store)
{
    while (!bi_ring_is_empty(&store->chosen)) {
        bi_link_remove(store->chosen.next);
    }
}

static void drop_domain_if_empty(struct bi_cookie_store *store, struct bi_cookie_domain *domain)
{
    if (domain->count == 0) {
        (void)bight_hash_take(&store->domains, domain->name, domain->size);
        bight_free(domain);
    }
}

void bi_cookie_store_drop(struct bi_cookie_store *store, struct bi_kept_cookie *cookie)
{
    struct bi_cookie_domain *domain = cookie->domain;
    bi_link_remove(&cookie->all);
    bi_link_remove(&cookie->used);
    bi_link_remove(&cookie->own);
    bi_link_remove(&cookie->chosen);
    store->count--;
    store->secure -= cookie->stored.is_secure;
    domain->count--;
    bight_free(cookie);
    drop_domain_if_empty(store, domain);
}

void bi_cookie_store_finish(struct bi_cookie_store *store)
{
    while (store->count > 0) {
        bi_cookie_store_drop(store, OF(all, store->all.next));
    }
    bight_hash_finish(&store->domains);
}

/* ------------------------------------------------------------------------------------------- looking */

static struct bi_cookie_domain *find_domain(const struct bi_cookie_store *store, struct bi_view name)
{
    return store->count > 0 ? bight_hash_get(&store->domains, name.at, name.size) : NULL;
}

static bool is_same(const struct bi_stored_cookie *one, const struct bi_stored_cookie *other)
{
    return one->is_host_only == other->is_host_only && bi_view_equal(one->name, other->name) &&
           bi_view_equal(one->path, other->path);
}

struct bi_kept_cookie *bi_cookie_store_find(const struct bi_cookie_store *store, const struct bi_stored_cookie *cookie)
{
    struct bi_cookie_domain *domain = find_domain(store, cookie->domain);
    if (domain == NULL) {
        return NULL;
    }
    for (struct bi_link *link = domain->cookies.next; link != &domain->cookies; link = link->next) {
        if (is_same(&OF(own, link)->stored, cookie)) {
            return OF(own, link);
        }
    }
    return NULL;
}

/* Any of the domain that is secure and has the name, and a path which the new one's lies below. */
static bool domain_protects(const struct bi_cookie_domain *domain, const struct bi_stored_cookie *cookie)
{
    for (const struct bi_link *link = domain->cookies.next; link != &domain->cookies; link = link->next) {
        const struct bi_stored_cookie *kept = &OF(own, link)->stored;
        if (kept->is_secure && bi_view_equal(kept->name, cookie->name) &&
            bi_cookie_path_matches(cookie->path, kept->path)) {
            return true;
        }
    }
    return false;
}

bool bi_cookie_store_protects(const struct bi_cookie_store *store, const struct bi_stored_cookie *cookie)
{
    size_t cursor = 0, size;
    const void *key;
    void *value;
    while (store->secure > 0 && bight_hash_next(&store->domains, &cursor, &key, &size, &value)) {
        struct bi_view name = { key, size };
        bool is_near = bi_cookie_domain_matches(name, cookie->domain) || bi_cookie_domain_matches(cookie->domain, name);
        if (is_near && domain_protects(value, cookie)) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------- making */

static char *copy(char *at, struct bi_view *view, const char **shown)
{
    memcpy(at, view->at, view->size);
    at[view->size] = '\0';
    view->at = (const uint8_t *)at;
    *shown = at;
    return at + view->size + 1;
}

static const char *same_site_of(uint8_t site)
{
    static const char *const names[] = {
        [BI_COOKIE_SITE_LAX] = "Lax", [BI_COOKIE_SITE_STRICT] = "Strict", [BI_COOKIE_SITE_NONE] = "None"
    };
    return names[site];
}

static struct bi_kept_cookie *make(const struct bi_stored_cookie *cookie, struct bi_cookie_domain *domain)
{
    size_t size = cookie->name.size + cookie->value.size + cookie->path.size + 3;
    struct bi_kept_cookie *kept = bight_calloc(1, sizeof *kept + size);
    if (kept == NULL) {
        return NULL;
    }
    kept->stored = *cookie;
    kept->domain = domain;
    char *at = copy(kept->text, &kept->stored.name, &kept->shown.name);
    at = copy(at, &kept->stored.value, &kept->shown.value);
    (void)copy(at, &kept->stored.path, &kept->shown.path);
    kept->stored.domain = (struct bi_view) { (const uint8_t *)domain->name, domain->size };
    kept->shown.domain = domain->name;
    kept->shown.expires = cookie->is_persistent ? cookie->expires : 0;
    kept->shown.same_site = same_site_of(cookie->site);
    kept->shown.host_only = cookie->is_host_only;
    kept->shown.secure = cookie->is_secure;
    kept->shown.http_only = cookie->is_http_only;
    return kept;
}

/* That there is, or a new one without cookies. */
static struct bi_cookie_domain *make_domain(struct bi_cookie_store *store, struct bi_view name)
{
    struct bi_cookie_domain *domain = find_domain(store, name);
    if (domain != NULL) {
        return domain;
    }
    domain = bight_calloc(1, sizeof *domain + name.size + 1);
    if (domain == NULL) {
        return NULL;
    }
    memcpy(domain->name, name.at, name.size);
    domain->size = name.size;
    bi_ring_init(&domain->cookies);
    if (bight_hash_set(&store->domains, name.at, name.size, domain) != BIGHT_OK) {
        bight_free(domain);
        return NULL;
    }
    return domain;
}

/* ------------------------------------------------------------------------------------------- order */

static bool goes_before(const struct bi_kept_cookie *one, const struct bi_kept_cookie *other)
{
    size_t size = one->stored.path.size, other_size = other->stored.path.size;
    return size != other_size ? size > other_size : one->created < other->created;
}

static void link_own(struct bi_kept_cookie *cookie)
{
    struct bi_link *ring = &cookie->domain->cookies, *place = ring->previous;
    while (place != ring && goes_before(cookie, OF(own, place))) {
        place = place->previous;
    }
    bi_ring_insert(place, &cookie->own);
    cookie->domain->count++;
}

/* It has the age of the one that it replaces, if there is one. */
static void link_all(struct bi_cookie_store *store, struct bi_kept_cookie *cookie, struct bi_kept_cookie *old)
{
    cookie->created = old != NULL ? old->created : ++store->created;
    bi_ring_insert(old != NULL ? &old->all : store->all.previous, &cookie->all);
    bi_ring_append(&store->used, &cookie->used);
    link_own(cookie);
    store->count++;
    store->secure += cookie->stored.is_secure;
}

/* ------------------------------------------------------------------------------------------- eviction */

static void drop_expired(struct bi_cookie_store *store, int64_t now)
{
    for (struct bi_link *link = store->used.next, *next; link != &store->used; link = next) {
        next = link->next;
        if (bi_cookie_has_expired(&OF(used, link)->stored, now)) {
            bi_cookie_store_drop(store, OF(used, link));
        }
    }
}

/* Of the domain the one that was used longest ago, of those that are not secure if there are any. */
static struct bi_kept_cookie *find_worst(const struct bi_cookie_store *store, const struct bi_cookie_domain *domain)
{
    struct bi_kept_cookie *worst = NULL;
    for (struct bi_link *link = store->used.next; link != &store->used; link = link->next) {
        struct bi_kept_cookie *cookie = OF(used, link);
        if (cookie->domain == domain && !cookie->stored.is_secure) {
            return cookie;
        }
        worst = worst == NULL && cookie->domain == domain ? cookie : worst;
    }
    return worst;
}

/* `cookie` has come; at most one is too many then. */
static void evict(struct bi_cookie_store *store, const struct bi_kept_cookie *cookie, int64_t now)
{
    struct bi_cookie_domain *domain = cookie->domain;
    bool is_too_many = domain->count > store->most_of_domain;
    if (!is_too_many && store->count <= store->most) {
        return;
    }
    drop_expired(store, now); /* the new one is none of them, so its domain stays */
    if (domain->count > store->most_of_domain) {
        bi_cookie_store_drop(store, find_worst(store, domain));
    } else if (store->count > store->most) {
        bi_cookie_store_drop(store, OF(used, store->used.next));
    }
}

int bi_cookie_store_put(struct bi_cookie_store *store, const struct bi_stored_cookie *cookie, int64_t now)
{
    struct bi_kept_cookie *old = bi_cookie_store_find(store, cookie);
    forget_choice(store);
    if (bi_cookie_has_expired(cookie, now)) {
        if (old != NULL) {
            bi_cookie_store_drop(store, old);
        }
        return BIGHT_OK;
    }
    struct bi_cookie_domain *domain = make_domain(store, cookie->domain);
    struct bi_kept_cookie *kept = domain != NULL ? make(cookie, domain) : NULL;
    if (kept == NULL) {
        if (domain != NULL) {
            drop_domain_if_empty(store, domain);
        }
        return BIGHT_E_OUT_OF_MEMORY;
    }
    link_all(store, kept, old);
    if (old != NULL) {
        bi_cookie_store_drop(store, old);
    }
    evict(store, kept, now);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- sending */

static bool goes_to(const struct bi_stored_cookie *cookie, const struct bi_cookie_target *target, int64_t now)
{
    return (!cookie->is_host_only || cookie->domain.size == target->host.size) &&
           (!cookie->is_secure || target->is_secure) && !bi_cookie_has_expired(cookie, now) &&
           bi_cookie_path_matches(target->path, cookie->path);
}

/* Where it belongs; the last one goes out of a ring that is full. Returns how many there are. */
static size_t choose(struct bi_cookie_store *store, struct bi_kept_cookie *cookie, size_t count)
{
    struct bi_link *place = store->chosen.previous;
    while (place != &store->chosen && goes_before(cookie, OF(chosen, place))) {
        place = place->previous;
    }
    if (count < BI_COOKIES_SENT) {
        bi_ring_insert(place, &cookie->chosen);
        return count + 1;
    }
    if (place != store->chosen.previous) {
        bi_ring_insert(place, &cookie->chosen);
        bi_link_remove(store->chosen.previous);
    }
    return count;
}

static size_t choose_from(struct bi_cookie_store *store, struct bi_view name, const struct bi_cookie_target *target,
    size_t count, int64_t now)
{
    struct bi_cookie_domain *domain = find_domain(store, name);
    if (domain == NULL) {
        return count;
    }
    for (struct bi_link *link = domain->cookies.next; link != &domain->cookies; link = link->next) {
        struct bi_kept_cookie *cookie = OF(own, link);
        if (goes_to(&cookie->stored, target, now)) {
            count = choose(store, cookie, count);
        }
    }
    return count;
}

static size_t size_of(const struct bi_stored_cookie *cookie)
{
    return cookie->name.size + (cookie->name.size > 0 ? 1 : 0) + cookie->value.size;
}

/* What does not fit any more is left out, and all behind it. */
static size_t measure(struct bi_cookie_store *store)
{
    size_t size = 0;
    for (struct bi_link *link = store->chosen.next; link != &store->chosen; link = link->next) {
        size_t more = size_of(&OF(chosen, link)->stored) + (size > 0 ? 2 : 0);
        if (size + more > BI_COOKIES_FIELD) {
            while (store->chosen.previous != link) {
                bi_link_remove(store->chosen.previous);
            }
            bi_link_remove(link);
            break;
        }
        size += more;
    }
    return size;
}

/* The host, and each domain that it is below. */
size_t bi_cookie_store_choose(struct bi_cookie_store *store, const struct bi_cookie_target *target, int64_t now)
{
    struct bi_view name = target->host;
    forget_choice(store);
    size_t count = choose_from(store, name, target, 0, now);
    while (!target->is_ip && store->count > 0) {
        size_t label = bi_before(name, ".");
        if (label == name.size) {
            break;
        }
        name = bi_view_from(name, label + 1);
        count = choose_from(store, name, target, count, now);
    }
    return count > 0 ? measure(store) : 0;
}

static uint8_t *put(uint8_t *at, struct bi_view text)
{
    memcpy(at, text.at, text.size);
    return at + text.size;
}

uint8_t *bi_cookie_store_write(struct bi_cookie_store *store, uint8_t *at)
{
    bool is_first = true;
    for (; !bi_ring_is_empty(&store->chosen); is_first = false) {
        struct bi_kept_cookie *cookie = OF(chosen, store->chosen.next);
        at = is_first ? at : put(at, bi_view_of("; "));
        if (cookie->stored.name.size > 0) {
            at = put(at, cookie->stored.name);
            at = put(at, bi_view_of("="));
        }
        at = put(at, cookie->stored.value);
        bi_link_remove(&cookie->chosen);
        bi_link_remove(&cookie->used);
        bi_ring_append(&store->used, &cookie->used);
    }
    return at;
}
