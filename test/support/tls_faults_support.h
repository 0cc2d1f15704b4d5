/* SPDX-License-Identifier: MIT */
/* tls_faults_support.h - two ends that tell each other a secret while memory is refused, and what is looked at below
 * them and afterwards: a connection ends well or with a failure, and nothing of it is in the clear (L15). On top of
 * tls_pair_support.h. */
#ifndef BIGHT_TEST_TLS_FAULTS_SUPPORT_H
#define BIGHT_TEST_TLS_FAULTS_SUPPORT_H

#include <bight/sys/layer.h>

#include "tls_pair_support.h"

static const char secret[] = "this is the secret that nobody may see";
static uint8_t *bulk;
enum { BULK = 100000 };

/* ------------------------------------------------------------------------------------ below TLS */

/* Each connection has one at either end, which looks at what leaves. */
static struct bight_layer taps[4];
static size_t tap_count;
static bool was_seen; /* the secret, in the clear */

static void tap_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    bight_layer_deliver(layer, data, size);
}

static void tap_received_end(struct bight_layer *layer)
{
    bight_layer_deliver_end(layer);
}

static int tap_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        was_seen = was_seen || memmem(pieces[i].data, pieces[i].size, secret, sizeof secret) != NULL;
    }
    return bight_layer_send(layer, pieces, count);
}

static void tap_write_end(struct bight_layer *layer)
{
    bight_layer_send_end(layer);
}

static void tap_free(struct bight_layer *layer)
{
    (void)layer;
}

static const struct bight_layer_ops tap_ops = {
    .size = sizeof tap_ops,
    .received = tap_received,
    .received_end = tap_received_end,
    .write = tap_write,
    .write_end = tap_write_end,
    .free = tap_free,
};

static void tap(struct end *end, struct bight_transport *transport)
{
    struct bight_layer *layer = &taps[tap_count++];
    (void)end;
    *layer = (struct bight_layer) { .ops = &tap_ops };
    (void)bight_transport_push_layer(transport, layer);
}

/* ----------------------------------------------------------------------------------- a connection */

__attribute__((unused)) static bool was_secure(const char *name)
{
    char word[16];
    snprintf(word, sizeof word, "%s:secure", name);
    return strstr(heard, word) != NULL;
}

static void answer(struct end *end, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    struct bight_transport *transport = transport_of(SERVER);
    if (end->size == sizeof secret + BULK && transport != NULL) {
        (void)bight_transport_write(transport, secret, sizeof secret);
        (void)bight_transport_lose_connection(transport);
    }
}

static void say(const void *data, size_t size)
{
    struct bight_transport *client = transport_of(CLIENT);
    if (client != NULL) {
        (void)bight_transport_write(client, data, size);
    }
}

static void carry(void)
{
    if (pair != NULL) {
        (void)bight_pair_pump(pair, 0);
    }
}

static void begin(void)
{
    heard[0] = '\0';
    ends[SERVER].size = ends[CLIENT].size = 0;
    tap_count = 0;
    pair = bight_pair_connect(reactor, &ends[SERVER].factory, &ends[CLIENT].factory);
}

static bool got_all(void)
{
    return ends[SERVER].size == sizeof secret + BULK && memcmp(ends[SERVER].got, secret, sizeof secret) == 0 &&
           memcmp(ends[SERVER].got + sizeof secret, bulk, BULK) == 0 && ends[CLIENT].size == sizeof secret &&
           memcmp(ends[CLIENT].got, secret, sizeof secret) == 0;
}

static bool ended_in_good_order(void)
{
    return strstr(heard, "s:CONNECTION_DONE") != NULL && strstr(heard, "c:CONNECTION_DONE") != NULL;
}

/* Whatever happened, both ends have notified of the end; a good one means that everything came. */
static bool is_well(void)
{
    bool is_over = pair == NULL || bight_pair_is_over(pair);
    bool is_good = ended_in_good_order() ? got_all() : bight_testing_fault_injected();
    if (!is_over || !is_good || was_seen) {
        fprintf(
            stderr, "%s, %s: %s\n", is_over ? "over" : "still connected", was_seen ? "in the clear" : "secret", heard);
    }
    return is_over && is_good && !was_seen;
}

/* However long it takes: whoever hangs runs into a time limit. */
static void run_out(void)
{
    carry();
    for (int i = 0; i < 12; i++) {
        bight_testing_advance(reactor, 6);
    }
}

static void forget(void)
{
    bight_pair_free(pair);
    pair = NULL;
    (void)bight_testing_settle(reactor, 100);
}

static bool end(void)
{
    run_out();
    bool is_good = is_well();
    forget();
    return is_good;
}

static bool speak(void)
{
    begin();
    say(secret, sizeof secret);
    say(bulk, BULK);
    return end();
}

/* ----------------------------------------------------------------------------------- every moment */

static bool run(void *context)
{
    bool (*const *body)(void) = context;
    was_seen = false;
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    bool is_good = (*body)();
    bight_reactor_free(reactor);
    reactor = NULL;
    ERR_clear_error();
    return is_good;
}

static void ck_all_moments(bool (*body)(void))
{
    ck_survives_faults(run, &body);
}

/* The reactor is each run's own. */
static void set_up_talk(void)
{
    set_up();
    bight_reactor_free(reactor);
    reactor = NULL;
    bulk = make_data(BULK);
    ends[SERVER].made = ends[CLIENT].made = tap;
    ends[SERVER].data = answer;
}

static void tear_down_talk(void)
{
    free(bulk);
    tear_down();
}

static TCase *add_faults_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    give_faults_time(tests);
    tcase_add_checked_fixture(tests, set_up_talk, tear_down_talk);
    suite_add_tcase(suite, tests);
    return tests;
}

#endif
