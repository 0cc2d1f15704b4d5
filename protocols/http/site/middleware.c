/* SPDX-License-Identifier: MIT */
/* middleware.c - a site's chain of middleware: who is asked before a handler, and told of its answer and of the end
 * (A6).
 *
 * A request remembers for each site that it comes to how many of its middleware it has met, so that one that waited
 * goes on by asking for its route again from the beginning, and meets nobody twice. When head and end are told is
 * server/hooks.c's. A site without middleware never comes here. */
#include <bight/memory.h>

#include "http/site/site.h"

/* ----------------------------------------------------------------------------------------- the chain */

void bi_middleware_free(struct bight_http_site *site)
{
    struct bi_http_middleware *uses = site->uses;
    uint32_t count = site->use_count;
    site->uses = NULL;
    site->use_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (uses[i].release != NULL) {
            uses[i].release(uses[i].context);
        }
    }
    bight_free(uses);
}

static bool make_room(struct bight_http_site *site)
{
    if (site->use_count < site->use_room) {
        return true;
    }
    uint32_t room = site->use_room == 0 ? 8 : 2 * site->use_room;
    struct bi_http_middleware *uses = bight_realloc(site->uses, room * sizeof *uses);
    if (uses == NULL) {
        return false;
    }
    site->uses = uses;
    site->use_room = room;
    return true;
}

/* Past the fast way of sites that have none: theirs costs nothing for it. */
static int add(struct bight_http_site *site, const struct bi_http_middleware *one)
{
    if (!make_room(site)) {
        site->is_broken = true;
        return BIGHT_E_OUT_OF_MEMORY;
    }
    site->uses[site->use_count++] = *one;
    site->server.ops = bi_site_ops_with_middleware();
    return BIGHT_OK;
}

static int refuse_table(struct bight_http_site *site)
{
    site->is_broken = true;
    return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a middleware: its table is missing, or does not say its size");
}

int bight_http_use_full(struct bight_http_site *site, const struct bight_http_middleware_ops *ops, void *context,
    bight_release_function release)
{
    struct bi_http_middleware one = { ops, context, release };
    int code = site == NULL                             ? BIGHT_E_OUT_OF_MEMORY
               : ops == NULL || ops->size < sizeof *ops ? refuse_table(site)
                                                        : add(site, &one);
    if (code != BIGHT_OK && release != NULL) {
        release(context);
    }
    return code;
}

int bight_http_use(struct bight_http_site *site, const struct bight_http_middleware_ops *ops, void *context)
{
    return bight_http_use_full(site, ops, context, NULL);
}

/* ------------------------------------------------------------------------------------------- before */

static void set_up(struct bight_http_request *request)
{
    request->hooks = (struct bi_http_hooks) { .first = NULL };
    request->has_hooks = true;
    request->due |= BI_DUE_HOOKS;
}

/* What the request has met of this site's; NULL when out of memory. */
static struct bi_passage *find_passage(struct bight_http_request *request, const struct bight_http_site *site)
{
    struct bi_http_hooks *hooks = &request->hooks;
    if (!(request->due & BI_DUE_HOOKS)) {
        set_up(request);
    }
    for (struct bi_passage *passage = hooks->first; passage != NULL; passage = passage->next) {
        if (passage->site == site) {
            return passage;
        }
    }
    struct bi_passage *passage = (struct bi_passage *)bi_request_allocate(request, sizeof *passage);
    if (passage != NULL) {
        *passage = (struct bi_passage) { .site = site };
        *(hooks->last != NULL ? &hooks->last->next : &hooks->first) = passage;
        hooks->last = passage;
    }
    return passage;
}

/* Whether the request goes on behind this one. One that proceeded within has gone on already. */
static bool ask(const struct bi_http_middleware *middleware, struct bight_http_request *request)
{
    if (middleware->ops->before == NULL) {
        return true;
    }
    request->hooks.may_proceed = true;
    bool admits = middleware->ops->before(request, middleware->context) && request->hooks.may_proceed;
    if (admits) {
        request->hooks.may_proceed = false;
    }
    return admits && request->answer.state == BI_ANSWER_NONE && !request->gone;
}

