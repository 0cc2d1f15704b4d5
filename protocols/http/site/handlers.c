/* SPDX-License-Identifier: MIT */
/* handlers.c - from a request to its handler: its path, its route, and what is answered when there is none (A5).
 *
 * The table of routes is routes.c's, mounted sites are mount.c's, pages are page.c's. */
#include "http/message/path.h"
#include "http/server/answer.h"
#include "http/site/route_walk.h"
#include "http/site/site.h"

_Static_assert(BI_HTTP_MAX_PARAMETERS >= BI_PATTERN_NAMES, "a request has room for all that a pattern names");

static struct bi_view view_of(const struct bight_http_request *request, struct bi_span span)
{
    return (struct bi_view) { request->bytes + span.at, span.size };
}

/* ---------------------------------------------------------------------------------------------- its path */

/* Room for a path in another form: what is left of the request's own text, if it will do. NULL when out of memory. */
static uint8_t *room_for(struct bight_http_request *request, size_t size)
{
    return size <= BI_HTTP_INLINE_TEXT - request->inline_used ? (uint8_t *)request->inline_text + request->inline_used
                                                              : (uint8_t *)bi_request_allocate(request, size);
}

/* Of one that is not canonical as it came. */
static int read_path(struct bight_http_request *request, const char **why)
{
    struct bi_path path;
    struct bi_view raw = view_of(request, request->framing.path);
    if (request->framing.target_kind == BI_TARGET_AUTHORITY) {
        raw.size = 0; /* CONNECT's target is a host alone: its routes are those of "/" */
    }
    uint8_t *room = room_for(request, raw.size + BI_PATH_BEHIND);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!bi_path_read(&path, raw, room)) {
        *why = path.why;
        return BIGHT_E_SYNTAX;
    }
    if (path.text.at == (const uint8_t *)request->inline_text + request->inline_used) {
        (void)bi_request_allocate(request, path.text.size + BI_PATH_BEHIND);
    }
    request->path = path.text;
    return BIGHT_OK;
}

static inline bool has_usual_path(const struct bight_http_request *request)
{
    return BI_USUALLY(request->head.is_usual_path) && BI_USUALLY(request->framing.target_kind == BI_TARGET_ORIGIN);
}

int bi_site_find_path(struct bight_http_request *request, const char **why)
{
    if (has_usual_path(request)) {
        request->path = view_of(request, request->framing.path);
        return BIGHT_OK;
    }
    return request->framing.target_kind == BI_TARGET_ASTERISK ? BIGHT_OK : read_path(request, why);
}

/* -------------------------------------------------------------------------------- without a handler */

/* 0, or a code: the field could not be set. */
static int set_allow(const struct bight_http_site *site, struct bight_http_request *request, uint64_t allowed)
{
    char text[1024];
    size_t size = bi_routes_allow(&site->routes, allowed, (uint8_t *)text, sizeof text - 1);
    if (size >= sizeof text) {
        return BIGHT_E_TOO_LONG;
    }
    text[size] = '\0';
    return bight_http_respond_set(request, "Allow", text);
}

static void answer_options(
    const struct bight_http_site *site, struct bight_http_request *request, const struct bi_route_match *match)
{
    if (set_allow(site, request, match->allowed) == BIGHT_OK) {
        (void)bight_http_respond_empty(request, 204);
    }
}

static void answer_not_allowed(
    const struct bight_http_site *site, struct bight_http_request *request, const struct bi_route_match *match)
{
    if (request->head.method_known == BI_METHOD_CONNECT) {
        bi_site_failed(request->server, request, 501, NULL); /* its target is no path (A14) */
    } else if (set_allow(site, request, match->allowed) == BIGHT_OK) {
        bi_site_failed(request->server, request, 405, NULL);
    }
}

