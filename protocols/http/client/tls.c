/* SPDX-License-Identifier: MIT */
/* tls.c - the context for https of a client that was given none: what the system trusts, and http/1.1 (C9).
 *
 * Reading that takes some 100 ms the first time, so a thread does it, when the first connection needs it. */
#include "http/client/client.h"

#include <bight/thread.h>

static void make(struct bight_result *result, void *context)
{
    const struct bight_tls_client_options options = { .size = sizeof options, .alpn = "http/1.1" };
    struct bight_failure *failure = NULL;
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    (void)context;
    if (tls == NULL) {
        bight_result_fail(result, failure);
    } else {
        bight_result_set(result, &bight_type_tls, tls);
    }
}

static bool waits(const struct bi_attempt *attempt)
{
    return attempt->deferred == NULL && attempt->connection == NULL;
}

static struct bi_attempt *first_waiting(struct bight_http_client *client)
{
    for (struct bi_link *link = client->attempts.next; link != &client->attempts; link = link->next) {
        struct bi_attempt *attempt = BI_LINKED(struct bi_attempt, link, link);
        if (waits(attempt)) {
            return attempt;
        }
    }
    return NULL;
}

/* One after the other from the beginning: going on, and failing, may do anything to the others. */
static void go_on(struct bight_http_client *client, const struct bight_failure *failure)
{
    struct bi_attempt *attempt;
    while ((attempt = first_waiting(client)) != NULL) {
        if (failure == NULL) {
            bi_attempt_connect(attempt);
        } else {
            bi_attempt_fail(attempt, bight_failure_hold(failure));
        }
    }
}

static void made(struct bight_result *result, void *context)
{
    struct bight_http_client *client = context;
    bight_deferred_release(client->making_tls);
    client->making_tls = NULL;
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)bight_factory_hold(&client->factory);
    if (failure == NULL) {
        client->tls = bight_result_take(result, &bight_type_tls);
    }
    if (!client->is_freed) {
        go_on(client, failure);
    }
    bight_failure_release(failure);
    bight_factory_release(&client->factory);
}

static void release_client(void *context)
{
    struct bight_http_client *client = context;
    bight_factory_release(&client->factory);
}

int bi_client_need_tls(struct bight_http_client *client)
{
    if (client->tls != NULL || client->making_tls != NULL) {
        return client->tls != NULL ? BI_TLS_THERE : BIGHT_OK;
    }
    struct bight_deferred *making = bight_defer_to_thread(client->reactor, make, NULL);
    client->making_tls = making;
    (void)bight_factory_hold(&client->factory);
    int code = bight_deferred_add_both_full(making, made, client, release_client);
    if (code != BIGHT_OK) {
        client->making_tls = NULL;
        bight_deferred_cancel(making);
        bight_deferred_release(making);
        bight_factory_release(&client->factory);
    }
    return code;
}

void bi_client_forget_tls(struct bight_http_client *client)
{
    struct bight_deferred *making = client->making_tls;
    if (making != NULL) {
        bight_deferred_cancel(making); /* `made` releases it */
    }
    bight_tls_release(client->tls);
    client->tls = NULL;
}
