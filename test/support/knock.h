/* SPDX-License-Identifier: MIT */
/* knock.h - an endpoint type as a third party would write it, with nothing but what is installed: "knock:PASSWORD:..."
 * before any other endpoint. The client says "knock PASSWORD", the server answers "enter" or "go away", a line each;
 * then the connection is as if nothing had been. */
#ifndef BIGHT_TEST_KNOCK_H
#define BIGHT_TEST_KNOCK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/sys/endpoint.h>

#define KNOCK_LINE 64

struct knock {
    struct bight_layer base;
    bool is_client, is_over;
    char expected[KNOCK_LINE];
    char line[KNOCK_LINE];
    size_t size;
};

/* Of the type: what its connections need. */
struct knock_door {
    bool is_client;
    char password[KNOCK_LINE - sizeof "knock \n"];
};

static unsigned knock_layers, knock_doors;     /* there are */
static const struct bight_address *knock_peer; /* that a server learns with the knocking; NULL: none */
static int knock_prepare_code = 1;             /* what `prepare` returns besides what it does */

static void knock_say(struct knock *knock, const char *text)
{
    struct bight_piece piece = { .data = (const uint8_t *)text, .size = strlen(text), .counted = true };
    (void)bight_layer_send(&knock->base, &piece, 1);
}

static int knock_prepare(struct bight_layer *layer)
{
    struct knock *knock = (struct knock *)layer;
    if (knock->is_client) {
        knock_say(knock, knock->expected);
    }
    return knock_prepare_code;
}

static void knock_judge(struct knock *knock)
{
    const char *expected = knock->is_client ? "enter\n" : knock->expected;
    bight_layer_greeted(&knock->base);
    knock->is_over = true;
    if (knock_peer != NULL && bight_layer_set_peer(&knock->base, knock_peer) != 0) {
        bight_layer_fail(
            &knock->base, bight_failure_new(BIGHT_E_PERMISSION_DENIED, 0, NULL, "from a place that is not admitted"));
        return;
    }
    if (knock->size == strlen(expected) && memcmp(knock->line, expected, knock->size) == 0) {
        if (!knock->is_client) {
            knock_say(knock, "enter\n");
        }
        bight_layer_ready(&knock->base);
        return;
    }
    if (!knock->is_client) {
        knock_say(knock, "go away\n");
    }
    bight_layer_fail(&knock->base,
        bight_failure_new(BIGHT_E_PERMISSION_DENIED, 0, NULL, knock->is_client ? "sent away" : "a wrong password"));
}

static void knock_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct knock *knock = (struct knock *)layer;
    while (!knock->is_over && size > 0 && knock->size < sizeof knock->line) {
        knock->line[knock->size++] = (char)*data;
        size--;
        if (*data++ == '\n') {
            knock_judge(knock);
        }
    }
    bight_layer_deliver(layer, data, size); /* what is too long stays unanswered, for the limits to end */
}

static void knock_free(struct bight_layer *layer)
{
    knock_layers--;
    free(layer);
}

static const struct bight_layer_ops knock_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = knock_received,
    .free = knock_free,
    .prepare = knock_prepare,
};

static struct bight_layer *knock_make(void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    const struct knock_door *door = context;
    struct knock *knock = calloc(1, sizeof *knock);
    (void)transport;
    (void)failure;
    knock->base.ops = &knock_ops;
    knock->is_client = door->is_client;
    snprintf(knock->expected, sizeof knock->expected, "knock %s\n", door->password);
    knock_layers++;
    return &knock->base;
}

static void knock_release(void *context)
{
    knock_doors--;
    free(context);
}

static struct bight_wrapper knock_wrapper(const char *password, bool is_client)
{
    struct knock_door *door = calloc(1, sizeof *door);
    door->is_client = is_client;
    snprintf(door->password, sizeof door->password, "%s", password);
    knock_doors++;
    return (struct bight_wrapper) {
        .size = sizeof(struct bight_wrapper),
        .name = "knock",
        .make_layer = knock_make,
        .release = knock_release,
        .context = door,
    };
}

/* ------------------------------------------------------------------------------------- as an endpoint */

enum knock_argument { KNOCK_PASSWORD, KNOCK_TIMEOUT, KNOCK_INNER };

static const struct bight_argument_rule knock_rules[] = {
    [KNOCK_PASSWORD] = { "password", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true, .secret = true },
    [KNOCK_TIMEOUT] = { "patience", BIGHT_ARGUMENT_SECONDS },
    [KNOCK_INNER] = { "endpoint", BIGHT_ARGUMENT_ENDPOINT, .positional = true, .required = true },
    { NULL },
};

static struct bight_deferred *knock_listen(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_wrapper wrapper = knock_wrapper(arguments[KNOCK_PASSWORD].text, false);
    wrapper.timeout = arguments[KNOCK_TIMEOUT].seconds;
    return bight_listen_through(reactor, &arguments[KNOCK_INNER], factory, &wrapper);
}

static struct bight_deferred *knock_connect(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_wrapper wrapper = knock_wrapper(arguments[KNOCK_PASSWORD].text, true);
    wrapper.timeout = arguments[KNOCK_TIMEOUT].seconds;
    return bight_connect_through(reactor, &arguments[KNOCK_INNER], factory, &wrapper);
}

static const struct bight_endpoint_type knock_type = {
    .name = "knock",
    .help = "knock:PASSWORD[:patience=SECONDS]:ENDPOINT",
    .rules = knock_rules,
    .listen = knock_listen,
    .connect = knock_connect,
};

#endif
