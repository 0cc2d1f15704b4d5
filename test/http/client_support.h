/* SPDX-License-Identifier: MIT */
/* client_support.h - a client on a simulated network, and peers that say given bytes at given times.
 *
 * A peer is a host of its own. It takes requests apart only so far as to know where each ends, and answers as it has
 * been told: with the same text, or by a script of the test's. Time is the simulation's. */
#ifndef BIGHT_TEST_HTTP_CLIENT_SUPPORT_H
#define BIGHT_TEST_HTTP_CLIENT_SUPPORT_H

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/protocols/http_client.h>
#include <bight/testing.h>
#include <bight/testing/simulation.h>
#include <bight/version.h>

#include <stdio.h>
#include <strings.h>

#include "heard.h"
#include "support.h"

#include <bight/testing/check.h>

#define HEAD_200 "HTTP/1.1 200 OK\r\n"
#define ANSWER(body_size, body) HEAD_200 "Content-Length: " #body_size "\r\n\r\n" body

enum { MOST_HEARD = 100000 };

struct peer;

/* A connection of a peer's. */
struct talk {
    struct bight_protocol base;
    struct peer *peer;
    unsigned number;   /* of the peer's connections, from 1 */
    unsigned requests; /* that have come on it */
    size_t size;
    bool ends; /* the client has half-closed, or closed */
    char input[MOST_HEARD];
};

struct peer {
    struct bight_factory factory;
    struct bight_reactor *reactor;
    const char *greeting;                                   /* said before anything is asked; NULL: nothing */
    const char *answer;                                     /* to each request, unless there is a script */
    void (*script)(struct talk *talk, const char *request); /* of one request with its body */
    void (*hears)(struct talk *talk);                       /* in its place: of whatever has come; NULL: none */
    struct bight_tls *tls;                                  /* NULL: none */
    bool is_deaf;                                           /* it does not read */
    unsigned accepted, open, requests;
    char last[MOST_HEARD]; /* request */
};

static struct bight_simulation *network;
static struct bight_reactor *client_reactor;
static struct bight_http_client *client;
static struct peer *peers[16];
static size_t peer_count, usage_errors;

/* ------------------------------------------------------------------------------------------- peers */

static struct talk *talk_of(struct bight_protocol *protocol)
{
    return bight_self(struct talk, protocol);
}

__attribute__((unused)) static void say(struct talk *talk, const char *text)
{
    (void)bight_transport_write(talk->base.transport, text, strlen(text));
}

__attribute__((unused)) static void hang_up(struct talk *talk)
{
    (void)bight_transport_lose_connection(talk->base.transport);
}

struct later {
    struct bight_reactor *reactor;
    uint64_t id;
    const char *text; /* NULL: hang up */
};

static void say_it(void *context)
{
    struct later *later = context;
    struct bight_transport *transport = bight_transport_find(later->reactor, later->id);
    if (transport != NULL && later->text != NULL) {
        (void)bight_transport_write(transport, later->text, strlen(later->text));
    } else if (transport != NULL) {
        (void)bight_transport_lose_connection(transport);
    }
}

/* The text lives for ever; NULL: hangs up. */
__attribute__((unused)) static void say_after(struct talk *talk, double seconds, const char *text)
{
    struct later *later = bight_calloc(1, sizeof *later);
    later->reactor = talk->peer->reactor;
    later->id = bight_transport_id(talk->base.transport);
    later->text = text;
    (void)bight_call_later_full(later->reactor, seconds, say_it, later, bight_free, NULL);
}

static void talk_begins(struct bight_protocol *protocol)
{
    struct talk *talk = talk_of(protocol);
    talk->peer = (struct peer *)protocol->factory;
    talk->number = ++talk->peer->accepted;
    talk->peer->open++;
    if (talk->peer->greeting != NULL) {
        say(talk, talk->peer->greeting);
    }
    if (talk->peer->is_deaf) {
        (void)bight_transport_pause(protocol->transport);
    }
    if (talk->peer->tls != NULL) {
        (void)bight_transport_start_tls(protocol->transport, talk->peer->tls, NULL);
    }
}

/* Bytes of the request at the beginning of the input; 0: it is not whole. */
static size_t request_size(struct talk *talk)
{
    talk->input[talk->size] = '\0';
    const char *end = strstr(talk->input, "\r\n\r\n");
    const char *length = strcasestr(talk->input, "\r\nContent-Length: ");
    if (end == NULL) {
        return 0;
    }
    size_t size = (size_t)(end + 4 - talk->input);
    size += length != NULL && length < end ? strtoul(length + 18, NULL, 10) : 0;
    return size <= talk->size ? size : 0;
}

