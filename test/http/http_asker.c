/* SPDX-License-Identifier: MIT */
/* http_asker.c - a client for tests against servers that are not bight's. Makes a call COUNT times, all at once, over
 * at most 8 connections, and writes a line for each outcome that there was: how often, and what. Of a response that is
 * its status, the size of its body, the body's SHA-256, and how many redirects led there; of a failure its name, status
 * and words.
 *
 * Usage: http_asker CA|- COUNT METHOD URL [ENDPOINT [BODY]] */
#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/sys/digest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OUTCOMES 100

static struct bight_http_client *client;
static char **words;

static struct outcome {
    char text[1000];
    size_t times;
} outcomes[MAX_OUTCOMES];

static struct bight_deferred *ask(size_t index, void *context)
{
    struct bight_http_call *call = bight_http_call_new(client, words[3], words[4]);
    (void)index;
    (void)context;
    if (words[5] != NULL && words[5][0] != '\0') {
        (void)bight_http_call_endpoint(call, words[5]);
    }
    if (words[5] != NULL && words[6] != NULL) {
        (void)bight_http_call_body_text(call, words[6]);
    }
    return bight_http_call_send(call);
}

static void count(const char *text)
{
    struct outcome *outcome = outcomes;
    while (outcome->times > 0 && strcmp(outcome->text, text) != 0 && outcome < outcomes + MAX_OUTCOMES - 1) {
        outcome++;
    }
    (void)snprintf(outcome->text, sizeof outcome->text, "%s", text);
    outcome->times++;
}

static void count_response(struct bight_http_response *response)
{
    struct bight_bytes *body = bight_http_response_body(response);
    size_t size = body != NULL ? bight_bytes_size(body) : 0, hops = 0;
    uint8_t digest[BIGHT_SHA256_SIZE];
    char hex[2 * sizeof digest + 1], text[200];
    (void)bight_sha256(size > 0 ? (const void *)bight_bytes_data(body) : "", size, digest);
    bight_hex_encode(digest, sizeof digest, hex);
    while (bight_http_response_hop(response, hops, NULL, NULL)) {
        hops++;
    }
    (void)snprintf(text, sizeof text, "%d %zu %s %zu", bight_http_response_status(response), size, hex, hops);
    count(text);
}

static void report(struct bight_result *result, void *context)
{
    const struct bight_results *results = bight_result_peek(result, &bight_type_results);
    (void)context;
    for (size_t i = 0; results != NULL && i < results->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&results->items[i]);
        if (failure != NULL) {
            char text[1000];
            (void)snprintf(text, sizeof text, "%s/%d %s", bight_error_name(bight_failure_code(failure)),
                bight_failure_status(failure), bight_failure_message(failure));
            count(text);
        } else {
            count_response(bight_result_peek(&results->items[i], &bight_type_http_response));
        }
    }
    for (size_t i = 0; i < MAX_OUTCOMES && outcomes[i].times > 0; i++) {
        printf("%zu x %s\n", outcomes[i].times, outcomes[i].text);
    }
    bight_http_client_free(client);
}

static struct bight_deferred *run(struct bight_reactor *reactor, int argc, char **argv)
{
    if (argc < 5) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: see the source"));
    }
    struct bight_failure *failure = NULL;
    const struct bight_tls_client_options trust = { .size = sizeof trust, .ca.file = argv[1] };
    struct bight_tls *tls = strcmp(argv[1], "-") != 0 ? bight_tls_client_new(&trust, &failure) : NULL;
    const struct bight_http_call_options calls = { .size = sizeof calls, .tls = tls, .total_seconds = 30 };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    if (failure != NULL) {
        return bight_fail(failure);
    }
    client = bight_http_client_new(reactor, &options);
    bight_tls_release(tls);
    words = argv;
    size_t count_of_calls = strtoul(argv[2], NULL, 10);
    struct bight_deferred *all = bight_map_limited(ask, count_of_calls, count_of_calls, BIGHT_ALL_OUTCOMES, NULL);
    bight_deferred_add_both(all, report, NULL);
    return all;
}

int main(int argc, char **argv)
{
    return bight_main(run, argc, argv);
}
