/* SPDX-License-Identifier: MIT */
/* trusted_proxies.c - who the client of a request is, as proxies that are trusted say (A8).
 *
 * Addresses are gone through from the right, the socket's peer first: as long as they are trusted, what stands before
 * them is believed. The first other is the client's, whatever it claims of those before it. */
#include <bight/memory.h>

#include "http/message/authority.h"
#include "http/message/forwarded.h"
#include "http/middleware/networks.h"
#include "http/middleware/provided.h"

#define MOST_LINES 16 /* of a field, from the last one */

struct trusted_proxies {
    bool reads_forwarded, reads_host;
    size_t count;
    struct bi_network networks[];
};

/* What was found: the client, and what was said of its request. */
struct finding {
    struct bight_address client;
    unsigned hops; /* members that were believed; 0: none */
    struct bi_view protocol, host;
};

/* ------------------------------------------------------------------------------ the members of a field */

/* Those of all lines, from the last one. */
struct members {
    struct bi_view lines[MOST_LINES];
    size_t count;
};

static struct members members_of(const struct bight_http_request *request, enum bi_name name)
{
    struct members members = { .count = 0 };
    for (uint16_t place = bi_head_first(&request->head, name); place != 0;
         place = bi_head_next(&request->head, request->bytes, name, NULL, 0, place)) {
        if (members.count == MOST_LINES) {
            memmove(members.lines, members.lines + 1, (MOST_LINES - 1) * sizeof *members.lines);
            members.count--;
        }
        struct bi_span value = request->fields[place - 1].value;
        members.lines[members.count++] = (struct bi_view) { request->bytes + value.at, value.size };
    }
    return members;
}

static bool last_of(struct members *members, struct bi_view *member)
{
    while (members->count > 0) {
        if (bi_forwarded_last(&members->lines[members->count - 1], member)) {
            return true;
        }
        members->count--;
    }
    return false;
}

/* Number `hops` from the right, or the leftmost if there are fewer; NULL: none. */
static struct bi_view member_at(const struct bight_http_request *request, enum bi_name name, unsigned hops)
{
    struct members members = members_of(request, name);
    struct bi_view found = { NULL, 0 }, member;
    for (unsigned i = 0; i < hops && last_of(&members, &member); i++) {
        found = member;
    }
    return found;
}

/* --------------------------------------------------------------------------------------- who it is */

/* The address that a member names, and what more it says. */
static bool read_member(const struct trusted_proxies *proxies, struct bi_view member, struct finding *finding)
{
    struct bi_forwarded forwarded = { .client = member };
    if (proxies->reads_forwarded && !bi_forwarded_parse(&forwarded, member)) {
        return false;
    }
    if (!bi_forwarded_address(forwarded.client, &finding->client)) {
        return false;
    }
    finding->protocol = forwarded.protocol;
    finding->host = forwarded.host;
    finding->hops++;
    return true;
}

/* Behind one that is no address nothing is known: the last that is stays the client's. */
static void find(
    const struct trusted_proxies *proxies, const struct bight_http_request *request, struct finding *finding)
{
    struct members members =
        members_of(request, proxies->reads_forwarded ? BI_NAME_FORWARDED : BI_NAME_X_FORWARDED_FOR);
    struct bi_view member;
    while (bi_networks_have(proxies->networks, proxies->count, &finding->client) && last_of(&members, &member) &&
           read_member(proxies, member, finding)) {
    }
    if (!proxies->reads_forwarded) {
        unsigned hops = finding->hops > 0 ? finding->hops : 1;
        finding->protocol = member_at(request, BI_NAME_X_FORWARDED_PROTO, hops);
        finding->host = member_at(request, BI_NAME_X_FORWARDED_HOST, hops);
    }
}

/* ---------------------------------------------------------------------------------------- the request */

static void set_protocol(struct bight_http_request *request, struct bi_view protocol)
{
    bool is_https = bi_view_equal_nocase(protocol, bi_view_of("https"));
    if (is_https || bi_view_equal_nocase(protocol, bi_view_of("http"))) {
        request->hooks.scheme = is_https ? BI_SCHEME_HTTPS : BI_SCHEME_HTTP;
    }
}

/* From here on it is what the request was sent to: for routes, and for the protection across origins. */
static void set_host(struct bight_http_request *request, struct bi_view host)
{
    struct bi_authority authority;
    struct bi_span span = { (uint32_t)(host.at - request->bytes), (uint32_t)host.size };
    if (host.size > 0 && bi_authority_parse(&authority, request->bytes, span)) {
        request->framing.authority = span;
        request->host = NULL;
    }
}

static bool look(struct bight_http_request *request, void *context)
{
    const struct trusted_proxies *proxies = context;
    struct finding finding = { .hops = 0 };
    if (bight_http_request_connection_peer(request, &finding.client) != BIGHT_OK ||
        !bi_networks_have(proxies->networks, proxies->count, &finding.client)) {
        return true;
    }
    find(proxies, request, &finding);
    set_protocol(request, finding.protocol);
    if (proxies->reads_host && finding.host.at != NULL) {
        set_host(request, finding.host);
    }
    if (finding.hops > 0) {
        struct bight_address *client = (struct bight_address *)(void *)bi_request_allocate(request, sizeof *client);
        if (client == NULL) {
            bi_exchange_abort(request); /* it must not be taken for the proxy's own */
            return false;
        }
        *client = finding.client;
        request->hooks.client = client;
    }
    return true;
}

static const struct bight_http_middleware_ops proxies_ops = { .size = sizeof proxies_ops, .before = look };

/* ---------------------------------------------------------------------------------------------- options */

int bight_http_use_trusted_proxies(
    struct bight_http_site *site, const char *const *networks, const struct bight_http_trusted_proxies_options *options)
{
    size_t count = 0;
    while (networks != NULL && networks[count] != NULL) {
        count++;
    }
    if (count == 0) {
        return bi_provided_refuse(site, "trusted proxies: there is no network");
    }
    struct trusted_proxies *proxies = bight_calloc(1, sizeof *proxies + count * sizeof *proxies->networks);
    for (size_t i = 0; proxies != NULL && i < count; i++) {
        if (!bi_network_parse(&proxies->networks[i], networks[i])) {
            bight_free(proxies);
            return bi_provided_refuse(site, "trusted proxies: a network is ADDRESS[/BITS], no bit set behind them, or "
                                            "\"unix\"");
        }
        proxies->count++;
    }
    if (proxies != NULL) {
        proxies->reads_forwarded = BI_GIVEN(options, reads_forwarded);
        proxies->reads_host = BI_GIVEN(options, reads_host);
    }
    return bi_provided_use(site, &proxies_ops, proxies, bight_free);
}