static void answer(struct talk *talk, size_t size)
{
    struct peer *peer = talk->peer;
    memcpy(peer->last, talk->input, size);
    peer->last[size] = '\0';
    memmove(talk->input, talk->input + size, talk->size - size);
    talk->size -= size;
    talk->requests++;
    peer->requests++;
    if (peer->script != NULL) {
        peer->script(talk, peer->last);
    } else if (peer->answer != NULL) {
        say(talk, peer->answer);
    }
}

static void talk_goes_on(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct talk *talk = talk_of(protocol);
    ck_assert_uint_lt(talk->size + size, sizeof talk->input);
    memcpy(talk->input + talk->size, data, size);
    talk->size += size;
    talk->input[talk->size] = '\0';
    if (talk->peer->hears != NULL) {
        talk->peer->hears(talk);
        return;
    }
    while ((size = request_size(talk)) > 0) {
        answer(talk, size);
    }
}

static void talk_is_over(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)reason;
    talk_of(protocol)->peer->open--;
}

static const struct bight_protocol_ops talk_ops = {
    .connection_made = talk_begins, .data_received = talk_goes_on, .connection_lost = talk_is_over
};

/* A host with the name, which listens there; NULL when out of memory. */
static inline struct peer *make_peer(const char *name, const char *endpoint, const char *text)
{
    struct bight_host *host = bight_simulation_host(network, name);
    struct bight_reactor *reactor = host != NULL ? bight_host_reactor(host) : NULL;
    struct peer *peer = reactor != NULL ? bight_calloc(1, sizeof *peer) : NULL;
    if (peer == NULL) {
        bight_reactor_free(reactor);
        return NULL;
    }
    peer->factory = (struct bight_factory)BIGHT_FACTORY(struct talk, &talk_ops);
    peer->reactor = reactor;
    peer->answer = text;
    peers[peer_count++] = peer;
    return bight_serve(reactor, endpoint, &peer->factory) == 0 ? peer : NULL;
}

/* `endpoint` may be NULL: "tcp:80". */
static inline struct peer *add_peer(const char *name, const char *endpoint, const char *text)
{
    struct peer *peer = make_peer(name, endpoint != NULL ? endpoint : "tcp:80", text);
    ck_assert_ptr_nonnull(peer);
    return peer;
}

/* ------------------------------------------------------------------------------------------- the world */

static inline void count_errors(const struct bight_log_event *event, void *context)
{
    (void)context;
    usage_errors += event->system != NULL && strcmp(event->system, "usage") == 0;
}

static inline void begin_world(const struct bight_http_client_options *options)
{
    heard[0] = '\0';
    usage_errors = 0;
    bight_trial_use_check();
    bight_log_set_observer(count_errors, NULL);
    network = bight_simulation_new(1);
    client_reactor = bight_host_reactor(bight_simulation_host(network, "client"));
    client = bight_http_client_new(client_reactor, options);
}

static inline void pass(double seconds)
{
    bight_simulation_run(network, seconds);
}

/* Nothing of the client is left behind. */
static inline void end_world(void)
{
    bight_http_client_free(client);
    client = NULL;
    pass(1);
    bight_reactor_free(client_reactor);
    for (; peer_count > 0; peer_count--) {
        bight_reactor_free(peers[peer_count - 1]->reactor);
        bight_tls_release(peers[peer_count - 1]->tls);
        bight_free(peers[peer_count - 1]);
    }
    bight_simulation_free(network);
    bight_log_set_observer(NULL, NULL);
}

/* ------------------------------------------------------------------------------------------- results */

/* "name200 'body'", or "name" and the failure's code, behind it its status if it has one. */
__attribute__((unused)) static void note_response(struct bight_result *result, void *name)
{
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    struct bight_failure *failure = bight_result_failure(result);
    if (response != NULL) {
        struct bight_bytes *body = bight_http_response_body(response);
        hear("%s%d '%.40s'", (const char *)name, bight_http_response_status(response),
            body != NULL ? (const char *)bight_bytes_data(body) : "");
    } else if (failure != NULL && bight_failure_status(failure) != 0) {
        hear("%s%s/%d", (const char *)name, bight_error_name(bight_failure_code(failure)),
            bight_failure_status(failure));
    } else if (failure != NULL) {
        hear("%s%s", (const char *)name, bight_error_name(bight_failure_code(failure)));
    } else {
        hear("%s-", (const char *)name);
    }
    bight_result_clear(result);
}

/* Takes the Deferred. */
__attribute__((unused)) static void note(struct bight_deferred *deferred, const char *name)
{
    bight_deferred_add_both(deferred, note_response, (void *)(uintptr_t)name);
    bight_deferred_release(deferred);
}

__attribute__((unused)) static void get(const char *url, const char *name)
{
    note(bight_http_get(client, url), name);
}

#endif
