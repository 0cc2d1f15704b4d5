/* SPDX-License-Identifier: MIT */
/* guard.c - a site that is meant for its own machine answers only for names that mean it (F5).
 *
 * A name of a stranger's domain may lead to a loopback address: to the browser a page of that domain and this site have
 * the same origin then, and only the Host tells. The guard stands behind the site's middleware, so that a log shows
 * what it refuses, and before all else. A site without one does not pay for it: it has another table of functions. */
#include <bight/memory.h>

#include <string.h>

#include "http/message/authority.h"
#include "http/site/host.h"
#include "http/site/site.h"

struct bi_http_guard {
    size_t size;
    uint8_t names[]; /* each with a line end behind it, which no host has */
};

static const char own_names[] = "localhost\n127.0.0.1\n[::1]\n";

/* ------------------------------------------------------------------------------------------ a request */

static bool is_among(const uint8_t *names, size_t size, struct bi_view host)
{
    while (size > 0) {
        size_t name = (size_t)((const uint8_t *)memchr(names, '\n', size) - names);
        if (name == host.size && memcmp(names, host.at, name) == 0) {
            return true;
        }
        names += name + 1;
        size -= name + 1;
    }
    return false;
}

static bool is_named(const struct bi_http_guard *guard, const struct bight_http_request *request)
{
    uint8_t text[BI_HOST_SIZE];
    struct bi_span authority = request->framing.authority;
    struct bi_view host = { text,
        bi_host_read((struct bi_view) { request->bytes + authority.at, authority.size }, text) };
    return host.size > 0 && (is_among((const uint8_t *)own_names, sizeof own_names - 1, host) ||
                                is_among(guard->names, guard->size, host));
}

/* IPv4 ones in their IPv6 form, too. */
static bool is_loopback(const struct bight_address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t loopback[16] = { [15] = 1 };
    const uint8_t *bytes = address->at.ipv6;
    if (address->family == BIGHT_ADDRESS_IPV4) {
        return address->at.ipv4[0] == 127;
    }
    return address->family == BIGHT_ADDRESS_IPV6 &&
           (memcmp(bytes, loopback, sizeof loopback) == 0 ||
               (memcmp(bytes, mapped, sizeof mapped) == 0 && bytes[12] == 127));
}

static bool is_at_loopback(const struct bight_http_request *request)
{
    struct bight_address address;
    return bight_transport_host(request->connection->base.transport, &address) == BIGHT_OK && is_loopback(&address);
}

bool bi_guard_admits(const struct bight_http_site *site, struct bight_http_request *request)
{
    if (is_named(site->guard, request) || !is_at_loopback(request)) {
        return true;
    }
    (void)bight_http_respond_error(request, 421, "this host is not served here");
    return false;
}

void bi_guard_requested(struct bi_http_server *server, struct bight_http_request *request)
{
    if (bi_guard_admits(bi_site_of(server), request)) {
        bi_site_requested(server, request);
    }
}

/* ------------------------------------------------------------------------------------------- its names */

/* Bytes that the names take; 0: one of them is no host. */
static size_t write_names(const char *const *names, size_t count, uint8_t *out)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t host[BI_HOST_SIZE];
        struct bi_authority authority;
        struct bi_view name = bi_view_of(names[i]);
        bool is_one = name.size < BI_HOST_SIZE &&
                      bi_authority_parse(&authority, name.at, (struct bi_span) { 0, (uint32_t)name.size });
        size_t host_size = is_one ? bi_host_read(name, host) : 0;
        if (host_size == 0) {
            return 0;
        }
        if (out != NULL) {
            memcpy(out + size, host, host_size);
            out[size + host_size] = '\n';
        }
        size += host_size + 1;
    }
    return size;
}

static int set_guard(struct bight_http_site *site, const char *const *names, size_t count)
{
    size_t size = write_names(names, count, NULL);
    if (count > 0 && size == 0) {
        return bi_http_usage(BIGHT_E_SYNTAX, "bight_http_site_guard_loopback: a name that is no host");
    }
    struct bi_http_guard *guard = bight_malloc(sizeof *guard + size);
    if (guard == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    guard->size = write_names(names, count, guard->names);
    bight_free(site->guard);
    site->guard = guard;
    if (site->use_count == 0) { /* else the chain asks it */
        site->server.ops = bi_site_ops_with_guard();
    }
    return BIGHT_OK;
}

int bight_http_site_guard_loopback(struct bight_http_site *site, const char *const *names, size_t count)
{
    if (site == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = set_guard(site, names, count);
    site->is_broken |= code != BIGHT_OK;
    return code;
}