bool bi_middleware_admits(const struct bight_http_site *site, struct bight_http_request *request)
{
    struct bi_passage *passage = find_passage(request, site);
    if (passage == NULL) {
        bi_exchange_abort(request);
        return false;
    }
    while (passage->passed < site->use_count) {
        struct bi_http_middleware one = site->uses[passage->passed++]; /* more may be added within */
        if (!ask(&one, request)) {
            return false;
        }
    }
    return true;
}

/* A path that is refused is not read before the chain has been asked: what a log should show is that refusal, too. */
static void go_on(struct bi_http_server *server, struct bight_http_request *request)
{
    if (!bi_middleware_admits(bi_site_of(server), request)) {
        return;
    }
    if (server->freed) {
        bi_site_failed(server, request, 503, NULL);
    } else if (bi_site_of(server)->guard == NULL || bi_guard_admits(bi_site_of(server), request)) {
        bi_site_requested(server, request);
    }
}

void bi_middleware_requested(struct bi_http_server *server, struct bight_http_request *request)
{
    const char *why;
    (void)bi_site_find_path(request, &why); /* for who asks; found out again, and answered, behind the chain */
    go_on(server, request);
}

int bight_http_request_proceed(struct bight_http_request *request)
{
    if (!(request->due & BI_DUE_HOOKS) || !request->hooks.may_proceed) {
        return request->gone || request->answer.state == BI_ANSWER_WHOLE
                   ? BIGHT_E_CLOSED
                   : bi_http_usage(BIGHT_E_USAGE, "proceed: no middleware has stopped the request");
    }
    request->hooks.may_proceed = false;
    if (!bight_http_request_is_open(request) || request->gone) {
        return BIGHT_E_CLOSED;
    }
    if (request->answer.state != BI_ANSWER_NONE) {
        return bi_http_usage(BIGHT_E_USAGE, "proceed: the request has been answered");
    }
    request->is_mounted = false; /* mounted sites are entered again */
    bi_request_begin_pending(request);
    go_on(request->server, request);
    if (request->is_parked && request->connection != NULL && request->answer.state == BI_ANSWER_NONE) {
        bi_deadlines_limit_answer(request);
    }
    bi_request_end_pending(request);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------- head and end */

/* Number `index` of what the passage has met; NULL: there are no more, or the site has been freed. */
static const struct bi_http_middleware *met(const struct bi_passage *passage, uint32_t index)
{
    const struct bight_http_site *site = passage->site;
    return index < passage->passed && index < site->use_count ? &site->uses[index] : NULL;
}

void bi_middleware_announced(struct bi_http_server *server, struct bight_http_request *request, int status)
{
    (void)server;
    const struct bi_http_middleware *one;
    for (const struct bi_passage *passage = request->hooks.first; passage != NULL; passage = passage->next) {
        for (uint32_t i = 0; (one = met(passage, i)) != NULL; i++) {
            if (one->ops->head != NULL && request->answer.state == BI_ANSWER_ANNOUNCED) {
                one->ops->head(request, status, one->context);
            }
        }
    }
}

/* One that is answered before its handler returns has not waited for the program. */
static double seconds_of(const struct bight_http_request *request)
{
    struct bight_reactor *reactor = request->server->factory.reactor;
    if (!request->is_parked || reactor == NULL) {
        return 0;
    }
    uint64_t now = bight_clock_now(bight_reactor_clock(reactor));
    return now > request->parked_at ? (double)(now - request->parked_at) / 1e9 : 0;
}

void bi_middleware_ended(struct bi_http_server *server, struct bight_http_request *request)
{
    (void)server;
    const struct bi_http_middleware *one;
    struct bight_http_outcome outcome = {
        .status = request->hooks.sent > 0 ? request->answer.status : 0,
        .bytes_sent = request->hooks.sent,
        .seconds = seconds_of(request),
        .is_whole = request->answer.state == BI_ANSWER_WHOLE && !request->hooks.was_aborted,
    };
    for (const struct bi_passage *passage = request->hooks.first; passage != NULL; passage = passage->next) {
        for (uint32_t i = 0; (one = met(passage, i)) != NULL; i++) {
            if (one->ops->done != NULL) {
                one->ops->done(request, &outcome, one->context);
            }
        }
    }
}
