/* SPDX-License-Identifier: MIT */
/* http_fetch_test.c - a program that fetches prices, and its tests: servers that misbehave, on a simulated network. */
#include <bight/bight.h>
#include <bight/protocols/http_client.h>
#include <bight/protocols/http_client_testing.h>
#include <bight/testing/simulation.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------- the program */

static struct bight_http_client *client;
static char shown[100];

static void show(struct bight_result *result, void *context)
{
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    (void)context;
    if (response == NULL) {
        snprintf(
            shown, sizeof shown, "no prices: %s", bight_error_name(bight_failure_code(bight_result_failure(result))));
    } else {
        snprintf(shown, sizeof shown, "%zu bytes", bight_bytes_size(bight_http_response_body(response)));
    }
    bight_result_clear(result);
}

static void fetch_prices(void)
{
    const struct bight_http_call_options options = { .size = sizeof options, .total_seconds = 20 };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://shop/prices");
    bight_http_call_configure(call, &options);
    struct bight_deferred *asked = bight_http_call_send(call);
    bight_deferred_add_both(asked, show, NULL);
    bight_deferred_release(asked);
}

/* ------------------------------------------------------------------------------------------- its tests */

static struct bight_simulation *simulation;
static struct bight_http_misbehaving *shop;

/* What the program shows when the shop answers so, and after how long at most. */
static void expect(const char *script, double seconds, const char *text)
{
    assert(bight_http_misbehaving_rule(shop, "/prices", script) == 0);
    fetch_prices();
    bight_simulation_run(simulation, seconds);
    assert(strcmp(shown, text) == 0);
    shown[0] = '\0';
}

static void a_shop_that_is_not_well_is_told_apart(void)
{
    expect("size=300", 1, "300 bytes");
    expect("size=300&length=400&end=close", 1, "no prices: INCOMPLETE");
    expect("size=300&cut=200&end=reset", 1, "no prices: INCOMPLETE");
    expect("garbage=1000", 1, "no prices: SYNTAX");
    expect("loop=yes", 1, "no prices: LIMIT");
    expect("coding=bomb", 1, "no prices: TOO_LONG");
    expect("pace=1", 22, "no prices: TIMED_OUT");
}

static void a_connection_is_kept_and_replaced_when_it_is_stale(void)
{
    struct bight_http_misbehaving_figures figures = { .size = sizeof figures };
    expect("size=300", 1, "300 bytes");
    expect("size=300&next=close", 1, "300 bytes");
    expect("size=300", 1, "300 bytes");
    bight_http_misbehaving_read_figures(shop, &figures);
    assert(figures.connections == 2);
    assert(figures.requests == 4); /* the third one was sent again */
}

static void try(void (*test)(void))
{
    simulation = bight_simulation_new(1);
    struct bight_reactor *far = bight_host_reactor(bight_simulation_host(simulation, "shop"));
    struct bight_reactor *near = bight_host_reactor(bight_simulation_host(simulation, "program"));
    shop = bight_http_misbehaving_new();
    bight_serve(far, "tcp:80", bight_http_misbehaving_factory(shop));
    client = bight_http_client_new(near, NULL);
    test();
    bight_http_client_free(client);
    bight_reactor_free(near);
    bight_http_misbehaving_free(shop);
    bight_reactor_free(far);
    bight_simulation_free(simulation);
}

int main(void)
{
    try(a_shop_that_is_not_well_is_told_apart);
    try(a_connection_is_kept_and_replaced_when_it_is_stale);
    return 0;
}
