/* SPDX-License-Identifier: MIT */
/* proxy.c - a proxy: whoever connects to the one endpoint talks with the other. */
#include "proxy.h"

#include <stdio.h>

static const struct bight_protocol_ops no_ops = { .connection_made = NULL };
static struct bight_factory servers = BIGHT_FACTORY(struct bight_protocol, &no_ops);

static void ended(struct bight_result *result, void *context)
{
    struct bight_join_counts *counts = bight_result_peek(result, &bight_type_join_counts);
    (void)context;
    if (counts != NULL) {
        printf("%lu bytes there, %lu back\n", (unsigned long)counts->from_first, (unsigned long)counts->from_second);
        fflush(stdout);
    }
    bight_result_clear(result);
}

static void connected(struct bight_result *result, void *context)
{
    struct bight_protocol *client = context, *server = bight_result_peek(result, &bight_type_protocol);
    struct bight_deferred *joined = bight_transport_join(client->transport, server->transport);
    bight_deferred_add_both(joined, ended, NULL);
    bight_deferred_release(joined);
}

static void refused(struct bight_result *result, void *context)
{
    struct bight_protocol *client = context;
    bight_result_clear(result);
    bight_transport_abort_connection(client->transport);
}

static void connection_made(struct bight_protocol *client)
{
    bight_transport_pause(client->transport);
    struct bight_deferred *connecting =
        bight_connect(bight_transport_reactor(client->transport), client->factory->context, &servers);
    bight_deferred_add_callbacks(connecting, connected, refused, client);
    bight_deferred_release(bight_protocol_tie(client, connecting));
}

static const struct bight_protocol_ops client_ops = { .connection_made = connection_made };
struct bight_factory proxy_factory = BIGHT_FACTORY(struct bight_protocol, &client_ops);