/* A5: made of the path alone, so that nothing that a peer says of hosts gets into it. */
void bi_site_redirect_slash(struct bight_http_request *request, bool adds)
{
    const struct bi_framing *framing = &request->framing;
    struct bi_location location = {
        .path = request->path,
        .slash = adds ? BI_SLASH_ADDED : BI_SLASH_REMOVED,
        .has_query = framing->has_query,
        .query = view_of(request, framing->query),
    };
    size_t room = 3 * (location.path.size + location.query.size) + 2;
    char *text = bi_request_allocate(request, room + 1);
    if (text == NULL) {
        bi_exchange_abort(request);
        return;
    }
    text[bi_location_write(&location, (uint8_t *)text, room)] = '\0';
    if (bight_http_respond_set(request, "Location", text) == BIGHT_OK) {
        (void)bight_http_respond_empty(request, 308);
    }
}

/* --------------------------------------------------------------------------------------- its handler */

static void run_coroutine(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    const struct bi_http_route *route = request->route;
    route->coroutine(request, result, route->context);
}

static void __attribute__((noinline))
set_body_rules(struct bight_http_request *request, const struct bi_http_route *route)
{
    request->body.limit = route->body_limit != 0 ? route->body_limit : request->body.limit;
    if (route->decodes) {
        bight_http_request_decode(request);
    }
}

static inline void call(struct bight_http_request *request, struct bi_http_route *route, uint32_t index)
{
    request->route = route;
    request->route_index = index;
    request->seconds = route->seconds;
    request->cancel_when_gone = route->cancel_when_gone;
    if (BI_RARELY(route->has_body_rules) && request->has_body) {
        set_body_rules(request, route);
    }
    if (BI_USUALLY(route->coroutine == NULL)) {
        route->handler(request, route->context);
    } else {
        bi_answer_later(request, bight_spawn(bight_http_request_reactor(request), run_coroutine, request));
    }
}

/* A tunnel is nothing that a route for all methods could mean (A14). */
static bool is_meant(
    const struct bight_http_site *site, const struct bi_route_request *asked, const struct bi_route_match *match)
{
    return asked->method_known != BI_METHOD_CONNECT || site->routes.routes[match->route].method == BI_METHOD_CONNECT;
}

/* Where no handler has been found in the site. */
static void __attribute__((noinline)) answer_without(const struct bight_http_site *site,
    struct bight_http_request *request, enum bi_route_result result, const struct bi_route_match *match)
{
    bool is_tunnel = request->head.method_known == BI_METHOD_CONNECT;
    switch (result) {
    case BI_ROUTE_FOUND:
        bi_site_failed(request->server, request, 501, NULL);
        break;
    case BI_ROUTE_OPTIONS:
        answer_options(site, request, match);
        break;
    case BI_ROUTE_ADDS_SLASH:
        bi_site_redirect_slash(request, true);
        break;
    case BI_ROUTE_REMOVES_SLASH:
        bi_site_redirect_slash(request, false);
        break;
    case BI_ROUTE_NOT_ALLOWED:
        answer_not_allowed(site, request, match);
        break;
    case BI_ROUTE_NOT_FOUND:
        bi_site_failed(request->server, request, is_tunnel ? 501 : 404, NULL);
        break;
    }
}

/* A look-up from the site that serves on into those that are mounted in it. */
struct search {
    const struct bight_http_site *site, *around; /* around: the innermost that knows the path, for other methods */
    struct bi_route_request asked;
    struct bi_route_match match, around_match;
};

static void begin_search(struct search *search, const struct bight_http_site *site, struct bight_http_request *request)
{
    search->site = site;
    search->around = NULL;
    search->match.parts = request->parameters;
    search->asked = (struct bi_route_request) {
        .method_known = (enum bi_method)request->head.method_known,
        .method = view_of(request, request->head.method),
        .authority = view_of(request, request->framing.authority),
        .path = request->path,
    };
}

static void enter(struct search *search, struct bight_http_request *request)
{
    const struct bi_http_route *route = search->match.value;
    if (search->match.allowed != 0) {
        search->around = search->site;
        search->around_match = search->match;
    }
    bi_mount_enter(request, route, search->match.parts[search->match.count - 1]);
    search->site = route->mounted;
    search->asked.path.at = request->path.at + request->mount.at;
    search->asked.path.size = request->path.size - request->mount.at;
}

