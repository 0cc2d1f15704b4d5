/* SPDX-License-Identifier: MIT */
/* dial.c - the factory that stands in front of the client's for one attempt, if somebody wants to see its addresses:
 * hooks (C10), a filter, or `public_only` (C11).
 *
 * It is asked with each address that is about to be connected to, of a race too. It stays as long as the connection
 * that came of it, the attempt does not. */
#include "http/client/dial.h"
#include "http/client/trace.h"

#include <bight/memory.h>

struct bi_dial {
    struct bight_factory factory;
    struct bi_attempt *attempt; /* NULL: it is over */
    bool has_begun;             /* it has been asked before */
};

static bool may_connect(struct bight_factory *factory, const struct bight_address *address)
{
    struct bi_dial *dial = (struct bi_dial *)factory;
    const struct bi_attempt *attempt = dial->attempt;
    if (attempt == NULL) {
        return false;
    }
    if (!dial->has_begun) {
        dial->has_begun = true;
        bi_trace_note(attempt->call, BIGHT_HTTP_STEP_RESOLVED);
    }
    const struct bi_pool_host *host = attempt->host;
    const struct bight_http_client_hooks *hooks = &host->client->hooks;
    if (host->client->public_only && !host->is_elsewhere && !bight_http_address_is_public(address)) {
        return false;
    }
    return hooks->may_connect == NULL || hooks->may_connect(address, host->name, hooks->context);
}

static void free_dial(struct bight_factory *factory)
{
    bight_free(factory);
}

static const struct bight_factory_ops ops = { .may_connect = may_connect, .release = free_dial };

static bool is_watched(const struct bight_http_client *client)
{
    return client->public_only || client->hooks.step != NULL || client->hooks.may_connect != NULL;
}

struct bight_factory *bi_dial_begin(struct bi_attempt *attempt)
{
    struct bight_http_client *client = attempt->host->client;
    if (!is_watched(client)) {
        return &client->factory;
    }
    struct bi_dial *dial = bight_calloc(1, sizeof *dial);
    if (dial == NULL) {
        return NULL;
    }
    dial->factory = (struct bight_factory)BIGHT_FACTORY_OVER(&client->factory, &ops, NULL);
    dial->attempt = attempt;
    attempt->dial = dial;
    return bight_factory_hold(&dial->factory);
}

void bi_dial_end(struct bi_attempt *attempt)
{
    struct bi_dial *dial = attempt->dial;
    if (dial != NULL) {
        attempt->dial = NULL;
        dial->attempt = NULL;
        bight_factory_release(&dial->factory);
    }
}
