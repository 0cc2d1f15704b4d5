/* SPDX-License-Identifier: MIT */
/* stored_cookie.c - where a cookie goes: domains, paths, and the names that promise something. */
#include "http/message/stored_cookie.h"

static const struct bi_view slash = { (const uint8_t *)"/", 1 };

bool bi_cookie_has_no_control(struct bi_view text)
{
    for (size_t at = 0; at < text.size; at++) {
        if ((text.at[at] < 0x20 && text.at[at] != '\t') || text.at[at] == 0x7f) {
            return false;
        }
    }
    return true;
}

bool bi_cookie_domain_matches(struct bi_view host, struct bi_view domain)
{
    if (domain.size == 0 || host.size < domain.size) {
        return false;
    }
    size_t before = host.size - domain.size;
    return bi_view_equal(bi_view_from(host, before), domain) && (before == 0 || host.at[before - 1] == '.');
}

bool bi_cookie_path_matches(struct bi_view url_path, struct bi_view path)
{
    url_path = url_path.size > 0 ? url_path : slash;
    if (url_path.size < path.size || memcmp(url_path.at, path.at, path.size) != 0) {
        return false;
    }
    return url_path.size == path.size || path.at[path.size - 1] == '/' || url_path.at[path.size] == '/';
}

struct bi_view bi_cookie_default_path(struct bi_view url_path)
{
    size_t size = url_path.size;
    if (size == 0 || *url_path.at != '/') {
        return slash;
    }
    while (url_path.at[size - 1] != '/') {
        size--;
    }
    return size > 1 ? (struct bi_view) { url_path.at, size - 1 } : slash;
}

static bool begins_with(struct bi_view text, const char *prefix)
{
    struct bi_view wanted = bi_view_of(prefix);
    return text.size >= wanted.size && bi_view_equal_nocase((struct bi_view) { text.at, wanted.size }, wanted);
}

/* Without a name it would be sent as its value, and that be taken for a name. */
bool bi_cookie_keeps_its_prefix(const struct bi_stored_cookie *cookie)
{
    struct bi_view shown = cookie->name.size > 0 ? cookie->name : cookie->value;
    bool is_host = begins_with(shown, "__Host-");
    if (!is_host && !begins_with(shown, "__Secure-")) {
        return true;
    }
    if (cookie->name.size == 0 || !cookie->is_secure) {
        return false;
    }
    return !is_host || (cookie->is_host_only && bi_view_equal(cookie->path, slash));
}