/* Parts are told by their places in the path that was looked up, which is the end of the whole one. */
static void call_found(struct bight_http_request *request, const struct bi_route_match *match)
{
    for (unsigned i = 0; request->is_mounted && i < match->count; i++) {
        request->parameters[i].at += request->mount.at;
    }
    request->parameter_count = match->count;
    call(request, match->value, match->route);
}

static void answer_not_found(
    const struct search *search, struct bight_http_request *request, enum bi_route_result result)
{
    if (result != BI_ROUTE_NOT_FOUND || search->around == NULL) {
        answer_without(search->site, request, result, &search->match);
        return;
    }
    bool asks = search->asked.method_known == BI_METHOD_OPTIONS;
    answer_without(search->around, request, asks ? BI_ROUTE_OPTIONS : BI_ROUTE_NOT_ALLOWED, &search->around_match);
}

static void __attribute__((noinline))
answer_by_route(const struct bight_http_site *site, struct bight_http_request *request)
{
    struct search search;
    enum bi_route_result result;
    begin_search(&search, site, request);
    while ((result = bi_routes_find(&search.site->routes, &search.asked, &search.match)) == BI_ROUTE_FOUND &&
           is_meant(search.site, &search.asked, &search.match)) {
        if (((const struct bi_http_route *)search.match.value)->mounted == NULL) {
            call_found(request, &search.match);
            return;
        }
        enter(&search, request);
        if (search.site->use_count > 0 && !bi_middleware_admits(search.site, request)) {
            return;
        }
        if (search.site->server.freed) {
            bi_site_failed(request->server, request, 503, NULL);
            return;
        }
    }
    answer_not_found(&search, request, result);
}

/* A path that is not its own canonical form, as far as the head's reader knows, or no path. */
static void __attribute__((noinline)) answer_strange(struct bight_http_site *site, struct bight_http_request *request)
{
    const char *why;
    if (request->framing.target_kind == BI_TARGET_ASTERISK) {
        (void)bight_http_respond_empty(request, 204); /* OPTIONS of the server as a whole */
        return;
    }
    int code = read_path(request, &why);
    if (code == BIGHT_OK) {
        answer_by_route(site, request);
    } else if (code == BIGHT_E_SYNTAX) {
        bi_exchange_refuse(request, 400, why);
    } else {
        bi_exchange_abort(request);
    }
}

/* Nearly every path is canonical as it came, stays where it is, and leads straight to its route. */
static inline void answer_straight(struct bight_http_site *site, struct bight_http_request *request)
{
    if (!has_usual_path(request)) {
        answer_strange(site, request);
        return;
    }
    unsigned count;
    request->path = view_of(request, request->framing.path);
    uint32_t found = bi_routes_find_straight(
        &site->routes, (enum bi_method)request->head.method_known, request->path, request->parameters, &count);
    if (BI_RARELY(found == 0)) {
        answer_by_route(site, request);
        return;
    }
    request->parameter_count = (uint8_t)count;
    call(request, site->routes.routes[found - 1].value, found - 1);
}

/* What may change something, or is a tunnel. */
static void __attribute__((noinline)) answer_harmful(struct bight_http_site *site, struct bight_http_request *request)
{
    if (!bi_cross_origin_admits(site, request)) {
        bi_site_failed(&site->server, request, 403, "a request from another site");
    } else if (request->head.method_known == BI_METHOD_CONNECT) {
        answer_strange(site, request);
    } else {
        answer_straight(site, request);
    }
}

void bi_site_requested(struct bi_http_server *server, struct bight_http_request *request)
{
    struct bight_http_site *site = bi_site_of(server);
    if (BI_RARELY(!bi_method_is_harmless(request->head.method_known))) {
        answer_harmful(site, request);
    } else {
        answer_straight(site, request);
    }
}
